//! Why a roster cannot be worked through.

/// Why a roster cannot be worked through. None of it carries a person's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The header is not that of a roster.
    #[error("the header: {found:?}: expected {expected}")]
    Header {
        /// What is there; empty when something is missing.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// From this line on the file cannot be read.
    #[error("line {line}: expected {expected}")]
    Line {
        /// The line, from 1; the header is line 1.
        line: u64,
        /// What was expected.
        expected: String,
    },
    /// The file is no such file.
    #[error("it does not read as {format}: {why}")]
    Format {
        /// The format.
        format: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The operating system refused.
    #[error("cannot {action}: {why}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// What it said.
        why: String,
    },
    /// Somebody cancelled it.
    #[error("cancelled; nothing was kept")]
    Cancelled,
    /// A sum leaves the range of whole fen.
    #[error("the sum of all lines leaves the range of exact arithmetic")]
    Range,
}

impl RosterError {
    pub(super) fn header(found: &str, expected: impl Into<String>) -> Self {
        let found = found.chars().take(60).collect();
        Self::Header { found, expected: expected.into() }
    }

    pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Io { action, why: error.kind().to_string() }
    }
}
