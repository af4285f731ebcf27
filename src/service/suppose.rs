//! Supposing: the law under reforms, and figures that are not recorded.
//!
//! **Invariant:** what is supposed lives in values made for one question; nothing of it reaches the
//! law, the ledger or the store.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, NaiveDate};

use crate::{
    domain::{code::Code, figure::Figure},
    engine::question::{Terms, World},
    intake::figures::NewFigure,
    rules::{
        finding::Severity,
        library::Library,
        lint::{Lists, lint},
        reform::Reform,
    },
    store::ledger::Ledger,
};

use super::{Service, ServiceError, reference::Reference};

/// Libraries under reforms kept ready.
const KEPT_MAX: usize = 16;

/// A law, the reforms over it, and the law under them.
type Reformed = (Arc<Library>, Vec<Reform>, Arc<Library>);

/// The law under the reforms asked for last.
#[derive(Debug, Default)]
pub(super) struct Supposed(RwLock<Vec<Reformed>>);

impl Supposed {
    /// The law under the reforms, each checked as `rules check` does.
    pub fn under(
        &self,
        reference: &Reference,
        ledger: &Ledger,
        law: &Arc<Library>,
        reforms: &[Reform],
    ) -> Result<Arc<Library>, ServiceError> {
        let is = |one: &&Reformed| Arc::ptr_eq(&one.0, law) && one.1 == reforms;
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., found)) = kept.iter().find(is) {
            return Ok(found.clone());
        }
        drop(kept);
        let data = &reference.data;
        let under = law.under_reforms(reforms, &data.areas).map_err(ServiceError::Reform)?;
        let recorded: BTreeSet<Code> = (ledger.figures.areas().into_iter())
            .flat_map(|area| ledger.figures.series_of(area))
            .collect();
        let lists = Lists {
            areas: &data.areas,
            series: &data.series,
            groups: &data.groups,
            standards: &data.standard_names,
            recorded: &recorded,
        };
        let found = reforms.iter().flat_map(|one| lint(one.instrument(), &under, lists));
        let wrong: Vec<_> = found.filter(|one| one.severity == Severity::Error).collect();
        if !wrong.is_empty() {
            return Err(ServiceError::Reform(wrong));
        }
        let under = Arc::new(under);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if KEPT_MAX <= kept.len() {
            kept.remove(0);
        }
        kept.push((law.clone(), reforms.to_vec(), under.clone()));
        Ok(under)
    }
}

/// One law over one state of knowledge, supposed or not: what replays run over.
#[derive(Debug, Clone)]
pub struct Scene {
    /// What is known.
    pub ledger: Arc<Ledger>,
    /// The law.
    pub law: Arc<Library>,
    /// How it is asked.
    pub terms: Terms,
    /// Whether a reform or a supposed figure stands in it, so that nothing may be paid by it.
    pub hypothetical: bool,
}

impl Scene {
    /// Everything answers rest on.
    pub fn world<'a>(&'a self, reference: &'a Reference) -> World<'a> {
        reference.world_under(&self.ledger, &self.law)
    }

    /// The same under one more reform, which was checked before.
    pub(super) fn also(&self, reference: &Reference, reform: Reform) -> Result<Self, ServiceError> {
        let one = std::slice::from_ref(&reform);
        let law = self.law.under_reforms(one, &reference.data.areas);
        let law = Arc::new(law.map_err(ServiceError::Reform)?);
        let mut terms = self.terms.clone();
        terms.reforms.push(reform);
        Ok(Self { ledger: self.ledger.clone(), law, terms, hypothetical: true })
    }
}

impl Service {
    /// What a question under these terms rests on; `figures` are supposed, and stand before those
    /// recorded for the same months.
    ///
    /// # Errors
    /// A document adopted by the instant of the view cannot be read any more, or a reform does not
    /// fit.
    pub fn scene(&self, terms: Terms, figures: &[NewFigure]) -> Result<Scene, ServiceError> {
        let mut ledger = self.writer.snapshot();
        let law = self.law_under(&ledger, &terms)?;
        let hypothetical = !figures.is_empty() || !terms.reforms.is_empty();
        if !figures.is_empty() {
            let supposed = Arc::make_mut(&mut ledger);
            for figure in figures {
                supposed.figures.insert(supposed_figure(figure));
            }
        }
        Ok(Scene { ledger, law, terms, hypothetical })
    }
}

/// A figure that every view sees, after every recorded revision.
fn supposed_figure(figure: &NewFigure) -> Figure {
    Figure {
        area: figure.area,
        series: figure.series.clone(),
        month: figure.month,
        value: figure.value,
        released_on: Some(NaiveDate::default()),
        source: figure.source.clone(),
        revision: u32::MAX,
        recorded_at: DateTime::default(),
    }
}
