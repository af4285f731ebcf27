//! A document as it is read: what every parameter says, where it stands, and how large it may be.

use std::collections::{BTreeSet, HashSet};

use price_linkage::rules::{
    finding::Finding,
    instrument::Instrument,
    reform::Reform,
    terms::{
        AmountTerms, ConditionTerms, FundingTerms, LimitTerms, PaymentTerms, StepTerms,
        TriggerTerms,
    },
};

/// Every parameter there is, each in one of the ways it may be written.
const FULL: &str = r#"id = "full"
kind = "regional"
title_zh = "示例通知"
title_en = "Example notice"
jurisdiction = "150000"
index_months = { from = "2017-01", until = "2022-12" }
confidence = "A"
clause = "一"

[trigger]
clause = "二"
level = ["prefecture", "county"]
index_area = "paying"
when = "cpi or food and (food or cpi)"
hold_when = "cpi and food"
end_when = "cpi"
holds_on = "carrying"
start = "next_month"
back_pay_months = 3
counts_from = "rule"
below = "suspend"
end_after_months = 2
longest_run_months = 12
pause_months = 6

[trigger.conditions.cpi]
clause = "三"
series = "cpi"
measure = "average"
average_months = 3
decimals = 1
comparator = ">="
threshold = { open = true, at_least = "2.5", at_most = "4.50" }
threshold_area = "nation"
run_months = 2
index_area = "deciding"

[trigger.conditions.food]
series = "food"
threshold = { lower_to = "6.0", clause = "四" }
threshold_series = "food_limit"
threshold_plus = "-0.50"
threshold_set = "yearly"
standard_raised = { inherited = true }

[amount]
order = ["share", "whole"]
period = "month"

[amount.steps.share]
kind = "base_share_by_band"
base = { standard = "minimum_living", share = "1/3", area = ["parent", "150100"], average = "quarter", years_back = 2 }
share = [ { groups = ["special_care"], value = "0.90" }, { value = "1/12" } ]
rise = { higher_of = ["cpi", "trigger"] }
rise_measure = "cumulative"
rise_average_months = 12
rise_decimals = 0
rise_area = "province"
bands = [
  { below = "3.0", share = "1/3" },
  { at_least = "3.0", at_most = "5.0", yuan = "10.00" },
  { above = "5.0", below = "9", by_hand = true },
  { at_least = "9", open = true },
]
unit = "household_and_heads"
each_further_yuan = "5.5"
months_back = 1
of = ["whole", "other"]

[amount.steps.point]
rise = { first_recorded = ["food", "cpi"] }
base = { standard = "minimum_living", years_back = 1 }
above = "3.5"
points = "up"
start_sum = "20"
yuan = { open = true }

[amount.steps.whole]
base = "minimum_living"
rise = "trigger"
by = "2"
to = "jiao"
mode = "half_up"
before = "share"
after = "point"

[payment]
rhythm = "term"
counted_from = "start"
terms = [ { from = 9, until = 2 }, { from = 10, until = 12 } ]
due = "fixed"
due_days = 20
due_day = 31
due_months_after = 2
roster = "pay_month"
pay_month_offset = 1
several_groups = "highest"
label = "价格补贴"

[funding]
split = [ { source = "city", share = "0.30" }, { source = "same_level", share = "7/10" } ]
remainder = "county"
increment_steps = ["whole"]
increment_groups = ["special_care", "poor_student"]
increment_lowered = ["cpi"]
increment_split = [ { source = "price_fund", share = "1" } ]

[limits]
raise_threshold = "refuse"
narrow_groups = "warn"
"#;

