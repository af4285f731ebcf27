//! All documents together: which are in force, and what they say put one over the other.
//!
//! **Invariant:** two documents of one kind and jurisdiction never overlap in time; a gap between
//! them is stated; two overlays in force together never set the same parameter.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use sha2::{Digest, Sha256};

use crate::domain::{
    area::{AreaCode, Areas},
    month::Month,
};

use super::{
    cite::{Head, Kind},
    conflicts::{conflicts, heads, no_law, reporting},
    finding::Finding,
    instrument::Instrument,
    reform::Reform,
    terms::Terms,
};

/// Which law a question is asked under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Law {
    /// That in force in each index month.
    #[default]
    InForce,
    /// That in force in this month, applied to every index month.
    AsOf(Month),
    /// This document and those it amends, applied to every index month.
    Document(String),
}

/// The law for one area and month, put together.
#[derive(Debug)]
pub struct RuleSet {
    /// The documents, from the one furthest down to the topmost.
    pub documents: Vec<Arc<Head>>,
    /// What they say together.
    pub terms: Terms,
    /// SHA-256 over the documents' digests in that order, in hex.
    pub digest: String,
}

impl RuleSet {
    /// The law documents without the assumptions.
    pub fn law(&self) -> impl Iterator<Item = &Arc<Head>> {
        self.documents.iter().filter(|head| head.kind != Kind::Assumption)
    }
}

/// Every document of a deployment.
#[derive(Debug, Default)]
pub struct Library {
    instruments: Vec<Arc<Instrument>>,
    by_jurisdiction: HashMap<AreaCode, Vec<usize>>,
    named: HashSet<AreaCode>,
    has_reforms: bool,
    composed: RwLock<HashMap<Vec<usize>, Arc<RuleSet>>>,
    /// What was chosen for documents asked for by name.
    named_law: RwLock<HashMap<String, HashMap<AreaCode, Vec<usize>>>>,
}

/// No document has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("document {id:?}: no document has this id; see `rules list`")]
pub struct UnknownDocument {
    /// The id asked for.
    pub id: String,
}

impl Library {
    /// Puts documents together.
    ///
    /// # Errors
    /// Every overlap, gap, unknown jurisdiction or document found; with any, there is no library.
    pub fn new(instruments: Vec<Instrument>, areas: &Areas) -> Result<Self, Vec<Finding>> {
        let instruments = shared(instruments);
        let mut findings = conflicts(&instruments, areas);
        findings.extend(instruments.iter().filter(|one| one.is_reform()).map(no_law));
        match findings.is_empty() {
            true => Ok(Self::unchecked(instruments)),
            false => Err(findings),
        }
    }

    /// The same documents, changed by reforms. Only for supposing: what follows is marked by
    /// [`Self::is_hypothetical`].
    ///
    /// # Errors
    /// What contradicts each other or is unknown.
    pub fn under_reforms(&self, reforms: &[Reform], areas: &Areas) -> Result<Self, Vec<Finding>> {
        let reforms = reforms.iter().map(Reform::instrument).cloned();
        let all: Vec<_> = self.instruments.iter().cloned().chain(reforms).collect();
        let mut findings = Vec::new();
        // In time they cannot contradict: whatever they set lies above the law.
        heads(&all, areas, &mut reporting(&mut findings));
        match findings.is_empty() {
            true => Ok(Self::unchecked(all)),
            false => Err(findings),
        }
    }

    /// Whether a reform is among the documents.
    pub fn is_hypothetical(&self) -> bool {
        self.has_reforms
    }

    /// Puts documents together that may contradict each other, with every contradiction. Only for
    /// checking: law is what [`Self::new`] accepts.
    pub fn with_conflicts(instruments: Vec<Instrument>, areas: &Areas) -> (Self, Vec<Finding>) {
        let instruments = shared(instruments);
        let findings = conflicts(&instruments, areas);
        (Self::unchecked(instruments), findings)
    }

    /// The same documents without one, to see what it changes. Documents that amend it stay.
    pub fn without(&self, id: &str) -> Self {
        let kept = self.instruments.iter().filter(|one| one.head.id != id);
        Self::unchecked(kept.cloned().collect())
    }

