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
"#;
    let line = "group = \"subsistence_allowance\", residence = \"urban\", yuan = \"40\"";
    let cases = case("2024-01", &[rises("cpi", "3.0")], &format!("amounts = [ {{ {line} }} ]"));
    for place in ["before = \"round\"\n", "after = \"sum\"\n"] {
        holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, extra, place, &cases].concat());
    }
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

#[test]
fn a_value_just_below_at_and_just_above_its_threshold_by_each_comparator() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    for (comparator, triggered) in [
        (">=", ["no", "yes", "yes"]),
        (">", ["no", "no", "yes"]),
        ("<=", ["yes", "yes", "no"]),
        ("<", ["yes", "no", "no"]),
    ] {
        let condition = TRIGGER.replace("\">=\"", &format!("{comparator:?}"));
        let asked = ["2.9", "3.0", "3.1"].into_iter().zip(triggered);
        let cases: String = asked
            .map(|(cpi, expect)| {
                case("2024-01", &[rises("cpi", cpi)], &format!("triggered = {expect:?}"))
            })
            .collect();
        holds([&head("edge", "regional"), trigger, &condition, FLAT, &cases].concat());
    }
}

#[test]
fn each_month_of_a_run_is_held_against_the_threshold_of_its_own_month() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n";
    for raised_from in ["from = \"2024-02\"", "pay_from = \"2024-03\""] {
        let threshold = format!(
            "run_months = 2\nthreshold = [ {{ {raised_from}, value = \"4.0\" }}, {{ value = \"3.0\" }} ]"
        );
        let condition = TRIGGER.replace("threshold = \"3.0\"", &threshold);
        let cases = [
            state("2024-02", "2.9 4.0", "inactive"),
            state("2024-02", "3.0 4.0", "started"),
            state("2024-02", "3.0 3.9", "inactive"),
            state("2024-03", "2.9 3.9 4.0", "inactive"),
        ];
        holds([&head("edge", "regional"), trigger, &condition, FLAT, &cases.concat()].concat());
    }
}

#[test]
fn months_before_the_document_count_unless_it_says_that_it_begins_anew() {
    let head = head("edge", "regional").replace("from = \"2024-01\"", "from = \"2024-02\"");
    let condition = TRIGGER.replace("threshold", "run_months = 2\nthreshold");
    for (counts_from, february, march) in [
        ("", "started", "continuing"),
        ("counts_from = \"any\"\n", "started", "continuing"),
        ("counts_from = \"rule\"\n", "inactive", "started"),
    ] {
        let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
        let cases =
            [state("2024-02", "3.0 3.0 3.0", february), state("2024-03", "3.0 3.0 3.0", march)];
        holds([&head, trigger, counts_from, &condition, FLAT, &cases.concat()].concat());
    }
}

#[test]
fn a_plain_threshold_replaces_the_recorded_one_of_a_document_below() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"target\"\n\
                   [trigger.conditions.target]\nseries = \"cpi\"\ncomparator = \">=\"\n\
                   threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\n";
    let base = [&head("edge", "regional"), trigger, FLAT].concat();
    let plain = "[trigger.conditions.target]\nthreshold = \"3.0\"\n";
    let asked = |cpi: &str, triggered: &str| {
        let figures = [rises("cpi", cpi), rises("cpi_control_target", "2.0")];
        case("2024-01", &figures, &format!("triggered = {triggered:?}"))
    };
    let cases = [asked("2.9", "no"), asked("3.0", "yes"), asked("3.1", "yes")];
    let overlay = [&head("over", "overlay"), plain, &cases.concat()].concat();
    assert_eq!(found(&[base, overlay]), Vec::<String>::new());
}

#[test]
fn the_rise_that_triggered_is_never_a_fact_that_carries_as_well() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi and decided\"\n\
                   [trigger.conditions.decided]\nseries = \"city_decides\"\n\
                   comparator = \">=\"\nthreshold = \"1\"\n";
    let amount = r#"
[amount]
order = ["sum", "round"]

[amount.steps.sum]
kind = "sum_per_point"
rise = "trigger"
yuan = "10"

[amount.steps.round]
kind = "round"
mode = "none"
"#;
    // Half a point, although the fact is recorded as 1.
    let condition = TRIGGER.replace("\"3.0\"", "\"0.5\"");
    let line = "group = \"subsistence_allowance\", residence = \"urban\", yuan = \"5\"";
    let figures = [rises("cpi", "0.5"), rises("city_decides", "1")];
    let cases = case("2024-01", &figures, &format!("amounts = [ {{ {line} }} ]"));
    holds([&head("edge", "regional"), trigger, &condition, amount, &cases].concat());
}

/// A year in which every month triggers.
const ALL_YEAR: &str = "3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0";

/// Payment on the 15th of the month after the index month it is paid with.
fn paid(rhythm: &str) -> String {
    format!("\n[payment]\n{rhythm}\ndue = \"fixed\"\ndue_day = 15\ndue_months_after = 1\n")
}

fn paid_on(month: &str, cpi: &str, day: &str) -> String {
    case(month, &[rises("cpi", cpi)], &format!("pay_by = {day:?}"))
}

