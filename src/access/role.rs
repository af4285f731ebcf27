//! Roles.

use std::{fmt, str::FromStr};

/// What a principal may do in its areas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 录入: records indices and standards.
    Recorder,
    /// 经办: makes runs and carries them through.
    Maker,
    /// 审批: approves, rejects and releases what others made.
    Approver,
    /// 查询: reads.
    Reader,
    /// 分析: replays, compares and sweeps.
    Analyst,
    /// 管理: looks after the service.
    Admin,
    /// 审计: reads everything that is kept, and computes it again.
    Auditor,
}

/// Why a text is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("role {text:?}: expected recorder, maker, approver, reader, analyst, admin or auditor")]
pub struct ParseRoleError {
    /// What was given.
    pub text: String,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Recorder,
        Self::Maker,
        Self::Approver,
        Self::Reader,
        Self::Analyst,
        Self::Admin,
        Self::Auditor,
    ];

    /// As the file of principals writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorder => "recorder",
            Self::Maker => "maker",
            Self::Approver => "approver",
            Self::Reader => "reader",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }

    /// In Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Recorder => "录入",
            Self::Maker => "经办",
            Self::Approver => "审批",
            Self::Reader => "查询",
            Self::Analyst => "分析",
            Self::Admin => "管理",
            Self::Auditor => "审计",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| ParseRoleError { text: text.chars().take(40).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_as_it_is_written_and_nothing_else_does() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for text in ["", "Maker", "maker ", "root"] {
            assert_eq!(text.parse::<Role>(), Err(ParseRoleError { text: text.into() }));
        }
    }
}
