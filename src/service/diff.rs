//! What a document changes: in the law below it, and over the recorded history.
//!
//! **Invariant:** both sides come out of the same engine over the same figures; they differ in
//! nothing but the document.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::{State, Triggered},
        group::Residence,
        month::Month,
    },
    engine::{
        amount::LineOutcome,
        question::{Terms, World},
        timeline::{Timeline, TimelineError},
    },
    rules::{
        cite::{Cite, Head},
        finding::Finding,
        instrument::Instrument,
        library::{Law, Library, RuleSet, UnknownDocument},
        param::{Context, Pick},
        shown::{Said, Shown},
    },
    store::ledger::Ledger,
};

use super::{
    reference::Reference,
    status::{Answer, answer},
};

/// Why a document cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// No document has this id.
    #[error(transparent)]
    Unknown(#[from] UnknownDocument),
    /// The text is no document that could become law beside the others.
    #[error("the document cannot become law: {}", .0.iter().map(|one| one.to_string()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Finding>),
}

/// The document compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// One in force, by its id.
    Id(String),
    /// One that is not yet law, as TOML; it takes the place of one with the same id.
    Text(String),
}

/// What holds of a parameter without the document and with it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterChange {
    /// From this index month; until the next change of the same parameter.
    pub from: Month,
    /// Its path.
    pub path: String,
    /// What holds without the document, case by case; empty when nothing is said.
    pub before: Vec<Said>,
    /// What holds with it. The same as before where the difference ends.
    pub after: Vec<Said>,
}

/// A group covered with the document and not without it, or the other way round.
#[derive(Debug, Clone, PartialEq)]
pub struct CoverageChange {
    /// From this index month.
    pub from: Month,
    /// The group.
    pub group: Code,
    /// Where it stands that it is covered without the document.
    pub before: Option<Cite>,
    /// Where it stands that it is covered with it.
    pub after: Option<Cite>,
}

/// A month of an area that is decided or paid differently.
#[derive(Debug, Clone, PartialEq)]
pub struct MonthChange {
    /// The area.
    pub area: AreaCode,
    /// The index month.
    pub month: Month,
    /// The decision without the document and with it.
    pub decided: [(Triggered, State); 2],
    /// The sums that differ.
    pub sums: Vec<SumChange>,
}

impl MonthChange {
    /// Whether the decision differs, and not only the sums.
    pub fn is_decided_differently(&self) -> bool {
        self.decided[0] != self.decided[1]
    }
}

/// A sum that differs; an absent outcome means that the group is not covered.
#[derive(Debug, Clone, PartialEq)]
pub struct SumChange {
    /// The group.
    pub group: Code,
    /// The residence.
    pub residence: Residence,
    /// What is owed without the document and with it.
    pub owed: [Option<LineOutcome>; 2],
}

/// What a document changes in the law of its jurisdiction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LawChanges {
    /// The parameters of which another value holds, by month and path.
    pub parameters: Vec<ParameterChange>,
    /// The groups of which it changes whether they are covered, by month and group.
    pub groups: Vec<CoverageChange>,
    /// The parameters and groups (`groups.…`) that the document speaks of without changing what
    /// holds.
    pub restated: Vec<String>,
}

/// A document set beside the law without it.
pub struct Diff {
    /// The document's head.
    pub head: Arc<Head>,
    /// The areas compared: those with an index inside its jurisdiction.
    pub areas: Vec<AreaCode>,
    reference: Arc<Reference>,
    ledger: Arc<Ledger>,
    instrument: Instrument,
    terms: Terms,
    sides: [Library; 2],
}

