//! The life of a run: made, handed in, approved by somebody else, paid, settled; or taken back.
//!
//! **Invariant:** a life only goes forward, and every step of it says who took it, when and why.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::run::Run;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Made (草稿).
    Draft,
    /// Handed in for approval (已提交).
    Submitted,
    /// Approved by as many as are needed (已批准).
    Approved,
    /// Handed over for payment (已拨付).
    Released,
    /// Everything settled (已办结).
    Closed,
    /// Refused by an approver (已退回).
    Rejected,
    /// Taken back before release (已作废).
    Voided,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Submitted,
        Self::Approved,
        Self::Released,
        Self::Closed,
        Self::Rejected,
        Self::Voided,
    ];

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Released => "released",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Voided => "voided",
        }
    }

    /// The Chinese word, as on sheets.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Draft => "草稿",
            Self::Submitted => "已提交",
            Self::Approved => "已批准",
            Self::Released => "已拨付",
            Self::Closed => "已办结",
            Self::Rejected => "已退回",
            Self::Voided => "已作废",
        }
    }

    /// Whether it holds its areas and months, so that no other run may pay them.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Rejected | Self::Voided)
    }
}

/// A step in a run's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Hand it in.
    Submit,
    /// Approve it; the last approval needed makes it approved.
    Approve,
    /// Refuse it.
    Reject,
    /// Hand it over for payment.
    Release,
    /// Say what became of lines of its payment list (回盘).
    Settle,
    /// Settle it.
    Close,
    /// Take it back; its months are free again.
    Void,
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 7] = [
        Self::Submit,
        Self::Approve,
        Self::Reject,
        Self::Release,
        Self::Settle,
        Self::Close,
        Self::Void,
    ];

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Release => "release",
            Self::Settle => "settle",
            Self::Close => "close",
            Self::Void => "void",
        }
    }

    /// Whether it takes the run back, so that it pays nothing any more.
    pub fn ends(self) -> bool {
        matches!(self, Self::Reject | Self::Void)
    }

    /// The Chinese word, as on sheets.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Submit => "提交",
            Self::Approve => "批准",
            Self::Reject => "退回",
            Self::Release => "拨付",
            Self::Settle => "回盘",
            Self::Close => "办结",
            Self::Void => "作废",
        }
    }

    /// Whether it needs a reason.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Reject | Self::Void)
    }
}

/// What came back of a payment list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Sha-256 of the file that came back.
    pub file: String,
    /// Sha-256 of what is kept of it: lines and outcomes.
    pub outcomes: String,
    /// How many lines it says were paid that had no outcome before.
    pub paid: u64,
    /// How many lines it says failed that had none, by reason.
    pub failed: BTreeMap<String, u64>,
}

/// A move as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEvent {
    /// The run.
    pub run: String,
    /// What was done.
    pub made: Move,
    /// Who did it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why; for an approval over a blocking finding, why it is overruled.
    pub reason: String,
    /// What came back, when that is what was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
}

/// Why a move cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The run is in another state than the move starts from.
    #[error("run {run} is {}: expected {expected} to {}", state.as_str(), made.as_str())]
    State {
        /// The run.
        run: String,
        /// Its state.
        state: RunState,
        /// The move.
        made: Move,
        /// The states it may be made from.
        expected: &'static str,
    },
    /// The maker may not approve.
    #[error("run {run} was made by {by:?}: expected somebody else to approve it")]
    OwnRun {
        /// The run.
        run: String,
        /// Who asked.
        by: String,
    },
    /// The same person approved before.
    #[error("run {run} was already approved by {by:?}: expected somebody else")]
    Approved {
        /// The run.
        run: String,
        /// Who asked.
        by: String,
    },
    /// A blocking finding stands.
    #[error("run {run} has blocking findings: expected a reason for overruling them")]
    Blocked {
        /// The run.
        run: String,
    },
    /// Lines of its payment list have no outcome.
    #[error("run {run} has {open} lines without an outcome: expected a reason to close it")]
    Unsettled {
        /// The run.
        run: String,
        /// How many.
        open: u64,
    },
    /// The move needs a reason.
    #[error("run {run}: expected a reason to {}", made.as_str())]
    NoReason {
        /// The run.
        run: String,
        /// The move.
        made: Move,
    },
}

