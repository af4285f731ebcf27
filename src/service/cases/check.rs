//! One published row against what the program finds.
//!
//! **Invariant:** equality is exact; a total that its source rounded is compared after rounding
//! ours to the same unit, never within a tolerance.

use rust_decimal::Decimal;

use crate::{
    domain::{
        code::Code,
        exact::{Exact, RoundingMode},
        group::Residence,
        month::Month,
    },
    engine::{
        amount::{Line, Operand},
        question::{Terms, World},
        reason::{Text, sum_text},
        timeline::Timeline,
    },
    rules::terms::Discretion,
    rules::word::Unit,
    service::status::{Answer, answer},
};

use super::{
    Respect,
    file::{Arithmetic, Band, CaseRow, Given, Mean, Published, Sum, Total},
};

/// The months of a row as the program answers them, and what differs from the published.
pub(super) struct Comparison {
    months: Vec<(Month, Answer)>,
    pub differences: Vec<Text>,
}

/// Compares a row in every respect its case names.
pub(super) fn compare(world: World<'_>, row: &CaseRow) -> Result<Comparison, String> {
    let last = row.until.unwrap_or(row.month);
    let terms = Terms::default();
    let newest = world.figures.newest().map_or(last, |newest| newest.max(last));
    let timeline = Timeline::through(world, row.area, newest, &terms);
    let timeline = timeline.map_err(|error| error.to_string())?;
    let months: Result<Vec<_>, String> = (row.month.through(last))
        .map(|month| {
            let found = answer(world, &timeline, month, &terms, true);
            Ok((month, found.map_err(|error| error.to_string())?))
        })
        .collect();
    let mut comparison = Comparison { months: months?, differences: Vec::new() };
    comparison.decisions(row);
    let expect = &row.expect;
    expect.bands.iter().for_each(|band| comparison.band(band));
    expect.amounts.iter().for_each(|amount| comparison.amount(amount));
    expect.sums.iter().for_each(|sum| comparison.sum(sum));
    expect.discretion.iter().for_each(|given| comparison.given(given));
    for total in &expect.totals {
        comparison.total(total)?;
    }
    for sum in &expect.arithmetic {
        comparison.arithmetic(sum)?;
    }
    for mean in &expect.means {
        comparison.mean(mean)?;
    }
    Ok(comparison)
}

/// The respects a case names, in order.
pub(super) fn respects(row: &CaseRow) -> Vec<Respect> {
    let expect = &row.expect;
    let all = [
        (Respect::Decision, expect.triggered.is_some()),
        (Respect::Band, !expect.bands.is_empty()),
        (Respect::Amount, !expect.amounts.is_empty()),
        (Respect::Sum, !expect.sums.is_empty()),
        (Respect::Total, !expect.totals.is_empty()),
        (Respect::Discretion, !expect.discretion.is_empty()),
        (Respect::Arithmetic, !expect.arithmetic.is_empty()),
        (Respect::Mean, !expect.means.is_empty()),
    ];
    all.into_iter().filter_map(|(respect, named)| named.then_some(respect)).collect()
}

impl Comparison {
    fn differ(&mut self, what: (String, String), published: &str, found: &str) {
        let (zh, en) = what;
        self.differences.push(Text::new(
            format!("{zh}:公布为 {published},计算为 {found}"),
            format!("{en}: published {published}, computed {found}"),
        ));
    }

    fn decisions(&mut self, row: &CaseRow) {
        let Some(expected) = row.expect.triggered else { return };
        for (month, found) in &self.months {
            let got = found.status.outcome.triggered;
            if got != expected {
                let (expected, got) = (expected.as_str(), got.as_str());
                self.differences.push(Text::new(
                    format!("{month} 是否启动:公布为 {expected},计算为 {got}"),
                    format!("{month} triggered: published {expected}, computed {got}"),
                ));
            }
        }
    }

    fn line(&self, at: usize, group: &Code, residence: Residence) -> Option<&Line> {
        let lines = &self.months[at].1.quote.as_ref()?.lines;
        lines.iter().find(|line| line.group == *group && line.residence == residence)
    }

    fn band(&mut self, Band { group, residence, range }: &Band) {
        for at in 0..self.months.len() {
            let operands = self.line(at, group, *residence).map(Line::operands).unwrap_or_default();
            let found = operands.into_iter().find_map(|operand| match operand {
                Operand::Band { range, .. } => Some(range.clone()),
                _ => None,
            });
            if found.as_ref() != Some(range) {
                let month = self.months[at].0;
                let what = (format!("{month} {group} 档次"), format!("{month} {group} band"));
                self.differ(what, range, &found.unwrap_or_else(nothing));
            }
        }
    }