impl Diff {
    /// Prepares the comparison; `strict` leaves the assumptions out of both sides.
    ///
    /// # Errors
    /// The document does not exist or could not become law.
    pub fn new(
        reference: Arc<Reference>,
        ledger: Arc<Ledger>,
        asked: &Asked,
        strict: bool,
    ) -> Result<Self, DiffError> {
        let data = &reference.data;
        let instrument = match asked {
            Asked::Id(id) => data.library.get(id)?.clone(),
            Asked::Text(text) => Instrument::parse("document", text).map_err(DiffError::Refused)?,
        };
        let head = instrument.head.clone();
        let without = data.library.without(&head.id);
        let with = (without.instruments().iter().map(|one| (**one).clone()))
            .chain([instrument.clone()])
            .collect();
        let (with, conflicts) = Library::with_conflicts(with, &data.areas);
        if !conflicts.is_empty() {
            return Err(DiffError::Refused(conflicts));
        }
        let inside = |area: &AreaCode| data.areas.within(*area, head.jurisdiction);
        let areas = ledger.figures.areas().into_iter().filter(inside).collect();
        let terms = Terms { strict, ..Terms::default() };
        Ok(Self { head, areas, reference, ledger, instrument, terms, sides: [without, with] })
    }

    fn worlds(&self) -> [World<'_>; 2] {
        let world = self.reference.world(&self.ledger);
        self.sides.each_ref().map(|library| World { library, ..world })
    }

    /// What changes in the law of the document's jurisdiction: at its first index month, and at
    /// later ones where the difference is another.
    pub fn law(&self) -> LawChanges {
        let (areas, area) = (&self.reference.data.areas, self.head.jurisdiction);
        let mut months = BTreeSet::from([self.head.months.from]);
        self.sides.iter().for_each(|side| side.changes(areas, area, &mut months));
        months.retain(|month| self.head.months.contains(*month));
        let mut changes = LawChanges::default();
        let mut told: BTreeMap<String, [Vec<Said>; 2]> = BTreeMap::new();
        let mut covered: BTreeMap<Code, [Option<Cite>; 2]> = BTreeMap::new();
        for from in months {
            let law = |side: &Library| {
                side.rules(areas, area, from, &Law::InForce, self.terms.strict).ok()
            };
            let [Some(before), Some(after)] = self.sides.each_ref().map(law) else { continue };
            let held = [&before, &after].map(|rules| self.held(rules, from));
            for (path, [before, after]) in paired(held) {
                let now = [before, after];
                let before = told.get(&path);
                if before.map_or_else(|| !alike(&now), |before| !unchanged(before, &now)) {
                    let [before, after] = now.clone();
                    let change = ParameterChange { from, path: path.clone(), before, after };
                    changes.parameters.push(change);
                    told.insert(path, now);
                }
            }
            let groups = [&before, &after].map(|rules| rules.terms.covered(areas, area, from));
            for (group, [before, after]) in paired_groups(groups) {
                let now = (before.is_some(), after.is_some());
                let last = covered.get(&group).map(|[b, a]| (b.is_some(), a.is_some()));
                if last.map_or(now.0 != now.1, |last| last != now) {
                    covered.insert(group.clone(), [before.clone(), after.clone()]);
                    changes.groups.push(CoverageChange { from, group, before, after });
                }
            }
        }
        let own = self.instrument.terms.list().into_iter().map(|shown| shown.path);
        changes.restated = own.filter(|path| !told.contains_key(path)).collect();
        let added = self.instrument.terms.groups.iter();
        let added: BTreeSet<_> = added.flat_map(|change| change.add.iter()).collect();
        let restated = added.into_iter().filter(|group| !covered.contains_key(*group));
        changes.restated.extend(restated.map(|group| format!("groups.{group}")));
        changes
    }

    fn held(&self, rules: &RuleSet, month: Month) -> Vec<Shown> {
        let context = Context {
            areas: &self.reference.data.areas,
            classes: &rules.terms.classes,
            area: self.head.jurisdiction,
            month,
            pay_month: month.plus(1).unwrap_or(month),
            group: None,
            residence: None,
            carried_by: &[],
        };
        let pay_month = match rules.terms.payment.pay_month_offset.pick(&context) {
            Pick::Set(offset) => month.plus(*offset.value as i32).unwrap_or(month),
            _ => context.pay_month,
        };
        rules.terms.held(month, pay_month)
    }

