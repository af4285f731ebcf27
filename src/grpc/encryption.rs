//! How connections are encrypted, by certificates that are read again when they change.
//!
//! **Invariant:** a connection is greeted with a certificate and a key that fit; where the files of now do
//! not, with the last ones that did.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
    server::TlsStream,
};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};

use crate::access::watched::Watched;

/// How long a client may take to greet.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The files with what a server shows and wants to be shown, all in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The certificate and its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authority of client certificates; none asks for none.
    pub clients: Option<Clients>,
}

/// Whose certificates clients may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// The authority that signed them.
    pub authority: PathBuf,
    /// Whether a client without one is refused.
    pub are_required: bool,
}

/// What is spoken over the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP/2 alone, as gRPC does.
    Http2,
    /// HTTP/2 or HTTP/1.1, as browsers do.
    Either,
}

/// Why connections cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// A file cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: expected {expected}: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What was found.
        why: String,
    },
}

const CERT: &str = "a certificate and its chain in PEM, which begins with -----BEGIN";
const KEY: &str = "the key of the certificate in PEM, which begins with -----BEGIN";
const AUTHORITY: &str = "the authority of client certificates in PEM, which begins with -----BEGIN";

/// How connections are encrypted.
#[derive(Debug)]
pub struct Encryption {
    files: Certificates,
    spoken: Spoken,
    watched: Mutex<Vec<Watched>>,
    config: ArcSwap<ServerConfig>,
}

impl Encryption {
    /// By files that are read now, and again within a second or two of a change.
    ///
    /// # Errors
    /// See [`EncryptError`].
    pub fn open(files: Certificates, spoken: Spoken) -> Result<Self, EncryptError> {
        let watched = Mutex::new(files.paths().map(Watched::new).collect());
        let config = ArcSwap::new(files.read(spoken)?);
        Ok(Self { files, spoken, watched, config })
    }

    fn acceptor(&self) -> TlsAcceptor {
        self.read_again();
        TlsAcceptor::from(self.config.load_full())
    }

    fn read_again(&self) {
        // Held until what is read now is stored, so that nothing older comes after it.
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_changed = false;
        for one in &*watched {
            one.if_changed(|_| is_changed = true);
        }
        if is_changed {
            match self.files.read(self.spoken) {
                Ok(config) => {
                    self.config.store(config);
                    tracing::info!("the changed certificates hold from now on");
                }
                // Of two files one comes before the other.
                Err(why) => tracing::warn!(%why, "the changed certificates are not used"),
            }
        }
    }

    /// Encrypts a connection; none where the other end does not greet as it should, or not in time.
    pub async fn greet<S>(&self, stream: S) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let greeted = tokio::time::timeout(HANDSHAKE, self.acceptor().accept(stream)).await;
        greeted.ok()?.ok()
    }

    /// Those of the connections that come who greet, as soon as they do, until the other end is dropped.
    pub(super) fn greeted<S>(
        self: Arc<Self>,
        mut come: impl Stream<Item = io::Result<S>> + Unpin + Send + 'static,
    ) -> ReceiverStream<io::Result<TlsStream<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, greeted) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = sender.closed() => return,
                    come = come.next() => match come {
                        None => return,
                        Some(Err(_)) => continue,
                        Some(Ok(stream)) => stream,
                    },
                };
                let (encryption, sender) = (self.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Some(stream) = encryption.greet(stream).await {
                        // Whoever serves may have stopped.
                        let _ = sender.send(Ok(stream)).await;
                    }
                });
            }
        });
        ReceiverStream::new(greeted)
    }
}

impl Certificates {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let authority = self.clients.as_ref().map(|clients| clients.authority.as_path());
        [self.cert.as_path(), &self.key].into_iter().chain(authority)
    }

    fn read(&self, spoken: Spoken) -> Result<Arc<ServerConfig>, EncryptError> {
        let chain = certificates(&self.cert, CERT)?;
        let key =
            PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(wrong(&self.key, KEY))?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(wrong(&self.cert, CERT))?;
        let config = match &self.clients {
            None => config.with_no_client_auth(),
            Some(Clients { authority, are_required }) => {
                let mut roots = RootCertStore::empty();
                for one in certificates(authority, AUTHORITY)? {
                    roots.add(one).map_err(wrong(authority, AUTHORITY))?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier =
                    if *are_required { verifier } else { verifier.allow_unauthenticated() };
                config.with_client_cert_verifier(
                    verifier.build().map_err(wrong(authority, AUTHORITY))?,
                )
            }
        };
        let mut config = config.with_single_cert(chain, key).map_err(wrong(&self.key, KEY))?;
        config.alpn_protocols = match spoken {
            Spoken::Http2 => vec![b"h2".to_vec()],
            Spoken::Either => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        Ok(Arc::new(config))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EncryptError> {
    fs::read(path).map_err(|source| EncryptError::Read { path: path.into(), source })
}

fn certificates(
    path: &Path,
    expected: &'static str,
) -> Result<Vec<CertificateDer<'static>>, EncryptError> {
    let chain = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(wrong(path, expected))?;
    if chain.is_empty() {
        return Err(wrong(path, expected)("there is none"));
    }
    Ok(chain)
}

fn wrong<E: ToString>(path: &Path, expected: &'static str) -> impl Fn(E) -> EncryptError {
    move |why| EncryptError::Wrong { path: path.into(), expected, why: why.to_string() }
}
