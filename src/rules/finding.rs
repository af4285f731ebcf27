//! What reading and checking the law finds wrong, in both languages.

use std::fmt;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// It can be used; someone should look.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing found, with the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Stable name of the kind of finding, such as `unknown_key`.
    pub code: &'static str,
    /// The file.
    pub file: String,
    /// The line, from 1; 0 when it is about the whole file.
    pub line: u32,
    /// The clause it stands in, when one is cited.
    pub clause: String,
    /// What is wrong and what was expected, in English.
    pub en: String,
    /// The same in Chinese.
    pub zh: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, code, file, line, clause, en, zh } = self;
        write!(f, "{file}:{line}: {}[{code}]", severity.as_str())?;
        if !clause.is_empty() {
            write!(f, " {clause}")?;
        }
        write!(f, ": {en} / {zh}")
    }
}
