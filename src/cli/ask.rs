//! `status`, `history`, `subsidy` and `replay`.

use std::io::Write;

use clap::{Args, ValueEnum};
use tokio_stream::StreamExt;

use crate::{domain::month::Month, grpc::v1};

use super::{
    Asking, Format, Place,
    client::{self, month_text, told, with, year_month},
    output::{Rows, json, number, say},
};

/// Columns of `status` and `replay`.
pub(super) const STATUS_COLUMNS: [&str; 8] = [
    "area_code",
    "index_month",
    "state",
    "triggered",
    "deciding_area",
    "carried_by",
    "pay_by",
    "reason",
];

/// Columns of `subsidy` and of `replay --amounts`.
pub(super) const SUBSIDY_COLUMNS: [&str; 12] = [
    "area_code",
    "index_month",
    "group",
    "residence",
    "base_standard",
    "base_yuan",
    "multiplier_series",
    "rise_pct",
    "unrounded_yuan",
    "subsidy_yuan",
    "instrument",
    "clause",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Depth {
    /// The sentence.
    Answer,
    /// Conditions and computation steps as well.
    Steps,
    /// Also which documents apply and why.
    Law,
}

impl Depth {
    fn message(self) -> i32 {
        match self {
            Self::Answer => v1::Depth::Answer,
            Self::Steps => v1::Depth::Steps,
            Self::Law => v1::Depth::Law,
        }
        .into()
    }
}

/// `status`
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The area, six digits; may be repeated. Without it: every area with an index of its own.
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// The index month; the newest with an index when left out.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
    /// How deep the explanation goes.
    #[arg(long, value_enum, default_value_t = Depth::Steps)]
    depth: Depth,
    #[command(flatten)]
    asking: Asking,
}

impl Status {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let statuses = with(place, |transport| async move {
            let mut all = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = v1::ListStatusesRequest {
                    month: self.month.map(year_month),
                    areas: self.area.clone(),
                    asking: Some(self.asking.message()),
                    depth: self.depth.message(),
                    page_size: 500,
                    page_token,
                };
                let page = client::trigger(&transport).list_statuses(request).await;
                let page = page.map_err(told)?.into_inner();
                all.extend(page.statuses);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    return Ok(all);
                }
            }
        })?;
        match place.format {
            Format::Json => statuses.iter().try_for_each(|status| json("Status", status)),
            Format::Table if statuses.len() == 1 => explain_status(place, &statuses[0]),
            format => {
                let mut rows = Rows::new(&STATUS_COLUMNS);
                statuses.iter().for_each(|status| rows.push(status_row(place, status)));
                rows.print(format)
            }
        }
    }
}

fn state_word(state: i32) -> &'static str {
    match v1::State::try_from(state).unwrap_or_default() {
        v1::State::Unspecified => "",
        v1::State::Inactive => "inactive",
        v1::State::Started => "started",
        v1::State::Continuing => "continuing",
        v1::State::Suspended => "suspended",
        v1::State::Ended => "ended",
        v1::State::BackPaid => "back_paid",
        v1::State::Undecidable => "undecidable",
    }
}

fn triggered_word(triggered: i32) -> &'static str {
    match v1::Triggered::try_from(triggered).unwrap_or_default() {
        v1::Triggered::Unspecified => "",
        v1::Triggered::Yes => "yes",
        v1::Triggered::No => "no",
        v1::Triggered::Undecidable => "undecidable",
    }
}

fn status_row(place: &Place, status: &v1::Status) -> Vec<String> {
    vec![
        status.area.clone(),
        month_text(status.month),
        state_word(status.state).to_owned(),
        triggered_word(status.triggered).to_owned(),
        status.deciding_area.clone(),
        status.carried_by.join("+"),
        status.pay_by.clone(),
        say(place, &status.reason),
    ]
}

fn explain_status(place: &Place, status: &v1::Status) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", say(place, &status.reason))?;
    writeln!(out, "  {}", say(place, &status.pay_by_text))?;
    for condition in &status.conditions {
        let margin = match number(&condition.margin) {
            none if none.is_empty() => String::new(),
            margin if margin.starts_with('-') => format!("  [{margin}]"),
            margin => format!("  [+{margin}]"),
        };
        writeln!(out, "  - {}{margin}", say(place, &condition.text))?;
        for cite in condition.citation.iter().chain(&condition.inherited_by) {
            writeln!(out, "      {}", cited(cite))?;
        }
    }
    let ids: Vec<_> = status.instruments.iter().map(|one| one.id.as_str()).collect();
    writeln!(out, "  {}", ids.join(" < "))?;
    for one in status.instruments.iter().filter(|one| one.why.is_some()) {
        writeln!(out, "      {}: 《{}》 {}", one.id, one.title_zh, say(place, &one.why))?;
    }
    Ok(())
}

/// A citation in one line.
pub(super) fn cited(cite: &v1::Citation) -> String {
    let number = if cite.number.is_empty() { String::new() } else { format!("({})", cite.number) };
    let note = if cite.note.is_empty() { String::new() } else { format!(" — {}", cite.note) };
    let assumed = if cite.assumed { "假设/assumed " } else { "" };
    let v1::Citation { title_zh, clause, confidence, .. } = cite;
    format!("{assumed}《{title_zh}》{number} {clause} [{confidence}]{note}")
}

