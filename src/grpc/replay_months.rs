//! A replay on its way: month by month, until done, cancelled or out of time.

use std::{sync::Arc, time::Instant};

use tokio::sync::mpsc;
use tonic::Status;

use crate::{
    domain::{area::AreaCode, decision::Triggered, month::Month},
    engine::alike::Histories,
    service::{
        Service,
        replay::{compare::BLOCK, parallel::in_order},
        status::answer,
        suppose::Scene,
    },
};

use super::{convert, deadline::in_time, read::Deep, status::of_timeline, v1};

/// Areas worked on together when what each group is owed is told as well, some megabytes an area.
const BLOCK_WITH_AMOUNTS: usize = 2;

/// What a replay runs over.
pub(super) struct Replay {
    pub service: Arc<Service>,
    pub scene: Scene,
    pub areas: Vec<AreaCode>,
    pub from: Month,
    pub until: Month,
    pub with_amounts: bool,
    pub deep: Deep,
    pub deadline: Option<Instant>,
}

impl Replay {
    /// Sends every month until done, cancelled or out of time. O(areas × months).
    pub fn run(self, send: &mpsc::Sender<Result<v1::ReplayResponse, Status>>) {
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
            in_time(self.deadline)?;
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
