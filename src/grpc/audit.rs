//! AuditService: what the journal records, and whether it holds.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    journal::log::{Logged, Subject},
    service::Service,
};

use super::{
    called::blocking,
    convert,
    page::Page,
    read::BadField,
    run_message,
    status::{internal, of_service},
    v1::{self, EntryKind, audit_service_server::AuditService},
};

/// Most documents named for one entry.
const DOCUMENTS_MAX: usize = 200;

/// Serves auditors.
pub struct Audits(pub Arc<Service>);

fn kind(subject: &Subject) -> EntryKind {
    match subject {
        Subject::Figures { .. } => EntryKind::Figures,
        Subject::Standards { .. } => EntryKind::Standards,
        Subject::Law { .. } => EntryKind::Law,
        Subject::MakeRun { .. } => EntryKind::MakeRun,
        Subject::MoveRun { .. } => EntryKind::MoveRun,
    }
}

fn entry(logged: &Logged) -> v1::JournalEntry {
    let mut entry = v1::JournalEntry {
        sequence: logged.sequence,
        recorded_at: Some(convert::instant(logged.recorded_at)),
        principal: logged.principal.clone(),
        request_id: logged.request_id.clone(),
        origin: logged.origin.clone().unwrap_or_default(),
        digest: logged.digest.clone(),
        kind: kind(&logged.subject).into(),
        ..Default::default()
    };
    match &logged.subject {
        Subject::Figures { rows, decisions } | Subject::Standards { rows, decisions } => {
            (entry.rows, entry.decisions) = (*rows as i64, *decisions as i64);
        }
        Subject::Law { documents, decisions } => {
            entry.documents = documents.iter().take(DOCUMENTS_MAX).cloned().collect();
            entry.decisions = *decisions as i64;
        }
        Subject::MakeRun { run } => entry.run = run.clone(),
        Subject::MoveRun { run, made } => {
            (entry.run, entry.made) = (run.clone(), run_message::made(*made).into());
        }
    }
    entry
}

#[tonic::async_trait]
impl AuditService for Audits {
    async fn list_entries(
        &self,
        asked: Request<v1::ListEntriesRequest>,
    ) -> Result<Response<v1::ListEntriesResponse>, Status> {
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 100, 1_000)?;
        let wanted = EntryKind::try_from(asked.kind)
            .map_err(|_| BadField::new("kind", asked.kind, "a kind of entry"))?;
        let (entries, next_page_token) = self.0.log.newest(|log| {
            let found = log.filter(|one| {
                (asked.before == 0 || one.sequence < asked.before)
                    && (asked.principal.is_empty() || one.principal == asked.principal)
                    && (wanted == EntryKind::Unspecified || kind(&one.subject) == wanted)
            });
            page.of(found.map(entry))
        });
        Ok(Response::new(v1::ListEntriesResponse { entries, next_page_token }))
    }

    async fn verify_journal(
        &self,
        _asked: Request<v1::VerifyJournalRequest>,
    ) -> Result<Response<v1::JournalVerification>, Status> {
        let service = self.0.clone();
        let walked = blocking(move || service.verify_journal()).await;
        let walked = walked.map_err(|error| internal(&error))?.map_err(|e| of_service(&e))?;
        let why = walked.broken.map(|why| v1::Text { zh: format!("账本有误:{why}"), en: why });
        Ok(Response::new(v1::JournalVerification {
            sound: why.is_none(),
            entries: walked.head.sequence,
            head: walked.head.digest,
            why,
        }))
    }
}
