//! TriggerService, SubsidyService and ReplayService: questions and their answers.

use std::{pin::Pin, sync::Arc, time::Instant};

use tokio::sync::mpsc;
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, ReceiverStream},
};
use tonic::{Code, Request, Response, Status};

use crate::{
    domain::{area::AreaCode, decision::Triggered, month::Month},
    engine::{question::Terms, timeline::Timeline},
    service::{Service, ServiceError, status::Answer},
    store::ledger::Ledger,
};

use super::{
    convert,
    deadline::{deadline_in, passed},
    page::Page,
    read::{BadField, Deep, area_in, area_opt, depth_in, month_in, month_opt, terms_in},
    status::{of_service, of_timeline, refused},
    v1::{
        self, replay_service_server::ReplayService, subsidy_service_server::SubsidyService,
        trigger_service_server::TriggerService,
    },
};

/// Most areas in one replay.
pub const REPLAY_AREAS_MAX: usize = 4_000;
/// Messages of a stream waiting for a slow client.
pub(super) const STREAM_WAITING_MAX: usize = 64;

/// Serves questions.
pub struct Answers(pub Arc<Service>);

/// The stream of an answer in parts.
pub(super) type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Answers {
    fn answer(
        &self,
        area: &str,
        month: Option<v1::YearMonth>,
        asking: Option<v1::Asking>,
        with_amounts: bool,
    ) -> Result<Answer, Status> {
        let area = area_in("area", area)?;
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
        let asked = asked.into_inner();
        let deep = depth_in(asked.depth)?;
        let answer = self.answer(&asked.area, asked.month, asked.asking, false)?;
        let words = self.0.reference.words();
        Ok(Response::new(convert::status(&words, &answer.status, deep)))
    }

    async fn get_notice(
        &self,
        asked: Request<v1::GetNoticeRequest>,
    ) -> Result<Response<v1::Notice>, Status> {
        let asked = asked.into_inner();
        let area = area_in("area", &asked.area)?;
        let month = month_in("month", asked.month)?;
        let terms = terms_in(asked.asking)?;
        let found = self.0.notice(area, month, &terms).map_err(|error| of_service(&error))?;
        Ok(Response::new(convert::notice(found)))
    }

    async fn list_statuses(
        &self,
        asked: Request<v1::ListStatusesRequest>,
    ) -> Result<Response<v1::ListStatusesResponse>, Status> {
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
        let areas = match within {
            Some(within) => self.0.deciding_areas(&ledger, within, month, &terms),
            None => Ok(areas_in(&asked.areas, &ledger)?),
        };
        let areas = areas.map_err(|error| of_service(&error))?;
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
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
        let area = area_in("area", &asked.area)?;
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
        let within = area_opt("within", &asked.get_ref().within)?;
        let service = self.0.clone();
        let decisions = BroadcastStream::new(service.writer.watch());
        let wanted = decisions.filter_map(move |decision| match decision {
            Ok(decision) => {
                let areas = &service.reference.data.areas;
                let inside = within.is_none_or(|above| areas.within(decision.area, above));
                inside.then(|| Ok(convert::decision(&decision)))
            }
            Err(lagged) => {
                let message = format!("the client is too slow: {lagged}");
                Some(Err(refused(Code::ResourceExhausted, "WATCH_LAGGED", message)))
            }
        });
        Ok(Response::new(Box::pin(wanted)))
    }
}

fn areas_in(areas: &[String], ledger: &Ledger) -> Result<Vec<AreaCode>, Status> {
    if areas.is_empty() {
        return Ok(ledger.figures.areas());
    }
    if REPLAY_AREAS_MAX < areas.len() {
        let expected = format!("at most {REPLAY_AREAS_MAX} areas");
        return Err(BadField::new("areas", areas.len(), &expected).into());
    }
    let read = areas.iter().map(|area| area_in("areas", area));
    Ok(read.collect::<Result<_, _>>()?)
}