    fn amount(&mut self, Sum { group, residence, yuan }: &Sum) {
        for at in 0..self.months.len() {
            let found = self.line(at, group, *residence).and_then(Line::yuan);
            if found != Some(*yuan) {
                let month = self.months[at].0;
                let what = (format!("{month} {group} {residence}"), format!("{month} {group}"));
                self.differ(what, &yuan.to_string(), &shown(found));
            }
        }
    }

    /// What the program finds for one person over all months: computed, or recorded as given by
    /// discretion.
    fn over_all(&self, group: &Code, residence: Residence) -> Option<Decimal> {
        let each = self.months.iter().enumerate().map(|(at, (_, answer))| {
            let given = answer.quote.iter().flat_map(|quote| &quote.discretion);
            let mut given = given.filter(|one| is_for(one, group, Some(residence)));
            match given.next() {
                Some(one) => Some(one.yuan),
                None => self.line(at, group, residence).and_then(Line::yuan),
            }
        });
        each.sum()
    }

    fn sum(&mut self, Sum { group, residence, yuan }: &Sum) {
        let found = self.over_all(group, *residence);
        if found != Some(*yuan) {
            let what = (format!("{group} 各月合计"), format!("{group} over all months"));
            self.differ(what, &yuan.to_string(), &shown(found));
        }
    }

    fn given(&mut self, given: &Given) {
        let unit = given.unit.map_or(Unit::Person, Unit::from);
        for at in 0..self.months.len() {
            let (month, answer) = &self.months[at];
            let mut recorded = answer.quote.iter().flat_map(|quote| &quote.discretion);
            let same = |one: &Discretion| {
                one.groups.contains(&given.group)
                    && one.residence == given.residence
                    && (one.yuan, one.unit, one.each_further_yuan)
                        == (given.yuan, unit, given.each_further_yuan)
            };
            if !recorded.any(same) {
                let (month, group) = (*month, &given.group);
                let what =
                    (format!("{month} {group} 酌情发放"), format!("{month} {group} by discretion"));
                self.differ(what, &given.yuan.to_string(), &nothing());
            }
        }
    }

    fn total(&mut self, row: &Total) -> Result<(), String> {
        let Total { group, residence, headcount, total } = row;
        let what = (format!("{group} 总额"), format!("{group} total"));
        let Some(yuan) = self.over_all(group, *residence) else {
            self.differ(what, &total.yuan.to_string(), &nothing());
            return Ok(());
        };
        let found = product(yuan, *headcount)?;
        self.against(what, total, found)
    }

    fn arithmetic(&mut self, Arithmetic { terms, total }: &Arithmetic) -> Result<(), String> {
        let mut found = Exact::ZERO;
        for term in terms {
            let next = product(term.yuan, term.times)?;
            found = found.plus(next).map_err(|error| error.to_string())?;
        }
        self.against(("合计".to_owned(), "the parts together".to_owned()), total, found)
    }

    fn against(
        &mut self,
        what: (String, String),
        published: &Published,
        found: Exact,
    ) -> Result<(), String> {
        let compared = as_published(published, found)?;
        if compared != Exact::from(published.yuan) {
            self.differ(what, &published.yuan.to_string(), &sum_text(compared));
        }
        Ok(())
    }

    fn mean(&mut self, Mean { total, headcount, at_least, at_most }: &Mean) -> Result<(), String> {
        let people = Exact::from(Decimal::from(*headcount));
        let mean = Exact::from(*total).over(people).map_err(|error| error.to_string())?;
        let low = at_least.is_none_or(|edge| Exact::from(edge) <= mean);
        let high = at_most.is_none_or(|edge| mean <= Exact::from(edge));
        if !low || !high {
            let edge = |edge: &Option<Decimal>| edge.map_or(String::new(), |edge| edge.to_string());
            let range = format!("{}…{}", edge(at_least), edge(at_most));
            self.differ(("人均".to_owned(), "mean".to_owned()), &range, &sum_text(mean));
        }
        Ok(())
    }
}

fn is_for(one: &Discretion, group: &Code, residence: Option<Residence>) -> bool {
    one.groups.contains(group) && (one.residence.is_none() || one.residence == residence)
}

fn product(yuan: Decimal, times: u64) -> Result<Exact, String> {
    let times = Exact::from(Decimal::from(times));
    Exact::from(yuan).times(times).map_err(|error| error.to_string())
}

/// A sum rounded as its source rounded it.
fn as_published(published: &Published, found: Exact) -> Result<Exact, String> {
    let Some(unit) = published.rounded_to else { return Ok(found) };
    let unit = Exact::whole(i64::from(unit));
    let mode = published.rounded.unwrap_or(RoundingMode::HalfUp);
    found.to_multiple(mode, unit).map_err(|error| error.to_string())
}

fn nothing() -> String {
    "—".to_owned()
}

fn shown(found: Option<Decimal>) -> String {
    found.map_or_else(nothing, |yuan| yuan.to_string())
}
