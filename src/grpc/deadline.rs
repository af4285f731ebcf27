//! Deadlines: a call that outlives the `grpc-timeout` its client sent ends with DEADLINE_EXCEEDED, and so
//! does one whose request stops coming.
//!
//! **Invariant:** what a recording had begun when its deadline passed is carried out or not as if
//! the client had gone; repeating the request tells which.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tower_http::timeout::{TimeoutBody, TimeoutError};

use super::status::refused;

/// How much earlier than the transport's own timer, which would answer CANCELLED.
const AHEAD: Duration = Duration::from_millis(5);

/// How long the next part of a request may take to come.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Whoever stops in the middle of a request holds what it takes no longer.
pub(super) fn coming(request: Request<Body>) -> Request<Body> {
    request.map(|body| {
        let timely = TimeoutBody::new(PAUSE_MAX, body);
        Body::new(timely.map_err(|error| match error.is::<TimeoutError>() {
            true => Box::new(stopped()),
            false => error,
        }))
    })
}

fn stopped() -> Status {
    let seconds = PAUSE_MAX.as_secs();
    let text = format!("nothing more of the request came for {seconds} seconds");
    refused(Code::DeadlineExceeded, "DEADLINE", text)
}

/// Lets calls end at their deadlines.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeadlineLayer;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline(inner)
    }
}

/// A service whose calls end at their deadlines.
#[derive(Debug, Clone)]
pub(super) struct Deadline<S>(S);

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = deadline_in(request.headers());
        let answer = self.0.call(request);
        let Some(deadline) = deadline else { return Box::pin(answer) };
        let deadline = deadline.checked_sub(AHEAD).unwrap_or(deadline);
        Box::pin(async move {
            match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(answer) => answer,
                Err(_) => Ok(passed().into_http()),
            }
        })
    }
}

/// Goes on while the deadline is not passed.
pub(super) fn in_time(deadline: Option<Instant>) -> Result<(), Status> {
    match deadline {
        Some(deadline) if deadline <= Instant::now() => Err(passed()),
        _ => Ok(()),
    }
}

/// The status of a call whose deadline has passed.
pub(super) fn passed() -> Status {
    refused(Code::DeadlineExceeded, "DEADLINE", "the deadline passed before the answer was ready")
}

/// The instant by which the client wants to be done, from the `grpc-timeout` it sent.
pub(super) fn deadline_in(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    let nanos: u64 = match unit {
        "H" => 3_600_000_000_000,
        "M" => 60_000_000_000,
        "S" => 1_000_000_000,
        "m" => 1_000_000,
        "u" => 1_000,
        "n" => 1,
        _ => return None,
    };
    Instant::now().checked_add(Duration::from_nanos(count.checked_mul(nanos)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn called(timeout: &str, takes: Duration) -> Response<Body> {
        let slow = tower::service_fn(move |_: Request<()>| async move {
            tokio::time::sleep(takes).await;
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        });
        let request = Request::builder().header("grpc-timeout", timeout).body(()).unwrap();
        DeadlineLayer.layer(slow).call(request).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_stops_coming_ends_and_one_that_is_slow_does_not() {
        let (mut sender, body) = http_body_util::channel::Channel::<bytes::Bytes, Status>::new(1);
        let mut body = coming(Request::new(Body::new(body))).into_body();
        for _ in 0..3 {
            let sent = async {
                tokio::time::sleep(PAUSE_MAX - Duration::from_millis(1)).await;
                sender.send_data(bytes::Bytes::from_static(b"part")).await.unwrap();
            };
            let (frame, ()) = tokio::join!(body.frame(), sent);
            assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "part");
        }
        let begun = tokio::time::Instant::now();
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(begun.elapsed(), PAUSE_MAX);
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert_eq!(error.message(), "nothing more of the request came for 60 seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_its_deadline_and_says_so() {
        let in_time = called("1S", Duration::from_millis(990)).await;
        assert!(!in_time.headers().contains_key("grpc-status"));
        let late = called("1S", Duration::from_millis(1_000)).await;
        let code = (Code::DeadlineExceeded as i32).to_string();
        assert_eq!(late.headers()["grpc-status"], code.as_str());
        let unread = called("soon", Duration::from_secs(3_600)).await;
        assert!(!unread.headers().contains_key("grpc-status"));
    }
}
