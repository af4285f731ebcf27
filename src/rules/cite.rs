//! Where a parameter comes from: document, clause, line and how sure we are of it.

use std::{fmt, sync::Arc};

use chrono::NaiveDate;

use crate::domain::{
    area::AreaCode,
    month::{Month, Span},
};

/// What part a document plays when documents are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The base that holds in the whole country.
    National,
    /// A province's or prefecture's own rule, over the national one.
    Regional,
    /// A temporary measure over both.
    Overlay,
    /// Not law: fills what the law leaves open, and is marked wherever it is used.
    Assumption,
    /// Not law: changes the law to see what would follow; nothing is ever paid by it.
    Reform,
}

impl Kind {
    /// The word used in data files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::National => "national",
            Self::Regional => "regional",
            Self::Overlay => "overlay",
            Self::Assumption => "assumption",
            Self::Reform => "reform",
        }
    }
}

/// How well a parameter is attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Official text or an official report of it.
    A,
    /// A copy that names its origin.
    B,
    /// Arithmetic on, or inference from, A or B.
    C,
    /// One secondary copy, or several agreeing local texts.
    M,
    /// A hypothesis.
    H,
    /// An inference without a text.
    L,
    /// Unverified.
    U,
}

impl Mark {
    /// The letter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::M => "M",
            Self::H => "H",
            Self::L => "L",
            Self::U => "U",
        }
    }

    /// The mark of a letter.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::A, Self::B, Self::C, Self::M, Self::H, Self::L, Self::U];
        all.into_iter().find(|mark| mark.as_str() == text)
    }
}

/// The head of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its id, unique among all documents.
    pub id: String,
    /// The part it plays.
    pub kind: Kind,
    /// Chinese title.
    pub title_zh: String,
    /// English title.
    pub title_en: String,
    /// Document number, when known.
    pub number: Option<String>,
    /// Who issued it.
    pub issuers: Vec<String>,
    /// When it was issued, when known.
    pub issued: Option<NaiveDate>,
    /// The area for which it holds, with everything below.
    pub jurisdiction: AreaCode,
    /// The index months in which it is in force.
    pub months: Span,
    /// Ids of the documents it carries out, amends or overlays.
    pub amends: Vec<String>,
    /// Why nothing is known between the document before and this one.
    pub gap_before: Option<String>,
    /// Where it was read.
    pub sources: Vec<String>,
    /// Remarks.
    pub note: String,
    /// Of an assumption: who made it.
    pub author: Option<String>,
    /// Of an assumption: when.
    pub date: Option<NaiveDate>,
    /// Of an assumption: why.
    pub reason: Option<String>,
    /// The file it was read from.
    pub file: String,
    /// SHA-256 of the file's text, in hex.
    pub digest: String,
}

impl Head {
    /// Stands in for a head that cannot be read, so that the rest of the document is read as well.
    pub(super) fn unread(file: &str) -> Self {
        Self {
            id: String::new(),
            kind: Kind::National,
            title_zh: String::new(),
            title_en: String::new(),
            number: None,
            issuers: Vec::new(),
            issued: None,
            jurisdiction: AreaCode::NATION,
            months: Span { from: Month::FIRST, until: None },
            amends: Vec::new(),
            gap_before: None,
            sources: Vec::new(),
            note: String::new(),
            author: None,
            date: None,
            reason: None,
            file: file.to_owned(),
            digest: String::new(),
        }
    }
}

/// The place in a document that a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cite {
    /// The document.
    pub head: Arc<Head>,
    /// The clause, empty when none is cited.
    pub clause: Arc<str>,
    /// How well it is attested.
    pub mark: Mark,
    /// Remarks on it.
    pub note: Arc<str>,
    /// The line in the file.
    pub line: u32,
}

impl Cite {
    /// Whether it comes from an assumption and not from law.
    pub fn is_assumed(&self) -> bool {
        self.head.kind == Kind::Assumption
    }

    /// `id clause`, short.
    pub fn short(&self) -> String {
        match &*self.clause {
            "" => self.head.id.clone(),
            clause => format!("{} {clause}", self.head.id),
        }
    }
}

impl fmt::Display for Cite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "《{}》", self.head.title_zh)?;
        if let Some(number) = &self.head.number {
            write!(f, "({number})")?;
        }
        write!(f, "{}[{}]", self.clause, self.mark.as_str())
    }
}