/// `history`
#[derive(Debug, Args)]
pub(super) struct History {
    /// The area, six digits.
    #[arg(long, value_name = "CODE")]
    area: String,
    /// First index month.
    #[arg(long, value_name = "YYYY-MM")]
    from: Option<Month>,
    /// Last index month.
    #[arg(long, value_name = "YYYY-MM")]
    until: Option<Month>,
    /// The decisions as they were recorded, each revision beside the one it supersedes. Needs
    /// --server or --store.
    #[arg(long)]
    recorded: bool,
    #[command(flatten)]
    asking: Asking,
}

impl History {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        if self.recorded {
            return self.recorded(place);
        }
        let request = v1::ReplayRequest {
            areas: vec![self.area.clone()],
            from: self.from.map(year_month),
            until: self.until.map(year_month),
            asking: Some(self.asking.message()),
            with_amounts: false,
            depth: v1::Depth::Answer.into(),
        };
        let columns =
            ["area_code", "from", "until", "state", "triggered", "deciding_area", "reason"];
        let mut rows = Rows::new(&columns);
        let mut open: Option<(v1::Status, String)> = None;
        let mut close = |open: Option<(v1::Status, String)>| {
            let Some((first, last)) = open else { return };
            rows.push(vec![
                first.area.clone(),
                month_text(first.month),
                last,
                state_word(first.state).to_owned(),
                triggered_word(first.triggered).to_owned(),
                first.deciding_area.clone(),
                say(place, &first.reason),
            ]);
        };
        let months = with(place, |transport| async move { collect(&transport, request).await })?;
        if place.format == Format::Json {
            let statuses = months.iter().filter_map(|month| month.status.as_ref());
            return statuses.into_iter().try_for_each(|status| json("Status", status));
        }
        for status in months.into_iter().filter_map(|month| month.status) {
            let month = month_text(status.month);
            let same = open.as_ref().is_some_and(|(first, _)| {
                (first.state, &first.deciding_area) == (status.state, &status.deciding_area)
            });
            match (same, open.take()) {
                (true, Some((first, _))) => open = Some((first, month)),
                (_, before) => {
                    close(before);
                    open = Some((status, month));
                }
            }
        }
        close(open);
        rows.print(place.format)
    }

    fn recorded(&self, place: &Place) -> anyhow::Result<()> {
        let decisions = with(place, |transport| async move {
            let mut all = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = v1::ListDecisionsRequest {
                    area: self.area.clone(),
                    from: self.from.map(year_month),
                    until: self.until.map(year_month),
                    page_size: 1_000,
                    page_token,
                };
                let page = client::trigger(&transport).list_decisions(request).await;
                let page = page.map_err(told)?.into_inner();
                all.extend(page.decisions);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    return Ok(all);
                }
            }
        })?;
        if place.format == Format::Json {
            return decisions.iter().try_for_each(|decision| json("Decision", decision));
        }
        let columns = [
            "area_code",
            "index_month",
            "revision",
            "state",
            "triggered",
            "carried_by",
            "recorded_at",
            "instruments",
            "reason",
        ];
        let mut rows = Rows::new(&columns);
        for one in decisions {
            let at = one.recorded_at.and_then(|at| {
                chrono::DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
            });
            rows.push(vec![
                one.area.clone(),
                month_text(one.month),
                one.revision.to_string(),
                state_word(one.state).to_owned(),
                triggered_word(one.triggered).to_owned(),
                one.carried_by.join("+"),
                at.map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
                one.instruments.join("+"),
                say(place, &one.reason),
            ]);
        }
        rows.print(place.format)
    }
}

/// `subsidy`
#[derive(Debug, Args)]
pub(super) struct Subsidy {
    /// The area, six digits.
    #[arg(long, value_name = "CODE")]
    area: String,
    /// The index month.
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// How deep the explanation goes.
    #[arg(long, value_enum, default_value_t = Depth::Steps)]
    depth: Depth,
    #[command(flatten)]
    asking: Asking,
}

impl Subsidy {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = v1::QuoteSubsidyRequest {
            area: self.area.clone(),
            month: Some(year_month(self.month)),
            asking: Some(self.asking.message()),
            depth: self.depth.message(),
        };
        let quote = with(place, |transport| async move {
            let quote = client::subsidy(&transport).quote_subsidy(request).await;
            Ok(quote.map_err(told)?.into_inner())
        })?;
        match place.format {
            Format::Json => json("Quote", &quote),
            Format::Csv => {
                let mut rows = Rows::new(&SUBSIDY_COLUMNS);
                let status = quote.status.unwrap_or_default();
                quote.lines.iter().for_each(|line| rows.push(subsidy_row(&status, line)));
                rows.print(Format::Csv)
            }
            Format::Table => explain_quote(place, &quote),
        }
    }
}

