//! `chart`: what is asked of the services, drawn.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use crate::{
    charts::{CostBars, CostPart, HeatMap, HeatRow, IndexLines, Lang, LawCosts, YearCosts, png},
    client::{
        charts::{index_lines, same, states},
        lists::replayed,
    },
    engine::reason::Text,
    grpc::v1,
    intake::folder::load,
};

use super::{
    super::{
        Asking, Language, Place,
        client::{told, with},
    },
    Counted, LAW_HELP, Over, compare, sweep,
};

/// Pixels of a PNG for each of the SVG.
const SCALE: u8 = 2;

/// `chart`
#[derive(Debug, Args)]
pub(in super::super) struct Chart {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The indices of one area with their thresholds, and the months paid.
    Index(OfReplay),
    /// Areas × months: paid, not paid, undecidable.
    States(OfReplay),
    /// Cost by year and group, of one law or several beside each other.
    Cost(OfCost),
    /// Months paid, or what they cost, over one or two parameters.
    Sweep(OfSweep),
}

#[derive(Debug, Args)]
struct Out {
    /// The file, ending in .svg or .png.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct OfReplay {
    #[command(flatten)]
    over: Over,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    out: Out,
}

#[derive(Debug, Args)]
struct OfCost {
    #[arg(long = "law", value_name = "NAME=LAW", help = LAW_HELP)]
    laws: Vec<String>,
    #[command(flatten)]
    over: Over,
    #[command(flatten)]
    counted: Counted,
    #[command(flatten)]
    out: Out,
}

#[derive(Debug, Args)]
struct OfSweep {
    #[command(flatten)]
    swept: sweep::Swept,
    #[command(flatten)]
    out: Out,
}

impl Chart {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let lang = match place.lang {
            Language::Zh => Lang::Zh,
            Language::En => Lang::En,
        };
        let (svg, out) = match &self.what {
            What::Index(of) => (of.index(place)?.svg(lang), &of.out),
            What::States(of) => (states(&of.months(place)?)?.svg(lang), &of.out),
            What::Cost(of) => (of.bars(place)?.svg(lang), &of.out),
            What::Sweep(of) => (of.map(place)?.svg(lang), &of.out),
        };
        let bytes = match out.out.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => svg.into_bytes(),
            Some("png") => png(&svg, SCALE)?,
            _ => bail!("{}: expected a file ending in .svg or .png", out.out.display()),
        };
        fs::write(&out.out, bytes).with_context(|| format!("write {}", out.out.display()))
    }
}

fn text(text: &Option<v1::Text>) -> Text {
    text.as_ref().map_or_else(|| Text::new("", ""), |text| Text::new(&*text.zh, &*text.en))
}

impl OfReplay {
    fn index(&self, place: &Place) -> anyhow::Result<IndexLines> {
        let statuses = self.months(place)?;
        let names = load(&place.data)?.series;
        index_lines(&names, &statuses).context("chart index")
    }

    fn months(&self, place: &Place) -> anyhow::Result<Vec<v1::Status>> {
        let extent = self.over.message(place)?;
        let request = v1::ReplayRequest {
            areas: extent.areas,
            within: extent.within,
            from: extent.from,
            until: extent.until,
            supposed_figures: extent.supposed_figures,
            asking: Some(self.asking.message()?),
            with_amounts: false,
            depth: v1::Depth::Steps.into(),
        };
        let found =
            with(
                place,
                |transport| async move { replayed(&transport, request).await.map_err(told) },
            )?;
        Ok(found.into_iter().filter_map(|month| month.status).collect())
    }
}

