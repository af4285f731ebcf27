//! Runs as messages: state, lines, findings, what they rest on.

use tonic::Status;

use crate::{
    domain::{
        life::{Life, Move, RunEvent, RunState},
        run::{Charge, Headcount, RosterPin, RunFinding, RunLine},
    },
    engine::sums::by_source,
    service::recheck::Drift,
};

use super::{
    convert::{decimal, instant, month},
    status::of_timeline,
    v1,
};

pub(super) fn state(state: RunState) -> v1::RunState {
    match state {
        RunState::Draft => v1::RunState::Draft,
        RunState::Submitted => v1::RunState::Submitted,
        RunState::Approved => v1::RunState::Approved,
        RunState::Released => v1::RunState::Released,
        RunState::Closed => v1::RunState::Closed,
        RunState::Rejected => v1::RunState::Rejected,
        RunState::Voided => v1::RunState::Voided,
    }
}

/// A step in a run's life, as a message.
pub fn made(made: Move) -> v1::RunMove {
    match made {
        Move::Submit => v1::RunMove::Submit,
        Move::Approve => v1::RunMove::Approve,
        Move::Reject => v1::RunMove::Reject,
        Move::Release => v1::RunMove::Release,
        Move::Settle => v1::RunMove::Settle,
        Move::Close => v1::RunMove::Close,
        Move::Void => v1::RunMove::Void,
    }
}

fn charge(charge: &Charge) -> v1::Charge {
    v1::Charge { source: charge.source.clone(), yuan: Some(decimal(charge.yuan)) }
}

/// How many people are to be paid, as a message.
pub fn headcount(row: &Headcount) -> v1::Headcount {
    v1::Headcount {
        month: Some(month(row.month)),
        area: row.area.to_string(),
        group: row.group.to_string(),
        residence: v1::Residence::from(row.residence).into(),
        persons: row.persons as i64,
        households: row.households.unwrap_or(0) as i64,
    }
}

pub(super) fn line(line: &RunLine) -> v1::RunLine {
    let (first, last) = line.covers;
    v1::RunLine {
        payees: Some(headcount(&line.payees)),
        covers_from: Some(month(first)),
        covers_until: Some(month(last)),
        basis: line.basis.as_str().to_owned(),
        rate_yuan: Some(decimal(line.rate_yuan)),
        each_further_yuan: line.each_further_yuan.map(decimal),
        yuan: Some(decimal(line.yuan)),
        increment_yuan: Some(decimal(line.increment_yuan)),
        charges: line.charges.iter().map(charge).collect(),
        pay_by: line.pay_by.map(|day| day.to_string()).unwrap_or_default(),
        paid_before_yuan: line.paid_before.map(decimal),
    }
}

fn finding(finding: &RunFinding) -> v1::RunFinding {
    v1::RunFinding {
        weight: finding.weight.as_str().to_owned(),
        code: finding.code.clone(),
        month: Some(month(finding.month)),
        area: finding.area.to_string(),
        group: finding.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        text: Some(v1::Text { zh: finding.zh.clone(), en: finding.en.clone() }),
    }
}

/// A run with its life as a message.
///
/// # Errors
/// Its sums leave the range of exact arithmetic.
pub fn run_message(life: &Life) -> Result<v1::Run, Status> {
    let Life { run, made_at, events } = life;
    let charges = by_source(&run.lines).map_err(|error| of_timeline(&error.into()))?;
    let pins = &run.pins;
    let revisions = |all: &std::collections::BTreeMap<String, u32>| {
        all.iter().map(|(key, revision)| (key.clone(), *revision as i32)).collect()
    };
    let event = |event: &RunEvent| v1::RunEvent {
        made: made(event.made).into(),
        by: event.by.clone(),
        at: Some(instant(event.at)),
        reason: event.reason.clone(),
        settlement: event.settlement.as_ref().map(|one| v1::Settlement {
            file: one.file.clone(),
            paid: one.paid as i64,
            failed: one.failed.iter().map(|(why, lines)| (why.clone(), *lines as i64)).collect(),
        }),
    };
    Ok(v1::Run {
        id: run.id.clone(),
        state: state(life.state()).into(),
        made_by: run.made_by.clone(),
        made_at: Some(instant(*made_at)),
        note: run.note.clone(),
        approvals_needed: run.approvals_needed as i32,
        lines: run.lines.len() as i32,
        persons: run.lines.iter().map(|line| line.payees.persons as i64).sum(),
        yuan: Some(decimal(run.yuan)),
        charges: charges.iter().map(charge).collect(),
        findings: run.findings.iter().map(finding).collect(),
        events: events.iter().map(event).collect(),
        pins: Some(v1::RunPins {
            known_at: Some(instant(pins.known_at)),
            documents: pins.documents.clone().into_iter().collect(),
            figures: revisions(&pins.figures),
            standards: revisions(&pins.standards),
            headcounts: pins.headcounts.clone(),
            engine: pins.engine.clone(),
            strict: pins.strict,
        }),
        roster: run.roster.as_ref().map(roster),
        open_lines: life.open_lines().unwrap_or_default() as i64,
        adjusts: run.adjusts.as_ref().map(|adjusts| adjusts.run.clone()).unwrap_or_default(),
        adjusts_after: run.adjusts.as_ref().map(|one| one.after.clone()).unwrap_or_default(),
    })
}

fn roster(pin: &RosterPin) -> v1::RosterPin {
    v1::RosterPin {
        month: Some(month(pin.month)),
        roster: pin.roster.clone(),
        rows: pin.rows as i64,
        claims: pin.claims.clone(),
        key: pin.key.clone(),
        beaten: pin.beaten as i64,
        rejects: pin.rejects.iter().map(|(why, rows)| (why.clone(), *rows as i64)).collect(),
        conflicts: pin.conflicts as i64,
        follows: pin.follows.clone().unwrap_or_default(),
    }
}

pub(super) fn drift(drift: &Drift) -> v1::RunDrift {
    let zero = rust_decimal::Decimal::new(0, 2);
    let (then, now) = (drift.then.unwrap_or(zero), drift.now.unwrap_or(zero));
    v1::RunDrift {
        run: drift.run.clone(),
        payees: Some(headcount(&drift.payees)),
        run_yuan: Some(decimal(then)),
        now_yuan: Some(decimal(now)),
        difference_yuan: Some(decimal(now - then)),
        why: drift.why.clone(),
    }
}
