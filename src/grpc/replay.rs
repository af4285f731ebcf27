//! ReplayService: what analysts ask.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::service::{
    Service,
    replay::{compare::Extent, outlook::AreaOutlook, totals::Heads},
};

use super::{
    answers::{STREAM_WAITING_MAX, Streamed},
    asker::Asker,
    called::blocking,
    convert,
    deadline::deadline_in,
    read::{BadField, Deep, area_in, area_opt, code_in, depth_in, month_in, month_opt, text_in},
    replay_message as message,
    replay_months::Replay,
    replay_read::{axes_in, known_documents, residence_in},
    replay_streams::{Comparison, Moved},
    status::{of_service, of_timeline},
    v1::{self, replay_service_server::ReplayService},
};

/// Most laws in one comparison.
const LAWS_MAX: usize = 8;
/// Most characters of a law's name.
const NAME_MAX: usize = 60;

/// Serves analysts.
pub struct Replays(pub Arc<Service>);

/// Runs on a thread of its own, and sends what comes of it.
fn streamed<T: Send + 'static>(
    run: impl FnOnce(&mpsc::Sender<Result<T, Status>>) + Send + 'static,
) -> Response<Streamed<T>> {
    let (send, receive) = mpsc::channel(STREAM_WAITING_MAX);
    blocking(move || run(&send));
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
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let extent = v1::Extent {
            areas: asked.areas,
            within: asked.within,
            from: asked.from,
            until: asked.until,
            supposed_figures: asked.supposed_figures,
        };
        let with_amounts = asked.with_amounts;
        let (extent, figures) =
            self.extent_in(&asker, Some(extent), Heads::default(), with_amounts)?;
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
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let heads = self.heads_in(&asked.headcounts)?;
        let (extent, figures) = self.extent_in(&asker, asked.extent, heads, asked.with_amounts)?;
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
        let comparison = Comparison { service: self.0.clone(), names, scenes, extent, deadline };
        Ok(streamed(move |send| comparison.run(send)))
    }

    type SweepStream = Streamed<v1::SweepResponse>;

    async fn sweep(
        &self,
        asked: Request<v1::SweepRequest>,
    ) -> Result<Response<Self::SweepStream>, Status> {
        let deadline = deadline_in(asked.metadata().as_ref());
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let heads = self.heads_in(&asked.headcounts)?;
        let (extent, figures) = self.extent_in(&asker, asked.extent, heads, asked.with_amounts)?;
        let scene = self.scene(asked.asking, &figures)?;
        let axes = axes_in(asked.axes)?;
        known_documents(&self.0, std::slice::from_ref(&scene), &extent)?;
        for axis in &axes {
            let mut seen = HashSet::new();
            if let Some(twice) = axis.values.iter().find(|value| !seen.insert(*value)) {
                return Err(BadField::new("axes.values", twice, "each value once").into());
            }
        }
        let service = self.0.clone();
        let moved = Moved { service, scene, axes, extent, figures, deadline };
        Ok(streamed(move |send| moved.run(send)))
    }

    async fn get_outlook(
        &self,
        asked: Request<v1::GetOutlookRequest>,
    ) -> Result<Response<v1::GetOutlookResponse>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let figures = self.figures_in(&asked.supposed_figures)?;
        let scene = self.scene(asked.asking, &figures)?;
        let month = match month_opt("month", asked.month)?.or(scene.ledger.figures.newest()) {
            Some(month) => month,
            None => return Ok(Response::new(v1::GetOutlookResponse::default())),
        };
        let span = (Some(convert::month(month)), Some(convert::month(month)));
        let (mut areas, ..) =
            self.span_in(&asker, &asked.areas, &asked.within, span, &scene.ledger)?;
        if let Some(within) = area_opt("within", &asked.within)? {
            let found = self.0.deciding_areas(&scene.ledger, within, month, &scene.terms);
            areas = found.map_err(|error| of_service(&error))?;
        }
        let service = self.0.clone();
        let found: Result<Vec<AreaOutlook>, _> =
            blocking(move || service.outlook(&scene, &areas, month))
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
        let (_, extensions, asked) = asked.into_parts();
        let area = area_in("area", &asked.area)?;
        Asker::of(&extensions)?.inside(&self.0, [area])?;
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
