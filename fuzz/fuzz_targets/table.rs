//! Bytes as each of the tables people import.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use price_linkage::intake::{
    figures::{Known, read_figures, read_standards},
    folder::{Dataset, load},
    lists::{read_areas, read_calendar, read_changes},
};

static DATA: LazyLock<Dataset> = LazyLock::new(|| load(&[]).unwrap());

fuzz_target!(|bytes: &[u8]| {
    let Dataset { areas, series, standard_names, .. } = &*DATA;
    let known = Known { areas, series, standards: standard_names };
    let _ = read_figures(bytes, known);
    let _ = read_standards(bytes, known);
    let _ = read_areas(bytes);
    let _ = read_changes(bytes);
    let _ = read_calendar(bytes);
});
