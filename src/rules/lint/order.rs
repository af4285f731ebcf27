//! The order of the steps, the rounding, and who takes the fen left over.

use std::collections::BTreeSet;

use crate::{
    domain::code::Code,
    rules::{
        cite::{Cite, Kind},
        finding::Severity,
        param::{in_play, values},
        terms::{StepTerms, Terms},
        word::StepKind,
    },
};

use super::Lint;

impl Lint<'_> {
    pub(super) fn order(&mut self) {
        let orders: Vec<_> = values(&self.instrument.terms.amount.order)
            .map(|(order, cite)| (order.clone(), cite.clone()))
            .collect();
        let stages: Vec<_> = self.stages.iter().map(|stage| stage.with.clone()).collect();
        for rules in &stages {
            for (order, cite) in &orders {
                self.one_order(&rules.terms, order, cite);
            }
            self.places(&rules.terms);
            self.circles(&rules.terms);
            self.remainder(&rules.terms);
        }
    }

    fn one_order(&mut self, terms: &Terms, order: &[Code], cite: &Cite) {
        for name in order.iter().filter(|name| !terms.steps.contains_key(*name)) {
            // An assumption may define the step; then the law leaves it open, and says so.
            let en = format!("step {name:?} of the order is not defined by any document in force");
            let zh = format!("适用的文件都没有定义步骤 {name:?}");
            self.add(Severity::Warning, "open_step", Some(cite), en, zh);
        }
        if let Some(twice) = (1..order.len()).find(|at| order[..*at].contains(&order[*at])) {
            let name = &order[twice];
            let en = format!("step {name:?} stands twice in the order; expected each once");
            let zh = format!("步骤 {name:?} 在顺序中出现两次;每步应只写一次");
            self.add(Severity::Error, "order", Some(cite), en, zh);
        }
        let source = |name: &Code| kinds(terms, name).map(StepKind::is_source).next();
        if let Some(first) = order.first().filter(|name| source(name) == Some(false)) {
            let en = format!("the order begins with {first:?}, which only changes a sum");
            let zh = format!("步骤顺序以 {first:?} 开头,而它只能改变已有金额");
            self.add(Severity::Error, "order", Some(cite), en, zh);
        }
        for name in order.iter().skip(1).filter(|name| source(name) == Some(true)) {
            let en = format!("step {name:?} discards the sum before it; expected it first");
            let zh = format!("步骤 {name:?} 会丢弃之前的金额;应放在最前");
            self.add(Severity::Error, "order", Some(cite), en, zh);
        }
        let known = order.iter().all(|name| terms.steps.contains_key(name));
        let rounds = |name| kinds(terms, name).any(|kind| kind == StepKind::Round);
        if known && !order.iter().any(rounds) {
            let en = "the order names no step that rounds; say so with mode = \"none\"".to_owned();
            let zh = "步骤顺序中没有取整步骤;不取整请写 mode = \"none\"".to_owned();
            self.add(Severity::Warning, "implicit_rounding", Some(cite), en, zh);
        }
    }

    /// Steps that are in no order and say no place, or a place beside nothing.
    fn places(&mut self, terms: &Terms) {
        if self.instrument.head.kind == Kind::Assumption {
            return;
        }
        let ordered: BTreeSet<&Code> =
            in_play(&terms.amount.order).flat_map(|(order, _)| order).collect();
        let inner: BTreeSet<&Code> =
            terms.steps.values().flat_map(named).map(|(name, _)| name).collect();
        for (name, step) in &self.instrument.terms.steps {
            let used = ordered.contains(name) || inner.contains(name);
            let beside: Vec<_> = values(&step.before).chain(values(&step.after)).collect();
            if beside.is_empty() && !used && !ordered.is_empty() {
                let cite = self.first_below(&format!("amount.steps.{name}."));
                let en = format!(
                    "step {name} is in no order and says no place; expected before or after"
                );
                let zh = format!("步骤 {name} 不在任何顺序中,也没有写 before 或 after");
                self.add(Severity::Error, "implicit_order", cite.as_ref(), en, zh);
            }
            let nowhere = |other: &Code| !ordered.contains(other) && !placed(terms, other);
            for (other, cite) in beside.into_iter().filter(|(other, _)| nowhere(other)) {
                let en = format!("step {name}: {other:?}, beside which it stands, is in no order");
                let zh = format!("步骤 {name} 所依附的 {other:?} 不在任何顺序中");
                self.add(Severity::Error, "implicit_order", Some(cite), en, zh);
            }
        }
    }

    /// Steps that compute each other.
    fn circles(&mut self, terms: &Terms) {
        for (name, step) in &self.instrument.terms.steps {
            for (other, cite) in named(step).filter(|(other, _)| !terms.steps.contains_key(*other))
            {
                let en = format!("step {other:?} is not defined by any document in force");
                let zh = format!("适用的文件都没有定义步骤 {other:?}");
                self.add(Severity::Error, "unknown_step", Some(cite), en, zh);
            }
            let Some((_, cite)) = step.steps_named().next() else { continue };
            let mut seen = BTreeSet::new();
            let mut open: Vec<&Code> = of(terms, name).collect();
            while let Some(next) = open.pop() {
                if seen.insert(next) {
                    open.extend(of(terms, next));
                }
            }
            if seen.contains(name) {
                let en = format!("step {name} is computed from itself");
                let zh = format!("步骤 {name} 引用了自身");
                self.add(Severity::Error, "circle", Some(cite), en, zh);
            }
        }
        for (steps, cite) in values(&self.instrument.terms.funding.increment_steps) {
            for other in steps.iter().filter(|other| !terms.steps.contains_key(*other)) {
                let en = format!("step {other:?} is not defined by any document in force");
                let zh = format!("适用的文件都没有定义步骤 {other:?}");
                self.add(Severity::Error, "unknown_step", Some(cite), en, zh);
            }
        }
    }

    /// The source that takes what is left over must be one that pays.
    fn remainder(&mut self, terms: &Terms) {
        // Its own split stands over those below.
        let own = &self.instrument.terms.funding;
        let funding = if own.split.is_unset() { &terms.funding } else { own };
        let splits = in_play(&funding.split).chain(in_play(&funding.increment_split));
        let paying: BTreeSet<_> = splits.flat_map(|(s, _)| s).map(|share| share.source).collect();
        let own = values(&self.instrument.terms.funding.remainder);
        for (source, cite) in own.filter(|(source, _)| !paying.contains(source)) {
            let source = source.as_str();
            let among: Vec<_> = paying.iter().map(|source| source.as_str()).collect();
            let among = among.join(", ");
            let en = format!("remainder {source:?} pays no share; expected one of: {among}");
            let zh = format!("remainder {source:?} 不在分担来源之中;应为:{among}");
            self.add(Severity::Error, "remainder", Some(cite), en, zh);
        }
    }
}

pub(super) fn kinds<'a>(terms: &'a Terms, name: &Code) -> impl Iterator<Item = StepKind> + use<'a> {
    let step: Option<&'a StepTerms> = terms.steps.get(name);
    step.into_iter().flat_map(|step| values(&step.kind)).map(|(kind, _)| *kind)
}

/// The steps that a step names, for its own sum or for each further person's.
fn named(step: &StepTerms) -> impl Iterator<Item = (&Code, &Cite)> {
    step.steps_named().chain(step.steps_further())
}

fn of<'a>(terms: &'a Terms, name: &Code) -> impl Iterator<Item = &'a Code> + use<'a> {
    let step: Option<&'a StepTerms> = terms.steps.get(name);
    step.into_iter().flat_map(StepTerms::steps_named).map(|(name, _)| name)
}

fn placed(terms: &Terms, name: &Code) -> bool {
    let step = terms.steps.get(name);
    step.is_some_and(|step| !step.before.is_unset() || !step.after.is_unset())
}
