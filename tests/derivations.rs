//! The derivation of every sum that the guide's examples of amounts state, word for word in both
//! languages: `tests/derivations.txt` holds what is told to whoever asks how a sum came about.

use std::{fmt::Write, fs, path::Path};

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{
        figure::{Figure, Figures},
        standard::{Standard, Standards},
    },
    engine::{
        question::{Terms, World},
        reason::Vocabulary,
        timeline::Timeline,
    },
    intake::folder::{Dataset, load},
    rules::case::{Fact, RuleCase},
    service::status::answer,
};

/// The facts of a case, as if recorded.
fn recorded(case: &RuleCase) -> (Figures, Standards) {
    let (mut figures, mut standards) = (Figures::default(), Standards::default());
    let recorded_at = DateTime::<Utc>::UNIX_EPOCH;
    for Fact { area, code, month, value, released_on } in case.figures.iter().cloned() {
        let (series, source, revision) = (code, String::new(), 1);
        figures.insert(Figure {
            area,
            series,
            month,
            value,
            released_on,
            source,
            revision,
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
            source: String::new(),
            revision: 1,
            recorded_at,
        });
    }
    (figures, standards)
}

/// The case, the sums that it states, and how each came about.
fn told(data: &Dataset, case: &RuleCase, into: &mut String) {
    let Dataset { areas, series, groups, standard_names: standards, library, calendar, .. } = data;
    let (figures, recorded) = recorded(case);
    let world = World { areas, series, library, figures: &figures, standards: &recorded, calendar };
    let words = Vocabulary { areas, series, groups, standards };
    let terms = Terms::default();
    let last = figures.newest().map_or(case.month, |newest| newest.max(case.month));
    let timeline = Timeline::through(world, case.area, last, &terms).unwrap();
    let quote = answer(world, &timeline, case.month, &terms, true).unwrap().quote.unwrap();
    writeln!(into, "\n{}", case.name).unwrap();
    for stated in &case.expect.amounts {
        let fits = |line: &&price_linkage::engine::amount::Line| {
            line.group == stated.group && line.residence == stated.residence
        };
        let Some(line) = quote.lines.iter().find(fits) else { continue };
        let text = words.line(line);
        writeln!(into, "  {}\n  {}", text.zh, text.en).unwrap();
        for step in &line.steps {
            let text = words.step(step);
            writeln!(into, "    {} {}\n    {} {}", step.name, text.zh, step.name, text.en).unwrap();
        }
    }
}

#[test]
fn every_derivation_of_the_guide_is_told_word_for_word() {
    let data = load(&["data/guide".into()]).unwrap();
    let mut all = String::new();
    let amounts = "guide-08-".."guide-21-";
    let documents = data.library.instruments().iter();
    for document in documents.filter(|one| amounts.contains(&one.head.id.as_str())) {
        write!(all, "\n# {} {}\n", document.head.id, document.head.title_zh).unwrap();
        for case in document.cases.iter().filter(|case| !case.expect.amounts.is_empty()) {
            told(&data, case, &mut all);
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/derivations.txt");
    let expected = fs::read_to_string(file).unwrap();
    for (line, (got, expected)) in all.lines().zip(expected.lines()).enumerate() {
        assert_eq!(got, expected, "line {}", line + 1);
    }
    assert_eq!(all.lines().count(), expected.lines().count());
}
