//! Adjustments: what a released run and its earlier adjustments leave unpaid of today's amounts
//! (补发), and what they paid too much.
//!
//! **Invariant:** an adjustment pays only what is missing, on the headcounts of the run it adjusts;
//! what was paid too much is told and left to a decision by hand.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        figure::View,
        life::Life,
        run::{Adjusted, Claim, Headcount, Pins, Run, RunFinding, RunLine, Weight},
    },
    engine::{
        adjust::{Comparison, compared},
        budget::budget_of_each,
        draft::{Budget, BudgetError, Refusal, WithoutLine},
        question::Terms,
        reason::{Text, Vocabulary},
    },
    journal::entry::sha256_hex,
    rules::library::Library,
    store::ledger::Ledger,
};

use super::{
    Request, Service, ServiceError,
    reference::Reference,
    run::{Key, RunRefused, RunSpec, assemble, holder_near, key, spec_of},
};

impl Service {
    /// Makes an adjustment of a released or closed run; with `validate_only` only works it out.
    ///
    /// # Errors
    /// [`super::writer::SubmitError::Refused`] with a [`RunRefused`], or see
    /// [`super::writer::SubmitError`].
    pub async fn adjust_run(
        &self,
        request: Request,
        adjusted: String,
        note: String,
    ) -> Result<Life, ServiceError> {
        let made_by = request.principal.clone();
        let request_digest = sha256_hex(format!("{made_by}|adjusts {adjusted}|{note}"));
        let (reference, approvals_needed) = (self.reference.clone(), self.approvals_needed);
        let snapshot = self.writer.snapshot();
        let today = move |reference: &Reference, ledger: &Ledger, run: &Run| {
            Today::of(reference, ledger, &reference.data.library, run, &View::default())
        };
        let early = snapshot.runs.adjustable(&adjusted).ok();
        let early = early.map(|life| today(&reference, &snapshot, &life.run));
        let make = move |ledger: &Ledger, at: DateTime<Utc>| -> Result<Run, RunRefused> {
            let run = &ledger.runs.adjustable(&adjusted)?.run;
            // Worked out before it was the writer's turn, unless something came in between.
            let early = early.filter(|_| ledger.sequence() == snapshot.sequence());
            let today = early.unwrap_or_else(|| today(&reference, ledger, run));
            let before: Vec<_> =
                ledger.runs.adjustments(&adjusted).map(|life| life.run.clone()).collect();
            let compared = today.beside(&reference, ledger, run, &before);
            let budget = today.additions(&reference.words(), run, &compared)?;
            if budget.lines.is_empty() {
                let overpaid = budget.findings.iter().filter(|one| one.code == "overpaid").count();
                return Err(RunRefused::NothingToAdjust { run: adjusted, overpaid });
            }
            let spec =
                RunSpec { headcounts: Vec::new(), note, findings: Vec::new(), ..spec_of(run) };
            let made = assemble(&reference, ledger, spec, budget, made_by, approvals_needed, at)?;
            let after = before.iter().map(|run| run.id.clone()).collect();
            let headcounts = run.pins.headcounts.clone();
            Ok(Run {
                adjusts: Some(Adjusted { run: adjusted, after }),
                pins: Pins { headcounts, ..made.pins },
                ..made
            })
        };
        self.record_run(request, request_digest, make).await
    }
}

/// An adjustment as computed under some law and view, beside the same earlier adjustments.
pub(super) fn adjusted_again(
    reference: &Reference,
    ledger: &Ledger,
    law: &Library,
    adjustment: &Run,
    adjusts: &Adjusted,
    view: &View,
) -> Result<Budget, RunRefused> {
    let run = &ledger.runs.get(&adjusts.run)?.run;
    let before = adjusts.after.iter().map(|id| ledger.runs.get(id).map(|life| life.run.clone()));
    let before = before.collect::<Result<Vec<_>, _>>()?;
    let today = Today::of(reference, ledger, law, run, view);
    let mut compared = today.compared(run, &before);
    // Whether another run held a payment when the adjustment was made, its lines say.
    compared.retain(|one| {
        let same = |line: &RunLine| Some(key(&line.payees)) == one.payees().map(key);
        !one.paid.is_empty() || adjustment.lines.iter().any(same)
    });
    today.additions(&reference.words(), run, &compared)
}

