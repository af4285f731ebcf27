//! One law with one or two parameters moved over ranges.
//!
//! **Invariant:** a point comes to what comparing the law under its reform comes to; what one point
//! worked out for an area serves another only where no figure lies between them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use rust_decimal::Decimal;

use crate::{
    domain::{area::AreaCode, decision::Triggered, exact::Exact},
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
/// Most sums kept for other points.
const KEPT_MAX: usize = 1_000_000;

/// A parameter and the values it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// Its path, such as `trigger.conditions.cpi.threshold`.
    pub path: String,
    /// The values, as documents write them.
    pub values: Vec<String>,
}

impl Axis {
    /// The condition whose threshold it moves, with the values as numbers.
    fn threshold(&self) -> Option<(&str, Vec<Decimal>)> {
        let name = self.path.strip_prefix("trigger.conditions.")?.strip_suffix(".threshold")?;
        let values = self.values.iter().map(|value| value.parse().ok());
        Some((name, values.collect::<Option<_>>()?))
    }
}

/// One point: the place of its value on each axis.
pub type Point = Vec<usize>;

/// Every point, the last axis moving fastest.
pub fn points(axes: &[Axis]) -> Vec<Point> {
    axes.iter().fold(vec![Vec::new()], |points, axis| {
        let with = |point: &Point| {
            (0..axis.values.len()).map(|at| [point.clone(), vec![at]].concat()).collect::<Vec<_>>()
        };
        points.iter().flat_map(with).collect()
    })
}

/// For each axis and value of it, the first value that an area cannot tell from it.
type Classes = Vec<Vec<usize>>;

/// A sweep with what its points share.
pub struct Sweep<'a> {
    service: &'a Service,
    scene: &'a Scene,
    axes: &'a [Axis],
    extent: &'a Extent,
    /// What the unswept law decides, area by area.
    first: HashMap<AreaCode, Vec<Triggered>>,
    classes: HashMap<AreaCode, Classes>,
    known: Mutex<Known>,
}

/// What areas came to at points that others cannot be told from.
#[derive(Default)]
struct Known {
    by_area: HashMap<(AreaCode, Point), LawTotals>,
    sums: usize,
}

impl<'a> Sweep<'a> {
    /// Prepares a sweep. O(areas × months).
    ///
    /// # Errors
    /// A path is no parameter or does not take a value, an area or document does not exist, or a
    /// figure is out of range.
    pub fn new(
        service: &'a Service,
        scene: &'a Scene,
        axes: &'a [Axis],
        extent: &'a Extent,
    ) -> Result<Self, ServiceError> {
        let mut sweep = Self {
            service,
            scene,
            axes,
            extent,
            first: HashMap::new(),
            classes: HashMap::new(),
            known: Mutex::default(),
        };
        for block in extent.blocks() {
            over(&service.reference, scene, block, extent, |_, area, timeline| {
                let months = extent.from.through(extent.until);
                let before = months.map(|month| decided(timeline, month).0).collect();
                sweep.first.insert(area, before);
                Ok(())
            })?;
        }
        sweep.classes = sweep.classes()?;
        Ok(sweep)
    }

    /// The law at a point.
    ///
    /// # Errors
    /// A path is no parameter, or does not take the value.
    pub fn scene(&self, point: &Point) -> Result<Scene, ServiceError> {
        let values = self.axes.iter().zip(point).map(|(axis, at)| axis.values[*at].clone());
        let paths = self.axes.iter().map(|axis| axis.path.clone());
        let reform = Reform::setting(&paths.zip(values).collect::<Vec<_>>());
        self.scene.also(&self.service.reference, reform.map_err(ServiceError::Reform)?)
    }

