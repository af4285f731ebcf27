//! ReplayService: what analysts ask.

use std::{collections::HashSet, sync::Arc, time::Instant};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::{
    domain::{
        area::{AreaCode, Areas},
        decision::Triggered,
        group::Residence,
        month::Month,
    },
    engine::{alike::Histories, question::Terms, timeline::TimelineError},
    intake::figures::NewFigure,
    service::{
        Service,
        replay::{
            compare::{BLOCK, Compared, Extent, compare},
            outlook::AreaOutlook,
            parallel::in_order,
            sweep::{Axis, POINTS_MAX, Sweep, points},
            totals::Heads,
        },
        status::answer,
        suppose::Scene,
    },
    store::ledger::Ledger,
};

use super::{
    answers::{STREAM_WAITING_MAX, Streamed},
    convert,
    deadline::{deadline_in, passed},
    read::{
        BadField, Deep, area_in, area_opt, code_in, depth_in, month_in, month_opt, terms_in,
        text_in,
    },
    record::figure_in,
    replay_message as message,
    status::{of_service, of_timeline},
    v1::{self, replay_service_server::ReplayService},
};

/// Most areas in one replay.
pub const REPLAY_AREAS_MAX: usize = 4_000;
/// Areas worked on together when what each group is owed is told as well, some megabytes an area.
const BLOCK_WITH_AMOUNTS: usize = 2;
/// Most laws in one comparison.
const LAWS_MAX: usize = 8;
/// Most headcounts in one question.
const HEADS_MAX: usize = 100_000;
/// Most supposed figures in one question.
const FIGURES_MAX: usize = 10_000;
/// Most characters of a law's name.
const NAME_MAX: usize = 60;

/// Serves analysts.
pub struct Replays(pub Arc<Service>);

/// The areas asked for: those named, those within one, or every area with an index.
pub(super) fn areas_in(
    areas: &[String],
    within: &str,
    known: &Areas,
    ledger: &Ledger,
) -> Result<Vec<AreaCode>, Status> {
    let within = area_opt("within", within)?;
    if areas.is_empty() {
        return Ok(match within {
            Some(above) if known.get(above).is_none() => {
                return Err(BadField::new("within", above, "a listed area").into());
            }
            Some(above) => known.subtree(above).into_iter().collect(),
            None => ledger.figures.areas(),
        });
    }
    if within.is_some() {
        return Err(BadField::new("within", areas.len(), "either areas or within").into());
    }
    if REPLAY_AREAS_MAX < areas.len() {
        let expected = format!("at most {REPLAY_AREAS_MAX} areas");
        return Err(BadField::new("areas", areas.len(), &expected).into());
    }
    let mut seen = HashSet::new();
    let mut read = Vec::with_capacity(areas.len());
    for area in areas {
        let code = area_in("areas", area)?;
        if !seen.insert(code) {
            return Err(BadField::new("areas", area, "each area once").into());
        }
        read.push(code);
    }
    Ok(read)
}

impl Replays {
    fn figures_in(&self, figures: &[v1::Figure]) -> Result<Vec<NewFigure>, Status> {
        if FIGURES_MAX < figures.len() {
            let expected = format!("at most {FIGURES_MAX} figures");
            return Err(BadField::new("supposed_figures", figures.len(), &expected).into());
        }
        let mut seen = HashSet::new();
        let mut read = Vec::with_capacity(figures.len());
        for figure in figures {
            let figure = figure_in(&self.0, figure)?;
            if !seen.insert((figure.area, figure.series.clone(), figure.month)) {
                let expected = "each area, series and month once";
                return Err(BadField::new("supposed_figures", figure.month, expected).into());
            }
            read.push(figure);
        }
        Ok(read)
    }

    fn scene(&self, asking: Option<v1::Asking>, figures: &[NewFigure]) -> Result<Scene, Status> {
        let terms = terms_in(asking)?;
        self.0.scene(terms, figures).map_err(|error| of_service(&error))
    }

