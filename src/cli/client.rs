//! One client for all places: a server over the network, or the same services in process.

use std::{future::Future, sync::Arc};

use anyhow::{Context, anyhow, bail};
use tonic::{Code, Status};

use crate::{client::in_process, grpc::v1, rules::reform::Reform, service::Service};

use super::{Asking, Place, output::progress};

pub(super) use crate::client::{
    Transport, area, index, lists, month_text, replay, roster, rule, run, standard, subsidy,
    trigger, year_month,
};

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
            (None, Some(service)) => in_process(service),
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
            known_at: self.known_at.map(crate::grpc::timestamp),
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
