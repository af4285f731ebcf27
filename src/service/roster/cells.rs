//! The law for the cells of a roster, and which of them other runs pay.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{
    domain::{
        life::{Life, RunState},
        month::Month,
        run::{Claim, Headcount, RosterPin, RunKind, RunLine},
    },
    engine::{budget::budget_of_each, draft::Budget, question::Terms},
    roster::{
        cell::{Cell, CellId, Cells},
        gather::Gathered,
        list::used,
        rates::{Rate, Rates},
        reject::Reason,
    },
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

/// What a person of each cell is paid. The law runs once for each cell that has a row.
pub(super) fn rates(
    reference: &Reference,
    ledger: &Ledger,
    cells: &Cells,
    gathered: &Gathered,
    spec: &RosterSpec,
) -> Result<Rates, RunRefused> {
    let (ids, rows): (Vec<_>, Vec<_>) = headcounts(cells, &gathered.counts, spec.month).unzip();
    let terms = Terms { strict: spec.strict, ..Terms::default() };
    let (world, words) = (reference.world(ledger), reference.words());
    let (budget, refusals) = budget_of_each(world, &words, &rows, &terms, spec.discretion)?;
    let Budget { lines, without_line, .. } = &budget;
    let mut found = cell_rates(cells, lines.iter());
    for (row, why) in without_line {
        if *why == "with_later" {
            found[ids[*row] as usize] = Err(Reason::WithLater);
        }
    }
    for refusal in &refusals {
        found[ids[refusal.row] as usize] = Err(reason(refusal.code));
    }
    Ok(Rates::new(cells, |id| found[id as usize]))
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
