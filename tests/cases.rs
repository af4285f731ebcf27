//! Every published row is either reproduced by its case file or listed with the reason it cannot be.

use std::{collections::BTreeSet, fs, path::Path};

use price_linkage::service::{
    Service,
    cases::{Verdict, run},
};

#[test]
fn published_rows_are_reproduced_or_listed_with_the_reason() {
    let service = Service::in_memory(&[]).unwrap();
    let checked = run(&service.reference, &service.writer.snapshot()).unwrap();
    let contradicted: Vec<_> =
        checked.iter().filter(|one| one.verdict == Verdict::Contradicted).collect();
    assert!(contradicted.is_empty(), "{contradicted:#?}");
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cases/published.csv");
    let mut reader = csv::Reader::from_reader(fs::File::open(published).unwrap());
    let ids: BTreeSet<_> =
        reader.records().map(|record| record.unwrap().get(0).unwrap().to_owned()).collect();
    let told: BTreeSet<_> = checked.iter().map(|one| one.id.clone()).collect();
    assert_eq!(told, ids);
    let reproduced = checked.iter().filter(|one| one.verdict == Verdict::Reproduced);
    assert!(reproduced.clone().all(|one| !one.respects.is_empty()));
    assert_eq!(reproduced.count(), 45);
}
