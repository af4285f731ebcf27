//! The page over TLS.
//!
//! **Invariant:** a client that is slow to greet keeps its place among those that greet for no longer than
//! [`HANDSHAKE`].

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{VerifierBuilderError, WebPkiClientVerifier},
    },
    server::TlsStream,
};

/// How long a client may take to greet.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Clients that greet at once; others wait.
const GREETING_MAX: usize = 256;

/// Connections whose greeting is over.
pub struct Encrypted {
    greeted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// What the page shows to browsers, and what it wants to be shown, in PEM.
pub struct Shown {
    /// The certificate and its chain.
    pub cert: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
    /// The authority without whose certificate no browser comes in; none lets every browser in.
    pub client_ca: Option<Vec<u8>>,
}

/// Why connections cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// The certificate or its key cannot be read.
    #[error("the certificate or its key: {0}")]
    Pem(#[from] tokio_rustls::rustls::pki_types::pem::Error),
    /// The authority of clients cannot be used.
    #[error("the authority of client certificates: {0}")]
    Authority(#[from] VerifierBuilderError),
    /// They do not fit.
    #[error("the certificate and its key: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// The address cannot be found.
    #[error("find the address: {0}")]
    Address(#[from] io::Error),
}

impl Encrypted {
    /// Encrypts a listener's connections.
    ///
    /// # Errors
    /// See [`EncryptError`].
    pub fn new(listener: TcpListener, shown: &Shown) -> Result<Self, EncryptError> {
        let chain = CertificateDer::pem_slice_iter(&shown.cert).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&shown.key)?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let config = match &shown.client_ca {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                for one in CertificateDer::pem_slice_iter(authority) {
                    roots.add(one?)?;
                }
                let roots = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(roots.build()?)
            }
        };
        let mut config = config.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let address = listener.local_addr()?;
        let (sender, greeted) = mpsc::channel(GREETING_MAX);
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), sender));
        Ok(Self { greeted, address, accepting })
    }
}

async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let greeting = Arc::new(Semaphore::new(GREETING_MAX));
    loop {
        let Ok(turn) = greeting.clone().acquire_owned().await else { return };
        let (stream, peer) = Listener::accept(&mut listener).await;
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            let greeted = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = greeted {
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
