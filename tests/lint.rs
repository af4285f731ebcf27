//! `rules check` as a compiler: each kind of finding from a document that has it, and its twin that
//! has not. A document is the good one below with one text in place of another.

use std::{
    collections::BTreeMap,
    fs,
    sync::LazyLock,
    time::{Duration, Instant},
};

use price_linkage::{
    domain::month::Month,
    intake::folder::{Dataset, load},
    rules::finding::Severity,
    service::check::{Checked, check, check_texts},
};

/// The shipped data with a province of its own.
static DATA: LazyLock<Dataset> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let areas = "code,name,level,parent\n990000,示例省,province,000000\n\
                 990100,示例市,prefecture,990000\n990200,另一市,prefecture,990000\n\
                 990101,示例区,county,990100\n";
    fs::write(folder.path().join("areas.csv"), areas).unwrap();
    load(&[folder.path().to_owned()]).unwrap()
});

const GOOD: &str = r#"id = "good"
kind = "regional"
title_zh = "示例通知"
title_en = "Example notice"
jurisdiction = "990000"
index_months = { from = "2017-01", until = "2022-12" }
confidence = "A"

[trigger]
level = ["prefecture"]
when = "cpi or food"

[trigger.conditions.cpi]
threshold = "3.0"

[trigger.conditions.food]
series = "food"
comparator = ">="
threshold = "6.0"

[[groups]]
add = ["subsistence_allowance", "special_hardship"]

[classes]
near = ["990100"]

[amount]
order = ["sum", "floor", "whole"]

[amount.steps.sum]
kind = "sum_by_band"
rise = "cpi"
bands = [
  { at_least = "3.0", below = "5.0", yuan = "10" },
  { at_least = "5.0", yuan = "20" },
]

[amount.steps.floor]
kind = "floor"
yuan = [
  { groups = ["special_hardship"], value = "12" },
  { class = "near", value = "6" },
  { value = "5" },
]

[amount.steps.whole]
kind = "round"
to = "yuan"
mode = "half_up"

[payment]
rhythm = "monthly"
due = "working_days"
due_days = 20

[funding]
split = [ { source = "city", share = "0.5" }, { source = "county", share = "0.5" } ]
remainder = "county"
"#;

/// The good document with one text in place of another.
fn with(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?}");
    GOOD.replacen(from, to, 1)
}

fn checked(documents: &[(&str, &str)]) -> Checked {
    let texts: BTreeMap<_, _> =
        documents.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    check_texts(&DATA, &texts)
}

/// Errors and warnings as `file:line code`.
fn found(documents: &[(&str, &str)]) -> Vec<String> {
    let checked = checked(documents);
    for one in &checked.findings {
        assert!(!one.en.is_empty() && !one.zh.is_empty() && one.en != one.zh, "{one}");
        assert!(!one.zh.is_ascii(), "{one}");
    }
    let told = checked.findings.iter().filter(|one| one.severity != Severity::Note);
    told.map(|one| {
        let severity = if one.severity == Severity::Error { "" } else { " (warning)" };
        format!("{}:{} {}{severity}", one.file, one.line, one.code)
    })
    .collect()
}

fn line_of(text: &str, of: &str) -> usize {
    let at = text.find(of).unwrap_or_else(|| panic!("{of:?}"));
    text[..at].matches('\n').count() + 1
}

/// One edit of the good document: what it finds, at the line where `at` stands, and the twin.
struct Kind {
    code: &'static str,
    from: &'static str,
    bad: &'static str,
    at: &'static str,
    twin: &'static str,
}

#[track_caller]
fn edit(code: &'static str, [from, bad, at, twin]: [&'static str; 4]) {
    let kind = Kind { code, from, bad, at, twin };
    let text = with(kind.from, kind.bad);
    let line = if kind.at.is_empty() { 1 } else { line_of(&text, kind.at) };
    let expected = vec![format!("bad.toml:{line} {}", kind.code)];
    assert_eq!(found(&[("bad.toml", &text)]), expected, "{}", kind.code);
    let twin = with(kind.from, kind.twin);
    assert_eq!(found(&[("twin.toml", &twin)]), Vec::<String>::new(), "{} twin", kind.code);
}

#[test]
fn the_good_document_passes_and_lines_are_counted_from_one() {
    assert_eq!(found(&[("good.toml", GOOD)]), Vec::<String>::new());
    assert_eq!(line_of(GOOD, "id ="), 1);
    assert_eq!(line_of(GOOD, "kind = \"regional\""), 2);
    assert_eq!(line_of(GOOD, "\"2017-01\""), 6);
}

#[test]
fn keys_values_and_names_that_cannot_be_read() {
    edit(
        "unknown_key",
        ["due_days = 20", "due_days = 20\ndue_hours = 3", "due_hours", "due_days = 21"],
    );
    edit(
        "bad_value",
        ["share = \"0.5\" } ]", "share = \"0.6\" } ]", "[ { source", "share = \"0.5\" } ] # "],
    );
    edit("bad_value", ["threshold = \"6.0\"", "threshold = 6.0", "6.0", "threshold = \"5.9\""]);
    edit("bad_value", ["due_days = 20", "due_days = 4000000000", "4000000000", "due_days = 366"]);
    edit("out_of_range", ["due_days = 20", "due_days = 367", "367", "due_days = 366"]);
    edit(
        "unknown_name",
        ["series = \"food\"", "series = \"foods\"", "\"foods\"", "series = \"pork\""],
    );
    edit(
        "unknown_name",
        [
            "\"subsistence_allowance\", \"special",
            "\"subsistence\", \"special",
            "[[groups]]",
            "\"orphan_community\", \"special",
        ],
    );
    edit("unknown_area", ["[\"990100\"]", "[\"990900\"]", "", "[\"990200\"]"]);
    edit(
        "unknown_condition",
        ["\"cpi or food\"", "\"cpi or grains or food\"", "\"cpi or grains", "\"food or cpi\""],
    );
    edit(
        "unused_condition (warning)",
        ["\"cpi or food\"", "\"cpi\"", "series = \"food\"", "\"cpi and food\""],
    );
    edit(
        "unknown_class (warning)",
        ["class = \"near\"", "class = \"far\"", "{ class", "class = \"near\" , from = \"2018-01\""],
    );
}

