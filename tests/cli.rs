//! The program as its users call it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_price-linkage")).args(arguments).output().unwrap()
}

fn out(arguments: &[&str]) -> String {
    let output = program(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = program(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "data goes to standard output only when there is data");
    String::from_utf8(output.stderr).unwrap()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_columns_are_as_documented() {
    let status = out(&["status", "--area", "150300", "--month", "2021-04", "--format", "csv"]);
    let columns = "area_code,index_month,state,triggered,deciding_area,carried_by,pay_by,reason";
    assert_eq!(status.lines().next().unwrap(), columns);
    let line = "150300,2021-04,inactive,no,150300,,,\
                \"乌海市 2021年4月未启动:CPI 0.9% 未达到 3.0%,食品 2.3% 未达到 6.0%\"";
    assert_eq!(status.lines().nth(1).unwrap().replace('"', ""), line.replace('"', ""));
    let subsidy = out(&["subsidy", "--area", "150100", "--month", "2020-03", "--format", "csv"]);
    let columns = "area_code,index_month,group,residence,base_standard,base_yuan,\
                   multiplier_series,rise_pct,unrounded_yuan,subsidy_yuan,instrument,clause";
    assert_eq!(subsidy.lines().next().unwrap(), columns);
    let urban = "150100,2020-03,subsistence_allowance,urban,dibao_urban,732,cpi,3.5,60,60.00,";
    assert!(subsidy.lines().any(|line| line.starts_with(urban)), "{subsidy}");
}

#[test]
fn strict_refuses_what_rests_on_assumptions() {
    let arguments = ["subsidy", "--area", "150100", "--month", "2020-03", "--format", "csv"];
    let strict = out(&[&arguments[..], &["--strict"]].concat());
    for line in strict.lines().skip(1) {
        let fields: Vec<_> = line.split(',').collect();
        assert_eq!(fields[9], "", "{line}");
    }
    let shown = out(&["subsidy", "--area", "150100", "--month", "2020-03", "--strict"]);
    assert!(shown.contains("规则不完整:适用的文件都没有规定 amount.steps.rate.base"), "{shown}");
}

#[test]
fn what_the_columns_have_no_room_for_is_told_on_standard_error() {
    let errors = |arguments: &[&str]| String::from_utf8(program(arguments).stderr).unwrap();
    let month = ["--area", "150100", "--month", "2020-03", "--format", "csv", "--lang", "en"];
    let told = errors(&[&["subsidy"], &month[..]].concat());
    assert_eq!(told, "sums rest on the assumption assumption-im-amounts\n");
    let months = ["--area", "150100", "--from", "2019-08", "--until", "2019-09"];
    let told = errors(
        &[&["replay", "--amounts", "--format", "csv", "--lang", "en"], &months[..]].concat(),
    );
    let expected = |month: &str| {
        format!("150100 {month}: cannot be computed: food of 150100 for {month} is missing\n")
    };
    assert_eq!(told, expected("2019-08") + &expected("2019-09"));
    let told = errors(&["history", "--area", "150100", "--recorded"]);
    assert!(told.contains("--store DIR"), "{told}");
}

#[test]
fn json_is_the_message_of_the_api() {
    let text = out(&["status", "--area", "150300", "--month", "2021-04", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["triggered"], "TRIGGERED_NO");
    assert_eq!(status["conditions"][0]["margin"]["value"], "-2.1");
}

#[test]
fn every_bad_row_is_told_with_line_column_value_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let table = "month,area_code,series,yoy_pct\n\
                 2021-13,150300,cpi,1.0\n\
                 2021-05,999999,cpi,1.0\n\
                 2021-05,150300,no_such,1.0\n\
                 2021-05,150300,cpi,1e3\n\
                 2021-06,150300,cpi,5000\n\
                 2021-07,150300,cpi\n\
                 2021-08,150300,cpi,1.0\n\
                 2021-08,150300,cpi,1.1\n";
    let file = write(folder.path(), "bad.csv", table.as_bytes());
    let told = refused(&["index", "record", &file, "--validate-only"]);
    for expected in [
        "7 problems, nothing was recorded",
        "line 2, column month, value \"2021-13\": expected YYYY-MM",
        "line 3, column area_code, value \"999999\": expected six plain digits of a listed area",
        "line 4, column series, value \"no_such\": expected a series",
        "line 5, column yoy_pct, value \"1e3\": expected a decimal",
        "line 6, column yoy_pct, value \"5000\": expected a rise in per cent from -20 to 50",
        "line 7, column row, value \"3\": expected 4 fields",
        "line 9, column month, value \"2021-08\": expected each area, series and month once",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}

#[test]
fn tables_are_read_in_gb18030_with_chinese_headers_and_in_index_form() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let store = store.to_str().unwrap();
    let table =
        "月份,地区代码,指标,指数,发布日期,来源\n2021-05,150300,食品,106.0,2021-06-09,调查队\n";
    let (bytes, ..) = encoding_rs::GB18030.encode(table);
    let file = write(folder.path(), "gb.csv", &bytes);
    let recorded = out(&["--store", store, "index", "record", &file, "--format", "csv"]);
    assert!(recorded.lines().nth(1).unwrap().ends_with(",1,0,0,1"), "{recorded}");
    // The same file again changes nothing, and after a correction it is a revision.
    let again = |file: &str| {
        let printed = out(&["--store", store, "index", "record", file, "--format", "csv"]);
        printed.lines().nth(1).unwrap().split_once(',').unwrap().1.to_owned()
    };
    assert_eq!(again(&file), "0,0,1,0");
    let lower = write(folder.path(), "low.csv", table.replace("106.0", "105.9").as_bytes());
    assert_eq!(again(&lower), "0,1,0,1");
    assert_eq!(again(&file), "0,1,0,1");
    let slip = table.replace("指数", "同比涨幅");
    let slip = write(folder.path(), "slip.csv", slip.as_bytes());
    let told = refused(&["--store", store, "index", "record", &slip]);
    assert!(told.contains("106.0") && told.contains("from -20 to 50"), "{told}");
    let asked = ["status", "--area", "150300", "--month", "2021-05", "--format", "csv"];
    let status = out(&[&["--store", store], &asked[..]].concat());
    assert!(status.contains("150300,2021-05,started,yes,150300,food,2021-07-08,"), "{status}");
    let marked =
        [&b"\xef\xbb\xbf"[..], "月份,地区代码,指标,同比涨幅\n2021-06,150300,CPI,0.8\n".as_bytes()];
    let file = write(folder.path(), "bom.csv", &marked.concat());
    out(&["--store", store, "index", "record", &file]);
    let listed = out(&["--store", store, "index", "list", "--area", "150300", "--format", "csv"]);
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert!(listed.contains("150300,food,2021-05,6.0,2021-06-09,3,调查队"), "{listed}");
}

#[test]
fn a_store_is_seeded_once_copied_verified_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (store, copy) = (folder.path().join("a"), folder.path().join("copy.jsonl"));
    let (store, copy) = (store.to_str().unwrap(), copy.to_str().unwrap());
    let areas = out(&["--store", store, "areas", "--with-index", "--format", "csv"]);
    assert_eq!(areas.lines().count(), 67);
    let first = out(&["--store", store, "verify"]);
    out(&["--store", store, "status", "--area", "150300", "--month", "2021-04"]);
    assert_eq!(out(&["--store", store, "verify"]), first, "nothing is seeded twice");
    let head = out(&["--store", store, "export", copy]);
    assert!(first.starts_with(head.trim_end()), "{head} {first}");
    let other = folder.path().join("b");
    let other = other.to_str().unwrap();
    out(&["--store", other, "restore", copy]);
    assert_eq!(out(&["--store", other, "verify"]), first);
    assert!(
        refused(&["--store", other, "restore", copy])
            .contains("expected no such file, or an empty folder")
    );
    // The same state, written anew.
    let state = first.lines().last().unwrap().split("state ").nth(1).unwrap();
    let compacted = out(&["--store", other, "compact"]);
    assert!(compacted.starts_with(&format!("state {state}: ")), "{compacted}");
    assert_eq!(out(&["--store", other, "verify"]), first);
    // A copy that was cut at the end of a line looks whole, but for the digest kept elsewhere.
    let text = fs::read_to_string(copy).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(copy, &text[..cut]).unwrap();
    let third = folder.path().join("c");
    let third = third.to_str().unwrap();
    let digest = head.trim_end().rsplit(' ').next().unwrap();
    let said = refused(&["--store", third, "restore", "--head", digest, copy]);
    assert!(said.contains(&format!("expected {digest}")), "{said}");
    assert!(!Path::new(third).exists());
    let last = text[..cut].lines().count().to_string();
    let part = out(&["--store", third, "restore", "--until-entry", "2", copy]);
    assert!(part.starts_with("2 entries, head ") && last != "2", "{part}");
}

#[test]
fn a_deployment_lays_its_own_areas_rules_and_figures_over_the_shipped_ones() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("indices")).unwrap();
    fs::create_dir_all(root.join("instruments")).unwrap();
    write(
        root,
        "areas.csv",
        "代码,名称,级别,上级\n990000,示例省,省级,000000\n990100,示例市,地级,990000\n".as_bytes(),
    );
    write(root, "series.toml", "[[series]]\ncode = \"own_index\"\nzh = \"自编指数\"\nen = \"own index\"\nunit = \"rise_pct\"\n".as_bytes());
    write(
        &root.join("indices"),
        "own.csv",
        "month,area_code,series,yoy_pct\n2024-05,990100,own_index,2.0\n".as_bytes(),
    );
    let notice = r#"
