//! Edges of the rule format, each a small document with cases of its own, run as `rules check` does.
//! The documents hold in an invented prefecture over the shipped national law.

use std::{collections::BTreeMap, path::Path};

use price_linkage::{
    intake::folder::{Dataset, load},
    rules::finding::Severity,
    service::check::check_texts,
};

const TRIGGER: &str = r#"
[trigger.conditions.cpi]
series = "cpi"
comparator = ">="
threshold = "3.0"

[[groups]]
add = ["subsistence_allowance"]
"#;

const FLAT: &str = r#"
[amount]
order = ["sum", "round"]

[amount.steps.sum]
kind = "flat"
yuan = "25"

[amount.steps.round]
kind = "round"
mode = "none"
"#;

fn around() -> &'static Dataset {
    static DATA: std::sync::OnceLock<Dataset> = std::sync::OnceLock::new();
    DATA.get_or_init(|| load(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("data/guide")]).unwrap())
}

fn head(id: &str, kind: &str) -> String {
    format!(
        "id = {id:?}\nkind = {kind:?}\ntitle_zh = \"示例\"\ntitle_en = \"Example\"\n\
         jurisdiction = \"994000\"\nindex_months = {{ from = \"2024-01\" }}\nconfidence = \"A\"\n"
    )
}

/// The rises of a series in consecutive months of 2024; `-` is a month that is not recorded.
fn rises(series: &str, values: &str) -> String {
    let values = values.split(' ').enumerate().filter(|(_, value)| *value != "-");
    let one = |(at, value): (usize, &str)| {
        format!("{{ series = {series:?}, month = \"2024-{:02}\", value = {value:?} }}", at + 1)
    };
    values.map(one).collect::<Vec<_>>().join(", ")
}

fn case(month: &str, figures: &[String], expect: &str) -> String {
    let figures: Vec<_> = figures.iter().filter(|one| !one.is_empty()).cloned().collect();
    format!(
        "\n[[cases]]\nname = \"{month}: {}\"\narea = \"994000\"\nmonth = {month:?}\nfigures = [ {} ]\n\
         expect = {{ {expect} }}\n",
        expect.replace('"', "'"),
        figures.join(", ")
    )
}

fn found(texts: &[String]) -> Vec<String> {
    let texts: BTreeMap<String, String> =
        (texts.iter().enumerate()).map(|(at, text)| (format!("{at}.toml"), text.clone())).collect();
    let checked = check_texts(around(), &texts);
    let errors = checked.findings.iter().filter(|one| one.severity == Severity::Error);
    errors.map(|one| format!("{} {}: {}", one.code, one.clause, one.en)).collect()
}

fn holds(text: String) {
    assert_eq!(found(&[text]), Vec::<String>::new());
}

fn state(month: &str, cpi: &str, state: &str) -> String {
    case(month, &[rises("cpi", cpi)], &format!("state = {state:?}"))
}

