//! What a careful reader would object to in a document, beyond what makes it unreadable.
//!
//! **Invariant:** checking never panics and reports everything it finds; it needs no figures.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    group::Names,
    month::Month,
    series::SeriesList,
};

use super::{
    cite::{Cite, Kind},
    finding::{Finding, Severity},
    instrument::Instrument,
    library::{Law, Library, RuleSet},
    param::{Classes, Context, Param, Pick, values},
    shown::Shown,
};

mod bands;

mod cases;

mod limits;

mod names;

mod needed;

mod order;

mod relative;

/// What names in a document are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    /// The areas.
    pub areas: &'a Areas,
    /// The series.
    pub series: &'a SeriesList,
    /// The groups.
    pub groups: &'a Names,
    /// The standards.
    pub standards: &'a Names,
    /// The series of which at least one figure is recorded.
    pub recorded: &'a BTreeSet<Code>,
}

/// A stretch of index months in which nothing that the document says or stands on changes.
struct Stage {
    /// Its first month.
    month: Month,
    /// The law with the document.
    with: Arc<RuleSet>,
    /// The law without it.
    without: Arc<RuleSet>,
    /// The documents it stands on.
    below: Arc<RuleSet>,
}

/// Gathers findings about one document.
struct Lint<'a> {
    instrument: &'a Instrument,
    lists: Lists<'a>,
    /// What the document speaks of.
    own: Vec<Shown>,
    /// From its first month to its last; its jurisdiction stands for the areas below.
    stages: Vec<Stage>,
    findings: Vec<Finding>,
}

/// Everything to object to in a document, given the library it belongs to. Each is told once, for
/// the first month in which it shows. O(months in which something changes × parameters).
pub fn lint(instrument: &Instrument, library: &Library, lists: Lists<'_>) -> Vec<Finding> {
    let own = instrument.terms.list();
    let stages = stages(instrument, library, lists.areas);
    let mut lint = Lint { instrument, lists, own, stages, findings: Vec::new() };
    lint.names();
    lint.cases();
    lint.bands();
    lint.school_terms();
    lint.order();
    lint.relative();
    lint.needed();
    lint.open_parameters();
    lint.limits();
    lint.findings
}

/// Whether a finding says that something is not there, which cannot be told of a document that was
/// only read in part.
pub fn rests_on_absence(finding: &Finding) -> bool {
    const CODES: [&str; 13] = [
        "missing_parameter",
        "remainder",
        "unknown_condition",
        "unused_condition",
        "unknown_step",
        "open_step",
        "order",
        "implicit_order",
        "implicit_rounding",
        "unknown_class",
        "uncovered_group",
        "nothing_to_add_to",
        "no_sum",
    ];
    CODES.contains(&finding.code)
}

/// The law in force at every month of the document in which something changes.
fn stages(instrument: &Instrument, library: &Library, areas: &Areas) -> Vec<Stage> {
    let head = &instrument.head;
    // An assumption is no law; the law is judged without the assumptions that fill it.
    let strict = head.kind != Kind::Assumption;
    let mut changes = BTreeSet::from([head.months.from]);
    library.changes(areas, head.jurisdiction, &mut changes);
    instrument.terms.changes(&mut changes);
    let law = |month| {
        let with = library.rules(areas, head.jurisdiction, month, &Law::InForce, strict).ok()?;
        let own = with.documents.iter().position(|one| one.id == head.id)?;
        let below = library.together(&with.documents[..own])?;
        let others = [&with.documents[..own], &with.documents[own + 1..]].concat();
        let without = library.together(&others)?;
        Some(Stage { month, with, without, below })
    };
    changes.into_iter().filter(|month| head.months.contains(*month)).filter_map(law).collect()
}

