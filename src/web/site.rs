//! What every page is made from.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;

use crate::{
    client::{Transport, in_process},
    domain::month::Month,
    service::Service,
};

use super::{map::Outline, session::Sessions};

/// How the page is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The area shown first, six digits.
    pub home: String,
    /// Whether cookies are for encrypted connections only.
    pub encrypted: bool,
}

/// The services, and what the page keeps beside them.
pub struct Site {
    pub(super) service: Arc<Service>,
    pub(super) transport: Transport,
    pub(super) sessions: Sessions,
    pub(super) maps: BTreeMap<String, Outline>,
    pub(super) settings: Settings,
    /// Today where the law holds.
    pub(super) today: fn() -> NaiveDate,
}

/// The first index month that pages offer: that of the shipped history.
pub(super) fn first_month() -> Month {
    Month::new(2010, 1).unwrap_or(Month::FIRST)
}

impl Site {
    /// A site over the services.
    pub fn new(service: Arc<Service>, settings: Settings) -> Self {
        Self {
            transport: in_process(&service),
            sessions: Sessions::default(),
            maps: super::map::outlines(),
            settings,
            today: crate::service::today,
            service,
        }
    }
}
