//! `explain-diff`

use std::io::Write;

use clap::Args;

use crate::{
    domain::{group::Residence, month::Month},
    grpc::v1,
};

use super::{
    super::{
        Format, Language, Place,
        client::{self, told, with, year_month},
        output::{Rows, json, say},
    },
    LAW_HELP, law,
};

/// `explain-diff`
#[derive(Debug, Args)]
pub(in super::super) struct ExplainDiff {
    /// The area, six digits.
    #[arg(long, value_name = "CODE")]
    area: String,
    /// The index month.
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// The group; only the decision is explained when left out.
    #[arg(long, value_name = "GROUP", requires = "residence")]
    group: Option<String>,
    /// urban or rural.
    #[arg(long, value_name = "RESIDENCE")]
    residence: Option<Residence>,
    #[arg(long, value_name = "LAW", default_value = "in-force", help = LAW_HELP)]
    first: String,
    /// The other law, written alike.
    #[arg(long, value_name = "LAW")]
    second: String,
}

impl ExplainDiff {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let of = self.residence.map_or(v1::Residence::Unspecified, v1::Residence::from);
        let request = v1::ExplainDifferenceRequest {
            area: self.area.clone(),
            month: Some(year_month(self.month)),
            group: self.group.clone().unwrap_or_default(),
            residence: of.into(),
            first: Some(law(&self.first)?),
            second: Some(law(&self.second)?),
        };
        let found = with(place, |transport| async move {
            let found = client::replay(&transport).explain_difference(request).await;
            Ok(found.map_err(told)?.into_inner())
        })?;
        if place.format == Format::Json {
            return json("ExplainDifferenceResponse", &found);
        }
        let mut rows = Rows::new(&["order", "step", "first", "second"]);
        for (at, one) in found.differences.iter().enumerate() {
            let row = [(at + 1).to_string(), one.step.clone()];
            rows.push(
                row.into_iter().chain([say(place, &one.first), say(place, &one.second)]).collect(),
            );
        }
        if place.format != Format::Table {
            return rows.print(place.format);
        }
        let mut out = std::io::stdout();
        let reason = |status: Option<&v1::Status>| {
            status.map_or_else(String::new, |status| say(place, &status.reason))
        };
        let (first, second) = (reason(found.first.as_ref()), reason(found.second.as_ref()));
        writeln!(out, "1  {}: {first}", self.first)?;
        writeln!(out, "2  {}: {second}", self.second)?;
        if found.differences.is_empty() {
            let text = match place.lang {
                Language::Zh => "两者的推导逐步相同。",
                Language::En => "Both derivations are alike, step by step.",
            };
            writeln!(out, "{text}")?;
            return Ok(());
        }
        let text = match place.lang {
            Language::Zh => "推导从第一行起分歧:",
            Language::En => "The derivations part at the first line:",
        };
        writeln!(out, "{text}")?;
        rows.print(Format::Table)
    }
}
