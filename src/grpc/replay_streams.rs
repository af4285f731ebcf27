//! Comparisons and sweeps on their way: part by part, with progress, until done, cancelled or out of
//! time.

use std::{sync::Arc, time::Instant};

use tokio::sync::mpsc;
use tonic::Status;

use crate::{
    domain::area::AreaCode,
    engine::timeline::TimelineError,
    intake::figures::NewFigure,
    service::{
        Service,
        replay::{
            compare::{Compared, Extent, compare},
            parallel::in_order,
            sweep::{Axis, Point, Sweep, points},
            totals::LawTotals,
        },
        suppose::Scene,
    },
};

use super::{
    deadline::in_time,
    replay_message as message,
    status::{of_service, of_timeline},
    v1::{self, compare_response, sweep_response},
};

/// What a comparison runs over.
pub(super) struct Comparison {
    pub service: Arc<Service>,
    pub names: Vec<String>,
    pub scenes: Vec<Scene>,
    pub extent: Extent,
    pub deadline: Option<Instant>,
}

type Sender<T> = mpsc::Sender<Result<T, Status>>;

impl Comparison {
    /// Sends what differs, then what each law comes to.
    pub fn run(self, send: &Sender<v1::CompareResponse>) {
        use compare_response::Item;
        // A client that went away ends the work at once.
        let sent = |item| send.blocking_send(Ok(v1::CompareResponse { item: Some(item) })).is_ok();
        match self.parts(&sent) {
            Ok(Some(laws)) => drop(sent(Item::Totals(v1::CompareTotals { laws }))),
            Ok(None) => {}
            Err(error) => drop(send.blocking_send(Err(error))),
        }
    }

    /// The totals; none when a part was not taken.
    fn parts(
        &self,
        sent: &dyn Fn(compare_response::Item) -> bool,
    ) -> Result<Option<Vec<v1::LawTotals>>, Status> {
        use compare_response::Item;
        let words = self.service.reference.words();
        let (mut done, all) = (0, self.extent.areas.len() as i64);
        let mut sums = vec![LawTotals::default(); self.scenes.len()];
        let mut failure = None;
        let blocks = self.extent.blocks();
        let complete = in_order(
            &blocks,
            |block| self.block(block),
            |found| {
                let added = found.and_then(|found| {
                    for (sum, more) in sums.iter_mut().zip(found.totals) {
                        sum.add(more).map_err(|error| of_timeline(&error.into()))?;
                    }
                    Ok(found.months)
                });
                let months = match added {
                    Ok(months) => months,
                    Err(error) => {
                        failure = Some(error);
                        return false;
                    }
                };
                let block = blocks.first().map_or(0, |block| block.len() as i64);
                done = all.min(done + block);
                months.iter().map(|one| Item::Month(message::month(&words, one))).all(sent)
                    && sent(Item::Progress(v1::Progress { done, all }))
            },
        );
        if let Some(error) = failure {
            return Err(error);
        }
        if !complete {
            return Ok(None);
        }
        let laws = self.names.iter().zip(&self.scenes).zip(&sums);
        let laws = laws.map(|((name, scene), totals)| {
            message::totals(&words, name, scene.hypothetical, self.extent.with_sums, totals)
        });
        let laws: Result<_, _> = laws.collect();
        Ok(Some(laws.map_err(|error| of_timeline(&TimelineError::from(error)))?))
    }

    fn block(&self, areas: &[AreaCode]) -> Result<Compared, Status> {
        in_time(self.deadline)?;
        let found = compare(&self.service.reference, &self.scenes, areas, &self.extent);
        found.map_err(|error| of_timeline(&error))
    }
}

/// What a sweep runs over.
pub(super) struct Moved {
    pub service: Arc<Service>,
    pub scene: Scene,
    pub axes: Vec<Axis>,
    pub extent: Extent,
    pub figures: Vec<NewFigure>,
    pub deadline: Option<Instant>,
}

impl Moved {
    /// Sends every point; a path or value that does not fit is told before the work begins.
    pub fn run(self, send: &Sender<v1::SweepResponse>) {
        use sweep_response::Item;
        // A client that went away ends the work at once.
        let sent = |item| send.blocking_send(Ok(v1::SweepResponse { item: Some(item) })).is_ok();
        let failed = |error: Status| drop(send.blocking_send(Err(error)));
        if let Err(error) = self.fitting() {
            return failed(error);
        }
        let sweep = match Sweep::new(&self.service, &self.scene, &self.axes, &self.extent) {
            Ok(sweep) => sweep,
            Err(error) => return failed(of_service(&error)),
        };
        let all = points(&self.axes);
        let mut done = 0;
        in_order(
            &all,
            |point| self.point(&sweep, point),
            |point| match point {
                Ok(point) => {
                    done += 1;
                    let progress = v1::Progress { done, all: all.len() as i64 };
                    sent(Item::Point(point)) && sent(Item::Progress(progress))
                }
                Err(error) => {
                    failed(error);
                    false
                }
            },
        );
    }

    fn point(&self, sweep: &Sweep<'_>, point: &Point) -> Result<v1::SweepPoint, Status> {
        in_time(self.deadline)?;
        let words = self.service.reference.words();
        let totals = sweep.point(point).map_err(|error| of_service(&error))?;
        let told = message::totals(&words, "", true, self.extent.with_sums, &totals);
        let totals = told.map_err(|error| of_timeline(&TimelineError::from(error)))?;
        let at = sweep.scene(point).map_err(|error| of_service(&error))?;
        let reform = at.terms.reforms.last().map_or("", |one| one.digest());
        let values = self.axes.iter().zip(point).map(|(axis, at)| axis.values[*at].clone());
        Ok(v1::SweepPoint {
            values: values.collect(),
            reform_digest: reform.to_owned(),
            totals: Some(totals),
        })
    }

    /// Checks every value of every axis once, as `rules check` does.
    fn fitting(&self) -> Result<(), Status> {
        let nowhere = Extent { areas: Vec::new(), ..self.extent.clone() };
        let sweep = Sweep::new(&self.service, &self.scene, &self.axes, &nowhere);
        let sweep = sweep.map_err(|error| of_service(&error))?;
        for (place, axis) in self.axes.iter().enumerate() {
            for at in 0..axis.values.len() {
                in_time(self.deadline)?;
                let mut point = vec![0; self.axes.len()];
                point[place] = at;
                let found = sweep.scene(&point).map_err(|error| of_service(&error))?;
                let checked = self.service.scene(found.terms, &self.figures);
                checked.map_err(|error| of_service(&error))?;
            }
        }
        Ok(())
    }
}
