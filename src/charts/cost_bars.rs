//! Costs by year, stacked by group, under several laws beside each other.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};

use crate::engine::reason::Text;

use super::{
    Lang,
    canvas::{Anchor, Area, Letters, Stroke},
    cost_legend::{self, Unit},
    legend::Entry,
    lettering::width,
    page::{LEFT, Page, RIGHT},
    palette::{FRAME, Fill, HATCH, SOFT},
    scale::Scale,
    words::{UNDECIDABLE, grouped, months},
};

const HEIGHT: i64 = 3_800;
const TOTAL: i64 = 115;

/// What years cost.
#[derive(Debug, Clone)]
pub struct CostBars {
    /// What it shows of whom.
    pub title: Text,
    /// The laws, from the left within each year; a single one needs no name.
    pub laws: Vec<LawCosts>,
    /// Remarks below the chart.
    pub notes: Vec<Text>,
}

/// What years cost under one law.
#[derive(Debug, Clone)]
pub struct LawCosts {
    /// Its name.
    pub name: Text,
    /// The years; one that is not here was not asked for, one without parts costs nothing.
    pub years: BTreeMap<i32, YearCosts>,
}

/// What one year costs.
#[derive(Debug, Clone, Default)]
pub struct YearCosts {
    /// The costs by group, from below. The same groups look alike; their order is that in which they
    /// first appear. A negative cost counts in the total but is not drawn.
    pub parts: Vec<CostPart>,
    /// Months that could not be decided: the total is then at least what is shown, and says so.
    pub undecidable_months: u32,
}

/// What one group costs in a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostPart {
    /// The group's name.
    pub group: Text,
    /// The cost in yuan.
    pub yuan: Decimal,
}

impl YearCosts {
    /// The sum of all parts, exact; none when it leaves the range of decimals.
    pub fn total(&self) -> Option<Decimal> {
        self.parts.iter().try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part.yuan))
    }
}

/// The place of a bar and what its total says.
struct Bar<'a> {
    law: usize,
    area: Area,
    costs: &'a YearCosts,
    label: String,
    told: String,
}

impl CostBars {
    /// The chart as SVG. O(parts).
    pub fn svg(&self, lang: Lang) -> String {
        let mut page = Page::new(lang, &self.title);
        let years: BTreeSet<i32> =
            self.laws.iter().flat_map(|law| law.years.keys().copied()).collect();
        let groups = self.groups();
        page.legend(&self.legend(&groups, lang));
        page.y += 480;
        let (top, bottom) = (page.y, page.y + HEIGHT);
        let scale = Scale::over(self.heights().chain([Decimal::ZERO]), 6, (bottom, top));
        let unit = Unit::of(self.heights().max().unwrap_or_default(), lang);
        let ticks: Vec<_> = scale.ticks().into_iter().map(|tick| unit.tick(tick)).collect();
        let widest = ticks.iter().map(|tick| width(tick, 120)).max().unwrap_or(0);
        let x = LEFT + widest.max(250) + 80;
        let plot = Area { x, y: top, width: RIGHT - x, height: HEIGHT };
        let mut own = Vec::new();
        if years.is_empty() {
            page.say_empty(plot);
            page.y = bottom + 100;
        } else {
            page.draw_scale(&scale, Area { y: plot.y - 130, ..plot }, unit.name, |at| {
                ticks[at].clone()
            });
            let bars = self.bars(&years, plot, &unit, lang);
            bars.iter().for_each(|bar| draw_bar(&mut page, bar, &groups, &scale, lang));
            own = draw_totals(&mut page, &bars, &unit, &scale);
            self.draw_letters(&mut page, &bars, bottom);
            page.y = bottom + self.draw_years(&mut page, &years, plot);
        }
        page.notes(&self.notes, &own);
        page.finish(&self.told(&years, &unit, lang))
    }

