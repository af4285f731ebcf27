//! `index` and `standard`: recording from tables, and listing.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::{
    client::figure,
    domain::month::Month,
    grpc::{Decimal, v1},
    intake::{
        figures::{Known, read_figures, read_standards},
        folder::load,
        table::Problems,
    },
};

use super::{
    Format, Place,
    client::{self, month_text, told, with, year_month},
    output::{Rows, json, number},
};

/// `index`
#[derive(Debug, Subcommand)]
pub(super) enum Index {
    /// Record figures from a CSV: month, area_code, series, yoy_pct (or index, or value),
    /// released_on, source; headers in English or Chinese, UTF-8 or GB18030.
    Record(File),
    /// List recorded figures.
    List(ListFigures),
}

/// `standard`
#[derive(Debug, Subcommand)]
pub(super) enum Standard {
    /// Record standards from a CSV: area_code, standard, valid_from, yuan_per_month, headcount,
    /// source; headers in English or Chinese, UTF-8 or GB18030.
    Record(File),
    /// List recorded standards.
    List(ListStandards),
}

/// A table to record.
#[derive(Debug, Args)]
pub(super) struct File {
    /// The file; at most 100,000 rows. It is recorded whole or not at all.
    file: PathBuf,
    /// Check and say what would happen, but record nothing.
    #[arg(long)]
    validate_only: bool,
    /// The request's id, a UUID; give the same one again when an answer was lost. A file recorded again
    /// without it records only what differs by then.
    #[arg(long)]
    request_id: Option<uuid::Uuid>,
}

#[derive(Debug, Args)]
pub(super) struct ListFigures {
    /// Only this area.
    #[arg(long, value_name = "CODE")]
    area: Option<String>,
    /// Only this series.
    #[arg(long)]
    series: Option<String>,
    /// From this month.
    #[arg(long, value_name = "YYYY-MM")]
    from: Option<Month>,
    /// Until this month, included.
    #[arg(long, value_name = "YYYY-MM")]
    until: Option<Month>,
}

#[derive(Debug, Args)]
pub(super) struct ListStandards {
    /// Only this area.
    #[arg(long, value_name = "CODE")]
    area: Option<String>,
    /// Only this standard.
    #[arg(long)]
    standard: Option<String>,
}

impl File {
    fn read(&self) -> anyhow::Result<Vec<u8>> {
        fs::read(&self.file).with_context(|| format!("read {}", self.file.display()))
    }

    fn request_id(&self) -> String {
        self.request_id.unwrap_or_else(uuid::Uuid::now_v7).to_string()
    }

    fn refuse(&self, problems: &Problems) -> anyhow::Error {
        let count = problems.problems.len() + problems.more;
        anyhow::anyhow!(
            "{}: {count} problems, nothing was recorded\n{problems}",
            self.file.display()
        )
    }
}

fn recordable(place: &Place, validate_only: bool) -> anyhow::Result<()> {
    if place.server.is_none() && place.store.is_none() && !validate_only {
        bail!("nowhere to record\nhint: give --server URL or --store DIR, or --validate-only");
    }
    Ok(())
}

pub(super) fn row_problems(problems: &[v1::RowProblem], more: i32) -> anyhow::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = problems
        .iter()
        .map(|one| {
            let v1::RowProblem { row, field, value, expected } = one;
            match value.as_str() {
                "" => format!("row {row}, {field}: {expected}"),
                value => format!("row {row}, {field} {value:?}: expected {expected}"),
            }
        })
        .collect();
    let more = if more == 0 { String::new() } else { format!("\nand {more} more") };
    bail!("nothing was recorded\n{}{more}", told.join("\n"))
}

impl Index {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        match self {
            Self::Record(file) => record_figures(file, place),
            Self::List(list) => list.run(place),
        }
    }
}

fn record_figures(file: &File, place: &Place) -> anyhow::Result<()> {
    recordable(place, file.validate_only)?;
    let bytes = file.read()?;
    let data = load(&place.data)?;
    let known = Known { areas: &data.areas, series: &data.series, standards: &data.standard_names };
    let rows = read_figures(&bytes, known).map_err(|problems| file.refuse(&problems))?;
    let request = v1::RecordFiguresRequest {
        request_id: file.request_id(),
        validate_only: file.validate_only,
        figures: rows.into_iter().map(figure).collect(),
    };
    let done = with(place, |transport| async move {
        let done = client::index(&transport).record_figures(request).await;
        Ok(done.map_err(told)?.into_inner())
    })?;
    row_problems(&done.problems, done.more_problems)?;
    if place.format == Format::Json {
        return json("RecordFiguresResponse", &done);
    }
    let columns = ["sequence", "new", "revisions", "unchanged", "decisions"];
    let mut rows = Rows::new(&columns);
    let counts = [done.new_figures, done.revisions, done.unchanged, done.decisions];
    let counts = counts.iter().map(ToString::to_string);
    rows.push([done.sequence.to_string()].into_iter().chain(counts).collect());
    rows.print(place.format)
}

