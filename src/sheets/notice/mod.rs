//! The notice of a month: that the mechanism starts, goes on or is suspended, for whom, how much, by
//! when and from which funds, laid out as official documents are (GB/T 9704).
//!
//! **Invariant:** what is not known is a marked blank, 【…】, and is listed among the open points;
//! nothing is made up.

use std::{io::Cursor, sync::Arc};

use crate::{
    domain::{
        area::AreaCode,
        decision::{State, Triggered},
        month::Month,
    },
    engine::{
        amount::Line,
        funding::Funding,
        reason::{Text, Vocabulary},
        trigger::MonthOutcome,
    },
    rules::{
        cite::{Cite, Head},
        word::SeveralGroups,
    },
};

use super::SheetError;

mod text;

mod terms;

mod draft;

mod docx;

/// Media type of a text document.
pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What a notice announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The mechanism starts (启动).
    Start,
    /// It goes on, and the month is paid (继续发放).
    Continue,
    /// The month is not paid any more (中止).
    Suspend,
}

impl NoticeKind {
    /// What a decided month announces; none where there is nothing to announce, or it is announced
    /// with another month.
    pub fn of(outcome: &MonthOutcome) -> Option<Self> {
        match (outcome.state, outcome.triggered) {
            (State::Started, Triggered::Yes) => Some(Self::Start),
            (State::Continuing, Triggered::Yes) => Some(Self::Continue),
            (State::Suspended | State::Ended, Triggered::No) => Some(Self::Suspend),
            _ => None,
        }
    }
}

/// What a group is given for a month, and who pays it.
#[derive(Debug, Clone)]
pub struct Given {
    /// The line.
    pub line: Line,
    /// Who pays.
    pub funding: Funding,
}

/// A month that the notice pays.
#[derive(Debug, Clone)]
pub struct PaidMonth {
    /// The index month.
    pub month: Month,
    /// The covered groups, urban and rural.
    pub given: Vec<Given>,
}

/// A month with all that its notice says.
#[derive(Debug)]
pub struct NoticePaper<'a> {
    /// What it announces.
    pub kind: NoticeKind,
    /// The area asked about.
    pub area: AreaCode,
    /// The decision.
    pub outcome: &'a MonthOutcome,
    /// The answering sentence.
    pub reason: Text,
    /// The documents applied, from the one furthest down to the topmost.
    pub documents: &'a [Arc<Head>],
    /// SHA-256 over them.
    pub law_digest: &'a str,
    /// The months paid: those paid back first, then the month itself; none when it is suspended.
    pub paid: Vec<PaidMonth>,
    /// The text on the transfer, where a document sets one.
    pub label: Option<(String, Cite)>,
    /// What a person in several groups gets, where a document says so.
    pub several_groups: Option<(SeveralGroups, Cite)>,
    /// The names.
    pub words: Vocabulary<'a>,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it announces.
    pub kind: NoticeKind,
    /// Its title, in Chinese.
    pub title: String,
    /// What an office must fill in or settle before it can be sent, in order.
    pub open: Vec<Text>,
}

/// Writes the notice of a month, as DOCX: the same bytes for the same answer. O(groups × steps).
///
/// # Errors
/// The file cannot be put together.
pub fn notice(paper: &NoticePaper<'_>) -> Result<(Notice, Vec<u8>), SheetError> {
    let text = text::write(paper);
    let mut content = Cursor::new(Vec::new());
    docx::document(&text).pack(&mut content).map_err(|why| SheetError::Docx(why.to_string()))?;
    let (kind, title) = (paper.kind, text.title.concat());
    Ok((Notice { kind, title, open: text.open }, content.into_inner()))
}
