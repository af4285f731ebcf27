//! The one table of who may call what.
//!
//! **Invariant:** an rpc that has no row is refused to everybody.

use std::fmt;

use super::{
    principal::{Principal, Reach},
    role::Role,
};
use crate::domain::life::Move;

use Role::{Admin, Analyst, Approver, Auditor, Maker, Recorder};

/// Who may call an rpc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody, signed in or not.
    Anyone,
    /// Whoever signed in, with any role.
    SignedIn,
    /// Whoever has one of the roles.
    Roles(&'static [Role]),
}

/// Whether an rpc is about areas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What it is about is the same for everybody, as the law is.
    All,
    /// It is about all areas at once; its caller must have one of the roles for the nation.
    Whole,
    /// It takes and shows only the areas in which its caller has one of the roles.
    Areas,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The service and the rpc, for example `RunService/GetRun`.
    pub rpc: &'static str,
    /// Who may call it.
    pub who: Who,
    /// Whether it is about areas.
    pub scope: Scope,
}

/// Where the services of this program live; those of others are named in full.
const PACKAGE: &str = "pricelinkage.v1.";

const EVERY: &[Role] = &Role::ALL;
/// Comparisons of laws take longest.
const COMPARE: &[Role] = &[Analyst, Admin, Auditor];
const RECORD: &[Role] = &[Recorder];
const MAKE: &[Role] = &[Maker];
/// Which of the two depends on the move, see [`of_move`].
const MOVE: &[Role] = &[Maker, Approver];
/// A payment list names persons.
const LIST: &[Role] = &[Maker, Approver, Auditor];
/// The journal is one for all areas.
const AUDIT: &[Role] = &[Admin, Auditor];

const fn row(rpc: &'static str, who: Who, scope: Scope) -> Row {
    Row { rpc, who, scope }
}

const fn areas(rpc: &'static str, roles: &'static [Role]) -> Row {
    row(rpc, Who::Roles(roles), Scope::Areas)
}

const fn law(rpc: &'static str, roles: &'static [Role]) -> Row {
    row(rpc, Who::Roles(roles), Scope::All)
}

