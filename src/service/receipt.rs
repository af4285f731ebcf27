//! The receipt of a run: one JSON text from which an outsider can check it without this service.
//!
//! **Invariant:** the text is canonical (RFC 8785: keys in order, no blanks, numbers are integers), so
//! that its digest is that of any other faithful copy.

use serde_json::{Value, json};

use crate::{
    domain::{
        figure::View,
        life::Life,
        run::{Headcount, RunLine},
    },
    engine::{
        amount::{Operand, StepTaken},
        grounds::{Grounds, grounds},
        question::{Applied, Terms},
        reason::Vocabulary,
        sums::by_source,
        timeline::TimelineError,
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
        // Put together from parts in the order of their names, so that a long run's derivations are
        // never held as a tree.
        let derivations: Vec<String> = self.derivations(life, grounds).map(canonical).collect();
        let json = format!(
            r#"{{"charges":{},"derivations":[{}],"events":{},"format":1,"made_at":{},"run":{},"state":{}}}"#,
            canonical(json!(charges)),
            derivations.join(","),
            canonical(json!(events)),
            canonical(json!(made_at)),
            canonical(json!(&**run)),
            canonical(json!(life.state())),
        );
        let sha256 = sha256_hex(&json);
        Ok(Receipt { json, sha256 })
    }

    fn derivations<'a>(
        &'a self,
        life: &'a Life,
        grounds: &'a [Option<Grounds>],
    ) -> impl Iterator<Item = Value> + 'a {
        let words = self.reference.words();
        let of = move |(line, grounds): (&RunLine, &Option<Grounds>)| {
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
        life.run.lines.iter().zip(grounds).filter_map(of)
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
        let mut all = vec![None; lines.len()];
        // Area by area, so that only one history is held at a time.
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(|at| lines[*at].payees.area);
        for of_area in order.chunk_by(|a, b| lines[*a].payees.area == lines[*b].payees.area) {
            let area = lines[of_area[0]].payees.area;
            let last = last.unwrap_or(lines[of_area[0]].payees.month);
            let timeline = self.timeline(&ledger, area, last, &terms)?;
            for of_month in
                of_area.chunk_by(|a, b| lines[*a].payees.month == lines[*b].payees.month)
            {
                let month = lines[of_month[0]].payees.month;
                let applied = Applied::new(world, area, month, &terms)?.ok();
                let Some((applied, outcome)) = applied.as_ref().zip(timeline.get(month)) else {
                    continue;
                };
                for at in of_month {
                    let Headcount { group, residence, .. } = &lines[*at].payees;
                    let found = grounds(applied, &timeline, outcome, &terms, group, *residence);
                    all[*at] = Some(found.map_err(TimelineError::from)?);
                }
            }
        }
        Ok(all)
    }
}

/// A value as text, keys in order.
fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
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
