//! Connections of browsers and watchers: so many at a time, and none keeps its place by saying nothing.
//!
//! **Invariant:** a connection that has not asked for anything within [`Limits::head`], or that dribbles
//! the head of a request for longer, ends; the service stops no later than [`DRAIN`] after it is told.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response, serve::Listener};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{ServiceExt, service_fn};

pub use crate::grpc::arrivals::Limits;

/// How long requests in progress may take once the service is stopping.
const DRAIN: Duration = Duration::from_secs(5);

/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most requests at a time on one connection.
const STREAMS_MAX: u32 = 64;

/// Where a visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves whoever comes until `stop` resolves, then drains.
pub async fn serve<L>(app: Router, mut listener: L, limits: Limits, stop: impl Future<Output = ()>)
where
    L: Listener<Addr = SocketAddr>,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        let connection = serve_one(app.clone(), stream, peer, limits, stopped.clone());
        open.spawn(async move {
            connection.await;
            drop(place);
        });
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = stopping.send(true);
    let _ = timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await;
}

async fn serve_one<S>(
    app: Router,
    stream: S,
    peer: SocketAddr,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (asking, mut asked) = watch::channel(false);
    let answer = service_fn(move |mut request: http::Request<Incoming>| {
        asking.send_replace(true);
        request.extensions_mut().insert(ConnectInfo(Peer(peer)));
        let answered = app.clone().oneshot(request.map(Body::new));
        async move { Ok::<Response, Infallible>(answered.await.unwrap_or_else(|never| match never {})) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    let head = limits.head;
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(head * 2)
        .keep_alive_timeout(head)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(answer));
    let mut connection = pin!(connection);
    let silent = async {
        // Whoever has asked may stay.
        if timeout(head, asked.wait_for(|asked| *asked)).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        // A connection that breaks is the visitor's affair.
        _ = connection.as_mut() => return,
        () = silent => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
        () = sleep(limits.age) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.age, connection).await;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::oneshot,
    };

    use super::*;

    const LIMITS: Limits =
        Limits { connections: 4, head: Duration::from_millis(300), age: Duration::from_secs(60) };

    async fn served(limits: Limits) -> (SocketAddr, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let app = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(serve(app, listener, limits, async move {
            let _ = stopped.await;
        }));
        (address, stop)
    }

    const ASKS: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// What comes until the connection ends.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut told = Vec::new();
        // An end by reset is an end.
        let _ = stream.read_to_end(&mut told).await;
        String::from_utf8_lossy(&told).into_owned()
    }

    async fn answers(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(ASKS).await.unwrap();
        let mut told = vec![0; 1_000];
        let read = timeout(Duration::from_secs(10), stream.read(&mut told)).await.unwrap().unwrap();
        String::from_utf8_lossy(&told[..read]).into_owned()
    }

    #[tokio::test]
    async fn the_silent_the_slow_and_the_idle_are_let_go() {
        let (address, _stop) = served(LIMITS).await;
        let begun = Instant::now();
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(rest(&mut silent).await, "");
        assert!(LIMITS.head <= begun.elapsed(), "{:?}", begun.elapsed());

        let mut slow = TcpStream::connect(address).await.unwrap();
        let mut written = 0;
        for byte in ASKS {
            // Before the head is whole, the connection ends.
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            written += 1;
            sleep(Duration::from_millis(25)).await;
        }
        assert!(written < ASKS.len(), "{written} of {} bytes were taken", ASKS.len());

        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(ASKS).await.unwrap();
        let told = timeout(Duration::from_secs(10), rest(&mut idle)).await.unwrap();
        assert!(told.ends_with("here"), "{told}");
    }

    #[tokio::test]
    async fn silent_connections_keep_others_out_for_no_longer_than_the_head_takes() {
        let (address, _stop) = served(LIMITS).await;
        let mut silent = Vec::new();
        for _ in 0..LIMITS.connections * 2 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let begun = Instant::now();
        assert!(answers(address).await.ends_with("here"));
        assert!(LIMITS.head <= begun.elapsed(), "there was a place: {:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn an_old_connection_ends_after_its_request_and_a_stop_does_not_wait_for_the_idle() {
        let age = Duration::from_millis(100);
        let (address, _stop) = served(Limits { age, head: DRAIN * 4, ..LIMITS }).await;
        let mut old = TcpStream::connect(address).await.unwrap();
        old.write_all(ASKS).await.unwrap();
        assert!(timeout(DRAIN * 2, rest(&mut old)).await.unwrap().ends_with("here"));

        let (address, stop) = served(Limits { head: DRAIN * 4, ..LIMITS }).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(ASKS).await.unwrap();
        idle.read_exact(&mut [0; 4]).await.unwrap();
        stop.send(()).unwrap();
        timeout(DRAIN * 2, rest(&mut idle)).await.unwrap();
    }
}
