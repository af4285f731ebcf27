//! The office suite that people have: LibreOffice works the formulas out itself and comes to the same
//! sums. Where it is not installed, the tests say so and check nothing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use price_linkage::sheets::SheetKind;
use rust_xlsxwriter::{Formula, Workbook};

use super::{Desk, formula::Book, headcounts, notice::paragraphs};

/// Asks for formulas to be worked out when a spreadsheet is opened, whatever stands beside them.
const ALWAYS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"#;

/// Every sheet as CSV, numbers as they are; all fields in quotes but numbers.
const CSV: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1";

fn installed() -> bool {
    let found = Command::new("soffice").arg("--version").output().is_ok();
    if !found {
        eprintln!("soffice is not installed: what LibreOffice makes of the files is not checked");
    }
    found
}

/// Converts a file and gives the folder with what came of it.
fn convert(folder: &Path, name: &str, bytes: &[u8], to: &str) -> PathBuf {
    let profile = folder.join("profile");
    fs::create_dir_all(profile.join("user")).unwrap();
    fs::write(profile.join("user/registrymodifications.xcu"), ALWAYS).unwrap();
    let (file, out) = (folder.join(name), folder.join("out"));
    fs::write(&file, bytes).unwrap();
    let converted = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args(["--headless", "--convert-to", to, "--outdir"])
        .args([&out, &file])
        .output()
        .unwrap();
    assert!(converted.status.success(), "{converted:?}");
    out
}

/// The cells of a sheet as LibreOffice writes them, by row and column from 0.
fn cells(out: &Path, stem: &str, sheet: &str) -> BTreeMap<(u32, u32), String> {
    let path = out.join(format!("{stem}-{sheet}.csv"));
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path);
    let mut found = BTreeMap::new();
    for (row, record) in reader.unwrap().records().enumerate() {
        for (column, field) in record.unwrap().iter().enumerate() {
            found.insert((row as u32, column as u32), field.to_owned());
        }
    }
    found
}

#[test]
fn libreoffice_comes_to_the_same_sums_by_itself() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // It does work them out: a wrong figure beside a formula does not survive.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("probe").unwrap();
    sheet.write_formula(0, 0, Formula::new("=ROUND(0.1+0.2,2)").set_result("7")).unwrap();
    let out = convert(folder.path(), "probe.xlsx", &book.save_to_buffer().unwrap(), CSV);
    assert_eq!(cells(&out, "probe", "probe").get(&(0, 0)).unwrap(), "0.3");

    let mut desk = Desk::new();
    // Sums of many digits, and thirds that leave fen over.
    let id = desk.make(headcounts(30_011, 13), "");
    for kind in [SheetKind::Computation, SheetKind::Funding] {
        let bytes = desk.sheet(&id, kind).content;
        let book = Book::read(&bytes);
        let out = convert(folder.path(), "run.xlsx", &bytes, CSV);
        let mut seen = 0;
        for name in book.names.iter().filter(|name| !book.sheet(name).formulas.is_empty()) {
            let cells = cells(&out, "run", name);
            for at in book.sheet(name).formulas.keys() {
                let ours = book.worth(name, *at).number().normalize();
                let theirs: rust_decimal::Decimal = cells[at].parse().unwrap();
                assert_eq!(theirs.normalize(), ours, "{name} {at:?}");
                seen += 1;
            }
        }
        assert!(100 < seen, "{seen} formulas");
    }
}

#[test]
fn libreoffice_reads_a_notice_as_it_was_written() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new();
    let asked = ("990102".parse().unwrap(), "2024-01".parse().unwrap());
    let found = desk.service.notice(asked.0, asked.1, &Default::default()).unwrap();
    let to = "txt:Text (encoded):UTF8";
    let out = convert(folder.path(), "notice.docx", &found.file.content, to);
    let text = fs::read_to_string(out.join("notice.txt")).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.trim_matches(['\u{feff}', ' '])).collect();
    for paragraph in paragraphs(&found.file.content) {
        assert!(lines.contains(&paragraph.trim()), "{paragraph} is not in {lines:?}");
    }
}
