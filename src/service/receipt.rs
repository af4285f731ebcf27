//! The receipt of a run: one JSON text from which an outsider can check it without this service.
//!
//! **Invariant:** the text is canonical (RFC 8785: keys in order, no blanks, numbers are integers), so
//! that its digest is that of any other faithful copy.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    domain::{area::AreaCode, figure::View, life::Life, run::RunLine},
    engine::{
        amount::{Operand, StepTaken},
        grounds::{Grounds, grounds},
        question::{Applied, Terms},
        reason::Vocabulary,
        sums::by_source,
        timeline::{Timeline, TimelineError},
    },
    journal::entry::sha256_hex,
};

use super::{Service, ServiceError};

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The canonical JSON.
    pub json: String,
    /// Its sha-256, in lower-case hex.
    pub sha256: String,
}

impl Service {
    /// The receipt of a run: lines, findings, pins, life, and the derivation of each rate as it is
    /// computed again from the pins. O(lines × steps).
    ///
    /// # Errors
    /// No run has this id, or what it rests on cannot be read any more.
    pub fn receipt(&self, id: &str) -> Result<Receipt, ServiceError> {
        let life = self.run(id)?;
        let grounds = self.grounds(&life)?;
        self.receipt_over(&life, &grounds)
    }

    /// The same for a run whose grounds are at hand.
    pub(super) fn receipt_over(
        &self,
        life: &Life,
        grounds: &[Option<Grounds>],
    ) -> Result<Receipt, ServiceError> {
        let Life { run, made_at, events } = life;
        let charges = by_source(&run.lines).map_err(TimelineError::from)?;
        let mut value = json!({
            "format": 1,
            "run": &**run,
            "made_at": made_at,
            "state": life.state(),
            "events": events,
            "charges": charges,
            "derivations": self.derivations(life, grounds),
        });
        value.sort_all_objects();
        let json = value.to_string();
        let sha256 = sha256_hex(&json);
        Ok(Receipt { json, sha256 })
    }

    fn derivations(&self, life: &Life, grounds: &[Option<Grounds>]) -> Vec<Value> {
        let words = self.reference.words();
        let of = |(line, grounds): (&RunLine, &Option<Grounds>)| {
            let Grounds { deciding, rule, .. } = grounds.as_ref()?;
            let (found, _) = rule.as_ref()?;
            Some(json!({
                "month": line.payees.month,
                "area": line.payees.area,
                "deciding_area": deciding,
                "group": found.group,
                "residence": found.residence,
                "covered_by": found.covered_by.short(),
                "steps": found.steps.iter().map(|one| step(&words, one)).collect::<Vec<_>>(),
            }))
        };
        life.run.lines.iter().zip(grounds).filter_map(of).collect()
    }

    /// On what each line of a run rests, computed again from what the run pins; none for a line whose
    /// area cannot be told any more. O(areas × months decided + lines × steps).
    ///
    /// # Errors
    /// What the run rests on cannot be read any more.
    pub fn grounds(&self, life: &Life) -> Result<Vec<Option<Grounds>>, ServiceError> {
        let pins = &life.run.pins;
        let view = View { known_at: Some(pins.known_at), published_by: None };
        let terms = Terms { view, strict: pins.strict, ..Terms::default() };
        let ledger = self.writer.snapshot();
        let law = self.law(&ledger, &view)?;
        let world = self.reference.world_under(&ledger, &law);
        let lines = &life.run.lines;
        let last = lines.iter().map(|line| line.payees.month).max();
        let mut timelines: HashMap<AreaCode, Arc<Timeline>> = HashMap::new();
        let mut all = Vec::with_capacity(lines.len());
        let place = |line: &RunLine| (line.payees.month, line.payees.area);
        for lines in lines.chunk_by(|a, b| place(a) == place(b)) {
            let (month, area) = place(&lines[0]);
            let timeline = match timelines.get(&area) {
                Some(known) => known.clone(),
                None => {
                    let last = last.unwrap_or(month);
                    let found = self.timeline(&ledger, area, last, &terms)?;
                    timelines.insert(area, found.clone());
                    found
                }
            };
            let applied = Applied::new(world, area, month, &terms)?.ok();
            for RunLine { payees, .. } in lines {
                let (group, residence) = (&payees.group, payees.residence);
                let found = applied.as_ref().zip(timeline.get(month)).map(|(applied, outcome)| {
                    grounds(applied, &timeline, outcome, &terms, group, residence)
                });
                all.push(found.transpose().map_err(TimelineError::from)?);
            }
        }
        Ok(all)
    }
}

fn step(words: &Vocabulary<'_>, step: &StepTaken) -> Value {
    let text = words.step(step);
    json!({
        "name": step.name,
        "kind": step.kind.as_str(),
        "input": step.input.map(|sum| sum.to_string()),
        "output": step.output.to_string(),
        "stands_in": step.cite.short(),
        "operands": step.operands.iter().map(operand).collect::<Vec<_>>(),
        "zh": text.zh,
        "en": text.en,
    })
}

fn operand(operand: &Operand) -> Value {
    let stands_in = operand.cite().map(|cite| cite.short());
    match operand {
        Operand::Base(base) => json!({
            "standard": base.standard,
            "area": base.area,
            "valid_from": base.valid_from,
            "revision": base.revision,
            "yuan": base.yuan.to_string(),
            "source": base.source,
            "stands_in": stands_in,
        }),
        Operand::Rise(rise) => json!({
            "series": rise.reading.series,
            "area": rise.reading.area,
            "month": rise.reading.month,
            "percent": rise.percent.to_string(),
            "stands_in": stands_in,
        }),
        Operand::Band { range, .. } => json!({ "band": range, "stands_in": stands_in }),
        Operand::Number { name, value, .. } => {
            json!({ "name": name, "value": value.to_string(), "stands_in": stands_in })
        }
        Operand::Rounding { to, mode, .. } => json!({
            "round_to": to.map(|to| to.as_str()),
            "mode": mode.as_str(),
            "stands_in": stands_in,
        }),
        Operand::Sum { name, value, .. } => json!({ "sum_of": name, "yuan": value.to_string() }),
    }
}
