//! What the command line and the page share: asking the services, and their answers as charts.
//!
//! **Invariant:** nothing is decided or computed here; what is shown is what a service answered.

use std::sync::Arc;

use tonic::{Status, body::Body, service::Routes};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::{
    domain::month::Month,
    grpc::{Decimal, server::routes, v1},
    intake::figures::NewFigure,
    service::Service,
};

pub mod lists;

pub mod charts;

/// What calls can end with below the services. A type of its own and no bare box, without which
/// futures of calls are not known to be `Send`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Box<dyn std::error::Error + Send + Sync>);

/// What generated clients speak through.
pub type Transport = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Error>;

/// Largest message received, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The services in process, for whoever may open the store.
pub fn in_process(service: &Arc<Service>) -> Transport {
    over(routes(service))
}

/// Services in process.
pub fn over(routes: Routes) -> Transport {
    let routes = routes.prepare();
    let routes =
        ServiceExt::<http::Request<Body>>::map_err(routes, |never| -> Error { match never {} });
    BoxCloneSyncService::new(routes)
}

macro_rules! client {
    ($name:ident, $module:ident, $client:ident) => {
        /// A client of the service of this name.
        pub fn $name(transport: &Transport) -> v1::$module::$client<Transport> {
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
client!(audit, audit_service_client, AuditServiceClient);
client!(journal, journal_service_client, JournalServiceClient);
client!(area, area_service_client, AreaServiceClient);

/// A month as a message.
pub fn year_month(month: Month) -> v1::YearMonth {
    v1::YearMonth { year: month.year(), month: month.month() as i32 }
}

/// The month of a message.
pub fn month_of(month: Option<v1::YearMonth>) -> Option<Month> {
    let month = month?;
    Month::new(month.year, u32::try_from(month.month).ok()?)
}

/// A month of a message as text, `YYYY-MM`; empty when absent.
pub fn month_text(month: Option<v1::YearMonth>) -> String {
    month.map_or_else(String::new, |m| format!("{:04}-{:02}", m.year, m.month))
}

/// A decimal as text; empty when absent.
pub fn number(value: &Option<Decimal>) -> String {
    value.as_ref().map_or_else(String::new, |decimal| decimal.value.clone())
}

/// An instant of a message; absent when out of range.
pub fn instant(at: Option<prost_types::Timestamp>) -> Option<chrono::DateTime<chrono::Utc>> {
    let at = at?;
    chrono::DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
}

/// A figure as a message.
pub fn figure(row: NewFigure) -> v1::Figure {
    v1::Figure {
        area: row.area.to_string(),
        series: row.series.to_string(),
        month: Some(year_month(row.month)),
        value: Some(Decimal { value: row.value.to_string() }),
        released_on: row.released_on.map(|day| day.to_string()).unwrap_or_default(),
        source: row.source,
        ..Default::default()
    }
}

/// Why a call of many parts has no answer.
fn ended_early() -> Status {
    Status::data_loss("the answer ended before its totals")
}