    /// The months of an area that are decided or paid differently, ascending. O(months × groups).
    ///
    /// # Errors
    /// A figure leaves the range of exact arithmetic.
    pub fn area(&self, area: AreaCode) -> Result<Vec<MonthChange>, TimelineError> {
        let Some(newest) = self.ledger.figures.newest() else { return Ok(Vec::new()) };
        let worlds = self.worlds();
        let timeline = |world| Timeline::through(world, area, newest, &self.terms);
        let timelines = [timeline(worlds[0])?, timeline(worlds[1])?];
        let firsts = timelines.iter().filter_map(|one| one.outcomes().first());
        let Some(first) = firsts.map(|outcome| outcome.month).min() else { return Ok(Vec::new()) };
        let mut changes = Vec::new();
        for month in first.through(newest) {
            let decided = timelines.each_ref().map(|timeline| {
                let outcome = timeline.get(month);
                outcome.map_or((Triggered::Undecidable, State::Undecidable), |outcome| {
                    (outcome.triggered, outcome.state)
                })
            });
            let differs = decided[0] != decided[1];
            let pays = decided.iter().any(|(triggered, _)| *triggered == Triggered::Yes);
            // Before its first month a document changes no sum of a month decided alike.
            let sums = match pays && (differs || self.head.months.from <= month) {
                true => self.sums(&worlds, &timelines, month)?,
                false => Vec::new(),
            };
            if differs || !sums.is_empty() {
                changes.push(MonthChange { area, month, decided, sums });
            }
        }
        Ok(changes)
    }

    fn sums(
        &self,
        worlds: &[World<'_>; 2],
        timelines: &[Timeline; 2],
        month: Month,
    ) -> Result<Vec<SumChange>, TimelineError> {
        let owed = |side: usize| {
            answer(worlds[side], &timelines[side], month, &self.terms, true).map(owed)
        };
        let [before, after] = [owed(0)?, owed(1)?];
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
        let change = |(group, residence): (Code, Residence)| {
            let key = (group, residence);
            let owed = [before.get(&key), after.get(&key)];
            let differs = !LineOutcome::pays_alike(owed[0], owed[1]);
            let owed = owed.map(Option::<&LineOutcome>::cloned);
            let (group, residence) = key;
            differs.then_some(SumChange { group, residence, owed })
        };
        Ok(keys.into_iter().filter_map(change).collect())
    }
}

fn owed(answer: Answer) -> BTreeMap<(Code, Residence), LineOutcome> {
    let lines = answer.quote.map(|quote| quote.lines).unwrap_or_default();
    lines.into_iter().map(|line| ((line.group, line.residence), line.outcome)).collect()
}

fn paired([before, after]: [Vec<Shown>; 2]) -> BTreeMap<String, [Vec<Said>; 2]> {
    let mut all: BTreeMap<String, [Vec<Said>; 2]> = BTreeMap::new();
    before.into_iter().for_each(|one| all.entry(one.path).or_default()[0] = one.says);
    after.into_iter().for_each(|one| all.entry(one.path).or_default()[1] = one.says);
    all
}

fn paired_groups([before, after]: [BTreeMap<Code, Cite>; 2]) -> BTreeMap<Code, [Option<Cite>; 2]> {
    let mut all: BTreeMap<Code, [Option<Cite>; 2]> = BTreeMap::new();
    before.into_iter().for_each(|(group, cite)| all.entry(group).or_default()[0] = Some(cite));
    after.into_iter().for_each(|(group, cite)| all.entry(group).or_default()[1] = Some(cite));
    all
}

/// Whether the same values hold in the same cases, wherever they stand.
fn alike([before, after]: &[Vec<Said>; 2]) -> bool {
    same_values(before, after)
}

fn same_values(a: &[Said], b: &[Said]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.text == b.text && a.when == b.when)
}

fn unchanged(last: &[Vec<Said>; 2], now: &[Vec<Said>; 2]) -> bool {
    same_values(&last[0], &now[0]) && same_values(&last[1], &now[1])
}
