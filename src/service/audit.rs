//! Whether the journal on disk is what was recorded.

use crate::journal::{
    JournalError,
    chain::Head,
    file::segments_folder,
    segment::{Walk, list},
};

use super::{Service, ServiceError};

/// What a walk of the journal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// The last entry that was read and is sound.
    pub head: Head,
    /// What is wrong behind it; none when the journal is sound.
    pub broken: Option<String>,
}

impl Service {
    /// Walks the chain on disk to the last entry recorded when it is called. O(bytes of the journal);
    /// blocks.
    ///
    /// # Errors
    /// Nothing is kept on disk, or the folder cannot be listed.
    pub fn verify_journal(&self) -> Result<Walked, ServiceError> {
        let folder = self.folder.as_ref().ok_or(ServiceError::NoStore)?;
        let expected = self.writer.snapshot().head().clone();
        let segments = list(&segments_folder(folder)).map_err(ServiceError::Journal)?;
        let mut head = Head::genesis();
        for entry in Walk::all(segments) {
            match entry {
                Ok(entry) => head = entry.head(),
                Err(error) => return Ok(Walked { head, broken: Some(broken(&error)) }),
            }
            if head.sequence == expected.sequence {
                break;
            }
        }
        let missing = (head != expected).then(|| {
            let Head { sequence, digest } = &expected;
            format!("expected entry {sequence} with the digest {digest} at the end")
        });
        Ok(Walked { head, broken: missing })
    }
}

/// Names the file of the journal, never its folder.
fn broken(error: &JournalError) -> String {
    match error {
        JournalError::Corrupt { segment, line, why } => format!("{segment}, line {line}: {why}"),
        other => other.to_string(),
    }
}
