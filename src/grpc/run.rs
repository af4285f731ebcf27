//! RunService: runs made, moved, shown, verified.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    access::table::of_move,
    domain::{
        group::Residence,
        life::{Life, Move},
        run::Headcount,
    },
    engine::{
        draft::{BudgetError, Refusal},
        reason::Text,
    },
    service::{
        self, Service, ServiceError,
        run::{RunRefused, RunSpec},
        writer::SubmitError,
    },
    sheets::SheetKind,
};

use super::{
    asker::Asker,
    called::blocking,
    convert::office_file,
    due,
    page::Page,
    read::{
        BadField, area_in, area_opt, areas_of, code_in, month_in, month_opt, named_request_in,
        text_in,
    },
    record::{problems, rows},
    run_message::{drift, line, run_message, state},
    status::{internal, of_service},
    v1::{self, run_service_server::RunService},
};

/// Most headcounts in one run.
pub const HEADCOUNTS_MAX: usize = 100_000;
/// Most characters of a note or a reason.
const TEXT_MAX: usize = 1_000;
/// Most differences told.
const DIFFERENCES_MAX: usize = 1_000;
/// Most persons in one headcount.
const PERSONS_MAX: i64 = 100_000_000;

/// Serves runs.
pub struct Runs(pub Arc<Service>);

fn headcount_in(row: &v1::Headcount) -> Result<Headcount, BadField> {
    let residence = match row.residence() {
        v1::Residence::Urban => Residence::Urban,
        v1::Residence::Rural => Residence::Rural,
        v1::Residence::Unspecified => {
            return Err(BadField::new("residence", "", "urban or rural"));
        }
    };
    let count = |field: &str, value: i64, least: i64| {
        let fits = (least..=PERSONS_MAX).contains(&value);
        let expected = format!("{least} to {PERSONS_MAX}");
        let found = u64::try_from(value).ok().filter(|_| fits);
        found.ok_or_else(|| BadField::new(field, value, &expected))
    };
    Ok(Headcount {
        month: month_in("month", row.month)?,
        area: area_in("area", &row.area)?,
        group: code_in("group", &row.group)?,
        residence,
        persons: count("persons", row.persons, 1)?,
        households: Some(count("households", row.households, 0)?).filter(|count| *count != 0),
    })
}

fn move_in(made: v1::RunMove) -> Result<Move, BadField> {
    Ok(match made {
        v1::RunMove::Submit => Move::Submit,
        v1::RunMove::Approve => Move::Approve,
        v1::RunMove::Reject => Move::Reject,
        v1::RunMove::Release => Move::Release,
        v1::RunMove::Close => Move::Close,
        v1::RunMove::Void => Move::Void,
        v1::RunMove::Settle | v1::RunMove::Unspecified => {
            return Err(BadField::new(
                "made",
                "",
                "submit, approve, reject, release, close or void",
            ));
        }
    })
}

/// Headcounts that cannot be budgeted, as rows of the request; `order` says where each stood in it.
fn refused(error: &ServiceError, order: &[usize]) -> Option<v1::MakeRunResponse> {
    let ServiceError::Submit(SubmitError::Refused(why)) = error else { return None };
    let Some(RunRefused::Budget(BudgetError::Refused(all))) = why.downcast_ref() else {
        return None;
    };
    let problem = |refusal: &Refusal| {
        let row = order.get(refusal.row).copied().unwrap_or(refusal.row);
        let Text { zh, en } = &refusal.text;
        (row, BadField::new(refusal.code, "", &format!("{zh} / {en}")))
    };
    let mut bad: Vec<_> = all.iter().map(problem).collect();
    bad.sort_by_key(|(row, _)| *row);
    let (problems, more_problems) = problems(bad);
    Some(v1::MakeRunResponse { run: None, problems, more_problems })
}

fn made_run(life: &Life, recorded: bool) -> Result<Response<v1::MakeRunResponse>, Status> {
    let mut run = run_message(life)?;
    if !recorded {
        run.id.clear();
    }
    Ok(Response::new(v1::MakeRunResponse { run: Some(run), ..Default::default() }))
}

