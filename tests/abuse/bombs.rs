//! What is small and unpacks to what is large: spreadsheets and compressed messages.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use price_linkage::roster::{
    columns::Mapping,
    source::{Format, Source},
};
use tonic::Code;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::fixture::{Measured, Served};

/// The parts of a workbook beside its sheet and its texts.
const PARTS: [(&str, &str); 4] = [
    (
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#,
    ),
];

const SHEET: &str = "xl/worksheets/sheet1.xml";
const TEXTS: &str = "xl/sharedStrings.xml";

/// What a part of a workbook is made of.
type Part<'a> = (&'a str, &'a mut dyn FnMut(&mut dyn Write));

fn workbook(folder: &Path, parts: &mut [Part<'_>]) -> PathBuf {
    let path = folder.join("bomb.xlsx");
    let mut packed = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default();
    for (name, text) in PARTS {
        packed.start_file(name, options).unwrap();
        packed.write_all(text.as_bytes()).unwrap();
    }
    for (name, written) in parts {
        packed.start_file(*name, options).unwrap();
        written(&mut packed);
    }
    packed.finish().unwrap();
    path
}

/// A sheet with these rows.
fn sheet(rows: &str) -> String {
    format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    )
}

fn opened(path: &Path) -> Result<Vec<String>, String> {
    let file = File::open(path).unwrap();
    let source = Source::open(file, Format::Xlsx, &Mapping::default(), false);
    source.map(|source| vec![format!("{:?}", source.progress())]).map_err(|error| error.to_string())
}

fn blanks(to: &mut dyn Write, mebibytes: usize) {
    let block = vec![b' '; 1 << 20];
    for _ in 0..mebibytes {
        to.write_all(&block).unwrap();
    }
}

/// Makes every part of this uncompressed size say that it is of another.
fn lie(path: &Path, from: u32, to: u32) {
    let mut bytes = std::fs::read(path).unwrap();
    let (from, to) = (from.to_le_bytes(), to.to_le_bytes());
    let at: Vec<_> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == from).collect();
    assert!((1..=2).contains(&at.len()), "in the directory, and maybe before the part: {at:?}");
    for at in at {
        bytes[at..at + 4].copy_from_slice(&to);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_spreadsheet_that_unpacks_to_too_much_is_refused_whatever_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let measured = Measured::begin();
    let told = |error: String| assert!(error.contains("it unpacks to too much"), "{error}");
    let path = workbook(folder.path(), &mut [(SHEET, &mut |to| blanks(to, 1_025))]);
    assert!(std::fs::metadata(&path).unwrap().len() < 4 << 20);
    told(opened(&path).unwrap_err());
    // The same, said to be of one byte.
    lie(&path, 1_025 << 20, 1);
    let error = opened(&path).unwrap_err();
    assert!(error.contains("XLSX"), "{error}");
    // Texts are held before a row is read.
    let path = workbook(folder.path(), &mut [(TEXTS, &mut |to| blanks(to, 257))]);
    told(opened(&path).unwrap_err());
    // Small, and said to be large.
    let text = sheet("");
    let path =
        workbook(folder.path(), &mut [(SHEET, &mut |to| to.write_all(text.as_bytes()).unwrap())]);
    lie(&path, text.len() as u32, u32::MAX - 1);
    told(opened(&path).unwrap_err());
    let grown = measured.grown();
    assert!(grown < 64 << 10, "{grown} KiB");
}

#[test]
fn a_spreadsheet_with_cells_in_far_corners_takes_no_more_than_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let measured = Measured::begin();
    let refused = |rows: &str| {
        let text = sheet(rows);
        let path = workbook(
            folder.path(),
            &mut [(SHEET, &mut |to| to.write_all(text.as_bytes()).unwrap())],
        );
        opened(&path).unwrap_err()
    };
    let first = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>person_id</t></is></c></row>"#;
    let last = r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let error = refused(&format!("{first}{last}"));
    assert!(
        error.contains("row 1048576: expected at most 1048576 rows and 256 columns"),
        "{error}"
    );
    let beyond = r#"<row r="4000000000"><c r="A4000000000"><v>1</v></c></row>"#;
    let error = refused(&format!("{first}{beyond}"));
    assert!(error.contains("XLSX"), "{error}");
    let grown = measured.grown();
    assert!(grown < 64 << 10, "{grown} KiB");
}

#[test]
fn a_text_repeated_in_every_cell_is_refused_before_it_is_copied_too_often() {
    let folder = tempfile::tempdir().unwrap();
    let texts = format!(
        "<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><si><t>{}</t></si></sst>",
        "数".repeat(10_000)
    );
    let row = "<row>".to_owned() + &"<c t=\"s\"><v>0</v></c>".repeat(200) + "</row>";
    let text = sheet(&row.repeat(1_000));
    let measured = Measured::begin();
    let path = workbook(
        folder.path(),
        &mut [
            (TEXTS, &mut |to| to.write_all(texts.as_bytes()).unwrap()),
            (SHEET, &mut |to| to.write_all(text.as_bytes()).unwrap()),
        ],
    );
    let error = opened(&path).unwrap_err();
    assert!(error.contains("too much text"), "{error}");
    let grown = measured.grown();
    assert!(grown < 640 << 10, "{grown} KiB");
}

/// A gzip of so many MiB of zeros.
fn zeros(mebibytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::repeat(0).take((mebibytes as u64) << 20), &mut packed).unwrap();
    packed.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_unpacks_to_a_gibibyte_is_refused_and_takes_no_memory() {
    let packed = zeros(1_024);
    assert!(packed.len() < 2 << 20);
    let mut frame = vec![1];
    frame.extend_from_slice(&(packed.len() as u32).to_be_bytes());
    frame.extend_from_slice(&packed);
    let frame = bytes::Bytes::from(frame);
    let served = Served::start(None);
    let channel = served.channel().await;
    let mut held = Vec::new();
    for _ in 0..8 {
        for rpc in [
            "IndexService/RecordFigures",
            "RosterService/MakeRosterRun",
            "TriggerService/GetStatus",
        ] {
            let body = tonic::body::Body::new(http_body_util::Full::new(frame.clone()));
            let asked =
                http::Request::post(format!("http://{}/pricelinkage.v1.{rpc}", served.address))
                    .header("content-type", "application/grpc")
                    .header("grpc-encoding", "gzip")
                    .header("te", "trailers")
                    .body(body)
                    .unwrap();
            let answer = tower::ServiceExt::oneshot(channel.clone(), asked).await.unwrap();
            let (parts, body) = answer.into_parts();
            let trailers = http_body_util::BodyExt::collect(body).await.unwrap();
            let status = tonic::Status::from_header_map(&parts.headers);
            let status = status.or_else(|| tonic::Status::from_header_map(trailers.trailers()?));
            let status = status.unwrap();
            assert_eq!(status.code(), Code::ResourceExhausted, "{rpc}: {status}");
        }
        held.push(served.held());
    }
    let grown = held.iter().max().unwrap().saturating_sub(held[2]);
    assert!(grown < 64 << 10, "{held:?} KiB");
}