    /// What the law comes to at a point, beside the law as it stands. O(areas × months), less what
    /// points before it worked out.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn point(&self, point: &Point) -> Result<LawTotals, ServiceError> {
        let mut all = LawTotals::default();
        let mut open = Vec::new();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for area in &self.extent.areas {
                match known.by_area.get(&(*area, self.class(*area, point))) {
                    Some(found) => all.add(found.clone()).map_err(TimelineError::from)?,
                    None => open.push(*area),
                }
            }
        }
        if open.is_empty() {
            return Ok(all);
        }
        let scene = self.scene(point)?;
        let rest = Extent { areas: open, ..self.extent.clone() };
        for block in rest.blocks() {
            over(&self.service.reference, &scene, block, &rest, |world, area, timeline| {
                let mut totals = LawTotals::default();
                let before = self.first.get(&area).into_iter().flatten();
                for (month, before) in rest.from.through(rest.until).zip(before) {
                    let now = decided(timeline, month);
                    totals.decide(now, *before);
                    if rest.with_sums && now.0 == Triggered::Yes {
                        for line in lines_of(world, &scene, timeline, month)? {
                            totals.pay(area, month, &line, &rest.heads)?;
                        }
                    }
                }
                self.keep(area, point, &totals);
                Ok(all.add(totals)?)
            })?;
        }
        Ok(all)
    }

    fn keep(&self, area: AreaCode, point: &Point, totals: &LawTotals) {
        let class = self.class(area, point);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let more = 1 + totals.sums.len();
        if known.sums + more <= KEPT_MAX {
            known.sums += more;
            known.by_area.insert((area, class), totals.clone());
        }
    }

    fn class(&self, area: AreaCode, point: &Point) -> Point {
        match self.classes.get(&area) {
            Some(classes) => classes.iter().zip(point).map(|(class, at)| class[*at]).collect(),
            None => point.clone(),
        }
    }

    /// Which values of thresholds no area can tell apart: those with no reading between them or at
    /// one of them. The readings of the easier of both ends contain those of every value between, for
    /// a run of months is read on only where it holds.
    fn classes(&self) -> Result<HashMap<AreaCode, Classes>, ServiceError> {
        let mut moved = Vec::new();
        for axis in self.axes {
            let Some(moves) = axis.threshold() else { return Ok(HashMap::new()) };
            moved.push(moves);
        }
        let end = |highest: bool| {
            let of = |(_, values): &(&str, Vec<Decimal>)| {
                let places = (0..values.len()).max_by_key(|at| match highest {
                    true => values[*at],
                    false => -values[*at],
                });
                places.unwrap_or(0)
            };
            moved.iter().map(of).collect::<Point>()
        };
        let mut readings: HashMap<AreaCode, Vec<BTreeSet<Exact>>> = HashMap::new();
        for highest in [false, true] {
            let scene = self.scene(&end(highest))?;
            for block in self.extent.blocks() {
                over(&self.service.reference, &scene, block, self.extent, |_, area, timeline| {
                    let own =
                        readings.entry(area).or_insert_with(|| vec![BTreeSet::new(); moved.len()]);
                    for condition in timeline.outcomes().iter().flat_map(|one| &one.conditions) {
                        let place =
                            moved.iter().position(|(name, _)| condition.name.as_str() == *name);
                        let read = condition.readings.iter().filter_map(|one| one.value);
                        if let Some(place) = place {
                            own[place].extend(read);
                        }
                    }
                    Ok(())
                })?;
            }
        }
        let classes = readings.into_iter().map(|(area, own)| {
            let of = moved.iter().zip(&own).map(|((_, values), own)| alike(values, own));
            (area, of.collect())
        });
        Ok(classes.collect())
    }
}

/// For each value the place of the lowest that cannot be told from it.
fn alike(values: &[Decimal], readings: &BTreeSet<Exact>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by_key(|at| values[*at]);
    let mut classes = vec![0; values.len()];
    let mut last: Option<(usize, Decimal)> = None;
    for at in places {
        let class = last.filter(|(_, below)| {
            let between = Exact::from(*below)..=Exact::from(values[at]);
            readings.range(between).next().is_none()
        });
        let class = class.map_or(at, |(class, _)| class);
        classes[at] = class;
        last = Some((class, values[at]));
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_alike_only_with_no_reading_between_or_at_them() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let values = ["3.0", "2.8", "3.2", "2.9", "3.1"].map(number);
        let read = |text: &str| Exact::from(number(text));
        let of =
            |readings: &[&str]| alike(&values, &readings.iter().map(|one| read(one)).collect());
        assert_eq!(of(&[]), [1, 1, 1, 1, 1]);
        assert_eq!(of(&["2.95"]), [0, 1, 0, 1, 0], "between 2.9 and 3.0");
        assert_eq!(of(&["3.0"]), [0, 1, 4, 1, 4], "at 3.0, which stands alone");
        assert_eq!(of(&["5.0"]), [1, 1, 1, 1, 1]);
    }
}
