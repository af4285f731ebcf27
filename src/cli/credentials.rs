//! How a client shows who it is, and knows whom it speaks to.
//!
//! **Invariant:** a token is never sent unencrypted beyond this machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use http::{HeaderValue, Request, Uri, header::AUTHORIZATION};
use tonic::{
    body::Body,
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity},
};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::client::{Error, Transport};

/// What a client shows a server, and trusts.
#[derive(Debug, Clone, Args)]
pub(super) struct Credentials {
    /// Sign in to --server with the token in this file.
    #[arg(long, global = true, value_name = "FILE", env = "PRICE_LINKAGE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Trust servers that this authority signed, in PEM, instead of those the system trusts.
    #[arg(long, global = true, value_name = "FILE", env = "PRICE_LINKAGE_CA")]
    ca: Option<PathBuf>,
    /// Sign in with this certificate and its chain, in PEM.
    #[arg(long, global = true, value_name = "FILE", env = "PRICE_LINKAGE_CLIENT_CERT")]
    client_cert: Option<PathBuf>,
    /// The key of --client-cert, in PEM.
    #[arg(long, global = true, value_name = "FILE", env = "PRICE_LINKAGE_CLIENT_KEY")]
    client_key: Option<PathBuf>,
}

impl Credentials {
    /// A connection to a server.
    ///
    /// # Errors
    /// A file cannot be read, or the server does not answer.
    pub async fn connect(&self, url: &str) -> anyhow::Result<Transport> {
        let endpoint = Endpoint::from_shared(url.to_owned());
        let mut endpoint =
            endpoint.with_context(|| format!("server {url:?}: expected http://HOST:PORT"))?;
        let encrypted = endpoint.uri().scheme_str() == Some("https");
        let token = self.token()?;
        if token.is_some() && !encrypted && !is_here(endpoint.uri()) {
            bail!("server {url:?}: expected https, since a token is sent");
        }
        if encrypted {
            endpoint = endpoint.tls_config(self.tls()?).context("prepare the encryption")?;
        } else if self.client_cert.is_some() {
            bail!("server {url:?}: expected https, since --client-cert is given");
        }
        let channel = endpoint.connect().await;
        let channel = channel.with_context(|| format!("server {url:?} does not answer"))?;
        let channel = channel.map_err(|error| Error::from(Box::from(error))).map_request(
            move |request: Request<Body>| {
                let mut request = request;
                if let Some(token) = &token {
                    request.headers_mut().insert(AUTHORIZATION, token.clone());
                }
                request
            },
        );
        Ok(BoxCloneSyncService::new(channel))
    }

    fn tls(&self) -> anyhow::Result<ClientTlsConfig> {
        let mut tls = ClientTlsConfig::new();
        tls = match &self.ca {
            Some(authority) => tls.ca_certificate(Certificate::from_pem(pem(authority)?)),
            None => tls.with_enabled_roots(),
        };
        match (&self.client_cert, &self.client_key) {
            (Some(cert), Some(key)) => {
                tls = tls.identity(Identity::from_pem(pem(cert)?, pem(key)?));
            }
            (None, None) => {}
            _ => bail!("--client-cert and --client-key: expected both or neither"),
        }
        Ok(tls)
    }

    fn token(&self) -> anyhow::Result<Option<HeaderValue>> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("read {}", path.display()))?;
        let token = text.trim();
        ensure!(
            crate::access::token::id_of(token).is_some() || token.split('.').count() == 3,
            "{}: expected a token as `principals add` prints it, or one of an issuer",
            path.display()
        );
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Whether an address is of this machine.
pub(super) fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A file in PEM.
fn pem(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    anyhow::ensure!(
        read.windows(11).any(|part| part == b"-----BEGIN "),
        "{}: expected PEM, which begins with -----BEGIN",
        path.display()
    );
    Ok(read)
}