#[test]
fn months_paid_together_are_paid_with_the_last_of_them() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n";
    let terms = "rhythm = \"term\"\nterms = [ { from = 3, until = 7 }, { from = 8, until = 2 } ]";
    let from_start = "rhythm = \"quarterly\"\ncounted_from = \"start\"";
    // For index months 1 to 12, the month of the 15th; above 12 in the year after.
    for (rhythm, months) in [
        ("rhythm = \"monthly\"", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
        ("rhythm = \"quarterly\"", [4, 4, 4, 7, 7, 7, 10, 10, 10, 13, 13, 13]),
        ("rhythm = \"half_yearly\"", [7, 7, 7, 7, 7, 7, 13, 13, 13, 13, 13, 13]),
        ("rhythm = \"yearly\"", [13; 12]),
        (terms, [3, 3, 8, 8, 8, 8, 8, 15, 15, 15, 15, 15]),
        // The start by itself, then every three months.
        (from_start, [2, 5, 5, 5, 8, 8, 8, 11, 11, 11, 14, 14]),
    ] {
        let cases = months.into_iter().enumerate().map(|(at, month)| {
            let (year, month) = (2024 + (month - 1) / 12, (month - 1) % 12 + 1);
            let day = format!("{year}-{month:02}-15");
            paid_on(&format!("2024-{:02}", at + 1), ALL_YEAR, &day)
        });
        let cases: String = cases.collect();
        holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &paid(rhythm), &cases].concat());
    }
}

#[test]
fn what_remains_is_paid_with_the_last_paid_month_of_the_episode() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n";
    let quarterly = paid("rhythm = \"quarterly\"");
    let cases = [
        // March is not known yet.
        paid_on("2024-01", "3.0 3.0", "2024-04-15"),
        paid_on("2024-01", "3.0 3.0 3.0", "2024-04-15"),
        paid_on("2024-01", "3.0 3.0 2.9", "2024-03-15"),
        paid_on("2024-02", "3.0 3.0 2.9", "2024-03-15"),
        paid_on("2024-01", "3.0 2.9 2.9", "2024-02-15"),
        // March is an episode of its own.
        paid_on("2024-01", "3.0 2.9 3.0", "2024-02-15"),
        paid_on("2024-03", "3.0 2.9 3.0", "2024-04-15"),
        // It ends with the quarter.
        paid_on("2024-03", "3.0 3.0 3.0 2.9", "2024-04-15"),
        paid_on("2024-02", "2.9 3.0 3.0 3.0 2.9", "2024-04-15"),
        paid_on("2024-04", "2.9 3.0 3.0 3.0 2.9", "2024-05-15"),
    ];
    holds(
        [&head("edge", "regional"), trigger, TRIGGER, FLAT, &quarterly, &cases.concat()].concat(),
    );
    let suspends = "end_after_months = 2\n";
    let cases = [
        // One episode, interrupted in February; it ends in May.
        paid_on("2024-01", "3.0 2.9 3.0 2.9 2.9", "2024-04-15"),
        paid_on("2024-03", "3.0 2.9 3.0 2.9 2.9", "2024-04-15"),
        paid_on("2024-01", "3.0 2.9 2.9", "2024-02-15"),
        paid_on("2024-04", "3.0 2.9 3.0 3.0 2.9 2.9", "2024-05-15"),
    ];
    let head = head("edge", "regional");
    holds([&head, trigger, suspends, TRIGGER, FLAT, &quarterly, &cases.concat()].concat());
}

#[test]
fn a_fixed_day_beyond_the_end_of_the_month_is_its_last() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    for (day, january, march) in [
        (1, "2024-02-01", "2024-04-01"),
        (29, "2024-02-29", "2024-04-29"),
        (30, "2024-02-29", "2024-04-30"),
        (31, "2024-02-29", "2024-04-30"),
    ] {
        let payment = paid("").replace("due_day = 15", &format!("due_day = {day}"));
        let cases = [paid_on("2024-01", "3.0", january), paid_on("2024-03", "- - 3.0", march)];
        let texts = [&head("edge", "regional"), trigger, TRIGGER, FLAT, &payment, &cases.concat()];
        holds(texts.concat());
    }
}

/// The rise of a month with the day of its release.
fn released(series: &str, month: &str, value: &str, day: &str) -> String {
    format!(
        "{{ series = {series:?}, month = {month:?}, value = {value:?}, released_on = {day:?} }}"
    )
}