#[test]
fn the_longest_run_is_over_whether_or_not_the_month_after_it_holds() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   longest_run_months = 2\npause_months = 2\n";
    let cases = [
        state("2024-02", "3.0 3.0", "continuing"),
        state("2024-03", "3.0 3.0 3.0", "ended"),
        state("2024-03", "3.0 3.0 2.9", "ended"),
        state("2024-04", "3.0 3.0 2.9 3.0", "inactive"),
        state("2024-05", "3.0 3.0 2.9 3.0 3.0", "inactive"),
        state("2024-06", "3.0 3.0 2.9 3.0 3.0 3.0", "started"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn the_longest_run_bounds_the_months_below_that_are_paid() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   longest_run_months = 2\nbelow = \"pay\"\nend_after_months = 6\n";
    let cases = [
        state("2024-02", "3.0 2.9", "continuing"),
        state("2024-03", "3.0 2.9 2.9", "ended"),
        state("2024-04", "3.0 2.9 2.9 3.0", "started"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn an_end_test_stops_a_start_that_waits_for_the_next_month() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   start = \"next_month\"\nend_when = \"absorbed\"\n\
                   [trigger.conditions.absorbed]\nseries = \"standards_absorb_rise\"\n\
                   comparator = \">=\"\nthreshold = \"1\"\n";
    let asked = |absorbed: &str, state: &str| {
        let figures = [rises("cpi", "3.0 3.0"), rises("standards_absorb_rise", absorbed)];
        case("2024-02", &figures, &format!("state = {state:?}"))
    };
    let cases = [
        asked("0 0", "started"),
        asked("0 1", "inactive"),
        // Not recorded is not "no".
        asked("0 -", "undecidable"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn a_start_is_undecidable_while_the_end_test_is() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   end_when = \"absorbed\"\n\
                   [trigger.conditions.absorbed]\nseries = \"standards_absorb_rise\"\n\
                   comparator = \">=\"\nthreshold = \"1\"\n";
    let asked = |absorbed: &str, state: &str| {
        let figures = [rises("cpi", "3.0"), rises("standards_absorb_rise", absorbed)];
        case("2024-01", &figures, &format!("state = {state:?}"))
    };
    let cases = [asked("0", "started"), asked("1", "inactive"), asked("-", "undecidable")];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn a_block_is_lifted_only_by_a_month_known_not_to_hold() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   longest_run_months = 1\n";
    let cases = [
        state("2024-03", "3.0 3.0 3.0", "inactive"),
        state("2024-04", "3.0 3.0 2.9 3.0", "started"),
        // The unrecorded month is unpaid either way, and what it does to the block is unknown.
        state("2024-03", "3.0 3.0 -", "inactive"),
        state("2024-04", "3.0 3.0 - 3.0", "undecidable"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn a_recorded_threshold_replaces_the_plain_one_of_a_document_below() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n\
                   [trigger.conditions.cpi]\nthreshold_series = \"cpi_control_target\"\n\
                   threshold_set = \"yearly\"\n";
    let asked = |cpi: &str, triggered: &str| {
        let figures = [rises("cpi", cpi), rises("cpi_control_target", "2.0")];
        case("2024-01", &figures, &format!("triggered = {triggered:?}"))
    };
    let cases = [asked("1.9", "no"), asked("2.0", "yes"), asked("2.1", "yes")];
    holds([&head("edge", "regional"), trigger, FLAT, &cases.concat()].concat());
}

#[test]
fn a_lowered_threshold_bounds_a_recorded_one_from_above() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"target\"\n\
                   [trigger.conditions.target]\nseries = \"cpi\"\ncomparator = \">=\"\n\
                   threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\n";
    let base = [&head("edge", "regional"), trigger, FLAT].concat();
    let lowering = "[trigger.conditions.target]\nthreshold = { lower_to = \"3.0\" }\n";
    let asked = |cpi: &str, target: &str, triggered: &str| {
        let figures = [rises("cpi", cpi), rises("cpi_control_target", target)];
        case("2024-01", &figures, &format!("triggered = {triggered:?}"))
    };
    let cases = [
        asked("2.9", "3.5", "no"),
        asked("3.0", "3.5", "yes"),
        // A lower target stays.
        asked("2.4", "2.5", "no"),
        asked("2.5", "2.5", "yes"),
        asked("2.6", "2.5", "yes"),
        asked("3.0", "-", "undecidable"),
    ];
    let overlay = [&head("over", "overlay"), lowering, &cases.concat()].concat();
    assert_eq!(found(&[base, overlay]), Vec::<String>::new());
}

#[test]
fn a_sum_for_a_period_is_owed_with_its_last_paid_month() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n";
    let amount = FLAT.replace("[amount]\n", "[amount]\nperiod = \"quarter\"\n");
    let asked = |month: &str, cpi: &str, what: &str| {
        let line = "group = \"subsistence_allowance\", residence = \"urban\"";
        case(month, &[rises("cpi", cpi)], &format!("amounts = [ {{ {line}, {what} }} ]"))
    };
    let cases = [
        asked("2024-01", "3.0 3.0 3.0", "outcome = \"with_later\""),
        asked("2024-03", "3.0 3.0 3.0", "yuan = \"25\""),
        asked("2024-02", "3.0 3.0 2.9", "yuan = \"25\""),
        asked("2024-01", "3.0 3.0 2.9", "outcome = \"with_later\""),
        asked("2024-01", "3.0 2.9 2.9", "yuan = \"25\""),
        // March is not known yet.
        asked("2024-01", "3.0 2.9", "outcome = \"with_later\""),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, &amount, &cases.concat()].concat());
}

#[test]
fn what_each_further_person_adds_is_multiplied_and_rounded_as_the_sum_is() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = r#"
[amount]
order = ["sum", "doubling", "round"]

[amount.steps.sum]
kind = "flat"
unit = "household_and_heads"
yuan = "150.4"
each_further_yuan = "50.3"

[amount.steps.doubling]
kind = "multiply"
by = [ { residence = "urban", value = "2" } ]

[amount.steps.round]
kind = "round"
to = "yuan"
mode = "half_up"
"#;
    let line = |residence: &str, yuan: &str, further: &str| {
        format!(
            "{{ group = \"subsistence_allowance\", residence = {residence:?}, yuan = {yuan:?}, \
             each_further_yuan = {further:?} }}"
        )
    };
    let amounts =
        format!("amounts = [ {}, {} ]", line("urban", "301", "101"), line("rural", "150", "50"));
    let cases = case("2024-01", &[rises("cpi", "3.0")], &amounts);
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &cases].concat());
}

#[test]
fn a_rise_at_or_below_the_open_end_of_the_lowest_band_yields_nothing() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = r#"
[amount]
order = ["band", "round"]

[amount.steps.band]
kind = "sum_by_band"
rise = "scpi"
bands = [ { above = "3.0", at_most = "5.0", yuan = "10" }, { above = "5.0", yuan = "20" } ]

[amount.steps.round]
kind = "round"
mode = "none"
"#;
    let asked = |scpi: &str, yuan: &str| {
        let line = "group = \"subsistence_allowance\", residence = \"urban\"";
        let figures = [rises("cpi", "3.0"), rises("scpi", scpi)];
        case("2024-01", &figures, &format!("amounts = [ {{ {line}, yuan = {yuan:?} }} ]"))
    };
    let edges = [("2.9", "0"), ("3.0", "0"), ("3.1", "10"), ("5.0", "10"), ("5.1", "20")];
    let cases: String = edges.into_iter().map(|(scpi, yuan)| asked(scpi, yuan)).collect();
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &cases].concat());
}

