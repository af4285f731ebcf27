//! How long calls take, by rpc and outcome; and the line of the log at their ends.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Span;

use crate::access::table::Row;

/// Upper bounds in seconds: from a status by itself to a replay of the nation.
const BOUNDS: [f64; 12] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0, 60.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    rpc: &'static str,
    code: &'static str,
}

/// Durations of calls, and how many are open.
#[derive(Debug, Clone)]
pub struct Calls {
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    open: Gauge,
}

impl Default for Calls {
    fn default() -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> _);
        Self { durations, open: Gauge::default() }
    }
}

impl Calls {
    /// Adds them to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "call_duration",
            "How long calls took until their last byte, by rpc and gRPC code",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register("calls_open", "Calls that are not at their end", self.open.clone());
    }

    fn begun(&self, path: &str) -> Open {
        self.open.inc();
        // A client's own words are no label.
        let rpc = Row::of(path).map_or("other", |row| row.rpc);
        Open { calls: self.clone(), rpc, begun: Instant::now(), code: None, span: Span::current() }
    }
}

/// A call that is not at its end; counted when it is dropped.
struct Open {
    calls: Calls,
    rpc: &'static str,
    begun: Instant,
    code: Option<Code>,
    /// What the log tells of it.
    span: Span,
}

impl Open {
    fn note(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            self.code = Some(status.code());
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.calls.open.dec();
        // Whoever asked went before the end.
        let code = word(self.code.unwrap_or(Code::Cancelled));
        let labels = Labels { rpc: self.rpc, code };
        let took = self.begun.elapsed();
        self.calls.durations.get_or_create(&labels).observe(took.as_secs_f64());
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.span.in_scope(|| tracing::info!(rpc = self.rpc, code, duration_us = took, "call"));
        // For traces; the line above says it already.
        self.span.record("code", code);
    }
}

/// A code as gRPC writes it.
fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Measures every call.
#[derive(Debug, Clone)]
pub struct CallsLayer(pub Calls);

impl<S> Layer<S> for CallsLayer {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured { inner, calls: self.0.clone() }
    }
}

/// A service whose calls are measured.
#[derive(Debug, Clone)]
pub struct Measured<S> {
    inner: S,
    calls: Calls,
}

impl<S, B, A> Service<Request<B>> for Measured<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Future: Send + 'static,
    A: HttpBody + Unpin,
{
    type Response = Response<Watching<A>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut open = self.calls.begun(request.uri().path());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            open.note(answer.headers());
            Ok(answer.map(|inner| Watching { inner, open }))
        })
    }
}

/// A body whose trailers tell how the call ended.
pub struct Watching<B> {
    inner: B,
    open: Open,
}

impl<B: HttpBody + Unpin> HttpBody for Watching<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let span = self.open.span.clone();
        let _entered = span.enter();
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.open.note(trailers);
                }
            }
            Some(Err(_)) => self.open.code = Some(Code::Internal),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