#[test]
fn the_day_is_counted_from_the_last_release_of_what_carries_the_month() {
    let condition = |name: &str, threshold: &str| {
        format!(
            "[trigger.conditions.{name}]\nseries = {name:?}\ncomparator = \">=\"\n\
             threshold = {threshold:?}\n"
        )
    };
    let food = condition("food", "6.0");
    let ten_days = "due = \"days\"\ndue_days = 10\n";
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi or food\"\n\
                   counts_from = \"rule\"\n";
    let asked = |cpi: [&str; 2], food: [&str; 2], day: &str| {
        let figures = [
            released("cpi", "2024-01", cpi[0], cpi[1]),
            released("food", "2024-01", food[0], food[1]),
        ];
        case("2024-01", &figures, &format!("pay_by = {day:?}"))
    };
    let cases = [
        asked(["3.0", "2024-02-08"], ["6.0", "2024-02-12"], "2024-02-22"),
        asked(["3.0", "2024-02-12"], ["6.0", "2024-02-08"], "2024-02-22"),
        // Food came later, and did not carry it.
        asked(["3.0", "2024-02-08"], ["5.9", "2024-02-12"], "2024-02-18"),
        asked(["2.9", "2024-02-12"], ["6.0", "2024-02-08"], "2024-02-18"),
    ];
    let payment = format!("\n[payment]\n{ten_days}");
    let head = head("edge", "regional");
    holds([&head, trigger, &food, TRIGGER, FLAT, &payment, &cases.concat()].concat());

    // February and March are paid although nothing holds, so that nothing carries them.
    let below = "below = \"pay\"\nend_after_months = 6\n";
    let figures = [
        released("cpi", "2024-01", "3.0", "2024-02-08"),
        released("food", "2024-01", "5.9", "2024-02-08"),
        released("cpi", "2024-02", "2.9", "2024-03-09"),
        released("food", "2024-02", "5.9", "2024-03-09"),
        released("cpi", "2024-03", "2.9", "2024-04-10"),
        released("food", "2024-03", "5.9", "2024-04-20"),
    ];
    let cases = [
        // January was carried by the CPI: its release in March counts.
        case("2024-01", &figures, "pay_by = \"2024-04-20\""),
        // What nothing carries waits for everything that was looked at.
        case("2024-02", &figures, "pay_by = \"2024-04-30\""),
    ];
    let payment = format!("\n[payment]\nrhythm = \"quarterly\"\n{ten_days}");
    holds([&head, trigger, below, &food, TRIGGER, FLAT, &payment, &cases.concat()].concat());
}

#[test]
fn a_sum_for_a_period_is_owed_once_in_each() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n";
    let terms = "\n[payment]\nterms = [ { from = 3, until = 7 }, { from = 8, until = 2 } ]\n";
    // The months that end a period, in a year in which every month triggers.
    for (period, ends) in [
        ("month", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12][..]),
        ("quarter", &[3, 6, 9, 12][..]),
        ("half_year", &[6, 12][..]),
        ("year", &[12][..]),
        // The second term ends in February of the year after.
        ("term", &[2, 7][..]),
    ] {
        let amount = FLAT.replace("[amount]\n", &format!("[amount]\nperiod = {period:?}\n"));
        let cases = (1..=12).map(|month| {
            let outcome = if ends.contains(&month) { "owed" } else { "with_later" };
            let line = format!(
                "group = \"subsistence_allowance\", residence = \"urban\", outcome = {outcome:?}"
            );
            let expect = format!("amounts = [ {{ {line} }} ]");
            case(&format!("2024-{month:02}"), &[rises("cpi", ALL_YEAR)], &expect)
        });
        let cases: String = cases.collect();
        holds([&head("edge", "regional"), trigger, TRIGGER, &amount, terms, &cases].concat());
    }
}

#[test]
fn an_earlier_amount_rests_on_at_most_four_earlier_months() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = r#"
[amount]
order = [ { until = "2024-02", value = ["sum", "round"] }, { value = ["before", "round"] } ]

[amount.steps.sum]
kind = "flat"
yuan = "25"

[amount.steps.before]
kind = "earlier_amount"
months_back = 1

[amount.steps.round]
kind = "round"
mode = "none"
"#;
    let asked = |month: &str, what: &str| {
        let line = "group = \"subsistence_allowance\", residence = \"urban\"";
        case(month, &[rises("cpi", ALL_YEAR)], &format!("amounts = [ {{ {line}, {what} }} ]"))
    };
    let cases = [
        asked("2024-02", "yuan = \"25\""),
        asked("2024-03", "yuan = \"25\""),
        asked("2024-05", "yuan = \"25\""),
        asked("2024-06", "yuan = \"25\""),
        asked("2024-07", "outcome = \"undecidable\""),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &cases.concat()].concat());
    let unpaid = case(
        "2024-03",
        &[rises("cpi", "3.0 2.9 3.0")],
        "amounts = [ { group = \"subsistence_allowance\", residence = \"urban\", yuan = \"0\" } ]",
    );
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &unpaid].concat());
}

#[test]
fn steps_may_name_each_other_eight_deep() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    for (deep, what) in
        [(7, "yuan = \"25\""), (8, "yuan = \"25\""), (9, "outcome = \"undecidable\"")]
    {
        let mut amount = FLAT.replace("[\"sum\", \"round\"]", "[\"best1\", \"round\"]");
        for at in 1..=deep {
            let next = if at == deep { "sum".to_owned() } else { format!("best{}", at + 1) };
            amount +=
                &format!("\n[amount.steps.best{at}]\nkind = \"higher_of\"\nof = [{next:?}]\n");
        }
        let line = "group = \"subsistence_allowance\", residence = \"urban\"";
        let expect = format!("amounts = [ {{ {line}, {what} }} ]");
        let cases = case("2024-01", &[rises("cpi", "3.0")], &expect);
        holds([&head("edge", "regional"), trigger, TRIGGER, &amount, &cases].concat());
    }
}

