//! `rules` and `areas`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

use crate::{
    domain::month::Month,
    grpc::v1,
    rules::finding::{Finding, Severity},
};

use super::{
    Asking, Format, Place,
    ask::cited,
    client::{self, month_text, told, with, year_month},
    diff::Diff,
    output::{Rows, json, say},
};

/// `rules`
#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// Every document.
    List(List),
    /// The law in force for an area and month: each parameter, its value, where it stands, and what
    /// it replaced.
    Show(Show),
    /// Check a folder of documents or one: everything that is wrong, at once, and their own cases.
    Check(Check),
    /// What a document changes: in the law it stands on, and over the recorded history.
    Diff(Diff),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only documents that hold in this area.
    #[arg(long, value_name = "CODE")]
    area: Option<String>,
    /// Only documents in force in this index month.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The area, six digits.
    area: String,
    /// The index month.
    month: Month,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The folder with the documents (*.toml, also in folders below), or one document. They are
    /// checked together with the shipped ones and those of --data.
    folder: PathBuf,
    /// Print every note as well, not only how many there are of each kind.
    #[arg(long)]
    notes: bool,
}

impl Rules {
    pub fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(place)?,
            Self::Show(show) => show.run(place)?,
            Self::Check(check) => return check.run(place),
            Self::Diff(diff) => diff.run(place)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = v1::ListInstrumentsRequest {
            area: self.area.clone().unwrap_or_default(),
            month: self.month.map(year_month),
            page_size: 500,
            ..Default::default()
        };
        let instruments = with(place, |transport| async move {
            let page = client::rule(&transport).list_instruments(request).await;
            Ok(page.map_err(told)?.into_inner().instruments)
        })?;
        if place.format == Format::Json {
            return instruments.iter().try_for_each(|one| json("Instrument", one));
        }
        let columns =
            ["id", "kind", "jurisdiction", "from", "until", "number", "title_zh", "title_en"];
        let mut rows = Rows::new(&columns);
        for one in instruments {
            rows.push(vec![
                one.id,
                one.kind,
                one.jurisdiction,
                month_text(one.from),
                month_text(one.until),
                one.number,
                one.title_zh,
                one.title_en,
            ]);
        }
        rows.print(place.format)
    }
}

impl Show {
    fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = v1::GetRulesRequest {
            area: self.area.clone(),
            month: Some(year_month(self.month)),
            asking: Some(self.asking.message()?),
        };
        let rules = with(place, |transport| async move {
            let rules = client::rule(&transport).get_rules(request).await;
            Ok(rules.map_err(told)?.into_inner())
        })?;
        match place.format {
            Format::Json => json("Rules", &rules),
            Format::Csv | Format::Parquet | Format::Arrow => {
                let columns = [
                    "parameter",
                    "layer",
                    "value",
                    "when",
                    "instrument",
                    "clause",
                    "confidence",
                    "note",
                ];
                let mut rows = Rows::new(&columns);
                for parameter in &rules.parameters {
                    for (layer, said) in parameter.says.iter().enumerate() {
                        let cite = said.citation.clone().unwrap_or_default();
                        rows.push(vec![
                            parameter.path.clone(),
                            (layer + 1).to_string(),
                            said.text.clone(),
                            said.when.clone(),
                            cite.instrument,
                            cite.clause,
                            cite.confidence,
                            cite.note,
                        ]);
                    }
                }
                rows.print(place.format)
            }
            Format::Table => self.explain(place, &rules),
        }
    }

    fn explain(&self, place: &Place, rules: &v1::Rules) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {} → {}", rules.area, self.month, rules.deciding_area)?;
        for one in &rules.instruments {
            let (from, until) = (month_text(one.from), month_text(one.until));
            writeln!(
                out,
                "  {} ({}) {from}…{until} 《{}》{}",
                one.id, one.kind, one.title_zh, one.number
            )?;
        }
        for parameter in &rules.parameters {
            writeln!(out, "\n{}", parameter.path)?;
            let mut instrument = String::new();
            for (at, said) in parameter.says.iter().enumerate() {
                let cite = said.citation.clone().unwrap_or_default();
                let over = if at == 0 || instrument == cite.instrument { " " } else { "↓" };
                let when = match said.when.as_str() {
                    "" => String::new(),
                    when => format!(" [{when}]"),
                };
                writeln!(out, "  {over} {}{when}", said.text)?;
                writeln!(out, "      {} {}", cite.instrument, cited(place, &cite))?;
                instrument = cite.instrument;
            }
        }
        writeln!(out)?;
        for group in &rules.groups {
            let cite = group.citation.clone().unwrap_or_default();
            writeln!(
                out,
                "  {} {} — {}",
                group.group,
                say(place, &group.name),
                cited(place, &cite)
            )?;
        }
        Ok(())
    }
}

impl Check {
    fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        let checked = crate::service::check::check(&place.data, &self.folder)?;
        let mut out = std::io::stdout().lock();
        if place.format == Format::Table {
            let told = |one: &&Finding| self.notes || one.severity != Severity::Note;
            for finding in checked.findings.iter().filter(told) {
                writeln!(out, "{finding}")?;
            }
            let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note]
                .map(|severity| checked.count(severity));
            writeln!(
                out,
                "{} documents, {} cases run, {errors} errors, {warnings} warnings, {notes} notes",
                checked.documents, checked.cases,
            )?;
            if !self.notes && 0 < notes {
                let kinds = checked.kinds(Severity::Note);
                let kinds: Vec<_> = kinds.iter().map(|(code, n)| format!("{n} {code}")).collect();
                writeln!(out, "notes: {}; --notes prints them", kinds.join(", "))?;
            }
        } else {
            drop(out);
            let columns = ["severity", "code", "file", "line", "clause", "en", "zh"];
            let mut rows = Rows::new(&columns);
            for one in &checked.findings {
                rows.push(vec![
                    one.severity.as_str().to_owned(),
                    one.code.to_owned(),
                    one.file.clone(),
                    one.line.to_string(),
                    one.clause.clone(),
                    one.en.clone(),
                    one.zh.clone(),
                ]);
            }
            rows.print(place.format)?;
        }
        let failed = 0 < checked.count(Severity::Error);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// `areas`
#[derive(Debug, Args)]
pub(super) struct Areas {
    /// This area and everything below it.
    #[arg(long, value_name = "CODE")]
    within: Option<String>,
    /// Only areas with an index of their own.
    #[arg(long)]
    with_index: bool,
    /// Only areas whose name contains this.
    #[arg(long)]
    name: Option<String>,
}

impl Areas {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let areas = with(place, |transport| async move {
            let request = v1::ListAreasRequest {
                within: self.within.clone().unwrap_or_default(),
                with_index: self.with_index,
                page_size: 5_000,
                page_token: String::new(),
            };
            let page = client::area(&transport).list_areas(request).await;
            Ok(page.map_err(told)?.into_inner().areas)
        })?;
        let wanted = |area: &&v1::Area| {
            self.name.as_ref().is_none_or(|name| area.name.contains(name.as_str()))
        };
        if place.format == Format::Json {
            return areas.iter().filter(wanted).try_for_each(|area| json("Area", area));
        }
        let mut rows = Rows::new(&["code", "name", "level", "parent", "has_index"]);
        for one in areas.iter().filter(wanted) {
            let has_index = if one.has_index { "yes" } else { "no" };
            rows.push(vec![
                one.code.clone(),
                one.name.clone(),
                one.level.clone(),
                one.parent.clone(),
                has_index.to_owned(),
            ]);
        }
        rows.print(place.format)
    }
}