    /// Areas that exist, and months in order.
    fn span_in(
        &self,
        areas: &[String],
        within: &str,
        (from, until): (Option<v1::YearMonth>, Option<v1::YearMonth>),
        ledger: &Ledger,
    ) -> Result<(Vec<AreaCode>, Month, Month), Status> {
        let known = &self.0.reference.data.areas;
        let areas = areas_in(areas, within, known, ledger)?;
        let start = Month::new(2010, 1).ok_or_else(|| Status::internal("2010-01 is a month"))?;
        let from = month_opt("from", from)?.unwrap_or(start);
        let until = month_opt("until", until)?.or(ledger.figures.newest()).unwrap_or(start);
        if until < from {
            let expected = format!("a month not before {from}");
            return Err(BadField::new("until", until, &expected).into());
        }
        let world = self.0.reference.world(ledger);
        for area in &areas {
            let found = crate::service::status::known(world, *area);
            found.map_err(|error| of_timeline(&error.into()))?;
        }
        Ok((areas, from, until))
    }

    fn extent_in(
        &self,
        extent: Option<v1::Extent>,
        heads: Heads,
        with_sums: bool,
    ) -> Result<(Extent, Vec<NewFigure>), Status> {
        let extent = extent.unwrap_or_default();
        let figures = self.figures_in(&extent.supposed_figures)?;
        // Supposed figures may reach beyond what is recorded.
        let supposed = figures.iter().map(|figure| figure.month).max();
        let ledger = self.0.writer.snapshot();
        let until = match extent.until {
            None => supposed.max(ledger.figures.newest()).map(convert::month),
            given => given,
        };
        let span = (extent.from, until);
        let (areas, from, until) = self.span_in(&extent.areas, &extent.within, span, &ledger)?;
        Ok((Extent { areas, from, until, with_sums, heads }, figures))
    }

    fn heads_in(&self, heads: &[v1::AssumedHeadcount]) -> Result<Heads, Status> {
        if HEADS_MAX < heads.len() {
            let expected = format!("at most {HEADS_MAX} headcounts");
            return Err(BadField::new("headcounts", heads.len(), &expected).into());
        }
        let mut read = Heads::default();
        for one in heads {
            let area = area_in("headcounts.area", &one.area)?;
            if self.0.reference.data.areas.get(area).is_none() {
                return Err(BadField::new("headcounts.area", &one.area, "a listed area").into());
            }
            let group = code_in("headcounts.group", &one.group)?;
            if !self.0.reference.data.groups.contains(&group) {
                let expected = "a group of groups.toml";
                return Err(BadField::new("headcounts.group", &one.group, expected).into());
            }
            let residence = residence_in("headcounts.residence", one.residence)?;
            let Ok(persons) = u64::try_from(one.persons) else {
                let expected = "a number of persons";
                return Err(BadField::new("headcounts.persons", one.persons, expected).into());
            };
            if !read.insert(area, group, residence, persons) {
                let expected = "each area, group and residence once";
                return Err(BadField::new("headcounts", &one.area, expected).into());
            }
        }
        Ok(read)
    }
}

fn residence_in(field: &str, residence: i32) -> Result<Residence, BadField> {
    match v1::Residence::try_from(residence) {
        Ok(v1::Residence::Urban) => Ok(Residence::Urban),
        Ok(v1::Residence::Rural) => Ok(Residence::Rural),
        _ => Err(BadField::new(field, residence, "URBAN or RURAL")),
    }
}

/// What a replay runs over.
struct Replay {
    service: Arc<Service>,
    scene: Scene,
    areas: Vec<AreaCode>,
    from: Month,
    until: Month,
    with_amounts: bool,
    deep: Deep,
    deadline: Option<Instant>,
}