/// What the full document says of each: path, condition, text and clause.
const SHOWN: &str = "\
trigger.level [] prefecture, county 二
trigger.index_area [] paying 二
trigger.when [] cpi or (food and (food or cpi)) 二
trigger.hold_when [] cpi and food 二
trigger.end_when [] cpi 二
trigger.holds_on [] carrying 二
trigger.start [] next_month 二
trigger.back_pay_months [] 3 二
trigger.counts_from [] rule 二
trigger.below [] suspend 二
trigger.end_after_months [] 2 二
trigger.longest_run_months [] 12 二
trigger.pause_months [] 6 二
trigger.conditions.cpi.series [] cpi 三
trigger.conditions.cpi.measure [] average 三
trigger.conditions.cpi.average_months [] 3 三
trigger.conditions.cpi.decimals [] 1 三
trigger.conditions.cpi.comparator [] >= 三
trigger.conditions.cpi.threshold [] open, 2.5…4.50 (open) 三
trigger.conditions.cpi.threshold_area [] nation 三
trigger.conditions.cpi.run_months [] 2 三
trigger.conditions.cpi.index_area [] deciding 三
trigger.conditions.food.series [] food 二
trigger.conditions.food.threshold [] at most 6.0 四
trigger.conditions.food.threshold_series [] food_limit 二
trigger.conditions.food.threshold_set [] yearly 二
trigger.conditions.food.threshold_plus [] -0.50 二
trigger.conditions.food.standard_raised [] inherited 二
amount.order [] share, whole 一
amount.period [] month 一
amount.steps.point.base [] minimum_living of paying, 1 years before 一
amount.steps.point.rise [] first recorded of food, cpi 一
amount.steps.point.yuan [] open (open) 一
amount.steps.point.above [] 3.5 一
amount.steps.point.points [] up 一
amount.steps.point.start_sum [] 20 一
amount.steps.share.kind [] base_share_by_band 一
amount.steps.share.base [] 1/3 × minimum_living of parent, else 150100, mean of the quarter, 2 years before 一
amount.steps.share.share [groups special_care] 0.9 一
amount.steps.share.share [] 1/12 一
amount.steps.share.rise [] higher of cpi, trigger 一
amount.steps.share.rise_measure [] cumulative 一
amount.steps.share.rise_average_months [] 12 一
amount.steps.share.rise_decimals [] 0 一
amount.steps.share.rise_area [] province 一
amount.steps.share.bands [] rise < 3.0: × 1/3; 3.0 ≤ rise ≤ 5.0: 10.00 yuan; 5.0 < rise < 9: by hand; 9 ≤ rise: open 一
amount.steps.share.months_back [] 1 一
amount.steps.share.of [] whole, other 一
amount.steps.share.unit [] household_and_heads 一
amount.steps.share.each_further_yuan [] 5.5 一
amount.steps.whole.base [] minimum_living of paying 一
amount.steps.whole.rise [] trigger 一
amount.steps.whole.by [] 2 一
amount.steps.whole.to [] jiao 一
amount.steps.whole.mode [] half_up 一
amount.steps.whole.before [] share 一
amount.steps.whole.after [] point 一
payment.rhythm [] term 一
payment.counted_from [] start 一
payment.terms [] 09 to 02, 10 to 12 一
payment.due [] fixed 一
payment.due_days [] 20 一
payment.due_day [] 31 一
payment.due_months_after [] 2 一
payment.roster [] pay_month 一
payment.pay_month_offset [] 1 一
payment.several_groups [] highest 一
payment.label [] 价格补贴 一
funding.split [] city 0.3, same_level 0.7 一
funding.remainder [] county 一
funding.increment_steps [] whole 一
funding.increment_groups [] special_care, poor_student 一
funding.increment_lowered [] cpi 一
funding.increment_split [] price_fund 1 一
limits.raise_threshold [] refuse 一
limits.narrow_groups [] warn 一
";

fn read(text: &str) -> Instrument {
    Instrument::parse("full.toml", text).unwrap_or_else(|wrong| panic!("{wrong:#?}"))
}

fn wrong(text: &str) -> Vec<Finding> {
    Instrument::parse("full.toml", text).err().unwrap_or_default()
}

/// The full document with one text in place of another.
#[track_caller]
fn with(from: &str, to: &str) -> String {
    assert_eq!(FULL.matches(from).count(), 1, "{from:?}");
    FULL.replacen(from, to, 1)
}