impl Runs {
    async fn adjust(
        &self,
        request: service::Request,
        asked: v1::MakeRunRequest,
    ) -> Result<Response<v1::MakeRunResponse>, Status> {
        for (field, given) in [
            ("headcounts", !asked.headcounts.is_empty()),
            ("strict", asked.strict),
            ("discretion", asked.discretion),
        ] {
            if given {
                return Err(BadField::new(field, "", "nothing, since adjusts names a run").into());
            }
        }
        let note = text_in("note", &asked.note, TEXT_MAX)?;
        let life = self.0.adjust_run(request, asked.adjusts, note).await;
        made_run(&life.map_err(|error| of_service(&error))?, !asked.validate_only)
    }
}

#[tonic::async_trait]
impl RunService for Runs {
    async fn make_run(
        &self,
        asked: Request<v1::MakeRunRequest>,
    ) -> Result<Response<v1::MakeRunResponse>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let request = named_request_in(&asker, &asked.request_id, asked.validate_only)?;
        if !asked.adjusts.is_empty() {
            asker.run(&self.0, &asked.adjusts)?;
            return self.adjust(request, asked).await;
        }
        if asked.headcounts.is_empty() || HEADCOUNTS_MAX < asked.headcounts.len() {
            let expected = format!("1 to {HEADCOUNTS_MAX} headcounts");
            return Err(BadField::new("headcounts", asked.headcounts.len(), &expected).into());
        }
        asker.inside(&self.0, areas_of(asked.headcounts.iter().map(|row| &row.area)))?;
        let note = text_in("note", &asked.note, TEXT_MAX)?;
        let key = |row: &Headcount| (row.month, row.area, row.group.clone(), row.residence);
        let headcounts = match rows(asked.headcounts.iter().map(headcount_in), key) {
            Ok(headcounts) => headcounts,
            Err(bad) => {
                let (problems, more_problems) = problems(bad);
                let refused = v1::MakeRunResponse { run: None, problems, more_problems };
                return Ok(Response::new(refused));
            }
        };
        let mut order: Vec<usize> = (0..headcounts.len()).collect();
        order.sort_by_key(|at| key(&headcounts[*at]));
        let (strict, discretion) = (asked.strict, asked.discretion);
        let recorded = !asked.validate_only;
        let spec =
            RunSpec { headcounts, strict, discretion, note, roster: None, findings: Vec::new() };
        match self.0.make_run(request, spec).await {
            Ok(life) => made_run(&life, recorded),
            Err(error) => match refused(&error, &order) {
                Some(refused) => Ok(Response::new(refused)),
                None => Err(of_service(&error)),
            },
        }
    }

    async fn get_run(
        &self,
        asked: Request<v1::GetRunRequest>,
    ) -> Result<Response<v1::Run>, Status> {
        let life = Asker::of(asked.extensions())?.run(&self.0, &asked.get_ref().run)?;
        Ok(Response::new(run_message(&life)?))
    }

    async fn list_runs(
        &self,
        asked: Request<v1::ListRunsRequest>,
    ) -> Result<Response<v1::ListRunsResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 100, 500)?;
        let within = area_opt("within", &asked.within)?;
        asker.inside(&self.0, within)?;
        let at = month_opt("month", asked.month)?;
        let ledger = self.0.writer.snapshot();
        let areas = &self.0.reference.data.areas;
        let pays = |life: &Life| {
            life.run.lines.iter().any(|line| {
                within.is_none_or(|above| areas.within(line.payees.area, above))
                    && at.is_none_or(|month| month == line.payees.month)
            })
        };
        let wanted = ledger.runs.newest_first().filter(|life| {
            let fits = state(life.state()) == asked.state();
            (fits || asked.state() == v1::RunState::Unspecified)
                && pays(life)
                && asker.sees_run(&self.0, life)
        });
        let (found, next_page_token) = page.of(wanted);
        let runs = found.into_iter().map(|life| run_message(life)).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListRunsResponse { runs, next_page_token }))
    }

    async fn list_run_lines(
        &self,
        asked: Request<v1::ListRunLinesRequest>,
    ) -> Result<Response<v1::ListRunLinesResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 500, 5_000)?;
        let life = asker.run(&self.0, &asked.run)?;
        let (found, next_page_token) = page.of(life.run.lines.iter());
        let lines = found.into_iter().map(line).collect();
        Ok(Response::new(v1::ListRunLinesResponse { lines, next_page_token }))
    }

    async fn move_run(
        &self,
        asked: Request<v1::MoveRunRequest>,
    ) -> Result<Response<v1::Run>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let request = named_request_in(&asker, &asked.request_id, asked.validate_only)?;
        let reason = text_in("reason", &asked.reason, TEXT_MAX)?;
        let made = move_in(asked.made())?;
        asker.narrowed(made.as_str(), of_move(made))?.run(&self.0, &asked.run)?;
        let life = self.0.move_run(request, asked.run, made, reason).await;
        Ok(Response::new(run_message(&life.map_err(|error| of_service(&error))?)?))
    }

    async fn verify_run(
        &self,
        asked: Request<v1::VerifyRunRequest>,
    ) -> Result<Response<v1::RunVerification>, Status> {
        Asker::of(asked.extensions())?.run(&self.0, &asked.get_ref().run)?;
        let verified = self.0.verify_run(&asked.get_ref().run);
        let mut differences = verified.map_err(|error| of_service(&error))?.differences;
        let equal = differences.is_empty();
        differences.truncate(DIFFERENCES_MAX);
        Ok(Response::new(v1::RunVerification { equal, differences }))
    }

    async fn list_run_drift(
        &self,
        asked: Request<v1::ListRunDriftRequest>,
    ) -> Result<Response<v1::ListRunDriftResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
        let mut all = self.0.drift();
        all.retain(|one| asker.sees(&self.0, one.payees.area));
        let (found, next_page_token) = page.of(all.iter());
        let lines = found.into_iter().map(drift).collect();
        Ok(Response::new(v1::ListRunDriftResponse { lines, next_page_token }))
    }

    async fn list_due_payments(
        &self,
        asked: Request<v1::ListDuePaymentsRequest>,
    ) -> Result<Response<v1::ListDuePaymentsResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        due::list_due_payments(&self.0, &asker, asked.into_inner()).map(Response::new)
    }

    async fn list_missing_runs(
        &self,
        asked: Request<v1::ListMissingRunsRequest>,
    ) -> Result<Response<v1::ListMissingRunsResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        due::list_missing_runs(&self.0, &asker, asked.into_inner()).map(Response::new)
    }

    async fn get_run_receipt(
        &self,
        asked: Request<v1::GetRunReceiptRequest>,
    ) -> Result<Response<v1::RunReceipt>, Status> {
        Asker::of(asked.extensions())?.run(&self.0, &asked.get_ref().run)?;
        let receipt = self.0.receipt(&asked.get_ref().run).map_err(|error| of_service(&error))?;
        Ok(Response::new(v1::RunReceipt { json: receipt.json, sha256: receipt.sha256 }))
    }

    async fn get_run_sheet(
        &self,
        asked: Request<v1::GetRunSheetRequest>,
    ) -> Result<Response<v1::OfficeFile>, Status> {
        Asker::of(asked.extensions())?.run(&self.0, &asked.get_ref().run)?;
        let asked = asked.into_inner();
        let kind = match asked.kind() {
            v1::SheetKind::Computation => SheetKind::Computation,
            v1::SheetKind::Funding => SheetKind::Funding,
            v1::SheetKind::Unspecified => {
                return Err(BadField::new("kind", "", "computation or funding").into());
            }
        };
        let service = self.0.clone();
        // A long run takes a while.
        let written = blocking(move || service.run_sheet(&asked.run, kind)).await;
        let file = written.map_err(|error| internal(&error))?;
        Ok(Response::new(office_file(file.map_err(|error| of_service(&error))?)))
    }
}
