//! The law for the cells of a roster, and which of them other runs pay.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{
    domain::{
        life::{Life, RunState},
        month::Month,
        run::{Claim, Headcount, RosterPin, RunFinding, RunKind, RunLine, Weight},
    },
    engine::{
        budget::budget_of_each,
        draft::{Budget, BudgetError, WithoutLine},
        question::{Applied, Terms, World},
        several::several,
        timeline::TimelineError,
    },
    roster::{
        cell::{Cell, CellId, Cells},
        gather::Gathered,
        list::used,
        rates::{Rate, Rates},
        reject::Reason,
    },
    rules::word::SeveralGroups,
    service::{reference::Reference, run::RunRefused},
    store::{ledger::Ledger, runs::RunError},
};

use super::{RosterRefused, RosterSpec};

/// The live runs that pay persons for a month, the newest first.
pub(super) fn paying_runs(
    ledger: &Ledger,
    month: Month,
) -> impl Iterator<Item = (&Arc<Life>, &RosterPin)> {
    let live = ledger.runs.newest_first().filter(|life| life.state().is_live());
    live.filter_map(move |life| {
        let pin = life.run.roster.as_ref().filter(|pin| pin.month == month)?;
        Some((life, pin))
    })
}

/// Their ids, and how much happened to each.
pub(super) fn paying(ledger: &Ledger, month: Month) -> Vec<(String, usize)> {
    let seen = |(life, _): (&Arc<Life>, _)| (life.run.id.clone(), life.events.len());
    paying_runs(ledger, month).map(seen).collect()
}

/// Checks that a run can be followed by another for the month.
pub(super) fn followed(ledger: &Ledger, follows: &str, month: Month) -> Result<(), RosterRefused> {
    let life = ledger.runs.get(follows).map_err(RunRefused::from)?;
    let (run, state) = (life.run.id.clone(), life.state());
    let pin = life.run.roster.as_ref().filter(|pin| pin.month == month);
    if pin.is_none() {
        return Err(RosterRefused::NoRoster { run });
    }
    match state {
        RunState::Released | RunState::Closed => Ok(()),
        _ => Err(RosterRefused::NotReleased { run, state }),
    }
}

/// Checks that no live run but the one followed pays persons of the same cells.
pub(super) fn free(
    ledger: &Ledger,
    cells: &Cells,
    gathered: &Gathered,
    rates: &Rates,
    spec: &RosterSpec,
) -> Result<(), RunError> {
    for (id, _) in used(&gathered.counts).filter(|(id, _)| rates.pays(*id)) {
        let Some(Cell { area, group, residence }) = cells.get(id) else { continue };
        let claim = Claim { kind: RunKind::Roster, area, month: spec.month, group, residence };
        ledger.runs.check_claim(&claim, spec.follows.as_deref())?;
    }
    Ok(())
}

/// The rates of lines, by cell.
pub(super) fn cell_rates<'a>(cells: &Cells, lines: impl Iterator<Item = &'a RunLine>) -> Vec<Rate> {
    let mut found: Vec<Rate> = vec![Err(Reason::NoSum); cells.len()];
    for RunLine { payees, rate_yuan, .. } in lines {
        let Headcount { area, group, residence, .. } = payees;
        let cell = Cell { area: *area, group: group.clone(), residence: *residence };
        let fen = rate_yuan.checked_mul(Decimal::ONE_HUNDRED);
        let fen = fen.and_then(|fen| u64::try_from(fen).ok());
        if let (Some(id), Some(fen)) = (cells.find(&cell), fen) {
            found[id as usize] = Ok(fen);
        }
    }
    found
}

/// The cells that have a count, as headcounts.
pub(super) fn headcounts<'a>(
    cells: &'a Cells,
    counts: &'a [u64],
    month: Month,
) -> impl Iterator<Item = (CellId, Headcount)> {
    used(counts).filter_map(move |(id, persons)| {
        let Cell { area, group, residence } = cells.get(id)?;
        Some((id, Headcount { month, area, group, residence, persons, households: None }))
    })
}

/// What a person of each cell is paid, and what an approver should know of it. The law runs once for
/// each cell that has a row.
pub(super) fn rates(
    reference: &Reference,
    ledger: &Ledger,
    cells: &Cells,
    gathered: &Gathered,
    spec: &RosterSpec,
) -> Result<(Rates, Vec<RunFinding>), RunRefused> {
    let (ids, rows): (Vec<_>, Vec<_>) = headcounts(cells, &gathered.counts, spec.month).unzip();
    let terms = Terms { strict: spec.strict, ..Terms::default() };
    let (world, words) = (reference.world(ledger), reference.words());
    let (budget, refusals) = budget_of_each(world, &words, &rows, &terms, spec.discretion)?;
    let Budget { lines, without_line, .. } = &budget;
    let mut found = cell_rates(cells, lines.iter());
    for WithoutLine { row, code, .. } in without_line {
        if *code == "with_later" {
            found[ids[*row] as usize] = Err(Reason::WithLater);
        }
    }
    for refusal in &refusals {
        found[ids[refusal.row] as usize] = Err(reason(refusal.code));
    }
    let rows = ids.into_iter().zip(rows).collect::<Vec<_>>();
    let findings = once(world, &rows, &terms, &mut found)?;
    Ok((Rates::new(cells, |id| found[id as usize]), findings))
}

/// Leaves out cells in which a person is paid for each group, or where that is open; says once when
/// no text says that a person is paid once.
fn once(
    world: World<'_>,
    rows: &[(CellId, Headcount)],
    terms: &Terms,
    found: &mut [Rate],
) -> Result<Vec<RunFinding>, RunRefused> {
    let mut findings = Vec::new();
    for (id, row) in rows {
        let rate = &mut found[*id as usize];
        if rate.is_err() {
            continue;
        }
        let applied = Applied::new(world, row.area, row.month, terms);
        let applied = applied.map_err(TimelineError::from).map_err(BudgetError::from)?;
        match applied.and_then(|applied| several(&applied, &row.group, row.residence)) {
            Ok(one) if one.rule == SeveralGroups::Each => *rate = Err(Reason::Each),
            Ok(one) if one.is_assumed() && findings.is_empty() => findings.push(RunFinding {
                weight: Weight::Warning,
                code: "highest_assumed".to_owned(),
                month: row.month,
                area: row.area,
                group: None,
                zh: "一人多种身份的就高发放一份:没有明文,属推定".to_owned(),
                en: "a person in several groups is paid once, at the highest: no text says so"
                    .to_owned(),
            }),
            Ok(_) => {}
            Err(_) => *rate = Err(Reason::NoSum),
        }
    }
    Ok(findings)
}

fn reason(code: &str) -> Reason {
    match code {
        "NOT_TRIGGERED" => Reason::NotTriggered,
        "UNDECIDABLE" => Reason::Undecidable,
        "INDICATIVE" => Reason::Indicative,
        "OTHER_CODE" => Reason::OtherCode,
        "NOT_COVERED" => Reason::NotCovered,
        "HOUSEHOLDS" => Reason::Household,
        _ => Reason::NoSum,
    }
}
