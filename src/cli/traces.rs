//! What calls took, sent to an OpenTelemetry collector.

use anyhow::{Context, ensure};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
};

use super::{credentials::is_here, log::Layers};

/// Sends until it is dropped.
#[derive(Default)]
pub(super) struct Traces(Option<(SdkTracerProvider, Runtime)>);

impl Traces {
    /// To a collector, if there is one.
    ///
    /// # Errors
    /// It is none on this machine.
    pub fn begin(url: Option<&http::Uri>) -> anyhow::Result<(Option<Layers>, Self)> {
        let Some(url) = url else { return Ok((None, Self::default())) };
        ensure!(
            url.scheme_str() == Some("http") && is_here(url),
            "--traces {url}: expected http:// and this machine, as in http://127.0.0.1:4317"
        );
        // Apart from the service's, which must not wait for a collector.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let exporter = {
            let _inside = runtime.enter();
            SpanExporter::builder().with_tonic().with_endpoint(url.to_string()).build()
        };
        let resource = Resource::builder().with_service_name(env!("CARGO_PKG_NAME")).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.context("traces")?)
            .with_resource(resource)
            // A caller does not decide what the operator sees.
            .with_sampler(Sampler::AlwaysOn)
            .build();
        let of_calls = filter_fn(|of| of.is_span() && of.target().starts_with("price_linkage"))
            // Without it every library is asked for its finest lines, only to drop them.
            .with_max_level_hint(LevelFilter::ERROR);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_filter(of_calls)
            .boxed();
        Ok((Some(layer), Self(Some((provider, runtime)))))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some((provider, _runtime)) = &self.0 {
            // A collector that is away or silent is waited for a few seconds at most.
            let _ = provider.shutdown();
        }
    }
}