/// What the headcounts of a run come to, and why some come to nothing.
pub(super) struct Today {
    budget: Budget,
    refusals: HashMap<usize, Refusal>,
    without_line: HashMap<usize, WithoutLine>,
}

/// Why a headcount comes to nothing.
pub(super) struct WhyNothing {
    pub text: Text,
    /// Whether that is the answer, and not the lack of one.
    pub decided: bool,
}

impl Today {
    pub fn of(
        reference: &Reference,
        ledger: &Ledger,
        law: &Library,
        run: &Run,
        view: &View,
    ) -> Self {
        let RunSpec { headcounts, strict, discretion, .. } = spec_of(run);
        let terms = Terms { view: *view, strict, ..Terms::default() };
        let (world, words) = (reference.world_under(ledger, law), reference.words());
        let again = |rows: &[Headcount]| budget_of_each(world, &words, rows, &terms, discretion);
        let mut today = Self {
            budget: Budget::default(),
            refusals: HashMap::new(),
            without_line: HashMap::new(),
        };
        match again(&headcounts) {
            Ok(found) => today.add(0, found),
            // Area by area, so that one whose sums leave all bounds hides no other.
            Err(_) => {
                let mut at = 0;
                let place = |a: &Headcount, b: &Headcount| (a.month, a.area) == (b.month, b.area);
                for rows in headcounts.chunk_by(place) {
                    match again(rows) {
                        Ok(found) => today.add(at, found),
                        Err(error) => today.refuse(at, rows.len(), &error),
                    }
                    at += rows.len();
                }
            }
        }
        today
    }

    fn add(&mut self, at: usize, (budget, refusals): (Budget, Vec<Refusal>)) {
        let Budget { lines, derivations, without_line, findings, documents, figures, standards } =
            budget;
        let all = &mut self.budget;
        all.lines.extend(lines);
        all.derivations.extend(derivations);
        all.findings.extend(findings);
        all.documents.extend(documents);
        all.figures.extend(figures);
        all.standards.extend(standards);
        self.without_line.extend(without_line.into_iter().map(|one| (at + one.row, one)));
        self.refusals.extend(refusals.into_iter().map(|one| (at + one.row, one)));
    }

    fn refuse(&mut self, at: usize, count: usize, error: &BudgetError) {
        let text = Text::new(error.to_string(), error.to_string());
        let refusal = |row| (row, Refusal { row, code: "UNDECIDABLE", text: text.clone() });
        self.refusals.extend((at..at + count).map(refusal));
    }

    /// Why a headcount of the run comes to nothing, where that was said.
    pub fn why(&self, words: &Vocabulary<'_>, run: &Run, payees: &Headcount) -> Option<WhyNothing> {
        let at = run.headcounts.binary_search_by(|row| key(row).cmp(&key(payees))).ok()?;
        if let Some(Refusal { code, text, .. }) = self.refusals.get(&at) {
            return Some(WhyNothing { text: text.clone(), decided: *code != "UNDECIDABLE" });
        }
        let derived = self.without_line.get(&at)?.derived.as_ref()?;
        Some(WhyNothing { text: words.line_outcome(&derived.line), decided: false })
    }

