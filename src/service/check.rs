//! Checking documents before they become law: reading, fitting together, and their own cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    string::FromUtf8Error,
};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::{
    domain::{
        code::Code,
        figure::{Figure, Figures},
        month::Month,
        standard::{Standard, Standards},
    },
    engine::{
        amount::{Line, Quote},
        deadline::PayBy,
        question::{Terms, World},
        reason::{Text, Vocabulary},
        timeline::Timeline,
    },
    intake::folder::{DataError, Dataset, load, read_documents},
    rules::{
        case::{Amount, Expect, Fact, RuleCase},
        finding::{Finding, Severity},
        instrument::Instrument,
        library::Library,
        lint::{Lists, lint, rests_on_absence},
        word::Outcome,
    },
};

use super::status::{Status, answer};

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
    instruments
        .splice(0..0, others.filter(|one| !ids.contains(&one.head.id)).map(|one| (**one).clone()));
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
pub(super) fn lists<'a>(around: &'a Dataset, recorded: &'a BTreeSet<Code>) -> Lists<'a> {
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
            _ => run(around, library, instrument, case, (figures, standards)),
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
    instrument: &Instrument,
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
    let id = &instrument.head.id;
    if found.status.documents.iter().all(|head| head.id != *id) {
        let (area, month) = (case.area, case.month);
        return vec![(
            format!(
                "{id} is not in force in {area} for index month {month}; the case tests others"
            ),
            format!("{id} 不适用于 {area} 的指数月份 {month},本例检验的是其他文件"),
        )];
    }
    let mut differences = Differences::default();
    differences.of_status(&case.expect, &found.status);
    if let Some(quote) = &found.quote {
        let Dataset { areas, series, groups, standard_names: standards, .. } = around;
        let words = Vocabulary { areas, series, groups, standards };
        differences.of_amounts(&words, &case.expect, quote);
    }
    differences.0
}

/// What differs from what a case expects, in English and Chinese.
#[derive(Default)]
struct Differences(Vec<(String, String)>);

impl Differences {
    fn same<T: PartialEq>(
        &mut self,
        what: &str,
        expected: Option<&T>,
        got: Option<&T>,
        show: impl Fn(&T) -> String,
    ) {
        let Some(expected) = expected else { return };
        if got == Some(expected) {
            return;
        }
        let (expected, got) = (show(expected), got.map_or_else(|| "none".to_owned(), show));
        self.0.push((
            format!("{what}: expected {expected}, got {got}"),
            format!("{what}:应为 {expected},实为 {got}"),
        ));
    }

    fn of_status(&mut self, expect: &Expect, status: &Status) {
        let outcome = &status.outcome;
        let (triggered, state) = (Some(&outcome.triggered), Some(&outcome.state));
        self.same("triggered", expect.triggered.as_ref(), triggered, |one| one.as_str().to_owned());
        self.same("state", expect.state.as_ref(), state, |one| one.as_str().to_owned());
        self.same("since", expect.since.as_ref(), outcome.since.as_ref(), Month::to_string);
        let sorted = |names: &[Code]| names.iter().cloned().collect::<BTreeSet<_>>();
        let expected = expect.carried_by.as_deref().map(sorted);
        let got = Some(sorted(&outcome.carried_by));
        self.same("carried_by", expected.as_ref(), got.as_ref(), |names| {
            names.iter().map(Code::as_str).collect::<Vec<_>>().join(", ")
        });
        self.same_day("pay_by", expect.pay_by, &status.pay_by);
    }

    fn same_day(&mut self, what: &str, expected: Option<NaiveDate>, pay_by: &PayBy) {
        let got = match pay_by {
            PayBy::Day { day, .. } => Some(day),
            _ => None,
        };
        self.same(what, expected.as_ref(), got, NaiveDate::to_string);
    }

    fn of_amounts(&mut self, words: &Vocabulary<'_>, expect: &Expect, quote: &Quote) {
        for amount in &expect.amounts {
            let Amount { group, residence, .. } = amount;
            let found =
                quote.lines.iter().find(|one| one.group == *group && one.residence == *residence);
            let outcome = found.map_or(Outcome::NotCovered, |line| line.outcome.word());
            let what = format!("{group} {residence}");
            let yuan = found.and_then(Line::yuan);
            // Without a sum, the outcome says more than that there is none.
            match (amount.yuan, yuan) {
                (Some(expected), None) => {
                    let none = || Text::new("不在保障范围", "not covered");
                    let got = found.map_or_else(none, |line| words.line_outcome(line));
                    let (en, zh) = (got.en, got.zh);
                    self.0.push((
                        format!("{what}: expected {expected}, got {en}"),
                        format!("{what}:应为 {expected},实为 {zh}"),
                    ));
                }
                (expected, yuan) => {
                    self.same(&what, expected.as_ref(), yuan.as_ref(), Decimal::to_string);
                }
            }
            self.same(&format!("{what} outcome"), amount.outcome.as_ref(), Some(&outcome), |one| {
                one.as_str().to_owned()
            });
            let further = found.and_then(|line| line.each_further_yuan);
            let (what, expected) =
                (format!("{what} each_further_yuan"), amount.each_further_yuan.as_ref());
            self.same(&what, expected, further.as_ref(), Decimal::to_string);
            let nothing = PayBy::NothingOwed;
            let pay_by = found.map_or(&nothing, |line| &line.pay_by);
            self.same_day(&format!("{group} {residence} pay_by"), amount.pay_by, pay_by);
        }
        for given in &expect.discretion {
            let recorded = quote.discretion.iter().filter(|one| one.groups.contains(&given.group));
            let recorded: Vec<_> = recorded.map(|one| one.yuan).collect();
            let got = recorded.iter().find(|yuan| **yuan == given.yuan).or(recorded.first());
            let what = format!("{} discretion", given.group);
            self.same(&what, Some(&given.yuan), got, Decimal::to_string);
        }
    }
}

/// A case's own facts; nothing else is recorded when it runs.
fn facts(case: &RuleCase) -> (Figures, Standards) {
    let recorded_at = DateTime::<Utc>::UNIX_EPOCH;
    let source = || "case".to_owned();
    let (mut figures, mut standards) = (Figures::default(), Standards::default());
    for Fact { area, code, month, value, released_on } in case.figures.iter().cloned() {
        figures.insert(Figure {
            area,
            series: code,
            month,
            value,
            released_on,
            source: source(),
            revision: 1,
            recorded_at,
        });
    }
    for Fact { area, code, month, value, .. } in case.standards.iter().cloned() {
        standards.insert(Standard {
            area,
            standard: code,
            valid_from: month,
            yuan: value,
            headcount: None,
            source: source(),
            revision: 1,
            recorded_at,
        });
    }
    (figures, standards)
}
