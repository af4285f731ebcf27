//! IndexService and StandardService: recording and listing.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    domain::{area::AreaCode, code::Code, figure::View, month::Month},
    intake::{
        figures::{NewFigure, NewStandard, check_value, plausible_yuan},
        table::PROBLEMS_MAX,
    },
    service::{
        Service,
        record::{Change, Checked, RowOutcome},
    },
};

use super::{
    asker::Asker,
    convert,
    page::Page,
    read::{
        BadField, area_in, area_opt, areas_of, code_in, date_in, decimal_in, instant_in, month_in,
        month_opt, request_in, text_in,
    },
    status::{figure_not_recorded, of_service},
    v1::{self, index_service_server::IndexService, standard_service_server::StandardService},
};

/// Most rows in one batch.
pub const ROWS_MAX: usize = 100_000;

/// Most characters of a source.
const SOURCE_MAX: usize = 200;

/// Serves recording.
pub struct Records(pub Arc<Service>);

fn counted(rows: usize) -> Result<(), BadField> {
    if rows == 0 || ROWS_MAX < rows {
        let expected = format!("1 to {ROWS_MAX} rows");
        return Err(BadField::new("rows", rows, &expected));
    }
    Ok(())
}

pub(super) fn problems(bad: Vec<(usize, BadField)>) -> (Vec<v1::RowProblem>, i32) {
    let more = bad.len().saturating_sub(PROBLEMS_MAX) as i32;
    let shown = bad.into_iter().take(PROBLEMS_MAX);
    let problem = |(row, bad): (usize, BadField)| v1::RowProblem {
        row: row as i64 + 1,
        field: bad.field,
        value: bad.value,
        expected: bad.expected,
    };
    (shown.map(problem).collect(), more)
}