fn subsidy_row(status: &v1::Status, line: &v1::SubsidyLine) -> Vec<String> {
    let citation = line.citation.clone().unwrap_or_default();
    vec![
        status.area.clone(),
        month_text(status.month),
        line.group.clone(),
        residence_word(line.residence).to_owned(),
        line.base_standard.clone(),
        number(&line.base_yuan),
        line.multiplier_series.clone(),
        number(&line.rise_pct),
        number(&line.unrounded_yuan),
        number(&line.subsidy_yuan),
        citation.instrument,
        citation.clause,
    ]
}

fn residence_word(residence: i32) -> &'static str {
    match v1::Residence::try_from(residence).unwrap_or_default() {
        v1::Residence::Unspecified => "",
        v1::Residence::Urban => "urban",
        v1::Residence::Rural => "rural",
    }
}

fn explain_quote(place: &Place, quote: &v1::Quote) -> anyhow::Result<()> {
    let status = quote.status.clone().unwrap_or_default();
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", say(place, &status.reason))?;
        writeln!(out, "  {}", say(place, &status.pay_by_text))?;
    }
    // Lines with the same derivation are shown once, with all their groups.
    let mut told: Vec<(Vec<String>, &v1::SubsidyLine)> = Vec::new();
    for line in &quote.lines {
        let residence = match (place.lang, line.residence()) {
            (super::Language::Zh, v1::Residence::Rural) => "农村",
            (super::Language::Zh, _) => "城镇",
            (super::Language::En, v1::Residence::Rural) => "rural",
            (super::Language::En, _) => "urban",
        };
        let name = format!("{}({residence})", say(place, &line.group_name));
        let same = told.iter_mut().find(|(_, other)| {
            (&other.outcome_text, &other.steps, other.residence)
                == (&line.outcome_text, &line.steps, line.residence)
        });
        match same {
            Some((names, _)) => names.push(name),
            None => told.push((vec![name], line)),
        }
    }
    let mut out = std::io::stdout().lock();
    for (names, line) in told {
        writeln!(out, "\n{}", names.join("、"))?;
        writeln!(out, "  {}", say(place, &line.outcome_text))?;
        for step in &line.steps {
            writeln!(out, "    {}: {}", step.name, say(place, &step.text))?;
            for cite in step.citation.iter().chain(&step.operand_citations) {
                writeln!(out, "        {}", cited(cite))?;
            }
        }
        if !line.assumptions.is_empty() {
            let (zh, en) = ("  ※ 依据假设:", "  * rests on assumptions: ");
            let word = if place.lang == super::Language::Zh { zh } else { en };
            writeln!(out, "{word}{}", line.assumptions.join(", "))?;
        }
    }
    for one in &quote.discretion {
        let cite = one.citation.clone().unwrap_or_default();
        let (groups, yuan) = (one.groups.join(", "), number(&one.yuan));
        writeln!(out, "\n[酌情/discretion] {groups}: {yuan} ({}) {}", one.reason, cited(&cite))?;
    }
    Ok(())
}

/// `replay`
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The areas, six digits each; may be repeated. Without it: every area with an index.
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// First index month; 2010-01 when left out.
    #[arg(long, value_name = "YYYY-MM")]
    from: Option<Month>,
    /// Last index month; the newest with an index when left out.
    #[arg(long, value_name = "YYYY-MM")]
    until: Option<Month>,
    /// What each group is owed, instead of the decisions.
    #[arg(long)]
    amounts: bool,
    #[command(flatten)]
    asking: Asking,
}

impl Replay {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = v1::ReplayRequest {
            areas: self.area.clone(),
            from: self.from.map(year_month),
            until: self.until.map(year_month),
            asking: Some(self.asking.message()),
            with_amounts: self.amounts,
            depth: match place.format {
                Format::Json => v1::Depth::Steps.into(),
                _ => v1::Depth::Answer.into(),
            },
        };
        let months = with(place, |transport| async move { collect(&transport, request).await })?;
        if place.format == Format::Json {
            return months.iter().try_for_each(|month| json("ReplayMonth", month));
        }
        let mut rows = match self.amounts {
            true => Rows::new(&SUBSIDY_COLUMNS),
            false => Rows::new(&STATUS_COLUMNS),
        };
        for month in &months {
            let Some(status) = &month.status else { continue };
            match self.amounts {
                true => month.lines.iter().for_each(|line| rows.push(subsidy_row(status, line))),
                false => rows.push(status_row(place, status)),
            }
        }
        rows.print(place.format)
    }
}

async fn collect(
    transport: &client::Transport,
    request: v1::ReplayRequest,
) -> anyhow::Result<Vec<v1::ReplayMonth>> {
    let stream = client::replay(transport).replay(request).await;
    let mut stream = stream.map_err(told)?.into_inner();
    let mut months = Vec::new();
    let mut totals = None;
    while let Some(item) = stream.next().await {
        match item.map_err(told)?.item {
            Some(v1::replay_response::Item::Month(month)) => months.push(month),
            Some(v1::replay_response::Item::Totals(sums)) => totals = Some(sums),
            None => {}
        }
    }
    let complete = totals.is_some_and(|totals| totals.months == months.len() as i64);
    anyhow::ensure!(complete, "the replay ended before its totals");
    Ok(months)
}
