//! One law with one or two parameters moved over ranges.

use crate::{
    domain::decision::Triggered,
    engine::timeline::TimelineError,
    rules::reform::Reform,
    service::{Service, ServiceError, suppose::Scene},
};

use super::{
    compare::{Extent, decided, lines_of, over},
    totals::LawTotals,
};

/// Most points of a sweep.
pub const POINTS_MAX: usize = 10_000;

/// A parameter and the values it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// Its path, such as `trigger.conditions.cpi.threshold`.
    pub path: String,
    /// The values, as documents write them.
    pub values: Vec<String>,
}

/// One point: the value on each axis.
pub type Point = Vec<String>;

/// Every point, the last axis moving fastest.
pub fn points(axes: &[Axis]) -> Vec<Point> {
    axes.iter().fold(vec![Vec::new()], |points, axis| {
        let with = |point: &Point| {
            let more =
                axis.values.iter().map(|value| [point.clone(), vec![value.clone()]].concat());
            more.collect::<Vec<_>>()
        };
        points.iter().flat_map(with).collect()
    })
}

impl Service {
    /// The scene at a point of a sweep.
    ///
    /// # Errors
    /// A path is no parameter, or does not take the value.
    pub fn at_point(
        &self,
        scene: &Scene,
        axes: &[Axis],
        point: &Point,
    ) -> Result<Scene, ServiceError> {
        let paths = axes.iter().map(|axis| axis.path.clone());
        let settings: Vec<_> = paths.zip(point.iter().cloned()).collect();
        let reform = Reform::setting(&settings).map_err(ServiceError::Reform)?;
        scene.also(&self.reference, reform)
    }

    /// What the unswept law decides, area by area, to measure the points against.
    ///
    /// # Errors
    /// An area or document does not exist, or a figure is out of range.
    pub fn baseline(
        &self,
        scene: &Scene,
        extent: &Extent,
    ) -> Result<Vec<Vec<Triggered>>, TimelineError> {
        let mut first = Vec::with_capacity(extent.areas.len());
        for block in extent.blocks() {
            over(&self.reference, scene, block, extent, |_, _, timeline| {
                let months = extent.from.through(extent.until);
                first.push(months.map(|month| decided(timeline, month).0).collect());
                Ok(())
            })?;
        }
        Ok(first)
    }

    /// What the law comes to at a point, beside the law as it stands. O(areas × months).
    ///
    /// # Errors
    /// An area or document does not exist, or a figure is out of range.
    pub fn sweep_point(
        &self,
        scene: &Scene,
        extent: &Extent,
        first: &[Vec<Triggered>],
    ) -> Result<LawTotals, TimelineError> {
        let mut totals = LawTotals::default();
        let mut first = first.iter();
        for block in extent.blocks() {
            over(&self.reference, scene, block, extent, |world, area, timeline| {
                let before = first.next().map_or(&[][..], Vec::as_slice);
                for (month, before) in extent.from.through(extent.until).zip(before) {
                    let now = decided(timeline, month);
                    totals.decide(now, *before);
                    if extent.with_sums && now.0 == Triggered::Yes {
                        for line in lines_of(world, scene, timeline, month)? {
                            totals.pay(area, month, &line, &extent.heads)?;
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok(totals)
    }
}