#[test]
fn text_that_is_no_toml_and_files_that_are_no_text() {
    assert_eq!(found(&[("bad.toml", "id = \"a\"\nkind = =\n")]), ["bad.toml:2 not_toml"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bytes.toml"), b"id = \"a\"\ntitle_zh = \"\xff\"\n").unwrap();
    let checked = check(&[], folder.path()).unwrap();
    let told: Vec<_> = checked.findings.iter().map(|one| (one.code, one.line)).collect();
    assert_eq!((checked.documents, told), (1, vec![("not_utf8", 2)]));
}

#[test]
fn documents_that_overlap_or_leave_a_gap_in_time() {
    let second = |from: &str| {
        GOOD.replacen("\"good\"", "\"second\"", 1).replacen(
            "from = \"2017-01\", until = \"2022-12\"",
            &format!("from = \"{from}\""),
            1,
        )
    };
    for (from, expected) in [
        ("2022-12", vec!["second.toml:1 overlap"]),
        ("2023-01", vec![]),
        ("2023-02", vec!["second.toml:1 gap"]),
    ] {
        let second = second(from);
        assert_eq!(found(&[("good.toml", GOOD), ("second.toml", &second)]), expected, "{from}");
    }
    let explained = second("2023-02").replacen("kind =", "gap_before = \"not found\"\nkind =", 1);
    assert_eq!(found(&[("good.toml", GOOD), ("second.toml", &explained)]), Vec::<String>::new());
}

#[test]
fn heads_that_do_not_fit_the_others() {
    edit(
        "unknown_area",
        [
            "jurisdiction = \"990000\"",
            "jurisdiction = \"980000\"",
            "",
            "jurisdiction = \"990000\" # ",
        ],
    );
    edit("kind", ["kind = \"regional\"", "kind = \"national\"", "", "kind = \"regional\" # "]);
    edit(
        "unknown_document",
        [
            "confidence = \"A\"",
            "confidence = \"A\"\namends = [\"nation-2015\"]",
            "",
            "confidence = \"A\"\namends = [\"nation-2014\"]",
        ],
    );
    let again = GOOD.replacen("from = \"2017-01\", until = \"2022-12\"", "from = \"2023-01\"", 1);
    let twice = found(&[("a.toml", GOOD), ("b.toml", &again)]);
    assert_eq!(twice, ["b.toml:1 duplicate_id"]);
    let overlay = |id: &str, days: &str| {
        format!(
            "id = \"{id}\"\nkind = \"overlay\"\ntitle_zh = \"阶段\"\ntitle_en = \"stage\"\n\
             jurisdiction = \"990000\"\nindex_months = {{ from = \"2020-01\", until = \"2020-06\" }}\n\
             [payment]\n{days}\n"
        )
    };
    let (one, same) = (overlay("one", "due_days = 10"), overlay("two", "due_days = 15"));
    let found_together = found(&[("good.toml", GOOD), ("one.toml", &one), ("two.toml", &same)]);
    assert_eq!(found_together, ["two.toml:1 conflict"]);
    let other = overlay("two", "label = \"补贴\"");
    let found_together = found(&[("good.toml", GOOD), ("one.toml", &one), ("two.toml", &other)]);
    assert_eq!(found_together, Vec::<String>::new());
}

#[test]
fn heads_that_cannot_be_read_say_what_was_expected() {
    let told = |from: &str, to: &str| {
        let text = with(from, to);
        let all = checked(&[("bad.toml", &text)]).findings;
        let one = all.iter().find(|one| one.code == "head").unwrap().to_string();
        let (english, chinese) = one.split_once(" / ").unwrap();
        assert!(chinese.contains(":应为 "), "{one}");
        english.to_owned()
    };
    let id = "1 to 60 characters of a-z, 0-9 and -";
    for (from, to, wrong) in [
        ("id = \"good\"", "id = \"Good\"", format!("id \"Good\": expected {id}")),
        ("id = \"good\"", "id = \"\"", format!("id \"\": expected {id}")),
        (
            "kind = \"regional\"",
            "kind = \"local\"",
            "kind \"local\": expected national, regional, overlay, assumption or reform".into(),
        ),
        (
            "jurisdiction = \"990000\"",
            "jurisdiction = \"9900\"",
            "jurisdiction \"9900\": expected a six-digit area code".into(),
        ),
    ] {
        assert_eq!(told(from, to), format!("bad.toml:1: error[head]: {wrong}"));
    }
    let id = |letters: usize| with("id = \"good\"", &format!("id = {:?}", "a".repeat(letters)));
    for (letters, findings) in [(59, 0), (60, 0), (61, 1)] {
        assert_eq!(found(&[("long.toml", &id(letters))]).len(), findings, "{letters}");
    }
}

#[test]
fn bands_that_overlap_leave_a_hole_or_end() {
    let band = "{ at_least = \"3.0\", below = \"5.0\", yuan = \"10\" }";
    for (bad, code) in [
        ("{ at_least = \"3.0\", at_most = \"5.0\", yuan = \"10\" }", "band_overlap"),
        ("{ at_least = \"3.0\", below = \"5.1\", yuan = \"10\" }", "band_overlap"),
        ("{ at_least = \"3.0\", below = \"4.9\", yuan = \"10\" }", "band_hole"),
        ("{ at_least = \"3.0\", at_most = \"4.9\", yuan = \"10\" }", "band_hole"),
        ("{ at_least = \"3.0\", below = \"3.0\", yuan = \"10\" }", "band_empty"),
        ("{ at_least = \"4.0\", below = \"3.0\", yuan = \"10\" }", "band_empty"),
    ] {
        edit(code, [band, bad, "bands = [", "{ below = \"5.0\", yuan = \"10\" }"]);
    }
    // A band of one rise only is not empty, and lies before the one that begins just above it.
    let one = "{ at_least = \"3.0\", at_most = \"3.0\", yuan = \"8\" }";
    let rest = "{ above = \"3.0\", below = \"5.0\", yuan = \"10\" }";
    for bands in [format!("{one}, {rest}"), format!("{rest}, {one}")] {
        assert_eq!(found(&[("one.toml", &with(band, &bands))]), Vec::<String>::new(), "{bands}");
    }
    edit(
        "band_end (warning)",
        [
            "{ at_least = \"5.0\", yuan",
            "{ at_least = \"5.0\", at_most = \"9.0\", yuan",
            "bands = [",
            "{ at_least = \"5.0\", at_most = \"9.0\", yuan = \"20\" }, { above = \"9.0\", by_hand = true }, # ",
        ],
    );
}

#[test]
fn cases_that_nothing_reaches() {
    let case = "{ class = \"near\", value = \"6\" }";
    let covered =
        "{ areas = [\"990000\"], value = \"6\" },\n  { areas = [\"990101\"], value = \"7\" }";
    let twin =
        "{ areas = [\"990101\"], value = \"7\" },\n  { areas = [\"990100\"], value = \"6\" }";
    // The jurisdiction itself covers everything, also the case for all.
    let text = with(case, covered);
    let lines = [line_of(&text, "{ areas = [\"990101\"]")];
    let expected: Vec<_> = lines.iter().map(|at| format!("bad.toml:{at} unreachable")).collect();
    assert_eq!(found(&[("bad.toml", &text)]), expected);
    assert_eq!(found(&[("twin.toml", &with(case, twin))]), Vec::<String>::new());
    for (bad, at, twin) in [
        // An earlier case of the same group, and both residences together.
        (
            "{ groups = [\"special_hardship\"], residence = \"urban\", value = \"6\" }",
            "{ groups = [\"special_hardship\"], residence",
            "{ groups = [\"subsistence_allowance\"], residence = \"urban\", value = \"6\" }",
        ),
        (
            "{ residence = \"urban\", value = \"6\" },\n{ residence = \"rural\", value = \"7\" }",
            "{ value = \"5\" }",
            "{ residence = \"urban\", value = \"6\" }",
        ),
        // A class by its areas, and areas by the class that lies in them.
        (
            "{ class = \"near\", value = \"6\" },\n{ areas = [\"990101\"], value = \"7\" }",
            "{ areas = [\"990101\"]",
            "{ class = \"near\", value = \"6\" },\n{ areas = [\"990200\"], value = \"7\" }",
        ),
        (
            "{ areas = [\"990100\"], value = \"6\" },\n{ class = \"near\", value = \"7\" }",
            "{ class = \"near\"",
            "{ areas = [\"990101\"], value = \"6\" },\n{ class = \"near\", value = \"7\" }",
        ),
        // Months that are all of the document's, and all but the last.
        (
            "{ from = \"2017-01\", until = \"2022-12\", value = \"6\" }",
            "{ value = \"5\" }",
            "{ from = \"2017-01\", until = \"2022-11\", value = \"6\" }",
        ),
    ] {
        let text = with(case, bad);
        let expected = format!("bad.toml:{} unreachable", line_of(&text, at));
        assert_eq!(found(&[("bad.toml", &text)]), [expected], "{bad}");
        assert_eq!(found(&[("twin.toml", &with(case, twin))]), Vec::<String>::new(), "{twin}");
    }
}

#[test]
fn cases_outside_the_document() {
    for (bad, twin) in [
        ("until = \"2016-12\"", "until = \"2017-01\""),
        ("from = \"2023-01\"", "from = \"2022-12\""),
        ("from = \"2018-02\", until = \"2018-01\"", "from = \"2018-01\", until = \"2018-01\""),
        ("pay_until = \"2016-12\"", "pay_until = \"2017-01\""),
        // Payment may come two years late.
        ("pay_from = \"2025-01\"", "pay_from = \"2024-12\""),
        ("areas = [\"150000\"]", "areas = [\"990101\"]"),
    ] {
        let case = |when: &str| with("{ class = \"near\",", &format!("{{ {when},"));
        let text = case(bad);
        let expected = format!("bad.toml:{} never_fits", line_of(&text, bad));
        assert_eq!(found(&[("bad.toml", &text)]), [expected], "{bad}");
        assert_eq!(found(&[("twin.toml", &case(twin))]), Vec::<String>::new(), "{twin}");
    }
    edit(
        "uncovered_group (warning)",
        [
            "groups = [\"special_hardship\"], value",
            "groups = [\"poor_student\"], value",
            "{ groups",
            "groups = [\"special_care\"], value",
        ],
    );
    edit(
        "not_by_person (warning)",
        [
            "threshold = \"3.0\"",
            "threshold = [ { groups = [\"special_hardship\"], value = \"2.5\" }, { value = \"3.0\" } ]",
            "threshold = [",
            "threshold = [ { areas = [\"990100\"], value = \"2.5\" }, { value = \"3.0\" } ]",
        ],
    );
    let change = |when: &str| {
        with("[classes]", &format!("[[groups]]\nadd = [\"orphan_community\"]\n{when}\n[classes]"))
    };
    for (bad, code, twin) in [
        ("areas = [\"150000\"]", "never_fits", "areas = [\"990200\"]"),
        ("from = \"2023-01\"", "never_fits", "from = \"2022-12\""),
        ("until = \"2016-12\"", "never_fits", "until = \"2017-01\""),
        ("areas = [\"990900\"]", "unknown_name", "areas = [\"990100\"]"),
    ] {
        let text = change(bad);
        let expected = format!("bad.toml:{} {code}", line_of(&text, "[[groups]]\nadd = [\"orphan"));
        assert_eq!(found(&[("bad.toml", &text)]), [expected], "{bad}");
        assert_eq!(found(&[("twin.toml", &change(twin))]), Vec::<String>::new(), "{twin}");
    }
}

#[test]
fn names_in_the_conditions_of_a_case() {
    for (bad, code, twin) in [
        ("groups = [\"nobody\"]", "unknown_name", "groups = [\"special_care\"]"),
        ("areas = [\"990900\"]", "unknown_name", "areas = [\"990101\"]"),
        ("carried_by = \"grain\"", "unknown_condition", "carried_by = \"food\""),
    ] {
        let case = |when: &str| with("{ class = \"near\",", &format!("{{ {when},"));
        let text = case(bad);
        let expected = format!("bad.toml:{} {code}", line_of(&text, bad));
        assert_eq!(found(&[("bad.toml", &text)]), [expected], "{bad}");
        assert_eq!(found(&[("twin.toml", &case(twin))]), Vec::<String>::new(), "{twin}");
    }
}

/// Classes and groups are what a national document leaves to those below.
#[test]
fn what_a_nearer_document_may_fill_in_weighs_less_in_a_national_one() {
    for (jurisdiction, severity) in
        [("000000", Severity::Note), ("990000", Severity::Warning), ("990100", Severity::Warning)]
    {
        let text = format!(
            "id = \"stage\"\nkind = \"overlay\"\ntitle_zh = \"阶段\"\ntitle_en = \"Stage\"\n\
             jurisdiction = \"{jurisdiction}\"\nindex_months = {{ from = \"2018-01\", until = \"2018-06\" }}\n\
             [payment]\ndue_days = [ {{ class = \"far\", value = 10 }}, {{ value = 20 }} ]\n"
        );
        let told = checked(&[("stage.toml", &text)]).findings;
        let told: Vec<_> = told.iter().map(|one| (one.code, one.severity)).collect();
        assert_eq!(told, [("unknown_class", severity)], "{jurisdiction}");
    }
}

#[test]
fn order_and_rounding_left_implicit() {
    edit(
        "implicit_order",
        [
            "[\"sum\", \"floor\", \"whole\"]",
            "[\"sum\", \"whole\"]",
            "kind = \"floor\"",
            "[\"sum\", \"whole\", \"floor\"]",
        ],
    );
    edit(
        "implicit_order",
        [
            "kind = \"floor\"\nyuan = [",
            "kind = \"floor\"\nyuan = \"5\"\n[amount.steps.cap]\nkind = \"cap\"\nafter = \"base\"\nyuan = [",
            "after =",
            "kind = \"floor\"\nyuan = \"5\"\n[amount.steps.cap]\nkind = \"cap\"\nafter = \"sum\"\nyuan = [",
        ],
    );
    edit(
        "order",
        [
            "[\"sum\", \"floor\", \"whole\"]",
            "[\"sum\", \"floor\", \"floor\", \"whole\"]",
            "order =",
            "[\"sum\", \"whole\", \"floor\"]",
        ],
    );
    // The first only changes a sum; the second discards the one before it.
    let turned = with("[\"sum\", \"floor\", \"whole\"]", "[\"floor\", \"sum\", \"whole\"]");
    let line = line_of(&turned, "order =");
    assert_eq!(found(&[("bad.toml", &turned)]), vec![format!("bad.toml:{line} order"); 2]);
    edit(
        "open_step (warning)",
        [
            "\"floor\", \"whole\"]",
            "\"floor\", \"cap\", \"whole\"]",
            "order =",
            "\"floor\", \"whole\"] # ",
        ],
    );
    edit(
        "implicit_rounding (warning)",
        [
            "kind = \"round\"\nto = \"yuan\"\nmode = \"half_up\"",
            "kind = \"multiply\"\nby = \"2\"",
            "order =",
            "kind = \"round\"\nmode = \"none\"",
        ],
    );
    edit(
        "remainder",
        ["remainder = \"county\"", "remainder = \"province\"", "remainder", "remainder = \"city\""],
    );
    edit(
        "circle",
        [
            "kind = \"sum_by_band\"\nrise",
            "kind = [ { residence = \"urban\", value = \"higher_of\" }, { value = \"sum_by_band\" } ]\nof = [\"sum\"]\nrise",
            "of =",
            "kind = [ { residence = \"urban\", value = \"flat\" }, { value = \"sum_by_band\" } ]\nyuan = \"1\"\nrise",
        ],
    );
    edit(
        "terms_overlap",
        [
            "rhythm = \"monthly\"",
            "rhythm = \"term\"\nterms = [ { from = 3, until = 9 }, { from = 9, until = 2 } ]",
            "terms =",
            "rhythm = \"term\"\nterms = [ { from = 3, until = 8 }, { from = 9, until = 2 } ]",
        ],
    );
    edit(
        "terms_hole (warning)",
        [
            "rhythm = \"monthly\"",
            "rhythm = \"term\"\nterms = [ { from = 3, until = 7 }, { from = 9, until = 2 } ]",
            "terms =",
            "rhythm = \"term\"\nterms = [ { from = 3, until = 8 }, { from = 9, until = 2 } ]",
        ],
    );
}

#[test]
fn parameters_that_nobody_sets() {
    for (line, at, open) in [
        (
            "bands = [\n  { at_least = \"3.0\", below = \"5.0\", yuan = \"10\" },\n  { at_least = \"5.0\", yuan = \"20\" },\n]",
            "kind = \"sum_by_band\"",
            "bands = { open = true }",
        ),
        ("to = \"yuan\"", "kind = \"round\"", "to = { open = true }"),
        ("mode = \"half_up\"", "kind = \"round\"", "mode = { open = true }"),
        ("comparator = \">=\"\nthreshold = \"6.0\"", "series = \"food\"", ""),
        ("due_days = 20", "rhythm =", "due_days = { open = true }"),
    ] {
        // The nation's law sets food's comparator and threshold.
        let text = with(line, "");
        let expected: Vec<_> = match open {
            "" => Vec::new(),
            _ => vec![format!("bad.toml:{} missing_parameter (warning)", line_of(&text, at))],
        };
        assert_eq!(found(&[("bad.toml", &text)]), expected, "{line}");
        if !open.is_empty() {
            assert_eq!(found(&[("twin.toml", &with(line, open))]), Vec::<String>::new(), "{open}");
        }
    }
}

#[test]
fn what_a_measure_a_unit_and_a_step_in_use_need() {
    let step = "[amount.steps.whole]";
    let cap = |says: &str| format!("[amount.steps.spare]\nkind = \"cap\"\n{says}{step}");
    for (from, bad, at, twin) in [
        (
            "series = \"food\"",
            "series = \"food\"\nmeasure = \"average\"".to_owned(),
            "series = \"food\"",
            "series = \"food\"\nmeasure = \"month\"".to_owned(),
        ),
        (
            "rise = \"cpi\"",
            "rise = \"cpi\"\nrise_measure = \"average\"".to_owned(),
            "kind = \"sum_by_band\"",
            "rise = \"cpi\"\nrise_measure = \"month\"".to_owned(),
        ),
        (
            "rise = \"cpi\"",
            "rise = \"cpi\"\nunit = \"household_and_heads\"".to_owned(),
            "kind = \"sum_by_band\"",
            "rise = \"cpi\"\nunit = \"household\"".to_owned(),
        ),
        (step, cap("after = \"sum\"\n"), "kind = \"cap\"", cap("after = \"sum\"\nyuan = \"40\"\n")),
        (
            step,
            cap("before = \"whole\"\n"),
            "kind = \"cap\"",
            cap("before = \"whole\"\nyuan = \"40\"\n"),
        ),
    ] {
        let text = with(from, &bad);
        let expected = format!("bad.toml:{} missing_parameter (warning)", line_of(&text, at));
        assert_eq!(found(&[("bad.toml", &text)]), [expected], "{bad}");
        assert_eq!(found(&[("twin.toml", &with(from, &twin))]), Vec::<String>::new(), "{twin}");
    }
    // A step that nothing takes needs nothing more.
    let text = with(step, &cap(""));
    let expected = format!("bad.toml:{} implicit_order", line_of(&text, "kind = \"cap\""));
    assert_eq!(found(&[("bad.toml", &text)]), [expected]);
    // Nor does a document that records payments and sets nothing, where no law is.
    let given = "id = \"given\"\nkind = \"regional\"\ntitle_zh = \"发放\"\ntitle_en = \"Given\"\n\
                 jurisdiction = \"990000\"\nindex_months = { from = \"1990-01\", until = \"1990-03\" }\n\
                 [[discretion]]\ngroups = [\"subsistence_allowance\"]\nfrom = \"1990-01\"\n\
                 until = \"1990-03\"\nyuan = \"50\"\nreason = \"酌情\"\n";
    assert_eq!(found(&[("given.toml", given)]), Vec::<String>::new());
}

#[test]
fn what_is_worth_knowing_is_a_note() {
    let text = with("to = \"yuan\"", "to = { open = true, clause = \"三\" }");
    let text = text.replacen("series = \"food\"", "series = \"essentials_cumulative\"", 1);
    let notes = checked(&[("note.toml", &text)]).findings;
    let told: Vec<_> =
        notes.iter().map(|one| (one.severity, one.code, one.line as usize, &*one.clause)).collect();
    let unrecorded = line_of(&text, "series = \"ess");
    let open = line_of(&text, "to = {");
    assert_eq!(
        told,
        [
            (Severity::Note, "unrecorded_series", unrecorded, ""),
            (Severity::Note, "open_parameter", open, "三")
        ]
    );
    let shown = |code: &str| {
        let one = notes.iter().find(|one| one.code == code).unwrap();
        let says = format!("{} / {}", one.en, one.zh);
        one.to_string().strip_suffix(&says).unwrap().to_owned()
    };
    assert_eq!(
        shown("unrecorded_series"),
        format!("note.toml:{unrecorded}: note[unrecorded_series]: ")
    );
    assert_eq!(shown("open_parameter"), format!("note.toml:{open}: note[open_parameter] 三: "));
}

#[test]
fn thresholds_raised_and_groups_narrowed_in_any_month_of_the_document() {
    // The nation's 3.5 since 2016 holds in the middle of the document's months as at its ends.
    let threshold = |cases: &str| with("threshold = \"3.0\"", &format!("threshold = {cases}"));
    for (cases, expected) in [
        ("\"3.4\"", 0),
        ("\"3.5\"", 0),
        (
            "[ { from = \"2022-03\", until = \"2022-05\", value = \"3.6\" }, { value = \"3.0\" } ]",
            1,
        ),
        (
            "[ { from = \"2022-03\", areas = [\"990101\"], value = \"3.6\" }, { value = \"3.0\" } ]",
            1,
        ),
        (
            "[ { from = \"2022-03\", until = \"2022-05\", value = \"3.5\" }, { value = \"3.0\" } ]",
            0,
        ),
    ] {
        let text = threshold(cases);
        let line = line_of(&text, "threshold =");
        let one = format!("bad.toml:{line} threshold_raised (warning)");
        assert_eq!(found(&[("bad.toml", &text)]), vec![one; expected], "{cases}");
    }
    for (change, narrowed) in [
        ("remove = [\"special_care\"]", true),
        ("remove = [\"special_care\"]\nfrom = \"2019-02\"\nuntil = \"2019-03\"", true),
        ("remove = [\"special_care\"]\nareas = [\"990101\"]", true),
        ("remove = [\"poor_student\"]", false),
    ] {
        let text = with("[classes]", &format!("[[groups]]\n{change}\n[classes]"));
        let line = line_of(&text, "[[groups]]\nremove");
        let one = vec![format!("bad.toml:{line} groups_narrowed")];
        let expected = if narrowed { one } else { Vec::new() };
        assert_eq!(found(&[("bad.toml", &text)]), expected, "{change}");
    }
}

/// A document of a city of the province, which stands on the good one.
fn city(says: &str) -> String {
    format!(
        "id = \"city\"\nkind = \"regional\"\ntitle_zh = \"市级通知\"\ntitle_en = \"City notice\"\n\
         jurisdiction = \"990100\"\nindex_months = {{ from = \"2017-01\", until = \"2021-06\" }}\n{says}"
    )
}

#[test]
fn a_threshold_is_raised_where_its_comparator_makes_it_harder_to_reach() {
    for (below, own, raised) in [
        (">=", "", [0, 0, 1]),
        (">", "", [0, 0, 1]),
        ("<=", "", [1, 0, 0]),
        ("<", "", [1, 0, 0]),
        // Its own comparator holds over that of the document below.
        (">=", "comparator = \"<=\"\n", [1, 0, 0]),
        ("<=", "comparator = \">=\"\n", [0, 0, 1]),
    ] {
        let province = with("comparator = \">=\"", &format!("comparator = {below:?}"));
        for (threshold, count) in ["5.9", "6.0", "6.1"].into_iter().zip(raised) {
            let says = format!("[trigger.conditions.food]\n{own}threshold = {threshold:?}\n");
            let city = city(&says);
            let one =
                format!("city.toml:{} threshold_raised (warning)", line_of(&city, "threshold"));
            let found = found(&[("city.toml", &city), ("good.toml", &province)]);
            assert_eq!(found, vec![one; count], "{below} {own} {threshold}");
        }
    }
}

#[test]
fn each_clause_that_raises_or_narrows_is_told_once() {
    let city = city(
        "[trigger.conditions.cpi]\n\
         threshold = [ { from = \"2018-01\", value = \"3.1\" }, { value = \"3.2\" } ]\n\
         [trigger.conditions.food]\nthreshold = \"6.1\"\n\
         [[groups]]\nremove = [\"special_care\", \"unemployment_insurance\"]\n\
         [[groups]]\nadd = [\"orphan_community\"]\n",
    );
    let (cpi, food) = (line_of(&city, "threshold = ["), line_of(&city, "threshold = \"6.1\""));
    let groups = line_of(&city, "[[groups]]\nremove");
    let expected = [
        format!("city.toml:{groups} groups_narrowed"),
        format!("city.toml:{groups} groups_narrowed"),
        format!("city.toml:{cpi} threshold_raised (warning)"),
        format!("city.toml:{food} threshold_raised (warning)"),
    ];
    assert_eq!(found(&[("city.toml", &city), ("good.toml", GOOD)]), expected);
}

#[test]
fn an_order_for_some_leaves_the_order_below_to_the_others() {
    for (order, stands) in [
        ("[ { areas = [\"990101\"], value = [\"sum\", \"whole\"] } ]", true),
        (
            "[ { areas = [\"990101\"], value = [\"sum\", \"whole\"] }, { value = [\"sum\"] } ]",
            false,
        ),
        ("[\"sum\", \"whole\"]", false),
        ("{ open = true }", false),
        ("{ inherited = true }", true),
    ] {
        let city = city(&format!(
            "[amount]\norder = {order}\n\
             [amount.steps.most]\nkind = \"cap\"\nyuan = \"30\"\nafter = \"floor\"\n"
        ));
        let beside = format!("city.toml:{} implicit_order", line_of(&city, "after"));
        let found = found(&[("city.toml", &city), ("good.toml", GOOD)]);
        assert_eq!(!found.contains(&beside), stands, "{order}: {found:?}");
    }
}

/// The law is judged without the assumptions that fill it, an assumption with them.
#[test]
fn an_assumption_is_judged_and_changes_nothing_of_what_the_law_says() {
    let assumed = |says: &str| {
        format!(
            "id = \"guess\"\nkind = \"assumption\"\ntitle_zh = \"假定\"\ntitle_en = \"Guess\"\n\
             jurisdiction = \"990000\"\nindex_months = {{ from = \"2017-01\" }}\n\
             author = \"示例\"\ndate = \"2024-01-01\"\nreason = \"示例\"\n\
             [amount.steps.more]\n{says}\n"
        )
    };
    let flat = assumed("kind = \"multiply\"\nby = \"2\"");
    assert_eq!(found(&[("good.toml", GOOD), ("guess.toml", &flat)]), Vec::<String>::new());
    let circle = assumed("kind = \"higher_of\"\nof = [\"more\"]");
    let expected = format!("guess.toml:{} circle", line_of(&circle, "of ="));
    assert_eq!(found(&[("good.toml", GOOD), ("guess.toml", &circle)]), [expected]);
    let open = with("[\"sum\", \"floor\",", "[\"sum\", \"more\", \"floor\",");
    let expected = format!("open.toml:{} open_step (warning)", line_of(&open, "order ="));
    assert_eq!(found(&[("open.toml", &open)]), [&*expected]);
    assert_eq!(found(&[("guess.toml", &flat), ("open.toml", &open)]), [&*expected]);
}

#[test]
fn cases_are_run_unless_the_document_has_an_error() {
    let case = |yuan: &str| {
        format!(
            "{GOOD}[[cases]]\nname = \"三\"\narea = \"990101\"\nmonth = \"2018-01\"\n\
             figures = [ {{ area = \"990100\", series = \"cpi\", month = \"2018-01\", value = \"3.0\" }}, \
             {{ area = \"990100\", series = \"food\", month = \"2018-01\", value = \"5.9\" }} ]\n\
             expect = {{ triggered = \"yes\", amounts = [ {{ group = \"special_hardship\", \
             residence = \"urban\", yuan = {yuan} }} ] }}\n"
        )
    };
    let at = line_of(&case("\"\""), "[[cases]]");
    assert_eq!(found(&[("good.toml", &case("\"12.00\""))]), Vec::<String>::new());
    assert_eq!(found(&[("bad.toml", &case("\"12.01\""))]), [format!("bad.toml:{at} case")]);
    let unread = found(&[("bad.toml", &case("\"twelve\""))]);
    assert_eq!(unread, [format!("bad.toml:{} bad_value", at + 5)]);
    assert_eq!(checked(&[("good.toml", &case("\"12.00\""))]).cases, 1);
    assert_eq!(checked(&[("bad.toml", &case("\"twelve\""))]).cases, 0);
}

#[test]
fn the_shipped_documents_have_no_error() {
    let data = load(&[]).unwrap();
    let checked = check_texts(&data, &data.texts);
    let errors: Vec<_> =
        checked.findings.iter().filter(|one| one.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(checked.documents, data.texts.len());
    let order: Vec<_> = checked.findings.iter().map(|one| one.severity).collect();
    assert!(order.is_sorted(), "errors first, then warnings, then notes");
}

#[test]
fn everything_is_told_at_once() {
    let broken = "id = \"broken\"\nkind = =\n";
    let unread = GOOD
        .replacen("\"good\"", "\"unread\"", 1)
        .replacen("990000", "990100", 1)
        .replacen("due_days = 20", "due_day = 20", 1)
        .replacen("below = \"5.0\"", "below = \"4.0\"", 1)
        .replacen("value = \"5\"", "value = 5", 1);
    let headless = GOOD.replacen("until = \"2022-12\"", "until = \"2022-13\"", 1).replacen(
        "due_days = 20",
        "due_hours = 20",
        1,
    );
    let second = GOOD.replacen("\"good\"", "\"second\"", 1).replacen("2017-01", "2022-12", 1);
    let second = second.replacen("remainder = \"county\"", "remainder = \"local\"", 1);
    let found = found(&[
        ("a.toml", GOOD),
        ("b.toml", broken),
        ("c.toml", &unread),
        ("d.toml", &second),
        ("e.toml", &headless),
    ]);
    let line = |of: &str| line_of(GOOD, of);
    let expected = [
        "b.toml:2 not_toml".to_owned(),
        format!("c.toml:{} band_hole", line("bands = [")),
        format!("c.toml:{} bad_value", line("  { value = \"5\"")),
        "d.toml:1 overlap".to_owned(),
        format!("d.toml:{} remainder", line("remainder")),
        format!("e.toml:{} bad_value", line("index_months")),
        format!("e.toml:{} unknown_key", line("due_days")),
    ];
    assert_eq!(found, expected);
}

/// Every bound reached at once, with a case far in the future and nothing recorded.
#[test]
fn a_document_at_every_bound_is_checked_in_time() {
    let names: Vec<_> = (0..8).map(|at| format!("c{at}")).collect();
    let mut text = format!(
        "id = \"slow\"\nkind = \"regional\"\ntitle_zh = \"慢\"\ntitle_en = \"slow\"\n\
         jurisdiction = \"990100\"\nindex_months = {{ from = \"1990-01\" }}\n[trigger]\n\
         when = \"{}\"\nholds_on = \"carrying\"\nend_after_months = 12\nlongest_run_months = 24\n\
         pause_months = 120\nback_pay_months = 36\n",
        names.join(" or ")
    );
    for name in &names {
        text += &format!(
            "[trigger.conditions.{name}]\nseries = \"cpi\"\ncomparator = \">=\"\n\
             threshold = {{ open = true }}\nmeasure = \"average\"\naverage_months = 12\nrun_months = 12\n"
        );
    }
    text += "[[groups]]\nadd = [\"subsistence_allowance\"]\n[amount]\norder = [\"s0\", \"whole\"]\n\
             [amount.steps.whole]\nkind = \"round\"\nto = \"yuan\"\nmode = \"up\"\n\
             [amount.steps.s8]\nkind = \"flat\"\nyuan = \"1\"\n[payment]\ndue = \"month_of_release\"\n";
    for at in 0..8 {
        let of = format!("\"s{}\", ", at + 1).repeat(64);
        text += &format!("[amount.steps.s{at}]\nkind = \"higher_of\"\nof = [{of}]\n");
    }
    text += "[[cases]]\nname = \"c\"\narea = \"990100\"\nmonth = \"2060-12\"\n\
             figures = [ { series = \"cpi\", month = \"1990-01\", value = \"5\" } ]\n\
             expect = { triggered = \"undecidable\" }\n";
    let started = Instant::now();
    assert_eq!(found(&[("slow.toml", &text)]), Vec::<String>::new());
    // Sixty-four steps of sixty-four, eight deep, would never end.
    let triggered = text.replace("threshold = { open = true }", "threshold = \"1\"");
    let triggered = triggered
        .replace("average_months = 12\nrun_months = 12", "average_months = 1\nrun_months = 1");
    let triggered = triggered.replace("month = \"2060-12\"", "month = \"1990-01\"");
    let triggered = triggered.replace(
        "triggered = \"undecidable\"",
        "triggered = \"yes\", amounts = [ { group = \"subsistence_allowance\", residence = \"urban\", yuan = \"1.00\" } ]",
    );
    let told = checked(&[("slow.toml", &triggered)]).findings;
    let told: Vec<_> = told.iter().filter(|one| one.code == "case").map(|one| &*one.en).collect();
    assert!(told.len() == 1 && told[0].contains("too many steps name each other"), "{told:?}");
    let spent = started.elapsed();
    assert!(spent < Duration::from_secs(120), "{spent:?}");
}

#[test]
fn cases_are_run_until_they_have_decided_enough_months() {
    let case = "[[cases]]\nname = \"c\"\narea = \"990101\"\nmonth = \"2099-12\"\n\
                expect = { triggered = \"undecidable\" }\n";
    let last: Month = "2099-12".parse().unwrap();
    let months = DATA.library.oldest().unwrap().through(last).count();
    let run = 50_000 / months;
    for (more, unrun) in [(0, 0), (1, 1), (2, 2)] {
        let text = GOOD.replace(", until = \"2022-12\"", "") + &case.repeat(run + more);
        let checked = checked(&[("many.toml", &text)]);
        assert_eq!(checked.cases, run);
        let told: Vec<_> = checked.findings.iter().filter(|one| one.code == "case").collect();
        assert_eq!(told.len(), unrun);
        assert!(told.iter().all(|one| one.en.starts_with("not run: ")), "{told:?}");
    }
}

#[test]
fn nothing_makes_the_check_slow() {
    let started = Instant::now();
    for number in ["-1", "0", "1201", "4000000000", "99999999999999999999999999", "0x10", "1e3"] {
        for key in ["average_months", "run_months", "decimals"] {
            let text =
                with("threshold = \"6.0\"", &format!("threshold = \"6.0\"\n{key} = {number}"));
            let found = found(&[("big.toml", &text)]);
            let lawful = key == "decimals" && number == "0";
            assert_eq!(found.is_empty(), lawful, "{key} = {number}: {found:?}");
        }
        for key in ["back_pay_months", "end_after_months", "longest_run_months", "pause_months"] {
            let text = with("when = ", &format!("{key} = {number}\nwhen = "));
            assert!(!found(&[("big.toml", &text)]).is_empty(), "{key} = {number}");
        }
    }
    let many = "\"subsistence_allowance\", ".repeat(20_000);
    let text = with("[\"subsistence_allowance\", ", &format!("[{many}"));
    assert_eq!(found(&[("big.toml", &text)]), ["big.toml:1 too_large"]);
    let cases = "{ residence = \"urban\", value = \"1\" }, ".repeat(20_000);
    let text = with("{ value = \"5\" },", &format!("{cases}{{ value = \"5\" }}"));
    assert!(found(&[("big.toml", &text)]).iter().any(|one| one.ends_with("too_large")));
    // As much as the bound says, and one more.
    for (more, beyond) in [(0, false), (1, true)] {
        let names = "\"subsistence_allowance\", ".repeat(499 + more);
        let text = with("[\"subsistence_allowance\", ", &format!("[{names}"));
        assert_eq!(!found(&[("big.toml", &text)]).is_empty(), beyond);
        let cases = "{ residence = \"urban\", value = \"1\" }, ".repeat(497 + more);
        let text = with("{ value = \"5\" },", &format!("{cases}{{ value = \"5\" }}"));
        let found = found(&[("big.toml", &text)]);
        assert_eq!(found.iter().any(|one| one.ends_with("too_large")), beyond);
    }
    for (open, close) in [("[", "]"), ("{ value = ", "}")] {
        let deep = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let text = with("threshold = \"6.0\"", &format!("threshold = {deep}"));
        assert!(!found(&[("deep.toml", &text)]).is_empty());
    }
    let text = format!("note = \"{}\"\n{GOOD}", "长".repeat(400_000));
    assert_eq!(found(&[("long.toml", &text)]), ["long.toml:1 too_large"]);
    // Before 2011 no law below says what the document leaves to it.
    for (months, lacking) in
        [("from = \"1990-01\", until = \"2099-12\"", 2), ("from = \"2099-12\"", 0)]
    {
        let text = with("from = \"2017-01\", until = \"2022-12\"", months);
        let found = found(&[("ends.toml", &text)]);
        assert_eq!(found, vec!["ends.toml:14 missing_parameter (warning)"; lacking], "{months}");
    }
    let spent = started.elapsed();
    assert!(spent < Duration::from_secs(60), "{spent:?}");
}

#[test]
fn sums_and_thresholds_stated_relative_to_something_else() {
    let floor = |yuan: &str| format!("{yuan} # ");
    let cap = |yuan: &str| {
        with(
            "order = [\"sum\", \"floor\", \"whole\"]",
            "order = [\"sum\", \"cap\", \"floor\", \"whole\"]",
        ) + &format!("\n[amount.steps.cap]\nkind = \"cap\"\nyuan = {}\n", floor(yuan))
    };
    for (bad, code, twin) in [
        ("{ step = \"nothing\" }", "unknown_step", "{ step = \"sum\" }"),
        ("{ step = \"cap\" }", "circle", "{ step = \"sum\", share = \"1/2\" }"),
        ("{ step = \"floor\" }", "no_sum", "{ step = \"sum\", share = \"2\" }"),
        ("{ step = \"sum\", share = \"0\" }", "bad_value", "{ step = \"sum\", share = \"0.1\" }"),
        ("{ step = \"sum\", share = \"-1\" }", "bad_value", "{ step = \"sum\" }"),
        ("{ share = \"2\" }", "bad_value", "{ standard = \"dibao_urban\", share = \"2\" }"),
        (
            "{ standard = \"dibao_urban\", share = \"-0.2\" }",
            "bad_value",
            "{ standard = \"dibao_urban\" }",
        ),
        (
            "{ standard = \"dibao\" }",
            "unknown_name",
            "{ standard = \"dibao_rural\", share = \"0.2\" }",
        ),
        (
            "{ standard = \"dibao_urban\", area = \"990900\" }",
            "unknown_name",
            "{ standard = \"dibao_urban\", area = \"province\" }",
        ),
        ("{ step = \"sum\", standard = \"dibao_urban\" }", "unknown_key", "{ step = \"sum\" }"),
        ("{ lower_to = { step = \"sum\" } }", "bad_value", "\"30\""),
        ("30", "bad_value", "\"30\""),
    ] {
        let text = cap(bad);
        let expected = format!("bad.toml:{} {code}", line_of(&text, bad));
        let told = found(&[("bad.toml", &text)]);
        assert!(told.contains(&expected), "{bad}: {told:?}");
        assert!(told.iter().all(|one| one.contains(code)), "{bad}: {told:?}");
        assert_eq!(found(&[("twin.toml", &cap(twin))]), Vec::<String>::new(), "{twin}");
    }
    edit(
        "nothing_to_add_to",
        [
            "threshold = \"6.0\"",
            "threshold = \"6.0\"\nthreshold_plus = \"1.0\"",
            "threshold_plus",
            "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\nthreshold_plus = \"1.0\"",
        ],
    );
    edit(
        "two_thresholds (warning)",
        [
            "threshold = \"6.0\"",
            "threshold = \"6.0\"\nthreshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"",
            "threshold_series",
            "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"",
        ],
    );
    edit(
        "out_of_range",
        [
            "threshold = \"6.0\"",
            "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\nthreshold_plus = \"-100.1\"",
            "threshold_plus",
            "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\nthreshold_plus = \"-100\"",
        ],
    );
}

#[test]
fn a_sum_that_is_no_number_cannot_be_lowered() {
    let over = "id = \"over\"\nkind = \"overlay\"\ntitle_zh = \"示例\"\ntitle_en = \"Example\"\n\
                jurisdiction = \"990000\"\nindex_months = { from = \"2018-01\", until = \"2018-06\" }\n\
                confidence = \"A\"\n[amount.steps.floor]\nyuan = { lower_to = \"4\" }\n";
    let below = with("  { value = \"5\" },", "  { value = { step = \"sum\", share = \"0.5\" } },");
    let at = format!("over.toml:{} lowers_no_number", line_of(over, "yuan"));
    assert_eq!(found(&[("below.toml", &below), ("over.toml", over)]), [at]);
    assert_eq!(found(&[("below.toml", GOOD), ("over.toml", over)]), Vec::<String>::new());
}

#[test]
fn more_points_over_the_same_target_are_harder_to_reach() {
    let target = "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\n\
                  threshold_plus = \"1.0\"";
    let limits = "\n[limits]\nraise_threshold = \"refuse\"\nnarrow_groups = \"refuse\"\n";
    let below = with("threshold = \"6.0\"", target) + limits;
    // Where nothing is added below, anything is more.
    let bare = target.split("\nthreshold_plus").next().unwrap();
    let bare = with("threshold = \"6.0\"", bare) + limits;
    for (points, raised) in [("-0.1", false), ("0.0", false), ("0.1", true)] {
        let text = city(&format!("[trigger.conditions.food]\nthreshold_plus = {points:?}\n"));
        let told = found(&[("below.toml", &bare), ("city.toml", &text)]);
        let expected = format!("city.toml:{} threshold_raised", line_of(&text, "threshold_plus"));
        let expected = if raised { vec![expected] } else { Vec::new() };
        assert_eq!(told, expected, "{points}");
    }
    let text = city("[trigger.conditions.food]\nthreshold_plus = { lower_to = \"0.5\" }\n");
    let told = found(&[("below.toml", &below), ("city.toml", &text)]);
    let expected = format!("city.toml:{} lowers_no_number", line_of(&text, "threshold_plus"));
    assert_eq!(told, [expected]);
    for (points, raised) in [("0.9", false), ("1.0", false), ("1.1", true)] {
        let text = city(&format!("[trigger.conditions.food]\nthreshold_plus = {points:?}\n"));
        let told = found(&[("below.toml", &below), ("city.toml", &text)]);
        let expected = format!("city.toml:{} threshold_raised", line_of(&text, "threshold_plus"));
        let expected = if raised { vec![expected] } else { Vec::new() };
        assert_eq!(told, expected, "{points}");
    }
}

#[test]
fn a_floor_above_the_cap_beside_it_is_worth_a_warning() {
    let text = |order: &str, cap: &str| {
        let cap = format!("\n[amount.steps.cap]\nkind = \"cap\"\nyuan = {cap}\n");
        let twice = match order.contains("twice") {
            true => "[amount.steps.twice]\nkind = \"multiply\"\nby = \"2\"\n",
            false => "",
        };
        let order = format!("order = {order}");
        with("order = [\"sum\", \"floor\", \"whole\"]", &order) + &cap + twice
    };
    let before = "[\"sum\", \"cap\", \"floor\", \"whole\"]";
    let after = "[\"sum\", \"floor\", \"whole\", \"cap\"]";
    let between = "[\"sum\", \"cap\", \"twice\", \"floor\", \"whole\"]";
    for (order, cap, warned) in [
        (before, "\"4.99\"", true),
        (before, "\"5\"", false),
        (before, "\"5.01\"", false),
        (after, "\"4.99\"", true),
        (between, "\"4.99\"", false),
        (
            before,
            "[ { groups = [\"special_hardship\"], value = \"11\" }, { value = \"20\" } ]",
            true,
        ),
        (
            before,
            "[ { groups = [\"special_hardship\"], value = \"12\" }, { value = \"20\" } ]",
            false,
        ),
        (before, "{ step = \"sum\", share = \"0.1\" }", false),
    ] {
        let told = found(&[("a.toml", &text(order, cap))]);
        let line = match cap.contains("\"11\"") {
            true => line_of(GOOD, "{ groups = [\"special_hardship\"], value = \"12\" }"),
            false => line_of(GOOD, "{ value = \"5\" }"),
        };
        let expected = format!("a.toml:{line} floor_above_cap (warning)");
        assert_eq!(told, if warned { vec![expected] } else { Vec::new() }, "{order} {cap}");
    }
}

#[test]
fn marks_of_a_chinese_keyboard_are_named_where_they_break_a_line() {
    let told = |text: &str| {
        let findings = checked(&[("bad.toml", text)]).findings;
        findings.first().map(|one| (one.code, one.line, one.en.clone(), one.zh.clone())).unwrap()
    };
    for (from, to, mark) in [
        ("threshold = \"6.0\"", "threshold = \u{201C}6.0\u{201D}", '\u{201C}'),
        ("threshold = \"6.0\"", "threshold \u{FF1D} \"6.0\"", '\u{FF1D}'),
        ("\"cpi\"\nbands", "\"cpi\"\u{FF0C}\nbands", '\u{FF0C}'),
    ] {
        let text = with(from, to);
        let (code, line, en, zh) = told(&text);
        assert_eq!((code, line as usize), ("not_toml", line_of(&text, to)), "{en}");
        assert!(en.contains(&format!("{mark:?}")) && zh.contains(mark), "{en} / {zh}");
    }
    // One that stands in a text or a remark is not to blame.
    let text = with("threshold = \"6.0\"", "threshold = 6. # \u{201C}");
    assert!(!told(&text).2.contains("keyboard"));
    let text = with("\"示例通知\"", "\"\u{201C}示例\u{201D}通知\" 1");
    assert!(!told(&text).2.contains("keyboard"));
}

#[test]
fn what_cannot_be_read_is_told_with_its_key_and_in_chinese() {
    let text = with("threshold = \"6.0\"", "threshold = \"6.0%\"");
    let findings = checked(&[("bad.toml", &text)]).findings;
    let (en, zh) = (&findings[0].en, &findings[0].zh);
    assert_eq!(en, "threshold \"6.0%\": expected a decimal in quotes such as \"3.5\"");
    assert_eq!(zh, "threshold \"6.0%\":应为加英文引号、不带单位的小数,如 \"3.5\"");
}

#[test]
fn one_document_can_be_checked_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/guide");
    let one = guide.join("instruments/13-half.toml");
    let checked = check(&[guide], &one).unwrap();
    assert_eq!((checked.documents, checked.cases, checked.findings.len()), (1, 3, 0));
    assert!(check(&[], &folder.path().join("none.toml")).is_err());
}
