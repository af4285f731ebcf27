//! How far areas are from their thresholds, and what the coming month would have to be.
//!
//! **Invariant:** nothing is forecast: a needed figure is the lowest that the engine itself answers
//! with a payment, all else as it stands; figures of later months are not looked at.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode, code::Code, decision::Triggered, exact::Exact, figure::Figures,
        month::Month,
    },
    engine::{
        condition::ConditionReading,
        question::{Applied, Missing, Terms, World},
        timeline::{Timeline, TimelineError},
        trigger::{Follower, MonthOutcome},
    },
    intake::figures::NewFigure,
    service::{
        Service,
        suppose::{Scene, supposed_figure},
    },
};

/// The range looked through for a needed figure, in tenths: from -50.0 to 300.0.
const LOWEST: i64 = -500;
const HIGHEST: i64 = 3_000;

/// How an area stands.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaOutlook {
    /// The area.
    pub area: AreaCode,
    /// The month looked back from, as decided.
    pub outcome: MonthOutcome,
    /// How far the nearest condition is from its threshold: negative below it; none when no
    /// condition could be measured.
    pub nearest: Option<Exact>,
    /// What the month after it would have to be, condition by condition.
    pub needs: Vec<Need>,
}

/// What one condition needs in the coming month.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// The condition, as it stands in the coming month.
    pub condition: ConditionReading,
    /// Of which area.
    pub area: AreaCode,
    /// Of which series.
    pub series: Code,
    /// What figure suffices.
    pub needed: Needed,
}

/// Which figure suffices for the coming month to be paid, all else as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// Any: it is paid by the other conditions or by how an episode ends.
    Any,
    /// This or a higher one, in tenths of a point.
    AtLeast(Decimal),
    /// None alone.
    NotAlone,
}

impl Service {
    /// The outlook of the areas from a month on, the nearest to a threshold first; areas without a
    /// measured condition last. O(areas × (months + conditions × log of the range)).
    ///
    /// # Errors
    /// An area or document does not exist, or a figure is out of range.
    pub fn outlook(
        &self,
        scene: &Scene,
        areas: &[AreaCode],
        month: Month,
    ) -> Result<Vec<AreaOutlook>, TimelineError> {
        // Looked on from a past month, what came after it is not known.
        let figures = scene.ledger.figures.through(month);
        let world = World { figures: &figures, ..scene.world(&self.reference) };
        let mut found = Vec::with_capacity(areas.len());
        for area in areas {
            found.push(outlook(world, *area, month, &scene.terms)?);
        }
        found.sort_by(|a, b| b.nearest.cmp(&a.nearest).then(a.area.cmp(&b.area)));
        Ok(found)
    }
}

fn outlook(
    world: World<'_>,
    area: AreaCode,
    month: Month,
    terms: &Terms,
) -> Result<AreaOutlook, TimelineError> {
    let timeline = Timeline::through(world, area, month, terms)?;
    let outcome = timeline.get(month).cloned();
    let outcome = outcome.unwrap_or_else(|| MonthOutcome::undecidable(area, month, Missing::Law));
    let nearest = outcome.conditions.iter().filter_map(|one| one.margin).max();
    let mut outlook = AreaOutlook { area, outcome, nearest, needs: Vec::new() };
    let Some(coming) = month.plus(1) else { return Ok(outlook) };
    let Ok(applied) = Applied::new(world, area, coming, terms)? else { return Ok(outlook) };
    let mut follower = Follower::default();
    for earlier in timeline.outcomes().iter().map(|one| one.month) {
        if let Ok(applied) = Applied::new(world, area, earlier, terms)? {
            follower.step(&applied)?;
        }
    }
    for condition in follower.clone().step(&applied)?.conditions {
        let open = condition.missing.iter().find_map(|missing| match missing {
            Missing::Figure { area, series, month } if *month == coming => {
                Some((*area, series.clone()))
            }
            _ => None,
        });
        let Some((of, series)) = open else { continue };
        let needed = lowest(|tenths| {
            let figures = with_figure(world.figures, of, &series, coming, tenths);
            let world = World { figures: &figures, ..world };
            let Ok(applied) = Applied::new(world, area, coming, terms)? else { return Ok(false) };
            Ok(follower.clone().step(&applied)?.triggered == Triggered::Yes)
        })?;
        outlook.needs.push(Need { condition, area: of, series, needed });
    }
    Ok(outlook)
}

/// The lowest figure that suffices, taken as one above which all do.
fn lowest(suffices: impl Fn(i64) -> Result<bool, TimelineError>) -> Result<Needed, TimelineError> {
    if !suffices(HIGHEST)? {
        return Ok(Needed::NotAlone);
    }
    let (mut low, mut high) = (LOWEST, HIGHEST);
    while low < high {
        let middle = (low + high).div_euclid(2);
        match suffices(middle)? {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok(match high {
        LOWEST => Needed::Any,
        high => Needed::AtLeast(Decimal::new(high, 1)),
    })
}

fn with_figure(
    figures: &Figures,
    area: AreaCode,
    series: &Code,
    month: Month,
    tenths: i64,
) -> Figures {
    let mut figures = figures.clone();
    figures.insert(supposed_figure(&NewFigure {
        area,
        series: series.clone(),
        month,
        value: Decimal::new(tenths, 1),
        // Seen whatever the day asked for.
        released_on: Some(NaiveDate::default()),
        source: String::new(),
    }));
    figures
}
