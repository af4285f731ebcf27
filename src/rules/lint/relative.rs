//! Thresholds and sums stated by what they are measured against: nothing to add to, steps that yield
//! no sum, and lowering what is no number.

use std::collections::BTreeSet;

use crate::{
    domain::code::Code,
    rules::{
        cite::{Cite, Kind},
        finding::Severity,
        param::{Param, Selector, Setting, in_play, values},
        sum::{Above, Sum},
        terms::Terms,
        word::StepKind,
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
            self.floors_above_caps(&with.terms);
            self.lowered_sums(&below.terms);
        }
    }

    /// Points added to a threshold that no document records.
    fn points_added(&mut self) {
        // Over documents of areas below, which need not be seen from here, it may add to theirs.
        let severity = match self.instrument.head.kind {
            Kind::Assumption | Kind::Reform => return,
            Kind::Overlay => Severity::Warning,
            Kind::National | Kind::Regional => Severity::Error,
        };
        for (name, condition) in &self.instrument.terms.conditions {
            if let Some(cite) = lowering(&condition.threshold_plus) {
                let path = format!("trigger.conditions.{name}.threshold_plus");
                let en = format!("{path}: points are not lowered; expected a value");
                let zh = format!("{path}:加点不能用 lower_to 下调;应直接写明");
                self.add(Severity::Error, "lowers_no_number", Some(cite), en, zh);
            }
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
                self.add(severity, "nothing_to_add_to", Some(cite), en, zh);
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

    /// A floor above a cap for the same people, where nothing else changes the sum between them:
    /// whichever comes first never counts.
    fn floors_above_caps(&mut self, terms: &Terms) {
        let kind = |name: &Code| kinds(terms, name).next();
        let orders = in_play(&terms.amount.order).map(|(order, _)| order);
        for order in orders {
            let limits = |name: &&Code| {
                matches!(kind(name), Some(StepKind::Floor | StepKind::Cap | StepKind::Round))
            };
            for (at, first) in order.iter().enumerate() {
                for then in order[at + 1..].iter().take_while(limits) {
                    let (floor, cap) = match (kind(first), kind(then)) {
                        (Some(StepKind::Floor), Some(StepKind::Cap)) => (first, then),
                        (Some(StepKind::Cap), Some(StepKind::Floor)) => (then, first),
                        _ => continue,
                    };
                    self.floor_above_cap(terms, floor, cap, first);
                }
            }
        }
    }

    fn floor_above_cap(&mut self, terms: &Terms, floor: &Code, cap: &Code, first: &Code) {
        let numbers = |name: &Code| {
            let step = terms.steps.get(name);
            let all = step.into_iter().flat_map(|step| &step.yuan.layers).take(1);
            let cases = all.filter_map(|layer| match layer {
                Setting::Cases(cases) => Some(cases),
                _ => None,
            });
            cases.flatten().filter_map(|case| match case.value {
                Sum::Yuan(yuan) => Some((yuan, case)),
                _ => None,
            })
        };
        let id = &self.instrument.head.id;
        let mut told = Vec::new();
        for (least, one) in numbers(floor) {
            let same = numbers(cap).find(|(most, other)| other.when == one.when && *most < least);
            let Some((most, other)) = same else { continue };
            let own = [one, other].into_iter().find(|case| case.cite.head.id == *id);
            told.extend(own.map(|own| (least, most, own.cite.clone())));
        }
        for (least, most, cite) in told {
            let en = format!(
                "step {floor}: the floor of {least} lies above the cap of {most}; {first} never counts"
            );
            let zh = format!("步骤 {floor}:下限 {least} 高于上限 {most};{first} 不起作用");
            self.add(Severity::Warning, "floor_above_cap", Some(&cite), en, zh);
        }
    }

    /// Numbers that lower a sum which is none.
    fn lowered_sums(&mut self, below: &Terms) {
        for (name, step) in &self.instrument.terms.steps {
            let Some(below) = below.steps.get(name) else { continue };
            let sum = |param| in_play(param).any(|(sum, _)| !matches!(sum, Sum::Yuan(_)));
            let points = |param| in_play(param).any(|(at, _)| !matches!(at, Above::Points(_)));
            let lowered = [
                ("yuan", lowering(&step.yuan), sum(&below.yuan)),
                (
                    "each_further_yuan",
                    lowering(&step.each_further_yuan),
                    sum(&below.each_further_yuan),
                ),
                ("above", lowering(&step.above), points(&below.above)),
            ];
            for (key, cite, _) in lowered.into_iter().filter(|(.., is_relative)| *is_relative) {
                let Some(cite) = cite else { continue };
                let path = format!("amount.steps.{name}.{key}");
                let en = format!(
                    "{path}: what stands below is no number and cannot be lowered; expected a \
                     cap, or a value"
                );
                let zh = format!("{path}:下层文件写的不是数字,不能下调;应另设上限或直接写明");
                self.add(Severity::Error, "lowers_no_number", Some(cite), en, zh);
            }
        }
    }
}

fn lowering<T>(param: &Param<T>) -> Option<&Cite> {
    param.layers.iter().find_map(|layer| match layer {
        Setting::LowerTo(_, cite) => Some(cite),
        _ => None,
    })
}
