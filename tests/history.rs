//! The published history against committed tables: a line that changes needs its reason in the
//! commit. Each table is the output of the command in its first test argument:
//! `price-linkage replay --area AREA --until MONTH --format csv > tests/history/AREA.csv`.

use std::{fs, path::Path, process::Command};

fn replayed(area: &str, until: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
        .args(["replay", "--area", area, "--until", until, "--format", "csv"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn unchanged(area: &str, until: &str, months: usize) {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/history/{area}.csv"));
    let committed = fs::read_to_string(table).unwrap();
    let now = replayed(area, until);
    for (committed, now) in committed.lines().zip(now.lines()) {
        assert_eq!(committed, now);
    }
    assert_eq!(now.lines().count(), months + 1, "a header and a line for every month");
    assert_eq!(committed, now);
}

#[test]
fn every_month_of_the_nation_is_decided_as_committed() {
    unchanged("000000", "2026-08", 200);
}

#[test]
fn every_month_of_inner_mongolia_is_decided_as_committed() {
    unchanged("150000", "2023-11", 167);
}

#[test]
fn every_month_of_hohhot_is_decided_as_committed() {
    unchanged("150100", "2023-11", 167);
}

#[test]
fn every_month_of_baotou_is_decided_as_committed() {
    unchanged("150200", "2023-11", 167);
}