impl Replay {
    /// Sends every month until done, cancelled or out of time. O(areas × months).
    fn run(self, send: &mpsc::Sender<Result<v1::ReplayResponse, Status>>) {
        let mut totals = v1::ReplayTotals::default();
        let mut sent = |(triggered, month): (Triggered, v1::ReplayMonth)| {
            totals.months += 1;
            totals.triggered += i64::from(triggered == Triggered::Yes);
            totals.undecidable += i64::from(triggered == Triggered::Undecidable);
            let item = Some(v1::replay_response::Item::Month(month));
            // A client that went away ends the work at once.
            send.blocking_send(Ok(v1::ReplayResponse { item })).is_ok()
        };
        // The first area goes out month by month, so that the first month is on its way at once.
        let (first, rest) = self.areas.split_at(self.areas.len().min(1));
        let begun = self.block(first, &mut sent);
        let mut complete = begun.is_ok();
        let mut failure = begun.err().flatten();
        if complete {
            let block = if self.with_amounts { BLOCK_WITH_AMOUNTS } else { BLOCK };
            let blocks: Vec<_> = rest.chunks(block).collect();
            let work = |block: &&[AreaCode]| {
                let mut found = Vec::new();
                self.block(block, |month| {
                    found.push(month);
                    true
                })
                .map(|()| found)
            };
            complete = in_order(&blocks, work, |found| match found {
                Ok(months) => months.into_iter().all(&mut sent),
                Err(error) => {
                    failure = error;
                    false
                }
            });
        }
        if let Some(error) = failure {
            let _ = send.blocking_send(Err(error));
        } else if complete {
            let item = Some(v1::replay_response::Item::Totals(totals));
            let _ = send.blocking_send(Ok(v1::ReplayResponse { item }));
        }
    }

    /// Works out the months of some areas; refused when one is not taken, without an error, or when
    /// one cannot be worked out.
    fn block(
        &self,
        areas: &[AreaCode],
        mut take: impl FnMut((Triggered, v1::ReplayMonth)) -> bool,
    ) -> Result<(), Option<Status>> {
        let world = self.scene.world(&self.service.reference);
        let terms = &self.scene.terms;
        let newest = world.figures.newest_seen(&terms.view).unwrap_or(self.until);
        let mut histories = Histories::new(world, terms, self.until.max(newest));
        let words = self.service.reference.words();
        for area in areas {
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(Some(passed()));
            }
            let (_, timeline) = histories.of(*area).map_err(|error| of_timeline(&error))?;
            for month in self.from.through(self.until) {
                let answer = answer(world, timeline, month, terms, self.with_amounts);
                let answer = answer.map_err(|error| of_timeline(&error))?;
                let lines = answer.quote.iter().flat_map(|quote| &quote.lines);
                let mut status = convert::status(&words, &answer.status, self.deep);
                status.hypothetical = self.scene.hypothetical;
                if let Some(reason) = status.reason.as_mut().filter(|_| self.scene.supposed_figures)
                {
                    reason.zh.push_str("(含假设的数据,不得据以发放)");
                    reason.en.push_str(" (with supposed figures; nothing may be paid by it)");
                }
                let lines = lines.map(|line| convert::line(&words, line, self.deep)).collect();
                let month = v1::ReplayMonth { lines, status: Some(status) };
                if !take((answer.status.outcome.triggered, month)) {
                    return Err(None);
                }
            }
        }
        Ok(())
    }
}

/// Runs on a thread of its own, and sends what comes of it.
fn streamed<T: Send + 'static>(
    run: impl FnOnce(&mpsc::Sender<Result<T, Status>>) + Send + 'static,
) -> Response<Streamed<T>> {
    let (send, receive) = mpsc::channel(STREAM_WAITING_MAX);
    tokio::task::spawn_blocking(move || run(&send));
    Response::new(Box::pin(ReceiverStream::new(receive)))
}

#[tonic::async_trait]
impl ReplayService for Replays {
    type ReplayStream = Streamed<v1::ReplayResponse>;