#[test]
fn a_start_pays_the_idle_months_before_it_also_while_it_cannot_be_told() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   back_pay_months = 3\n";
    let asked = |month: &str, cpi: &str, state: &str, triggered: &str| {
        let expect = format!("state = {state:?}, triggered = {triggered:?}");
        case(month, &[rises("cpi", cpi)], &expect)
    };
    let run = TRIGGER.replace("threshold", "run_months = 3\nthreshold");
    let cases = [
        asked("2024-01", "2.9 3.0 3.0 3.0", "inactive", "no"),
        asked("2024-02", "2.9 3.0 3.0 3.0", "back_paid", "yes"),
        asked("2024-03", "2.9 3.0 3.0 3.0", "back_paid", "yes"),
        asked("2024-04", "2.9 3.0 3.0 3.0", "started", "yes"),
        asked("2024-03", "2.9 3.0 3.0 2.9", "inactive", "no"),
        // April is not due yet: so far nothing is paid.
        asked("2024-03", "2.9 3.0 3.0", "inactive", "no"),
        // April is passed over, and may have started it.
        asked("2024-03", "2.9 3.0 3.0 - 2.9", "undecidable", "undecidable"),
        asked("2024-02", "2.9 3.0 3.0 - 2.9", "undecidable", "undecidable"),
        asked("2024-01", "2.9 3.0 3.0 - 2.9", "inactive", "no"),
        asked("2024-03", "2.9 3.0 2.9 - 2.9", "inactive", "no"),
    ];
    holds([&head("edge", "regional"), trigger, &run, FLAT, &cases.concat()].concat());
    // A start with one month pays two before it that did not reach the threshold.
    let cases = [
        asked("2024-01", "2.9 2.9 2.9 3.0", "inactive", "no"),
        asked("2024-02", "2.9 2.9 2.9 3.0", "back_paid", "yes"),
        asked("2024-03", "2.9 2.9 2.9 3.0", "back_paid", "yes"),
        asked("2024-03", "2.9 2.9 2.9 2.9", "inactive", "no"),
        asked("2024-03", "2.9 2.9 2.9 - 2.9", "undecidable", "undecidable"),
        asked("2024-02", "2.9 2.9 2.9 - 2.9", "undecidable", "undecidable"),
        asked("2024-01", "2.9 2.9 2.9 - 2.9", "inactive", "no"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

/// A condition on food beside the one on the CPI.
const FOOD: &str =
    "[trigger.conditions.food]\nseries = \"food\"\ncomparator = \">=\"\nthreshold = \"6.0\"\n";

#[test]
fn a_test_of_its_own_for_going_on_starts_nothing_and_keeps_it_running() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\nhold_when = \"still\"\n\
                   counts_from = \"rule\"\n[trigger.conditions.still]\nseries = \"cpi\"\n\
                   comparator = \">\"\nthreshold = \"2.5\"\n";
    let cases = [
        state("2024-01", "2.6", "inactive"),
        state("2024-02", "3.0 2.6", "continuing"),
        state("2024-02", "3.0 2.5", "suspended"),
        state("2024-02", "3.0 2.4", "suspended"),
        state("2024-03", "3.0 2.6 2.6", "continuing"),
        state("2024-03", "3.0 2.5 2.6", "inactive"),
        state("2024-03", "3.0 2.5 3.0", "started"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn the_start_is_carried_by_what_started_it_where_the_test_for_going_on_fails() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\nhold_when = \"food\"\n\
                   counts_from = \"rule\"\n";
    let asked = |food: &str, carried_by: &str| {
        let figures = [rises("cpi", "3.0"), rises("food", food)];
        let expect = format!("state = \"started\", carried_by = [ {carried_by:?} ]");
        case("2024-01", &figures, &expect)
    };
    let cases = [asked("5.9", "cpi"), asked("6.0", "food")];
    holds([&head("edge", "regional"), trigger, TRIGGER, FOOD, FLAT, &cases.concat()].concat());
}

#[test]
fn after_an_end_test_nothing_starts_for_the_months_of_the_pause() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\ncounts_from = \"rule\"\n\
                   end_when = \"absorbed\"\npause_months = 2\n\
                   [trigger.conditions.absorbed]\nseries = \"standards_absorb_rise\"\n\
                   comparator = \">=\"\nthreshold = \"1\"\n";
    let asked = |month: &str, state: &str| {
        let figures =
            [rises("cpi", "3.0 3.0 3.0 3.0 3.0"), rises("standards_absorb_rise", "0 1 0 0 0")];
        case(month, &figures, &format!("state = {state:?}"))
    };
    let cases = [
        asked("2024-01", "started"),
        asked("2024-02", "ended"),
        asked("2024-03", "inactive"),
        asked("2024-04", "inactive"),
        asked("2024-05", "started"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FLAT, &cases.concat()].concat());
}

#[test]
fn a_block_is_lifted_by_the_test_for_going_on_and_the_same_month_may_start_again() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\nhold_when = \"food\"\n\
                   counts_from = \"rule\"\nlongest_run_months = 1\n";
    let asked = |month: &str, cpi: &str, food: &str, state: &str| {
        let figures = [rises("cpi", cpi), rises("food", food)];
        case(month, &figures, &format!("state = {state:?}"))
    };
    let cases = [
        asked("2024-02", "3.0 3.0", "6.0 6.0", "ended"),
        asked("2024-03", "3.0 3.0 3.0", "6.0 6.0 6.0", "inactive"),
        asked("2024-03", "3.0 3.0 3.0", "6.0 6.0 5.9", "started"),
        asked("2024-03", "3.0 3.0 2.9", "6.0 6.0 5.9", "inactive"),
        asked("2024-04", "3.0 3.0 2.9 3.0", "6.0 6.0 5.9 6.0", "started"),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, FOOD, FLAT, &cases.concat()].concat());
}

