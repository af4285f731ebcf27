//! One client for all places: a server over the network, or the same services in process.

use std::{future::Future, sync::Arc};

use anyhow::{Context, anyhow, bail};
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::{grpc::server::routes, rules::reform::Reform, service::Service};

use super::{Asking, Place, output::progress};
use crate::grpc::v1;

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// What generated clients speak through.
pub(super) type Transport = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Error>;

/// Largest message received, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

macro_rules! client {
    ($name:ident, $module:ident, $client:ident) => {
        pub(super) fn $name(transport: &Transport) -> v1::$module::$client<Transport> {
            v1::$module::$client::new(transport.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
        }
    };
}

client!(index, index_service_client, IndexServiceClient);
client!(standard, standard_service_client, StandardServiceClient);
client!(trigger, trigger_service_client, TriggerServiceClient);
client!(subsidy, subsidy_service_client, SubsidyServiceClient);
client!(replay, replay_service_client, ReplayServiceClient);
client!(run, run_service_client, RunServiceClient);
client!(roster, roster_service_client, RosterServiceClient);
client!(rule, rule_service_client, RuleServiceClient);
client!(area, area_service_client, AreaServiceClient);

/// Runs a question against the place asked for.
pub(super) fn with<T, F>(place: &Place, ask: impl FnOnce(Transport) -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    // Opening a store and loading data wait, so they happen before the runtime starts.
    let local = match &place.server {
        Some(_) => None,
        None => Some(Arc::new(open(place)?)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(async {
        let transport = match (&place.server, &local) {
            (Some(url), _) => place.credentials.connect(url).await?,
            (None, Some(service)) => {
                let routes = routes(service).prepare();
                BoxCloneSyncService::new(ServiceExt::<http::Request<Body>>::map_err(
                    routes,
                    |never| match never {},
                ))
            }
            (None, None) => bail!("no place to ask"),
        };
        ask(transport).await
    })
}

/// The service in process.
pub(super) fn open(place: &Place) -> anyhow::Result<Service> {
    match &place.store {
        None => Ok(Service::in_memory(&place.data)?),
        Some(folder) => {
            let bar = progress();
            let opened = Service::open(folder, &place.data, &mut |stage, done, all| {
                bar.show(stage, done, all);
            });
            bar.clear();
            Ok(opened?.0)
        }
    }
}

/// A status as a message for people.
pub(super) fn told(status: Status) -> anyhow::Error {
    let hint = match status.code() {
        Code::NotFound => {
            "\nhint: `price-linkage areas` and `price-linkage rules list` show what there is"
        }
        Code::Unauthenticated => "\nhint: --token-file FILE, or --client-cert and --client-key",
        Code::Unavailable => "\nhint: is the server running?",
        _ => "",
    };
    anyhow!("{}{hint}", status.message())
}

impl Asking {
    /// As a message.
    ///
    /// # Errors
    /// A reform's file cannot be read.
    pub fn message(&self) -> anyhow::Result<v1::Asking> {
        let law = match (self.law_as_of, &self.law_document) {
            (Some(month), _) => Some(v1::asking::Law::LawAsOf(year_month(month))),
            (None, Some(id)) => Some(v1::asking::Law::LawDocument(id.clone())),
            (None, None) => None,
        };
        let mut reforms = Vec::new();
        for path in &self.reform {
            let text = std::fs::read_to_string(path);
            reforms.push(text.with_context(|| format!("read {}", path.display()))?);
        }
        if !self.set.is_empty() {
            reforms.push(setting(&self.set)?);
        }
        Ok(v1::Asking {
            known_at: self.known_at.map(|at| prost_types::Timestamp {
                seconds: at.timestamp(),
                nanos: at.timestamp_subsec_nanos() as i32,
            }),
            published_by: self.published_by.map(|day| day.to_string()).unwrap_or_default(),
            strict: self.strict,
            law,
            reforms,
        })
    }
}

/// A reform that sets parameters, each written `PATH=VALUE`.
fn setting(settings: &[String]) -> anyhow::Result<String> {
    let pair = |text: &String| {
        let parts = text.split_once('=').map(|(path, value)| (path.to_owned(), value.to_owned()));
        parts.with_context(|| format!("{text:?}: expected PATH=VALUE"))
    };
    let settings: Vec<_> = settings.iter().map(pair).collect::<Result<_, _>>()?;
    Reform::written(&settings).map_err(|findings| {
        let wrong: Vec<_> = findings.iter().map(ToString::to_string).collect();
        anyhow!("{}", wrong.join("; "))
    })
}

/// A month as a message.
pub(super) fn year_month(month: crate::domain::month::Month) -> v1::YearMonth {
    v1::YearMonth { year: month.year(), month: month.month() as i32 }
}

/// A month of a message as text.
pub(super) fn month_text(month: Option<v1::YearMonth>) -> String {
    month.map_or_else(String::new, |m| format!("{:04}-{:02}", m.year, m.month))
}
