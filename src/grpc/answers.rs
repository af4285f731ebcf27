//! TriggerService and SubsidyService: questions and their answers.

use std::{pin::Pin, sync::Arc};

use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, WatchStream},
};
use tonic::{Code, Request, Response, Status};

use crate::service::{Service, ServiceError, status::Answer};

use super::{
    asker::Asker,
    convert,
    page::Page,
    read::{BadField, area_in, area_opt, depth_in, month_in, month_opt, terms_in},
    replay_read::areas_in,
    status::{of_service, of_timeline, refused, stops},
    v1::{self, subsidy_service_server::SubsidyService, trigger_service_server::TriggerService},
};

/// Messages of a stream waiting for a slow client.
pub(super) const STREAM_WAITING_MAX: usize = 64;

/// Serves questions.
pub struct Answers(pub Arc<Service>);

/// The stream of an answer in parts.
pub(super) type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Answers {
    fn answer(
        &self,
        asker: &Asker,
        area: &str,
        month: Option<v1::YearMonth>,
        asking: Option<v1::Asking>,
        with_amounts: bool,
    ) -> Result<Answer, Status> {
        let area = area_in("area", area)?;
        asker.inside(&self.0, [area])?;
        let month = month_in("month", month)?;
        let terms = terms_in(asking)?;
        let ledger = self.0.writer.snapshot();
        let found = self.0.answer(&ledger, area, month, &terms, with_amounts);
        found.map_err(|error| of_service(&error))
    }
}

#[tonic::async_trait]
impl TriggerService for Answers {
    async fn get_status(
        &self,
        asked: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::Status>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let deep = depth_in(asked.depth)?;
        let answer = self.answer(&asker, &asked.area, asked.month, asked.asking, false)?;
        let words = self.0.reference.words();
        Ok(Response::new(convert::status(&words, &answer.status, deep)))
    }

    async fn get_notice(
        &self,
        asked: Request<v1::GetNoticeRequest>,
    ) -> Result<Response<v1::Notice>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let area = area_in("area", &asked.area)?;
        asker.inside(&self.0, [area])?;
        let month = month_in("month", asked.month)?;
        let terms = terms_in(asked.asking)?;
        if let Some(reform) = terms.reforms.first() {
            let expected = "none: nothing is announced under a reform";
            return Err(BadField::new("asking.reforms", reform.digest(), expected).into());
        }
        let found = self.0.notice(area, month, &terms).map_err(|error| of_service(&error))?;
        Ok(Response::new(convert::notice(found)))
    }

    async fn list_statuses(
        &self,
        asked: Request<v1::ListStatusesRequest>,
    ) -> Result<Response<v1::ListStatusesResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 100, 500)?;
        let deep = depth_in(asked.depth)?;
        let terms = terms_in(asked.asking)?;
        let ledger = self.0.writer.snapshot();
        let month = match month_opt("month", asked.month)?.or(ledger.figures.newest()) {
            Some(month) => month,
            None => return Ok(Response::new(v1::ListStatusesResponse::default())),
        };
        let within = area_opt("within", &asked.within)?.filter(|_| asked.areas.is_empty());
        asker.inside(&self.0, within)?;
        let areas = match within {
            Some(within) => self.0.deciding_areas(&ledger, within, month, &terms),
            None => Ok(areas_in(&asked.areas, "", &self.0.reference.data.areas, &ledger)?),
        };
        let areas = areas.map_err(|error| of_service(&error))?;
        let areas = asker.of_asked(&self.0, !asked.areas.is_empty(), areas)?;
        let (areas, next_page_token) = page.of(areas.into_iter());
        let words = self.0.reference.words();
        let one = |area| {
            let answer = self.0.answer(&ledger, area, month, &terms, false)?;
            Ok(convert::status(&words, &answer.status, deep))
        };
        let statuses: Result<Vec<_>, ServiceError> = areas.into_iter().map(one).collect();
        let statuses = statuses.map_err(|error| of_service(&error))?;
        Ok(Response::new(v1::ListStatusesResponse { statuses, next_page_token }))
    }

    async fn list_decisions(
        &self,
        asked: Request<v1::ListDecisionsRequest>,
    ) -> Result<Response<v1::ListDecisionsResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
        let area = area_in("area", &asked.area)?;
        asker.knows(&self.0, area)?;
        let from = month_opt("from", asked.from)?;
        let until = month_opt("until", asked.until)?;
        let ledger = self.0.writer.snapshot();
        crate::service::status::known(self.0.reference.world(&ledger), area)
            .map_err(|error| of_timeline(&error.into()))?;
        let history = ledger.decisions_of(area).into_iter().flat_map(|months| months.values());
        let wanted = history.flatten().filter(|one| {
            from.is_none_or(|from| from <= one.month)
                && until.is_none_or(|until| one.month <= until)
        });
        let (found, next_page_token) = page.of(wanted);
        let decisions = found.into_iter().map(convert::decision).collect();
        Ok(Response::new(v1::ListDecisionsResponse { decisions, next_page_token }))
    }

    type WatchDecisionsStream = Streamed<v1::Decision>;

    async fn watch_decisions(
        &self,
        asked: Request<v1::WatchDecisionsRequest>,
    ) -> Result<Response<Self::WatchDecisionsStream>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let within = area_opt("within", &asked.get_ref().within)?;
        asker.inside(&self.0, within)?;
        let service = self.0.clone();
        let decisions = BroadcastStream::new(service.writer.watch());
        let wanted = decisions.filter_map(move |decision| match decision {
            // A stream may outlast the rights of whoever opened it.
            Ok(_) if !asker.is_still_known() => Some(Err(asker.no_longer_known())),
            Ok(decision) => {
                let areas = &service.reference.data.areas;
                let inside = within.is_none_or(|above| areas.within(decision.area, above));
                let seen = inside && asker.sees(&service, decision.area);
                seen.then(|| Ok(convert::decision(&decision)))
            }
            Err(lagged) => {
                let message = format!("the client is too slow: {lagged}");
                Some(Err(refused(Code::ResourceExhausted, "WATCH_LAGGED", message)))
            }
        });
        let stopping = WatchStream::new(self.0.stopping.subscribe());
        let stopped = stopping.filter_map(|stopping| stopping.then(|| Err(stops())));
        Ok(Response::new(Box::pin(wanted.merge(stopped))))
    }
}

#[tonic::async_trait]
impl SubsidyService for Answers {
    async fn quote_subsidy(
        &self,
        asked: Request<v1::QuoteSubsidyRequest>,
    ) -> Result<Response<v1::Quote>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let deep = depth_in(asked.depth)?;
        let answer = self.answer(&asker, &asked.area, asked.month, asked.asking, true)?;
        let words = self.0.reference.words();
        let quote = match &answer.quote {
            Some(quote) => convert::quote(&words, &answer.status, quote, deep),
            None => v1::Quote {
                status: Some(convert::status(&words, &answer.status, deep)),
                ..Default::default()
            },
        };
        Ok(Response::new(quote))
    }
}