#[tonic::async_trait]
impl SubsidyService for Answers {
    async fn quote_subsidy(
        &self,
        asked: Request<v1::QuoteSubsidyRequest>,
    ) -> Result<Response<v1::Quote>, Status> {
        let asked = asked.into_inner();
        let deep = depth_in(asked.depth)?;
        let answer = self.answer(&asked.area, asked.month, asked.asking, true)?;
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

/// What a replay runs over.
struct Replay {
    service: Arc<Service>,
    areas: Vec<AreaCode>,
    from: Month,
    until: Month,
    terms: Terms,
    with_amounts: bool,
    deep: Deep,
    deadline: Option<Instant>,
}

impl Replay {
    /// Sends every month until done, cancelled or out of time. O(areas × months).
    fn run(self, send: &mpsc::Sender<Result<v1::ReplayResponse, Status>>) {
        let ledger = self.service.writer.snapshot();
        let mut totals = v1::ReplayTotals::default();
        for area in &self.areas {
            // One timeline serves every month of the area: asked through the last month.
            let timeline = self.service.timeline(&ledger, *area, self.until, &self.terms);
            let timeline = match timeline.map_err(|error| of_service(&error)) {
                Ok(timeline) => timeline,
                Err(status) => return drop(send.blocking_send(Err(status))),
            };
            for month in self.from.through(self.until) {
                let item = self.month(&ledger, &timeline, month, &mut totals);
                let failed = item.is_err();
                // A client that went away ends the work at once.
                if send.blocking_send(item).is_err() || failed {
                    return;
                }
            }
        }
        let item = Some(v1::replay_response::Item::Totals(totals));
        let _ = send.blocking_send(Ok(v1::ReplayResponse { item }));
    }

    fn month(
        &self,
        ledger: &Ledger,
        timeline: &Timeline,
        month: Month,
        totals: &mut v1::ReplayTotals,
    ) -> Result<v1::ReplayResponse, Status> {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(passed());
        }
        let law = self.service.law(ledger, &self.terms.view).map_err(|error| of_service(&error))?;
        let world = self.service.reference.world_under(ledger, &law);
        let answer =
            crate::service::status::answer(world, timeline, month, &self.terms, self.with_amounts);
        let answer = answer.map_err(|error| of_timeline(&error))?;
        totals.months += 1;
        match answer.status.outcome.triggered {
            Triggered::Yes => totals.triggered += 1,
            Triggered::Undecidable => totals.undecidable += 1,
            Triggered::No => {}
        }
        let words = self.service.reference.words();
        let lines = answer.quote.iter().flat_map(|quote| &quote.lines);
        let month = v1::ReplayMonth {
            lines: lines.map(|line| convert::line(&words, line, self.deep)).collect(),
            status: Some(convert::status(&words, &answer.status, self.deep)),
        };
        Ok(v1::ReplayResponse { item: Some(v1::replay_response::Item::Month(month)) })
    }
}

#[tonic::async_trait]
impl ReplayService for Answers {
    type ReplayStream = Streamed<v1::ReplayResponse>;

    async fn replay(
        &self,
        asked: Request<v1::ReplayRequest>,
    ) -> Result<Response<Self::ReplayStream>, Status> {
        let deadline = deadline_in(asked.metadata().as_ref());
        let asked = asked.into_inner();
        let ledger = self.0.writer.snapshot();
        let from = month_opt("from", asked.from)?;
        let until = month_opt("until", asked.until)?;
        let start = Month::new(2010, 1).ok_or_else(|| Status::internal("2010-01 is a month"))?;
        let replay = Replay {
            service: self.0.clone(),
            areas: areas_in(&asked.areas, &ledger)?,
            from: from.unwrap_or(start),
            until: until.or(ledger.figures.newest()).unwrap_or(start),
            terms: terms_in(asked.asking)?,
            with_amounts: asked.with_amounts,
            deep: depth_in(asked.depth)?,
            deadline,
        };
        if replay.until < replay.from {
            let expected = format!("a month not before {}", replay.from);
            return Err(BadField::new("until", replay.until, &expected).into());
        }
        let world = self.0.reference.world(&ledger);
        for area in &replay.areas {
            crate::service::status::known(world, *area)
                .map_err(|error| of_timeline(&error.into()))?;
        }
        let (send, receive) = mpsc::channel(STREAM_WAITING_MAX);
        tokio::task::spawn_blocking(move || replay.run(&send));
        Ok(Response::new(Box::pin(ReceiverStream::new(receive))))
    }
}
