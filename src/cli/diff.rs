//! `rules diff`

use std::{fs, io::Write, path::Path};

use anyhow::Context;
use clap::Args;
use tokio_stream::StreamExt;

use crate::grpc::v1::{
    self, diff_instrument_request::Document, diff_instrument_response::Item as Part,
};

use super::{
    Format, Language, Place,
    ask::cited,
    client::{self, Transport, month_text, told, with},
    output::{Rows, json, number, say},
    owed::residence_word,
};

/// Columns of `rules diff --format csv`.
const COLUMNS: [&str; 9] = [
    "kind",
    "area_code",
    "index_month",
    "subject",
    "residence",
    "before",
    "after",
    "before_source",
    "after_source",
];

/// `rules diff`
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The id of a document (see `rules list`), or a TOML file with one that is not yet law.
    document: String,
    /// Leave the assumptions out of both sides.
    #[arg(long)]
    strict: bool,
}

/// All parts of a comparison.
struct Parts {
    law: v1::LawChanges,
    months: Vec<v1::MonthChange>,
    totals: v1::DiffTotals,
    all: Vec<v1::DiffInstrumentResponse>,
}

impl Diff {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let path = Path::new(&self.document);
        let is_file = path.is_file() || path.extension().is_some_and(|ending| ending == "toml");
        let document = match is_file {
            true => {
                let text = fs::read_to_string(path);
                Document::Text(text.with_context(|| format!("read {}", path.display()))?)
            }
            false => Document::Id(self.document.clone()),
        };
        let request = v1::DiffInstrumentRequest { document: Some(document), strict: self.strict };
        let parts = with(place, |transport| async move { collect(&transport, request).await })?;
        match place.format {
            Format::Json => {
                parts.all.iter().try_for_each(|part| json("DiffInstrumentResponse", part))
            }
            Format::Table => explain(place, &parts),
            format => csv(&parts).print(format),
        }
    }
}

async fn collect(
    transport: &Transport,
    request: v1::DiffInstrumentRequest,
) -> anyhow::Result<Parts> {
    let stream = client::rule(transport).diff_instrument(request).await;
    let mut stream = stream.map_err(told)?.into_inner();
    let (mut law, mut months, mut totals, mut all) = (None, Vec::new(), None, Vec::new());
    while let Some(part) = stream.next().await {
        let part = part.map_err(told)?;
        match part.item.clone() {
            Some(Part::Law(changes)) => law = Some(changes),
            Some(Part::Month(month)) => months.push(month),
            Some(Part::Totals(sums)) => totals = Some(sums),
            None => {}
        }
        all.push(part);
    }
    let law = law.context("the comparison ended before the changes of the law")?;
    let totals = totals.context("the comparison ended before its totals")?;
    Ok(Parts { law, months, totals, all })
}

