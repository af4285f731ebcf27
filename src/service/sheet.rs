//! The papers of runs and of months: everything they show is gathered here, and written by
//! [`crate::sheets`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    domain::{
        area::AreaCode, code::Code, decision::State, figure::View, group::Residence, life::Life,
        month::Month, run::RunLine,
    },
    engine::{
        amount::covered,
        grounds::{Grounds, grounds},
        question::{Applied, Terms},
        timeline::{Timeline, TimelineError},
    },
    journal::entry::sha256_hex,
    rules::{cite::Cite, param::Pick},
    sheets::{
        PinnedDocument, RunPaper, SheetKind, XLSX,
        notice::{DOCX, Given, Notice, NoticeKind, NoticePaper, PaidMonth, notice},
        run_sheet,
    },
};

use super::{Service, ServiceError, status::answer};

/// Why a month has no notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no notice for {area} {month}: {why}")]
pub struct NoNotice {
    /// The area.
    pub area: AreaCode,
    /// The month.
    pub month: Month,
    /// The answer for the month, in English.
    pub why: String,
}

/// A notice with its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeFile {
    /// What it announces, and what is open.
    pub notice: Notice,
    /// The document.
    pub file: OfficeFile,
}

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
        let receipt = self.receipt_of(&life)?;
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

    /// On what each line of a run rests, computed again from what the run pins; none for a line whose
    /// area cannot be told any more. O(areas × months decided + lines × steps).
    ///
    /// # Errors
    /// What the run rests on cannot be read any more.
    pub fn grounds(&self, life: &Life) -> Result<Vec<Option<Grounds>>, ServiceError> {
        let pins = &life.run.pins;
        let view = View { known_at: Some(pins.known_at), published_by: None };
        let terms = Terms { view, strict: pins.strict, ..Terms::default() };
        let ledger = self.writer.snapshot();
        let law = self.law(&ledger, &view)?;
        let world = self.reference.world_under(&ledger, &law);
        let lines = &life.run.lines;
        let last = lines.iter().map(|line| line.payees.month).max();
        let mut timelines: HashMap<AreaCode, Arc<Timeline>> = HashMap::new();
        let mut all = Vec::with_capacity(lines.len());
        let place = |line: &RunLine| (line.payees.month, line.payees.area);
        for lines in lines.chunk_by(|a, b| place(a) == place(b)) {
            let (month, area) = place(&lines[0]);
            let timeline = match timelines.get(&area) {
                Some(known) => known.clone(),
                None => {
                    let last = last.unwrap_or(month);
                    let found = self.timeline(&ledger, area, last, &terms)?;
                    timelines.insert(area, found.clone());
                    found
                }
            };
            let applied = Applied::new(world, area, month, &terms)?.ok();
            for RunLine { payees, .. } in lines {
                let (group, residence) = (&payees.group, payees.residence);
                let found = applied.as_ref().zip(timeline.get(month)).map(|(applied, outcome)| {
                    grounds(applied, &timeline, outcome, &terms, group, residence)
                });
                all.push(found.transpose().map_err(TimelineError::from)?);
            }
        }
        Ok(all)
    }

    /// The notice of a month: that the mechanism starts, goes on or is suspended. The same answer
    /// gives the same bytes. O(months decided + months paid × groups × steps).
    ///
    /// # Errors
    /// [`NoNotice`] where there is nothing to announce or it is announced with another month; the
    /// area or document does not exist, or a figure is out of range.
    pub fn notice(
        &self,
        area: AreaCode,
        month: Month,
        terms: &Terms,
    ) -> Result<NoticeFile, ServiceError> {
        let ledger = self.writer.snapshot();
        let timeline = self.timeline(&ledger, area, month, terms)?;
        let law = self.law_under(&ledger, terms)?;
        let world = self.reference.world_under(&ledger, &law);
        let status = answer(world, &timeline, month, terms, false)?.status;
        let words = self.reference.words();
        let reason = status.reason(&words);
        let outcome = &status.outcome;
        let applied = Applied::new(world, area, month, terms)?.ok();
        let kind = NoticeKind::of(outcome).filter(|_| !status.indicative);
        let (Some(kind), Some(applied)) = (kind, applied) else {
            return Err(NoNotice { area, month, why: reason.en }.into());
        };
        let mut paid = Vec::new();
        if kind != NoticeKind::Suspend {
            let earlier = timeline.outcomes().iter();
            let earlier =
                earlier.filter(|one| one.state == State::BackPaid && one.paid_with == Some(month));
            for month in earlier.map(|one| one.month).chain([month]) {
                if let Ok(applied) = Applied::new(world, area, month, terms)? {
                    paid.push(paid_month(&applied, &timeline, terms)?);
                }
            }
        }
        let context = applied.context_of_payment(&outcome.carried_by);
        let payment = &applied.rules.terms.payment;
        let paper = NoticePaper {
            kind,
            area: applied.area,
            outcome,
            reason,
            documents: &status.documents,
            law_digest: &status.law_digest,
            paid,
            label: cited(payment.label.pick(&context)),
            several_groups: cited(payment.several_groups.pick(&context)),
            words,
        };
        let (notice, content) = notice(&paper)?;
        Ok(NoticeFile { notice, file: OfficeFile::new(content, DOCX) })
    }
}

fn cited<T: Clone>(picked: Pick<'_, T>) -> Option<(T, Cite)> {
    match picked {
        Pick::Set(picked) => Some((picked.value.clone(), picked.cite.clone())),
        _ => None,
    }
}

/// What every covered group is given for a month.
fn paid_month(
    applied: &Applied<'_>,
    timeline: &Timeline,
    terms: &Terms,
) -> Result<PaidMonth, ServiceError> {
    let month = applied.month;
    let mut given = Vec::new();
    if let Some(outcome) = timeline.get(month) {
        for (group, _) in covered(applied) {
            for residence in Residence::ALL {
                let found = grounds(applied, timeline, outcome, terms, &group, residence);
                if let Some((line, funding)) = found.map_err(TimelineError::from)?.rule {
                    given.push(Given { line, funding });
                }
            }
        }
    }
    Ok(PaidMonth { month, given })
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
