//! The law as its reader sees it in one month: what holds, and which document says so.

use std::sync::LazyLock;

use price_linkage::{
    domain::{area::Areas, month::Month},
    intake::folder::load,
    rules::{
        instrument::Instrument,
        library::{Law, Library},
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
    let area = "990000".parse().unwrap();
    let rules = library.rules(&AREAS, area, month(at), &Law::InForce, false).unwrap();
    let shown = rules.terms.held(month(at), month(at).plus(1).unwrap());
    let floor = shown.iter().find(|one| one.path == "amount.steps.low.yuan").unwrap();
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
