//! Putting the services together, serving them, and stopping in time.
//!
//! **Invariant:** a panic in a handler becomes INTERNAL for that call and nothing else; stopping
//! takes no longer than the drain allows.

use std::{any::Any, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use tokio::net::TcpListener;
use tonic::{body::Body, codec::CompressionEncoding, service::Routes, transport::Server};
use tower::util::MapRequestLayer;
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};

use crate::{
    metrics::{Calls, CallsLayer},
    service::Service,
};

use super::{
    DESCRIPTORS,
    access::Gate,
    answers::Answers,
    arrivals::{Limits, Peer, arrivals},
    audit::Audits,
    called::CalledLayer,
    deadline::{DeadlineLayer, coming},
    encryption::Encryption,
    journal::Journals,
    law::Laws,
    record::Records,
    replay::Replays,
    roster::Rosters,
    run::Runs,
    status::{internal, stale},
    v1::{
        area_service_server::AreaServiceServer, audit_service_server::AuditServiceServer,
        index_service_server::IndexServiceServer, journal_service_server::JournalServiceServer,
        replay_service_server::ReplayServiceServer, roster_service_server::RosterServiceServer,
        rule_service_server::RuleServiceServer, run_service_server::RunServiceServer,
        standard_service_server::StandardServiceServer,
        subsidy_service_server::SubsidyServiceServer, trigger_service_server::TriggerServiceServer,
    },
};

/// Largest message received, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most streams of one connection.
pub const STREAMS_MAX: u32 = 256;
/// How long calls in progress may take once the service is stopping.
pub const DRAIN: Duration = Duration::from_secs(10);

/// The services whose health is told, and the whole.
const HEALTHY: [&str; 12] = [
    "",
    "pricelinkage.v1.IndexService",
    "pricelinkage.v1.StandardService",
    "pricelinkage.v1.TriggerService",
    "pricelinkage.v1.SubsidyService",
    "pricelinkage.v1.ReplayService",
    "pricelinkage.v1.RunService",
    "pricelinkage.v1.RosterService",
    "pricelinkage.v1.RuleService",
    "pricelinkage.v1.AreaService",
    "pricelinkage.v1.AuditService",
    "pricelinkage.v1.JournalService",
];

/// Why serving ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Reflection could not be set up.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The connection layer failed.
    #[error(transparent)]
    Transport(#[from] tonic::transport::Error),
}

macro_rules! configured {
    ($server:ident, $handler:expr) => {
        $server::from_arc($handler)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    };
}

/// The services without health and reflection, for calls in process by whoever may open the store.
pub fn routes(service: &Arc<Service>) -> Routes {
    guarded(service, &Arc::new(Gate::open()))
}

/// The same behind a gate, for calls in process by others.
pub fn guarded(service: &Arc<Service>, gate: &Arc<Gate>) -> Routes {
    gate.before(bare(service))
}

/// The same, each call counted.
pub fn counted(service: &Arc<Service>, gate: &Arc<Gate>, calls: &Calls) -> Routes {
    let routes = guarded(service, gate).into_axum_router();
    Routes::from(routes.layer(CallsLayer(calls.clone())).layer(CalledLayer))
}

fn bare(service: &Arc<Service>) -> Routes {
    let records = Arc::new(Records(service.clone()));
    let answers = Arc::new(Answers(service.clone()));
    let replays = Arc::new(Replays(service.clone()));
    let laws = Arc::new(Laws(service.clone()));
    let runs = Arc::new(Runs(service.clone()));
    let audits = Arc::new(Audits(service.clone()));
    let rosters = Arc::new(Rosters::new(service.clone()));
    let journals = Arc::new(Journals(service.clone()));
    let routes = Routes::new(configured!(IndexServiceServer, records.clone()))
        .add_service(configured!(StandardServiceServer, records))
        .add_service(configured!(TriggerServiceServer, answers.clone()))
        .add_service(configured!(SubsidyServiceServer, answers.clone()))
        .add_service(configured!(ReplayServiceServer, replays))
        .add_service(configured!(RunServiceServer, runs))
        .add_service(configured!(RosterServiceServer, rosters))
        .add_service(configured!(RuleServiceServer, laws.clone()))
        .add_service(configured!(AreaServiceServer, laws))
        .add_service(configured!(AuditServiceServer, audits))
        .add_service(configured!(JournalServiceServer, journals));
    match service.following() {
        None => routes,
        Some(_) => fresh(routes, service),
    }
}

/// Refuses what is asked of a follower while what it has may be too old.
fn fresh(routes: Routes, service: &Arc<Service>) -> Routes {
    let service = service.clone();
    let layer = axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let unfit = service.followed().and_then(|followed| followed.unfit);
            async move {
                match unfit {
                    None => next.run(request).await,
                    Some(why) => stale(&why).into_http(),
                }
            }
        },
    );
    Routes::from(routes.into_axum_router().layer(layer))
}

/// How the service is reached from outside.
pub struct Doors {
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// How connections are encrypted; none means not at all.
    pub encryption: Option<Arc<Encryption>>,
    /// Where calls are counted.
    pub calls: Calls,
}

/// Serves whoever comes, unencrypted, until `stop` resolves, then drains.
///
/// # Errors
/// Reflection or the connection layer failed.
pub async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let doors = Doors { gate: Arc::new(Gate::open()), encryption: None, calls: Calls::default() };
    serve_behind(doors, service, listener, stop).await
}

/// Serves behind a gate until `stop` resolves, then drains.
///
/// # Errors
/// Reflection or the connection layer failed.
pub async fn serve_behind(
    doors: Doors,
    service: Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    service.stopping.send_replace(false);
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in HEALTHY {
        reporter.set_service_status(name, tonic_health::ServingStatus::Serving).await;
    }
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    // Older tools speak only v1alpha.
    let routes = bare(&service)
        .add_service(health)
        .add_service(described().build_v1()?)
        .add_service(described().build_v1alpha()?);
    let routes = doors.gate.before(routes);
    let limits = Limits::default();
    let incoming = arrivals(listener, limits);
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_connection_age(limits.age)
        .layer(MapRequestLayer::new(asking))
        .layer(MapRequestLayer::new(coming))
        .layer(CalledLayer)
        .layer(CallsLayer(doors.calls.clone()))
        .layer(CatchPanicLayer::custom(Panicked))
        .layer(DeadlineLayer)
        .add_routes(routes);
    let stop = async move {
        stop.await;
        for name in HEALTHY {
            reporter.set_service_status(name, tonic_health::ServingStatus::NotServing).await;
        }
        service.stopping.send_replace(true);
        let _ = stopping.send(true);
    };
    let served = async move {
        match doors.encryption {
            None => server.serve_with_incoming_shutdown(incoming, stop).await,
            Some(encryption) => {
                server.serve_with_incoming_shutdown(encryption.greeted(incoming), stop).await
            }
        }
    };
    // A client that opens a connection and says nothing must not hold the service up.
    let drained = async {
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = served => served?,
        () = drained => tracing::warn!("calls were still open after the drain; stopping anyway"),
    }
    Ok(())
}

fn asking<B>(request: Request<B>) -> Request<B> {
    if let Some(peer) = Peer::of(request.extensions()) {
        peer.asks();
    }
    request
}

/// The address a listener was given.
pub fn address(listener: &TcpListener) -> std::io::Result<SocketAddr> {
    listener.local_addr()
}

#[derive(Clone, Copy)]
struct Panicked;

impl ResponseForPanic for Panicked {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send>) -> Response<Body> {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
        internal(&what).into_http()
    }
}
