//! What analysts ask: comparisons, sweeps, outlooks, explained differences and charts.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    client::figure,
    domain::month::Month,
    grpc::v1,
    intake::{
        figures::{Known, read_figures},
        folder::load,
        headcounts::read_assumed,
    },
};

use super::{Asking, Place, client::year_month};

pub(super) mod compare;

pub(super) mod sweep;

pub(super) mod outlook;

pub(super) mod explain;

pub(super) mod chart;

/// Over which areas and months.
#[derive(Debug, Clone, Args)]
pub(super) struct Over {
    /// The areas, six digits each; may be repeated. Without it: every area with an index.
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// Every area in this one, itself included.
    #[arg(long, value_name = "CODE", conflicts_with = "area")]
    within: Option<String>,
    /// First index month; 2010-01 when left out.
    #[arg(long, value_name = "YYYY-MM")]
    from: Option<Month>,
    /// Last index month; the newest with an index when left out.
    #[arg(long, value_name = "YYYY-MM")]
    until: Option<Month>,
    /// Supposed figures, in the columns of `index record`: they stand before those recorded.
    #[arg(long, value_name = "FILE")]
    suppose: Option<PathBuf>,
}

impl Over {
    /// As a message.
    pub fn message(&self, place: &Place) -> anyhow::Result<v1::Extent> {
        Ok(v1::Extent {
            areas: self.area.clone(),
            within: self.within.clone().unwrap_or_default(),
            from: self.from.map(year_month),
            until: self.until.map(year_month),
            supposed_figures: supposed(place, self.suppose.as_ref())?,
        })
    }
}

fn supposed(place: &Place, file: Option<&PathBuf>) -> anyhow::Result<Vec<v1::Figure>> {
    let Some(path) = file else { return Ok(Vec::new()) };
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let data = load(&place.data)?;
    let known = Known { areas: &data.areas, series: &data.series, standards: &data.standard_names };
    let rows = read_figures(&bytes, known);
    let rows = rows.map_err(|problems| anyhow::anyhow!("{}:\n{problems}", path.display()))?;
    Ok(rows.into_iter().map(figure).collect())
}

/// Who is counted for the cost.
#[derive(Debug, Clone, Args)]
pub(super) struct Counted {
    /// Persons by area and group, assumed for every month, from a CSV: area_code, group, residence,
    /// persons, source. Without it only what one person would get is told.
    #[arg(long, value_name = "FILE")]
    headcounts: Option<PathBuf>,
}

impl Counted {
    fn message(&self, place: &Place) -> anyhow::Result<Vec<v1::AssumedHeadcount>> {
        let Some(path) = &self.headcounts else { return Ok(Vec::new()) };
        let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let data = load(&place.data)?;
        let rows = read_assumed(&bytes, &data.areas, &data.groups);
        let rows = rows.map_err(|problems| anyhow::anyhow!("{}:\n{problems}", path.display()))?;
        let one = |row: crate::intake::headcounts::Assumed| v1::AssumedHeadcount {
            area: row.area.to_string(),
            group: row.group.to_string(),
            residence: v1::Residence::from(row.residence).into(),
            persons: row.persons as i64,
        };
        Ok(rows.into_iter().map(one).collect())
    }
}

/// A law in one word: `in-force`, or parts joined by `+`.
fn law(text: &str) -> anyhow::Result<v1::Asking> {
    let mut asking = Asking::default();
    for part in text.split('+') {
        let (key, value) = part.split_once(':').unwrap_or((part, ""));
        let bad = |what: &str| format!("law {text:?}: {value:?}: expected {what}");
        match key {
            "in-force" if value.is_empty() => {}
            "strict" if value.is_empty() => asking.strict = true,
            "as-of" => {
                asking.law_as_of =
                    Some(value.parse().ok().with_context(|| bad("a month such as 2014-07"))?);
            }
            "document" => asking.law_document = Some(value.to_owned()),
            "known-at" => {
                let at = value.parse().ok().with_context(|| bad("an instant in RFC 3339"))?;
                asking.known_at = Some(at);
            }
            "published-by" => {
                let day = value.parse().ok().with_context(|| bad("a day such as 2020-02-10"))?;
                asking.published_by = Some(day);
            }
            "reform" => asking.reform.push(value.into()),
            "set" => asking.set.push(value.to_owned()),
            _ => bail!(
                "law {text:?}: {part:?}: expected in-force, as-of:YYYY-MM, document:ID, \
                 reform:FILE, set:PATH=VALUE, known-at:INSTANT, published-by:DAY or strict, \
                 joined by +"
            ),
        }
    }
    if asking.law_as_of.is_some() && asking.law_document.is_some() {
        bail!("law {text:?}: expected as-of or document, not both");
    }
    asking.message()
}

const LAW_HELP: &str = "A law: in-force, as-of:YYYY-MM, document:ID, reform:FILE, set:PATH=VALUE, \
                        known-at:INSTANT, published-by:DAY, strict; parts joined by +";
