//! Bytes as each of the files that are sent to the service or kept by it.
#![no_main]

use std::{
    io::{Seek, Write},
    sync::LazyLock,
};

use libfuzzer_sys::fuzz_target;
use price_linkage::{
    access::file::parse,
    intake::{
        folder::{Dataset, load},
        headcounts::{read_assumed, read_headcounts},
        settlements::read_settlements,
    },
    journal::entry::Entry,
    roster::{
        columns::{Column, Mapping},
        source::{Format, Row, Source},
    },
};

static DATA: LazyLock<Dataset> = LazyLock::new(|| load(&[]).unwrap());

/// Reads a roster twice: the same rows under the same numbers, each number higher than the last.
fn roster(bytes: &[u8], format: Format) {
    let read = || {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut source = Source::open(file, format, &Mapping::default(), true).ok()?;
        let layout = source.layout().clone();
        let mut rows = Vec::new();
        while let Some(mut batch) = source.next(None).ok()? {
            let each = |(number, row): Row<'_>| {
                rows.push((number, row.ok().map(|row| row.get(Column::ALL[0]).to_vec())));
            };
            batch.rows(&layout, each).ok()?;
        }
        Some((rows, source.digest()))
    };
    let first = read();
    assert_eq!(first, read());
    let rows = first.map(|(rows, _)| rows).unwrap_or_default();
    assert!(rows.is_sorted_by(|one, next| one.0 < next.0));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let Dataset { areas, groups, .. } = &*DATA;
    match kind % 7 {
        0 => roster(bytes, Format::Csv),
        1 => roster(bytes, Format::Xlsx),
        2 => roster(bytes, Format::Parquet),
        3 => {
            if let Ok(settled) = read_settlements(bytes, "R1", 1_000) {
                assert!(settled.iter().all(|(line, _)| (1..=1_000).contains(line)));
            }
        }
        4 => {
            let _ = read_headcounts(bytes, areas, groups);
            let _ = read_assumed(bytes, areas, groups);
        }
        5 => {
            if let Ok(entry) = Entry::read(bytes) {
                let line = entry.line().unwrap();
                assert_eq!(Entry::read(&line).unwrap().head(), entry.head());
            }
        }
        _ => {
            if let Ok(listed) = std::str::from_utf8(bytes)
                .map_err(drop)
                .and_then(|text| parse(text, areas).map_err(|wrong| assert!(!wrong.is_empty())))
            {
                assert!(!listed.is_empty());
            }
        }
    }
});
