//! A text as a legal document: read, checked with its own cases, set beside the law.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use price_linkage::service::{Service, check::check_texts, diff::Asked};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::in_memory(&[]).unwrap());

fuzz_target!(|text: &str| {
    let texts = BTreeMap::from([("document.toml".to_owned(), text.to_owned())]);
    let checked = check_texts(&SERVICE.reference.data, &texts);
    assert_eq!(checked.documents, 1);
    if let Ok(diff) = SERVICE.diff(&Asked::Text(text.to_owned()), false) {
        let _ = diff.law();
        let _ = diff.areas.first().map(|area| diff.area(*area));
    }
});
