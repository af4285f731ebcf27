//! The page over TLS.
//!
//! **Invariant:** a client that is slow to greet keeps no other from it for longer than greeting may take.

use std::{io, net::SocketAddr, sync::Arc};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_rustls::server::TlsStream;

use crate::grpc::encryption::Encryption;

/// Clients that greet at once; others wait.
const GREETING_MAX: usize = 256;

/// Connections whose greeting is over.
pub struct Encrypted {
    greeted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Encrypted {
    /// Encrypts a listener's connections.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn new(listener: TcpListener, encryption: Arc<Encryption>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, greeted) = mpsc::channel(GREETING_MAX);
        let accepting = tokio::spawn(accept(listener, encryption, sender));
        Ok(Self { greeted, address, accepting })
    }
}

async fn accept(
    mut listener: TcpListener,
    encryption: Arc<Encryption>,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let greeting = Arc::new(Semaphore::new(GREETING_MAX));
    loop {
        let Ok(turn) = greeting.clone().acquire_owned().await else { return };
        let (stream, peer) = Listener::accept(&mut listener).await;
        let (encryption, sender) = (encryption.clone(), sender.clone());
        tokio::spawn(async move {
            if let Some(stream) = encryption.greet(stream).await {
                // Whoever serves may have stopped.
                let _ = sender.send((stream, peer)).await;
            }
            drop(turn);
        });
    }
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.greeted.recv().await {
            Some(greeted) => greeted,
            // Accepting ends only with this value.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
