//! Budgets of small documents, worked out by hand: who is paid, by whom, for which months, and every
//! headcount that is refused.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{
        decision::State,
        exact::parse_decimal,
        figure::{Figure, Figures},
        group::Residence,
        month::Month,
        run::{Basis, Headcount},
        standard::{Standard, Standards},
    },
    engine::{
        alike::Histories,
        amount::{Line, quote},
        budget::budget,
        condition::Truth,
        draft::{Budget, BudgetError},
        due::payments,
        grounds::grounds,
        question::{Applied, Terms, Threshold, World},
        reason::Vocabulary,
        timeline::Timeline,
        trigger::MonthOutcome,
    },
    intake::folder::{Dataset, load},
    rules::{
        instrument::Instrument,
        library::{Law, Library},
    },
};

static DATA: LazyLock<Dataset> = LazyLock::new(|| load(&["data/guide".into()]).unwrap());

const HEAD: &str = r#"
id = "sample"
kind = "regional"
title_zh = "示例"
title_en = "Sample"
jurisdiction = "994000"
index_months = { from = "2024-01" }
confidence = "A"

[trigger]
level = ["prefecture"]
when = "cpi"
counts_from = "rule"

[trigger.conditions.cpi]
series = "cpi"
comparator = ">="
threshold = "3.0"

[[groups]]
add = ["special_care", "subsistence_allowance"]
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

/// What is recorded: the rises of months of 2024 by series, and standards.
#[derive(Default)]
struct Facts {
    figures: Figures,
    standards: Standards,
}

impl Facts {
    /// The CPI of the months from January on; `-` is not recorded.
    fn cpi(values: &str) -> Self {
        Self::default().series("cpi", values)
    }

    fn series(self, series: &str, values: &str) -> Self {
        self.of("994000", series, values)
    }

    fn of(mut self, area: &str, series: &str, values: &str) -> Self {
        for (at, value) in values.split(' ').enumerate().filter(|(_, value)| *value != "-") {
            self.figures.insert(Figure {
                area: area.parse().unwrap(),
                series: series.parse().unwrap(),
                month: month(&format!("2024-{:02}", at + 1)),
                value: parse_decimal(value).unwrap(),
                released_on: None,
                source: String::new(),
                revision: 1,
                recorded_at: DateTime::<Utc>::UNIX_EPOCH,
            });
        }
        self
    }

