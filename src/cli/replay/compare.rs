//! `compare`

use std::io::Write;

use anyhow::Context;
use clap::Args;
use tokio_stream::StreamExt;

use crate::grpc::v1::{self, compare_response::Item};

use super::{
    super::{
        Format, Language, Place,
        ask::{state_word, triggered_word},
        client::{self, Transport, month_text, told, with},
        output::{Rows, json, number, say},
        owed::residence_word,
    },
    Counted, LAW_HELP, Over, law,
};

/// `compare`
#[derive(Debug, Args)]
pub(in super::super) struct Compare {
    #[arg(long = "law", value_name = "NAME=LAW", required = true, help = LAW_HELP,
        long_help = "A law with a name for it, such as new=set:trigger.conditions.cpi.threshold=3.0; \
                     given at least once. With one only, it is set beside the law in force. Parts are \
                     joined by +: in-force, as-of:YYYY-MM, document:ID, reform:FILE, set:PATH=VALUE, \
                     known-at:INSTANT, published-by:DAY, strict")]
    laws: Vec<String>,
    #[command(flatten)]
    over: Over,
    /// Also what each group is owed.
    #[arg(long)]
    amounts: bool,
    #[command(flatten)]
    counted: Counted,
    /// Every month in which the laws differ, instead of what each comes to.
    #[arg(long)]
    months: bool,
    /// What each law comes to by year and group.
    #[arg(long, conflicts_with = "months")]
    years: bool,
}

/// All parts of a comparison.
pub(super) struct Parts {
    pub months: Vec<v1::ComparedMonth>,
    pub laws: Vec<v1::LawTotals>,
    all: Vec<v1::CompareResponse>,
}

/// The laws by their names; one alone is set beside that in force.
pub(super) fn named(laws: &[String]) -> anyhow::Result<Vec<v1::NamedLaw>> {
    let one = |text: &String| {
        let (name, spec) = text.split_once('=').context("--law: expected NAME=LAW")?;
        Ok(v1::NamedLaw { name: name.to_owned(), asking: Some(law(spec)?) })
    };
    let mut named = laws.iter().map(one).collect::<anyhow::Result<Vec<_>>>()?;
    if named.len() == 1 {
        let asking = Some(law("in-force")?);
        named.insert(0, v1::NamedLaw { name: "in-force".to_owned(), asking });
    }
    Ok(named)
}

pub(super) async fn collect(
    transport: &Transport,
    request: v1::CompareRequest,
) -> anyhow::Result<Parts> {
    let stream = client::replay(transport).compare(request).await;
    let mut stream = stream.map_err(told)?.into_inner();
    let (mut months, mut laws, mut all) = (Vec::new(), None, Vec::new());
    while let Some(part) = stream.next().await {
        let part = part.map_err(told)?;
        match part.item.clone() {
            Some(Item::Month(month)) => months.push(month),
            Some(Item::Totals(totals)) => laws = Some(totals.laws),
            Some(Item::Progress(_)) | None => continue,
        }
        all.push(part);
    }
    let laws = laws.context("the comparison ended before its totals")?;
    Ok(Parts { months, laws, all })
}

impl Compare {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let headcounts = self.counted.message(place)?;
        let request = v1::CompareRequest {
            laws: named(&self.laws)?,
            extent: Some(self.over.message(place)?),
            with_amounts: self.amounts || !headcounts.is_empty(),
            headcounts,
        };
        let parts = with(place, |transport| async move { collect(&transport, request).await })?;
        if place.format == Format::Json {
            return parts.all.iter().try_for_each(|part| json("CompareResponse", part));
        }
        if self.months {
            return months(place, &parts).print(place.format);
        }
        if self.years {
            return years(place, &parts).print(place.format);
        }
        totals(&parts.laws).print(place.format)?;
        if place.format == Format::Table && parts.laws.iter().any(|law| law.hypothetical) {
            let text = match place.lang {
                Language::Zh => "含假设的规则或数据:仅供研究,不得据以发放。",
                Language::En => {
                    "A supposed rule or figure stands in it: nothing may be paid by it."
                }
            };
            writeln!(std::io::stdout(), "{text}")?;
        }
        Ok(())
    }
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Columns of what a law comes to.
pub(super) const TOTALS_COLUMNS: [&str; 11] = [
    "area_months",
    "paid",
    "starts",
    "undecidable",
    "gained",
    "lost",
    "yuan_each",
    "person_months",
    "cost_yuan",
    "without_sum_months",
    "not_costed_months",
];