    /// The groups in the order in which they first appear.
    fn groups(&self) -> Vec<&Text> {
        let mut groups: Vec<&Text> = Vec::new();
        for costs in self.laws.iter().flat_map(|law| law.years.values()) {
            for part in &costs.parts {
                if !groups.contains(&&part.group) {
                    groups.push(&part.group);
                }
            }
        }
        groups
    }

    /// How high each bar stands, in yuan.
    fn heights(&self) -> impl Iterator<Item = Decimal> + '_ {
        self.laws.iter().flat_map(|law| law.years.values()).map(height)
    }

    fn legend(&self, groups: &[&Text], lang: Lang) -> Vec<Entry<'_>> {
        let mut entries: Vec<_> = groups
            .iter()
            .enumerate()
            .map(|(at, group)| {
                Entry::new(lang.of(group), move |canvas, area| canvas.fill(area, Fill::group(at)))
            })
            .collect();
        if 1 < self.laws.len() {
            entries.extend(self.laws.iter().enumerate().map(|(at, law)| {
                let letter = cost_legend::letter(at, lang);
                Entry::new(lang.of(&law.name), move |canvas, area| {
                    canvas.outline(area, Stroke::new(FRAME, 8));
                    canvas.text(area.middle(), &letter, Letters::new(110, Anchor::Middle));
                })
            }));
        }
        let each = self.laws.iter().flat_map(|law| law.years.values());
        if each.clone().any(|costs| 0 < costs.undecidable_months) {
            entries.push(Entry::new(UNDECIDABLE.of(lang), |canvas, area| {
                canvas.fill(area, HATCH);
                canvas.outline(area, Stroke::new(FRAME, 8));
            }));
        }
        entries
    }

    fn bars(&self, years: &BTreeSet<i32>, plot: Area, unit: &Unit, lang: Lang) -> Vec<Bar<'_>> {
        let slot = plot.width / (years.len() as i64).max(1);
        let laws = (self.laws.len() as i64).max(1);
        let across = (slot * 4 / 5 / laws).min(700);
        let gap = if 100 < across { 20 } else { 0 };
        let mut bars = Vec::new();
        for (column, year) in years.iter().enumerate() {
            let middle = plot.x + column as i64 * slot + slot / 2;
            for (law, costs) in self.laws.iter().enumerate() {
                let Some(of_year) = costs.years.get(year) else { continue };
                let x = middle - laws * across / 2 + law as i64 * across;
                let area = Area { x: x + gap, width: across - 2 * gap, ..plot };
                let label = unit.total(of_year);
                let told = cost_legend::told(of_year, lang);
                let name = lang.of(&costs.name);
                let told = format!("{year} {name} {told}").replace("  ", " ");
                bars.push(Bar { law, area, costs: of_year, label, told });
            }
        }
        bars
    }

    /// The letter of each law below its bars.
    fn draw_letters(&self, page: &mut Page, bars: &[Bar<'_>], bottom: i64) {
        if self.laws.len() < 2 {
            return;
        }
        for bar in bars {
            let letter = cost_legend::letter(bar.law, page.lang);
            if width(&letter, 110) <= bar.area.width + 20 {
                let letters = Letters::new(110, Anchor::Middle).coloured(SOFT);
                page.canvas.text((bar.area.middle().0, bottom + 90), &letter, letters);
            }
        }
    }

    /// The years below the bars; the height they take.
    fn draw_years(&self, page: &mut Page, years: &BTreeSet<i32>, plot: Area) -> i64 {
        let slot = plot.width / (years.len() as i64).max(1);
        let below = if 1 < self.laws.len() { 280 } else { 120 };
        let every = [1, 2, 5, 10].into_iter().find(|every| 480 <= slot * every).unwrap_or(20);
        let letters = Letters::new(120, Anchor::Middle).coloured(SOFT);
        for (column, year) in years.iter().enumerate() {
            let middle = plot.x + column as i64 * slot + slot / 2;
            if (column as i64 % every) == 0 {
                page.canvas.text((middle, plot.bottom() + below), &year.to_string(), letters);
            }
        }
        below + 180
    }

    /// The chart in sentences, with every total to the fen.
    fn told(&self, years: &BTreeSet<i32>, unit: &Unit, lang: Lang) -> String {
        let mut told = vec![unit.name.to_owned()];
        for year in years {
            for law in &self.laws {
                if let Some(costs) = law.years.get(year) {
                    let name = lang.of(&law.name);
                    let one = format!("{year} {name} {}", cost_legend::told(costs, lang));
                    told.push(one.replace("  ", " "));
                }
            }
        }
        told.join(lang.pick(";", "; "))
    }
}

