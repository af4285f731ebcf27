//! The law has two clocks as well: a document adopted, changed or withdrawn later does not reach an
//! answer about what was known before.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{decision::Triggered, figure::View},
    engine::question::Terms,
    service::Service,
};

const MONTH: &str = "2019-07";

fn document(threshold: &str) -> String {
    format!(
        r#"id = "sample-2017"
kind = "regional"
title_zh = "样本"
title_en = "Sample"
jurisdiction = "990000"
index_months = {{ from = "2017-01" }}

[trigger]
level = ["prefecture"]
when = "cpi"

[trigger.conditions.cpi]
series = "cpi"
comparator = ">="
threshold = "{threshold}"
"#
    )
}

fn folder(root: &Path, document: Option<String>) {
    let instruments = root.join("instruments/990000");
    fs::create_dir_all(&instruments).unwrap();
    fs::create_dir_all(root.join("indices")).unwrap();
    let areas = "code,name,level,parent\n990000,样本省,province,000000\n\
                 990100,样本市,prefecture,990000\n";
    fs::write(root.join("areas.csv"), areas).unwrap();
    let figures = "area_code,series,month,yoy_pct,released_on,source\n\
                   990100,cpi,2019-07,3.2,2019-08-09,test\n";
    fs::write(root.join("indices/sample.csv"), figures).unwrap();
    let file = instruments.join("2017-sample.toml");
    match document {
        Some(text) => fs::write(file, text).unwrap(),
        None => fs::remove_file(file).unwrap(),
    }
}

/// Starts the service over the store and says what it answers as known at the instants, and which
/// instant was the last recorded.
fn answers(store: &Path, data: &Path, known_at: &[DateTime<Utc>]) -> (Vec<Triggered>, Answered) {
    let (service, _) = Service::open(store, &[data.to_owned()], &mut |_, _, _| ()).unwrap();
    let ledger = service.writer.snapshot();
    let ask = |known_at| {
        let view = View { known_at, published_by: None };
        let terms = Terms { view, ..Terms::default() };
        let (area, month) = ("990100".parse().unwrap(), MONTH.parse().unwrap());
        service.answer(&ledger, area, month, &terms, false).unwrap().status
    };
    let then = known_at.iter().map(|at| ask(Some(*at)).outcome.triggered).collect();
    let now = ask(None);
    let documents = now.documents.iter().map(|head| head.id.clone()).collect();
    (then, (now.outcome.triggered, documents, ledger.recorded_at().unwrap()))
}

type Answered = (Triggered, Vec<String>, DateTime<Utc>);

#[test]
fn a_document_changed_or_withdrawn_later_does_not_reach_an_earlier_answer() {
    let root = tempfile::tempdir().unwrap();
    let (store, data) = (root.path().join("store"), root.path().join("data"));
    folder(&data, Some(document("3.2")));
    let (_, (at, documents, first)) = answers(&store, &data, &[]);
    assert_eq!(at, Triggered::Yes);
    assert!(documents.contains(&"sample-2017".to_owned()));

    folder(&data, Some(document("3.3")));
    let (then, (now, _, second)) = answers(&store, &data, &[first]);
    assert_eq!((then, now), (vec![Triggered::Yes], Triggered::No));

    folder(&data, None);
    let (then, (_, documents, third)) = answers(&store, &data, &[first, second]);
    assert_eq!(then, [Triggered::Yes, Triggered::No]);
    assert!(!documents.contains(&"sample-2017".to_owned()));

    // A document that comes back is adopted again.
    folder(&data, Some(document("3.2")));
    let (then, (now, ..)) = answers(&store, &data, &[first, second, third]);
    assert_eq!(then[..2], [Triggered::Yes, Triggered::No]);
    assert_ne!(then[2], Triggered::Yes);
    assert_eq!(now, Triggered::Yes);
}