/// Rows read, or every problem; a key may occur once.
pub(super) fn rows<T, K: std::hash::Hash + Eq>(
    read: impl Iterator<Item = Result<T, BadField>>,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, Vec<(usize, BadField)>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut seen = std::collections::HashMap::new();
    for (at, row) in read.enumerate() {
        match row {
            Err(problem) => bad.push((at, problem)),
            Ok(row) => {
                if let Some(first) = seen.insert(key(&row), at) {
                    let expected = format!("each key once; row {} has it as well", first + 1);
                    bad.push((at, BadField::new("row", "", &expected)));
                }
                good.push(row);
            }
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

/// A figure whose names and value were checked.
pub(super) fn figure_in(service: &Service, figure: &v1::Figure) -> Result<NewFigure, BadField> {
    let known = service.reference.known();
    let area = area_in("area", &figure.area)?;
    if known.areas.get(area).is_none() {
        return Err(BadField::new("area", &figure.area, "a listed area"));
    }
    let series = code_in("series", &figure.series)?;
    let Some(unit) = known.series.unit(&series) else {
        return Err(BadField::new("series", &figure.series, "a series of series.toml"));
    };
    let month = month_in("month", figure.month)?;
    let value = decimal_in("value", figure.value.as_ref())?;
    check_value(value, unit).map_err(|expected| BadField::new("value", value, expected))?;
    let released_on = date_in("released_on", &figure.released_on)?;
    if released_on.is_some_and(|day| day < month.first_day()) {
        let expected = "a day not before the index month";
        return Err(BadField::new("released_on", &figure.released_on, expected));
    }
    let source = text_in("source", &figure.source, SOURCE_MAX)?;
    Ok(NewFigure { area, series, month, value, released_on, source })
}

/// Most decisions told one by one before something is recorded.
const CHANGES_MAX: usize = 1_000;

impl Records {
    /// What recording would change.
    fn checked(&self, checked: Checked) -> (Vec<v1::RowOutcome>, Vec<v1::DecisionChange>) {
        let row = |outcome: RowOutcome| {
            let (outcome, recorded) = match outcome {
                RowOutcome::New => ("NEW", None),
                RowOutcome::Revision(value) => ("REVISION", Some(value)),
                RowOutcome::Unchanged(value) => ("UNCHANGED", Some(value)),
            };
            v1::RowOutcome { outcome: outcome.into(), recorded: recorded.map(convert::decimal) }
        };
        let words = self.0.reference.words();
        let change = |change: Change| v1::DecisionChange {
            area_name: words.area(change.after.area),
            before: change.before.as_ref().map(convert::decision),
            after: Some(convert::decision(&change.after)),
        };
        let changes = checked.changes.into_iter().take(CHANGES_MAX).map(change);
        (checked.rows.into_iter().map(row).collect(), changes.collect())
    }

    fn standard_in(&self, standard: &v1::Standard) -> Result<NewStandard, BadField> {
        let known = self.0.reference.known();
        let area = area_in("area", &standard.area)?;
        if known.areas.get(area).is_none() {
            return Err(BadField::new("area", &standard.area, "a listed area"));
        }
        let code = code_in("standard", &standard.standard)?;
        if !known.standards.contains(&code) {
            let expected = "a standard of standards.toml";
            return Err(BadField::new("standard", &standard.standard, expected));
        }
        let valid_from = month_in("valid_from", standard.valid_from)?;
        let yuan = decimal_in("yuan", standard.yuan.as_ref())?;
        if !plausible_yuan(&yuan) {
            return Err(BadField::new("yuan", yuan, "yuan from 0 to 1000000"));
        }
        let headcount = (standard.headcount != 0).then_some(standard.headcount);
        let source = text_in("source", &standard.source, SOURCE_MAX)?;
        Ok(NewStandard { area, standard: code, valid_from, yuan, headcount, source })
    }

    fn key_in(request: &v1::GetFigureRequest) -> Result<(FigureKey, View), BadField> {
        let area = area_in("area", &request.area)?;
        let series = code_in("series", &request.series)?;
        let month = month_in("month", request.month)?;
        let known_at = instant_in("known_at", request.known_at)?;
        Ok(((area, series, month), View { known_at, published_by: None }))
    }
}

type FigureKey = (AreaCode, Code, Month);

#[tonic::async_trait]
impl IndexService for Records {
    async fn record_figures(
        &self,
        asked: Request<v1::RecordFiguresRequest>,
    ) -> Result<Response<v1::RecordFiguresResponse>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let request = request_in(&asker, &asked.request_id, asked.validate_only)?;
        counted(asked.figures.len())?;
        asker.inside(&self.0, areas_of(asked.figures.iter().map(|row| &row.area)))?;
        let read = asked.figures.iter().map(|figure| figure_in(&self.0, figure));
        let rows = match rows(read, |row| (row.area, row.series.clone(), row.month)) {
            Ok(rows) => rows,
            Err(bad) => {
                let (problems, more_problems) = problems(bad);
                let refused =
                    v1::RecordFiguresResponse { problems, more_problems, ..Default::default() };
                return Ok(Response::new(refused));
            }
        };
        let checked = request.validate_only.then(|| self.0.check_figures(&rows));
        let outcome = self.0.record_figures(request, rows).await.map_err(|e| of_service(&e))?;
        let recorded = outcome.recorded;
        let (rows, changes) = checked.map(|checked| self.checked(checked)).unwrap_or_default();
        Ok(Response::new(v1::RecordFiguresResponse {
            sequence: outcome.sequence,
            new_figures: recorded.new as i32,
            revisions: recorded.revisions as i32,
            unchanged: recorded.unchanged as i32,
            decisions: recorded.decisions as i32,
            rows,
            changes,
            ..Default::default()
        }))
    }

    async fn get_figure(
        &self,
        asked: Request<v1::GetFigureRequest>,
    ) -> Result<Response<v1::Figure>, Status> {
        let ((area, series, month), view) = Self::key_in(asked.get_ref())?;
        Asker::of(asked.extensions())?.knows(&self.0, area)?;
        let ledger = self.0.writer.snapshot();
        let found = ledger.figures.get(area, &series, month, &view);
        let name = || figure_not_recorded(&format!("{area}/{series}/{month}"));
        found.map(|figure| Response::new(convert::figure(figure))).ok_or_else(name)
    }

    async fn list_figures(
        &self,
        asked: Request<v1::ListFiguresRequest>,
    ) -> Result<Response<v1::ListFiguresResponse>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
        let area = area_opt("area", &asked.area)?;
        area.map_or(Ok(()), |area| asker.knows(&self.0, area))?;
        let series = match asked.series.as_str() {
            "" => None,
            series => Some(code_in("series", series)?),
        };
        let from = month_opt("from", asked.from)?;
        let until = month_opt("until", asked.until)?;
        let known_at = instant_in("known_at", asked.known_at)?;
        let view = View { known_at, published_by: None };
        let ledger = self.0.writer.snapshot();
        let figures = &ledger.figures;
        let (Some(oldest), Some(newest)) = (figures.oldest(), figures.newest()) else {
            return Ok(Response::new(v1::ListFiguresResponse::default()));
        };
        let (from, until) =
            (from.unwrap_or(oldest).max(oldest), until.unwrap_or(newest).min(newest));
        let wanted =
            |one: &AreaCode| area.map_or_else(|| asker.sees(&self.0, *one), |area| area == *one);
        let areas = figures.areas().into_iter().filter(wanted);
        let keys = areas.flat_map(|area| {
            let all = figures.series_of(area).into_iter();
            let wanted = series.clone();
            let all = all.filter(move |one| wanted.as_ref().is_none_or(|series| series == one));
            all.map(move |series| (area, series))
        });
        let found = keys.flat_map(|(area, series)| {
            let column = figures.column(area, &series);
            let months = from.through(until);
            let found = months.filter_map(|month| column?.get(month, &view));
            found.collect::<Vec<_>>()
        });
        let (found, next_page_token) = page.of(found);
        let figures = found.into_iter().map(convert::figure).collect();
        Ok(Response::new(v1::ListFiguresResponse { figures, next_page_token }))
    }

    async fn list_figure_revisions(
        &self,
        asked: Request<v1::ListFigureRevisionsRequest>,
    ) -> Result<Response<v1::ListFiguresResponse>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let v1::ListFigureRevisionsRequest { area, series, month, known_at } = asked.into_inner();
        let key = v1::GetFigureRequest { area, series, month, known_at };
        let ((area, series, month), view) = Self::key_in(&key)?;
        asker.knows(&self.0, area)?;
        let ledger = self.0.writer.snapshot();
        let column = ledger.figures.column(area, &series);
        let revisions = column.map_or(&[][..], |column| column.revisions(month));
        let seen = revisions.iter().filter(|one| view.knows(one.recorded_at));
        let figures: Vec<_> = seen.map(convert::figure).collect();
        if figures.is_empty() {
            return Err(figure_not_recorded(&format!("{area}/{series}/{month}")));
        }
        let next_page_token = String::new();
        Ok(Response::new(v1::ListFiguresResponse { figures, next_page_token }))
    }
}