id = "example-2024"
kind = "regional"
title_zh = "示例通知"
title_en = "Example notice"
jurisdiction = "990000"
index_months = { from = "2024-01" }
confidence = "A"
[trigger]
level = ["prefecture"]
when = "own"
[trigger.conditions.own]
series = "own_index"
comparator = ">="
threshold = "2.0"
[[groups]]
add = ["subsistence_allowance"]
[amount]
order = ["sum", "whole"]
[amount.steps.sum]
kind = "flat"
yuan = [ { residence = "rural", value = "12.5" }, { value = "25" } ]
[amount.steps.whole]
kind = "round"
to = "yuan"
mode = "half_up"
"#;
    write(&root.join("instruments"), "example.toml", notice.as_bytes());
    let data = root.to_str().unwrap();
    let subsidy = out(&[
        "--data", data, "subsidy", "--area", "990100", "--month", "2024-05", "--format", "csv",
    ]);
    assert!(
        subsidy.contains("990100,2024-05,subsistence_allowance,rural,,,,,12.5,13.00,"),
        "{subsidy}"
    );
    assert!(
        subsidy.contains("990100,2024-05,subsistence_allowance,urban,,,,,25,25.00,"),
        "{subsidy}"
    );
    // A document with the id of a shipped one takes its place, wherever the file lies.
    let theirs = include_str!("../data/instruments/150000/2023-r5.toml");
    let named = theirs.replacen("title_zh = \"", "title_zh = \"自行修订的", 1);
    write(&root.join("instruments"), "ours.toml", named.as_bytes());
    let listed = out(&["--data", data, "rules", "list", "--area", "150000", "--format", "csv"]);
    let ours: Vec<_> = listed.lines().filter(|line| line.starts_with("im-2023,")).collect();
    assert!(ours.len() == 1 && ours[0].contains("自行修订的"), "{ours:?}");
    fs::remove_file(root.join("instruments/ours.toml")).unwrap();
    let overlapping = notice.replace("example-2024", "example-too");
    write(&root.join("instruments"), "too.toml", overlapping.as_bytes());
    let told = refused(&["--data", data, "status", "--area", "990100", "--month", "2024-05"]);
    assert!(told.contains("too.toml") && told.contains("example.toml"), "{told}");
    assert!(told.contains("overlaps"), "{told}");
}

