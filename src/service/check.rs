//! Checking documents before they become law: reading, fitting together, and their own cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        code::Code,
        figure::{Figure, Figures},
        standard::{Standard, Standards},
    },
    engine::{
        question::{Terms, World},
        timeline::Timeline,
    },
    intake::folder::{DataError, Dataset, library, load, read_texts},
    rules::{
        case::RuleCase,
        finding::{Finding, Severity},
        instrument::Instrument,
        library::Library,
        lint::{Lists, lint},
    },
};

use super::status::answer;

/// What checking found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Documents in the folder.
    pub documents: usize,
    /// Cases run.
    pub cases: usize,
    /// What is wrong or worth knowing, by file and line.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// How many findings weigh this much.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Checks the documents of a folder together with the shipped ones and those of deployment folders.
/// A document of the folder takes the place of one with the same id. O(documents²) at most, for
/// those of one jurisdiction.
///
/// # Errors
/// The data around them cannot be used.
pub fn check(data: &[PathBuf], folder: &Path) -> Result<Checked, DataError> {
    let around = load(data)?;
    let own = read_texts(folder)?;
    Ok(check_texts(&around, &own))
}

/// As [`check`], for texts by file.
pub fn check_texts(around: &Dataset, own: &BTreeMap<String, String>) -> Checked {
    let mut checked = Checked { documents: own.len(), cases: 0, findings: Vec::new() };
    let mut ids = BTreeSet::new();
    for (file, text) in own {
        match Instrument::parse(file, text) {
            Ok(instrument) => drop(ids.insert(instrument.head.id.clone())),
            Err(findings) => checked.findings.extend(findings),
        }
    }
    if checked.findings.is_empty() {
        let others = around.library.instruments().iter();
        let mut texts: BTreeMap<String, String> = others
            .filter(|one| !ids.contains(&one.head.id))
            .filter_map(|one| around.texts.get_key_value(&one.head.file))
            .map(|(file, text)| (file.clone(), text.clone()))
            .collect();
        texts.extend(own.iter().map(|(file, text)| (file.clone(), text.clone())));
        match library(&texts, &around.areas) {
            Err(findings) => checked.findings.extend(findings),
            Ok(library) => check_in(around, &library, &ids, &mut checked),
        }
    }
    checked.findings.sort_by(|a, b| (&a.file, a.line, a.code).cmp(&(&b.file, b.line, b.code)));
    checked.findings.dedup();
    checked
}

fn check_in(around: &Dataset, library: &Library, ids: &BTreeSet<String>, checked: &mut Checked) {
    let recorded: BTreeSet<Code> = around.figures.iter().map(|one| one.series.clone()).collect();
    let lists = Lists {
        areas: &around.areas,
        series: &around.series,
        groups: &around.groups,
        standards: &around.standard_names,
        recorded: &recorded,
    };
    for instrument in library.instruments().iter().filter(|one| ids.contains(&one.head.id)) {
        checked.findings.extend(lint(instrument, library, lists));
        for case in &instrument.cases {
            checked.cases += 1;
            let wrong = run(around, library, case);
            checked.findings.extend(wrong.into_iter().map(|(en, zh)| Finding {
                severity: Severity::Error,
                code: "case",
                file: instrument.head.file.clone(),
                line: case.line,
                clause: case.name.clone(),
                en,
                zh,
            }));
        }
    }
}

/// What a case expected and did not get, in English and Chinese.
fn run(around: &Dataset, library: &Library, case: &RuleCase) -> Vec<(String, String)> {
    let (figures, standards) = facts(case);
    let world = World {
        areas: &around.areas,
        series: &around.series,
        library,
        figures: &figures,
        standards: &standards,
        calendar: &around.calendar,
    };
    let terms = Terms::default();
    let newest = figures.newest().map_or(case.month, |newest| newest.max(case.month));
    let found = Timeline::through(world, case.area, newest, &terms)
        .and_then(|timeline| answer(world, &timeline, case.month, &terms, true));
    let found = match found {
        Ok(found) => found,
        Err(error) => return vec![(error.to_string(), format!("无法计算:{error}"))],
    };
    let mut wrong = Vec::new();
    let mut differ = |what: &str, expected: &str, got: &str| {
        wrong.push((
            format!("{what}: expected {expected}, got {got}"),
            format!("{what}:应为 {expected},实为 {got}"),
        ));
    };
    let outcome = &found.status.outcome;
    if let Some(expected) = case.triggered.filter(|expected| *expected != outcome.triggered) {
        differ("triggered", expected.as_str(), outcome.triggered.as_str());
    }
    if let Some(expected) = case.state.filter(|expected| *expected != outcome.state) {
        differ("state", expected.as_str(), outcome.state.as_str());
    }
    let lines = found.quote.map(|quote| quote.lines).unwrap_or_default();
    for (group, residence, expected) in &case.amounts {
        let line = lines.iter().find(|one| one.group == *group && one.residence == *residence);
        let what = format!("{group} {residence}");
        match line.map(|line| line.yuan()) {
            None => differ(&what, &expected.to_string(), "not covered"),
            Some(None) => {
                let outcome = line.map(|line| format!("{:?}", line.outcome)).unwrap_or_default();
                differ(&what, &expected.to_string(), &outcome);
            }
            Some(Some(yuan)) if yuan != *expected => {
                differ(&what, &expected.to_string(), &yuan.to_string());
            }
            Some(Some(_)) => {}
        }
    }
    wrong
}

/// A case's own facts; nothing else is recorded when it runs.
fn facts(case: &RuleCase) -> (Figures, Standards) {
    let recorded_at = DateTime::<Utc>::UNIX_EPOCH;
    let source = || "case".to_owned();
    let (mut figures, mut standards) = (Figures::default(), Standards::default());
    for (area, series, month, value) in case.figures.iter().cloned() {
        figures.insert(Figure {
            area,
            series,
            month,
            value,
            released_on: None,
            source: source(),
            revision: 1,
            recorded_at,
        });
    }
    for (area, standard, valid_from, yuan) in case.standards.iter().cloned() {
        standards.insert(Standard {
            area,
            standard,
            valid_from,
            yuan,
            headcount: None,
            source: source(),
            revision: 1,
            recorded_at,
        });
    }
    (figures, standards)
}