#[test]
fn every_parameter_is_shown_as_it_was_written() {
    let shown: Vec<String> = read(FULL)
        .terms
        .list()
        .iter()
        .flat_map(|one| one.says.iter().map(move |said| (one, said)))
        .map(|(one, said)| {
            let when = said.when.to_string();
            let open = if said.open { " (open)" } else { "" };
            format!("{} [{when}] {}{open} {}", one.path, said.text, said.cite.clause)
        })
        .collect();
    let expected: Vec<_> = SHOWN.lines().collect();
    assert_eq!(shown, expected);
}

#[test]
fn every_parameter_there_is_stands_in_the_full_document() {
    let shown: BTreeSet<_> = read(FULL).terms.list().into_iter().map(|one| one.path).collect();
    for (section, names) in [
        ("trigger.", TriggerTerms::NAMES),
        ("trigger.conditions.", ConditionTerms::NAMES),
        ("amount.", AmountTerms::NAMES),
        ("amount.steps.", StepTerms::NAMES),
        ("payment.", PaymentTerms::NAMES),
        ("funding.", FundingTerms::NAMES),
        ("limits.", LimitTerms::NAMES),
    ] {
        for name in names {
            let of =
                |path: &String| path.starts_with(section) && path.ends_with(&format!(".{name}"));
            assert!(shown.iter().any(of), "{section}{name}");
        }
    }
}

/// What is wrong with a document, as `line code clause: text`.
fn told(text: &str) -> Vec<String> {
    let of = |one: &Finding| format!("{} {} {}: {}", one.line, one.code, one.clause, one.en);
    wrong(text).iter().map(of).collect()
}

fn line_of(text: &str, of: &str) -> usize {
    text[..text.find(of).unwrap()].matches('\n').count() + 1
}

#[test]
fn whole_numbers_lie_within_the_bounds_of_their_parameter() {
    for (path, written, least, most) in [
        ("trigger.back_pay_months", "back_pay_months = 3", 1, 36),
        ("trigger.end_after_months", "end_after_months = 2", 1, 12),
        ("trigger.longest_run_months", "longest_run_months = 12", 1, 24),
        ("trigger.pause_months", "pause_months = 6", 1, 120),
        ("trigger.conditions.cpi.average_months", "average_months = 3", 1, 12),
        ("trigger.conditions.cpi.decimals", "decimals = 1", 0, 6),
        ("trigger.conditions.cpi.run_months", "run_months = 2", 1, 12),
        ("amount.steps.share.rise_average_months", "rise_average_months = 12", 1, 12),
        ("amount.steps.share.rise_decimals", "rise_decimals = 0", 0, 6),
        ("amount.steps.share.months_back", "months_back = 1", 1, 36),
        ("payment.due_days", "due_days = 20", 0, 366),
        ("payment.due_day", "due_day = 31", 1, 31),
        ("payment.due_months_after", "due_months_after = 2", 0, 24),
        ("payment.pay_month_offset", "pay_month_offset = 1", 0, 24),
    ] {
        let (key, _) = written.split_once(" = ").unwrap();
        let told = |number: u32| told(&with(written, &format!("{key} = {number}")));
        for number in [least, least + 1, most - 1, most] {
            assert_eq!(told(number), Vec::<String>::new(), "{path} {number}");
        }
        let line = line_of(FULL, written);
        for number in [least.checked_sub(1), Some(most + 1)].into_iter().flatten() {
            let why = format!("{path} {number}: expected a whole number from {least} to {most}");
            assert_eq!(told(number), [format!("{line} out_of_range 一: {why}")]);
        }
    }
}