/// A run with its life so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The run.
    pub run: Arc<Run>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// What was done with it, in order.
    pub events: Vec<RunEvent>,
}

impl Life {
    /// Where it stands. O(events).
    pub fn state(&self) -> RunState {
        self.events.iter().fold(RunState::Draft, |state, event| match event.made {
            Move::Submit => RunState::Submitted,
            Move::Approve if self.approvals().count() < self.run.approvals_needed as usize => state,
            Move::Approve => RunState::Approved,
            Move::Reject => RunState::Rejected,
            Move::Release => RunState::Released,
            Move::Settle => state,
            Move::Close => RunState::Closed,
            Move::Void => RunState::Voided,
        })
    }

    /// How many lines of its payment list have no outcome yet; none for a budget run. O(lines).
    pub fn open_lines(&self) -> Option<u64> {
        self.run.roster.as_ref()?;
        let all: u64 = self.run.headcounts.iter().map(|one| one.persons).sum();
        let settled = self.events.iter().filter_map(|event| event.settlement.as_ref());
        let settled = settled.map(|one| one.paid + one.failed.values().sum::<u64>());
        Some(all.saturating_sub(settled.sum()))
    }

    fn approvals(&self) -> impl Iterator<Item = &RunEvent> {
        self.events.iter().filter(|event| event.made == Move::Approve)
    }

    /// Checks a move.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn check(&self, event: &RunEvent) -> Result<(), MoveError> {
        let RunEvent { made, by, reason, .. } = event;
        let (made, run, state) = (*made, self.run.id.clone(), self.state());
        let (from, expected): (&[RunState], _) = match made {
            Move::Submit => (&[RunState::Draft], "draft"),
            Move::Approve | Move::Reject => (&[RunState::Submitted], "submitted"),
            Move::Release => (&[RunState::Approved], "approved"),
            Move::Settle | Move::Close => (&[RunState::Released], "released"),
            Move::Void => (
                &[RunState::Draft, RunState::Submitted, RunState::Approved],
                "draft, submitted or approved",
            ),
        };
        if !from.contains(&state) {
            return Err(MoveError::State { run, state, made, expected });
        }
        if made.needs_reason() && reason.trim().is_empty() {
            return Err(MoveError::NoReason { run, made });
        }
        let open = self.open_lines().unwrap_or_default();
        if made == Move::Close && 0 < open && reason.trim().is_empty() {
            return Err(MoveError::Unsettled { run, open });
        }
        if made == Move::Approve {
            if same_person(by, &self.run.made_by) {
                return Err(MoveError::OwnRun { run, by: by.clone() });
            }
            if self.approvals().any(|earlier| same_person(&earlier.by, by)) {
                return Err(MoveError::Approved { run, by: by.clone() });
            }
            if self.run.is_blocked() && reason.trim().is_empty() {
                return Err(MoveError::Blocked { run });
            }
        }
        Ok(())
    }
}

