//! The guide for rule authors: every document, command and word it shows is real.
//!
//! The documents are files under `data/guide`; both language versions show them word for word, each
//! in a block that begins with the file's name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use price_linkage::{
    domain::{area::Level, decision::State},
    intake::folder::{Dataset, load, read_documents},
    rules::{
        cite::{Kind, Mark},
        finding::Severity,
        sum::RoundTo,
        terms::{
            AmountTerms, ConditionTerms, FundingTerms, LimitTerms, PaymentTerms, StepTerms,
            TriggerTerms,
        },
        word::{
            Below, Comparator, CountedFrom, CountsFrom, Due, HoldsOn, Measure, OnBreach, Outcome,
            Period, Points, Rhythm, Roster, RoundMode, SeveralGroups, Source, Start, StepKind,
            ThresholdSet, Unit,
        },
    },
    service::check::{check, check_texts},
};

const VERSIONS: [&str; 2] = ["data/instruments/README.md", "data/instruments/README.zh.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of a language, in order.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let after = guide.split(opening.as_str()).skip(1);
    after.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The documents a version shows: the name in their first line, and the text.
fn shown(guide: &str) -> Vec<(String, String)> {
    let named = |block: String| {
        let name = block.lines().next()?.strip_prefix("# ")?.strip_suffix(".toml")?.to_owned();
        Some((name, block))
    };
    blocks(guide, "toml").into_iter().filter_map(named).collect()
}

/// The example documents by name, without their ending.
fn examples() -> BTreeMap<String, String> {
    let folder = root().join("data/guide/instruments");
    let name = |path: &String| Path::new(path).file_stem().unwrap().to_str().unwrap().to_owned();
    read_documents(&folder)
        .unwrap()
        .into_iter()
        .map(|(path, bytes)| (name(&path), String::from_utf8(bytes).unwrap()))
        .collect()
}

fn around() -> &'static Dataset {
    static DATA: std::sync::OnceLock<Dataset> = std::sync::OnceLock::new();
    DATA.get_or_init(|| load(&[root().join("data/guide")]).unwrap())
}

/// What `rules check` says of a document when it takes the place of the one shown, as `code: text`.
fn findings(name: &str, text: &str) -> (usize, Vec<String>) {
    let texts = BTreeMap::from([(format!("{name}.toml"), text.to_owned())]);
    let checked = check_texts(around(), &texts);
    let grave = checked.findings.iter().filter(|one| one.severity != Severity::Note);
    (checked.cases, grave.map(|one| format!("{}: {}", one.code, one.en)).collect())
}

#[test]
fn every_example_is_without_fault_and_proves_it_with_cases() {
    for (name, text) in examples() {
        let (cases, findings) = findings(&name, &text);
        assert_eq!(findings, Vec::<String>::new(), "{name}");
        assert!(0 < cases, "{name} has no case");
    }
    for folder in ["data/guide", "data/guide/first"] {
        let folder = root().join(folder);
        let checked = check(std::slice::from_ref(&folder), &folder.join("instruments")).unwrap();
        assert_eq!(checked.count(Severity::Error) + checked.count(Severity::Warning), 0);
        assert!(checked.documents <= checked.cases);
    }
}

#[test]
fn each_of_the_twenty_five_features_has_an_example() {
    let numbers: BTreeSet<u32> =
        examples().keys().map(|name| name.split('-').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (1..=25).collect());
    for version in VERSIONS {
        let guide = text(version);
        let headed: Vec<u32> = (guide.lines())
            .filter_map(|line| {
                let rest = line.strip_prefix("### Example ").or(line.strip_prefix("### 示例"))?;
                rest.split([':', ':']).next()?.parse().ok()
            })
            .collect();
        assert_eq!(headed, (1..=25).collect::<Vec<_>>(), "{version}");
    }
}

#[test]
fn both_versions_show_the_documents_that_are_executed() {
    let mut files = examples();
    let first = text("data/guide/first/instruments/2024-notice.toml");
    files.insert("2024-notice".to_owned(), first);
    let orders = VERSIONS.map(|version| {
        let shown = shown(&text(version));
        for (name, block) in &shown {
            assert_eq!(files.get(name), Some(block), "{version} shows another {name}");
        }
        shown.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    });
    assert_eq!(orders[0], orders[1], "both versions show the same, in the same order");
    let all: BTreeSet<_> = orders[0].iter().cloned().collect();
    assert_eq!(all, files.into_keys().collect(), "every example is shown");
}

