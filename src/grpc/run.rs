//! RunService: runs made, moved, shown, verified.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    domain::{
        group::Residence,
        life::{Life, Move, RunEvent, RunState},
        run::{Charge, Headcount, RunFinding, RunLine},
    },
    engine::{
        draft::{BudgetError, Refusal},
        reason::Text,
        sums::by_source,
    },
    service::{
        self, Service, ServiceError,
        recheck::Drift,
        run::{RunRefused, RunSpec},
        writer::SubmitError,
    },
};

use super::{
    convert::{decimal, instant, month, residence},
    due,
    page::Page,
    read::{BadField, area_in, area_opt, code_in, month_in, month_opt, named_request_in, text_in},
    record::{problems, rows},
    status::{of_service, of_timeline},
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
        v1::RunMove::Unspecified => {
            return Err(BadField::new(
                "made",
                "",
                "submit, approve, reject, release, close or void",
            ));
        }
    })
}

fn state(state: RunState) -> v1::RunState {
    match state {
        RunState::Draft => v1::RunState::Draft,
        RunState::Submitted => v1::RunState::Submitted,
        RunState::Approved => v1::RunState::Approved,
        RunState::Released => v1::RunState::Released,
        RunState::Closed => v1::RunState::Closed,
        RunState::Rejected => v1::RunState::Rejected,
        RunState::Voided => v1::RunState::Voided,
    }
}

fn made(made: Move) -> v1::RunMove {
    match made {
        Move::Submit => v1::RunMove::Submit,
        Move::Approve => v1::RunMove::Approve,
        Move::Reject => v1::RunMove::Reject,
        Move::Release => v1::RunMove::Release,
        Move::Close => v1::RunMove::Close,
        Move::Void => v1::RunMove::Void,
    }
}

fn charge(charge: &Charge) -> v1::Charge {
    v1::Charge { source: charge.source.clone(), yuan: Some(decimal(charge.yuan)) }
}

/// How many people are to be paid, as a message.
pub fn headcount(row: &Headcount) -> v1::Headcount {
    v1::Headcount {
        month: Some(month(row.month)),
        area: row.area.to_string(),
        group: row.group.to_string(),
        residence: residence(row.residence).into(),
        persons: row.persons as i64,
        households: row.households.unwrap_or(0) as i64,
    }
}

fn line(line: &RunLine) -> v1::RunLine {
    let (first, last) = line.covers;
    v1::RunLine {
        payees: Some(headcount(&line.payees)),
        covers_from: Some(month(first)),
        covers_until: Some(month(last)),
        basis: line.basis.as_str().to_owned(),
        rate_yuan: Some(decimal(line.rate_yuan)),
        each_further_yuan: line.each_further_yuan.map(decimal),
        yuan: Some(decimal(line.yuan)),
        increment_yuan: Some(decimal(line.increment_yuan)),
        charges: line.charges.iter().map(charge).collect(),
        pay_by: line.pay_by.map(|day| day.to_string()).unwrap_or_default(),
        paid_before_yuan: line.paid_before.map(decimal),
    }
}

fn finding(finding: &RunFinding) -> v1::RunFinding {
    v1::RunFinding {
        weight: finding.weight.as_str().to_owned(),
        code: finding.code.clone(),
        month: Some(month(finding.month)),
        area: finding.area.to_string(),
        group: finding.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        text: Some(v1::Text { zh: finding.zh.clone(), en: finding.en.clone() }),
    }
}

fn run(life: &Life) -> Result<v1::Run, Status> {
    let Life { run, made_at, events } = life;
    let charges = by_source(&run.lines).map_err(|error| of_timeline(&error.into()))?;
    let pins = &run.pins;
    let revisions = |all: &std::collections::BTreeMap<String, u32>| {
        all.iter().map(|(key, revision)| (key.clone(), *revision as i32)).collect()
    };
    let event = |event: &RunEvent| v1::RunEvent {
        made: made(event.made).into(),
        by: event.by.clone(),
        at: Some(instant(event.at)),
        reason: event.reason.clone(),
    };
    Ok(v1::Run {
        id: run.id.clone(),
        state: state(life.state()).into(),
        made_by: run.made_by.clone(),
        made_at: Some(instant(*made_at)),
        note: run.note.clone(),
        approvals_needed: run.approvals_needed as i32,
        lines: run.lines.len() as i32,
        persons: run.lines.iter().map(|line| line.payees.persons as i64).sum(),
        yuan: Some(decimal(run.yuan)),
        charges: charges.iter().map(charge).collect(),
        findings: run.findings.iter().map(finding).collect(),
        events: events.iter().map(event).collect(),
        pins: Some(v1::RunPins {
            known_at: Some(instant(pins.known_at)),
            documents: pins.documents.clone().into_iter().collect(),
            figures: revisions(&pins.figures),
            standards: revisions(&pins.standards),
            headcounts: pins.headcounts.clone(),
            engine: pins.engine.clone(),
            strict: pins.strict,
        }),
        adjusts: run.adjusts.as_ref().map(|adjusts| adjusts.run.clone()).unwrap_or_default(),
        adjusts_after: run.adjusts.as_ref().map(|one| one.after.clone()).unwrap_or_default(),
    })
}

