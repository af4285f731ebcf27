//! Who may come in, and over what: the part of `serve` that is about it.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    access::{
        Directory,
        issuer::{Expected, Issuer},
        limit::Limits,
    },
    grpc::{
        access::Gate,
        encryption::{Certificates, Clients, Encryption, Spoken},
        server,
    },
    intake::folder::load_areas,
    metrics::Calls,
    service,
};

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
    /// Encrypt with this certificate and its chain, in PEM. A change of the file and of the key's holds for
    /// who connects a second or two later.
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
        let encryption = self.encryption(Spoken::Http2)?;
        Ok(server::Doors { gate: Arc::new(gate), encryption, calls: Calls::default() })
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

    /// How connections are encrypted, if at all. Who uses a browser signs in on the page, so that it is
    /// asked for a certificate only where everybody is.
    ///
    /// # Errors
    /// A file cannot be read, or is wrong.
    pub fn encryption(&self, spoken: Spoken) -> anyhow::Result<Option<Arc<Encryption>>> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let are_required = self.require_client_cert;
        let asked = self.client_ca.as_ref().filter(|_| are_required || spoken == Spoken::Http2);
        let clients = asked.map(|ca| Clients { authority: ca.clone(), are_required });
        let files = Certificates { cert: cert.clone(), key: key.clone(), clients };
        Ok(Some(Arc::new(Encryption::open(files, spoken)?)))
    }

    /// The scheme of its addresses.
    pub fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }
}
