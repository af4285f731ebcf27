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
    reference::Reference,
    run::{RunRefused, RunSpec, canonical, key, spec_of, worked_out},
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
        let mut differences = match self.computed_again(&run)? {
            Ok(again) => differences(&run, &again),
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
        Ok(worked_out(&self.reference, &ledger, &law, &spec_of(run), &view))
    }

    /// What live runs would pay otherwise today, by run and headcount. O(headcounts × steps).
    pub fn drift(&self) -> Vec<Drift> {
        let ledger = self.writer.snapshot();
        let live = ledger.runs.newest_first().filter(|life| life.state().is_live());
        live.flat_map(|life| drift_of(&self.reference, &ledger, life)).collect()
    }
}

/// What a run would pay otherwise today.
pub(super) fn drift_of(reference: &Reference, ledger: &Ledger, life: &Life) -> Vec<Drift> {
    let (run, spec, view) = (&life.run, spec_of(&life.run), View::default());
    let then: BTreeMap<_, _> =
        run.lines.iter().map(|line| (key(&line.payees), line.yuan)).collect();
    let mut all = Vec::new();
    // Area by area, so that one that would not be paid any more hides no other.
    for place in spec.headcounts.chunk_by(|a, b| (a.month, a.area) == (b.month, b.area)) {
        let one = RunSpec { headcounts: place.to_vec(), ..spec.clone() };
        let budget = worked_out(reference, ledger, &reference.data.library, &one, &view);
        let (lines, why) = match budget {
            Ok(budget) => (budget.lines, String::new()),
            Err(error) => (Vec::new(), error.to_string()),
        };
        let now: BTreeMap<_, _> = lines.iter().map(|line| (key(&line.payees), line.yuan)).collect();
        for payees in place {
            let (then, now) = (then.get(&key(payees)).copied(), now.get(&key(payees)).copied());
            if then != now {
                let (run, payees, why) = (run.id.clone(), payees.clone(), why.clone());
                all.push(Drift { run, payees, then, now, why });
            }
        }
    }
    all
}

fn differences(run: &Run, again: &Budget) -> Vec<String> {
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
    differ("headcounts".into(), pins.headcounts.clone(), sha256_hex(canonical(&run.headcounts)));
    differ(
        "total".into(),
        run.yuan.to_string(),
        total(&again.lines).map(|sum| sum.to_string()).unwrap_or_default(),
    );
    found
}
