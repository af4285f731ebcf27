//! Parameters without which nothing can be decided or computed, set by no document and not even
//! marked as left open.

use std::collections::BTreeSet;

use crate::{
    domain::code::Code,
    rules::{
        cite::Kind,
        finding::Severity,
        param::in_play,
        terms::{ConditionTerms, StepTerms, Terms},
        word::{Due, Measure, Rhythm, RoundMode, StepKind, Unit},
    },
};

use super::{Lint, is_said};

impl Lint<'_> {
    /// Reported for the document that brings the lack about, not for those it only passes through.
    pub(super) fn needed(&mut self) {
        if self.instrument.head.kind == Kind::Assumption || self.own.is_empty() {
            return;
        }
        let mut lacking = BTreeSet::new();
        for stage in &self.stages {
            let before = match stage.without.documents.is_empty() {
                true => BTreeSet::new(),
                false => unsaid(&stage.without.terms),
            };
            lacking.extend(unsaid(&stage.with.terms).difference(&before).cloned());
        }
        for path in lacking {
            let section = path.rfind('.').map_or("", |dot| &path[..=dot]);
            let cite = self.first_below(section);
            let en = format!(
                "{path} is set by no document in force; expected a value, or {{ open = true }} if \
                 the document leaves it open"
            );
            let zh =
                format!("适用的文件都没有规定 {path};请写明,文件未作规定的写 {{ open = true }}");
            self.add(Severity::Warning, "missing_parameter", cite.as_ref(), en, zh);
        }
    }
}

/// The paths of everything that is needed and that no document speaks of.
fn unsaid(terms: &Terms) -> BTreeSet<String> {
    let mut lacking = BTreeSet::new();
    let mut need = |said: bool, path: &str| {
        if !said {
            lacking.insert(path.to_owned());
        }
    };
    need(is_said(&terms.trigger.when), "trigger.when");
    need(is_said(&terms.amount.order), "amount.order");
    let payment = &terms.payment;
    need(is_said(&payment.due), "payment.due");
    let due = |wanted: &[Due]| in_play(&payment.due).any(|(due, _)| wanted.contains(due));
    if due(&[Due::WorkingDays, Due::Days]) {
        need(is_said(&payment.due_days), "payment.due_days");
    }
    if due(&[Due::Fixed]) {
        need(is_said(&payment.due_day), "payment.due_day");
        need(is_said(&payment.due_months_after), "payment.due_months_after");
    }
    if in_play(&payment.rhythm).any(|(rhythm, _)| *rhythm == Rhythm::Term) {
        need(is_said(&payment.terms), "payment.terms");
    }
    let trigger = &terms.trigger;
    let tests = [&trigger.when, &trigger.hold_when, &trigger.end_when];
    let tested: BTreeSet<&Code> =
        tests.into_iter().flat_map(in_play).flat_map(|(expr, _)| expr.names()).collect();
    for (name, condition) in terms.conditions.iter().filter(|(name, _)| tested.contains(name)) {
        for key in unsaid_of_condition(condition) {
            need(false, &format!("trigger.conditions.{name}.{key}"));
        }
    }
    for (name, step) in used(terms) {
        for key in unsaid_of_step(step) {
            need(false, &format!("amount.steps.{name}.{key}"));
        }
    }
    lacking
}

fn unsaid_of_condition(condition: &ConditionTerms) -> Vec<&'static str> {
    if is_said(&condition.standard_raised) {
        return Vec::new();
    }
    let mut needed = vec![
        ("series", is_said(&condition.series)),
        ("comparator", is_said(&condition.comparator)),
    ];
    needed.push(match is_said(&condition.threshold_series) {
        true => ("threshold_set", is_said(&condition.threshold_set)),
        false => ("threshold", is_said(&condition.threshold)),
    });
    if in_play(&condition.measure).any(|(measure, _)| *measure == Measure::Average) {
        needed.push(("average_months", is_said(&condition.average_months)));
    }
    unsaid_among(&needed)
}

fn unsaid_among(needed: &[(&'static str, bool)]) -> Vec<&'static str> {
    needed.iter().filter(|(_, said)| !said).map(|(key, _)| *key).collect()
}

fn unsaid_of_step(step: &StepTerms) -> Vec<&'static str> {
    let base = ("base", is_said(&step.base));
    let rise = ("rise", is_said(&step.rise));
    let yuan = ("yuan", is_said(&step.yuan));
    let bands = ("bands", is_said(&step.bands));
    let mut needed = vec![("kind", is_said(&step.kind))];
    for (kind, _) in in_play(&step.kind) {
        match kind {
            StepKind::BaseTimesRise => needed.extend([base, rise]),
            StepKind::BaseShare => needed.extend([base, ("share", is_said(&step.share))]),
            StepKind::BaseShareByBand => needed.extend([base, rise, bands]),
            StepKind::SumByBand => needed.extend([rise, bands]),
            StepKind::SumPerPoint => needed.extend([rise, yuan]),
            StepKind::EarlierAmount => needed.push(("months_back", is_said(&step.months_back))),
            StepKind::HigherOf | StepKind::LowerOf => needed.push(("of", is_said(&step.of))),
            StepKind::Multiply => needed.push(("by", is_said(&step.by))),
            StepKind::Round => {
                let rounds = in_play(&step.mode).any(|(mode, _)| *mode != RoundMode::None);
                needed
                    .extend([("mode", is_said(&step.mode)), ("to", !rounds || is_said(&step.to))]);
            }
            StepKind::Flat
            | StepKind::Floor
            | StepKind::Cap
            | StepKind::Add
            | StepKind::Override
            | StepKind::Subtract => needed.push(yuan),
        }
    }
    if in_play(&step.rise_measure).any(|(measure, _)| *measure == Measure::Average) {
        needed.push(("rise_average_months", is_said(&step.rise_average_months)));
    }
    if in_play(&step.unit).any(|(unit, _)| *unit == Unit::HouseholdAndHeads) {
        needed.push(("each_further_yuan", is_said(&step.each_further_yuan)));
    }
    unsaid_among(&needed)
}

/// The steps that some order takes, with those they name and those that place themselves.
fn used(terms: &Terms) -> impl Iterator<Item = (&Code, &StepTerms)> {
    let ordered = in_play(&terms.amount.order).flat_map(|(order, _)| order);
    let of = terms.steps.values().flat_map(|step| in_play(&step.of)).flat_map(|(of, _)| of);
    let sums = terms.steps.values().flat_map(|step| [&step.yuan, &step.each_further_yuan]);
    let sums = sums.flat_map(in_play);
    let named = of.chain(sums.filter_map(|(sum, _)| sum.step()));
    let names: BTreeSet<&Code> = ordered.chain(named).collect();
    terms.steps.iter().filter(move |(name, step)| {
        names.contains(name) || !step.before.is_unset() || !step.after.is_unset()
    })
}