#[test]
fn an_example_stands_under_the_number_of_its_feature() {
    for version in VERSIONS {
        let guide = text(version);
        let sections = guide.split("\n### ").skip(1);
        for section in sections.filter(|one| one.starts_with("Example ") || one.starts_with("示例"))
        {
            let digits = section.trim_start_matches("Example ").trim_start_matches("示例");
            let number: u32 = digits.split([':', ':']).next().unwrap().parse().unwrap();
            let names = shown(section).into_iter().map(|(name, _)| name);
            let wrong: Vec<_> =
                names.filter(|name| !name.starts_with(&format!("{number:02}-"))).collect();
            assert!(wrong.is_empty(), "{version}: {wrong:?} under example {number}");
        }
    }
}

#[test]
fn the_examples_are_not_law() {
    let shipped = load(&[]).unwrap();
    let heads = shipped.library.instruments().iter().map(|one| &one.head);
    let invented = heads.filter(|head| head.jurisdiction.to_string().starts_with("99"));
    assert_eq!(invented.count(), 0);
    assert!(shipped.texts.keys().all(|file| !file.contains("guide")));
}

/// Expectations of a case, each with a value that is certainly another one.
const OTHERWISE: [(&str, &str); 10] = [
    ("triggered = \"yes\"", "triggered = \"no\""),
    ("triggered = \"no\"", "triggered = \"yes\""),
    ("triggered = \"undecidable\"", "triggered = \"yes\""),
    ("state = \"", "state = \"undecidable\""),
    ("since = \"", "since = \"1999-01\""),
    ("carried_by = [\"", "carried_by = [\"nothing\""),
    ("pay_by = \"", "pay_by = \"1999-01-01\""),
    ("yuan = \"", "yuan = \"0.01\""),
    ("outcome = \"", "outcome = \"undecidable\""),
    ("each_further_yuan = \"", "each_further_yuan = \"0.01\""),
];

/// Every text that differs from this one in one expectation of one case.
fn mutated(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let expectations = text.match_indices("expect").map(|(at, _)| at);
    for from in expectations {
        let until = text[from..].find("[[cases]]").map_or(text.len(), |length| from + length);
        for (what, instead) in OTHERWISE {
            for (at, _) in text[from..until].match_indices(what) {
                let at = from + at;
                // A key is not the end of a longer one.
                if text[..at].ends_with(|before: char| before == '_' || before.is_alphanumeric()) {
                    continue;
                }
                let end = at + what.len();
                let end = match what.ends_with("= \"") || what.ends_with("[\"") {
                    true => end + text[end..].find('"').unwrap() + 1,
                    false => end,
                };
                let line = text[..at].lines().count();
                let changed = [&text[..at], instead, &text[end..]].concat();
                all.push((format!("line {line}: {instead}"), changed));
            }
        }
    }
    all
}

#[test]
fn every_expectation_fails_when_it_is_changed() {
    let mut left: BTreeMap<String, Vec<(String, String)>> =
        examples().into_iter().map(|(name, text)| (name, mutated(&text))).collect();
    let changes: usize = left.values().map(Vec::len).sum();
    assert!(250 <= changes, "only {changes} expectations are changed");
    assert!(left.values().all(|mutated| !mutated.is_empty()));
    // One change of each document at a time; cases of one document do not touch another.
    while !left.is_empty() {
        let round: Vec<_> = (left.iter_mut())
            .filter_map(|(name, mutated)| Some((format!("{name}.toml"), mutated.pop()?)))
            .collect();
        left.retain(|_, mutated| !mutated.is_empty());
        let texts = round.iter().map(|(file, (_, text))| (file.clone(), text.clone())).collect();
        let checked = check_texts(around(), &texts);
        for (file, (what, _)) in round {
            let noticed = checked.findings.iter().any(|one| one.code == "case" && one.file == file);
            assert!(noticed, "{file}, {what}: nothing noticed");
        }
    }
}

/// The commands a version shows, each with the output shown below it.
fn commands(guide: &str) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for block in blocks(guide, "console") {
        for line in block.lines() {
            match line.strip_prefix("$ price-linkage ") {
                Some(command) => all.push((command.to_owned(), Vec::new())),
                None => all.last_mut().unwrap().1.push(line.to_owned()),
            }
        }
    }
    all
}

