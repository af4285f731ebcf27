//! Runs computed again: from what they pin, and as they would be today.
//!
//! **Invariant:** nothing here changes a run.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    domain::{
        figure::View,
        life::Life,
        run::{Headcount, Run, RunLine},
    },
    engine::{draft::Budget, sums::total},
    journal::entry::sha256_hex,
    store::ledger::Ledger,
};

use super::{
    Service, ServiceError,
    adjust::{Today, adjusted_again},
    reference::Reference,
    run::{Key, RunRefused, canonical, key, spec_of, worked_out},
};

/// A run computed again from what it pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// What differs; empty when everything is equal.
    pub differences: Vec<String>,
}

/// A headcount that would be paid otherwise today.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The run.
    pub run: String,
    /// Who is counted.
    pub payees: Headcount,
    /// What was run; none when it led to no line.
    pub then: Option<Decimal>,
    /// What would be paid now; none when nothing would be.
    pub now: Option<Decimal>,
    /// Why nothing would be paid, in English.
    pub why: String,
}

impl Service {
    /// Computes a run again from what it pins and compares. O(lines × steps).
    ///
    /// # Errors
    /// No run has this id.
    pub fn verify_run(&self, id: &str) -> Result<Verified, ServiceError> {
        let run = self.run(id)?.run;
        let counted = match &run.adjusts {
            Some(adjusts) => self.run(&adjusts.run)?.run,
            None => run.clone(),
        };
        let mut differences = match self.computed_again(&run)? {
            Ok(again) => differences(&run, &counted.headcounts, &again),
            Err(error) => vec![format!("it cannot be computed any more: {error}")],
        };
        differences.extend(self.claims_differ(&run));
        Ok(Verified { differences })
    }

    /// What a run pays as computed from what it pins.
    ///
    /// # Errors
    /// The law it rests on cannot be read any more.
    pub(super) fn computed_again(
        &self,
        run: &Run,
    ) -> Result<Result<Budget, RunRefused>, ServiceError> {
        // The run's own entry has this instant and is no input of it.
        let view = View { known_at: Some(run.pins.known_at), published_by: None };
        let ledger = self.writer.snapshot();
        let law = self.law(&ledger, &view)?;
        Ok(match &run.adjusts {
            None => worked_out(&self.reference, &ledger, &law, &spec_of(run), &view),
            Some(adjusts) => adjusted_again(&self.reference, &ledger, &law, run, adjusts, &view),
        })
    }

    /// What live runs with their adjustments would pay otherwise today, by run, month and group.
    /// O(headcounts × steps).
    pub fn drift(&self) -> Vec<Drift> {
        let ledger = self.writer.snapshot();
        let live = ledger.runs.newest_first().filter(|life| life.state().is_live());
        let live = live.filter(|life| life.run.adjusts.is_none());
        live.flat_map(|life| drift_of(&self.reference, &ledger, life)).collect()
    }
}

/// In how many lines a run would pay otherwise today.
pub(super) fn stale_lines(reference: &Reference, ledger: &Ledger, life: &Life) -> usize {
    let (run, view) = (&life.run, View::default());
    let Some(adjusts) = &run.adjusts else { return drift_of(reference, ledger, life).len() };
    let law = &reference.data.library;
    let Ok(now) = adjusted_again(reference, ledger, law, run, adjusts, &view) else {
        return run.lines.len();
    };
    fn sums(lines: &[RunLine]) -> BTreeMap<Key<'_>, Decimal> {
        lines.iter().map(|line| (key(&line.payees), line.yuan)).collect()
    }
    let (then, now) = (sums(&run.lines), sums(&now.lines));
    let gone = then.keys().filter(|key| !now.contains_key(*key)).count();
    gone + now.iter().filter(|(key, yuan)| then.get(*key) != Some(yuan)).count()
}

/// What a run with its live adjustments would pay otherwise today.
fn drift_of(reference: &Reference, ledger: &Ledger, life: &Life) -> Vec<Drift> {
    let run = &life.run;
    let adjustments: Vec<_> =
        ledger.runs.adjustments(&run.id).map(|life| life.run.clone()).collect();
    let today = Today::of(reference, ledger, &reference.data.library, run, &View::default());
    let words = reference.words();
    let mut all = Vec::new();
    for one in today.beside(reference, ledger, run, &adjustments) {
        let (Ok(then), Ok(now), Some(payees)) = (one.paid_yuan(), one.now_yuan(), one.payees())
        else {
            continue;
        };
        if then != now {
            let why = match now {
                None => today.why(&words, run, payees).map_or_else(String::new, |why| why.text.en),
                Some(_) => String::new(),
            };
            let (run, payees) = (run.id.clone(), payees.clone());
            all.push(Drift { run, payees, then, now, why });
        }
    }
    all
}

fn differences(run: &Run, headcounts: &[Headcount], again: &Budget) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: String, then: String, now: String| {
        if then != now {
            found.push(format!("{what}: run with {then}, computed again {now}"));
        }
    };
    let shown = |line: Option<&RunLine>| {
        line.map_or_else(|| "nothing".to_owned(), |line| format!("{} yuan", line.yuan))
    };
    let mut rest: BTreeMap<_, _> =
        again.lines.iter().map(|line| (key(&line.payees), line)).collect();
    for line in &run.lines {
        let now = rest.remove(&key(&line.payees));
        // A due date that was unknown then may be known now: holiday schedules are not journaled.
        let same = |now: &RunLine| match line.pay_by {
            None => RunLine { pay_by: None, ..now.clone() } == *line,
            Some(_) => now == line,
        };
        if now.is_some_and(same) {
            continue;
        }
        let Headcount { month, area, group, residence, .. } = &line.payees;
        let what = format!("{month} {area} {group} {residence}");
        match now.filter(|now| now.yuan == line.yuan) {
            None => differ(what, shown(Some(line)), shown(now)),
            Some(now) => {
                let text = |line: &RunLine| serde_json::to_string(line).unwrap_or_default();
                differ(what, text(line), text(now));
            }
        }
    }
    for ((month, area, group, residence), line) in rest {
        differ(format!("{month} {area} {group} {residence}"), shown(None), shown(Some(line)));
    }
    let pins = &run.pins;
    differ("documents".into(), format!("{:?}", pins.documents), format!("{:?}", again.documents));
    differ("figures".into(), format!("{:?}", pins.figures), format!("{:?}", again.figures));
    differ("standards".into(), format!("{:?}", pins.standards), format!("{:?}", again.standards));
    differ("headcounts".into(), pins.headcounts.clone(), sha256_hex(canonical(headcounts)));
    differ(
        "total".into(),
        run.yuan.to_string(),
        total(&again.lines).map(|sum| sum.to_string()).unwrap_or_default(),
    );
    found
}