    fn standard(mut self, standard: &str, from: &str, yuan: &str) -> Self {
        self.standards.insert(Standard {
            area: "994000".parse().unwrap(),
            standard: standard.parse().unwrap(),
            valid_from: month(from),
            yuan: parse_decimal(yuan).unwrap(),
            headcount: None,
            source: String::new(),
            revision: 1,
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
        });
        self
    }
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn heads(month: &str, group: &str, residence: Residence, persons: u64) -> Headcount {
    Headcount {
        month: month.parse().unwrap(),
        area: "994000".parse().unwrap(),
        group: group.parse().unwrap(),
        residence,
        persons,
        households: None,
    }
}

/// Persons of the subsistence allowance in towns.
fn urban(month: &str, persons: u64) -> Headcount {
    heads(month, "subsistence_allowance", Residence::Urban, persons)
}

fn library(documents: &[&str]) -> Library {
    let read = documents.iter().map(|text| Instrument::parse("sample.toml", text).unwrap());
    Library::new(read.collect(), &DATA.areas).unwrap()
}

fn world<'a>(library: &'a Library, facts: &'a Facts) -> World<'a> {
    let Dataset { areas, series, calendar, .. } = &*DATA;
    let Facts { figures, standards } = facts;
    World { areas, series, library, figures, standards, calendar }
}

fn drawn(
    documents: &[&str],
    facts: &Facts,
    rows: &[Headcount],
    discretion: bool,
) -> Result<Budget, BudgetError> {
    let Dataset { areas, series, groups, standard_names: standards, .. } = &*DATA;
    let words = Vocabulary { areas, series, groups, standards };
    budget(world(&library(documents), facts), &words, rows, &Terms::default(), discretion)
}

/// The months of 2024 through the last.
fn outcomes(documents: &[&str], facts: &Facts, last: &str) -> Vec<MonthOutcome> {
    let (library, area) = (library(documents), "994000".parse().unwrap());
    let through = Timeline::through(world(&library, facts), area, month(last), &Terms::default());
    through.unwrap().outcomes().to_vec()
}

fn budgeted(text: &str, facts: &Facts, rows: &[Headcount]) -> Budget {
    drawn(&[text], facts, rows, false).unwrap()
}

/// The refusals: the place of the headcount and the code.
fn refused(
    text: &str,
    facts: &Facts,
    rows: &[Headcount],
    discretion: bool,
) -> Vec<(usize, &'static str)> {
    match drawn(&[text], facts, rows, discretion) {
        Err(BudgetError::Refused(all)) => all.iter().map(|one| (one.row, one.code)).collect(),
        other => panic!("{other:?}"),
    }
}

/// Sum, increment and who pays how much, of every line.
fn sums(budget: &Budget) -> Vec<String> {
    let line = |line: &price_linkage::domain::run::RunLine| {
        let charges =
            line.charges.iter().map(|charge| format!("{} {}", charge.source, charge.yuan));
        let charges = charges.collect::<Vec<_>>().join(", ");
        format!("{} of which {}: {charges}", line.yuan, line.increment_yuan)
    };
    budget.lines.iter().map(line).collect()
}

fn codes(budget: &Budget) -> Vec<&str> {
    budget.findings.iter().map(|one| one.code.as_str()).collect()
}

#[test]
fn the_shares_of_the_sources_add_up_and_the_fen_left_over_has_its_payer() {
    let split = "[funding]\nsplit = [ { source = \"city\", share = \"1/3\" }, \
                 { source = \"county\", share = \"2/3\" } ]\n";
    for (remainder, charged) in
        [("", "city 25.00, county 50.00"), ("remainder = \"city\"\n", "city 25.00, county 50.00")]
    {
        let text = [HEAD, FLAT, split, remainder].concat();
        let budget = budgeted(&text, &Facts::cpi("3.0"), &[urban("2024-01", 3)]);
        assert_eq!(sums(&budget), [format!("75.00 of which 0.00: {charged}")]);
    }
    for (remainder, charged) in
        [("", "city 8.33, county 16.67"), ("remainder = \"city\"\n", "city 8.34, county 16.66")]
    {
        let text = [HEAD, FLAT, split, remainder].concat();
        let budget = budgeted(&text, &Facts::cpi("3.0"), &[urban("2024-01", 1)]);
        assert_eq!(sums(&budget), [format!("25.00 of which 0.00: {charged}")]);
        assert_eq!(codes(&budget), ["due_unknown", "group_absent"]);
    }
    let budget = budgeted(&[HEAD, FLAT].concat(), &Facts::cpi("3.0"), &[urban("2024-01", 1)]);
    assert_eq!(sums(&budget), ["25.00 of which 0.00: unstated 25.00"]);
    assert_eq!(codes(&budget), ["funding_unstated", "due_unknown", "group_absent"]);
    let absent = budget.findings.iter().find(|one| one.code == "group_absent").unwrap();
    assert_eq!(absent.en, "covered by law but not counted: entitled special-care recipients");
}

/// 25 yuan, 3 more for each further person of the household, in towns doubled.
const DOUBLED: &str = r#"
[amount]
order = ["sum", "doubling", "round"]

[amount.steps.sum]
kind = "flat"
unit = [ { residence = "rural", value = "person" }, { value = "household_and_heads" } ]
yuan = "25"
each_further_yuan = "3"

[amount.steps.doubling]
kind = "multiply"
by = [ { residence = "urban", value = "2" } ]

[amount.steps.round]
kind = "round"
mode = "none"

[funding]
split = [ { source = "local", share = "1" } ]
"#;

#[test]
fn what_a_step_adds_is_the_increment_with_shares_of_its_own() {
    let increment = "increment_steps = [\"doubling\"]\n\
                     increment_split = [ { source = \"central\", share = \"0.8\" }, \
                     { source = \"local\", share = \"0.2\" } ]\n";
    let text = [HEAD, DOUBLED, increment].concat();
    // Two households of five persons: 2 × 50 + 3 × 6, half of it by the doubling.
    let towns = Headcount { households: Some(2), ..urban("2024-01", 5) };
    let country = heads("2024-01", "subsistence_allowance", Residence::Rural, 4);
    let budget = budgeted(&text, &Facts::cpi("3.0"), &[towns, country]);
    let expected = [
        "118.00 of which 59.00: local 70.80, central 47.20",
        // The doubling does not fit the country.
        "100.00 of which 0.00: local 100.00",
    ];
    assert_eq!(sums(&budget), expected);
    let further = budget.lines.iter().map(|line| line.each_further_yuan.map(|one| one.to_string()));
    assert_eq!(further.collect::<Vec<_>>(), [Some("6.00".to_owned()), None]);
}

#[test]
fn what_is_computed_from_a_step_of_the_increment_is_so_without_it_from_what_it_left() {
    let increment = "increment_steps = [\"doubling\"]\n\
                     increment_split = [ { source = \"central\", share = \"1\" } ]\n";
    let extra = "[amount.steps.extra]\nkind = \"add\"\nyuan = { step = \"doubling\", share = \"0.1\" }\n\n\
                 [amount.steps.round]";
    let doubled = DOUBLED
        .replace("\"doubling\", \"round\"", "\"doubling\", \"extra\", \"round\"")
        .replace("[amount.steps.round]", extra)
        .replace("by = [ { residence = \"urban\", value = \"2\" } ]", "by = \"2\"");
    let text = [HEAD, &doubled, increment].concat();
    let country = heads("2024-01", "subsistence_allowance", Residence::Rural, 1);
    let budget = budgeted(&text, &Facts::cpi("3.0"), &[country]);
    // 25 doubled and a tenth more, against 25 and a tenth more.
    assert_eq!(sums(&budget), ["55.00 of which 27.50: local 27.50, central 27.50"]);
}

#[test]
fn shares_of_the_increment_are_asked_for_only_where_there_is_one() {
    let elsewhere = "increment_steps = [\"doubling\"]\n\
                     increment_split = [ { residence = \"urban\", value = [ \
                     { source = \"central\", share = \"1\" } ] } ]\n";
    let country = heads("2024-01", "subsistence_allowance", Residence::Rural, 4);
    let text = [HEAD, DOUBLED, elsewhere].concat();
    let budget = budgeted(&text, &Facts::cpi("3.0"), std::slice::from_ref(&country));
    assert_eq!(sums(&budget), ["100.00 of which 0.00: local 100.00"]);
    assert_eq!(codes(&budget), ["due_unknown", "group_absent"]);
    // Doubled in the country as well, where no shares of the increment are given.
    let doubled =
        DOUBLED.replace("by = [ { residence = \"urban\", value = \"2\" } ]", "by = \"2\"");
    let text = [HEAD, &doubled, elsewhere].concat();
    let budget = budgeted(&text, &Facts::cpi("3.0"), std::slice::from_ref(&country));
    assert_eq!(sums(&budget), ["200.00 of which 100.00: local 100.00, unstated 100.00"]);
    assert_eq!(codes(&budget), ["funding_unstated", "due_unknown", "group_absent"]);
    // Where no document gives the increment shares of its own, those of the rest hold.
    let text = [HEAD, &doubled, "increment_steps = [\"doubling\"]\n"].concat();
    let budget = budgeted(&text, &Facts::cpi("3.0"), &[country]);
    assert_eq!(sums(&budget), ["200.00 of which 100.00: local 200.00"]);
    assert_eq!(codes(&budget), ["due_unknown", "group_absent"]);
}

#[test]
fn for_a_group_of_the_increment_the_whole_sum_is_one() {
    let increment = "increment_groups = [\"special_care\"]\n\
                     increment_split = [ { source = \"central\", share = \"1\" } ]\n";
    let text =
        [HEAD, FLAT, "[funding]\nsplit = [ { source = \"local\", share = \"1\" } ]\n", increment];
    let care = heads("2024-01", "special_care", Residence::Urban, 2);
    let budget = budgeted(&text.concat(), &Facts::cpi("3.0"), &[care, urban("2024-01", 2)]);
    let expected = ["50.00 of which 50.00: central 50.00", "50.00 of which 0.00: local 50.00"];
    assert_eq!(sums(&budget), expected);
    assert_eq!(codes(&budget), ["due_unknown"]);
}

#[test]
fn a_month_that_only_a_lowered_threshold_carries_is_the_increment() {
    let text = HEAD.replace("when = \"cpi\"", "when = \"cpi or food\"").replace(
        "[[groups]]",
        "[trigger.conditions.food]\nseries = \"food\"\ncomparator = \">=\"\nthreshold = \"6.0\"\n\n[[groups]]",
    );
    let split = "[funding]\nsplit = [ { source = \"local\", share = \"1\" } ]\n";
    let text = [&text, FLAT, split].concat();
    let overlay = "id = \"stage\"\nkind = \"overlay\"\ntitle_zh = \"阶段\"\ntitle_en = \"Stage\"\n\
                   jurisdiction = \"994000\"\nindex_months = { from = \"2024-01\" }\n\
                   confidence = \"A\"\n[trigger.conditions.cpi]\nthreshold = { lower_to = \"2.0\" }\n\
                   [funding]\nincrement_lowered = [\"cpi\"]\n\
                   increment_split = [ { source = \"central\", share = \"1\" } ]\n";
    let asked = |cpi: &str, food: &str| {
        let facts = Facts::cpi(cpi).series("food", food);
        let drawn = drawn(&[&text, overlay], &facts, &[urban("2024-01", 1)], false);
        sums(&drawn.unwrap())
    };
    let ordinary = ["25.00 of which 0.00: local 25.00"];
    let increment = ["25.00 of which 25.00: central 25.00"];
    assert_eq!(asked("2.0", "5.9"), increment);
    assert_eq!(asked("2.9", "5.9"), increment);
    // At 3.0 it would have been paid without the lowering.
    assert_eq!(asked("3.0", "5.9"), ordinary);
    assert_eq!(asked("3.1", "5.9"), ordinary);
    // Food carries it as well.
    assert_eq!(asked("2.0", "6.0"), ordinary);
    assert_eq!(asked("1.9", "6.0"), ordinary);
    // Food may carry it as well: nobody is named.
    assert_eq!(asked("2.0", "-"), ["25.00 of which 0.00: unstated 25.00"]);
    assert_eq!(asked("3.0", "-"), ordinary);
    // So does one whose threshold is recorded, which no document could have lowered.
    let recorded = "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"";
    let text = text.replace("threshold = \"6.0\"", recorded);
    for (food, expected) in [("2.9", &increment), ("3.0", &ordinary), ("3.1", &ordinary)] {
        let facts = Facts::cpi("2.0").series("food", food).series("cpi_control_target", "3.0");
        let drawn = drawn(&[&text, overlay], &facts, &[urban("2024-01", 1)], false);
        assert_eq!(sums(&drawn.unwrap()), expected, "{food}");
    }
}

#[test]
fn households_are_needed_where_they_are_paid_and_are_no_more_than_persons() {
    let text = [HEAD, &FLAT.replace("kind = \"flat\"", "kind = \"flat\"\nunit = \"household\"")];
    let text = text.concat();
    let counted = |households| {
        let row = Headcount { households, ..urban("2024-01", 3) };
        drawn(&[&text], &Facts::cpi("3.0"), &[row], false)
    };
    for (households, yuan) in [(2, "50.00"), (3, "75.00")] {
        assert_eq!(counted(Some(households)).unwrap().lines[0].yuan.to_string(), yuan);
    }
    for households in [None, Some(4)] {
        let BudgetError::Refused(all) = counted(households).unwrap_err() else { panic!() };
        assert_eq!((all[0].row, all[0].code, all.len()), (0, "HOUSEHOLDS", 1));
    }
    let heads = [HEAD, DOUBLED].concat();
    for (households, yuan) in [(1, "62.00"), (2, "106.00"), (3, "150.00")] {
        let row = Headcount { households: Some(households), ..urban("2024-01", 3) };
        let budget = budgeted(&heads, &Facts::cpi("3.0"), &[row]);
        assert_eq!(budget.lines[0].yuan.to_string(), yuan);
    }
}

#[test]
fn every_refusal_names_its_headcount() {
    let text = [HEAD, FLAT].concat();
    let facts = Facts::cpi("3.0 2.9 -");
    let orphan = |month| heads(month, "orphan_community", Residence::Urban, 1);
    let rows = [
        urban("2024-01", 1),
        orphan("2024-01"),
        urban("2024-02", 1),
        orphan("2024-02"),
        urban("2024-03", 1),
        orphan("2024-03"),
    ];
    let expected = [
        (1, "NOT_COVERED"),
        (2, "NOT_TRIGGERED"),
        (3, "NOT_TRIGGERED"),
        (4, "UNDECIDABLE"),
        (5, "UNDECIDABLE"),
    ];
    assert_eq!(refused(&text, &facts, &rows, false), expected);
    let rows = [urban("2023-12", 1), urban("2024-01", 1)];
    assert_eq!(refused(&text, &facts, &rows, false), [(0, "UNDECIDABLE")]);
    let text = [HEAD, &FLAT.replace("kind = \"flat\"", "kind = \"flat\"\nunit = \"household\"")];
    let country = heads("2024-02", "subsistence_allowance", Residence::Rural, 1);
    let rows = [
        Headcount { households: Some(1), ..urban("2024-01", 1) },
        Headcount { households: Some(1), ..urban("2024-02", 1) },
        country,
    ];
    let facts = Facts::cpi("3.0 3.0");
    assert_eq!(refused(&text.concat(), &facts, &rows, false), [(2, "HOUSEHOLDS")]);
}

const GIVEN: &str = r#"
[[discretion]]
groups = ["subsistence_allowance"]
residence = "urban"
from = "2024-02"
until = "2024-03"
yuan = "100"
reason = "春节补助"
"#;

#[test]
fn a_payment_by_discretion_goes_to_whom_it_names_in_the_months_it_names() {
    let text = [HEAD, FLAT, GIVEN].concat();
    let facts = Facts::cpi("2.9 2.9 2.9 2.9 3.0");
    let paid = |row: Headcount| {
        let drawn = drawn(&[&text], &facts, &[row], true)?;
        let line = &drawn.lines[0];
        assert_eq!(line.covers.0, line.covers.1);
        Ok::<_, BudgetError>((line.basis, line.yuan.to_string()))
    };
    let given = (Basis::Discretion, "700.00".to_owned());
    assert_eq!(paid(urban("2024-02", 7)).unwrap(), given);
    assert_eq!(paid(urban("2024-03", 7)).unwrap(), given);
    for row in [
        urban("2024-01", 7),
        urban("2024-04", 7),
        heads("2024-02", "special_care", Residence::Urban, 7),
        heads("2024-02", "subsistence_allowance", Residence::Rural, 7),
    ] {
        let why = paid(row).unwrap_err();
        assert!(why.to_string().contains("no document records a payment by discretion"), "{why}");
    }
    // What the mechanism pays is computed all the same.
    assert_eq!(paid(urban("2024-05", 7)).unwrap(), (Basis::Computed, "175.00".to_owned()));
    // Each refusal at its place.
    let rows =
        [urban("2024-02", 1), heads("2024-02", "subsistence_allowance", Residence::Rural, 1)];
    assert_eq!(refused(&text, &facts, &rows, true), [(1, "NOT_TRIGGERED")]);
    assert_eq!(refused(&text, &facts, &rows, false), [(0, "NOT_TRIGGERED"), (1, "NOT_TRIGGERED")]);
}

#[test]
fn a_payment_by_discretion_is_quoted_in_its_months_only() {
    let (text, facts) = ([HEAD, FLAT, GIVEN].concat(), Facts::cpi("2.9 2.9 2.9 2.9"));
    let (library, area, all) = (library(&[&text]), "994000".parse().unwrap(), Terms::default());
    let world = world(&library, &facts);
    let timeline = Timeline::through(world, area, month("2024-04"), &all).unwrap();
    for (outcome, given) in timeline.outcomes().iter().zip([0, 1, 1, 0]) {
        let applied = Applied::new(world, area, outcome.month, &all).unwrap().unwrap();
        let quote = quote(&applied, &timeline, outcome, &all).unwrap();
        assert_eq!(quote.discretion.len(), given, "{}", outcome.month);
    }
    assert_eq!(timeline.outcomes().len(), 4);
}

#[test]
fn a_month_that_may_still_pay_is_not_paid_by_discretion() {
    let text = [HEAD, FLAT, GIVEN].concat();
    // February is not recorded: it may still trigger.
    let facts = Facts::cpi("2.9 - 2.9");
    assert_eq!(refused(&text, &facts, &[urban("2024-02", 1)], true), [(0, "UNDECIDABLE")]);
    // Where only the law leaves it open, no figure will decide it.
    let text = text.replace("threshold = \"3.0\"", "threshold = { open = true, note = \"lost\" }");
    let facts = Facts::cpi("2.9 2.9 2.9");
    let paid = drawn(&[&text], &facts, &[urban("2024-02", 1)], true).unwrap();
    assert_eq!((paid.lines[0].basis, codes(&paid)), (Basis::Discretion, vec!["discretion"]));
    // Half a fen cannot be paid.
    let text = [HEAD, FLAT, &GIVEN.replace("\"100\"", "\"100.005\"")].concat();
    let paid = drawn(&[&text], &Facts::cpi("2.9 2.9"), &[urban("2024-02", 1)], true).unwrap();
    assert_eq!((paid.lines.len(), codes(&paid)), (0, vec!["no_sum"]));
}

#[test]
fn a_sum_for_a_period_covers_it_from_its_first_month_to_its_last() {
    let year = ["3.0"; 12].join(" ");
    let term = "[payment]\nterms = [ { from = 3, until = 7 }, { from = 8, until = 2 } ]\n";
    for (period, asked, covers) in [
        ("month", "2024-05", "2024-05 to 2024-05"),
        ("quarter", "2024-03", "2024-01 to 2024-03"),
        ("quarter", "2024-06", "2024-04 to 2024-06"),
        ("quarter", "2024-12", "2024-10 to 2024-12"),
        ("half_year", "2024-06", "2024-01 to 2024-06"),
        ("half_year", "2024-12", "2024-07 to 2024-12"),
        ("year", "2024-12", "2024-01 to 2024-12"),
        ("term", "2024-07", "2024-03 to 2024-07"),
        ("term", "2024-02", "2023-08 to 2024-02"),
    ] {
        let amount = FLAT.replace("[amount]\n", &format!("[amount]\nperiod = {period:?}\n"));
        let text = [HEAD, &amount, term].concat();
        let budget = budgeted(&text, &Facts::cpi(&year), &[urban(asked, 1)]);
        let (first, last) = budget.lines[0].covers;
        assert_eq!(format!("{first} to {last}"), covers, "{period}");
    }
    // An earlier month of the period is no line of its own.
    let amount = FLAT.replace("[amount]\n", "[amount]\nperiod = \"quarter\"\n");
    let text = [HEAD, &amount].concat();
    let budget = budgeted(&text, &Facts::cpi(&year), &[urban("2024-02", 1)]);
    assert_eq!((budget.lines.len(), codes(&budget)), (0, vec!["with_later", "group_absent"]));
}

#[test]
fn a_budget_pins_documents_figures_and_standards() {
    let amount = r#"
[amount]
order = ["rate", "round"]

[amount.steps.rate]
kind = "base_times_rise"
base = "dibao_urban"
rise = "scpi"

[amount.steps.round]
kind = "round"
to = "fen"
mode = "half_up"

[payment]
due = "fixed"
due_day = 20
due_months_after = 1
"#;
    let text = [HEAD, amount].concat();
    let facts = Facts::cpi("3.0").series("scpi", "3.2").series("food", "9.9");
    let facts = facts.standard("dibao_urban", "2024-01", "800");
    let both = [heads("2024-01", "special_care", Residence::Urban, 1), urban("2024-01", 1)];
    let budget = budgeted(&text, &facts, &both);
    assert_eq!(budget.lines[0].rate_yuan.to_string(), "25.60");
    assert_eq!(budget.lines[0].pay_by.unwrap().to_string(), "2024-02-20");
    assert_eq!(budget.documents.keys().collect::<Vec<_>>(), ["sample"]);
    let figures: Vec<_> = budget.figures.iter().map(|(key, at)| format!("{key} {at}")).collect();
    assert_eq!(figures, ["994000/2024-01/cpi 1", "994000/2024-01/scpi 1"]);
    let standards = budget.standards.iter().map(|(key, at)| format!("{key} {at}"));
    assert_eq!(standards.collect::<Vec<_>>(), ["994000/2024-01/dibao_urban 1"]);
    assert_eq!(codes(&budget), ["funding_unstated"]);
}

const RATE: &str = r#"
[amount]
order = ["rate", "round"]

[amount.steps.rate]
kind = "base_times_rise"
base = "dibao_urban"
rise = "scpi"

[amount.steps.round]
kind = "round"
mode = "none"
"#;

/// The grounds of January for a group in towns; none where no rule covers it.
fn january(text: &str, group: &str) -> Option<Line> {
    let facts = Facts::cpi("3.0").series("scpi", "3.2").standard("dibao_urban", "2024-01", "800");
    let (library, area, all) = (library(&[text]), "994000".parse().unwrap(), Terms::default());
    let world = world(&library, &facts);
    let timeline = Timeline::through(world, area, month("2024-01"), &all).unwrap();
    let (applied, outcome) =
        (Applied::new(world, area, month("2024-01"), &all), &timeline.outcomes()[0]);
    let (applied, group) = (applied.unwrap().unwrap(), group.parse().unwrap());
    let found = grounds(&applied, &timeline, outcome, &all, &group, Residence::Urban).unwrap();
    assert_eq!((found.deciding, found.decision), (area, None));
    found.rule.map(|(line, _)| line)
}

#[test]
fn a_line_names_the_standard_and_the_rise_it_was_computed_from() {
    let line = january(&[HEAD, RATE].concat(), "special_care").unwrap();
    let base = line.base().map(|base| (base.standard.to_string(), base.yuan.to_string()));
    assert_eq!(base, Some(("dibao_urban".into(), "800".into())));
    let rise = line.rise().map(|rise| (rise.reading.series.to_string(), rise.percent.to_string()));
    assert_eq!(rise, Some(("scpi".into(), "3.2".into())));
    let line = january(&[HEAD, FLAT].concat(), "special_care").unwrap();
    assert_eq!((line.base(), line.rise()), (None, None));
}

#[test]
fn the_grounds_of_a_sum_are_those_of_its_group() {
    let cases = "yuan = [ { groups = [\"special_care\"], value = \"20\" }, { value = \"25\" } ]";
    let text = [HEAD, &FLAT.replace("yuan = \"25\"", cases)].concat();
    for (group, yuan) in [
        ("special_care", Some("20.00")),
        ("subsistence_allowance", Some("25.00")),
        ("unemployed", None),
    ] {
        let line = january(&text, group);
        let found = line.map(|line| (line.group.to_string(), line.yuan().unwrap().to_string()));
        assert_eq!(found, yuan.map(|yuan| (group.to_owned(), yuan.to_owned())));
    }
}

#[test]
fn counties_that_the_law_cannot_tell_apart_share_one_history() {
    let stood_for = |level: &str, law: Law| {
        let text = [&HEAD.replace("994000", "990000"), FLAT].concat();
        let library = library(&[&text.replace("[\"prefecture\"]", level)]);
        let (facts, terms) = (Facts::default(), Terms { law, ..Terms::default() });
        let mut all = Histories::new(world(&library, &facts), &terms, month("2024-02"));
        let of = |code: &str| all.of(code.parse().unwrap()).unwrap().0.to_string();
        ["990302", "990301", "991202", "990300"].map(of)
    };
    let (shared, alone) =
        (["990302", "990302", "991202", "990300"], ["990302", "990301", "991202", "990300"]);
    assert_eq!(stood_for("[\"prefecture\"]", Law::InForce), shared);
    // What each decides for itself is its own, and so is what stands to it as a named document does.
    assert_eq!(stood_for("[\"county\"]", Law::InForce), alone);
    assert_eq!(stood_for("[\"prefecture\"]", Law::Document("sample".into())), alone);
}

#[test]
fn an_undecidable_month_tells_all_that_is_missing_and_no_more() {
    let condition = |name: &str, threshold: &str| {
        format!(
            "[trigger.conditions.{name}]\nseries = {name:?}\ncomparator = \">=\"\n\
             threshold = {threshold:?}\n\n"
        )
    };
    let more = condition("food", "6.0") + &condition("grain", "10.0");
    let more = more + &condition("standards_absorb_rise", "1") + "[[groups]]";
    let asked = |trigger: &str, facts: Facts, month: &str| {
        let text = HEAD.replace("when = \"cpi\"", trigger).replace("[[groups]]", &more);
        let text = text + FLAT;
        match drawn(&[&text], &facts, &[urban(month, 1)], false) {
            Err(BudgetError::Refused(all)) => all[0].text.en.clone(),
            other => panic!("{other:?}"),
        }
    };
    let pays_below = "when = \"cpi or (food and grain)\"\nbelow = \"pay\"\nend_after_months = 2";
    let place = "示例40市 (994000)";
    // Grain changes nothing while food does not hold; what counts is whether January began it.
    let facts = || Facts::cpi("- 2.9").series("food", "5.9 5.9").series("grain", "9.9");
    assert_eq!(
        asked(pays_below, facts(), "2024-02"),
        format!(
            "{place} 2024-02: undecidable: grain of 994000 for 2024-02 is missing; depends on \
             2024-01, which cannot be decided; CPI 2.9% does not reach 3.0%; food 5.9% does not \
             reach 6.0%"
        )
    );
    // February by itself is undecided too: January is not named beside it.
    let facts = || Facts::cpi("-").series("food", "5.9 5.9").series("grain", "9.9 9.9");
    assert_eq!(
        asked(pays_below, facts(), "2024-02"),
        format!(
            "{place} 2024-02: undecidable: CPI of 994000 for 2024-02 is missing; food 5.9% does \
             not reach 6.0%; grain 9.9% does not reach 10.0%"
        )
    );
    // January was undecided, February settled it; only whether April ends it is missing.
    let ends = "when = \"cpi\"\nend_when = \"standards_absorb_rise\"";
    let facts = || Facts::cpi("- 2.9 3.0 3.0").series("standards_absorb_rise", "0 0 0");
    assert_eq!(
        asked(ends, facts(), "2024-04"),
        format!(
            "{place} 2024-04: undecidable: {} of 994000 for 2024-04 is missing; CPI 3.0% reaches \
             3.0%",
            DATA.series.en(&"standards_absorb_rise".parse().unwrap())
        )
    );
    // Nothing is missing but how long it runs on.
    let open =
        "when = \"cpi\"\nbelow = \"pay\"\nend_after_months = { open = true, note = \"lost\" }";
    assert_eq!(
        asked(open, Facts::cpi("3.0 2.9"), "2024-02"),
        format!(
            "{place} 2024-02: undecidable: the rule is incomplete: trigger.end_after_months is \
             not set by any document in force; CPI 2.9% does not reach 3.0%"
        )
    );
    assert_eq!(
        asked(open, Facts::cpi("3.0 -"), "2024-02"),
        format!("{place} 2024-02: undecidable: CPI of 994000 for 2024-02 is missing")
    );
}

#[test]
fn a_step_without_its_number_yields_no_sum() {
    let floor = FLAT.replace("[\"sum\", \"round\"]", "[\"sum\", \"floor\", \"round\"]")
        + "\n[amount.steps.floor]\nkind = \"floor\"\n";
    let asked = |floor: &str| {
        let text = [HEAD, floor].concat();
        let budget = budgeted(&text, &Facts::cpi("3.0"), &[urban("2024-01", 1)]);
        (budget.lines.len(), codes(&budget).contains(&"no_sum"))
    };
    assert_eq!(asked(&floor), (0, true));
    // A floor that is set for others only is passed over.
    let others = floor.clone() + "yuan = [ { residence = \"rural\", value = \"30\" } ]\n";
    assert_eq!(asked(&others), (1, false));
}

#[test]
fn a_rise_below_every_band_is_worth_nothing_and_one_between_or_above_them_has_no_sum() {
    let bands = "bands = [ { above = \"3.0\", below = \"4.0\", yuan = \"10\" }, \
                 { at_least = \"5.0\", at_most = \"6.0\", yuan = \"20\" } ]";
    let text = FLAT
        .replace("kind = \"flat\"", "kind = \"sum_by_band\"\nrise = \"food\"")
        .replace("yuan = \"25\"", bands);
    let asked = |food: &str| {
        let facts = Facts::cpi("3.0").series("food", food);
        let budget = budgeted(&[HEAD, &text].concat(), &facts, &[urban("2024-01", 1)]);
        let none = budget.findings.iter().filter(|one| one.code == "no_sum");
        let mut told: Vec<_> = none.map(|one| one.en.clone()).collect();
        told.extend(budget.lines.iter().map(|line| line.yuan.to_string()));
        told.join("; ")
    };
    let no_band = |rise: &str| {
        format!(
            "subsistence-allowance recipients (urban): cannot be computed: the rule is incomplete: \
             amount.steps.sum.bands: no band for {rise} is not set by any document in force"
        )
    };
    for (food, expected) in [
        ("2.9", "0.00".to_owned()),
        ("3.0", "0.00".to_owned()),
        ("3.1", "10.00".to_owned()),
        ("3.9", "10.00".to_owned()),
        ("4.0", no_band("4")),
        ("4.9", no_band("4.9")),
        ("5.0", "20.00".to_owned()),
        ("6.0", "20.00".to_owned()),
        ("6.1", no_band("6.1")),
    ] {
        assert_eq!(asked(food), expected, "{food}");
    }
}

#[test]
fn a_month_after_one_without_a_rule_may_run_on() {
    let first = HEAD
        .replace("from = \"2024-01\"", "from = \"2024-01\", until = \"2024-02\"")
        .replace("when = \"cpi\"\ncounts_from = \"rule\"", "when = { open = true }");
    let second = HEAD
        .replace("\"sample\"", "\"second\"")
        .replace("from = \"2024-01\"", "from = \"2024-03\"")
        .replace("counts_from = \"rule\"", "below = \"pay\"\nend_after_months = 2");
    let texts = [first + FLAT, second + FLAT];
    let asked = |cpi: &str, month: &str| {
        let texts = [texts[0].as_str(), texts[1].as_str()];
        match drawn(&texts, &Facts::cpi(cpi), &[urban(month, 1)], false) {
            Ok(_) => "paid".to_owned(),
            Err(BudgetError::Refused(all)) => all[0].text.en.clone(),
            Err(other) => panic!("{other}"),
        }
    };
    let place = "示例40市 (994000)";
    assert_eq!(
        asked("3.0 3.0", "2024-02"),
        format!(
            "{place} 2024-02: undecidable: the rule is incomplete: trigger.when is not set by any \
             document in force (left open by sample)"
        )
    );
    // It pays if it was running; whether it was, no document says.
    assert_eq!(
        asked("3.0 3.0 2.9", "2024-03"),
        format!(
            "{place} 2024-03: undecidable: depends on 2024-02, which cannot be decided; CPI 2.9% \
             does not reach 3.0%"
        )
    );
    assert_eq!(
        asked("3.0 3.0 2.9 2.9", "2024-04"),
        format!("{place} 2024-04: not triggered: CPI 2.9% does not reach 3.0%")
    );
    assert_eq!(asked("3.0 3.0 3.0", "2024-03"), "paid");
    assert_eq!(asked("3.0 3.0 3.0 2.9", "2024-04"), "paid");
}

/// The standard itself as the sum.
fn base(table: &str) -> String {
    FLAT.replace(
        "kind = \"flat\"\nyuan = \"25\"",
        &format!("kind = \"base_share\"\nshare = \"1\"\nbase = {table}"),
    )
}

#[test]
fn a_base_is_that_of_the_month_or_the_mean_of_its_period_or_of_the_year_before() {
    let year = ["3.0"; 12].join(" ");
    let facts = Facts::cpi(&year)
        .standard("dibao_urban", "2023-01", "500")
        .standard("dibao_urban", "2024-01", "600")
        .standard("dibao_urban", "2024-05", "660")
        .standard("dibao_urban", "2024-09", "720");
    for (extra, month, yuan) in [
        ("", "2024-04", "600.00"),
        ("", "2024-05", "660.00"),
        ("", "2024-08", "660.00"),
        // April at 600, May and June at 660.
        (", average = \"quarter\"", "2024-03", "600.00"),
        (", average = \"quarter\"", "2024-04", "640.00"),
        (", average = \"quarter\"", "2024-06", "640.00"),
        (", average = \"quarter\"", "2024-12", "720.00"),
        // Four months at 600 and two at 660; two at 660 and four at 720.
        (", average = \"half_year\"", "2024-01", "620.00"),
        (", average = \"half_year\"", "2024-06", "620.00"),
        (", average = \"half_year\"", "2024-07", "700.00"),
        (", average = \"half_year\"", "2024-12", "700.00"),
        (", average = \"year\"", "2024-01", "660.00"),
        (", average = \"year\"", "2024-12", "660.00"),
        (", years_back = 1", "2024-05", "500.00"),
        (", years_back = 1, average = \"half_year\"", "2024-12", "500.00"),
    ] {
        let text = [HEAD, &base(&format!("{{ standard = \"dibao_urban\"{extra} }}"))].concat();
        let budget = budgeted(&text, &facts, &[urban(month, 1)]);
        assert_eq!(budget.lines[0].rate_yuan.to_string(), yuan, "{extra} in {month}");
    }
    let text = [HEAD, &base("{ standard = \"dibao_urban\", years_back = 1 }")].concat();
    let facts = Facts::cpi(&year).standard("dibao_urban", "2024-01", "600");
    let budget = budgeted(&text, &facts, &[urban("2024-05", 1)]);
    let told = budget.findings.iter().find(|one| one.code == "no_sum").unwrap();
    assert_eq!(
        told.en,
        "subsistence-allowance recipients (urban): cannot be computed: urban subsistence allowance \
         of 994000 in force in 2023-05 is missing"
    );
}

#[test]
fn of_several_rises_the_highest_counts_and_of_equal_ones_the_first() {
    let per_point = FLAT.replace(
        "kind = \"flat\"\nyuan = \"25\"",
        "kind = \"sum_per_point\"\nyuan = \"10\"\nrise = { higher_of = [\"scpi\", \"food\"] }",
    );
    let text = [HEAD, &per_point].concat();
    let asked = |scpi: &str, food: &str| {
        let facts = Facts::cpi("3.0").series("scpi", scpi).series("food", food);
        let budget = budgeted(&text, &facts, &[urban("2024-01", 1)]);
        let used: Vec<_> = budget.figures.into_keys().collect();
        format!("{} from {}", budget.lines[0].rate_yuan, used[1])
    };
    assert_eq!(asked("3.2", "3.1"), "32.00 from 994000/2024-01/scpi");
    assert_eq!(asked("3.2", "3.2"), "32.00 from 994000/2024-01/scpi");
    assert_eq!(asked("3.2", "3.3"), "33.00 from 994000/2024-01/food");
    // Where nothing carries a month that is paid, every condition's rise counts.
    let below = HEAD.replace("counts_from", "below = \"pay\"\nend_after_months = 2\ncounts_from");
    let trigger = per_point.replace("{ higher_of = [\"scpi\", \"food\"] }", "\"trigger\"");
    let budget =
        budgeted(&[below, trigger].concat(), &Facts::cpi("3.0 2.9"), &[urban("2024-02", 1)]);
    assert_eq!(budget.lines[0].rate_yuan.to_string(), "29.00");
}

#[test]
fn a_rise_is_that_of_the_place_it_names_or_else_of_where_the_index_is_read() {
    let facts = Facts::cpi("3.0").series("scpi", "3.2");
    let facts = facts.of("990000", "cpi", "3.1").of("990000", "scpi", "3.3");
    let facts = facts.of("000000", "scpi", "3.4");
    for (index_area, rise_area, yuan) in [
        ("deciding", "", "32.00"),
        ("province", "", "33.00"),
        ("deciding", "province", "33.00"),
        ("deciding", "nation", "34.00"),
        ("province", "deciding", "32.00"),
    ] {
        let head = HEAD.replacen("when", &format!("index_area = {index_area:?}\nwhen"), 1);
        let named = format!("\nrise_area = {rise_area:?}").replace("\nrise_area = \"\"", "");
        let per_point = FLAT.replace(
            "kind = \"flat\"\nyuan = \"25\"",
            &format!("kind = \"sum_per_point\"\nyuan = \"10\"\nrise = \"scpi\"{named}"),
        );
        let budget = budgeted(&[head, per_point].concat(), &facts, &[urban("2024-01", 1)]);
        let rate = budget.lines[0].rate_yuan.to_string();
        assert_eq!(rate, yuan, "index of {index_area}, rise of {rise_area:?}");
    }
}

#[test]
fn what_an_earlier_amount_lacks_is_named() {
    let amount = r#"
[amount]
order = [ { until = "2024-01", value = ["rate", "round"] }, { value = ["before", "round"] } ]

[amount.steps.rate]
kind = "base_times_rise"
base = "dibao_urban"
rise = "cpi"

[amount.steps.before]
kind = "earlier_amount"
months_back = 1

[amount.steps.round]
kind = "round"
to = "fen"
mode = "half_up"
"#;
    let text = [HEAD, amount].concat();
    let told = |facts: &Facts| {
        let budget = budgeted(&text, facts, &[urban("2024-02", 1)]);
        budget.findings.into_iter().find(|one| one.code == "no_sum").map(|one| one.en)
    };
    let why = "subsistence-allowance recipients (urban): cannot be computed: urban subsistence \
               allowance of 994000 in force in 2024-01 is missing";
    assert_eq!(told(&Facts::cpi("3.0 3.0")).as_deref(), Some(why));
    assert_eq!(told(&Facts::cpi("3.0 3.0").standard("dibao_urban", "2024-01", "800")), None);
}

#[test]
fn idle_months_before_what_may_be_a_start_are_open_once_figures_are_there() {
    let back_pay = HEAD.replace("counts_from", "back_pay_months = 2\ncounts_from");
    let states = |texts: &[&str], facts: &Facts| {
        outcomes(texts, facts, "2024-03").iter().map(|one| one.state).collect::<Vec<_>>()
    };
    let (idle, open) = (State::Inactive, State::Undecidable);
    // Whether March starts it cannot be told; the newest figure is of February, March and April.
    for (food, february) in [("- 1.0", idle), ("- - 1.0", open), ("- - - 1.0", open)] {
        let facts = Facts::cpi("2.9 2.9").series("food", food);
        assert_eq!(states(&[&back_pay], &facts), [idle, february, open], "{food}");
    }
    let first = back_pay.replace("from = \"2024-01\"", "from = \"2024-01\", until = \"2024-02\"");
    let second = (back_pay.replace("\"sample\"", "\"second\""))
        .replace("from = \"2024-01\"", "from = \"2024-03\"")
        .replace("when = \"cpi\"", "when = { open = true }");
    let facts = Facts::cpi("2.9 2.9 3.0");
    assert_eq!(states(&[&first, &second], &facts), [idle, open, open]);
}

#[test]
fn a_standard_is_raised_only_by_a_higher_one() {
    let text = HEAD.replace("when = \"cpi\"", "when = \"raised\"")
        + "[trigger.conditions.raised]\nstandard_raised = \"dibao_urban\"\n";
    for (new, february) in [("599", Truth::No), ("600", Truth::No), ("601", Truth::Yes)] {
        let facts = Facts::cpi("3.0 3.0 3.0").standard("dibao_urban", "2023-01", "600").standard(
            "dibao_urban",
            "2024-02",
            new,
        );
        let outcomes = outcomes(&[&text], &facts, "2024-03");
        let met: Vec<_> = outcomes.iter().map(|one| one.conditions[0].met).collect();
        assert_eq!(met, [Truth::No, february, Truth::No], "{new}");
    }
}

/// The threshold of January, and the document in which it stands.
fn threshold(documents: &[&str], facts: &Facts) -> (String, String) {
    let outcome = &outcomes(documents, facts, "2024-01")[0];
    let cited = outcome.conditions[0].threshold.as_ref().unwrap();
    let Threshold::At(at) = cited.value else { panic!("{cited:?}") };
    (at.to_string(), cited.cite.head.id.clone())
}

#[test]
fn a_lowered_threshold_is_cited_only_where_the_recorded_one_is_higher() {
    let recorded = "threshold_series = \"cpi_control_target\"\nthreshold_set = \"yearly\"";
    let base = HEAD.replace("threshold = \"3.0\"", recorded);
    let over = HEAD.split("[trigger]").next().unwrap();
    let over = over.replace("\"sample\"", "\"over\"").replace("\"regional\"", "\"overlay\"")
        + "[trigger.conditions.cpi]\nthreshold = { lower_to = \"3.0\" }\n";
    for (target, at, id) in
        [("2.9", "2.9", "sample"), ("3.0", "3.0", "sample"), ("3.1", "3.0", "over")]
    {
        let facts = Facts::cpi("3.0").series("cpi_control_target", target);
        let found = threshold(&[&base, &over], &facts);
        assert_eq!(found, (at.to_owned(), id.to_owned()), "{target}");
    }
}

#[test]
fn of_a_plain_and_a_recorded_threshold_in_one_document_the_plain_one_holds() {
    let both = "threshold = \"3.0\"\nthreshold_series = \"cpi_control_target\"\n\
                threshold_set = \"yearly\"";
    let text = HEAD.replace("threshold = \"3.0\"", both);
    let facts = Facts::cpi("3.0").series("cpi_control_target", "2.0");
    assert_eq!(threshold(&[&text], &facts), ("3.0".to_owned(), "sample".to_owned()));
}

#[test]
fn a_payment_has_the_name_of_its_period_or_rhythm_and_the_month_of_its_day() {
    let facts = Facts::cpi(&["3.0"; 12].join(" "));
    let terms = "terms = [ { from = 1, until = 6 }, { from = 7, until = 12 } ]\n";
    let december = |amount: &str, payment: &str| {
        let amount = FLAT.replace("[amount]\n", &format!("[amount]\n{amount}"));
        let text = [HEAD, &amount, "[payment]\n", payment, terms].concat();
        let (library, area) = (library(&[&text]), "994000".parse().unwrap());
        let (world, all) = (world(&library, &facts), Terms::default());
        let timeline = Timeline::through(world, area, month("2024-12"), &all).unwrap();
        let applied = Applied::new(world, area, month("2024-12"), &all).unwrap().unwrap();
        payments(&applied, &timeline, timeline.outcomes().last().unwrap())
    };
    let named = |amount: &str, payment: &str| {
        let paid = december(amount, payment);
        paid.iter().map(|one| (one.kind.as_str(), one.months.len())).collect::<Vec<_>>()
    };
    for (period, rhythm, kind, months) in [
        ("month", "monthly", "monthly", 1),
        ("quarter", "quarterly", "quarterly", 3),
        ("half_year", "half_yearly", "half_yearly", 6),
        ("year", "yearly", "yearly", 12),
        ("term", "term", "term", 6),
    ] {
        let period = format!("period = {period:?}\n");
        assert_eq!(named(&period, ""), [(kind, months)]);
        assert_eq!(named("", &format!("rhythm = {rhythm:?}\n")), [(kind, 1)]);
    }
    // It is paid in the month of its day; where no day is known, in that of the rule.
    for (months_after, pay_month) in [(0, "2024-12"), (1, "2025-01"), (2, "2025-02")] {
        let due = format!("due = \"fixed\"\ndue_day = 15\ndue_months_after = {months_after}\n");
        let paid: Vec<_> = december("", &due).iter().map(|one| one.pay_month).collect();
        assert_eq!(paid, [Some(month(pay_month))]);
    }
    let paid: Vec<_> = december("", "").iter().map(|one| one.pay_month).collect();
    assert_eq!(paid, [Some(month("2025-01"))]);
}
