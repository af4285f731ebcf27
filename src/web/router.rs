//! Every address.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::Uri,
    middleware,
    response::Response,
    routing::{get, post},
};
use tonic_web::GrpcWebLayer;
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyTimeoutLayer};

use crate::grpc::server::counted;

use super::{
    area, assets, audit, confirm, document, downloads, figure,
    form::{BYTES_MAX, TABLE_BYTES_MAX},
    headers, law, month, moves, record,
    refusal::Refusal,
    replay, roster, run, runs, sign_in,
    site::Site,
    visit::Visit,
};

/// How long the sender of a form may send nothing.
const SILENT: Duration = Duration::from_secs(30);

/// Every address of the page, and the services as gRPC-Web.
pub fn router(site: Arc<Site>) -> Router {
    let services = counted(&site.service, &site.gate, &site.calls);
    let services = services.into_axum_router().reset_fallback().layer(GrpcWebLayer::new());
    let rosters = Router::new()
        .route("/runs/roster", post(roster::make))
        .route("/runs/{id}/payment-list", post(downloads::payment_list))
        .layer(DefaultBodyLimit::disable());
    let tables = Router::new()
        .route("/runs", post(runs::make))
        .route("/runs/{id}/settle", post(downloads::settle))
        .route("/record", post(confirm::confirm))
        .route("/record/check", post(record::check))
        .layer(DefaultBodyLimit::max(TABLE_BYTES_MAX));
    let forms = Router::new()
        .route("/runs/{id}/move", post(moves::step))
        .route("/runs/{id}/adjust", post(moves::adjust))
        .route("/audit/verify", post(audit::verify))
        .route("/sign-out", post(sign_in::leave))
        .layer(DefaultBodyLimit::max(BYTES_MAX))
        .merge(rosters)
        .merge(tables)
        .route_layer(middleware::from_fn_with_state(site.clone(), sign_in::signed));
    let pages = Router::new()
        .route("/", get(month::page))
        .route("/areas/{area}", get(area::page))
        .route("/areas/{area}/chart.svg", get(area::chart))
        .route("/figures/{area}/{series}/{month}", get(figure::page))
        .route("/rules", get(law::page))
        .route("/rules/compare", get(law::compare))
        .route("/rules/{id}", get(document::page))
        .route("/runs", get(runs::page))
        .route("/runs/{id}", get(run::page))
        .route("/runs/{id}/{paper}", get(downloads::paper))
        .route("/notices/{area}/{month}", get(downloads::notice))
        .route("/record", get(record::page))
        .route("/replay", get(replay::page))
        .route("/audit", get(audit::page))
        .route("/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/assets/{version}/{name}", get(assets::asset))
        .layer(DefaultBodyLimit::max(BYTES_MAX))
        .merge(forms)
        .fallback(missing)
        .layer(middleware::from_fn(language))
        .layer(middleware::from_fn_with_state(site.clone(), headers::strict))
        .with_state(site.clone());
    let named = middleware::from_fn_with_state(site, headers::named);
    Router::new()
        .merge(services)
        .merge(pages)
        // Of a form whose sender falls silent nothing is waited for.
        .layer(RequestBodyTimeoutLayer::new(SILENT))
        // Nobody but whoever asked is harmed by an answer that fails.
        .layer(CatchPanicLayer::new())
        .layer(named)
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