    /// What a run and these adjustments of it pay beside what would be paid today.
    fn compared<'a>(&'a self, run: &'a Run, adjustments: &'a [Arc<Run>]) -> Vec<Comparison<'a>> {
        let adjusted = adjustments.iter().flat_map(|run| &run.lines);
        let paid: Vec<_> = run.lines.iter().chain(adjusted).collect();
        compared(&paid, &self.budget.lines)
    }

    /// The same without what another live run pays.
    pub fn beside<'a>(
        &'a self,
        reference: &Reference,
        ledger: &Ledger,
        run: &'a Run,
        adjustments: &'a [Arc<Run>],
    ) -> Vec<Comparison<'a>> {
        let held = |one: &Comparison<'_>| {
            let claims = one.payees().into_iter().flat_map(|payees| {
                let Headcount { area, group, residence, .. } = payees;
                let claim = |month| Claim {
                    kind: run.kind(),
                    area: *area,
                    month,
                    group: group.clone(),
                    residence: *residence,
                };
                one.months.0.through(one.months.1).map(claim)
            });
            let (areas, runs) = (&reference.data.areas, &ledger.runs);
            claims.into_iter().any(|claim| holder_near(areas, runs, &claim).is_some())
        };
        let mut all = self.compared(run, adjustments);
        all.retain(|one| !one.paid.is_empty() || !held(one));
        all
    }

    /// What is to be paid in addition, with what the approver should know.
    fn additions(
        &self,
        words: &Vocabulary<'_>,
        run: &Run,
        compared: &[Comparison<'_>],
    ) -> Result<Budget, RunRefused> {
        let Budget { documents, figures, standards, .. } = &self.budget;
        let derivations: HashMap<Key<'_>, _> = (self.budget.lines.iter())
            .zip(&self.budget.derivations)
            .map(|(line, derived)| (key(&line.payees), derived))
            .collect();
        let mut made = Budget {
            documents: documents.clone(),
            figures: figures.clone(),
            standards: standards.clone(),
            ..Budget::default()
        };
        for one in compared {
            if let Some(addition) = one.addition()? {
                let payees = &addition.line.payees;
                made.derivations.push(derivations.get(&key(payees)).and_then(|one| (*one).clone()));
                for charge in &addition.overcharged {
                    let text = Text::new(
                        format!(
                            "资金来源 {} 已多承担 {} 元,不自动退回",
                            charge.source, charge.yuan
                        ),
                        format!(
                            "{} was charged {} yuan beyond today's share, which is not charged back",
                            charge.source, charge.yuan
                        ),
                    );
                    made.findings.push(finding("overcharged", payees, text));
                }
                made.lines.push(addition.line);
            } else if let Some(payees) = one.payees() {
                made.findings.extend(self.overpaid(words, run, one, payees)?);
            }
        }
        let paid = |one: &&RunFinding| {
            let line = |line: &RunLine| {
                let Headcount { month, area, group, .. } = &line.payees;
                (*month, *area, Some(group)) == (one.month, one.area, one.group.as_ref())
            };
            match one.code.as_str() {
                "assumed" | "funding_unstated" | "due_unknown" => true,
                "discretion" => made.lines.iter().any(line),
                _ => false,
            }
        };
        made.findings.extend(self.budget.findings.iter().filter(paid).cloned());
        Ok(made)
    }

    /// What was paid beyond today's amount, or what was paid where none can be said today.
    fn overpaid(
        &self,
        words: &Vocabulary<'_>,
        run: &Run,
        one: &Comparison<'_>,
        payees: &Headcount,
    ) -> Result<Option<RunFinding>, RunRefused> {
        let (Some(paid), now) = (one.paid_yuan()?, one.now_yuan()?) else { return Ok(None) };
        if now.is_some_and(|now| paid <= now) {
            return Ok(None);
        }
        let who = words.payees(payees);
        let why = self.why(words, run, payees).filter(|_| now.is_none());
        if let Some(WhyNothing { text, decided: false }) = why {
            let text = Text::new(
                format!("{}已发 {paid} 元,现无法核算:{}", who.zh, text.zh),
                format!(
                    "{} were paid {paid} yuan, which cannot be computed today: {}",
                    who.en, text.en
                ),
            );
            return Ok(Some(finding("no_sum", payees, text)));
        }
        let now = now.unwrap_or_default();
        let over = paid - now;
        let mut text = Text::new(
            format!(
                "{}已发 {paid} 元,现应发 {now:.2} 元,多发 {over} 元,如何处理由人工决定",
                who.zh
            ),
            format!(
                "{} were paid {paid} yuan and would be paid {now:.2} today: {over} too much, left to a \
                 decision",
                who.en
            ),
        );
        if let Some(WhyNothing { text: why, .. }) = why {
            text = Text::new(format!("{}:{}", text.zh, why.zh), format!("{}: {}", text.en, why.en));
        }
        Ok(Some(finding("overpaid", payees, text)))
    }
}

fn finding(code: &str, payees: &Headcount, text: Text) -> RunFinding {
    let Headcount { month, area, group, .. } = payees;
    RunFinding {
        weight: Weight::Warning,
        code: code.to_owned(),
        month: *month,
        area: *area,
        group: Some(group.clone()),
        zh: text.zh,
        en: text.en,
    }
}