impl Lint<'_> {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: Option<&Cite>,
        en: String,
        zh: String,
    ) {
        let file = self.instrument.head.file.clone();
        let line = at.map_or(1, |cite| cite.line);
        let clause = at.map_or(String::new(), |cite| cite.clause.to_string());
        let finding = Finding { severity, code, file, line, clause, en, zh };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The classes that a case of the document can name.
    fn classes(&self) -> Classes {
        let mut all = BTreeMap::new();
        for stage in &self.stages {
            all.extend(stage.with.terms.classes.clone());
        }
        all.extend(self.instrument.terms.classes.clone());
        all
    }

    /// The document's jurisdiction, and every area below it that one of its cases names.
    fn areas(&self) -> BTreeSet<AreaCode> {
        let jurisdiction = self.instrument.head.jurisdiction;
        let selected = self.own.iter().flat_map(|shown| &shown.says);
        let selected = selected.flat_map(|said| said.when.areas.iter().flatten());
        let changed = self.instrument.terms.groups.iter();
        let changed = changed.flat_map(|change| change.areas.iter().flatten());
        let classes = self.instrument.terms.classes.values().flatten();
        let named = selected.chain(changed).chain(classes);
        let below = named.filter(|area| self.lists.areas.within(**area, jurisdiction));
        std::iter::once(jurisdiction).chain(below.copied()).take(200).collect()
    }

    /// Parameters left open, so that whoever uses the document knows.
    fn open_parameters(&mut self) {
        let open: Vec<_> = (self.own.iter())
            .flat_map(|shown| shown.says.iter().map(move |said| (shown, said)))
            .filter(|(_, said)| said.open)
            .map(|(shown, said)| (shown.path.clone(), said.cite.clone()))
            .collect();
        for (path, cite) in open {
            let en = format!("{path} is left open: a required local parameter");
            let zh = format!("{path} 未作规定:须由地方参数补充");
            self.add(Severity::Note, "open_parameter", Some(&cite), en, zh);
        }
    }

    /// School terms that overlap, or months of the year in none.
    fn school_terms(&mut self) {
        let all: Vec<_> = (values(&self.instrument.terms.payment.terms))
            .map(|(terms, cite)| (terms.clone(), cite.clone()))
            .collect();
        for (terms, cite) in all {
            let count = |month: u32| terms.iter().filter(|term| term.contains(month)).count();
            let months = |wanted: &dyn Fn(usize) -> bool| {
                let found = (1..=12).filter(|month| wanted(count(*month)));
                found.map(|month| month.to_string()).collect::<Vec<_>>().join(", ")
            };
            let (twice, never) = (months(&|count| 1 < count), months(&|count| count == 0));
            if !twice.is_empty() {
                let en = format!("payment.terms overlap in month {twice}; expected one term each");
                let zh = format!("payment.terms 在 {twice} 月重叠;每月应只属于一个学期");
                self.add(Severity::Error, "terms_overlap", Some(&cite), en, zh);
            }
            if !never.is_empty() {
                let en = format!("payment.terms leave out month {never}; expected one term each");
                let zh = format!("payment.terms 未包括 {never} 月;每月应属于一个学期");
                self.add(Severity::Warning, "terms_hole", Some(&cite), en, zh);
            }
        }
    }
}

impl Stage {
    /// The case at hand for a parameter of the trigger, in an area.
    fn context<'a>(&'a self, areas: &'a Areas, area: AreaCode) -> Context<'a> {
        let mut context = Context {
            areas,
            classes: &self.with.terms.classes,
            area,
            month: self.month,
            pay_month: self.month.plus(1).unwrap_or(self.month),
            group: None,
            residence: None,
            carried_by: &[],
        };
        let offset = &self.with.terms.payment.pay_month_offset;
        if let Pick::Set(offset) = offset.pick(&context) {
            context.pay_month = self.month.plus(*offset.value as i32).unwrap_or(self.month);
        }
        context
    }
}

/// Whether some document says a value for a parameter, or that it is left open.
fn is_said<T>(param: &Param<T>) -> bool {
    !param.is_unset()
}