/// What a law comes to, in those columns.
pub(super) fn fields(law: &v1::LawTotals) -> impl Iterator<Item = String> {
    let counts = [law.months, law.paid, law.starts, law.undecidable, law.gained, law.lost];
    counts.map(|count| count.to_string()).into_iter().chain(sums(law.all.as_ref()))
}

/// What each law comes to.
fn totals(laws: &[v1::LawTotals]) -> Rows {
    let mut rows = Rows::new(&[&["law", "hypothetical"][..], &TOTALS_COLUMNS].concat());
    for law in laws {
        let head = [law.name.clone(), yes(law.hypothetical)];
        rows.push(head.into_iter().chain(fields(law)).collect());
    }
    rows
}

/// What a group comes to; empty without sums.
fn sums(all: Option<&v1::GroupTotals>) -> [String; 5] {
    let Some(all) = all else { return Default::default() };
    [
        number(&all.yuan_each),
        all.person_months.to_string(),
        number(&all.yuan),
        all.without_sum.to_string(),
        all.not_costed.to_string(),
    ]
}

fn years(place: &Place, parts: &Parts) -> Rows {
    let mut rows = Rows::new(&[
        "law",
        "year",
        "group",
        "group_name",
        "residence",
        "paid_months",
        "yuan_each",
        "person_months",
        "cost_yuan",
        "without_sum_months",
        "not_costed_months",
    ]);
    for law in &parts.laws {
        for one in &law.groups {
            let mut row = vec![
                law.name.clone(),
                one.year.to_string(),
                one.group.clone(),
                say(place, &one.group_name),
                residence_word(one.residence).to_owned(),
                one.months.to_string(),
            ];
            row.extend(sums(Some(one)));
            rows.push(row);
        }
    }
    rows
}

fn months(place: &Place, parts: &Parts) -> Rows {
    let mut columns = vec![
        "area_code",
        "area_name",
        "index_month",
        "group",
        "group_name",
        "residence",
        "persons",
    ];
    let names: Vec<_> = parts.laws.iter().map(|law| law.name.as_str()).collect();
    let own: Vec<String> = (names.iter())
        .flat_map(|name| ["triggered", "state", "outcome", "yuan"].map(|of| format!("{name}:{of}")))
        .collect();
    columns.extend(own.iter().map(String::as_str));
    let mut rows = Rows::named(columns.into_iter().map(str::to_owned).collect());
    for month in &parts.months {
        let decided = |at: usize| {
            let one = &month.decisions[at];
            [triggered_word(one.triggered).to_owned(), state_word(one.state).to_owned()]
        };
        let head = [month.area.clone(), month.area_name.clone(), month_text(month.month)];
        let mut push = |group: [String; 4], owed: &dyn Fn(usize) -> [String; 2]| {
            let mut row: Vec<String> = head.to_vec();
            row.extend(group);
            (0..names.len()).for_each(|at| row.extend(decided(at).into_iter().chain(owed(at))));
            rows.push(row);
        };
        if month.sums.is_empty() {
            push(Default::default(), &|_| Default::default());
        }
        for sum in &month.sums {
            let persons = if sum.persons == 0 { String::new() } else { sum.persons.to_string() };
            let residence = residence_word(sum.residence).to_owned();
            let group = [sum.group.clone(), say(place, &sum.group_name), residence, persons];
            push(group, &|at| {
                let owed = &sum.owed[at];
                [owed.outcome.to_ascii_lowercase(), number(&owed.yuan)]
            });
        }
    }
    rows
}
