//! Trigger decisions as they are recorded: one per deciding area and index month, with revisions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{area::AreaCode, code::Code, month::Month};

/// Whether the mechanism pays for a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triggered {
    /// It pays.
    Yes,
    /// It does not.
    No,
    /// It cannot be said from what is recorded and set.
    Undecidable,
}

/// Where the mechanism stands in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not running (未启动).
    Inactive,
    /// Started with this month (启动).
    Started,
    /// Running on from an earlier month (继续).
    Continuing,
    /// Interrupted, to go on when the conditions are met again (中止).
    Suspended,
    /// Ended with this month (终止); the month itself is unpaid.
    Ended,
    /// Before the start, and paid with it (补发).
    BackPaid,
    /// It cannot be said.
    Undecidable,
}

impl Triggered {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Undecidable => "undecidable",
        }
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Inactive,
        Self::Started,
        Self::Continuing,
        Self::Suspended,
        Self::Ended,
        Self::BackPaid,
        Self::Undecidable,
    ];

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Started => "started",
            Self::Continuing => "continuing",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
            Self::BackPaid => "back_paid",
            Self::Undecidable => "undecidable",
        }
    }

    /// The Chinese word.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Inactive => "未启动",
            Self::Started => "启动",
            Self::Continuing => "继续",
            Self::Suspended => "中止",
            Self::Ended => "终止",
            Self::BackPaid => "补发",
            Self::Undecidable => "无法判定",
        }
    }
}

/// One recorded decision. A later one for the same area and month supersedes it and stands beside
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The area that decides.
    pub area: AreaCode,
    /// The index month decided on.
    pub month: Month,
    /// Whether it pays.
    pub triggered: Triggered,
    /// The state.
    pub state: State,
    /// First month of the running episode, when it is known.
    pub since: Option<Month>,
    /// The conditions that carry it.
    pub carried_by: Vec<Code>,
    /// The documents applied, by id, in order of application.
    pub instruments: Vec<String>,
    /// Digest over the texts of those documents.
    pub law_digest: String,
    /// The answering sentence in Chinese.
    pub reason_zh: String,
    /// The answering sentence in English.
    pub reason_en: String,
    /// 1 for the first decision on this area and month, then 2, 3, …
    pub revision: u32,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}