    fn unchecked(instruments: Vec<Arc<Instrument>>) -> Self {
        let mut by_jurisdiction: HashMap<_, Vec<_>> = HashMap::new();
        for (at, instrument) in instruments.iter().enumerate() {
            by_jurisdiction.entry(instrument.head.jurisdiction).or_default().push(at);
        }
        let mut named: HashSet<_> = by_jurisdiction.keys().copied().collect();
        instruments.iter().for_each(|one| one.terms.areas_named(&mut named));
        let has_reforms = instruments.iter().any(|one| one.is_reform());
        let (composed, named_law) = Default::default();
        Self { instruments, by_jurisdiction, named, has_reforms, composed, named_law }
    }

    /// Every document, as given.
    pub fn instruments(&self) -> &[Arc<Instrument>] {
        &self.instruments
    }

    /// The first index month of any document that can decide a month.
    pub fn oldest(&self) -> Option<Month> {
        let decides = |one: &&Arc<Instrument>| !one.is_reform() || one.decides();
        self.instruments.iter().filter(decides).map(|one| one.head.months.from).min()
    }

    /// The document with this id.
    pub fn get(&self, id: &str) -> Result<&Instrument, UnknownDocument> {
        let found = self.instruments.iter().find(|instrument| instrument.head.id == id);
        found.map(Arc::as_ref).ok_or_else(|| UnknownDocument { id: id.chars().take(60).collect() })
    }

    /// The law for an area and index month; `strict` leaves the assumptions out. Put together once
    /// per set of documents, then O(documents of the area).
    ///
    /// # Errors
    /// The law names a document that does not exist.
    pub fn rules(
        &self,
        areas: &Areas,
        area: AreaCode,
        month: Month,
        law: &Law,
        strict: bool,
    ) -> Result<Arc<RuleSet>, UnknownDocument> {
        let mut chosen = match law {
            Law::InForce => self.in_force(areas, area, month),
            Law::AsOf(fixed) => self.in_force(areas, area, *fixed),
            Law::Document(id) => self.under_once(areas, area, id)?,
        };
        if self.has_reforms {
            self.reform(areas, area, month, &mut chosen);
        }
        let kept = |at: &usize| !strict || self.instruments[*at].head.kind != Kind::Assumption;
        Ok(self.composed(chosen.into_iter().filter(kept).collect()))
    }

    /// The documents in force, from the one furthest down to the topmost.
    fn in_force(&self, areas: &Areas, area: AreaCode, month: Month) -> Vec<usize> {
        let mut found: Vec<_> = self.of_line(areas, area);
        found.retain(|(_, at)| self.instruments[*at].head.months.contains(month));
        self.ordered(found)
    }

    /// Lays the reforms of a month over the chosen documents, whatever month those are of. Where no
    /// law is, there is nothing to change, unless a reform says itself when the mechanism starts.
    fn reform(&self, areas: &Areas, area: AreaCode, month: Month, chosen: &mut Vec<usize>) {
        let one = |at: &usize| &self.instruments[*at];
        chosen.retain(|at| !one(at).is_reform());
        let in_force = self.in_force(areas, area, month);
        let reforms: Vec<_> = in_force.into_iter().filter(|at| one(at).is_reform()).collect();
        let is_law = |at: &usize| one(at).head.kind != Kind::Assumption;
        if chosen.iter().any(is_law) || reforms.iter().any(|at| one(at).decides()) {
            chosen.extend(reforms);
        }
    }

    /// As [`Self::under`], worked out once for an area and document.
    fn under_once(
        &self,
        areas: &Areas,
        area: AreaCode,
        id: &str,
    ) -> Result<Vec<usize>, UnknownDocument> {
        let known = self.named_law.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(chosen) = known.get(id).and_then(|by_area| by_area.get(&area)) {
            return Ok(chosen.clone());
        }
        drop(known);
        let chosen = self.under(areas, area, id)?;
        let mut known = self.named_law.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(id.to_owned()).or_default().insert(area, chosen.clone());
        Ok(chosen)
    }

