//! From messages to the field's values: what cannot be read is named with its field.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::{
    access::Caller,
    domain::{
        area::AreaCode, code::Code, exact::parse_decimal, figure::View, month::Month,
        text::is_unseen,
    },
    engine::question::Terms,
    rules::{library::Law, reform::Reform},
    service::Request,
};

use super::{Decimal, asker::Asker, v1};

/// A field that could not be read: its path, the value and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// Path in the request.
    pub field: String,
    /// What was given, cut.
    pub value: String,
    /// What was expected.
    pub expected: String,
}

impl BadField {
    pub(super) fn new(field: &str, value: impl ToString, expected: &str) -> Self {
        let value = value.to_string().chars().take(60).collect();
        Self { field: field.to_owned(), value, expected: expected.to_owned() }
    }
}

type Read<T> = Result<T, BadField>;

pub(super) fn month_in(field: &str, month: Option<v1::YearMonth>) -> Read<Month> {
    let Some(v1::YearMonth { year, month }) = month else {
        return Err(BadField::new(field, "", "a month, for example { year: 2019, month: 7 }"));
    };
    let found = u32::try_from(month).ok().and_then(|month| Month::new(year, month));
    let expected = "a year from 1990 to 2099 and a month from 1 to 12";
    found.ok_or_else(|| BadField::new(field, format!("{year}-{month}"), expected))
}

pub(super) fn month_opt(field: &str, month: Option<v1::YearMonth>) -> Read<Option<Month>> {
    month.map(|month| month_in(field, Some(month))).transpose()
}

pub(super) fn area_in(field: &str, area: &str) -> Read<AreaCode> {
    area.parse().map_err(|_| BadField::new(field, area, "six digits, for example 150300"))
}

/// The areas that can be read; what cannot is told with its row.
pub(super) fn areas_of<'a>(
    texts: impl IntoIterator<Item = &'a String>,
) -> impl Iterator<Item = AreaCode> {
    texts.into_iter().filter_map(|text| text.parse().ok())
}

pub(super) fn area_opt(field: &str, area: &str) -> Read<Option<AreaCode>> {
    if area.is_empty() { Ok(None) } else { area_in(field, area).map(Some) }
}

pub(super) fn code_in(field: &str, code: &str) -> Read<Code> {
    Code::from_str(code).map_err(|_| BadField::new(field, code, "a code of a-z, 0-9 and _"))
}

pub(super) fn decimal_in(field: &str, value: Option<&Decimal>) -> Read<rust_decimal::Decimal> {
    let text = value.map_or("", |decimal| decimal.value.as_str());
    let expected = "a decimal such as 3.5, at most 15 digits before and 6 after the point";
    parse_decimal(text).map_err(|_| BadField::new(field, text, expected))
}

pub(super) fn date_in(field: &str, text: &str) -> Read<Option<chrono::NaiveDate>> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let strict = found.filter(|date| date.to_string() == text);
    strict.map(Some).ok_or_else(|| BadField::new(field, text, "a date such as 2019-08-09"))
}

pub(super) fn instant_in(
    field: &str,
    instant: Option<prost_types::Timestamp>,
) -> Read<Option<DateTime<Utc>>> {
    let Some(at) = instant else { return Ok(None) };
    let nanos = u32::try_from(at.nanos).ok();
    let found = nanos.and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos));
    let shown = format!("{}.{:09}", at.seconds, at.nanos);
    found.map(Some).ok_or_else(|| BadField::new(field, shown, "an instant in range"))
}

/// A text of so many characters, each of which is seen.
pub(super) fn text_in(field: &str, text: &str, characters_max: usize) -> Read<String> {
    if text.chars().count() <= characters_max && !text.chars().any(is_unseen) {
        return Ok(text.to_owned());
    }
    let expected = format!("at most {characters_max} characters, none of control or unseen");
    Err(BadField::new(field, text, &expected))
}

/// Who asks, as signed in or stated, and how a repeat is recognised.
pub(super) fn request_in(asker: &Asker, id: &str, validate_only: bool) -> Read<Request> {
    if uuid::Uuid::try_parse(id).is_err() {
        let expected = "a UUID, for example 0191a7a4-0000-7000-8000-000000000001";
        return Err(BadField::new("request_id", id, expected));
    }
    let principal = match &asker.caller {
        Caller::Public => "unauthenticated".to_owned(),
        Caller::Known(principal) => principal.name.clone(),
        Caller::Stated(name) if (1..=100).contains(&name.chars().count()) => name.clone(),
        Caller::Stated(_) => {
            let expected = "1 to 100 characters, in metadata printable ASCII";
            return Err(BadField::new("principal", "", expected));
        }
    };
    let origin = Some(asker.origin.to_string());
    Ok(Request { principal, id: id.to_owned(), validate_only, origin })
}

/// The same where somebody must answer for what is done.
pub(super) fn named_request_in(asker: &Asker, id: &str, validate_only: bool) -> Read<Request> {
    let request = request_in(asker, id, validate_only)?;
    if asker.caller == Caller::Public || request.principal.trim().is_empty() {
        return Err(BadField::new("principal", "", "who asks, in the metadata (--as NAME)"));
    }
    Ok(request)
}

/// Most reforms over one law.
const REFORMS_MAX: usize = 16;

pub(super) fn terms_in(asking: Option<v1::Asking>) -> Read<Terms> {
    let Some(asking) = asking else { return Ok(Terms::default()) };
    let view = View {
        known_at: instant_in("asking.known_at", asking.known_at)?,
        published_by: date_in("asking.published_by", &asking.published_by)?,
    };
    let law = match asking.law {
        None => Law::InForce,
        Some(v1::asking::Law::LawAsOf(month)) => {
            Law::AsOf(month_in("asking.law_as_of", Some(month))?)
        }
        Some(v1::asking::Law::LawDocument(id)) => Law::Document(id),
    };
    if REFORMS_MAX < asking.reforms.len() {
        let expected = format!("at most {REFORMS_MAX} reforms");
        return Err(BadField::new("asking.reforms", asking.reforms.len(), &expected));
    }
    let read = asking.reforms.iter().enumerate().map(|(at, text)| {
        let field = format!("asking.reforms[{at}]");
        Reform::parse(&field, text).map_err(|findings| {
            let wrong: Vec<_> = findings.iter().map(ToString::to_string).collect();
            BadField::new(&field, "", &format!("a reform; {}", wrong.join("; ")))
        })
    });
    let reforms = read.collect::<Result<_, _>>()?;
    Ok(Terms { view, strict: asking.strict, law, reforms })
}

/// How deep an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deep {
    Answer,
    Steps,
    Law,
}

pub(super) fn depth_in(depth: i32) -> Read<Deep> {
    match v1::Depth::try_from(depth) {
        Ok(v1::Depth::Answer) => Ok(Deep::Answer),
        Ok(v1::Depth::Unspecified | v1::Depth::Steps) => Ok(Deep::Steps),
        Ok(v1::Depth::Law) => Ok(Deep::Law),
        Err(_) => Err(BadField::new("depth", depth, "a value of Depth")),
    }
}
