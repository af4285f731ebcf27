//! Addresses, and serving them.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, connect_info::Connected},
    http::Uri,
    middleware,
    response::Response,
    routing::{get, post},
    serve::{IncomingStream, Listener},
};
use tokio::net::TcpListener;
use tonic_web::GrpcWebLayer;

use crate::grpc::server::{DRAIN, guarded};

use super::{
    area, assets, audit, document, downloads, encrypted::Encrypted, figure, form::BYTES_MAX,
    headers, law, month, record, refusal::Refusal, replay, roster, run, runs, sign_in, site::Site,
    visit::Visit,
};

/// Every address of the page, and the services as gRPC-Web.
pub fn router(site: Arc<Site>) -> Router {
    let services = guarded(&site.service, &site.gate).into_axum_router().reset_fallback();
    let rosters = Router::new()
        .route("/runs/roster", post(roster::make))
        .route("/runs/{id}/payment-list", post(downloads::payment_list))
        .layer(DefaultBodyLimit::disable());
    let pages = Router::new()
        .route("/", get(month::page))
        .route("/areas/{area}", get(area::page))
        .route("/areas/{area}/chart.svg", get(area::chart))
        .route("/figures/{area}/{series}/{month}", get(figure::page))
        .route("/rules", get(law::page))
        .route("/rules/compare", get(law::compare))
        .route("/rules/{id}", get(document::page))
        .route("/runs", get(runs::page).post(runs::make))
        .route("/runs/{id}", get(run::page))
        .route("/runs/{id}/move", post(run::step))
        .route("/runs/{id}/adjust", post(run::adjust))
        .route("/runs/{id}/{paper}", get(downloads::paper))
        .route("/notices/{area}/{month}", get(downloads::notice))
        .route("/record", get(record::page).post(record::confirm))
        .route("/record/check", post(record::check))
        .route("/replay", get(replay::page))
        .route("/audit", get(audit::page))
        .route("/audit/verify", post(audit::verify))
        .route("/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/assets/{version}/{name}", get(assets::asset))
        .layer(DefaultBodyLimit::max(BYTES_MAX))
        .merge(rosters)
        .fallback(missing)
        .layer(middleware::from_fn(language))
        .layer(middleware::from_fn(headers::strict))
        .with_state(site.clone());
    let named = middleware::from_fn_with_state(site, headers::named);
    Router::new().merge(services.layer(GrpcWebLayer::new())).merge(pages).layer(named)
}

async fn missing(visit: Visit) -> Response {
    Refusal::not_found().response(&visit)
}

/// Keeps the language that an address asks for.
async fn language(uri: Uri, request: axum::extract::Request, next: middleware::Next) -> Response {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "lang")
        .and_then(|(_, value)| match &*value {
            "zh" => Some("zh"),
            "en" => Some("en"),
            _ => None,
        });
    let mut response = next.run(request).await;
    let cookie = asked.map(|lang| {
        format!("{}={lang}; Path=/; Max-Age=31536000; SameSite=Lax", super::visit::LANGUAGE)
    });
    if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
        response.headers_mut().append(axum::http::header::SET_COOKIE, cookie);
    }
    response
}

/// Where a visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, Encrypted>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Encrypted>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Serves the page until `stop` resolves, then drains.
///
/// # Errors
/// The connection layer failed.
pub async fn serve<L>(
    site: Arc<Site>,
    listener: L,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let app = router(site).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        let _ = stopping.send(true);
    });
    let drained = async {
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(DRAIN.min(Duration::from_secs(5))).await;
    };
    tokio::select! {
        served = server => served,
        () = drained => Ok(()),
    }
}