    /// A document and all it amends, however long out of force, with the assumptions of its time.
    fn under(
        &self,
        areas: &Areas,
        area: AreaCode,
        id: &str,
    ) -> Result<Vec<usize>, UnknownDocument> {
        let top = self.get(id)?;
        let mut wanted = BTreeSet::from([id.to_owned()]);
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            for lower in &self.get(&next)?.head.amends {
                if wanted.insert(lower.clone()) {
                    open.push(lower.clone());
                }
            }
        }
        let from = top.head.months.from;
        let keep = |head: &Head| {
            wanted.contains(&head.id)
                || (head.kind == Kind::Assumption && head.months.contains(from))
        };
        let all = self.instruments.iter().enumerate().filter(|(_, one)| keep(&one.head));
        let found = all.filter_map(|(at, one)| {
            let depth = areas.line(area).position(|above| above.code == one.head.jurisdiction);
            // A document of another area is asked for by name; it then stands as the nearest.
            let depth = depth.or_else(|| (one.head.kind != Kind::Assumption).then_some(0))?;
            Some((depth, at))
        });
        Ok(self.ordered(found.collect()))
    }

    /// Documents of the area and those above, with how far above each is.
    fn of_line(&self, areas: &Areas, area: AreaCode) -> Vec<(usize, usize)> {
        let of = |(depth, above): (usize, &crate::domain::area::Area)| {
            let found = self.by_jurisdiction.get(&above.code);
            found.into_iter().flatten().map(move |at| (depth, *at)).collect::<Vec<_>>()
        };
        areas.line(area).enumerate().flat_map(of).collect()
    }

    /// Whether no document is made for the area or names it, and none that may hold in it decides by
    /// what is recorded for the paying area itself. O(documents of the area).
    pub fn tells_nothing_of(&self, areas: &Areas, area: AreaCode) -> bool {
        let by_paying = |(_, at): &(usize, usize)| self.instruments[*at].terms.decide_by_paying();
        !self.named.contains(&area) && !self.of_line(areas, area).iter().any(by_paying)
    }

    /// The months in which what holds in an area changes: documents begin and end, and what they
    /// say changes.
    pub fn changes(&self, areas: &Areas, area: AreaCode, into: &mut BTreeSet<Month>) {
        for (_, at) in self.of_line(areas, area) {
            let one = &self.instruments[at];
            into.insert(one.head.months.from);
            into.extend(one.head.months.until.and_then(|until| until.plus(1)));
            one.terms.changes(into);
        }
    }

    fn ordered(&self, mut found: Vec<(usize, usize)>) -> Vec<usize> {
        let rank = |at: usize| match self.instruments[at].head.kind {
            Kind::Assumption => 0,
            Kind::National => 1,
            Kind::Regional => 2,
            Kind::Overlay => 3,
            Kind::Reform => 4,
        };
        found.sort_by_key(|(depth, at)| (rank(*at), std::cmp::Reverse(*depth), *at));
        found.into_iter().map(|(_, at)| at).collect()
    }

    /// What these documents say together, the one furthest down first; none if one is not here.
    pub fn together(&self, documents: &[Arc<Head>]) -> Option<Arc<RuleSet>> {
        let place = |head: &Arc<Head>| {
            self.instruments.iter().position(|instrument| instrument.head.id == head.id)
        };
        documents.iter().map(place).collect::<Option<Vec<_>>>().map(|all| self.composed(all))
    }

    fn composed(&self, chosen: Vec<usize>) -> Arc<RuleSet> {
        let composed = self.composed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = composed.get(&chosen) {
            return rules.clone();
        }
        drop(composed);
        let mut terms = Terms::default();
        let mut digest = Sha256::new();
        let mut documents = Vec::with_capacity(chosen.len());
        for at in chosen.iter().rev() {
            terms.put_under(&self.instruments[*at].terms);
        }
        for at in &chosen {
            let head = &self.instruments[*at].head;
            digest.update(head.digest.as_bytes());
            documents.push(head.clone());
        }
        let digest = hex::encode(digest.finalize());
        let rules = Arc::new(RuleSet { documents, terms, digest });
        let mut composed = self.composed.write().unwrap_or_else(PoisonError::into_inner);
        composed.insert(chosen, rules.clone());
        rules
    }
}

fn shared(instruments: Vec<Instrument>) -> Vec<Arc<Instrument>> {
    instruments.into_iter().map(Arc::new).collect()
}
