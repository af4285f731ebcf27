//! `serve`

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    follow,
    grpc::{arrivals::listen, server},
    service::Service,
};

use super::{
    Place,
    beside::{Beside, told},
    doors::Doors,
    log::Told,
    output::progress,
    run::Keys,
};

/// `serve`
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Read what is not said here or in the environment from this file; see `config example`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    #[command(flatten)]
    pub told: Told,
    #[command(flatten, next_help_heading = "What is served beside")]
    beside: Beside,
    /// How many approvals, each by another person than the maker, a new run needs.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9))]
    approvals: u32,
    /// By how many per cent a headcount or a total may differ from the month before without a finding.
    #[arg(long, value_name = "PERCENT", default_value_t = 20)]
    jump_percent: u32,
    /// Follow another service: take over its journal as it grows, answer from it, and record nothing else.
    /// Signs in there with --token-file or --client-cert. To promote a follower, stop it and start it
    /// without this.
    #[arg(long, value_name = "URL")]
    follow: Option<String>,
    /// For how many seconds after it last had all that the leader had a follower answers.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "follow",
          value_parser = clap::value_parser!(u64).range(2..=86_400))]
    follow_max_age: u64,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten, next_help_heading = "Who may come in")]
    doors: Doors,
    /// Listen on another address than loopback although nothing is encrypted or nobody signs in.
    #[arg(long)]
    insecure_remote: bool,
}

/// Where the store is when --store is left out.
const STORE: &str = "price-linkage.store";

impl Serve {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let addresses = [("listen", Some(self.listen), self.doors.are_safe())];
        for (name, address, is_safe) in
            addresses.into_iter().chain(self.beside.addresses(&self.doors))
        {
            let is_here = address.is_none_or(|address| address.ip().is_loopback());
            if !is_here && !is_safe && !self.insecure_remote {
                bail!(
                    "{name} {}: expected a loopback address, or --principals and --tls-cert
hint: \
                     nothing is encrypted or nobody signs in; say --insecure-remote if that is what \
                     you want",
                    address.map(|address| address.to_string()).unwrap_or_default()
                );
            }
        }
        if place.server.is_some() {
            bail!("--server asks a running server; `serve` starts one");
        }
        if let Some(file) = &self.config {
            eprintln!("settings of {}", file.display());
        }
        let keys = self.keys.read()?;
        let doors = self.doors.read(&place.data)?;
        let folder = place.store.clone().unwrap_or_else(|| PathBuf::from(STORE));
        let bar = progress();
        let progress = &mut |stage, done, all| bar.show(stage, done, all);
        let opened = match &self.follow {
            None => Service::open(&folder, &place.data, progress)
                .map(|(service, started)| (service, started.opened.clone(), Some(started))),
            Some(leader) => {
                let followed = (leader.as_str(), Duration::from_secs(self.follow_max_age));
                Service::open_following(&folder, &place.data, followed, progress)
                    .map(|(service, opened)| (service, opened, None))
            }
        };
        bar.clear();
        let (mut service, opened, started) = opened?;
        service.approvals_needed = self.approvals;
        service.jump_percent = self.jump_percent;
        service.person_keys = keys;
        if let Some(torn) = &opened.torn {
            eprintln!("cut off an unfinished last line of the journal: {} bytes", torn.bytes);
        }
        if let Some(why) = &opened.rebuilt {
            eprintln!("rebuilt the state from the journal: {why}");
        }
        if let Some(started) = started.filter(|one| 0 < one.figures_seeded + one.standards_seeded) {
            eprintln!(
                "seeded {} figures, {} standards, {} documents, {} decisions",
                started.figures_seeded,
                started.standards_seeded,
                started.documents_adopted,
                started.decisions_recorded,
            );
        }
        let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
        let service = Arc::new(service);
        let served = runtime.block_on(self.serve(doors, service.clone(), (place, &folder)));
        // Whoever still holds the service must not keep the journal's last state from the disk.
        service.writer.shutdown();
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        served
    }

    async fn serve(
        &self,
        doors: server::Doors,
        service: Arc<Service>,
        (place, folder): (&Place, &std::path::Path),
    ) -> anyhow::Result<()> {
        let listener = listen(self.listen);
        let listener = listener.with_context(|| format!("listen on {}", self.listen))?;
        let address = server::address(&listener).context("find the address")?;
        let mut terminate = signal(SignalKind::terminate()).context("wait for signals")?;
        let ledger = service.writer.snapshot();
        println!(
            "serving on {address}, store {}, journal entry {}, {} figures",
            folder.display(),
            ledger.sequence(),
            ledger.figures.len()
        );
        println!(
            "limits: messages {} MiB, {} streams a connection, drain {} s",
            server::MESSAGE_BYTES_MAX / 1024 / 1024,
            server::STREAMS_MAX,
            server::DRAIN.as_secs()
        );
        println!(
            "try: price-linkage --server {}://{address} status --area 150100 --month 2019-07",
            self.doors.scheme()
        );
        let (stopping, stopped) = tokio::sync::watch::channel(false);
        let calls = doors.calls.clone();
        let beside =
            self.beside.start(&self.doors, &doors.gate, (service.clone(), calls), &stopped).await?;
        if let Some(leader) = self.follow.clone() {
            println!("following {leader}");
            let (service, stop) = (service.clone(), told(stopped.clone()));
            let credentials = place.credentials.clone();
            tokio::spawn(async move {
                let connect = || credentials.connect(&leader);
                follow::follow(service, connect, stop).await;
            });
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            eprintln!("stopping");
            let _ = stopping.send(true);
        });
        let served = server::serve_behind(doors, service, listener, told(stopped)).await;
        for one in beside {
            one.await.context("what is served beside")?;
        }
        served.context("serve")
    }
}
