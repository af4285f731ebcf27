//! What the log tells of a call: its id, on every line written while it is answered.
//!
//! **Invariant:** nothing here comes from a message; of what a caller sends only a UUID is taken over,
//! since in any other text there could be a person's number.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::task::JoinHandle;
use tower::{Layer, Service};
use tracing::{Instrument, Span, field::Empty};

use crate::access::table::Row;

/// The metadata key of a call's id, in the request and in the answer.
pub const REQUEST_ID: &str = "x-request-id";

/// The id that a caller gave, or a new one.
fn id_in(headers: &HeaderMap) -> HeaderValue {
    let is_uuid = |given: &&HeaderValue| {
        // Also written without hyphens, as proxies do; braces and prefixes are not of the log.
        matches!(given.len(), 32 | 36) && uuid::Uuid::try_parse_ascii(given.as_bytes()).is_ok()
    };
    let given = headers.get(REQUEST_ID).filter(is_uuid).cloned();
    given.unwrap_or_else(|| {
        let new = HeaderValue::try_from(uuid::Uuid::now_v7().to_string());
        new.unwrap_or(HeaderValue::from_static(""))
    })
}

/// Notes who the call of this moment is from.
pub(super) fn is_from(principal: &str) {
    Span::current().record("principal", principal);
}

/// Work that takes a while, on a thread of its own; the log still tells which call it is of.
pub(super) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

/// Gives every call its id.
#[derive(Debug, Clone, Copy)]
pub struct CalledLayer;

impl<S> Layer<S> for CalledLayer {
    type Service = Called<S>;

    fn layer(&self, inner: S) -> Called<S> {
        Called(inner)
    }
}

/// A service whose calls have ids.
#[derive(Debug, Clone)]
pub struct Called<S>(S);

impl<S, B, A> Service<Request<B>> for Called<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Future: Send + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let id = id_in(request.headers());
        // A client's own words are not logged.
        let rpc = Row::of(request.uri().path()).map_or("other", |row| row.rpc);
        let told = id.to_str().unwrap_or_default();
        // An error's line must have it as well, at whatever level the log is.
        let span =
            tracing::error_span!("call", request_id = told, rpc, principal = Empty, code = Empty);
        #[cfg(feature = "traces")]
        super::continued::continues(&span, request.headers());
        let answer = span.in_scope(|| self.0.call(request));
        let answer = async move {
            let mut answer = answer.await?;
            answer.headers_mut().insert(REQUEST_ID, id);
            Ok(answer)
        };
        Box::pin(answer.instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_are_taken_over() {
        let id = |given: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
            id_in(&headers)
        };
        for given in ["0191a7a4-0000-7000-8000-00000000000a", "0191a7a400007000800000000000000A"] {
            assert_eq!(id(given.as_bytes()), given);
        }
        for given in [
            &b""[..],
            b"990101199003077719",
            b"0191a7a4-0000-7000-8000-00000000000g",
            b"{0191a7a4-0000-7000-8000-00000000000a}",
            b"urn:uuid:0191a7a4-0000-7000-8000-00000000000a",
            "张".repeat(12).leak().as_bytes(),
        ] {
            let new = id(given);
            assert_ne!(new.as_bytes(), given);
            assert_eq!(uuid::Uuid::try_parse(new.to_str().unwrap()).unwrap().get_version_num(), 7);
        }
        assert_ne!(id_in(&HeaderMap::new()), id_in(&HeaderMap::new()));
    }
}
