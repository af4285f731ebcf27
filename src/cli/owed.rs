//! `subsidy` and `replay`: what is owed, and months under any law.

use std::{collections::HashSet, io::Write};

use clap::Args;

use crate::{domain::month::Month, grpc::v1};

use super::{
    Asking, Format, Language, Place,
    ask::{Depth, STATUS_COLUMNS, cited, status_row},
    client::{self, lists::each_month, month_text, told, with, year_month},
    output::{Rows, Stream, json, number, say},
    replay::Over,
};

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
            asking: Some(self.asking.message()?),
            depth: self.depth.message(),
        };
        let quote = with(place, |transport| async move {
            let quote = client::subsidy(&transport).quote_subsidy(request).await;
            Ok(quote.map_err(told)?.into_inner())
        })?;
        match place.format {
            Format::Json => json("Quote", &quote),
            Format::Csv | Format::Parquet | Format::Arrow => {
                let mut rows = Rows::new(&SUBSIDY_COLUMNS);
                let status = quote.status.unwrap_or_default();
                quote.lines.iter().for_each(|line| rows.push(subsidy_row(&status, line)));
                rows.print(place.format)?;
                Remarks::default().tell(place, &status, &quote.lines);
                Ok(())
            }
            Format::Table => explain_quote(place, &quote),
        }
    }
}

/// Says on standard error what the columns have no room for: why lines have no sum, each reason once
/// for an area and month, and on which assumptions the others rest.
#[derive(Debug, Default)]
struct Remarks {
    told: HashSet<String>,
    more: usize,
}

/// Most reasons told one by one.
const REASONS_MAX: usize = 20;

impl Remarks {
    fn tell(&mut self, place: &Place, status: &v1::Status, lines: &[v1::SubsidyLine]) {
        let (area, month) = (&status.area, month_text(status.month));
        for line in lines {
            match line.subsidy_yuan {
                None => {
                    let reason = format!("{area} {month}: {}", say(place, &line.outcome_text));
                    if self.told.len() < REASONS_MAX {
                        self.once(reason);
                    } else if self.told.insert(reason) {
                        self.more += 1;
                    }
                }
                Some(_) => line.assumptions.iter().for_each(|id| {
                    self.once(match place.lang {
                        Language::Zh => format!("金额依据假设:{id}"),
                        Language::En => format!("sums rest on the assumption {id}"),
                    });
                }),
            }
        }
    }

    fn once(&mut self, remark: String) {
        if !self.told.contains(&remark) {
            eprintln!("{remark}");
            self.told.insert(remark);
        }
    }

    /// Says how many reasons were not told one by one.
    fn finish(self, place: &Place) {
        if 0 < self.more {
            let more = self.more;
            eprintln!(
                "{}",
                match place.lang {
                    Language::Zh => format!("另有 {more} 条原因,见 --format json"),
                    Language::En => format!("{more} more reasons; see --format json"),
                }
            );
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

pub(super) fn residence_word(residence: i32) -> &'static str {
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
        let name = say(place, &line.group_name);
        let same = told.iter_mut().find(|(_, other)| {
            (&other.outcome_text, &other.steps, other.residence, &other.pay_by_text)
                == (&line.outcome_text, &line.steps, line.residence, &line.pay_by_text)
        });
        match same {
            Some((names, _)) => names.push(name),
            None => told.push((vec![name], line)),
        }
    }
    let mut out = std::io::stdout().lock();
    for (names, line) in told {
        let names = match (place.lang, line.residence()) {
            (Language::Zh, v1::Residence::Rural) => format!("{}(农村)", names.join("、")),
            (Language::Zh, _) => format!("{}(城镇)", names.join("、")),
            (Language::En, v1::Residence::Rural) => format!("{} (rural)", names.join(", ")),
            (Language::En, _) => format!("{} (urban)", names.join(", ")),
        };
        writeln!(out, "\n{names}")?;
        writeln!(out, "  {}", say(place, &line.outcome_text))?;
        if line.pay_by_text != status.pay_by_text {
            writeln!(out, "  {}", say(place, &line.pay_by_text))?;
        }
        for step in &line.steps {
            writeln!(out, "    {}: {}", step.name, say(place, &step.text))?;
            for cite in step.citation.iter().chain(&step.operand_citations) {
                writeln!(out, "        {}", cited(place, cite))?;
            }
        }
        if !line.assumptions.is_empty() {
            let (zh, en) = ("  ※ 依据假设:", "  * rests on assumptions: ");
            let word = if place.lang == Language::Zh { zh } else { en };
            writeln!(out, "{word}{}", line.assumptions.join(", "))?;
        }
    }
    for one in &quote.discretion {
        let cite = one.citation.clone().unwrap_or_default();
        let who = [one.groups.join(", "), residence_word(one.residence).to_owned()];
        let who = who.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        let further = number(&one.each_further_yuan);
        let further = if further.is_empty() { further } else { format!(" + {further}") };
        let (yuan, unit) = (number(&one.yuan), &one.unit);
        let word = if place.lang == Language::Zh { "酌情发放" } else { "by discretion" };
        writeln!(out, "\n{word}: {who}: {yuan}{further} / {unit}")?;
        writeln!(out, "  {} {}", one.reason, cited(place, &cite))?;
    }
    Ok(())
}

/// `replay`
#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    over: Over,
    /// What each group is owed, instead of the decisions.
    #[arg(long)]
    amounts: bool,
    #[command(flatten)]
    asking: Asking,
}

impl Replay {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let extent = self.over.message(place)?;
        let request = v1::ReplayRequest {
            areas: extent.areas,
            within: extent.within,
            from: extent.from,
            until: extent.until,
            supposed_figures: extent.supposed_figures,
            asking: Some(self.asking.message()?),
            with_amounts: self.amounts,
            depth: match place.format {
                Format::Json => v1::Depth::Steps.into(),
                _ => v1::Depth::Answer.into(),
            },
        };
        let columns: &[_] = if self.amounts { &SUBSIDY_COLUMNS } else { &STATUS_COLUMNS };
        let mut out = match place.format {
            Format::Json => None,
            format => Some(Stream::new(columns, format)?),
        };
        let mut remarks = Remarks::default();
        with(place, async |transport| {
            each_month(&transport, request, told, |month| {
                let Some(out) = &mut out else { return json("ReplayMonth", &month) };
                let Some(status) = &month.status else { return Ok(()) };
                if !self.amounts {
                    return out.push(status_row(place, status));
                }
                remarks.tell(place, status, &month.lines);
                month.lines.iter().try_for_each(|line| out.push(subsidy_row(status, line)))
            })
            .await
        })?;
        if let Some(out) = out {
            out.finish()?;
        }
        remarks.finish(place);
        Ok(())
    }
}
