//! The log, and with the feature `traces` what an OpenTelemetry collector is told.
//!
//! **Invariant:** a collector is told of calls what [`crate::grpc::called`] says of them, and no line of
//! the log.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt,
};

#[cfg(feature = "traces")]
use super::traces::Traces;

/// None are sent.
#[cfg(not(feature = "traces"))]
pub(super) struct Traces;

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Log {
    /// For reading.
    #[default]
    Text,
    /// Each line an object.
    Json,
}

/// What is told of what happens.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Told {
    /// How to write the log, which goes to standard error: for reading, or each line an object with the
    /// request's id. What is logged is said by RUST_LOG, for example warn,price_linkage=info.
    #[arg(long, value_enum, default_value_t)]
    log: Log,
    /// Send what each call took to the OpenTelemetry collector there (OTLP over gRPC). Nothing of it is
    /// encrypted: expected a collector on this machine, which can pass it on.
    #[cfg(feature = "traces")]
    #[arg(long, value_name = "URL")]
    traces: Option<http::Uri>,
}

impl Told {
    /// Logs go to standard error, as `RUST_LOG` asks for; warnings by default. Traces go out until what is
    /// returned is dropped.
    ///
    /// # Errors
    /// The collector is none on this machine.
    pub fn begin(&self) -> anyhow::Result<Traces> {
        let filter = EnvFilter::try_from_default_env();
        let filter = filter.unwrap_or_else(|_| EnvFilter::new("warn"));
        let written = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let log = match self.log {
            Log::Text => written.with_ansi(std::io::stderr().is_terminal()).boxed(),
            Log::Json => {
                written.json().flatten_event(true).with_span_list(false).with_ansi(false).boxed()
            }
        };
        let (sent, traces) = self.traces()?;
        let layers: Vec<_> =
            [Some(log.with_filter(filter).boxed()), sent].into_iter().flatten().collect();
        // Whoever set one up before, as a test may, keeps it.
        let _ = tracing_subscriber::registry().with(layers).try_init();
        Ok(traces)
    }

    #[cfg(feature = "traces")]
    fn traces(&self) -> anyhow::Result<(Option<Layers>, Traces)> {
        Traces::begin(self.traces.as_ref())
    }

    #[cfg(not(feature = "traces"))]
    fn traces(&self) -> anyhow::Result<(Option<Layers>, Traces)> {
        Ok((None, Traces))
    }
}

pub(super) type Layers = Box<dyn Layer<Registry> + Send + Sync>;
