//! What every page is made from.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;

use crate::{
    client::{Transport, over},
    domain::month::Month,
    grpc::{access::Gate, server::counted},
    metrics::Calls,
    service::Service,
};

use super::{map::Outline, names::English, session::Sessions};

/// How the page is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The area shown first, six digits.
    pub home: String,
    /// The principal as whom pages are read by whoever has not signed in; none means that nobody reads
    /// them so.
    pub public: Option<String>,
    /// The names under which the page is reached, besides those of this machine itself.
    pub hosts: Vec<String>,
    /// Whether cookies are for encrypted connections only.
    pub is_encrypted: bool,
}

/// The services, and what the page keeps beside them.
pub struct Site {
    pub(super) service: Arc<Service>,
    pub(super) transport: Transport,
    pub(super) gate: Arc<Gate>,
    pub(super) calls: Calls,
    pub(super) sessions: Sessions,
    pub(super) maps: BTreeMap<String, Outline>,
    pub(super) names: English,
    pub(super) settings: Settings,
    /// Today where the law holds.
    pub(super) today: fn() -> NaiveDate,
}

/// The first index month that pages offer: that of the shipped history.
pub(super) fn first_month() -> Month {
    Month::new(2010, 1).unwrap_or(Month::FIRST)
}

impl Site {
    /// A site over the services, behind the gate that stands before them; `calls` counts what pages ask.
    pub fn new(service: Arc<Service>, gate: Arc<Gate>, calls: Calls, settings: Settings) -> Self {
        Self {
            transport: over(counted(&service, &gate, &calls)),
            gate,
            calls,
            sessions: Sessions::default(),
            maps: super::map::outlines(),
            names: super::names::english(),
            settings,
            today: crate::service::today,
            service,
        }
    }
}
