//! Checking documents before they become law: reading, fitting together, and their own cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    string::FromUtf8Error,
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
    intake::folder::{DataError, Dataset, load, read_documents},
    rules::{
        case::RuleCase,
        finding::{Finding, Severity},
        instrument::Instrument,
        library::Library,
        lint::{Lists, lint, rests_on_absence},
    },
};

use super::status::answer;

/// Most months decided for the cases of one document, so that none makes the check slow.
const CASE_MONTHS_MAX: usize = 50_000;

/// What checking found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Documents in the folder.
    pub documents: usize,
    /// Cases run.
    pub cases: usize,
    /// What is wrong or worth knowing: errors, warnings, notes; each by file and line.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// How many findings weigh this much.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How many findings of each kind weigh this much.
    pub fn kinds(&self, severity: Severity) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for one in self.findings.iter().filter(|finding| finding.severity == severity) {
            *kinds.entry(one.code).or_default() += 1;
        }
        kinds
    }

    /// Whether a file has an error.
    fn has_error(&self, file: &str) -> bool {
        self.findings.iter().any(|one| one.severity == Severity::Error && one.file == file)
    }

    /// Errors first, then warnings, then notes; each by file and line, and each once.
    fn sort(&mut self) {
        let order = |a: &Finding, b: &Finding| {
            (a.severity, &a.file, a.line, a.code, &a.en)
                .cmp(&(b.severity, &b.file, b.line, b.code, &b.en))
        };
        self.findings.sort_by(order);
        self.findings.dedup();
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
    let own = read_documents(folder)?;
    let mut texts = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (file, bytes) in own {
        match String::from_utf8(bytes) {
            Ok(text) => drop(texts.insert(file, text)),
            Err(error) => unreadable.push(not_utf8(file, &error)),
        }
    }
    let mut checked = check_texts(&around, &texts);
    checked.documents += unreadable.len();
    checked.findings.extend(unreadable);
    checked.sort();
    Ok(checked)
}

fn not_utf8(file: String, error: &FromUtf8Error) -> Finding {
    let (good, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
    let line = good.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
    Finding {
        severity: Severity::Error,
        code: "not_utf8",
        file,
        line,
        clause: String::new(),
        en: "not UTF-8 here; expected the whole file in UTF-8".to_owned(),
        zh: "此处不是 UTF-8;整个文件应为 UTF-8".to_owned(),
    }
}

/// As [`check`], for texts by file. What is wrong with one document keeps no other from being
/// checked, nor the rest of the same document.
pub fn check_texts(around: &Dataset, own: &BTreeMap<String, String>) -> Checked {
    let mut checked = Checked { documents: own.len(), cases: 0, findings: Vec::new() };
    let mut instruments = Vec::new();
    for (file, text) in own {
        let (instrument, findings) = Instrument::read(file, text);
        instruments.extend(instrument);
        checked.findings.extend(findings);
    }
    let in_part: BTreeSet<String> =
        checked.findings.iter().map(|finding| finding.file.clone()).collect();
    let files: BTreeSet<String> = instruments.iter().map(|one| one.head.file.clone()).collect();
    let ids: BTreeSet<String> = instruments.iter().map(|one| one.head.id.clone()).collect();
    let others = around.library.instruments().iter();
    instruments.splice(0..0, others.filter(|one| !ids.contains(&one.head.id)).cloned());
    let (library, conflicts) = Library::with_conflicts(instruments, &around.areas);
    checked.findings.extend(conflicts);
    let recorded: BTreeSet<Code> = around.figures.iter().map(|one| one.series.clone()).collect();
    for instrument in library.instruments().iter().filter(|one| files.contains(&one.head.file)) {
        let found = lint(instrument, &library, lists(around, &recorded)).into_iter();
        let in_part = in_part.contains(&instrument.head.file);
        checked.findings.extend(found.filter(|one| !in_part || !rests_on_absence(one)));
        // A document with an error is no law; what its cases would yield says nothing.
        if !checked.has_error(&instrument.head.file) {
            run_cases(around, &library, instrument, &mut checked);
        }
    }
    checked.sort();
    checked
}

/// What names are checked against.
fn lists<'a>(around: &'a Dataset, recorded: &'a BTreeSet<Code>) -> Lists<'a> {
    Lists {
        areas: &around.areas,
        series: &around.series,
        groups: &around.groups,
        standards: &around.standard_names,
        recorded,
    }
}

fn run_cases(around: &Dataset, library: &Library, instrument: &Instrument, checked: &mut Checked) {
    let mut months_left = CASE_MONTHS_MAX;
    for case in &instrument.cases {
        let (figures, standards) = facts(case);
        let newest = figures.newest().map_or(case.month, |newest| newest.max(case.month));
        let first = library.oldest().into_iter().chain(figures.oldest()).min().unwrap_or(newest);
        months_left = months_left.saturating_sub(first.through(newest).count());
        let wrong = match months_left {
            0 => vec![(
                format!("not run: the cases decide more than {CASE_MONTHS_MAX} months in all"),
                format!("未运行:各例合计须判定的月份超过 {CASE_MONTHS_MAX} 个"),
            )],
            _ => run(around, library, case, (figures, standards)),
        };
        checked.cases += usize::from(0 < months_left);
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

/// What a case expected and did not get, in English and Chinese.
fn run(
    around: &Dataset,
    library: &Library,
    case: &RuleCase,
    (figures, standards): (Figures, Standards),
) -> Vec<(String, String)> {
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
