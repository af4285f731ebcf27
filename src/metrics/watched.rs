//! `/healthz`, `/readyz` and `/metrics`, on an address of their own.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};

use super::{calls::Calls, state::State};
use crate::service::{Service, today};

/// What is watched.
pub struct Watched {
    service: Arc<Service>,
    registry: Registry,
    state: State,
    is_stopping: AtomicBool,
}

impl Watched {
    /// Watches a service and its calls.
    pub fn new(service: Arc<Service>, calls: &Calls) -> Self {
        let mut registry = Registry::with_prefix("pricelinkage");
        let state = State::default();
        state.register(&mut registry);
        calls.register(&mut registry);
        Self { service, registry, state, is_stopping: AtomicBool::new(false) }
    }

    /// From now on it is not ready.
    pub fn stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    fn text(&self) -> Result<String, String> {
        self.state.read(&self.service, today()).map_err(|error| error.to_string())?;
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| error.to_string())?;
        Ok(text)
    }
}

/// Media type of what [`encode`] writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The addresses.
pub fn router(watched: Arc<Watched>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(watched)
}

async fn ready(Shared(watched): Shared<Arc<Watched>>) -> Response {
    let not_ready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, why.to_owned()).into_response();
    if watched.is_stopping.load(Ordering::Relaxed) {
        return not_ready("stopping\n");
    }
    if watched.service.writer.pulse().read().is_unwritable {
        return not_ready("nothing can be recorded until the service is started again\n");
    }
    if let Some(why) = watched.service.followed().and_then(|followed| followed.unfit) {
        return not_ready(&format!("{why}\n"));
    }
    "ready\n".into_response()
}

async fn metrics(Shared(watched): Shared<Arc<Watched>>) -> Response {
    // Counting what is due takes as long as a replay of some months.
    match tokio::task::spawn_blocking(move || watched.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Ok(Err(why)) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