fn drift(drift: &Drift) -> v1::RunDrift {
    let zero = rust_decimal::Decimal::new(0, 2);
    let (then, now) = (drift.then.unwrap_or(zero), drift.now.unwrap_or(zero));
    v1::RunDrift {
        run: drift.run.clone(),
        payees: Some(headcount(&drift.payees)),
        run_yuan: Some(decimal(then)),
        now_yuan: Some(decimal(now)),
        difference_yuan: Some(decimal(now - then)),
        why: drift.why.clone(),
    }
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
    let mut run = run(life)?;
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
        let (metadata, _, asked) = asked.into_parts();
        let request = named_request_in(&metadata, &asked.request_id, asked.validate_only)?;
        if !asked.adjusts.is_empty() {
            return self.adjust(request, asked).await;
        }
        if asked.headcounts.is_empty() || HEADCOUNTS_MAX < asked.headcounts.len() {
            let expected = format!("1 to {HEADCOUNTS_MAX} headcounts");
            return Err(BadField::new("headcounts", asked.headcounts.len(), &expected).into());
        }
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
        let spec = RunSpec { headcounts, strict, discretion, note };
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
        let life = self.0.run(&asked.get_ref().run).map_err(|error| of_service(&error))?;
        Ok(Response::new(run(&life)?))
    }

    async fn list_runs(
        &self,
        asked: Request<v1::ListRunsRequest>,
    ) -> Result<Response<v1::ListRunsResponse>, Status> {
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 100, 500)?;
        let within = area_opt("within", &asked.within)?;
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
            (fits || asked.state() == v1::RunState::Unspecified) && pays(life)
        });
        let (found, next_page_token) = page.of(wanted);
        let runs = found.into_iter().map(|life| run(life)).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListRunsResponse { runs, next_page_token }))
    }

    async fn list_run_lines(
        &self,
        asked: Request<v1::ListRunLinesRequest>,
    ) -> Result<Response<v1::ListRunLinesResponse>, Status> {
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 500, 5_000)?;
        let life = self.0.run(&asked.run).map_err(|error| of_service(&error))?;
        let (found, next_page_token) = page.of(life.run.lines.iter());
        let lines = found.into_iter().map(line).collect();
        Ok(Response::new(v1::ListRunLinesResponse { lines, next_page_token }))
    }

    async fn move_run(
        &self,
        asked: Request<v1::MoveRunRequest>,
    ) -> Result<Response<v1::Run>, Status> {
        let (metadata, _, asked) = asked.into_parts();
        let request = named_request_in(&metadata, &asked.request_id, asked.validate_only)?;
        let reason = text_in("reason", &asked.reason, TEXT_MAX)?;
        let made = move_in(asked.made())?;
        let life = self.0.move_run(request, asked.run, made, reason).await;
        Ok(Response::new(run(&life.map_err(|error| of_service(&error))?)?))
    }

    async fn verify_run(
        &self,
        asked: Request<v1::VerifyRunRequest>,
    ) -> Result<Response<v1::RunVerification>, Status> {
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
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
        let all = self.0.drift();
        let (found, next_page_token) = page.of(all.iter());
        let lines = found.into_iter().map(drift).collect();
        Ok(Response::new(v1::ListRunDriftResponse { lines, next_page_token }))
    }

    async fn list_due_payments(
        &self,
        asked: Request<v1::ListDuePaymentsRequest>,
    ) -> Result<Response<v1::ListDuePaymentsResponse>, Status> {
        due::list_due_payments(&self.0, asked.into_inner()).map(Response::new)
    }

    async fn list_missing_runs(
        &self,
        asked: Request<v1::ListMissingRunsRequest>,
    ) -> Result<Response<v1::ListMissingRunsResponse>, Status> {
        due::list_missing_runs(&self.0, asked.into_inner()).map(Response::new)
    }

    async fn get_run_receipt(
        &self,
        asked: Request<v1::GetRunReceiptRequest>,
    ) -> Result<Response<v1::RunReceipt>, Status> {
        let receipt = self.0.receipt(&asked.get_ref().run).map_err(|error| of_service(&error))?;
        Ok(Response::new(v1::RunReceipt { json: receipt.json, sha256: receipt.sha256 }))
    }
}