impl ListFigures {
    fn run(&self, place: &Place) -> anyhow::Result<()> {
        let figures = with(place, |transport| async move {
            let request = v1::ListFiguresRequest {
                area: self.area.clone().unwrap_or_default(),
                series: self.series.clone().unwrap_or_default(),
                from: self.from.map(year_month),
                until: self.until.map(year_month),
                known_at: None,
                page_size: 1_000,
                ..Default::default()
            };
            client::lists::figures(&transport, request).await.map_err(told)
        })?;
        if place.format == Format::Json {
            return figures.iter().try_for_each(|figure| json("Figure", figure));
        }
        let columns =
            ["area_code", "series", "month", "value", "released_on", "revision", "source"];
        let mut rows = Rows::new(&columns);
        for one in &figures {
            rows.push(vec![
                one.area.clone(),
                one.series.clone(),
                month_text(one.month),
                number(&one.value),
                one.released_on.clone(),
                one.revision.to_string(),
                one.source.clone(),
            ]);
        }
        rows.print(place.format)
    }
}

impl Standard {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        match self {
            Self::Record(file) => record_standards(file, place),
            Self::List(list) => list.run(place),
        }
    }
}

fn record_standards(file: &File, place: &Place) -> anyhow::Result<()> {
    recordable(place, file.validate_only)?;
    let bytes = file.read()?;
    let data = load(&place.data)?;
    let known = Known { areas: &data.areas, series: &data.series, standards: &data.standard_names };
    let rows = read_standards(&bytes, known).map_err(|problems| file.refuse(&problems))?;
    let standard = |row: crate::intake::figures::NewStandard| v1::Standard {
        area: row.area.to_string(),
        standard: row.standard.to_string(),
        valid_from: Some(year_month(row.valid_from)),
        yuan: Some(Decimal { value: row.yuan.to_string() }),
        headcount: row.headcount.unwrap_or(0),
        source: row.source,
        ..Default::default()
    };
    let request = v1::RecordStandardsRequest {
        request_id: file.request_id(),
        validate_only: file.validate_only,
        standards: rows.into_iter().map(standard).collect(),
    };
    let done = with(place, |transport| async move {
        let done = client::standard(&transport).record_standards(request).await;
        Ok(done.map_err(told)?.into_inner())
    })?;
    row_problems(&done.problems, done.more_problems)?;
    if place.format == Format::Json {
        return json("RecordStandardsResponse", &done);
    }
    let mut rows = Rows::new(&["sequence", "new", "revisions", "unchanged"]);
    let counts = [done.new_standards, done.revisions, done.unchanged];
    let counts = counts.iter().map(ToString::to_string);
    rows.push([done.sequence.to_string()].into_iter().chain(counts).collect());
    rows.print(place.format)
}

impl ListStandards {
    fn run(&self, place: &Place) -> anyhow::Result<()> {
        let standards = with(place, |transport| async move {
            let request = v1::ListStandardsRequest {
                area: self.area.clone().unwrap_or_default(),
                standard: self.standard.clone().unwrap_or_default(),
                page_size: 1_000,
                ..Default::default()
            };
            client::lists::standards(&transport, request).await.map_err(told)
        })?;
        if place.format == Format::Json {
            return standards.iter().try_for_each(|standard| json("Standard", standard));
        }
        let columns = [
            "area_code",
            "standard",
            "valid_from",
            "yuan_per_month",
            "headcount",
            "revision",
            "source",
        ];
        let mut rows = Rows::new(&columns);
        for one in &standards {
            rows.push(vec![
                one.area.clone(),
                one.standard.clone(),
                month_text(one.valid_from),
                number(&one.yuan),
                if one.headcount == 0 { String::new() } else { one.headcount.to_string() },
                one.revision.to_string(),
                one.source.clone(),
            ]);
        }
        rows.print(place.format)
    }
}