#[test]
fn lists_are_as_long_as_their_bounds_and_no_longer() {
    let condition = |at: usize| format!("[trigger.conditions.c{at}]\nseries = \"cpi\"\n");
    let step = |at: usize| format!("[amount.steps.s{at}]\nkind = \"flat\"\n");
    let group = |_| "[[groups]]\nadd = [\"special_care\"]\n".to_owned();
    let paid = |_| {
        let months = "from = \"2018-01\"\nuntil = \"2018-01\"";
        let what = "yuan = \"1\"\nreason = \"酌情\"";
        format!("[[discretion]]\ngroups = [\"special_care\"]\n{months}\n{what}\n")
    };
    let case = |at: usize| {
        let of = "area = \"150100\"\nmonth = \"2018-01\"\nexpect = { triggered = \"yes\" }";
        format!("[[cases]]\nname = \"c{at}\"\n{of}\n")
    };
    type Written<'a> = &'a dyn Fn(usize) -> String;
    for (path, most, there, one) in [
        ("trigger.conditions", 8, 2, &condition as Written),
        ("amount.steps", 64, 3, &step),
        ("groups", 500, 0, &group),
        ("discretion", 500, 0, &paid),
        ("cases", 200, 0, &case),
    ] {
        let first = |count: usize| {
            let more: String = (there..count).map(one).collect();
            told(&format!("{FULL}{more}")).into_iter().next()
        };
        let why = format!("1 too_large 一: {path}: {} entries, expected at most {most}", most + 1);
        assert_eq!([first(most - 1), first(most), first(most + 1)], [None, None, Some(why)]);
    }
    for (path, written, member, most) in [
        ("amount.order", "order = [\"share\", \"whole\"]", "\"share\"", 64),
        ("amount.steps.share.of", "of = [\"whole\", \"other\"]", "\"whole\"", 64),
        (
            "amount.steps.share.bands",
            "bands = [\n  { below = \"3.0\", share = \"1/3\" },",
            "{ below = \"3.0\", open = true }",
            500,
        ),
    ] {
        let (key, rest) = written.split_once(" = ").unwrap();
        // The bands after the first stay where they are.
        let (there, end) = if rest.ends_with(',') { (3, ",") } else { (0, "]") };
        let line = line_of(FULL, written);
        let told = |count: usize| {
            let members = vec![member; count - there].join(", ");
            told(&with(written, &format!("{key} = [{members}{end}")))
        };
        let why = format!("{path}: {} entries, expected at most {most}", most + 1);
        assert_eq!(told(most - 1), Vec::<String>::new(), "{path}");
        assert_eq!(told(most), Vec::<String>::new(), "{path}");
        assert_eq!(told(most + 1), [format!("{line} too_large 一: {why}")]);
    }
}

#[test]
fn names_added_and_removed_are_counted_together() {
    let groups = |add: usize, remove: usize| {
        let names = |count: usize| vec!["\"special_care\""; count].join(", ");
        let (add, remove) = (names(add), names(remove));
        told(&format!("{FULL}[[groups]]\nadd = [{add}]\nremove = [{remove}]\n"))
    };
    let beyond = "1 too_large 一: groups: expected at most 500 names in all";
    for (add, remove, expected) in [
        (250, 249, vec![]),
        (250, 250, vec![]),
        (249, 251, vec![]),
        (251, 250, vec![beyond]),
        (250, 251, vec![beyond]),
    ] {
        assert_eq!(groups(add, remove), expected, "{add} {remove}");
    }
}

#[test]
fn a_parameter_has_as_many_cases_as_its_bound_and_no_more() {
    let written = "label = \"价格补贴\"";
    let cases = |count: usize| {
        let case = |at: usize| format!("  {{ clause = \"{at}\", value = \"补贴\" }},\n");
        let cases: String = (1..=count).map(case).collect();
        told(&with(written, &format!("label = [\n{cases}]")))
    };
    assert_eq!(cases(499), Vec::<String>::new());
    assert_eq!(cases(500), Vec::<String>::new());
    // At the line of the first that is one too many.
    let line = line_of(FULL, written) + 501;
    let why = format!("{line} too_large 一: payment.label: expected at most 500 cases");
    assert_eq!(cases(501), [&*why]);
    assert_eq!(cases(502), [&*why]);
}