#[test]
fn only_what_started_it_keeps_it_running_where_the_rule_says_so() {
    let trigger = |holds_on: &str| {
        format!(
            "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi or food\"\nholds_on = {holds_on:?}\n\
             counts_from = \"rule\"\n"
        )
    };
    let asked = |cpi: &str, food: &str, expect: &str| {
        let figures = [rises("cpi", cpi), rises("food", food)];
        case(&format!("2024-{:02}", cpi.split(' ').count()), &figures, expect)
    };
    let any = [
        asked("3.0 2.9", "5.9 6.0", "state = \"continuing\", carried_by = [\"food\"]"),
        asked("3.0 3.0", "5.9 6.0", "state = \"continuing\", carried_by = [\"cpi\", \"food\"]"),
    ];
    let carrying = [
        asked("3.0 2.9", "5.9 6.0", "state = \"suspended\""),
        asked("3.0 3.0", "5.9 5.9", "state = \"continuing\", carried_by = [\"cpi\"]"),
        // Food came to carry it as well, and may carry it on.
        asked("3.0 3.0 2.9", "5.9 6.0 6.0", "state = \"continuing\", carried_by = [\"food\"]"),
        asked("3.0 2.9", "6.0 5.9", "state = \"suspended\""),
        asked("3.0 2.9", "6.0 6.0", "state = \"continuing\", carried_by = [\"food\"]"),
    ];
    for (holds_on, cases) in [("any", any.concat()), ("carrying", carrying.concat())] {
        let (head, trigger) = (head("edge", "regional"), trigger(holds_on));
        holds([&head, &trigger, TRIGGER, FOOD, FLAT, &cases].concat());
    }
}

#[test]
fn an_earlier_amount_decided_by_hand_stays_with_those_who_decide() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = r#"
[amount]
order = [ { until = "2024-01", value = ["band", "round"] }, { value = ["before", "round"] } ]

[amount.steps.band]
kind = "sum_by_band"
rise = "cpi"
bands = [ { at_least = "3.0", below = "5.0", yuan = "10" }, { at_least = "5.0", by_hand = true } ]

[amount.steps.before]
kind = "earlier_amount"
months_back = 1

[amount.steps.round]
kind = "round"
mode = "none"
"#;
    let asked = |cpi: &str, what: &str| {
        let line = "group = \"subsistence_allowance\", residence = \"urban\"";
        case("2024-02", &[rises("cpi", cpi)], &format!("amounts = [ {{ {line}, {what} }} ]"))
    };
    let cases = [
        asked("4.9 3.0", "yuan = \"10\""),
        asked("5.0 3.0", "outcome = \"by_hand\""),
        asked("5.1 3.0", "outcome = \"by_hand\""),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &cases.concat()].concat());
}

const OF_TARGET: &str = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"target\"\n\
                         [trigger.conditions.target]\nseries = \"cpi\"\ncomparator = \">=\"\n\
                         threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\n";

fn against(cpi: &str, target: &str, triggered: &str) -> String {
    let figures = [rises("cpi", cpi), rises("cpi_control_target", target)];
    case("2024-01", &figures, &format!("triggered = {triggered:?}"))
}

#[test]
fn points_are_added_to_the_recorded_threshold_below_at_and_above_it() {
    let text = |plus: &str, cases: &[String]| {
        let plus = format!("threshold_plus = {plus:?}\n");
        holds([&head("edge", "regional"), OF_TARGET, &plus, FLAT, &cases.concat()].concat());
    };
    text(
        "1.0",
        &[
            against("3.9", "3.0", "no"),
            against("4.0", "3.0", "yes"),
            against("4.1", "3.0", "yes"),
            against("4.1", "-", "undecidable"),
        ],
    );
    text(
        "-0.5",
        &[against("2.4", "3.0", "no"), against("2.5", "3.0", "yes"), against("2.6", "3.0", "yes")],
    );
    text("0", &[against("2.9", "3.0", "no"), against("3.0", "3.0", "yes")]);
}

#[test]
fn points_by_case_follow_the_month_and_a_lowering_bounds_the_sum() {
    let plus =
        "threshold_plus = [ { until = \"2024-01\", value = \"1.0\" }, { value = \"2.0\" } ]\n";
    let february = |cpi: &str, triggered: &str| {
        let figures = [rises("cpi", cpi), rises("cpi_control_target", "3.0")];
        case("2024-02", &figures, &format!("triggered = {triggered:?}"))
    };
    let cases = [
        against("3.9", "3.0", "no"),
        against("4.0", "3.0", "yes"),
        february("0.0 4.9", "no"),
        february("0.0 5.0", "yes"),
    ];
    let base = [&head("edge", "regional"), OF_TARGET, plus, FLAT, &cases.concat()].concat();
    holds(base.clone());
    let base = base.split("\n[[cases]]").next().unwrap().to_owned();
    let lowering = "[trigger.conditions.target]\nthreshold = { lower_to = \"3.5\" }\n";
    let cases = [
        against("3.4", "3.0", "no"),
        against("3.5", "3.0", "yes"),
        // 2.0 and one point are below what it lowers to.
        against("2.9", "2.0", "no"),
        against("3.0", "2.0", "yes"),
    ];
    let overlay = [&head("over", "overlay"), lowering, &cases.concat()].concat();
    assert_eq!(found(&[base, overlay]), Vec::<String>::new());
}