/// What holds, case by case, in one text.
fn held(says: &[v1::Provision]) -> String {
    let one = |said: &v1::Provision| match said.when.as_str() {
        "" => said.text.clone(),
        when => format!("{} [{when}]", said.text),
    };
    says.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The documents and clauses it stands in, each once.
fn sources(says: &[v1::Provision]) -> String {
    let mut all: Vec<String> = Vec::new();
    for cite in says.iter().filter_map(|said| said.citation.as_ref()).map(source) {
        if !all.contains(&cite) {
            all.push(cite);
        }
    }
    all.join("; ")
}

fn source(cite: &v1::Citation) -> String {
    format!("{} {}", cite.instrument, cite.clause).trim_end().to_owned()
}

fn decided(triggered: v1::Triggered, state: v1::State) -> String {
    let word =
        |name: &str, prefix: &str| name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase();
    let triggered = word(triggered.as_str_name(), "TRIGGERED_");
    format!("{triggered}/{}", word(state.as_str_name(), "STATE_"))
}

fn paid(outcome: &str, yuan: &Option<crate::grpc::Decimal>) -> String {
    if outcome == "OWED" { number(yuan) } else { outcome.to_ascii_lowercase() }
}

fn csv(parts: &Parts) -> Rows {
    let mut rows = Rows::new(&COLUMNS);
    let place = parts.law.instrument.as_ref().map_or("", |one| &one.jurisdiction);
    let mut push = |fields: [&str; 9]| rows.push(fields.map(str::to_owned).to_vec());
    for one in &parts.law.parameters {
        let (before, after) = (held(&one.before), held(&one.after));
        let (from, to) = (sources(&one.before), sources(&one.after));
        let month = month_text(one.from);
        push(["parameter", place, &month, &one.path, "", &before, &after, &from, &to]);
    }
    for one in &parts.law.groups {
        let covered = |cite: &Option<v1::Citation>| match cite {
            Some(cite) => ("covered", source(cite)),
            None => ("not_covered", String::new()),
        };
        let ((before, from), (after, to)) = (covered(&one.before), covered(&one.after));
        let month = month_text(one.from);
        push(["group", place, &month, &one.group, "", before, after, &from, &to]);
    }
    for one in &parts.months {
        let month = month_text(one.month);
        let before = decided(one.triggered_before(), one.state_before());
        let after = decided(one.triggered_after(), one.state_after());
        if before != after {
            push(["decision", &one.area, &month, "", "", &before, &after, "", ""]);
        }
        for sum in &one.sums {
            let before = paid(&sum.outcome_before, &sum.yuan_before);
            let after = paid(&sum.outcome_after, &sum.yuan_after);
            let residence = residence_word(sum.residence);
            push(["sum", &one.area, &month, &sum.group, residence, &before, &after, "", ""]);
        }
    }
    rows
}

fn explain(place: &Place, parts: &Parts) -> anyhow::Result<()> {
    explain_law(place, &parts.law)?;
    if !parts.months.is_empty() {
        explain_months(place, &parts.months)?;
    }
    let totals = &parts.totals;
    let (areas, decided) = (totals.areas, totals.months_decided_differently);
    let (paid, sums) = (totals.months_paid_differently, totals.sums_different);
    let mut out = std::io::stdout().lock();
    match place.lang {
        Language::Zh => writeln!(
            out,
            "比较 {areas} 个地区:{decided} 个月决定不同,{paid} 个月发放不同,{sums} 项金额不同"
        )?,
        Language::En => writeln!(
            out,
            "{areas} areas compared: {decided} months decided differently, {paid} months paid \
             differently, {sums} sums differ"
        )?,
    }
    Ok(())
}

fn explain_law(place: &Place, law: &v1::LawChanges) -> anyhow::Result<()> {
    let (nothing, same, restated) = match place.lang {
        Language::Zh => ("(未规定)", " (自此无差别)", "重申、未改变"),
        Language::En => ("(nothing)", " (no difference from here on)", "restated, unchanged"),
    };
    let mut out = std::io::stdout().lock();
    let head = law.instrument.clone().unwrap_or_default();
    let (from, until) = (month_text(head.from), month_text(head.until));
    let (id, kind, title) = (head.id, head.kind, head.title_zh);
    writeln!(out, "{id} ({kind}) {from}…{until} 《{title}》{}", head.number)?;
    for one in &law.parameters {
        let (before, after) = (held(&one.before), held(&one.after));
        let same = if before == after { same } else { "" };
        writeln!(out, "\n{} {}…{same}", one.path, month_text(one.from))?;
        for (sign, text, says) in [("-", before, &one.before), ("+", after, &one.after)] {
            writeln!(out, "  {sign} {}", if text.is_empty() { nothing } else { &text })?;
            for cite in says.iter().filter_map(|said| said.citation.as_ref()) {
                writeln!(out, "      {}", cited(place, cite))?;
            }
        }
    }
    for one in &law.groups {
        let sign = if one.after.is_some() { "+" } else { "-" };
        let cite = one.after.as_ref().or(one.before.as_ref());
        let cite = cite.map(|cite| cited(place, cite)).unwrap_or_default();
        let (month, name) = (month_text(one.from), say(place, &one.name));
        writeln!(out, "\n{sign} {} {name} {month}… — {cite}", one.group)?;
    }
    if !law.restated.is_empty() {
        writeln!(out, "\n{restated}: {}", law.restated.join(", "))?;
    }
    writeln!(out).map_err(anyhow::Error::from)
}

fn explain_months(place: &Place, months: &[v1::MonthChange]) -> anyhow::Result<()> {
    let decision = if place.lang == Language::Zh { "决定" } else { "decision" };
    let mut rows = Rows::new(&["area", "month", "subject", "before", "after"]);
    for one in months {
        let (area, month) = (format!("{} {}", one.area, one.area_name), month_text(one.month));
        let before = decided(one.triggered_before(), one.state_before());
        let after = decided(one.triggered_after(), one.state_after());
        if before != after {
            rows.push(vec![area.clone(), month.clone(), decision.to_owned(), before, after]);
        }
        for sum in &one.sums {
            let name = format!("{} {}", say(place, &sum.group_name), residence_word(sum.residence));
            let before = paid(&sum.outcome_before, &sum.yuan_before);
            let after = paid(&sum.outcome_after, &sum.yuan_after);
            rows.push(vec![area.clone(), month.clone(), name, before, after]);
        }
    }
    rows.print(Format::Table)
}