#[test]
fn a_document_is_as_large_as_its_bound_and_no_larger() {
    let most = 1024 * 1024;
    let long = |bytes: usize| {
        let text = format!("{FULL}#");
        told(&format!("{text}{}", "x".repeat(bytes - text.len())))
    };
    assert_eq!(long(most - 1), Vec::<String>::new());
    assert_eq!(long(most), Vec::<String>::new());
    let why = "the document has 1048577 bytes, expected at most 1048576";
    assert_eq!(long(most + 1), [format!("1 too_large : {why}")]);
}

#[test]
fn a_clause_holds_to_the_end_of_what_it_stands_in() {
    for (written, wrong, clause) in [
        ("trigger]\n", "trigger]\nwrong = 1\n", "二"),
        ("measure = \"average\"", "wrong = 1", "三"),
        ("series = \"food\"\n", "wrong = 1\n", "二"),
        ("period = \"month\"", "wrong = 1", "一"),
        ("rhythm = \"term\"", "wrong = 1", "一"),
        ("remainder = \"county\"", "wrong = 1", "一"),
    ] {
        let text = with(written, wrong);
        let line = line_of(&text, "wrong = 1");
        let expected = format!("{line} unknown_key {clause}: unknown key \"wrong\"");
        assert_eq!(told(&text), [expected], "{wrong}");
    }
    let tables = "[[groups]]\nadd = [\"special_care\"]\nclause = \"五\"\nwrong = 1\n\
                  [[groups]]\nadd = [\"poor_student\"]\nwrong = 2\n";
    let text = format!("{FULL}{tables}");
    let line = line_of(&text, "wrong = 1");
    let expected = [
        format!("{line} unknown_key 五: unknown key \"wrong\""),
        format!("{} unknown_key 一: unknown key \"wrong\"", line + 3),
    ];
    assert_eq!(told(&text), expected);
}

#[test]
fn what_is_left_open_inherited_or_lowered_takes_no_more_than_that() {
    let setting = "one of value, open = true, inherited = true or, for a number, lower_to";
    let unknown = |key: &str| format!("unknown_key 一: unknown key {key:?}");
    let either = |key: &str| format!("bad_value 一: {key} table: expected {setting}");
    for (key, said, expected) in [
        ("yuan", "{ open = true, at_least = \"1\", at_most = \"2\" }", vec![]),
        ("yuan", "{ inherited = true }", vec![]),
        ("yuan", "{ lower_to = \"1\" }", vec![]),
        // Bounds are those of an open number.
        ("yuan", "{ inherited = true, at_least = \"1\" }", vec![unknown("at_least")]),
        ("yuan", "{ lower_to = \"1\", at_most = \"1\" }", vec![unknown("at_most")]),
        ("to", "{ open = true }", vec![]),
        ("to", "{ inherited = true }", vec![]),
        ("to", "{ open = true, at_least = \"yuan\" }", vec![unknown("at_least")]),
        ("to", "{ lower_to = \"yuan\" }", vec![either("to")]),
        ("yuan", "{ open = true, inherited = true }", vec![either("yuan")]),
        ("yuan", "{ open = true, lower_to = \"1\" }", vec![either("yuan")]),
        ("yuan", "{ inherited = true, lower_to = \"1\" }", vec![either("yuan")]),
    ] {
        let text = format!("{FULL}[amount.steps.more]\n{key} = {said}\n");
        let line = text.lines().count();
        let found: Vec<_> = told(&text);
        let expected: Vec<_> = expected.iter().map(|one| format!("{line} {one}")).collect();
        assert_eq!(found, expected, "{key} = {said}");
    }
}

#[test]
fn a_term_begins_and_ends_with_a_month_of_the_year() {
    let written = "{ from = 10, until = 12 }";
    let line = line_of(FULL, written);
    let why = format!("{line} bad_value 一: terms table: expected months of the year from 1 to 12");
    for (from, until, expected) in [
        (1, 12, vec![]),
        (2, 11, vec![]),
        (12, 1, vec![]),
        (0, 12, vec![why.clone()]),
        (13, 12, vec![why.clone()]),
        (1, 0, vec![why.clone()]),
        (1, 13, vec![why]),
    ] {
        let text = with(written, &format!("{{ from = {from}, until = {until} }}"));
        assert_eq!(told(&text), expected, "{from} {until}");
    }
}

