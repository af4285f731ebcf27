//! What is served beside the services: the page for people, and what operators watch.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, ensure};
use clap::Args;
use tokio::{net::TcpListener, sync::watch::Receiver, task::JoinHandle};

use crate::{
    access::Role,
    domain::area::AreaCode,
    grpc::{access::Gate, arrivals, encryption::Spoken},
    metrics::{self, Calls, Watched},
    service::Service,
    web::{
        self, Encrypted, Settings, Site,
        connections::{Limits, serve},
    },
};

use super::doors::Doors;

/// What is served beside the services.
#[derive(Debug, Args)]
pub(super) struct Beside {
    /// Where to serve the page for people, for example 127.0.0.1:8080; without it there is none. Encrypted
    /// as the services are.
    #[arg(long, value_name = "ADDRESS", env = "PRICE_LINKAGE_PAGE")]
    page: Option<SocketAddr>,
    /// A name under which the page is reached, besides those of this machine itself; may be repeated.
    #[arg(long, value_name = "NAME", requires = "page")]
    page_host: Vec<String>,
    /// Let the page be read without signing in, as this principal, which may have no role but reader.
    #[arg(long, value_name = "NAME", requires_all = ["page", "principals"])]
    page_public: Option<String>,
    /// The area that the page shows first.
    #[arg(long, value_name = "CODE", default_value = "150000")]
    home: AreaCode,
    /// Where to answer /healthz, /readyz and /metrics, for example 127.0.0.1:9464; without it nowhere.
    #[arg(long, value_name = "ADDRESS", env = "PRICE_LINKAGE_METRICS")]
    metrics: Option<SocketAddr>,
}

/// A server on its way.
pub(super) type Served = JoinHandle<()>;

impl Beside {
    /// The addresses with their names, and whether each may be reached from elsewhere.
    pub fn addresses(&self, doors: &Doors) -> [(&'static str, Option<SocketAddr>, bool); 2] {
        [("page", self.page, doors.are_safe()), ("metrics", self.metrics, false)]
    }

    /// Begins to serve what was asked for.
    pub async fn start(
        &self,
        doors: &Doors,
        gate: &Arc<Gate>,
        (service, calls): (Arc<Service>, Calls),
        stopped: &Receiver<bool>,
    ) -> anyhow::Result<Vec<Served>> {
        let mut served = Vec::new();
        if let Some(address) = self.page {
            let behind = (service.clone(), gate.clone(), calls.clone());
            served.push(self.page(address, doors, behind, stopped).await?);
        }
        if let Some(address) = self.metrics {
            let (listener, address) = listen(address)?;
            println!("metrics on http://{address}/metrics");
            let watched = Arc::new(Watched::new(service, &calls));
            let stop = told(stopped.clone());
            let told = watched.clone();
            let stop = async move {
                stop.await;
                told.stopping();
            };
            let app = metrics::router(watched);
            served.push(tokio::spawn(serve(app, listener, Limits::default(), stop)));
        }
        Ok(served)
    }

    async fn page(
        &self,
        address: SocketAddr,
        doors: &Doors,
        (service, gate, calls): (Arc<Service>, Arc<Gate>, Calls),
        stopped: &Receiver<bool>,
    ) -> anyhow::Result<Served> {
        if let Some(name) = &self.page_public {
            let reader = gate.by_name(name);
            let reader = reader.with_context(|| format!("--page-public {name:?} is not listed"))?;
            let reads = reader.grants.iter().all(|grant| grant.role == Role::Reader);
            ensure!(reads, "--page-public {name:?}: expected no role but reader");
        }
        let (listener, address) = listen(address)?;
        let encryption = doors.encryption(Spoken::Either)?;
        let settings = Settings {
            home: self.home.to_string(),
            public: self.page_public.clone(),
            hosts: self.page_host.clone(),
            is_encrypted: encryption.is_some(),
        };
        let site = Arc::new(Site::new(service, gate, calls, settings));
        let stop = told(stopped.clone());
        println!("page on {}://{address}/", doors.scheme());
        Ok(match encryption {
            None => tokio::spawn(serve(web::router(site), listener, Limits::default(), stop)),
            Some(encryption) => {
                let listener = Encrypted::new(listener, encryption).context("encrypt the page")?;
                tokio::spawn(serve(web::router(site), listener, Limits::default(), stop))
            }
        })
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = arrivals::listen(address);
    let listener = listener.with_context(|| format!("listen on {address}"))?;
    let address = listener.local_addr().context("find the address")?;
    Ok((listener, address))
}

/// Resolves once stopping is told.
pub(super) async fn told(mut stopped: Receiver<bool>) {
    // Whoever tells it goes only with the program.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