/// Whether two names are one person's, however they were typed.
fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::run::{Pins, RunFinding, Weight};

    fn life(approvals_needed: u32, blocked: bool) -> Life {
        let at = DateTime::UNIX_EPOCH;
        let finding = RunFinding {
            weight: if blocked { Weight::Blocking } else { Weight::Warning },
            code: "no_sum".into(),
            month: "2020-03".parse().unwrap(),
            area: "990100".parse().unwrap(),
            group: None,
            zh: String::new(),
            en: String::new(),
        };
        let pins = Pins {
            known_at: at,
            documents: BTreeMap::new(),
            figures: BTreeMap::new(),
            standards: BTreeMap::new(),
            headcounts: String::new(),
            engine: "0".into(),
            strict: false,
        };
        let run = Run {
            id: "R1".into(),
            made_by: "maker".into(),
            approvals_needed,
            note: String::new(),
            adjusts: None,
            roster: None,
            pins,
            headcounts: Vec::new(),
            lines: Vec::new(),
            findings: vec![finding],
            yuan: Decimal::ZERO,
        };
        Life { run: run.into(), made_at: at, events: Vec::new() }
    }

    fn moved(life: &mut Life, made: Move, by: &str, reason: &str) -> Result<RunState, MoveError> {
        let (run, by, at) = (life.run.id.clone(), by.to_owned(), DateTime::UNIX_EPOCH);
        let reason = reason.to_owned();
        let event = RunEvent { run, made, by, at, reason, settlement: None };
        life.check(&event)?;
        life.events.push(event);
        Ok(life.state())
    }

    #[test]
    fn a_run_goes_from_draft_to_closed_with_the_approvals_it_needs() {
        let mut life = life(2, false);
        assert_eq!(moved(&mut life, Move::Submit, "maker", ""), Ok(RunState::Submitted));
        assert_eq!(moved(&mut life, Move::Approve, "first", ""), Ok(RunState::Submitted));
        let again = moved(&mut life, Move::Approve, "first", "");
        assert!(matches!(again, Err(MoveError::Approved { .. })));
        assert_eq!(moved(&mut life, Move::Approve, "second", ""), Ok(RunState::Approved));
        assert_eq!(moved(&mut life, Move::Release, "cashier", ""), Ok(RunState::Released));
        assert_eq!(moved(&mut life, Move::Close, "cashier", ""), Ok(RunState::Closed));
    }

    #[test]
    fn the_maker_cannot_approve_and_a_blocking_finding_needs_a_reason() {
        let mut life = life(1, true);
        moved(&mut life, Move::Submit, "maker", "").unwrap();
        for own in ["maker", "Maker", " maker "] {
            let own = moved(&mut life, Move::Approve, own, "I may");
            assert!(matches!(own, Err(MoveError::OwnRun { .. })));
        }
        let blank = moved(&mut life, Move::Approve, "other", " ");
        assert!(matches!(blank, Err(MoveError::Blocked { .. })));
        let blocked = moved(&mut life, Move::Approve, "other", "");
        assert!(matches!(blocked, Err(MoveError::Blocked { .. })));
        assert_eq!(moved(&mut life, Move::Approve, "other", "known"), Ok(RunState::Approved));
    }

    #[test]
    fn every_move_is_made_only_from_its_states() {
        let paths: [&[Move]; 7] = [
            &[],
            &[Move::Submit],
            &[Move::Submit, Move::Approve],
            &[Move::Submit, Move::Approve, Move::Release],
            &[Move::Submit, Move::Approve, Move::Release, Move::Close],
            &[Move::Submit, Move::Reject],
            &[Move::Void],
        ];
        let mut allowed = Vec::new();
        for path in paths {
            for made in Move::ALL {
                let mut life = life(1, false);
                for step in path {
                    moved(&mut life, *step, "other", "reason").unwrap();
                }
                let before = life.state();
                if moved(&mut life, made, "other", "reason").is_ok() {
                    allowed.push((before.as_str(), made.as_str()));
                }
            }
        }
        let expected = [
            ("draft", "submit"),
            ("draft", "void"),
            ("submitted", "approve"),
            ("submitted", "reject"),
            ("submitted", "void"),
            ("approved", "release"),
            ("approved", "void"),
            ("released", "settle"),
            ("released", "close"),
        ];
        assert_eq!(allowed, expected);
        let mut life = life(1, false);
        let void = moved(&mut life, Move::Void, "maker", "");
        assert!(matches!(void, Err(MoveError::NoReason { .. })));
    }
}