#[test]
fn points_belong_to_the_document_that_names_the_series_or_a_nearer_one() {
    let below = [&head("edge", "regional"), OF_TARGET, "threshold_plus = \"1.0\"\n", FLAT].concat();
    let over = |says: &str, cases: &[String]| {
        let says = format!("[trigger.conditions.target]\n{says}");
        let over = [head("over", "overlay"), says.clone(), cases.concat()].concat();
        assert_eq!(found(&[below.clone(), over]), Vec::<String>::new(), "{says}");
    };
    over(
        "threshold_plus = \"0.5\"\n",
        &[against("3.4", "3.0", "no"), against("3.5", "3.0", "yes")],
    );
    // Its own target, with nothing added by it.
    over(
        "threshold_series = \"cpi_control_target\"\n",
        &[against("2.9", "3.0", "no"), against("3.0", "3.0", "yes")],
    );
    // A number replaces the target with its points.
    over("threshold = \"3.2\"\n", &[against("3.1", "3.0", "no"), against("3.2", "3.0", "yes")]);
}

/// A case of the allowance times CPI: 600 yuan, and what it comes to.
fn sum(cpi: &str, amount: &str) -> String {
    let line = "group = \"subsistence_allowance\", residence = \"urban\"";
    case("2024-01", &[rises("cpi", cpi)], &format!("amounts = [ {{ {line}, {amount} }} ]")).replace(
        "expect =",
        "standards = [ { standard = \"dibao_urban\", valid_from = \"2023-01\", yuan = \"600\" } ]\n\
         expect =",
    )
}

/// A document whose allowance times CPI is changed by further steps.
fn changed(order: &str, steps: &str, cases: &[String]) -> String {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = format!(
        "[amount]\norder = {order}\n[amount.steps.rate]\nkind = \"base_times_rise\"\n\
         base = \"dibao_urban\"\nrise = \"cpi\"\n[amount.steps.round]\nkind = \"round\"\n\
         mode = \"half_up\"\nto = \"fen\"\n{steps}"
    );
    [&head("edge", "regional"), trigger, TRIGGER, &amount, &cases.concat()].concat()
}

#[test]
fn a_floor_a_cap_and_a_deduction_may_be_shares_of_a_standard() {
    let of = |kind: &str, share: &str| {
        format!(
            "[amount.steps.limit]\nkind = {kind:?}\n\
             yuan = {{ standard = \"dibao_urban\", share = {share:?} }}\n"
        )
    };
    let order = "[\"rate\", \"limit\", \"round\"]";
    let fits = |kind: &str, share: &str, sums: [&str; 3]| {
        let cases = ["4.9", "5.0", "5.1"].map(|cpi| cpi.to_owned());
        let cases: Vec<_> = (cases.iter().zip(sums))
            .map(|(cpi, yuan)| sum(cpi, &format!("yuan = {yuan:?}")))
            .collect();
        holds(changed(order, &of(kind, share), &cases));
    };
    fits("cap", "1/20", ["29.40", "30.00", "30.00"]);
    fits("floor", "0.05", ["30.00", "30.00", "30.60"]);
    fits("subtract", "0.05", ["0.00", "0.00", "0.60"]);
    fits("override", "2", ["1200.00", "1200.00", "1200.00"]);
}

#[test]
fn a_limit_may_be_a_multiple_of_a_step_of_its_own_or_of_what_a_step_before_left() {
    let limit = |step: &str, share: &str| {
        format!(
            "[amount.steps.doubling]\nkind = \"multiply\"\n\
             by = [ {{ until = \"2024-01\", value = \"2\" }} ]\n\
             [amount.steps.limit]\nkind = \"cap\"\n\
             yuan = {{ step = {step:?}, share = {share:?} }}\n"
        )
    };
    let order = "[\"rate\", \"doubling\", \"limit\", \"round\"]";
    let yuan = |cpi: &str, yuan: &str| sum(cpi, &format!("yuan = {yuan:?}"));
    // Twice 12 and four times: doubled, 3.9 yields 46.8.
    let cases = [yuan("3.9", "46.80"), yuan("4.0", "48.00"), yuan("4.1", "48.00")];
    let fixed = "[amount.steps.fixed]\nkind = \"flat\"\nyuan = \"12\"\n";
    holds(changed(order, &(limit("fixed", "4") + fixed), &cases));
    // One and a half times the sum before it was doubled.
    holds(changed(order, &limit("rate", "1.5"), &[yuan("4.0", "36.00"), yuan("5.0", "45.00")]));
    // Half of what the doubling left.
    holds(changed(order, &limit("doubling", "0.5"), &[yuan("4.0", "24.00")]));
}

#[test]
fn a_step_passed_over_left_the_sum_as_it_was() {
    let steps = "[amount.steps.doubling]\nkind = \"multiply\"\n\
                 by = [ { residence = \"rural\", value = \"2\" } ]\n\
                 [amount.steps.limit]\nkind = \"cap\"\n\
                 yuan = { step = \"doubling\", share = \"0.5\" }\n";
    let order = "[\"rate\", \"doubling\", \"limit\", \"round\"]";
    holds(changed(order, steps, &[sum("4.0", "yuan = \"12.00\"")]));
}

