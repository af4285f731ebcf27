//! The law as the service knew it at an instant: of each document the text adopted last by then.
//!
//! **Invariant:** a document that was adopted, or changed, later does not reach an earlier answer.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    domain::{area::Areas, figure::View},
    intake::folder::{DataError, library},
    journal::entry::LawDocument,
    rules::library::Library,
    store::ledger::Ledger,
};

/// The documents adopted last by the instant of the view, by id, those withdrawn left out.
/// O(adoptions).
pub(super) fn adopted<'a>(ledger: &'a Ledger, view: &View) -> BTreeMap<&'a str, &'a LawDocument> {
    let mut found = BTreeMap::new();
    for one in ledger.law() {
        if one.recorded_at.is_some_and(|at| view.knows(at)) {
            found.insert(one.document.id.as_str(), &one.document);
        }
    }
    found.retain(|_, document| !document.is_withdrawn());
    found
}

/// Libraries of earlier law, read once each.
#[derive(Debug, Default)]
pub(super) struct Earlier(RwLock<HashMap<Vec<String>, Arc<Library>>>);

impl Earlier {
    /// The law that the view shows; `current` when it shows everything, or when nothing is
    /// adopted because there is no journal.
    pub fn seen(
        &self,
        ledger: &Ledger,
        view: &View,
        current: &Arc<Library>,
        areas: &Areas,
    ) -> Result<Arc<Library>, DataError> {
        if view.known_at.is_none() || ledger.law().is_empty() {
            return Ok(current.clone());
        }
        let documents = adopted(ledger, view);
        let key: Vec<String> = documents.values().map(|one| one.sha256.clone()).collect();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let named = |(id, one): (&str, &LawDocument)| (format!("{id}.toml"), one.text.clone());
        let texts = documents.into_iter().map(named).collect();
        let read = Arc::new(library(&texts, areas).map_err(DataError::Law)?);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(key).or_insert(read).clone())
    }
}
