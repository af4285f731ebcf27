//! `status`, `history`, `subsidy` and `replay`.

use std::io::Write;

use clap::{Args, ValueEnum};

use crate::{domain::month::Month, grpc::v1};

use super::{
    Asking, Format, Language, Place,
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
    pub(super) fn message(self) -> i32 {
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
    /// Every area that decides in this one, with or without an index of its own.
    #[arg(long, value_name = "CODE", conflicts_with = "area")]
    within: Option<String>,
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
            let request = v1::ListStatusesRequest {
                month: self.month.map(year_month),
                areas: self.area.clone(),
                asking: Some(self.asking.message()?),
                depth: self.depth.message(),
                page_size: 500,
                within: self.within.clone().unwrap_or_default(),
                ..Default::default()
            };
            client::lists::statuses(&transport, request).await.map_err(told)
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

pub(super) fn state_word(state: i32) -> &'static str {
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

pub(super) fn triggered_word(triggered: i32) -> &'static str {
    match v1::Triggered::try_from(triggered).unwrap_or_default() {
        v1::Triggered::Unspecified => "",
        v1::Triggered::Yes => "yes",
        v1::Triggered::No => "no",
        v1::Triggered::Undecidable => "undecidable",
    }
}

pub(super) fn status_row(place: &Place, status: &v1::Status) -> Vec<String> {
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
            writeln!(out, "      {}", cited(place, cite))?;
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
pub(super) fn cited(place: &Place, cite: &v1::Citation) -> String {
    let number = if cite.number.is_empty() { String::new() } else { format!("({})", cite.number) };
    let note = if cite.note.is_empty() { String::new() } else { format!(" — {}", cite.note) };
    let assumed = match (cite.assumed, place.lang) {
        (false, _) => "",
        (true, Language::Zh) => "[假设] ",
        (true, Language::En) => "[assumed] ",
    };
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
            asking: Some(self.asking.message()?),
            depth: v1::Depth::Answer.into(),
            ..Default::default()
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
        let months = with(place, |transport| async move {
            client::lists::replayed(&transport, request).await.map_err(told)
        })?;
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
        anyhow::ensure!(
            place.server.is_some() || place.store.is_some(),
            "decisions are recorded in a store\nhint: give --server URL or --store DIR"
        );
        let decisions = with(place, |transport| async move {
            let request = v1::ListDecisionsRequest {
                area: self.area.clone(),
                from: self.from.map(year_month),
                until: self.until.map(year_month),
                page_size: 1_000,
                ..Default::default()
            };
            client::lists::decisions(&transport, request).await.map_err(told)
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