#[test]
fn a_sum_for_each_point_and_a_flat_sum_may_be_shares_of_a_standard() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let of = |kind: &str, cases: &[String]| {
        let amount = format!(
            "[amount]\norder = [\"sum\", \"round\"]\n[amount.steps.sum]\nkind = {kind:?}\n\
             yuan = {{ standard = \"dibao_urban\", share = \"0.01\" }}\n{}\
             [amount.steps.round]\nkind = \"round\"\nmode = \"none\"\n",
            if kind == "sum_per_point" { "rise = \"cpi\"\npoints = \"up\"\n" } else { "" }
        );
        holds([&head("edge", "regional"), trigger, TRIGGER, &amount, &cases.concat()].concat());
    };
    let yuan = |cpi: &str, yuan: &str| sum(cpi, &format!("yuan = {yuan:?}"));
    of("flat", &[yuan("3.0", "6.00"), yuan("9.0", "6.00")]);
    of("sum_per_point", &[yuan("3.0", "18.00"), yuan("3.1", "24.00"), yuan("4.0", "24.00")]);
}

#[test]
fn what_a_relative_sum_rests_on_must_be_recorded() {
    let steps = "[amount.steps.limit]\nkind = \"cap\"\n\
                 yuan = { standard = \"unemployment_benefit\", share = \"0.2\" }\n";
    let order = "[\"rate\", \"limit\", \"round\"]";
    holds(changed(order, steps, &[sum("4.0", "outcome = \"undecidable\"")]));
}

#[test]
fn a_sum_is_rounded_to_a_multiple_of_any_unit_below_at_and_above_its_middle() {
    let order = "[\"rate\", \"whole\"]";
    for (to, mode, sums) in [
        // 600 × 5.3, 5.4, 5.5 % = 31.8, 32.4, 33.0.
        ("5", "half_up", ["30.00", "30.00", "35.00"]),
        ("10", "half_up", ["30.00", "30.00", "30.00"]),
        ("10", "up", ["40.00", "40.00", "40.00"]),
        ("3", "down", ["30.00", "30.00", "33.00"]),
        ("0.5", "half_up", ["32.00", "32.50", "33.00"]),
        ("0.20", "up", ["31.80", "32.40", "33.00"]),
        ("1", "down", ["31.00", "32.00", "33.00"]),
        ("0.01", "half_up", ["31.80", "32.40", "33.00"]),
        ("1000", "up", ["1000.00", "1000.00", "1000.00"]),
    ] {
        let steps =
            format!("[amount.steps.whole]\nkind = \"round\"\nto = {to:?}\nmode = {mode:?}\n");
        let cases: Vec<_> = ["5.3", "5.4", "5.5"]
            .iter()
            .zip(sums)
            .map(|(cpi, yuan)| sum(cpi, &format!("yuan = {yuan:?}")))
            .collect();
        let text = changed(order, &steps, &cases);
        let unused = "[amount.steps.round]\nkind = \"round\"\nmode = \"half_up\"\nto = \"fen\"\n";
        holds(text.replace(unused, ""));
    }
    for to in ["0", "-5", "0.005", "1000.01", "five", "5 yuan", ""] {
        let steps = format!("[amount.steps.whole]\nkind = \"round\"\nto = {to:?}\nmode = \"up\"\n");
        let wrong = found(&[changed(order, &steps, &[])]);
        assert_eq!(wrong.len(), 1, "{to:?}: {wrong:?}");
        assert!(
            wrong[0].starts_with("bad_value") && wrong[0].contains(&format!("{to:?}")),
            "{wrong:?}"
        );
    }
}

#[test]
fn the_lowest_of_several_rises_counts_and_all_must_be_recorded() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = "[amount]\norder = [\"rate\", \"round\"]\n[amount.steps.rate]\n\
                  kind = \"base_times_rise\"\nbase = \"dibao_urban\"\n\
                  rise = { lower_of = [\"cpi\", \"food\", \"scpi\"] }\n\
                  [amount.steps.round]\nkind = \"round\"\nmode = \"none\"\n";
    let asked = |food: &str, scpi: &str, amount: &str| {
        let line = "group = \"subsistence_allowance\", residence = \"urban\"";
        let figures = [rises("cpi", "4.0"), rises("food", food), rises("scpi", scpi)];
        let standards = "standards = [ { standard = \"dibao_urban\", valid_from = \"2023-01\", \
                         yuan = \"600\" } ]\nexpect =";
        case("2024-01", &figures, &format!("amounts = [ {{ {line}, {amount} }} ]"))
            .replace("expect =", standards)
    };
    let cases = [
        asked("3.9", "5.0", "yuan = \"23.40\""),
        asked("4.0", "5.0", "yuan = \"24.00\""),
        asked("4.1", "5.0", "yuan = \"24.00\""),
        asked("4.1", "0.1", "yuan = \"0.60\""),
        // Falling prices: nothing is paid, as for one rise.
        asked("4.1", "-0.1", "yuan = \"0.00\""),
        asked("-", "5.0", "outcome = \"undecidable\""),
    ];
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &cases.concat()].concat());
}

