//! One request for a page: in which language, by whom, with what in its address.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::{
    access::{Caller, Origin, Principal, Role, principal::Reach, table::TABLE},
    charts::Lang,
    client::Transport,
    domain::month::Month,
    grpc::v1,
    service::reference::Reference,
};

use super::{
    connections::Peer,
    frame::{Shown, framed},
    refusal::Refusal,
    session::{self, Session},
    site::{Site, first_month},
    table,
};

/// A visit.
pub(super) struct Visit {
    pub site: Arc<Site>,
    pub lang: Lang,
    /// The session, signed in or not; none for a visitor without a cookie.
    pub session: Option<Session>,
    /// The path, as it was asked for; of a form that was sent, that of the page it stands on.
    pub path: String,
    /// Whether it only reads, so that its address leads to the same page again.
    pub is_reading: bool,
    /// Where the visitor is.
    pub address: Option<IpAddr>,
    /// The fields of the address.
    pub query: Vec<(String, String)>,
}

/// The cookie that keeps the language.
pub(super) const LANGUAGE: &str = "pl_lang";

impl FromRequestParts<Arc<Site>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        site: &Arc<Site>,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<Peer>>();
        let address = peer.map(|peer| peer.0.0.ip().to_canonical());
        let is_reading = parts.method.is_safe();
        let path = parts.uri.path();
        let path = if is_reading { path.to_owned() } else { page_of(path) };
        let query = parts.uri.query().unwrap_or_default();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        let asked = query.iter().find(|(key, _)| key == "lang").map(|(_, value)| value.as_str());
        let lang = match asked.or_else(|| cookie(&parts.headers, LANGUAGE)) {
            Some("en") => Lang::En,
            _ => Lang::Zh,
        };
        let session = cookie(&parts.headers, session::COOKIE);
        let session = session.and_then(|id| site.sessions.get(id, &site.gate));
        Ok(Self { site: site.clone(), lang, session, path, is_reading, address, query })
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The page on which a form stands that is sent to a path below it.
fn page_of(path: &str) -> String {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "runs", "roster"] => "/runs".to_owned(),
        ["", "runs", id, ..] => format!("/runs/{id}"),
        ["", first, ..] => format!("/{first}"),
        _ => "/".to_owned(),
    }
}

