//! Connections of callers: so many at a time, and none keeps its place by asking for nothing.
//!
//! **Invariant:** a connection that has not asked for anything within [`Limits::head`] ends, whether it
//! is silent, in the middle of a handshake or idle; where every place is taken, the one that has asked
//! for nothing longest gives its own up to who comes. A want of file handles ends no service.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use http::Extensions;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::sleep,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo, TlsConnectInfo};

/// What connections may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at a time; others wait to be let in.
    pub connections: usize,
    /// How long a connection may be open before it asks, and how long the head of a request may take.
    pub head: Duration,
    /// After this long a connection ends with the requests it has begun.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (head, age) = (Duration::from_secs(15), Duration::from_secs(3_600));
        Self { connections: 1_024, head, age }
    }
}

/// Whether a connection has asked for anything.
type Asked = Arc<AtomicBool>;

/// A connection that was let in.
pub(super) struct Arrival {
    stream: TcpStream,
    asked: Asked,
    /// Resolves when it must go; none once it has asked.
    goes: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _place: OwnedSemaphorePermit,
}

/// What is known of a connection where a call is answered.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its addresses.
    pub tcp: TcpConnectInfo,
    asked: Asked,
}

impl Peer {
    /// Of a call, whether encrypted or not.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        let encrypted = extensions.get::<TlsConnectInfo<Self>>();
        encrypted.map(TlsConnectInfo::get_ref).or_else(|| extensions.get())
    }

    /// Whoever has asked may stay.
    pub fn asks(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}

impl Connected for Arrival {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        Peer { tcp: self.stream.connect_info(), asked: self.asked.clone() }
    }
}

/// How many may wait to be let in; the 128 of the standard library are full at once when many come,
/// and who finds no room tries again only after a second.
const WAITING_MAX: u32 = 4_096;

/// Listens where many may come at once.
///
/// # Errors
/// The address cannot be listened on.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart need not wait for the last connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

/// Whoever comes, until the other end is dropped.
pub(super) fn arrivals(
    listener: TcpListener,
    limits: Limits,
) -> ReceiverStream<io::Result<Arrival>> {
    let (sender, arrived) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            () = let_in(listener, limits, &sender) => {}
        }
    });
    ReceiverStream::new(arrived)
}

async fn let_in(
    mut listener: TcpListener,
    limits: Limits,
    sender: &mpsc::Sender<io::Result<Arrival>>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut silent = VecDeque::<(Asked, oneshot::Sender<()>)>::new();
    let is_silent = |(asked, goes): &(Asked, oneshot::Sender<()>)| {
        !asked.load(Ordering::Relaxed) && !goes.is_closed()
    };
    loop {
        // This listener waits where no more files can be opened.
        let (stream, _) = Listener::accept(&mut listener).await;
        if places.available_permits() == 0 {
            let longest = std::iter::from_fn(|| silent.pop_front()).find(is_silent);
            let _ = longest.map(|(_, goes)| goes.send(()));
        }
        let Ok(place) = places.clone().acquire_owned().await else { return };
        // Without it each answer waits for the client's delayed acknowledgement, some 40 ms.
        let _ = stream.set_nodelay(true);
        let (told, must_go) = oneshot::channel();
        let goes = async move {
            tokio::select! {
                () = sleep(limits.head) => {}
                _ = must_go => {}
            }
        };
        let asked = Asked::default();
        if limits.connections.saturating_mul(2) <= silent.len() {
            silent.retain(is_silent);
        }
        silent.push_back((asked.clone(), told));
        let arrival = Arrival { stream, asked, goes: Some(Box::pin(goes)), _place: place };
        if sender.send(Ok(arrival)).await.is_err() {
            return;
        }
    }
}

impl AsyncRead for Arrival {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.asked.load(Ordering::Relaxed) {
            self.goes = None;
        }
        if let Some(goes) = &mut self.goes
            && goes.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Arrival {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::timeout,
    };
    use tonic::transport::{Channel, Endpoint, Server};
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    use tower::util::MapRequestLayer;

    use super::*;

    const HEAD: Duration = Duration::from_millis(400);
    /// Longer than any test waits for what should come.
    const LONG: Duration = Duration::from_secs(30);

    async fn served(limits: Limits) -> SocketAddr {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (_reporter, health) = tonic_health::server::health_reporter();
        let asks = |request: http::Request<tonic::body::Body>| {
            Peer::of(request.extensions()).unwrap().asks();
            request
        };
        let served = Server::builder()
            .layer(MapRequestLayer::new(asks))
            .add_service(health)
            .serve_with_incoming(arrivals(listener, limits));
        tokio::spawn(served);
        address
    }

    async fn asking(address: SocketAddr) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = timeout(LONG, endpoint.connect()).await.unwrap().unwrap();
        asks(&channel).await;
        channel
    }

    async fn asks(channel: &Channel) {
        let mut health = HealthClient::new(channel.clone());
        let asked = health.check(HealthCheckRequest::default());
        timeout(LONG, asked).await.unwrap().unwrap();
    }

    /// How long it takes until a connection that says so much ends.
    async fn ends(address: SocketAddr, says: &[u8]) -> Duration {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(says).await.unwrap();
        let mut told = Vec::new();
        // An end by reset is an end.
        let _ = timeout(LONG, stream.read_to_end(&mut told)).await.unwrap();
        begun.elapsed()
    }

    /// The preface and an empty frame of settings, as every client begins.
    const BEGINS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    #[tokio::test]
    async fn who_asks_for_nothing_is_let_go_and_who_asked_stays() {
        let limits = Limits { head: HEAD, ..Limits::default() };
        let address = served(limits).await;
        let channel = asking(address).await;
        for says in [&b""[..], &BEGINS[..11], BEGINS] {
            let lasted = ends(address, says).await;
            assert!(HEAD <= lasted && lasted < LONG / 2, "{says:?} {lasted:?}");
        }
        let same = channel.clone();
        sleep(HEAD * 2).await;
        asks(&same).await;
    }

    #[tokio::test]
    async fn the_one_silent_longest_makes_room_and_who_asked_does_not() {
        let limits = Limits { connections: 4, head: LONG * 4, ..Limits::default() };
        let address = served(limits).await;
        let asked = asking(address).await;
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut newer = Vec::new();
        for longest in &mut silent {
            newer.push(asking(address).await);
            let mut told = Vec::new();
            let _ = timeout(LONG, longest.read_to_end(&mut told)).await.expect("it is gone");
        }
        for channel in newer.iter().chain([&asked]) {
            asks(channel).await;
        }
    }
}
