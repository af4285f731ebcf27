//! Costs by year, stacked by group, under several laws beside each other.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::engine::reason::Text;

use super::{
    Lang,
    amounts::{Unit, letter, told, yuan},
    canvas::{Anchor, Area, Letters, Stroke},
    columns::{CAP, Columns, TOTAL, Totals, letters_fit},
    legend::Entry,
    page::{Page, RIGHT, tick_room},
    palette::{FRAME, Fill, HATCH, SOFT, WHITE},
    scale::Scale,
    words::{AT_LEAST, COLON, IN_ORDER, LEFT_OUT, OPEN_MONTHS, PAUSE},
};

const HEIGHT: i64 = 3_800;

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

/// A bar and where it stands.
struct Bar<'a> {
    year: i32,
    law: usize,
    name: &'a Text,
    area: Area,
    costs: &'a YearCosts,
}

impl CostBars {
    /// The chart as SVG. O(parts).
    pub fn svg(&self, lang: Lang) -> String {
        let mut page = Page::new(lang, &self.title);
        let years: BTreeSet<i32> =
            self.laws.iter().flat_map(|law| law.years.keys().copied()).collect();
        let groups = self.groups();
        page.legend(&self.legend(&groups, lang));
        let scale = Scale::over(self.heights().chain([Decimal::ZERO]), 6, (0, 0));
        let unit = Unit::of(self.heights().max().unwrap_or_default(), lang);
        let x = tick_room(&scale, |value| unit.tick(value));
        let columns = Columns::new((x, RIGHT), years.len(), self.laws.len());
        let totals = Totals::new(&columns, self.each().map(|costs| unit.total(costs)));
        page.scale_name(unit.name);
        page.y += totals.headroom();
        let plot = Area { x, y: page.y, width: RIGHT - x, height: HEIGHT };
        let scale = scale.placed((plot.bottom(), plot.y));
        let mut own = Vec::new();
        if years.is_empty() {
            page.say_empty(plot);
            page.y = plot.bottom() + 100;
        } else {
            page.draw_scale(&scale, plot, |value| unit.tick(value));
            for bar in self.bars(&years, plot, &columns) {
                draw_bar(&mut page, &bar, &groups, &scale);
                draw_total(&mut page, &bar, &unit.total(bar.costs), &scale, totals);
                self.draw_letter(&mut page, &bar);
            }
            page.y += HEIGHT + self.draw_years(&mut page, &years, plot, &columns);
            own = self.remarks(&unit, &columns, totals, lang);
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

    fn each(&self) -> impl Iterator<Item = &YearCosts> {
        self.laws.iter().flat_map(|law| law.years.values())
    }

    /// How high each bar stands, in yuan.
    fn heights(&self) -> impl Iterator<Item = Decimal> + '_ {
        self.each().map(height)
    }

    fn has_open_months(&self) -> bool {
        self.each().any(|costs| 0 < costs.undecidable_months)
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
                let letter = letter(at, lang);
                Entry::new(lang.of(&law.name), move |canvas, area| {
                    canvas.outline(area, Stroke::new(FRAME, 8));
                    canvas.text(area.middle(), &letter, Letters::new(110, Anchor::Middle));
                })
            }));
        }
        if self.has_open_months() {
            entries.push(Entry::new(OPEN_MONTHS.of(lang), |canvas, area| {
                canvas.fill(area, HATCH);
                canvas.outline(area, Stroke::new(FRAME, 8));
            }));
        }
        entries
    }

    fn bars(&self, years: &BTreeSet<i32>, plot: Area, columns: &Columns) -> Vec<Bar<'_>> {
        let mut bars = Vec::new();
        for (column, year) in years.iter().enumerate() {
            for (law, costs) in self.laws.iter().enumerate() {
                let (x, width) = columns.bar(column, law);
                let area = Area { x, width, ..plot };
                let of_year = costs.years.get(year);
                let bar = |costs| Bar { year: *year, law, name: &self.laws[law].name, area, costs };
                bars.extend(of_year.map(bar));
            }
        }
        bars
    }

    /// The letter of a law below its bar, where there is room.
    fn draw_letter(&self, page: &mut Page, bar: &Bar<'_>) {
        if 1 < self.laws.len() && letters_fit(bar.area.width) {
            let letter = letter(bar.law, page.lang);
            let letters = Letters::new(110, Anchor::Middle).coloured(SOFT);
            page.canvas.text((bar.area.middle().0, bar.area.bottom() + 90), &letter, letters);
        }
    }

    /// The years below the bars; the height they take.
    fn draw_years(
        &self,
        page: &mut Page,
        years: &BTreeSet<i32>,
        plot: Area,
        columns: &Columns,
    ) -> i64 {
        let below = if 1 < self.laws.len() { 280 } else { 120 };
        let letters = Letters::new(120, Anchor::Middle).coloured(SOFT);
        for (column, year) in years.iter().enumerate().step_by(columns.every(480)) {
            let place = (columns.middle(column), plot.bottom() + below);
            page.canvas.text(place, &year.to_string(), letters);
        }
        below + 180
    }

    /// What the chart says of itself: how totals are rounded, and what is left out.
    fn remarks(&self, unit: &Unit, columns: &Columns, totals: Totals, lang: Lang) -> Vec<String> {
        let mut remarks = vec![match totals {
            Totals::None => LEFT_OUT.of(lang).to_owned(),
            Totals::Level | Totals::Upwards(_) => unit.rule(lang),
        }];
        if self.has_open_months() {
            remarks.push(AT_LEAST.of(lang).to_owned());
        }
        if 1 < self.laws.len() && !letters_fit(columns.bar(0, 0).1) {
            remarks.push(IN_ORDER.of(lang).to_owned());
        }
        remarks
    }

    /// The chart in sentences, with every total to the fen.
    fn told(&self, years: &BTreeSet<i32>, unit: &Unit, lang: Lang) -> String {
        let mut sentences = vec![unit.name.to_owned()];
        for year in years {
            for law in &self.laws {
                if let Some(costs) = law.years.get(year) {
                    let name = lang.of(&law.name);
                    let one = format!("{year} {name} {}", told(costs, lang));
                    sentences.push(one.replace("  ", " "));
                }
            }
        }
        sentences.join(PAUSE.of(lang))
    }
}

