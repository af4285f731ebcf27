//! Every published row is reproduced, consistent, or listed with the reason it cannot be checked.

use price_linkage::service::{
    Service,
    cases::{Verdict, run},
};

#[test]
fn published_rows_come_out_or_say_why_they_cannot() {
    let service = Service::in_memory(&[]).unwrap();
    let checked = run(&service.reference, &service.writer.snapshot()).unwrap();
    let with = |verdict| checked.iter().filter(move |one| one.verdict == verdict);
    let contradicted: Vec<_> = with(Verdict::Contradicted).collect();
    assert!(contradicted.is_empty(), "{contradicted:#?}");
    assert_eq!(Verdict::ALL.map(|verdict| with(verdict).count()), [53, 24, 0, 25]);
    for one in &checked {
        assert_eq!(one.respects.is_empty(), one.verdict == Verdict::NotCheckable, "{}", one.id);
        assert_ne!(one.why.zh, one.why.en, "{}", one.id);
        assert!(!one.area.is_empty() && !one.months.is_empty(), "{}", one.id);
    }
}
