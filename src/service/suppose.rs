//! Supposing: the law under reforms, and figures that are not recorded.
//!
//! **Invariant:** what is supposed lives in values made for one question; nothing of it reaches the
//! law, the ledger or the store.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::DateTime;

use crate::{
    domain::{code::Code, figure::Figure},
    engine::question::{Terms, World},
    intake::figures::NewFigure,
    rules::{
        finding::{Finding, Severity},
        instrument::Instrument,
        library::Library,
        lint::lint,
        param::values,
        reform::Reform,
    },
    store::ledger::Ledger,
};

use super::{Service, ServiceError, check::lists, reference::Reference};

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
        let lists = lists(data, &recorded);
        let found = reforms.iter().flat_map(|one| lint(one.instrument(), &under, lists));
        let mut wrong: Vec<_> = found.filter(|one| one.severity == Severity::Error).collect();
        wrong.extend(reforms.iter().flat_map(|one| unknown_conditions(one, law)));
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

/// Conditions that a reform sets though no document has them and it does not use them itself: most
/// likely misspelt, and without any effect.
fn unknown_conditions(reform: &Reform, law: &Library) -> Vec<Finding> {
    let terms = &reform.instrument().terms;
    let known = |name: &Code| {
        let named = |one: &Arc<Instrument>| one.terms.conditions.contains_key(name);
        law.instruments().iter().any(named)
    };
    let own: BTreeSet<&Code> =
        [&terms.trigger.when, &terms.trigger.hold_when, &terms.trigger.end_when]
            .into_iter()
            .flat_map(values)
            .flat_map(|(expr, _)| expr.names())
            .collect();
    let unknown = terms.conditions.keys().filter(|name| !known(name) && !own.contains(name));
    unknown
        .map(|name| Finding {
            severity: Severity::Error,
            code: "unknown_condition",
            file: reform.instrument().head.file.clone(),
            line: 1,
            clause: String::new(),
            en: format!("condition {name:?}: no document has it, and this one does not use it"),
            zh: format!("条件 {name:?}:没有文件规定它,本文件也未使用"),
        })
        .collect()
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
    /// Whether a supposed figure stands in it.
    pub supposed_figures: bool,
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
        Ok(Self { law, terms, hypothetical: true, ..self.clone() })
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
        Ok(Scene { ledger, law, terms, hypothetical, supposed_figures: !figures.is_empty() })
    }
}

/// A figure after every recorded revision, known at every instant.
pub(super) fn supposed_figure(figure: &NewFigure) -> Figure {
    Figure {
        area: figure.area,
        series: figure.series.clone(),
        month: figure.month,
        value: figure.value,
        released_on: figure.released_on,
        source: figure.source.clone(),
        revision: u32::MAX,
        recorded_at: DateTime::default(),
    }
}