    async fn replay(
        &self,
        asked: Request<v1::ReplayRequest>,
    ) -> Result<Response<Self::ReplayStream>, Status> {
        let deadline = deadline_in(asked.metadata().as_ref());
        let asked = asked.into_inner();
        let extent = v1::Extent {
            areas: asked.areas,
            within: asked.within,
            from: asked.from,
            until: asked.until,
            supposed_figures: asked.supposed_figures,
        };
        let with_amounts = asked.with_amounts;
        let (extent, figures) = self.extent_in(Some(extent), Heads::default(), with_amounts)?;
        let Extent { areas, from, until, .. } = extent;
        let scene = self.scene(asked.asking, &figures)?;
        let (service, deep) = (self.0.clone(), depth_in(asked.depth)?);
        let replay = Replay { service, scene, areas, from, until, with_amounts, deep, deadline };
        Ok(streamed(move |send| replay.run(send)))
    }

    type CompareStream = Streamed<v1::CompareResponse>;

    async fn compare(
        &self,
        asked: Request<v1::CompareRequest>,
    ) -> Result<Response<Self::CompareStream>, Status> {
        let deadline = deadline_in(asked.metadata().as_ref());
        let asked = asked.into_inner();
        let heads = self.heads_in(&asked.headcounts)?;
        let (extent, figures) = self.extent_in(asked.extent, heads, asked.with_amounts)?;
        if !(2..=LAWS_MAX).contains(&asked.laws.len()) {
            let expected = format!("2 to {LAWS_MAX} laws");
            return Err(BadField::new("laws", asked.laws.len(), &expected).into());
        }
        let (mut names, mut scenes) = (Vec::new(), Vec::new());
        for law in asked.laws {
            let name = text_in("laws.name", &law.name, NAME_MAX)?;
            if names.contains(&name) {
                return Err(BadField::new("laws.name", name, "each name once").into());
            }
            names.push(name);
            scenes.push(self.scene(law.asking, &figures)?);
        }
        known_documents(&self.0, &scenes, &extent)?;
        let service = self.0.clone();
        Ok(streamed(move |send| {
            use v1::compare_response::Item;
            let reference = &service.reference;
            let words = reference.words();
            let blocks = extent.blocks();
            let (mut done, all) = (0, extent.areas.len() as i64);
            let mut sums = Compared::default().totals;
            let sent =
                |item| send.blocking_send(Ok(v1::CompareResponse { item: Some(item) })).is_ok();
            let failed = |error: Status| drop(send.blocking_send(Err(error)));
            let work = |block: &&[AreaCode]| match deadline {
                Some(deadline) if deadline <= Instant::now() => Err(passed()),
                _ => {
                    let found = compare(reference, &scenes, block, &extent);
                    found.map(|found| (found, block.len())).map_err(|error| of_timeline(&error))
                }
            };
            let complete = in_order(&blocks, work, |found| {
                let (found, areas) = match found {
                    Ok(found) => found,
                    Err(error) => {
                        failed(error);
                        return false;
                    }
                };
                done += areas as i64;
                if sums.is_empty() {
                    sums = found.totals;
                } else {
                    for (sum, more) in sums.iter_mut().zip(found.totals) {
                        if let Err(error) = sum.add(more) {
                            failed(of_timeline(&error.into()));
                            return false;
                        }
                    }
                }
                let months = found.months.iter();
                months.map(|one| Item::Month(message::month(&words, one))).all(sent)
                    && sent(Item::Progress(v1::Progress { done, all }))
            });
            if complete {
                let laws = names.iter().zip(&scenes).zip(&sums);
                let laws = laws.map(|((name, scene), totals)| {
                    message::totals(&words, name, scene.hypothetical, extent.with_sums, totals)
                });
                match laws.collect() {
                    Ok(laws) => drop(sent(Item::Totals(v1::CompareTotals { laws }))),
                    Err(error) => failed(of_timeline(&TimelineError::from(error))),
                }
            }
        }))
    }

    type SweepStream = Streamed<v1::SweepResponse>;