#[test]
fn the_points_above_a_threshold_follow_it_through_the_documents() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi\"\n";
    let amount = "[amount]\norder = [\"points\", \"round\"]\n[amount.steps.points]\n\
                  kind = \"sum_per_point\"\nrise = \"cpi\"\nabove = { threshold_of = \"cpi\" }\n\
                  yuan = \"10\"\n[amount.steps.round]\nkind = \"round\"\nmode = \"none\"\n";
    let base = [&head("edge", "regional"), trigger, TRIGGER, amount].concat();
    let yuan = |cpi: &str, yuan: &str| sum(cpi, &format!("yuan = {yuan:?}"));
    let cases = [yuan("2.9", "0.00"), yuan("3.0", "0.00"), yuan("3.1", "1.00")];
    holds(base.clone() + &cases.concat());
    let cases =
        [yuan("2.4", "0.00"), yuan("2.5", "0.00"), yuan("2.6", "1.00"), yuan("3.1", "6.00")];
    let lowering = "[trigger.conditions.cpi]\nthreshold = { lower_to = \"2.5\" }\n";
    let overlay = [&head("over", "overlay"), lowering, &cases.concat()].concat();
    assert_eq!(found(&[base.clone(), overlay]), Vec::<String>::new());
    // One that no document defines.
    let wrong = found(&[base.replace("threshold_of = \"cpi\"", "threshold_of = \"nothing\"")]);
    assert!(wrong.iter().any(|one| one.starts_with("unknown_condition")), "{wrong:?}");
    let wrong = found(&[base.replace("{ threshold_of = \"cpi\" }", "\"threshold\"")]);
    assert!(wrong[0].contains("threshold_of"), "{wrong:?}");
}

#[test]
fn a_recorded_threshold_that_is_missing_leaves_the_points_above_it_unknown() {
    let trigger = "[trigger]\nlevel = [\"prefecture\"]\nwhen = \"cpi or target\"\n\
                   [trigger.conditions.target]\nseries = \"cpi\"\ncomparator = \">=\"\n\
                   threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"\n";
    let amount = "[amount]\norder = [\"points\", \"round\"]\n[amount.steps.points]\n\
                  kind = \"base_times_rise\"\nbase = \"dibao_urban\"\nrise = \"cpi\"\n\
                  above = { threshold_of = \"target\" }\n\
                  [amount.steps.round]\nkind = \"round\"\nmode = \"none\"\n";
    let known = sum("4.0", "yuan = \"12.00\"").replacen(
        "figures = [ ",
        &format!("figures = [ {}, ", rises("cpi_control_target", "2.0")),
        1,
    );
    let cases = [known, sum("4.0", "outcome = \"undecidable\"")];
    holds([&head("edge", "regional"), trigger, TRIGGER, amount, &cases.concat()].concat());
}

#[test]
fn more_is_added_in_some_months_or_to_some_people_and_to_no_further_head() {
    let add = |yuan: &str| format!("[amount.steps.more]\nkind = \"add\"\nyuan = {yuan}\n");
    let order = "[\"rate\", \"more\", \"round\"]";
    let yuan = |cpi: &str, yuan: &str| sum(cpi, &format!("yuan = {yuan:?}"));
    holds(changed(order, &add("\"20\""), &[yuan("5.0", "50.00")]));
    holds(changed(
        order,
        &add("[ { residence = \"rural\", value = \"20\" } ]"),
        &[yuan("5.0", "30.00")],
    ));
    holds(changed(order, &add("{ step = \"rate\", share = \"1/3\" }"), &[yuan("5.0", "40.00")]));
    holds(changed(
        order,
        &add("{ standard = \"dibao_urban\", share = \"0.1\" }"),
        &[yuan("5.0", "90.00")],
    ));
    let heads = add("\"20\"")
        + "[amount.steps.twice]\nkind = \"multiply\"\nby = \"2\"\n[amount.steps.rate]\n";
    let each = |share: &str, each: &str| {
        let text = changed(
            "[\"rate\", \"more\", \"twice\", \"round\"]",
            &heads.replace("[amount.steps.rate]\n", ""),
            &[sum("5.0", &format!("yuan = \"100.00\", each_further_yuan = {each:?}"))],
        );
        text.replace(
            "rise = \"cpi\"\n",
            &format!(
                "rise = \"cpi\"\nunit = \"household_and_heads\"\n\
                 each_further_yuan = {{ step = \"rate\", share = {share:?} }}\n"
            ),
        )
    };
    // Half of 30, doubled; what is added for the household is not added again.
    holds(each("0.5", "30.00"));
    holds(each("1/3", "20.00"));
    let wrong =
        found(&[each("0.5", "30.00").replace("step = \"rate\", share", "step = \"more\", share")]);
    assert!(wrong.iter().any(|one| one.starts_with("no_sum")), "{wrong:?}");
    let wrong =
        found(&[each("0.5", "30.00").replace("step = \"rate\", share", "step = \"other\", share")]);
    assert!(wrong.iter().any(|one| one.starts_with("unknown_step")), "{wrong:?}");
}

#[test]
fn a_reform_may_add_points_to_the_targets_of_areas_below() {
    let path = "trigger.conditions.cpi.threshold_plus".to_owned();
    let reform = price_linkage::rules::reform::Reform::setting(&[(path, "0.5".to_owned())]);
    let document = reform.unwrap().instrument().clone();
    let Dataset { areas, series, groups, standard_names: standards, library, .. } = around();
    let recorded = std::collections::BTreeSet::new();
    let lists =
        price_linkage::rules::lint::Lists { areas, series, groups, standards, recorded: &recorded };
    let found = price_linkage::rules::lint::lint(&document, library, lists);
    assert!(found.iter().all(|one| one.code != "nothing_to_add_to"), "{found:?}");
}