#[test]
fn an_assumption_names_its_author_its_day_and_its_reason() {
    let assumption = with("kind = \"regional\"", "kind = \"assumption\"");
    let signed = ["author = \"示例\"", "date = \"2024-01-01\"", "reason = \"示例\""];
    let told = |lines: &[&str]| told(&format!("{}\n{assumption}", lines.join("\n")));
    assert_eq!(told(&signed), Vec::<String>::new());
    let why = "1 head 一: kind \"assumption\": expected author, date and reason in the head";
    for [one, other] in [[0, 1], [0, 2], [1, 2]] {
        assert_eq!(told(&[signed[one], signed[other]]), [why]);
        assert_eq!(told(&[signed[one]]), [why]);
    }
    assert_eq!(told(&[]), [why]);
}

fn set(settings: &[[&str; 2]]) -> Result<String, Vec<String>> {
    let settings: Vec<_> =
        settings.iter().map(|[path, to]| ((*path).to_owned(), (*to).to_owned())).collect();
    let wrong = |all: Vec<Finding>| all.iter().map(Finding::to_string).collect();
    Reform::written(&settings).map_err(wrong)
}

#[test]
fn settings_are_written_in_quotes_or_as_numbers_and_lists() {
    let (cpi, pay) =
        (["trigger.conditions.cpi.threshold", "2.9"], ["trigger.back_pay_months", "2"]);
    let order = ["amount.order", "[\"a\", \"b\"]"];
    let text = "kind = \"reform\"\n\
                title_zh = \"trigger.conditions.cpi.threshold = 2.9, trigger.back_pay_months = 2, \
                amount.order = [\\\"a\\\", \\\"b\\\"]\"\n\
                title_en = \"trigger.conditions.cpi.threshold = 2.9, trigger.back_pay_months = 2, \
                amount.order = [\\\"a\\\", \\\"b\\\"]\"\nclause = \"set\"\n\
                trigger.conditions.cpi.threshold = \"2.9\"\n\
                trigger.back_pay_months = 2\namount.order = [\"a\", \"b\"]\n";
    assert_eq!(set(&[cpi, pay, order]).unwrap(), text);
    // The first that cannot be set is told alone, as it is in quotes.
    let number = "expected a whole number from 0 to 1200, without quotes";
    let expected = format!(
        "set:2: error[bad_value]: back_pay_months \"x\": {number} / \
         back_pay_months \"x\":应为 0 至 1200 的整数,不加引号"
    );
    let wrong = set(&[cpi, ["trigger.back_pay_months", "x"], ["trigger.none", "1"]]).unwrap_err();
    assert_eq!(wrong, [expected]);
    let wrong = set(&[["trigger.none", "1"]]).unwrap_err();
    assert_eq!(wrong, ["set:2: error[unknown_key]: unknown key \"none\" / 未知的键 \"none\""]);
}

#[test]
fn reforms_are_the_same_whose_texts_are() {
    let reform = |text: &str| Reform::parse("set", text).unwrap();
    let one = "kind = \"reform\"\ntrigger.back_pay_months = 2\n";
    let (first, again) = (reform(one), reform(one));
    let other = reform("kind = \"reform\"\ntrigger.back_pay_months = 3\n");
    assert_eq!(first, again);
    assert_ne!(first, other);
    let sha256 = "6f5e591ab6d6a25025e38c2177d5fa7df2e0c2020e109fcb1afd7e92bc7016a1";
    assert_eq!(first.digest(), sha256);
    assert_eq!(HashSet::from([first, again, other]).len(), 2);
    let regional = Reform::parse("set", FULL).unwrap_err();
    let why = "set:1: error[reform]: kind \"regional\": expected \"reform\" / \
               kind \"regional\":应为 \"reform\"";
    assert_eq!(regional.iter().map(Finding::to_string).collect::<Vec<_>>(), [why]);
}