impl OfCost {
    fn bars(&self, place: &Place) -> anyhow::Result<CostBars> {
        let headcounts = self.counted.message(place)?;
        if headcounts.is_empty() {
            bail!("chart cost: expected --headcounts, since nobody is counted without it");
        }
        let in_force = ["in-force=in-force".to_owned(), "again=in-force".to_owned()];
        let alone = self.laws.is_empty();
        let laws = compare::named(if alone { &in_force } else { &self.laws })?;
        let request = v1::CompareRequest {
            laws,
            extent: Some(self.over.message(place)?),
            with_amounts: true,
            headcounts,
        };
        let parts =
            with(place, |transport| async move { compare::collect(&transport, request).await })?;
        let mut laws = parts.laws;
        laws.truncate(if alone { 1 } else { laws.len() });
        let mut notes = vec![Text::new(
            "人数为假设,逐月不变;未计人数的对象不在其中",
            "Persons are assumed, the same in every month; who is not counted is not in it",
        )];
        if laws.iter().any(|law| law.hypothetical) {
            notes.push(Text::new("含假设的规则或数据", "A supposed rule or figure stands in it"));
        }
        let costs = |law: &v1::LawTotals| -> anyhow::Result<LawCosts> {
            let mut years: BTreeMap<i32, BTreeMap<&str, CostPart>> = BTreeMap::new();
            for one in &law.groups {
                let Some(yuan) = &one.yuan else { continue };
                let yuan: Decimal = yuan.value.parse()?;
                let part =
                    years.entry(one.year).or_default().entry(&one.group).or_insert_with(|| {
                        CostPart { group: text(&one.group_name), yuan: Decimal::ZERO }
                    });
                part.yuan = part.yuan.checked_add(yuan).context("the cost is out of range")?;
            }
            let years = years.into_iter().map(|(year, parts)| {
                let parts = parts.into_values().collect();
                (year, YearCosts { parts, undecidable_months: 0 })
            });
            Ok(LawCosts { name: same(&law.name), years: years.collect() })
        };
        Ok(CostBars {
            title: Text::new("价格临时补贴支出估算", "Estimated cost of the subsidy"),
            laws: laws.iter().map(costs).collect::<Result<_, _>>()?,
            notes,
        })
    }
}

/// A parameter's name without the part that all have in common.
fn parameter(axis: &v1::SweepAxis) -> Text {
    let path = axis.path.as_str();
    same(path.strip_prefix("trigger.conditions.").unwrap_or(path))
}

impl OfSweep {
    fn map(&self, place: &Place) -> anyhow::Result<HeatMap> {
        let request = self.swept.message(place)?;
        let axes = request.axes.clone();
        let costed = !request.headcounts.is_empty();
        let points =
            with(place, |transport| async move { sweep::collect(&transport, request).await })?;
        let columns = axes.last().context("an axis")?;
        let value = |point: &v1::SweepPoint| -> anyhow::Result<Option<Decimal>> {
            let Some(totals) = &point.totals else { return Ok(None) };
            match totals.all.as_ref().filter(|_| costed).and_then(|all| all.yuan.as_ref()) {
                Some(yuan) => Ok(Some(yuan.value.parse()?)),
                None => Ok(Some(totals.paid.into())),
            }
        };
        let rows = points.chunks(columns.values.len()).map(|points| {
            let label = if axes.len() == 2 { points[0].values[0].as_str() } else { "" };
            let values = points.iter().map(value).collect::<anyhow::Result<_>>()?;
            Ok(HeatRow { label: same(label), values })
        });
        Ok(HeatMap {
            title: Text::new("参数变动的结果", "What parameters come to"),
            column_name: parameter(columns),
            row_name: if axes.len() == 2 { parameter(&axes[0]) } else { same("") },
            value_name: match costed {
                true => Text::new("支出(元)", "cost in yuan"),
                false => Text::new("发放月数(地区·月)", "months paid, over all areas"),
            },
            columns: columns.values.iter().map(|value| same(value)).collect(),
            rows: rows.collect::<anyhow::Result<_>>()?,
            notes: vec![Text::new(
                "假设的规则,不得据以发放",
                "Supposed rules: nothing is paid by them",
            )],
        })
    }
}
