//! Files with columns twice, areas in a circle, and principals that look like others.

use std::{fs, path::Path, process::Command};

use price_linkage::{
    access::file::parse,
    intake::{headcounts::read_headcounts, lists::read_areas, settlements::read_settlements},
};

use super::fixture::SERVICE;

/// What the program says when it cannot start with a folder of data.
fn refused(areas: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("areas.csv"), areas).unwrap();
    let said = listed(folder.path());
    assert!(!said.status.success());
    String::from_utf8(said.stderr).unwrap()
}

fn listed(data: &Path) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_price-linkage");
    Command::new(program).arg("--data").arg(data).arg("areas").output().unwrap()
}

#[test]
fn areas_in_a_circle_are_refused_by_name() {
    let head = "code,name,level,parent\n";
    for (rows, named) in [
        ("990100,甲,prefecture,990200\n990200,乙,prefecture,990100\n", "990100"),
        ("990100,甲,prefecture,990100\n", "990100"),
        (
            "990000,省,province,990101\n990100,市,prefecture,990000\n990101,县,county,990100\n",
            "990000",
        ),
        ("990100,甲,prefecture,990900\n", "990900"),
    ] {
        let said = refused(&format!("{head}{rows}"));
        assert!(said.starts_with("error: ") && said.contains(named), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// The columns that are told to be wrong in a header.
fn columns<T: std::fmt::Debug>(
    read: Result<T, price_linkage::intake::table::Problems>,
) -> Vec<String> {
    let told = read.unwrap_err();
    assert!(told.problems.iter().all(|one| one.line == 1), "{told}");
    told.problems.into_iter().map(|one| one.column).collect()
}

#[test]
fn a_column_is_there_once_whatever_it_is_called() {
    let data = &SERVICE.reference.data;
    let areas = read_areas("code,name,level,parent,代码\n".as_bytes());
    assert_eq!(columns(areas), ["代码"]);
    let spaced = read_areas("code,name,level,parent, Code \n".as_bytes());
    assert_eq!(columns(spaced), ["Code"]);
    let text = "index_month,area_code,group,residence,persons,persons,人数\n";
    let headcounts = read_headcounts(text.as_bytes(), &data.areas, &data.groups);
    assert_eq!(columns(headcounts), ["persons", "人数"]);
    assert_eq!(columns(read_settlements(b"reference,outcome,outcome\n", "R1", 1)), ["outcome"]);
    // Not the same letters: another column, which is not known.
    let other = read_areas("code,name,level,parent,c\u{43e}de\n".as_bytes());
    assert_eq!(columns(other), ["header"]);
}

#[test]
fn nobody_is_listed_beside_who_looks_the_same() {
    let areas = &SERVICE.reference.data.areas;
    let listed = |first: &str, second: &str| {
        let row =
            |name: &str| format!("[[principal]]\nname = {name:?}\ngrants = [\"maker:150100\"]\n");
        parse(&format!("{}{}", row(first), row(second)), areas).map(|listed| listed.len())
    };
    assert_eq!(listed("zhang", "zheng").unwrap(), 2);
    assert_eq!(listed("张三", "张山").unwrap(), 2);
    for (first, second) in
        [("zhang", "zh\u{430}ng"), ("zhang", "ｚhang"), ("li", "1i"), ("modern", "modem")]
    {
        let wrong = listed(first, second).unwrap_err();
        assert_eq!(
            wrong.iter().map(|one| (one.line, &*one.field)).collect::<Vec<_>>(),
            [(5, "name")],
            "{second}"
        );
    }
    for other in ["\u{200b}", "\u{202e}", "\u{ad}", "e\u{301}", "\u{feff}", " "] {
        // Some TOML does not take at all.
        let wrong = listed("li", &format!("zhang{other}")).unwrap_err();
        assert!(["name", "file"].contains(&&*wrong[0].field), "{other:?} {wrong:?}");
    }
}
