//! The law as its reader sees it in one month: what holds, and which document says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use price_linkage::{
    domain::{area::Areas, code::Code, group::Residence, month::Month},
    intake::folder::load,
    rules::{
        cite::Cite,
        instrument::Instrument,
        library::{Law, Library},
        param::{Classes, Context, Pick, Picked, Selector, values},
        reform::Reform,
        sum::Sum,
        value::Value,
    },
};

static AREAS: LazyLock<Areas> = LazyLock::new(|| load(&["data/guide".into()]).unwrap().areas);

fn text(id: &str, kind: &str, says: &str) -> String {
    format!(
        "id = {id:?}\nkind = {kind:?}\ntitle_zh = \"示例\"\ntitle_en = \"Example\"\n\
         jurisdiction = \"990000\"\nindex_months = {{ from = \"2024-01\" }}\nconfidence = \"A\"\n\
         [amount.steps.low]\nkind = \"floor\"\n{says}\n"
    )
}

fn library(documents: &[(&str, &str, &str)]) -> Library {
    let read = documents.iter().map(|(id, kind, says)| text(id, kind, says));
    let read = read.map(|text| Instrument::parse("sample.toml", &text).unwrap());
    Library::new(read.collect(), &AREAS).unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// What holds of the floor's sum in a month that is paid with the next: value, case and document.
fn held(library: &Library, at: &str) -> Vec<String> {
    held_of(library, "yuan", at)
}

/// What holds of a parameter of the floor.
fn held_of(library: &Library, of: &str, at: &str) -> Vec<String> {
    let area = "990000".parse().unwrap();
    let rules = library.rules(&AREAS, area, month(at), &Law::InForce, false).unwrap();
    let shown = rules.terms.held(month(at), month(at).plus(1).unwrap());
    let path = format!("amount.steps.low.{of}");
    let floor = shown.iter().find(|one| one.path == path).unwrap();
    let says = floor.says.iter().map(|said| {
        let when = said.when.to_string();
        let when = if when.is_empty() { "always".to_owned() } else { when };
        format!("{}, {when}: {}", said.text, said.cite.head.id)
    });
    says.collect()
}

#[test]
fn a_case_is_shown_in_its_months_and_without_them() {
    let says = "yuan = [ { from = \"2024-02\", until = \"2024-03\", value = \"1\" }, \
                { pay_from = \"2024-06\", pay_until = \"2024-07\", value = \"2\" }, { value = \"3\" } ]";
    let library = library(&[("base", "regional", says)]);
    for (at, yuan) in [
        ("2024-01", "3"),
        ("2024-02", "1"),
        ("2024-03", "1"),
        ("2024-04", "3"),
        ("2024-05", "2"),
        ("2024-06", "2"),
        ("2024-07", "3"),
    ] {
        assert_eq!(held(&library, at), [format!("{yuan}, always: base")], "{at}");
    }
}

#[test]
fn a_case_for_some_leaves_the_others_to_those_below() {
    let base = "yuan = [ { residence = \"urban\", value = \"8\" }, { value = \"6\" } ]";
    let over = "yuan = [ { residence = \"urban\", value = \"9\" } ]";
    let both = library(&[("base", "regional", base), ("over", "overlay", over)]);
    let urban = "residence urban";
    let said = held(&both, "2024-01");
    assert_eq!(said, [format!("9, {urban}: over"), "6, always: base".into()]);
    let alone = both.without("over");
    let said = held(&alone, "2024-01");
    assert_eq!(said, [format!("8, {urban}: base"), "6, always: base".into()]);
    assert!(alone.get("over").is_err() && alone.get("base").is_ok());
}

#[test]
fn a_lowering_replaces_only_what_is_higher() {
    let base = "yuan = [ { residence = \"urban\", value = \"8.0\" }, { value = \"6.0\" } ]";
    let urban = "residence urban";
    for (lower, town, country) in [
        ("5.9", "5.9, {}: over", "5.9, always: over"),
        ("6.0", "6.0, {}: over", "6.0, always: base"),
        ("6.1", "6.1, {}: over", "6.0, always: base"),
        ("7.9", "7.9, {}: over", "6.0, always: base"),
        ("8.0", "8.0, {}: base", "6.0, always: base"),
        ("8.1", "8.0, {}: base", "6.0, always: base"),
    ] {
        let over = format!("yuan = {{ lower_to = {lower:?} }}");
        let both = library(&[("base", "regional", base), ("over", "overlay", &over)]);
        let expected = [town.replace("{}", urban), country.to_owned()];
        assert_eq!(held(&both, "2024-01"), expected, "{lower}");
    }
    // Below it nothing is said: it holds by itself.
    let over = "yuan = { lower_to = \"6.0\" }";
    let alone = library(&[("base", "regional", ""), ("over", "overlay", over)]);
    assert_eq!(held(&alone, "2024-01"), ["6.0, always: over"]);
}

#[test]
fn points_above_which_something_counts_are_lowered_as_numbers_are() {
    for (above, lower, expected) in [
        ("\"3.4\"", "3.3", "3.3, always: over"),
        ("\"3.4\"", "3.4", "3.4, always: base"),
        ("\"3.4\"", "3.5", "3.4, always: base"),
        ("{ threshold_of = \"cpi\" }", "3.5", "3.5, always: over"),
    ] {
        let over = format!("above = {{ lower_to = {lower:?} }}");
        let base = format!("above = {above}");
        let both = library(&[("base", "regional", &base), ("over", "overlay", &over)]);
        assert_eq!(held_of(&both, "above", "2024-01"), [expected], "{above} to {lower}");
    }
    let over = "above = { lower_to = { threshold_of = \"cpi\" } }";
    let wrong = Instrument::parse("sample.toml", &text("over", "overlay", over)).unwrap_err();
    assert_eq!(wrong.iter().map(|one| one.code).collect::<Vec<_>>(), ["bad_value"]);
}

#[test]
fn what_is_open_hides_what_is_below_it() {
    let base = "yuan = \"6\"";
    let over = "yuan = { open = true, at_least = \"5\", at_most = \"7\" }";
    let both = library(&[("base", "regional", base), ("over", "overlay", over)]);
    assert_eq!(held(&both, "2024-01"), ["open, 5…7, always: over"]);
    let inherited = "yuan = { inherited = true }";
    let both = library(&[("base", "regional", base), ("over", "overlay", inherited)]);
    assert_eq!(held(&both, "2024-01"), ["6, always: base"]);
    // What is assumed fills it, and is shown as what it is.
    let open = ("base", "regional", "yuan = { open = true }");
    let why = "author = \"示例\"\ndate = \"2024-01-01\"\nreason = \"示例\"\n";
    let assumed =
        text("assumed", "assumption", base).replacen("confidence", &format!("{why}confidence"), 1);
    let read = [assumed, text(open.0, open.1, open.2)];
    let read = read.iter().map(|text| Instrument::parse("sample.toml", text).unwrap());
    let both = Library::new(read.collect(), &AREAS).unwrap();
    assert_eq!(held(&both, "2024-01"), ["6, always: assumed"]);
}

#[test]
fn the_remark_on_a_document_is_not_repeated_for_each_of_its_parameters() {
    let says = "yuan = [ { residence = \"urban\", value = \"8\", note = \"only here\" }, \
                { value = \"6\" } ]";
    let text = text("base", "regional", says).replacen("kind", "note = \"on all of it\"\nkind", 1);
    let document = Instrument::parse("sample.toml", &text).unwrap();
    assert_eq!(document.head.note, "on all of it");
    let shown = document.terms.list();
    let floor = shown.iter().find(|one| one.path == "amount.steps.low.yuan").unwrap();
    let notes: Vec<_> = floor.says.iter().map(|said| &*said.cite.note).collect();
    assert_eq!(notes, ["only here", ""]);
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

/// Whether a selector fits a place, an index and a pay month, and whom it is asked for.
fn fits(when: &Selector, area: &str, [month, pay_month]: [&str; 2], who: Option<&str>) -> bool {
    let classes: Classes = BTreeMap::from([(code("near"), vec!["990300".parse().unwrap()])]);
    let group = who.map(code);
    let carried_by = [code("cpi"), code("food")];
    when.fits(&Context {
        areas: &AREAS,
        classes: &classes,
        area: area.parse().unwrap(),
        month: month.parse().unwrap(),
        pay_month: pay_month.parse().unwrap(),
        group: group.as_ref(),
        residence: who.map(|_| Residence::Rural),
        carried_by: &carried_by,
    })
}

#[test]
fn a_case_fits_where_each_of_its_conditions_does() {
    let months = ["2024-02", "2024-04"];
    let any = Selector::default();
    let here = |when: &Selector| fits(when, "990301", months, Some("special_care"));
    assert!(here(&any) && fits(&any, "990301", months, None));
    let groups = |of: &[&str]| Selector {
        groups: Some(of.iter().map(|one| code(one)).collect()),
        ..Selector::default()
    };
    assert!(here(&groups(&["poor_student", "special_care"])));
    assert!(!here(&groups(&["poor_student"])));
    assert!(!fits(&groups(&["special_care"]), "990301", months, None));
    let residence = |one| Selector { residence: Some(one), ..Selector::default() };
    assert!(here(&residence(Residence::Rural)) && !here(&residence(Residence::Urban)));
    assert!(!fits(&residence(Residence::Rural), "990301", months, None));
    for (area, inside) in [("990300", true), ("990301", true), ("990000", false), ("990100", false)]
    {
        let areas = vec!["990200".parse().unwrap(), "990300".parse().unwrap()];
        let areas = Selector { areas: Some(areas), ..Selector::default() };
        let class = |name| Selector { class: Some(code(name)), ..Selector::default() };
        assert_eq!(fits(&areas, area, months, None), inside, "{area}");
        assert_eq!(fits(&class("near"), area, months, None), inside, "{area}");
        assert!(!fits(&class("far"), area, months, None), "{area}");
    }
    let carried = |name| Selector { carried_by: Some(code(name)), ..Selector::default() };
    assert!(here(&carried("cpi")) && here(&carried("food")) && !here(&carried("grain")));
}

#[test]
fn a_case_fits_from_its_first_month_to_its_last() {
    let of = |text: &str| Some(month(text));
    for (months, [from, until, only]) in [
        ("2024-01", [false, true, false]),
        ("2024-02", [true, true, true]),
        ("2024-03", [true, false, false]),
        ("2025-02", [true, false, false]),
    ] {
        let index = |when: &Selector| fits(when, "990301", [months, "2024-09"], None);
        let pay = |when: &Selector| fits(when, "990301", ["2023-09", months], None);
        assert_eq!(index(&Selector { from: of("2024-02"), ..Selector::default() }), from);
        assert_eq!(index(&Selector { until: of("2024-02"), ..Selector::default() }), until);
        assert_eq!(pay(&Selector { pay_from: of("2024-02"), ..Selector::default() }), from);
        assert_eq!(pay(&Selector { pay_until: of("2024-02"), ..Selector::default() }), until);
        let both = Selector { from: of("2024-02"), until: of("2024-02"), ..Selector::default() };
        assert_eq!(index(&both), only);
    }
    let of_year = Selector { calendar_months: Some(vec![2, 12]), ..Selector::default() };
    for (months, inside) in
        [("2024-01", false), ("2024-02", true), ("2024-03", false), ("2025-12", true)]
    {
        assert_eq!(fits(&of_year, "990301", [months, "2024-12"], None), inside, "{months}");
    }
}

/// What is picked: value, document, and the one that says explicitly that it holds on.
fn shown(picked: Picked<'_, Sum>) -> String {
    let inherited = picked.inherited.map_or(String::new(), |by| format!(", by {}", by.head.id));
    format!("{}: {}{inherited}", picked.value.show(), picked.cite.head.id)
}

#[test]
fn the_topmost_document_with_a_case_that_fits_says_what_is_picked() {
    let for_towns = "yuan = [ { residence = \"urban\", value = \"9\" } ]";
    let (lower, inherited) = ("yuan = { lower_to = \"7\" }", "yuan = { inherited = true }");
    let open = "yuan = { open = true, at_least = \"5\", at_most = \"7\" }";
    let (six, eight) = ("yuan = \"6\"", "yuan = \"8\"");
    for (over, base, [picked, below, lowered, unlowered], all) in [
        (six, eight, ["6: over", "6: over", "", "6: over"], "6 8"),
        ("", eight, ["8: base", "8: base", "", "8: base"], "8"),
        ("", "", ["", "", "", ""], ""),
        (for_towns, eight, ["8: base", "8: base", "", "8: base"], "9 8"),
        (inherited, eight, ["8: base, by over", "8: base, by over", "", "8: base, by over"], "8"),
        (inherited, "", ["", "", "", ""], ""),
        (lower, six, ["6: base", "6: base", "7: over", "6: base"], "7 6"),
        (lower, "yuan = \"7.0\"", ["7.0: base", "7.0: base", "7: over", "7.0: base"], "7 7.0"),
        (lower, eight, ["7: over", "8: base", "7: over", "8: base"], "7 8"),
        (lower, "", ["7: over", "", "7: over", ""], "7"),
        (lower, lower, ["7: base", "7: base", "7: over", ""], "7 7"),
        (open, six, ["5…7: over", "5…7: over", "", "5…7: over"], "6"),
        (lower, open, ["7: over", "5…7: base", "7: over", "5…7: base"], "7"),
        (inherited, open, ["5…7: base", "5…7: base", "", "5…7: base"], ""),
    ] {
        let documents = library(&[("base", "regional", base), ("over", "overlay", over)]);
        let (area, at) = ("990000".parse().unwrap(), month("2024-01"));
        let rules = documents.rules(&AREAS, area, at, &Law::InForce, false).unwrap();
        let context = Context {
            areas: &AREAS,
            classes: &rules.terms.classes,
            area,
            month: at,
            pay_month: month("2024-02"),
            group: None,
            residence: Some(Residence::Rural),
            carried_by: &[],
        };
        let yuan = &rules.terms.steps[&code("low")].yuan;
        let of = |pick: Pick<'_, _>| match pick {
            Pick::Set(picked) => shown(picked),
            Pick::Open { cite, at_least, at_most } => {
                format!(
                    "{}…{}: {}",
                    at_least.unwrap().show(),
                    at_most.unwrap().show(),
                    cite.head.id
                )
            }
            Pick::Unset => String::new(),
        };
        let (held, to) = yuan.pick_lowered(&context);
        let found = [
            of(yuan.pick(&context)),
            of(held),
            to.map_or(String::new(), shown),
            of(yuan.pick_unlowered(&context)),
        ];
        assert_eq!(found, [picked, below, lowered, unlowered], "{over} over {base}");
        let given: Vec<_> = values(yuan).map(|(value, _)| value.show()).collect();
        assert_eq!(given.join(" "), all, "{over} over {base}");
        let cited = yuan.pick(&context).cite().map(|cite| cite.head.id.clone());
        let expected = picked.split(": ").nth(1).map(|id| id.split(',').next().unwrap().to_owned());
        assert_eq!(cited, expected, "{over} over {base}");
    }
}

#[test]
fn groups_are_covered_where_and_when_each_change_of_them_holds() {
    let says = "yuan = \"6\"\n\
                [[groups]]\nadd = [\"poor_student\", \"special_care\"]\nclause = \"1\"\n\
                [[groups]]\nadd = [\"special_care\"]\nclause = \"2\"\n\
                [[groups]]\nremove = [\"poor_student\"]\nfrom = \"2024-03\"\nuntil = \"2024-04\"\n\
                [[groups]]\nadd = [\"orphan_community\"]\nareas = [\"990200\", \"990300\"]\n\
                from = \"2024-04\"\nclause = \"4\"\n\
                [[groups]]\nadd = [\"hardship_worker\"]\nuntil = \"2024-02\"\nclause = \"5\"\n";
    let terms = Instrument::parse("base.toml", &text("base", "regional", says)).unwrap().terms;
    let covered = |area: &str, at: &str| {
        let covered = terms.covered(&AREAS, area.parse().unwrap(), month(at));
        let one = |(group, cite): (&Code, &Cite)| format!("{group} {}", cite.clause);
        covered.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let all = "poor_student 1, special_care 1";
    let (more, community) = (format!("hardship_worker 5, {all}"), "orphan_community 4");
    for (at, here, elsewhere) in [
        ("2024-01", more.clone(), more.clone()),
        ("2024-02", more.clone(), more),
        ("2024-03", "special_care 1".to_owned(), "special_care 1".to_owned()),
        ("2024-04", format!("{community}, special_care 1"), "special_care 1".to_owned()),
        ("2024-05", format!("{community}, {all}"), all.to_owned()),
        ("2024-06", format!("{community}, {all}"), all.to_owned()),
    ] {
        assert_eq!(covered("990300", at), here, "{at}");
        assert_eq!(covered("990301", at), here, "{at}");
        assert_eq!(covered("990100", at), elsewhere, "{at}");
        assert_eq!(covered("990000", at), elsewhere, "{at}");
    }
}

#[test]
fn what_a_document_says_changes_with_each_month_it_names_and_after_the_last() {
    let changes = |says: &str| {
        let text = text("base", "regional", says);
        let mut months = BTreeSet::new();
        Instrument::parse("base.toml", &text).unwrap().terms.changes(&mut months);
        months.iter().map(Month::to_string).collect::<Vec<_>>().join(" ")
    };
    let case = |when: &str| format!("yuan = [ {{ {when}, value = \"1\" }}, {{ value = \"2\" }} ]");
    let group = |when: &str| format!("[[groups]]\nadd = [\"special_care\"]\n{when}\n");
    for (says, expected) in [
        (case("residence = \"urban\""), ""),
        (case("from = \"2024-05\""), "2024-05"),
        (case("until = \"2024-12\""), "2025-01"),
        (case("from = \"2024-05\", until = \"2024-05\""), "2024-05 2024-06"),
        // An index month is paid in itself or one or two months later.
        (case("pay_from = \"2024-02\""), "2023-12 2024-01 2024-02"),
        (case("pay_until = \"2024-11\""), "2024-10 2024-11 2024-12"),
        (group("from = \"2024-05\""), "2024-05"),
        (group("until = \"2024-05\""), "2024-06"),
    ] {
        assert_eq!(changes(&says), expected, "{says}");
    }
}

#[test]
fn the_law_begins_with_its_first_document_or_a_reform_that_starts_the_mechanism() {
    let law = library(&[("base", "regional", "")]);
    let under = |settings: &str| {
        let text =
            format!("kind = \"reform\"\nindex_months = {{ from = \"2012-03\" }}\n{settings}");
        let reform = Reform::parse("set", &text).unwrap();
        law.under_reforms(&[reform], &AREAS).unwrap()
    };
    assert_eq!((law.oldest(), law.is_hypothetical()), (Some(month("2024-01")), false));
    let changed = under("amount.steps.low.yuan = \"1\"\n");
    assert_eq!((changed.oldest(), changed.is_hypothetical()), (Some(month("2024-01")), true));
    let started = under("trigger.when = \"cpi\"\n");
    assert_eq!((started.oldest(), started.is_hypothetical()), (Some(month("2012-03")), true));
    assert_eq!(library(&[]).oldest(), None);
}

/// The index, the threshold, the standard and the rise may be those of the paying area itself.
#[test]
fn an_area_is_told_of_where_it_is_named_or_decides_or_pays_by_its_own_figures() {
    let of = |says: &str| {
        let law = library(&[("base", "regional", &format!("yuan = \"1\"\n{says}"))]);
        let place = |code: &str| code.parse().unwrap();
        let nothing = ["990000", "990300", "990301", "990302"]
            .map(|code| law.tells_nothing_of(&AREAS, place(code)));
        let rules = law.rules(&AREAS, place("990301"), month("2024-01"), &Law::InForce, false);
        (nothing, rules.unwrap().terms.pay_by_paying())
    };
    let (others, nobody) = ([false, true, true, true], [false; 4]);
    let condition = |says: &str| format!("[trigger.conditions.cpi]\nseries = \"cpi\"\n{says}\n");
    let step = |says: &str| format!("[amount.steps.share]\nkind = \"base_times_rise\"\n{says}\n");
    let base =
        |area: &str| step(&format!("base = {{ standard = \"minimum_living\", area = {area} }}"));
    for (says, nothing, pays) in [
        (String::new(), others, false),
        ("[trigger]\nindex_area = \"deciding\"\n".into(), others, false),
        ("[trigger]\nindex_area = \"paying\"\n".into(), nobody, false),
        (condition("index_area = \"nation\"\nthreshold_area = \"province\""), others, false),
        (condition("index_area = \"paying\"\nthreshold_area = \"nation\""), nobody, false),
        (condition("index_area = \"nation\"\nthreshold_area = \"paying\""), nobody, false),
        (step("rise_area = \"province\""), others, false),
        (step("rise_area = \"paying\""), others, true),
        (base("[\"parent\", \"990100\"]"), others, false),
        (base("[\"parent\", \"paying\"]"), others, true),
        (
            "[[groups]]\nadd = [\"a\"]\nareas = [\"990301\"]\n".into(),
            [false, true, false, true],
            false,
        ),
        ("[classes]\nfar = [\"990300\", \"990302\"]\n".into(), [false, false, true, false], false),
        (
            step("yuan = [ { areas = [\"990302\"], value = \"1\" }, { value = \"2\" } ]"),
            [false, true, true, false],
            false,
        ),
    ] {
        assert_eq!(of(&says), (nothing, pays), "{says}");
    }
}

/// Asked for by name, a document holds also where it is not made for; an assumption does not.
#[test]
fn a_document_asked_for_by_name_stands_above_those_it_amends() {
    let made = |id: &str, kind: &str, at: &str, says: &str| {
        let why = "author = \"示例\"\ndate = \"2024-01-01\"\nreason = \"示例\"\n";
        let extra = if kind == "assumption" { why } else { "" };
        let text = text(id, kind, says).replace("\"990000\"", &format!("{at:?}"));
        text.replacen("confidence", &format!("{extra}confidence"), 1)
    };
    let amends = |text: String| text.replacen("confidence", "amends = [\"far\"]\nconfidence", 1);
    let read = [
        amends(made("near", "regional", "990300", "yuan = \"1\"")),
        made("far", "regional", "990000", "yuan = \"2\""),
        made("guess", "assumption", "990400", "yuan = \"3\""),
        made("other", "regional", "990400", "yuan = \"4\""),
    ];
    let read = read.iter().map(|text| Instrument::parse("sample.toml", text).unwrap());
    let law = Library::new(read.collect(), &AREAS).unwrap();
    let documents = |area: &str, id: &str| {
        let law_asked = Law::Document(id.into());
        let rules = law.rules(&AREAS, area.parse().unwrap(), month("2030-01"), &law_asked, false);
        let rules = rules.unwrap();
        rules.documents.iter().map(|one| one.id.clone()).collect::<Vec<_>>()
    };
    for (area, id, expected) in [
        ("990301", "near", &["far", "near"][..]),
        ("990300", "near", &["far", "near"]),
        ("990000", "near", &["near", "far"]),
        ("990100", "near", &["far", "near"]),
        ("990400", "near", &["guess", "far", "near"]),
        ("990301", "far", &["far"]),
        ("990400", "other", &["guess", "other"]),
    ] {
        assert_eq!(documents(area, id), expected, "{id} in {area}");
    }
}