/// How high a bar stands: what its parts add up to that are not negative.
fn height(costs: &YearCosts) -> Decimal {
    let parts = costs.parts.iter().map(|part| part.yuan.max(Decimal::ZERO));
    parts.fold(Decimal::ZERO, |sum, yuan| sum.saturating_add(yuan))
}

fn draw_bar(page: &mut Page, bar: &Bar<'_>, groups: &[&Text], scale: &Scale, lang: Lang) {
    let (mut sum, mut below) = (Decimal::ZERO, scale.at(Decimal::ZERO));
    for part in &bar.costs.parts {
        let at = groups.iter().position(|group| **group == part.group).unwrap_or(0);
        sum = sum.saturating_add(part.yuan.max(Decimal::ZERO));
        let y = scale.at(sum);
        let area = Area { y, height: below - y, ..bar.area };
        let yuan = grouped(part.yuan);
        let told = format!("{}{}{yuan}", lang.of(&part.group), lang.pick(":", ": "));
        let told = format!("{told}{}", lang.pick("元", " yuan"));
        page.canvas.fill_told(area, Fill::group(at), &told);
        // A light joint, so that parts that look much alike in print stand apart.
        page.canvas.line((area.x, y), (area.right(), y), Stroke::new("#FFFFFF", 8));
        below = y;
    }
    if 0 < bar.costs.undecidable_months {
        let area = Area { y: below - 100, height: 100, ..bar.area };
        let count = months(lang, bar.costs.undecidable_months as usize);
        let told = format!("{} {count}", UNDECIDABLE.of(lang));
        page.canvas.fill_told(area, HATCH, &told);
        page.canvas.outline(area, Stroke::new(FRAME, 8));
    }
}

/// Writes the totals above the bars: level where all fit beside each other, else upwards, else not at
/// all; and says what was rounded or left out.
fn draw_totals(page: &mut Page, bars: &[Bar<'_>], unit: &Unit, scale: &Scale) -> Vec<String> {
    let lang = page.lang;
    let widest = bars.iter().map(|bar| width(&bar.label, TOTAL)).max().unwrap_or(0);
    let starts = bars.iter().zip(bars.iter().skip(1));
    let pitch = starts.map(|(one, next)| next.area.x - one.area.x).min().unwrap_or(RIGHT);
    let upwards = pitch < widest + 40;
    if upwards && pitch < TOTAL {
        return vec![cost_legend::LEFT_OUT.of(lang).to_owned()];
    }
    for bar in bars {
        let cap = if 0 < bar.costs.undecidable_months { 100 } else { 0 };
        let y = scale.at(height(bar.costs)) - cap;
        let x = bar.area.middle().0;
        let letters = match upwards {
            true => Letters::new(TOTAL, Anchor::Start).upwards(),
            false => Letters::new(TOTAL, Anchor::Middle),
        };
        let y = if upwards { y - 40 } else { y - 90 };
        page.canvas.text((x, y), &bar.label, letters.rimmed());
    }
    let open = bars.iter().any(|bar| 0 < bar.costs.undecidable_months);
    let mut own = vec![unit.rule(lang)];
    own.extend(open.then(|| cost_legend::AT_LEAST.of(lang).to_owned()));
    own
}

/// Half up, away from nought: 四舍五入.
pub(super) fn rounded(number: Decimal, places: u32) -> Decimal {
    number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}
