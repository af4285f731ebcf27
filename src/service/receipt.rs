//! The receipt of a run: one JSON text from which an outsider can check it without this service.
//!
//! **Invariant:** the text is canonical (RFC 8785: keys in order, no blanks, numbers are integers), so
//! that its digest is that of any other faithful copy.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{
    domain::{life::Life, run::RunLine},
    engine::{
        amount::{Operand, StepTaken},
        draft::Derivation,
        reading::Reading,
        reason::Vocabulary,
        sums::by_source,
    },
    journal::entry::sha256_hex,
    rules::{cite::Cite, value::Value as _},
};

use super::{Service, ServiceError, run::key, writer::SubmitError};

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The canonical JSON.
    pub json: String,
    /// Its sha-256, in lower-case hex.
    pub sha256: String,
}

impl Service {
    /// The receipt of a run: lines, findings, pins, life, and the derivation of each rate, with the
    /// clauses of its charges, as it is computed again from the pins. O(lines × steps).
    ///
    /// # Errors
    /// No run has this id, or what it rests on cannot be read any more.
    pub fn receipt(&self, id: &str) -> Result<Receipt, ServiceError> {
        self.receipt_of(&self.run(id)?)
    }

    /// The same for a run at hand.
    pub(super) fn receipt_of(&self, life: &Life) -> Result<Receipt, ServiceError> {
        let Life { run, made_at, events } = life;
        let charges =
            by_source(&run.lines).map_err(crate::engine::timeline::TimelineError::from)?;
        let mut value = json!({
            "format": 1,
            "run": &**run,
            "made_at": made_at,
            "state": life.state(),
            "events": events,
            "charges": charges,
            "derivations": self.derivations(life)?,
        });
        value.sort_all_objects();
        let json = value.to_string();
        let sha256 = sha256_hex(&json);
        Ok(Receipt { json, sha256 })
    }

    fn derivations(&self, life: &Life) -> Result<Vec<Value>, ServiceError> {
        let words = self.reference.words();
        let again = self.computed_again(&life.run)?;
        let again = again.map_err(|why| SubmitError::Refused(why.into()))?;
        let found: HashMap<_, _> = (again.lines.iter().zip(&again.derivations))
            .map(|(line, derived)| (key(&line.payees), derived))
            .collect();
        let derived = |line: &RunLine| {
            let Derivation { deciding, line: rate, funding } =
                &**found.get(&key(&line.payees))?.as_ref()?;
            let charged_under = funding.iter().flat_map(|funding| &funding.cites);
            Some(json!({
                "month": line.payees.month,
                "area": line.payees.area,
                "deciding_area": deciding,
                "group": rate.group,
                "residence": rate.residence,
                "covered_by": rate.covered_by.short(),
                "steps": rate.steps.iter().map(|one| step(&words, one)).collect::<Vec<_>>(),
                "charged_under": charged_under.map(Cite::short).collect::<Vec<_>>(),
            }))
        };
        Ok(life.run.lines.iter().filter_map(derived).collect())
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

fn operand(given: &Operand) -> Value {
    let stands_in = given.cite().map(|cite| cite.short());
    match given {
        Operand::Base(base) => json!({
            "standard": base.standard,
            "area": base.area,
            "valid_from": base.valid_from,
            "revision": base.revision,
            "yuan": base.yuan.to_string(),
            "source": base.source,
            "stands_in": stands_in,
        }),
        Operand::Rise(rise) => {
            let mut told = json!({
                "series": rise.reading.series,
                "area": rise.reading.area,
                "month": rise.reading.month,
                "percent": rise.percent.to_string(),
                "stands_in": stands_in,
            });
            let other = |reading: &Reading| {
                let percent = reading.value.map(|value| value.to_string());
                json!({ "series": reading.series, "area": reading.area, "percent": percent })
            };
            // Absent where there are none, as it was before there could be any.
            if !rise.beside.is_empty() {
                told["lowest_beside"] = rise.beside.iter().map(other).collect();
            }
            told
        }
        Operand::Band { range, .. } => json!({ "band": range, "stands_in": stands_in }),
        Operand::Number { name, value, from, .. } => {
            let mut told =
                json!({ "name": name, "value": value.to_string(), "stands_in": stands_in });
            if !from.is_empty() {
                told["from"] = from.iter().map(operand).collect();
            }
            told
        }
        Operand::Rounding { to, mode, .. } => json!({
            "round_to": to.map(|to| to.show()),
            "mode": mode.as_str(),
            "stands_in": stands_in,
        }),
        Operand::Sum { name, value, .. } => json!({ "sum_of": name, "yuan": value.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::{
            code::Code,
            exact::{Exact, parse_decimal},
        },
        engine::operand::RiseUsed,
        intake::folder::load,
        rules::{cite::Mark, word::Measure},
    };

    #[test]
    fn what_a_number_came_from_and_the_rises_beside_the_lowest_are_told() {
        let data = load(&[]).unwrap();
        let head = data.library.get("nation-2016").unwrap().head.clone();
        let cite = Cite {
            head: Arc::clone(&head),
            clause: "第三条".into(),
            mark: Mark::A,
            note: "".into(),
            line: 1,
        };
        let code = |text: &str| text.parse::<Code>().unwrap();
        let exact = |text: &str| Exact::from(parse_decimal(text).unwrap());
        let stands_in = cite.short();
        let number = |name, value, from| Operand::Number {
            name,
            value: exact(value),
            from,
            cite: cite.clone(),
        };
        let sum = Operand::Sum { name: "rate".into(), value: exact("24"), steps: Vec::new() };
        let cap = number("cap", "12", vec![sum, number("share", "0.5", Vec::new())]);
        assert_eq!(
            operand(&cap),
            json!({ "name": "cap", "value": "12", "stands_in": stands_in, "from": [
                { "sum_of": "rate", "yuan": "24" },
                { "name": "share", "value": "0.5", "stands_in": stands_in },
            ] })
        );
        let reading = |series: &str, percent: Option<&str>| Reading {
            area: "990100".parse().unwrap(),
            series: code(series),
            month: "2024-01".parse().unwrap(),
            measure: Measure::Month,
            value: percent.map(exact),
            used: Vec::new(),
            missing: Vec::new(),
        };
        let rise = |beside| {
            let (reading, percent) = (reading("cpi", Some("3.5")), exact("3.5"));
            operand(&Operand::Rise(RiseUsed { reading, percent, beside, cite: cite.clone() }))
        };
        let alone = json!({ "series": "cpi", "area": "990100", "month": "2024-01",
                            "percent": "3.5", "stands_in": stands_in });
        assert_eq!(rise(Vec::new()), alone);
        let mut with_others = alone;
        with_others["lowest_beside"] = json!([
            { "series": "food", "area": "990100", "percent": "4.5" },
            { "series": "scpi", "area": "990100", "percent": null },
        ]);
        assert_eq!(rise(vec![reading("food", Some("4.5")), reading("scpi", None)]), with_others);
    }
}