#[test]
fn every_command_answers_as_shown() {
    let [english, chinese] = VERSIONS.map(|version| commands(&text(version)));
    assert_eq!(english.len(), chinese.len());
    for (command, shown) in english.into_iter().chain(chinese) {
        let output = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
            .current_dir(root())
            .args(command.split(' '))
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines();
        // `…` stands for any lines left out; what follows it is looked for further down.
        let mut skipping = false;
        for line in &shown {
            if line == "…" {
                skipping = true;
                continue;
            }
            let next = if skipping { lines.find(|one| one == line) } else { lines.next() };
            assert_eq!(next, Some(line.as_str()), "{command}");
            skipping = false;
        }
        assert!(skipping || lines.next().is_none(), "{command} says more than is shown");
    }
}

/// The keys that the code of the rules reads by name.
fn keys_read() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for file in fs::read_dir(root().join("src/rules")).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let code = fs::read_to_string(path).unwrap();
        for before in ["reader, \"", "table, \"", "(r, \"", "(self, \""] {
            for (at, _) in code.match_indices(before) {
                let key = code[at + before.len()..].split('"').next().unwrap();
                if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                    keys.insert(key.to_owned());
                }
            }
        }
    }
    for key in ["standard", "by_hand", "jurisdiction", "lower_to", "released_on", "carried_by"] {
        assert!(keys.contains(key), "the code reads {key}, and this does not see it");
    }
    // Named through a parameter of the reading function.
    keys.extend(
        ["at_least", "above", "at_most", "below", "series", "month", "value", "valid_from"]
            .map(str::to_owned),
    );
    keys
}

fn words() -> BTreeSet<String> {
    let lists: [&[&str]; 34] = [
        TriggerTerms::NAMES,
        ConditionTerms::NAMES,
        AmountTerms::NAMES,
        StepTerms::NAMES,
        PaymentTerms::NAMES,
        FundingTerms::NAMES,
        LimitTerms::NAMES,
        Below::WORDS,
        Comparator::WORDS,
        CountedFrom::WORDS,
        CountsFrom::WORDS,
        Due::WORDS,
        HoldsOn::WORDS,
        Measure::WORDS,
        OnBreach::WORDS,
        Outcome::WORDS,
        Period::WORDS,
        Points::WORDS,
        Rhythm::WORDS,
        Roster::WORDS,
        RoundMode::WORDS,
        RoundTo::WORDS,
        SeveralGroups::WORDS,
        Source::WORDS,
        Start::WORDS,
        StepKind::WORDS,
        ThresholdSet::WORDS,
        Unit::WORDS,
        &["paying", "deciding", "parent", "province", "nation"],
        &["trigger", "higher_of", "lower_of", "first_recorded", "and", "or", "step", "standard"],
        &["urban", "rural"],
        &["yes", "no", "undecidable"],
        &[Kind::National, Kind::Regional, Kind::Overlay, Kind::Assumption].map(Kind::as_str),
        &[Mark::A, Mark::B, Mark::C, Mark::M, Mark::H, Mark::L, Mark::U].map(Mark::as_str),
    ];
    let levels = [Level::Nation, Level::Province, Level::Prefecture, Level::County];
    let mut all: BTreeSet<String> =
        lists.into_iter().flatten().map(|word| (*word).to_owned()).collect();
    all.extend(levels.map(|level| level.as_str().to_owned()));
    all.extend(State::ALL.map(|state| state.as_str().to_owned()));
    all.extend(keys_read());
    all
}

/// Whether the text has the word by itself, not as part of another.
fn has(text: &str, word: &str) -> bool {
    let part = |char: char| char.is_ascii_alphanumeric() || char == '_' || "<>=".contains(char);
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[test]
fn every_word_of_the_format_is_in_the_reference_of_both_versions() {
    let words = words();
    assert!(200 <= words.len(), "only {} words", words.len());
    for version in VERSIONS {
        let guide = text(version);
        let reference = guide.split("\n## 3. ").nth(1).unwrap();
        let lacking: Vec<_> = words.iter().filter(|word| !has(reference, word)).collect();
        assert!(lacking.is_empty(), "{version} lacks {lacking:?}");
    }
}
