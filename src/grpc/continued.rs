//! Traces that a caller has begun, by the `traceparent` of W3C Trace Context.
//!
//! **Invariant:** only ids of hexadecimal digits are taken over, since the other headers of traces hold
//! whatever a caller likes.

use http::HeaderMap;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The span is part of the trace that the headers name, if they do.
pub(super) fn continues(span: &Span, headers: &HeaderMap) {
    let named = headers.get("traceparent").and_then(|value| value.to_str().ok());
    if let Some(parent) = named.and_then(parent) {
        // It fails only where nobody listens.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// As in `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
fn parent(text: &str) -> Option<SpanContext> {
    let parts: Vec<_> = text.split('-').collect();
    let ["00", trace, span, flags] = *parts else { return None };
    let are_hex = [trace, span, flags].concat().bytes().all(|byte| byte.is_ascii_hexdigit());
    if !are_hex || [trace.len(), span.len(), flags.len()] != [32, 16, 2] {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let parent = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    parent.is_valid().then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_as_the_standard_says_is_a_parent() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = parent(good).unwrap();
        assert_eq!(read.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(read.span_id().to_string(), "b7ad6b7169203331");
        assert!(read.is_sampled());
        assert!(!parent(&good.replace("-01", "-00")).unwrap().is_sampled());
        for wrong in [
            "",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319cc-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
        ] {
            assert_eq!(parent(wrong), None, "{wrong}");
        }
    }
}
