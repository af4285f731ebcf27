//! No document, however broken, makes reading, checking, deciding or comparing panic or hang:
//! shipped documents with bytes, lines and tokens changed, and documents put together at random from
//! the words of the format.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use price_linkage::{
    intake::folder::{Dataset, load},
    service::{
        Service,
        check::{Checked, check_texts},
        diff::Asked,
    },
};
use proptest::prelude::*;

static DATA: LazyLock<Dataset> = LazyLock::new(|| load(&[]).unwrap());
static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::in_memory(&[]).unwrap());
/// The shipped documents.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| DATA.texts.values().cloned().collect());
/// Every line of them, each once.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let lines = TEXTS.iter().flat_map(|text| text.lines()).map(str::to_owned);
    lines.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
});
/// Every section of them, each once.
static SECTIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let sections = TEXTS.iter().flat_map(|text| text.split("\n[").skip(1));
    let sections = sections.map(|section| format!("[{section}\n"));
    sections.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
});
/// Every word, number and sign of them, each once, with what lies at the ends of ranges.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let ends = [
        "4000000000",
        "-1",
        "0",
        "1200",
        "\"1990-01\"",
        "\"2099-12\"",
        "\"0\"",
        "\"-1\"",
        "\"999999999999999.999999\"",
        "\"1/4294967295\"",
        "\"4294967295/1\"",
        "\"000000\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        "true",
        "[[cases]]",
        "[trigger]",
        "\"(\"",
        "\"trigger\"",
    ];
    let tokens = TEXTS.iter().flat_map(|text| tokens(text)).map(str::to_owned);
    let all = tokens.chain(ends.map(str::to_owned));
    all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
});

/// A text cut so that its parts joined give it again.
fn tokens(text: &str) -> Vec<&str> {
    text.split_inclusive(|letter: char| " =,[]{}\n".contains(letter)).collect()
}

/// Longest time for one check of a handful of documents on a busy machine, unoptimised.
const CHECK: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
enum Change {
    Byte(usize, u8),
    CutLine(usize),
    DoubleLine(usize),
    Line(usize, usize),
    Token(usize, usize),
    SwapTokens(usize, usize),
    CutEnd(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<u32>().prop_map(|at| at as usize);
    prop_oneof![
        1 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => at.clone().prop_map(Change::CutLine),
        2 => at.clone().prop_map(Change::DoubleLine),
        3 => (at.clone(), at.clone()).prop_map(|(at, with)| Change::Line(at, with)),
        6 => (at.clone(), at.clone()).prop_map(|(at, with)| Change::Token(at, with)),
        3 => (at.clone(), at.clone()).prop_map(|(a, b)| Change::SwapTokens(a, b)),
        1 => at.prop_map(Change::CutEnd),
    ]
}

fn changed(text: &str, change: &Change) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut words = tokens(text);
    if words.is_empty() || lines.is_empty() {
        return text.to_owned();
    }
    let (line_count, word_count) = (lines.len(), words.len());
    match change {
        Change::Byte(at, byte) => {
            let mut bytes = text.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = *byte;
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        Change::CutEnd(at) => {
            return String::from_utf8_lossy(&text.as_bytes()[..at % text.len()]).into_owned();
        }
        Change::CutLine(at) => drop(lines.remove(at % line_count)),
        Change::DoubleLine(at) => lines.insert(at % line_count, lines[at % line_count]),
        Change::Line(at, with) => lines[at % line_count] = &LINES[with % LINES.len()],
        Change::Token(at, with) => {
            words[at % word_count] = &TOKENS[with % TOKENS.len()];
            return words.concat();
        }
        Change::SwapTokens(a, b) => {
            words.swap(a % word_count, b % word_count);
            return words.concat();
        }
    }
    lines.concat()
}

fn mutated() -> impl Strategy<Value = String> {
    (any::<u32>(), prop::collection::vec(change(), 1..4)).prop_map(|(which, changes)| {
        let text = TEXTS[which as usize % TEXTS.len()].clone();
        changes.iter().fold(text, |text, one| changed(&text, one))
    })
}

/// A readable head and then sections of any documents in any order, with little changed.
fn assembled() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["regional", "overlay", "assumption"]);
    let sections = prop::collection::vec(any::<u32>(), 1..20);
    let changes = prop::collection::vec(change(), 0..3);
    (kind, sections, changes).prop_map(|(kind, sections, changes)| {
        let head = format!(
            "id = \"made-up\"\nkind = \"{kind}\"\ntitle_zh = \"示例\"\ntitle_en = \"example\"\n\
             author = \"a\"\ndate = \"2020-01-01\"\nreason = \"r\"\njurisdiction = \"150100\"\n\
             index_months = {{ from = \"2010-01\" }}\n"
        );
        let section = |at: &u32| SECTIONS[*at as usize % SECTIONS.len()].as_str();
        let mut titles = std::collections::BTreeSet::new();
        let mut fresh = |text: &&str| {
            text.starts_with("[[") || titles.insert(text.lines().next().map(str::to_owned))
        };
        let chosen: Vec<_> = sections.iter().map(section).filter(|text| fresh(text)).collect();
        changes.iter().fold(head + &chosen.concat(), |text, one| changed(&text, one))
    })
}