    async fn sweep(
        &self,
        asked: Request<v1::SweepRequest>,
    ) -> Result<Response<Self::SweepStream>, Status> {
        let deadline = deadline_in(asked.metadata().as_ref());
        let asked = asked.into_inner();
        let heads = self.heads_in(&asked.headcounts)?;
        let (extent, figures) = self.extent_in(asked.extent, heads, asked.with_amounts)?;
        let scene = self.scene(asked.asking, &figures)?;
        let axes = axes_in(asked.axes)?;
        known_documents(&self.0, std::slice::from_ref(&scene), &extent)?;
        let all = points(&axes);
        for axis in &axes {
            let mut seen = HashSet::new();
            if let Some(twice) = axis.values.iter().find(|value| !seen.insert(*value)) {
                return Err(BadField::new("axes.values", twice, "each value once").into());
            }
        }
        let service = self.0.clone();
        Ok(streamed(move |send| {
            use v1::sweep_response::Item;
            let words = service.reference.words();
            let sent =
                |item| send.blocking_send(Ok(v1::SweepResponse { item: Some(item) })).is_ok();
            let failed = |error: Status| drop(send.blocking_send(Err(error)));
            // A path or value that does not fit is told before the work begins.
            if let Err(error) = fitting(&service, &scene, &axes, &extent, &figures, deadline) {
                return failed(error);
            }
            let sweep = match Sweep::new(&service, &scene, &axes, &extent) {
                Ok(sweep) => sweep,
                Err(error) => return failed(of_service(&error)),
            };
            let work = |point: &Vec<usize>| match deadline {
                Some(deadline) if deadline <= Instant::now() => Err(passed()),
                _ => {
                    let totals = sweep.point(point).map_err(|error| of_service(&error))?;
                    let told = message::totals(&words, "", true, extent.with_sums, &totals);
                    let totals = told.map_err(|error| of_timeline(&TimelineError::from(error)))?;
                    let at = sweep.scene(point).map_err(|error| of_service(&error))?;
                    let reform = at.terms.reforms.last().map_or("", |one| one.digest());
                    let values = axes.iter().zip(point).map(|(axis, at)| axis.values[*at].clone());
                    Ok(v1::SweepPoint {
                        values: values.collect(),
                        reform_digest: reform.to_owned(),
                        totals: Some(totals),
                    })
                }
            };
            let mut done = 0;
            in_order(&all, work, |point| match point {
                Ok(point) => {
                    done += 1;
                    let progress = v1::Progress { done, all: all.len() as i64 };
                    sent(Item::Point(point)) && sent(Item::Progress(progress))
                }
                Err(error) => {
                    failed(error);
                    false
                }
            });
        }))
    }

    async fn get_outlook(
        &self,
        asked: Request<v1::GetOutlookRequest>,
    ) -> Result<Response<v1::GetOutlookResponse>, Status> {
        let asked = asked.into_inner();
        let figures = self.figures_in(&asked.supposed_figures)?;
        let scene = self.scene(asked.asking, &figures)?;
        let month = match month_opt("month", asked.month)?.or(scene.ledger.figures.newest()) {
            Some(month) => month,
            None => return Ok(Response::new(v1::GetOutlookResponse::default())),
        };
        let span = (Some(convert::month(month)), Some(convert::month(month)));
        let (mut areas, ..) = self.span_in(&asked.areas, &asked.within, span, &scene.ledger)?;
        if let Some(within) = area_opt("within", &asked.within)? {
            let found = self.0.deciding_areas(&scene.ledger, within, month, &scene.terms);
            areas = found.map_err(|error| of_service(&error))?;
        }
        let service = self.0.clone();
        let found: Result<Vec<AreaOutlook>, _> =
            tokio::task::spawn_blocking(move || service.outlook(&scene, &areas, month))
                .await
                .map_err(|error| super::status::internal(&error))?;
        let found = found.map_err(|error| of_timeline(&error))?;
        let words = self.0.reference.words();
        let areas = found.iter().map(|one| message::outlook(&words, one)).collect();
        let month = Some(convert::month(month));
        Ok(Response::new(v1::GetOutlookResponse { month, areas }))
    }