/// Every rpc, in the order of the proto files.
pub const TABLE: &[Row] = &[
    areas("IndexService/RecordFigures", RECORD),
    areas("IndexService/GetFigure", EVERY),
    areas("IndexService/ListFigures", EVERY),
    areas("IndexService/ListFigureRevisions", EVERY),
    areas("StandardService/RecordStandards", RECORD),
    areas("StandardService/ListStandards", EVERY),
    areas("TriggerService/GetStatus", EVERY),
    areas("TriggerService/GetNotice", EVERY),
    areas("TriggerService/ListStatuses", EVERY),
    areas("TriggerService/ListDecisions", EVERY),
    areas("TriggerService/WatchDecisions", EVERY),
    areas("SubsidyService/QuoteSubsidy", EVERY),
    areas("ReplayService/Replay", EVERY),
    areas("ReplayService/Compare", COMPARE),
    areas("ReplayService/Sweep", COMPARE),
    areas("ReplayService/GetOutlook", EVERY),
    areas("ReplayService/ExplainDifference", EVERY),
    areas("RunService/MakeRun", MAKE),
    areas("RunService/GetRun", EVERY),
    areas("RunService/ListRuns", EVERY),
    areas("RunService/ListRunLines", EVERY),
    areas("RunService/MoveRun", MOVE),
    areas("RunService/VerifyRun", EVERY),
    areas("RunService/ListRunDrift", EVERY),
    areas("RunService/ListDuePayments", EVERY),
    areas("RunService/ListMissingRuns", EVERY),
    areas("RunService/GetRunReceipt", EVERY),
    areas("RunService/GetRunSheet", EVERY),
    areas("RosterService/MakeRosterRun", MAKE),
    areas("RosterService/WritePaymentList", LIST),
    areas("RosterService/SettleRun", MAKE),
    law("RuleService/ListInstruments", EVERY),
    law("RuleService/GetRules", EVERY),
    areas("RuleService/DiffInstrument", COMPARE),
    law("AreaService/ListAreas", EVERY),
    row("AuditService/ListEntries", Who::Roles(AUDIT), Scope::Whole),
    row("AuditService/VerifyJournal", Who::Roles(AUDIT), Scope::Whole),
    row("JournalService/FollowJournal", Who::Roles(AUDIT), Scope::Whole),
    row("JournalService/ReadKeptFile", Who::Roles(AUDIT), Scope::Whole),
    row("grpc.health.v1.Health/Check", Who::Anyone, Scope::All),
    row("grpc.health.v1.Health/Watch", Who::Anyone, Scope::All),
    row("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Who::SignedIn, Scope::All),
    row("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Who::SignedIn, Scope::All),
];

impl Row {
    /// The row of an rpc by its path, for example `/pricelinkage.v1.RunService/GetRun`.
    pub fn of(path: &str) -> Option<&'static Self> {
        let name = path.strip_prefix('/')?;
        let (short, own) = match name.strip_prefix(PACKAGE) {
            Some(short) => (short, true),
            None => (name, false),
        };
        TABLE.iter().find(|row| row.rpc == short && row.is_own() == own)
    }

    /// The path it is called by.
    pub fn path(&self) -> String {
        let package = if self.is_own() { PACKAGE } else { "" };
        format!("/{package}{}", self.rpc)
    }

    /// The roles that may call it; none named where no role is asked for.
    pub fn roles(&self) -> &'static [Role] {
        match self.who {
            Who::Anyone | Who::SignedIn => EVERY,
            Who::Roles(roles) => roles,
        }
    }

    /// Whether a principal may call it somewhere, or where it is about all areas at all.
    pub fn allows(&self, principal: &Principal) -> bool {
        match self.scope {
            Scope::Whole => principal.reach(self.roles()) == Reach::Everywhere,
            Scope::All | Scope::Areas => principal.has(self.roles()),
        }
    }

    fn is_own(&self) -> bool {
        !self.rpc.starts_with("grpc.")
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::SignedIn => f.write_str("whoever signed in"),
            Self::Roles(roles) => f.write_str(&named(roles)),
        }
    }
}

/// The roles, named.
pub fn named(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

/// The roles that may make a step in a run's life. Whoever approves also lets the money go, so that
/// no step towards payment after submission is the maker's.
pub fn of_move(made: Move) -> &'static [Role] {
    match made {
        Move::Submit | Move::Settle | Move::Close | Move::Void => &[Maker],
        Move::Approve | Move::Reject | Move::Release => &[Approver],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_path_and_nothing_else_is() {
        for row in TABLE {
            assert_eq!(Row::of(&row.path()), Some(row));
        }
        let paths = TABLE.iter().map(Row::path).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(paths.len(), TABLE.len());
        for path in [
            "",
            "/",
            "/RunService/GetRun",
            "pricelinkage.v1.RunService/GetRun",
            "/pricelinkage.v1.RunService/DropRun",
            "/pricelinkage.v1.RunService/GetRun/",
            "/pricelinkage.v1.grpc.health.v1.Health/Check",
        ] {
            assert_eq!(Row::of(path), None, "{path}");
        }
    }

    #[test]
    fn no_role_may_both_submit_and_approve_and_every_move_is_somebodys() {
        for made in Move::ALL {
            assert_eq!(of_move(made).len(), 1, "{made:?}");
            assert!(of_move(made).iter().all(|role| MOVE.contains(role)));
        }
        assert_eq!(of_move(Move::Submit), [Role::Maker]);
        assert_eq!(of_move(Move::Approve), [Role::Approver]);
        assert_eq!(of_move(Move::Release), [Role::Approver]);
    }
}
