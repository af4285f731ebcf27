//! Thresholds and sums stated by what they are measured against: nothing to add to, steps that yield
//! no sum, and lowering what is no number.

use std::collections::BTreeSet;

use crate::{
    domain::code::Code,
    rules::{
        cite::{Cite, Kind},
        finding::Severity,
        param::{Param, Selector, Setting, in_play, values},
        sum::Sum,
        terms::Terms,
    },
};

use super::{Lint, order::kinds};

impl Lint<'_> {
    pub(super) fn relative(&mut self) {
        self.points_added();
        self.two_thresholds();
        let stages: Vec<_> =
            self.stages.iter().map(|stage| (stage.with.clone(), stage.below.clone())).collect();
        for (with, below) in &stages {
            self.steps_that_only_change(&with.terms);
            self.lowered_sums(&below.terms);
        }
    }

    /// Points added to a threshold that no document records.
    fn points_added(&mut self) {
        if self.instrument.head.kind == Kind::Assumption {
            return;
        }
        for (name, condition) in &self.instrument.terms.conditions {
            let Some((_, cite)) = values(&condition.threshold_plus).next() else { continue };
            let recorded = self.stages.iter().any(|stage| {
                let all = &stage.with.terms.conditions;
                all.get(name).is_some_and(|one| !one.threshold_series.is_unset())
            });
            if !recorded && !self.stages.is_empty() {
                let path = format!("trigger.conditions.{name}.threshold_plus");
                let en = format!(
                    "{path} adds to a recorded threshold only; expected threshold_series as well"
                );
                let zh = format!("{path} 只能加在另行公布的临界值上;应同时写 threshold_series");
                self.add(Severity::Error, "nothing_to_add_to", Some(cite), en, zh);
            }
        }
    }

    /// A threshold stated twice, of which only the number holds.
    fn two_thresholds(&mut self) {
        for (name, condition) in &self.instrument.terms.conditions {
            let Some((_, cite)) = values(&condition.threshold_series).next() else { continue };
            let always = |layer: &Setting<_>| match layer {
                Setting::Cases(cases) => cases.iter().any(|case| case.when == Selector::default()),
                _ => false,
            };
            if condition.threshold.layers.iter().any(always) {
                let path = format!("trigger.conditions.{name}");
                let en = format!(
                    "{path}: threshold holds and threshold_series never counts; expected one of \
                     the two"
                );
                let zh = format!("{path}:以 threshold 为准,threshold_series 不起作用;应只写其一");
                self.add(Severity::Warning, "two_thresholds", Some(cite), en, zh);
            }
        }
    }

    /// Steps named for their sum that only change one, and do not stand before.
    fn steps_that_only_change(&mut self, terms: &Terms) {
        let orders: Vec<&Vec<Code>> =
            in_play(&terms.amount.order).map(|(order, _)| order).collect();
        let before = |first: &Code, then: &Code| {
            orders.iter().any(|order| {
                let place = |name| order.iter().position(|one| one == name);
                // A step that an overlay puts beside another has no place of its own.
                place(first).is_some_and(|at| place(then).is_none_or(|then| at < then))
            })
        };
        let changes = |name: &Code| {
            let kinds: Vec<_> = kinds(terms, name).collect();
            !kinds.is_empty() && !kinds.iter().any(|kind| kind.is_source())
        };
        for (name, step) in &self.instrument.terms.steps {
            let of: BTreeSet<&Code> = values(&step.of).flat_map(|(of, _)| of).collect();
            let named: Vec<(&Code, &Cite)> =
                step.steps_named().chain(step.steps_further()).collect();
            for (other, cite) in named.into_iter().filter(|(other, _)| changes(other)) {
                // One that names itself is told as a circle.
                if other == name {
                    continue;
                }
                if before(other, name) && !of.contains(other) {
                    continue;
                }
                let en = format!(
                    "step {name}: {other:?} only changes a sum; expected a step that yields one, \
                     or for yuan = {{ step = … }} one that stands before {name}"
                );
                let zh = format!(
                    "步骤 {name}:{other:?} 只能改变已有金额;应为能得出金额的步骤,\
                     或(yuan = {{ step = … }})排在 {name} 之前的步骤"
                );
                self.add(Severity::Error, "no_sum", Some(cite), en, zh);
            }
        }
    }

    /// Numbers that lower a sum which is none.
    fn lowered_sums(&mut self, below: &Terms) {
        for (name, step) in &self.instrument.terms.steps {
            let Some(cite) = lowering(&step.yuan) else { continue };
            let relative = below.steps.get(name).is_some_and(|step| {
                in_play(&step.yuan).any(|(sum, _)| !matches!(sum, Sum::Yuan(_)))
            });
            if relative {
                let path = format!("amount.steps.{name}.yuan");
                let en = format!(
                    "{path}: the sum below is no number and cannot be lowered; expected a cap, or \
                     a value"
                );
                let zh = format!("{path}:下层文件的金额不是数字,不能下调;应另设上限或直接写明");
                self.add(Severity::Error, "lowers_no_number", Some(cite), en, zh);
            }
        }
    }
}

fn lowering(param: &Param<Sum>) -> Option<&Cite> {
    param.layers.iter().find_map(|layer| match layer {
        Setting::LowerTo(_, cite) => Some(cite),
        _ => None,
    })
}