#[test]
fn a_step_may_stand_beside_one_that_stands_beside_another() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let extra = r#"
[amount.steps.a_cap]
kind = "cap"
yuan = "40"
after = "z_doubling"

[amount.steps.z_doubling]
kind = "multiply"
by = "2"
before = "round"
"#;
    let line = "group = \"subsistence_allowance\", residence = \"urban\", yuan = \"40\"";
    let cases = case("2024-01", &[rises("cpi", "3.0")], &format!("amounts = [ {{ {line} }} ]"));
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, extra, &cases].concat());
}

#[test]
fn the_day_of_a_payment_with_a_month_not_yet_recorded_is_unknown() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let payment = "\n[payment]\nrhythm = \"quarterly\"\ndue = \"month_of_release\"\n";
    let released = rises("cpi", "3.0").replace(" }", ", released_on = \"2024-02-08\" }");
    let cases = case("2024-01", &[released], "pay_by = \"2024-02-29\"");
    let text = [&head("edge", "regional"), trigger, TRIGGER, FLAT, payment, &cases].concat();
    let told = found(&[text]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("pay_by: expected 2024-02-29, got none"), "{told:?}");
}

#[test]
fn an_expectation_that_cannot_be_read_is_an_error() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    for (expect, wrong) in [
        ("yuan = \"25 yuan\"", "expected a decimal"),
        ("outcome = \"maybe\"", "expected owed, not_triggered"),
        ("pay_by = \"soon\"", "expected a date"),
    ] {
        let line = format!("{{ group = \"special_care\", residence = \"urban\", {expect} }}");
        let expect = format!("triggered = \"yes\", amounts = [ {line} ]");
        let cases = case("2024-01", &[rises("cpi", "3.0")], &expect);
        let told = found(&[[&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases].concat()]);
        assert!(told.iter().any(|one| one.contains(wrong)), "{expect}: {told:?}");
    }
}

#[test]
fn a_case_about_a_month_or_place_of_another_document_is_an_error() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let cases = case("2023-12", &[rises("cpi", "3.0")], "triggered = \"undecidable\"");
    let text = [&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases].concat();
    let told = found(&[text]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("edge is not in force in 994000 for index month 2023-12"), "{told:?}");
}
