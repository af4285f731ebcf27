//! What analysts ask, read and checked.

use std::collections::HashSet;

use tonic::Status;

use crate::{
    domain::{
        area::{AreaCode, Areas},
        group::Residence,
        month::Month,
    },
    engine::{question::Terms, timeline::TimelineError},
    intake::figures::NewFigure,
    service::{
        Service,
        replay::{
            compare::Extent,
            sweep::{Axis, POINTS_MAX},
            totals::Heads,
        },
        suppose::Scene,
    },
    store::ledger::Ledger,
};

use super::{
    asker::Asker,
    convert,
    read::{BadField, area_in, area_opt, code_in, month_opt, terms_in},
    record::figure_in,
    replay::Replays,
    status::{of_service, of_timeline},
    v1,
};

/// Most areas in one replay.
pub const REPLAY_AREAS_MAX: usize = 4_000;
/// Most headcounts in one question.
const HEADS_MAX: usize = 100_000;
/// Most supposed figures in one question.
const FIGURES_MAX: usize = 10_000;

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
    pub(super) fn figures_in(&self, figures: &[v1::Figure]) -> Result<Vec<NewFigure>, Status> {
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

    pub(super) fn scene(
        &self,
        asking: Option<v1::Asking>,
        figures: &[NewFigure],
    ) -> Result<Scene, Status> {
        let terms = terms_in(asking)?;
        self.0.scene(terms, figures).map_err(|error| of_service(&error))
    }

    /// Areas that exist and are the asker's, and months in order.
    pub(super) fn span_in(
        &self,
        asker: &Asker,
        areas: &[String],
        within: &str,
        (from, until): (Option<v1::YearMonth>, Option<v1::YearMonth>),
        ledger: &Ledger,
    ) -> Result<(Vec<AreaCode>, Month, Month), Status> {
        let known = &self.0.reference.data.areas;
        asker.inside(&self.0, area_opt("within", within)?)?;
        let named = !areas.is_empty();
        let areas = asker.of_asked(&self.0, named, areas_in(areas, within, known, ledger)?)?;
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

    pub(super) fn extent_in(
        &self,
        asker: &Asker,
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
        let (areas, from, until) =
            self.span_in(asker, &extent.areas, &extent.within, span, &ledger)?;
        Ok((Extent { areas, from, until, with_sums, heads }, figures))
    }

    pub(super) fn heads_in(&self, heads: &[v1::AssumedHeadcount]) -> Result<Heads, Status> {
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

pub(super) fn residence_in(field: &str, residence: i32) -> Result<Residence, BadField> {
    match v1::Residence::try_from(residence) {
        Ok(v1::Residence::Urban) => Ok(Residence::Urban),
        Ok(v1::Residence::Rural) => Ok(Residence::Rural),
        _ => Err(BadField::new(field, residence, "URBAN or RURAL")),
    }
}

pub(super) fn axes_in(axes: Vec<v1::SweepAxis>) -> Result<Vec<Axis>, BadField> {
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

/// A document that does not exist is told before the work begins.
pub(super) fn known_documents(
    service: &Service,
    scenes: &[Scene],
    extent: &Extent,
) -> Result<(), Status> {
    let Some(area) = extent.areas.first() else { return Ok(()) };
    for scene in scenes {
        let Terms { law, strict, .. } = &scene.terms;
        let areas = &service.reference.data.areas;
        let found = scene.law.rules(areas, *area, extent.from, law, *strict);
        found.map_err(|error| of_timeline(&TimelineError::Question(error.into())))?;
    }
    Ok(())
}