    async fn explain_difference(
        &self,
        asked: Request<v1::ExplainDifferenceRequest>,
    ) -> Result<Response<v1::ExplainDifferenceResponse>, Status> {
        let asked = asked.into_inner();
        let area = area_in("area", &asked.area)?;
        let month = month_in("month", asked.month)?;
        let group = match asked.group.is_empty() {
            true => None,
            false => {
                let residence = residence_in("residence", asked.residence)?;
                let group = code_in("group", &asked.group)?;
                if !self.0.reference.data.groups.contains(&group) {
                    let expected = "a group of groups.toml";
                    return Err(BadField::new("group", &asked.group, expected).into());
                }
                Some((group, residence))
            }
        };
        let scenes = [self.scene(asked.first, &[])?, self.scene(asked.second, &[])?];
        let group = group.as_ref().map(|(group, residence)| (group, *residence));
        let found = self.0.explain_difference(&scenes, area, month, group);
        let found = found.map_err(|error| of_timeline(&error))?;
        let words = self.0.reference.words();
        let [first, second] =
            found.answers.each_ref().map(|one| convert::status(&words, &one.status, Deep::Steps));
        let differences = found.differences.into_iter().map(|one| v1::DerivationDifference {
            step: one.step,
            first: one.first.map(convert::text),
            second: one.second.map(convert::text),
        });
        Ok(Response::new(v1::ExplainDifferenceResponse {
            first: Some(first),
            second: Some(second),
            differences: differences.collect(),
        }))
    }
}

fn axes_in(axes: Vec<v1::SweepAxis>) -> Result<Vec<Axis>, BadField> {
    if !(1..=2).contains(&axes.len()) {
        return Err(BadField::new("axes", axes.len(), "one or two axes"));
    }
    if axes.len() == 2 && axes[0].path == axes[1].path {
        return Err(BadField::new("axes.path", &axes[1].path, "each parameter once"));
    }
    let points = axes.iter().map(|axis| axis.values.len()).try_fold(1_usize, usize::checked_mul);
    if !points.is_some_and(|points| (1..=POINTS_MAX).contains(&points)) {
        let expected = format!("1 to {POINTS_MAX} points in all");
        return Err(BadField::new("axes.values", "", &expected));
    }
    let simple = |path: &str| {
        path.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b))
    };
    if let Some(axis) = axes.iter().find(|axis| !simple(&axis.path)) {
        let expected = "a parameter such as trigger.conditions.cpi.threshold";
        return Err(BadField::new("axes.path", &axis.path, expected));
    }
    Ok(axes.into_iter().map(|axis| Axis { path: axis.path, values: axis.values }).collect())
}

/// Checks every value of every axis once, as `rules check` does.
fn fitting(
    service: &Service,
    scene: &Scene,
    axes: &[Axis],
    extent: &Extent,
    figures: &[NewFigure],
    deadline: Option<Instant>,
) -> Result<(), Status> {
    let nowhere = Extent { areas: Vec::new(), ..extent.clone() };
    let sweep = Sweep::new(service, scene, axes, &nowhere).map_err(|error| of_service(&error))?;
    for (place, axis) in axes.iter().enumerate() {
        for at in 0..axis.values.len() {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(passed());
            }
            let mut point = vec![0; axes.len()];
            point[place] = at;
            let found = sweep.scene(&point).map_err(|error| of_service(&error))?;
            service.scene(found.terms, figures).map_err(|error| of_service(&error))?;
        }
    }
    Ok(())
}

/// A document that does not exist is told before the work begins.
fn known_documents(service: &Service, scenes: &[Scene], extent: &Extent) -> Result<(), Status> {
    let Some(area) = extent.areas.first() else { return Ok(()) };
    for scene in scenes {
        let Terms { law, strict, .. } = &scene.terms;
        let areas = &service.reference.data.areas;
        let found = scene.law.rules(areas, *area, extent.from, law, *strict);
        found.map_err(|error| of_timeline(&TimelineError::Question(error.into())))?;
    }
    Ok(())
}
