//! The shipped documents, and notices as an official might write them: the format holds each, and
//! their own cases come out.

use std::path::Path;

use price_linkage::{
    intake::folder::read_documents, rules::finding::Severity, service::check::check,
};

#[test]
fn shipped_documents_pass_their_own_check() {
    let instruments = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/instruments");
    let checked = check(&[], &instruments).unwrap();
    let serious = checked.findings.iter().filter(|one| one.severity != Severity::Note);
    assert!(serious.clone().next().is_none(), "{:#?}", serious.collect::<Vec<_>>());
    assert!(60 <= checked.cases, "only {} cases were run", checked.cases);
}

#[test]
fn invented_notices_are_written_down_without_an_objection() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notices");
    let instruments = folder.join("instruments");
    let checked = check(std::slice::from_ref(&folder), &instruments).unwrap();
    let serious = checked.findings.iter().filter(|one| one.severity != Severity::Note);
    assert!(serious.clone().next().is_none(), "{:#?}", serious.collect::<Vec<_>>());
    assert_eq!(checked.documents, read_documents(&instruments).unwrap().len());
    assert!(38 <= checked.cases, "only {} cases were run", checked.cases);
}