/// A readable document of values that each fit their key or do not, section by section.
fn valued() -> impl Strategy<Value = String> {
    let keys = [
        (
            "trigger",
            "when hold_when end_when start back_pay_months counts_from below end_after_months longest_run_months pause_months level index_area holds_on",
        ),
        (
            "trigger.conditions.cpi",
            "series measure average_months decimals comparator threshold threshold_series threshold_set threshold_area threshold_plus run_months index_area standard_raised",
        ),
        ("amount", "order period"),
        (
            "amount.steps.rate",
            "kind base rise rise_measure rise_average_months bands yuan of months_back share unit each_further_yuan above points",
        ),
        ("amount.steps.round", "kind to mode of by yuan before after"),
        ("payment", "rhythm terms due due_days due_day due_months_after pay_month_offset roster"),
        ("funding", "split remainder increment_steps increment_groups"),
    ];
    let values = [
        "\"cpi\"",
        "\"cpi or food\"",
        "\"(cpi and food) or cpi\"",
        "\"average\"",
        "\"cumulative\"",
        "\"year\"",
        "0",
        "1",
        "3",
        "12",
        "24",
        "36",
        "1200",
        "\"3.0\"",
        "\"-3.0\"",
        "\">=\"",
        "\"<\"",
        "\"next_month\"",
        "\"rule\"",
        "\"pay\"",
        "\"carrying\"",
        "[\"rate\", \"round\"]",
        "[\"round\", \"rate\"]",
        "\"base_times_rise\"",
        "\"sum_by_band\"",
        "\"earlier_amount\"",
        "\"higher_of\"",
        "\"flat\"",
        "\"round\"",
        "\"multiply\"",
        "\"dibao_urban\"",
        "\"trigger\"",
        "{ higher_of = [\"cpi\", \"trigger\"] }",
        "[ { at_least = \"1\", yuan = \"2\" } ]",
        "\"999999999999999\"",
        "{ open = true }",
        "{ inherited = true }",
        "{ lower_to = \"1\" }",
        "{ step = \"round\", share = \"2\" }",
        "{ step = \"rate\", share = \"1/2\" }",
        "{ standard = \"dibao_urban\", share = \"0.2\" }",
        "{ lower_of = [\"cpi\", \"food\", \"trigger\"] }",
        "\"lower_of\"",
        "{ threshold_of = \"cpi\" }",
        "\"household_and_heads\"",
        "\"add\"",
        "\"sum_per_point\"",
        "\"fixed\"",
        "\"working_days\"",
        "\"term\"",
        "[ { from = 3, until = 2 } ]",
        "\"quarter\"",
        "\"nation\"",
        "\"990000\"",
        "\"yuan\"",
        "\"half_up\"",
        "\"none\"",
        "[ { residence = \"urban\", value = \"1\" }, { value = \"2\" } ]",
        "[ { pay_from = \"2020-01\", value = 2 } ]",
    ];
    let one = |(section, keys): (&'static str, &'static str)| {
        let keys: Vec<_> = keys.split(' ').collect();
        let value = prop::option::weighted(0.5, prop::sample::select(values.to_vec()));
        prop::collection::vec(value, keys.len()).prop_map(move |values| {
            let set = keys.iter().zip(&values).filter_map(|(key, value)| Some((key, (*value)?)));
            let lines: Vec<_> = set.map(|(key, value)| format!("{key} = {value}\n")).collect();
            format!("[{section}]\n{}", lines.concat())
        })
    };
    let sections: Vec<_> = keys.into_iter().map(one).collect();
    (sections, "20(0[0-9]|1[0-9])-(0[1-9]|1[0-2])").prop_map(|(sections, from)| {
        format!(
            "id = \"made-up\"\nkind = \"overlay\"\ntitle_zh = \"示例\"\ntitle_en = \"example\"\n\
             jurisdiction = \"150100\"\nindex_months = {{ from = \"{from}\" }}\n{}",
            sections.concat()
        )
    })
}

/// Checks the documents together, and sets the first that could be law beside the law without it.
fn try_all(documents: &[String]) -> Checked {
    let started = Instant::now();
    let texts: BTreeMap<_, _> = documents
        .iter()
        .enumerate()
        .map(|(at, text)| (format!("{at}.toml"), text.clone()))
        .collect();
    let checked = check_texts(&DATA, &texts);
    let comparable =
        documents.iter().find_map(|text| SERVICE.diff(&Asked::Text(text.clone()), false).ok());
    if let Some(diff) = comparable {
        let _ = diff.law();
        // A figure out of range is an answer; a panic or a hang is not.
        let _ = diff.areas.first().map(|area| diff.area(*area));
    }
    let spent = started.elapsed();
    assert!(spent < CHECK, "{spent:?}");
    checked
}

/// A quarter of the usual number, which PROPTEST_CASES raises.
static CONFIG: LazyLock<ProptestConfig> = LazyLock::new(|| {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(4), failure_persistence: None, ..usual }
});

proptest! {
    #![proptest_config(CONFIG.clone())]

    #[test]
    fn shipped_documents_with_anything_changed(
        documents in prop::collection::vec(mutated(), 8)
    ) {
        let checked = try_all(&documents);
        prop_assert_eq!(checked.documents, 8);
        for one in &checked.findings {
            let text = one.file.strip_suffix(".toml").and_then(|at| at.parse::<usize>().ok());
            if let Some(text) = text.and_then(|at| documents.get(at)) {
                let lines = text.matches('\n').count() as u32 + 1;
                prop_assert!(one.line <= lines, "{one} of {lines} lines");
            }
        }
    }

    #[test]
    fn documents_made_of_sections_of_others(documents in prop::collection::vec(assembled(), 8)) {
        try_all(&documents);
    }

    #[test]
    fn documents_with_any_value_for_any_key(documents in prop::collection::vec(valued(), 8)) {
        try_all(&documents);
    }
}