impl Visit {
    /// A field of the address; empty when it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// One of two texts.
    pub fn say<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.lang.pick(zh, en)
    }

    /// A text of an answer.
    pub fn text<'a>(&self, text: &'a Option<v1::Text>) -> &'a str {
        let Some(text) = text else { return "" };
        let (own, other) = match self.lang {
            Lang::Zh => (&text.zh, &text.en),
            Lang::En => (&text.en, &text.zh),
        };
        if own.is_empty() { other } else { own }
    }

    /// The month in a field; none when it is empty.
    pub fn month_in(&self, name: &str) -> Result<Option<Month>, Refusal> {
        match self.field(name) {
            "" => Ok(None),
            text => match text.parse() {
                Ok(month) => Ok(Some(month)),
                Err(_) => Err(Refusal::field(name, text, "2021-04")),
            },
        }
    }

    /// The names of what is spoken of.
    pub fn reference(&self) -> &Reference {
        &self.site.service.reference
    }

    /// As whom the services are asked: whoever signed in, or where pages are public the public's reader,
    /// who only reads whatever else it is granted.
    pub fn caller(&self) -> Caller {
        let site = &self.site;
        match self.session.as_ref().and_then(|session| session.caller.clone()) {
            // With the grants of now, and not those they signed in with.
            Some(Caller::Known(signed)) => {
                return Caller::Known(site.gate.by_name(&signed.name).unwrap_or(signed));
            }
            Some(signed) => return signed,
            None => {}
        }
        let reader = site.settings.public.as_deref().and_then(|name| site.gate.by_name(name));
        reader.map_or(Caller::Public, |reader| {
            let mut only = Principal::clone(&reader);
            only.grants.retain(|grant| grant.role == Role::Reader);
            Caller::Known(Arc::new(only))
        })
    }

    /// Whether the visitor may call an rpc somewhere, by the table of the services.
    pub fn may_ask(&self, rpc: &str) -> bool {
        let row = TABLE.iter().find(|row| row.rpc == rpc);
        row.is_some_and(|row| match self.caller() {
            Caller::Known(principal) => row.allows(&principal),
            Caller::Stated(_) | Caller::Public => self.site.gate.is_open(),
        })
    }

    /// Where the visitor may call an rpc.
    fn reach(&self, rpc: &str) -> Reach {
        let row = TABLE.iter().find(|row| row.rpc == rpc);
        match (self.caller(), row) {
            (Caller::Known(principal), Some(row)) => principal.reach(row.roles()),
            _ => Reach::Everywhere,
        }
    }

    /// Whether the visitor is shown an area.
    pub fn sees(&self, area: &str) -> bool {
        let areas = &self.reference().data.areas;
        area.parse().is_ok_and(|area| self.reach("TriggerService/GetStatus").holds(area, areas))
    }

    /// The area to begin with where an rpc is called: the one that the page shows first, or the first of the
    /// visitor's own; of who may not call it, the first they may read of.
    pub fn home(&self, rpc: &str) -> String {
        let home = &self.site.settings.home;
        let reach = [rpc, "TriggerService/GetStatus"].map(|rpc| self.reach(rpc));
        let reach = reach.iter().find(|reach| **reach != Reach::Within(Vec::new()));
        let areas = &self.reference().data.areas;
        match reach {
            Some(Reach::Within(own))
                if !home
                    .parse()
                    .is_ok_and(|home| own.iter().any(|own| areas.within(home, *own))) =>
            {
                own.first().map_or_else(|| home.clone(), ToString::to_string)
            }
            _ => home.clone(),
        }
    }

    /// The services, asked as [`Visit::caller`].
    pub fn ask(&self) -> Transport {
        let (caller, origin) = (self.caller(), Origin::Page(self.address));
        BoxCloneSyncService::new(self.site.transport.clone().map_request(
            move |mut request: http::Request<tonic::body::Body>| {
                request.extensions_mut().insert(caller.clone());
                request.extensions_mut().insert(origin);
                request
            },
        ))
    }

    /// The same address with other fields; an empty value leaves the field out.
    pub fn here(&self, fields: &[(&str, &str)]) -> String {
        let kept = self.query.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let kept = kept.filter(|(key, _)| {
            !matches!(*key, "as" | "table" | "lang") && !fields.iter().any(|(name, _)| name == key)
        });
        address(&self.path, kept.chain(fields.iter().copied()))
    }

    /// The page, or the table of it that was asked for, or why there is none.
    pub fn answer(&self, shown: Result<Shown, Refusal>) -> Response {
        match shown {
            Ok(shown) => match self.field("as") {
                "" => framed(self, &shown).into_response(),
                kind => table::download(self, &shown, kind),
            },
            Err(refusal) => refusal.response(self),
        }
    }

    /// The newest month for which one of these areas has a CPI.
    pub fn newest_index<'a>(&self, areas: impl Iterator<Item = &'a str>) -> Option<Month> {
        let ledger = self.site.service.writer.snapshot();
        let series = "cpi".parse().ok()?;
        let of = |area: &str| ledger.figures.column(area.parse().ok()?, &series)?.newest();
        areas.filter_map(of).max()
    }

    /// The newest month with an index, and those before it back to the first.
    pub fn months(&self) -> Vec<Month> {
        let newest = self.site.service.writer.snapshot().figures.newest();
        let months = first_month().through(newest.unwrap_or_else(first_month));
        months.rev().collect()
    }
}

/// A path with fields that are not empty.
pub(super) fn address<'a>(
    path: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut written = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        written.append_pair(name, value);
    }
    match written.finish() {
        fields if fields.is_empty() => path.to_owned(),
        fields => format!("{path}?{fields}"),
    }
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn a_form_stands_on_the_page_above_the_path_it_is_sent_to() {
        for (path, page) in [
            ("/record/check", "/record"),
            ("/runs", "/runs"),
            ("/runs/roster", "/runs"),
            ("/runs/R25/move", "/runs/R25"),
            ("/sign-out", "/sign-out"),
            ("/", "/"),
        ] {
            assert_eq!(page_of(path), page);
        }
    }
}