/// How high a bar stands: what its parts add up to that are not negative.
fn height(costs: &YearCosts) -> Decimal {
    let parts = costs.parts.iter().map(|part| part.yuan.max(Decimal::ZERO));
    parts.fold(Decimal::ZERO, |sum, yuan| sum.saturating_add(yuan))
}

fn draw_bar(page: &mut Page, bar: &Bar<'_>, groups: &[&Text], scale: &Scale) {
    let lang = page.lang;
    let of = format!("{} {}", bar.year, lang.of(bar.name)).trim_end().to_owned();
    let (mut sum, mut below) = (Decimal::ZERO, scale.at(Decimal::ZERO));
    for part in &bar.costs.parts {
        let at = groups.iter().position(|group| **group == part.group).unwrap_or(0);
        sum = sum.saturating_add(part.yuan.max(Decimal::ZERO));
        let y = scale.at(sum);
        let area = Area { y, height: below - y, ..bar.area };
        let group = lang.of(&part.group);
        let told = format!("{of} {group}{}{}", COLON.of(lang), yuan(part.yuan, lang));
        page.canvas.fill_told(area, Fill::group(at), &told);
        // A light joint, so that parts that look much alike in print stand apart.
        page.canvas.line((area.x, y), (area.right(), y), Stroke::new(WHITE, 8));
        below = y;
    }
    if 0 < bar.costs.undecidable_months {
        let area = Area { y: below - CAP, height: CAP, ..bar.area };
        let told = format!("{of} {}", told(bar.costs, lang));
        page.canvas.fill_told(area, HATCH, &told);
        page.canvas.outline(area, Stroke::new(FRAME, 8));
    }
}

fn draw_total(page: &mut Page, bar: &Bar<'_>, text: &str, scale: &Scale, totals: Totals) {
    let cap = if 0 < bar.costs.undecidable_months { CAP } else { 0 };
    let (x, y) = (bar.area.middle().0, scale.at(height(bar.costs)) - cap);
    let (y, letters) = match totals {
        Totals::Level => (y - 90, Letters::new(TOTAL, Anchor::Middle)),
        Totals::Upwards(_) => (y - 40, Letters::new(TOTAL, Anchor::Start).upwards()),
        Totals::None => return,
    };
    page.canvas.text((x, y), text, letters.rimmed());
}