#[test]
fn an_unknown_area_is_refused_with_a_hint() {
    let told = refused(&["status", "--area", "999999", "--month", "2021-04"]);
    assert!(told.contains("area 999999: not in the list of areas"), "{told}");
    assert!(told.contains("hint:"), "{told}");
}

const PROPOSED: &str = r#"
id = "hohhot-proposed"
kind = "regional"
title_zh = "示例通知"
title_en = "Example notice"
jurisdiction = "150100"
index_months = { from = "2019-04", until = "2019-07" }
confidence = "A"
[trigger.conditions.cpi]
threshold = [ { from = "2019-06", value = "3.0" }, { value = "2.5" } ]
clause = "二"
[[groups]]
add = ["poor_student"]
"#;

#[test]
fn a_document_that_is_not_yet_law_is_set_beside_the_law_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "proposed.toml", PROPOSED.as_bytes());
    let found = out(&["rules", "diff", &path, "--format", "csv"]);
    let sum = |group: &str, residence: &str, yuan: &str| {
        format!("sum,150100,2019-05,{group},{residence},undecidable,{yuan},,")
    };
    let groups = [
        "orphan_community",
        "orphan_institution",
        "poor_student",
        "special_care",
        "special_hardship",
        "subsistence_allowance",
        "unemployment_insurance",
    ];
    // CPI was 2.4, 2.7, 2.6 and 3.0; food is not recorded. In June both sides ask for 3.0 again.
    let below = "im-2017 CPI单月同比涨幅达到3%";
    let path_of = "trigger.conditions.cpi.threshold";
    let mut expected = vec![
        "kind,area_code,index_month,subject,residence,before,after,before_source,after_source"
            .to_owned(),
        format!("parameter,150100,2019-04,{path_of},,3.0,2.5,{below},hohhot-proposed 二"),
        format!("parameter,150100,2019-06,{path_of},,3.0,3.0,{below},hohhot-proposed 二"),
        "decision,150100,2019-05,,,undecidable/undecidable,yes/started,,".to_owned(),
    ];
    for group in groups {
        expected.extend([sum(group, "urban", "30.00"), sum(group, "rural", "15.00")]);
    }
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
    let shown = out(&["rules", "diff", &path]);
    assert!(shown.contains("threshold 2019-06… (自此无差别)\n  - 3.0\n"), "{shown}");
    assert!(shown.contains("重申、未改变: groups.poor_student"), "{shown}");
    assert!(
        shown.ends_with("比较 1 个地区:1 个月决定不同,1 个月发放不同,14 项金额不同\n"),
        "{shown}"
    );
    let wrong = PROPOSED.replace("clause", "clauses");
    let path = write(folder.path(), "wrong.toml", wrong.as_bytes());
    let told = refused(&["rules", "diff", &path]);
    assert!(told.contains("document:11: error[unknown_key]"), "{told}");
    assert!(refused(&["rules", "diff", "no-such"]).contains("no document has this id"));
}

#[test]
fn the_check_prints_notes_only_when_asked_and_csv_keeps_all() {
    let folder = tempfile::tempdir().unwrap();
    let text = PROPOSED.replace("clause = \"二\"", "run_months = { open = true }");
    write(folder.path(), "proposed.toml", text.as_bytes());
    let path = folder.path().to_str().unwrap();
    let shown = out(&["rules", "check", path]);
    assert_eq!(
        shown,
        "1 documents, 0 cases run, 0 errors, 0 warnings, 1 notes\n\
         notes: 1 open_parameter; --notes prints them\n"
    );
    let told = out(&["rules", "check", path, "--notes"]);
    assert!(
        told.lines().next().unwrap().contains("proposed.toml:11: note[open_parameter]"),
        "{told}"
    );
    let csv = out(&["rules", "check", path, "--format", "csv"]);
    assert_eq!(csv.lines().count(), 2, "{csv}");
}
