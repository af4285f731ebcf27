//! Thresholds raised and groups narrowed, against what the documents below allow.

use rust_decimal::Decimal;

use crate::rules::{
    cite::Kind,
    finding::{Finding, Severity},
    param::{Context, Param, Pick},
    terms::Terms,
    word::{Comparator, OnBreach},
};

use super::Lint;

impl Lint<'_> {
    /// At every month in which the document or one below it changes, and in every area it names.
    pub(super) fn limits(&mut self) {
        if matches!(self.instrument.head.kind, Kind::National | Kind::Assumption | Kind::Reform) {
            return;
        }
        let areas = self.areas();
        let stages = std::mem::take(&mut self.stages);
        for stage in &stages {
            for area in &areas {
                let context = stage.context(self.lists.areas, *area);
                self.raised(&stage.below.terms, &context);
                self.narrowed(&stage.with.terms, &stage.below.terms, &context);
            }
        }
        self.stages = stages;
    }

    fn raised(&mut self, below: &Terms, context: &Context<'_>) {
        let Some(severity) = breach(&below.limits.raise_threshold, context) else { return };
        let own = &self.instrument.terms;
        for (name, condition) in &own.conditions {
            let Some(old) = below.conditions.get(name) else { continue };
            let (plain, plus) = (&condition.threshold, &condition.threshold_plus);
            // Points are compared where both are added to the same recorded threshold.
            let (new, old_of, are_points) = match (plain.pick(context), plus.pick(context)) {
                (Pick::Set(new), _) => (new, &old.threshold, false),
                (_, Pick::Set(new)) if condition.threshold_series.is_unset() => {
                    (new, &old.threshold_plus, true)
                }
                _ => continue,
            };
            let comparator = match condition.comparator.pick(context) {
                Pick::Set(own) => *own.value,
                _ => match old.comparator.pick(context) {
                    Pick::Set(below) => *below.value,
                    _ => Comparator::AtLeast,
                },
            };
            let (from, old) = match (old_of.pick(context), old.threshold_series.pick(context)) {
                (Pick::Set(old), _) => (*old.value, old.cite),
                // The recorded threshold itself.
                (Pick::Unset, Pick::Set(series)) if are_points => (Decimal::ZERO, series.cite),
                _ => continue,
            };
            let harder = match comparator {
                Comparator::AtLeast | Comparator::Above => from < *new.value,
                Comparator::AtMost | Comparator::Below => *new.value < from,
            };
            if !harder || old.head.jurisdiction == new.cite.head.jurisdiction {
                continue;
            }
            // Told once for a clause, for the first month in which it shows.
            let line = new.cite.line;
            let told = |one: &Finding| one.code == "threshold_raised" && one.line == line;
            if self.findings.iter().any(told) {
                continue;
            }
            let (to, month) = (new.value, context.month);
            let id = &old.head.id;
            let en = format!(
                "{month}: {to} for {name} makes the trigger harder to reach than {from} of {id}"
            );
            let zh = format!("{month}:{name} 的临界值由 {from}({id})改为 {to},更难启动");
            self.add(severity, "threshold_raised", Some(new.cite), en, zh);
        }
    }

    fn narrowed(&mut self, with: &Terms, below: &Terms, context: &Context<'_>) {
        let Some(severity) = breach(&below.limits.narrow_groups, context) else { return };
        let Context { areas, area, month, .. } = *context;
        let kept = with.covered(areas, area, month);
        for (group, cite) in below.covered(areas, area, month) {
            if kept.contains_key(&group) {
                continue;
            }
            let own = &self.instrument.terms.groups;
            let by = own
                .iter()
                .rev()
                .find(|change| change.remove.contains(&group) && change.holds(areas, area, month));
            let Some(by) = by else { continue };
            let id = &cite.head.id;
            let what = format!("removes group {group},");
            let told = |one: &Finding| one.line == by.cite.line && one.en.starts_with(&what);
            if self.findings.iter().any(told) {
                continue;
            }
            let en = format!("{what} which {id} covers");
            let zh = format!("取消了 {id} 规定的保障对象 {group}");
            self.add(severity, "groups_narrowed", Some(&by.cite), en, zh);
        }
    }
}

fn breach(param: &Param<OnBreach>, context: &Context<'_>) -> Option<Severity> {
    match param.pick(context) {
        Pick::Set(picked) => match picked.value {
            OnBreach::Allow => None,
            OnBreach::Warn => Some(Severity::Warning),
            OnBreach::Refuse => Some(Severity::Error),
        },
        _ => None,
    }
}
