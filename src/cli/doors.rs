//! Who may come in, and over what: the part of `serve` that is about it.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use clap::Args;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::{
    access::{
        Directory,
        issuer::{Expected, Issuer},
        limit::Limits,
    },
    grpc::{access::Gate, server},
    intake::folder::load_areas,
    metrics::Calls,
    service,
    web::Shown,
};

/// How long a connection may take to say how it is encrypted.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who may come in, and over what.
#[derive(Debug, Args)]
pub(super) struct Doors {
    /// Let in only principals of this file, each with its roles and areas; see `principals`. A change
    /// of the file holds within a second or two.
    #[arg(long, value_name = "FILE", env = "PRICE_LINKAGE_PRINCIPALS")]
    principals: Option<PathBuf>,
    /// Also let in principals by tokens of an issuer (JWT), checked by its public keys in this file, a JSON
    /// Web Key Set. A change of the file holds within a second or two.
    #[arg(long, value_name = "FILE", requires_all = ["principals", "jwt_issuer", "jwt_audience"])]
    jwt_keys: Option<PathBuf>,
    /// The issuer: what `iss` of its tokens must be.
    #[arg(long, value_name = "URL", requires = "jwt_keys")]
    jwt_issuer: Option<String>,
    /// What `aud` of its tokens must hold: the name of this service there.
    #[arg(long, value_name = "NAME", requires = "jwt_keys")]
    jwt_audience: Option<String>,
    /// The claim with the name of the principal.
    #[arg(long, value_name = "CLAIM", default_value = "sub", requires = "jwt_keys")]
    jwt_claim: String,
    /// Encrypt with this certificate and its chain, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of --tls-cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Let principals sign in with certificates that this authority signed, in PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls_cert", "principals"])]
    client_ca: Option<PathBuf>,
    /// Refuse connections without such a certificate, also those with a token.
    #[arg(long, requires = "client_ca")]
    require_client_cert: bool,
    /// How often a principal may call in the long run; ten times as many at once after a pause.
    #[arg(long, value_name = "N", default_value_t = Limits::default().calls_per_second,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls_per_second: u32,
    /// How many calls of a principal may be open at once.
    #[arg(long, value_name = "N", default_value_t = Limits::default().calls_at_once,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls_at_once: u32,
}

impl Doors {
    /// Whether it may be reached from elsewhere: whoever comes signs in, and nobody listens in.
    pub fn are_safe(&self) -> bool {
        self.principals.is_some() && self.tls_cert.is_some()
    }

    /// Reads what the files say.
    ///
    /// # Errors
    /// A file cannot be read, or is wrong.
    pub fn read(&self, data: &[PathBuf]) -> anyhow::Result<server::Doors> {
        let gate = match &self.principals {
            None => Gate::open(),
            Some(path) => {
                let directory = Directory::open(path, &load_areas(data)?, service::now)?;
                eprintln!("{} principals in {}", directory.len(), path.display());
                let Self { calls_per_second, calls_at_once, .. } = *self;
                let gate =
                    Gate::new(Arc::new(directory), Limits { calls_per_second, calls_at_once });
                gate.with_issuer(self.issuer()?)
            }
        };
        Ok(server::Doors { gate: Arc::new(gate), tls: self.tls()?, calls: Calls::default() })
    }

    fn issuer(&self) -> anyhow::Result<Option<Issuer>> {
        let Some(path) = &self.jwt_keys else { return Ok(None) };
        let expected = Expected {
            issuer: self.jwt_issuer.clone().unwrap_or_default(),
            audience: self.jwt_audience.clone().unwrap_or_default(),
            claim: self.jwt_claim.clone(),
        };
        Ok(Some(Issuer::open(path, expected)?))
    }

    fn tls(&self) -> anyhow::Result<Option<ServerTlsConfig>> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let identity = Identity::from_pem(pem(cert)?, pem(key)?);
        let mut tls = ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE);
        if let Some(authority) = &self.client_ca {
            let authority = Certificate::from_pem(pem(authority)?);
            let optional = !self.require_client_cert;
            tls = tls.client_ca_root(authority).client_auth_optional(optional);
        }
        Ok(Some(tls))
    }

    /// What the page shows and wants to be shown, where connections are encrypted.
    ///
    /// # Errors
    /// A file cannot be read, or is wrong.
    pub fn identity(&self) -> anyhow::Result<Option<Shown>> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let wanted = self.client_ca.as_ref().filter(|_| self.require_client_cert);
        let client_ca = wanted.map(pem).transpose()?;
        Ok(Some(Shown { cert: pem(cert)?, key: pem(key)?, client_ca }))
    }

    /// The scheme of its addresses.
    pub fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }
}

/// A file in PEM.
pub(super) fn pem(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    let read = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    anyhow::ensure!(
        read.windows(11).any(|part| part == b"-----BEGIN "),
        "{}: expected PEM, which begins with -----BEGIN",
        path.display()
    );
    Ok(read)
}