#[tonic::async_trait]
impl StandardService for Records {
    async fn record_standards(
        &self,
        asked: Request<v1::RecordStandardsRequest>,
    ) -> Result<Response<v1::RecordStandardsResponse>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let request = request_in(&asker, &asked.request_id, asked.validate_only)?;
        counted(asked.standards.len())?;
        asker.inside(&self.0, areas_of(asked.standards.iter().map(|row| &row.area)))?;
        let read = asked.standards.iter().map(|standard| self.standard_in(standard));
        let rows = match rows(read, |row| (row.area, row.standard.clone(), row.valid_from)) {
            Ok(rows) => rows,
            Err(bad) => {
                let (problems, more_problems) = problems(bad);
                let refused =
                    v1::RecordStandardsResponse { problems, more_problems, ..Default::default() };
                return Ok(Response::new(refused));
            }
        };
        let outcome = self.0.record_standards(request, rows).await.map_err(|e| of_service(&e))?;
        let recorded = outcome.recorded;
        Ok(Response::new(v1::RecordStandardsResponse {
            sequence: outcome.sequence,
            new_standards: recorded.new as i32,
            revisions: recorded.revisions as i32,
            unchanged: recorded.unchanged as i32,
            ..Default::default()
        }))
    }

    async fn list_standards(
        &self,
        asked: Request<v1::ListStandardsRequest>,
    ) -> Result<Response<v1::ListStandardsResponse>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
        let area = area_opt("area", &asked.area)?;
        asker.inside(&self.0, area)?;
        let ledger = self.0.writer.snapshot();
        let all = ledger.standards.all().into_iter();
        let wanted = all.filter(|one| {
            area.is_none_or(|area| area == one.area)
                && asker.sees(&self.0, one.area)
                && (asked.standard.is_empty() || asked.standard == one.standard.as_str())
        });
        let (found, next_page_token) = page.of(wanted);
        let standards = found.into_iter().map(convert::standard).collect();
        Ok(Response::new(v1::ListStandardsResponse { standards, next_page_token }))
    }
}
