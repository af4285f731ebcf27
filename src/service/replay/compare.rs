//! Two or more laws over the same history, the first as the measure of the others.

use std::collections::BTreeMap;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::{State, Triggered},
        group::Residence,
        month::Month,
    },
    engine::{
        alike::Histories,
        amount::{Line, LineOutcome, quote},
        question::{Applied, World},
        timeline::{Timeline, TimelineError},
    },
    service::{reference::Reference, suppose::Scene},
};

use super::totals::{Heads, LawTotals};

/// Areas worked on together, so that those the law cannot tell apart share a history.
pub const BLOCK: usize = 64;

/// Over which areas and months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The areas.
    pub areas: Vec<AreaCode>,
    /// First index month.
    pub from: Month,
    /// Last index month.
    pub until: Month,
    /// Whether sums are worked out.
    pub with_sums: bool,
    /// Who is counted.
    pub heads: Heads,
}

impl Extent {
    /// The areas in blocks.
    pub fn blocks(&self) -> Vec<&[AreaCode]> {
        self.areas.chunks(BLOCK).collect()
    }
}

/// A month of an area in which the laws differ.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedMonth {
    /// The area.
    pub area: AreaCode,
    /// The index month.
    pub month: Month,
    /// What each law decides.
    pub decided: Vec<(Triggered, State)>,
    /// The sums that differ.
    pub sums: Vec<ComparedSum>,
}

/// A sum that differs; an absent outcome means that the group is not covered or not paid.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedSum {
    /// The group.
    pub group: Code,
    /// The residence.
    pub residence: Residence,
    /// What is owed under each law.
    pub owed: Vec<Option<LineOutcome>>,
    /// Persons counted.
    pub persons: Option<u64>,
}

/// What a block of areas came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// The months that differ, area by area, ascending.
    pub months: Vec<ComparedMonth>,
    /// What each law comes to.
    pub totals: Vec<LawTotals>,
}

/// Sets laws beside each other over a block of areas. O(areas × months × laws), and × groups × steps
/// where one of them pays.
///
/// # Errors
/// An area or document does not exist, or a figure is out of range.
pub fn compare(
    reference: &Reference,
    scenes: &[Scene],
    areas: &[AreaCode],
    extent: &Extent,
) -> Result<Compared, TimelineError> {
    let worlds: Vec<_> = scenes.iter().map(|scene| scene.world(reference)).collect();
    let history = |at: usize| histories(worlds[at], &scenes[at], extent);
    let mut histories: Vec<_> = (0..scenes.len()).map(history).collect();
    let mut found =
        Compared { totals: vec![LawTotals::default(); scenes.len()], ..Default::default() };
    for area in areas {
        let mut timelines = Vec::with_capacity(scenes.len());
        for history in &mut histories {
            timelines.push(history.of(*area)?.1.clone());
        }
        for month in extent.from.through(extent.until) {
            let decided: Vec<_> = timelines.iter().map(|one| decided(one, month)).collect();
            for (totals, now) in found.totals.iter_mut().zip(&decided) {
                totals.decide(*now, decided[0].0);
            }
            let mut lines = vec![Vec::new(); scenes.len()];
            for (at, lines) in lines.iter_mut().enumerate() {
                if extent.with_sums && decided[at].0 == Triggered::Yes {
                    *lines = lines_of(worlds[at], &scenes[at], &timelines[at], month)?;
                }
                for line in lines.iter() {
                    found.totals[at].pay(*area, month, line, &extent.heads)?;
                }
            }
            let sums = differing(*area, &lines, &extent.heads);
            if decided.iter().any(|one| *one != decided[0]) || !sums.is_empty() {
                found.months.push(ComparedMonth { area: *area, month, decided, sums });
            }
        }
    }
    Ok(found)
}

fn histories<'a>(world: World<'a>, scene: &'a Scene, extent: &Extent) -> Histories<'a> {
    // Later months tell whether an episode ended and what a later start pays back.
    let newest = world.figures.newest_seen(&scene.terms.view);
    Histories::new(world, &scene.terms, extent.until.max(newest.unwrap_or(extent.until)))
}

/// Hands over the history of each area of a block.
pub(super) fn over(
    reference: &Reference,
    scene: &Scene,
    areas: &[AreaCode],
    extent: &Extent,
    mut each: impl FnMut(World<'_>, AreaCode, &Timeline) -> Result<(), TimelineError>,
) -> Result<(), TimelineError> {
    let world = scene.world(reference);
    let mut histories = histories(world, scene, extent);
    areas.iter().try_for_each(|area| each(world, *area, &histories.of(*area)?.1))
}

pub(super) fn decided(timeline: &Timeline, month: Month) -> (Triggered, State) {
    let outcome = timeline.get(month);
    outcome.map_or((Triggered::Undecidable, State::Undecidable), |one| (one.triggered, one.state))
}

pub(super) fn lines_of(
    world: World<'_>,
    scene: &Scene,
    timeline: &Timeline,
    month: Month,
) -> Result<Vec<Line>, TimelineError> {
    let applied = Applied::new(world, timeline.area, month, &scene.terms)?;
    let (Ok(applied), Some(outcome)) = (applied, timeline.get(month)) else {
        return Ok(Vec::new());
    };
    Ok(quote(&applied, timeline, outcome, &scene.terms)?.lines)
}

fn differing(area: AreaCode, laws: &[Vec<Line>], heads: &Heads) -> Vec<ComparedSum> {
    let mut all: BTreeMap<(&Code, Residence), Vec<Option<LineOutcome>>> = BTreeMap::new();
    for (at, lines) in laws.iter().enumerate() {
        for line in lines {
            let owed = all.entry((&line.group, line.residence));
            owed.or_insert_with(|| vec![None; laws.len()])[at] = Some(line.outcome.clone());
        }
    }
    let differs = |owed: &[Option<LineOutcome>]| {
        let first = owed[0].as_ref();
        owed.iter().any(|one| !LineOutcome::pays_alike(one.as_ref(), first))
    };
    let sums = all.into_iter().filter(|(_, owed)| differs(owed));
    sums.map(|((group, residence), owed)| ComparedSum {
        persons: heads.get(area, group, residence),
        group: group.clone(),
        residence,
        owed,
    })
    .collect()
}
