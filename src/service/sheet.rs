//! The papers of runs and of months: everything they show is gathered here, and written by
//! [`crate::sheets`].

use std::collections::BTreeMap;

use crate::{
    domain::{area::AreaCode, code::Code, figure::View, month::Month},
    journal::entry::sha256_hex,
    sheets::{PinnedDocument, RunPaper, SheetKind, XLSX, run_sheet},
};

use super::{Service, ServiceError};

/// A file for an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeFile {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
    /// SHA-256 of the bytes, in lower-case hex.
    pub sha256: String,
}

impl OfficeFile {
    fn new(content: Vec<u8>, content_type: &'static str) -> Self {
        let sha256 = sha256_hex(&content);
        Self { content, content_type, sha256 }
    }
}

impl Service {
    /// The spreadsheet of a run: the same bytes for the same run in the same state.
    /// O(areas × months decided + lines × steps).
    ///
    /// # Errors
    /// No run has this id, what it rests on cannot be read any more, or a sum does not fit into a
    /// spreadsheet.
    pub fn run_sheet(&self, id: &str, kind: SheetKind) -> Result<OfficeFile, ServiceError> {
        let life = self.run(id)?;
        let grounds = self.grounds(&life)?;
        let receipt = self.receipt_over(&life, &grounds)?;
        let (ledger, pins) = (self.writer.snapshot(), &life.run.pins);
        let view = View { known_at: Some(pins.known_at), published_by: None };
        let law = self.law(&ledger, &view)?;
        let document = |(id, digest): (&String, &String)| PinnedDocument {
            id: id.clone(),
            head: law.get(id).ok().map(|document| document.head.clone()),
            digest: digest.clone(),
        };
        let figures = pinned(&pins.figures).filter_map(|((area, month, series), revision)| {
            let revisions = ledger.figures.column(area, &series)?.revisions(month);
            revisions.iter().find(|figure| figure.revision == revision)
        });
        let standards = pinned(&pins.standards).filter_map(|((area, month, code), revision)| {
            let revisions = ledger.standards.revisions(area, &code, month);
            revisions.iter().find(|standard| standard.revision == revision)
        });
        let paper = RunPaper {
            life: &life,
            grounds: &grounds,
            receipt: &receipt.sha256,
            documents: pins.documents.iter().map(document).collect(),
            figures: figures.collect(),
            standards: standards.collect(),
            words: self.reference.words(),
        };
        Ok(OfficeFile::new(run_sheet(&paper, kind)?, XLSX))
    }
}

/// The facts that pins of the form `area/month/code` name, with their revisions.
fn pinned(pins: &BTreeMap<String, u32>) -> impl Iterator<Item = ((AreaCode, Month, Code), u32)> {
    pins.iter().filter_map(|(key, revision)| {
        let mut parts = key.splitn(3, '/');
        let area = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let code = parts.next()?.parse().ok()?;
        Some(((area, month, code), *revision))
    })
}
