//! Rosters as files: the same persons whatever the format, and a clear word for every broken one.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use price_linkage::{
    access::principal::Reach,
    roster::{RosterError, columns::Mapping, source::Format, work::Watch},
    service::{
        Service,
        roster::{Means, Roster, RosterRefused, RosterSpec},
    },
};

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster");
    Service::in_memory(&[data]).unwrap()
});

const HEADER: [&str; 6] = ["证件号码", "姓名", "地区代码", "保障对象", "城乡", "发放账号"];

fn spec() -> RosterSpec {
    let month = "2021-04".parse().unwrap();
    RosterSpec {
        month,
        strict: false,
        discretion: false,
        note: String::new(),
        follows: None,
        ended: Vec::new(),
        elsewhere: Vec::new(),
        within: Reach::Everywhere,
    }
}

/// A made-up number for a count below 300,000.
fn number(count: u32) -> String {
    let (year, day) = (1950 + count / 1000 % 50, 1 + count / 50_000);
    let digits = format!("990101{year}01{day:02}{:03}", count % 1000);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(weights).map(|(one, by)| u32::from(one - b'0') * by).sum();
    format!("{digits}{}", &"10X98765432"[(sum % 11) as usize..][..1])
}

/// Rows of which some are a person's second, some of another group and some not to be paid.
fn rows(count: u32) -> Vec<[String; 6]> {
    let row = |at: u32| {
        let person = if at % 30 == 7 { at / 2 } else { at };
        let area = ["990101", "990102", "990201"][at as usize % 3];
        let group = ["低保对象", "特困人员", "社会散居孤儿"][at as usize / 3 % 3];
        let residence = ["城镇", "农村"][at as usize % 2];
        let name = ["张三", "欧阳某某", "巴图"][at as usize % 3];
        [
            number(person),
            name.into(),
            area.into(),
            group.into(),
            residence.into(),
            format!("99{at}"),
        ]
    };
    (0..count).map(row).collect()
}

/// What a roster led to: the list and the rejects as they were written.
fn lists(path: &Path, means: Means) -> Result<(String, String), RosterRefused> {
    let cancelled = AtomicBool::new(false);
    lists_of(path, means, &Mapping::new(), &cancelled)
}

fn lists_of(
    path: &Path,
    means: Means,
    mapping: &Mapping,
    cancelled: &AtomicBool,
) -> Result<(String, String), RosterRefused> {
    let watch = Watch { progress: &|_, _| (), cancelled };
    let (file, format) = (File::open(path).unwrap(), Format::of(path).unwrap());
    let roster = Roster { file, format, mapping: mapping.clone() };
    let worked = SERVICE.try_roster(&roster, &spec(), "maker", means, &watch)?;
    let folder = tempfile::tempdir().unwrap();
    let (list, rejects) = (folder.path().join("list"), folder.path().join("rejects"));
    let to = |path: &Path| (File::create(path).unwrap(), Format::Csv);
    worked.write_list(&roster, to(&list), means, &watch)?;
    worked.write_rejects(to(&rejects), &watch)?;
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    Ok((text(&list), text(&rejects)))
}

const MEANS: Means = Means { workers: 2, memory: 1 << 30 };

fn csv(rows: &[[String; 6]]) -> String {
    let mut text = HEADER.join(",") + "\n";
    rows.iter().for_each(|row| text.extend([&row.join(","), "\n"]));
    text
}

fn quoted(rows: &[[String; 6]]) -> String {
    let line = |row: &[String; 6]| {
        let fields: Vec<_> = row.iter().map(|field| format!("\"{field}\"")).collect();
        fields.join(",") + "\r\n"
    };
    let header = HEADER.map(str::to_owned);
    "\u{feff}".to_owned() + &line(&header) + &rows.iter().map(line).collect::<String>()
}

fn parquet(path: &Path, rows: &[[String; 6]], group: usize) {
    let text = |column: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(&row[column])).collect::<StringArray>())
    };
    let areas: ArrayRef =
        Arc::new(rows.iter().map(|row| row[2].parse::<i64>().unwrap()).collect::<Int64Array>());
    let columns = vec![text(0), text(1), areas, text(3), text(4), text(5)];
    let kind = |column: usize| if column == 2 { DataType::Int64 } else { DataType::Utf8 };
    let fields = HEADER.iter().enumerate().map(|(at, name)| Field::new(*name, kind(at), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).unwrap();
    writer.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
    writer.close().unwrap();
}

fn xlsx(path: &Path, rows: &[[String; 6]]) {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(HEADER) {
        sheet.write_string(0, column, name).unwrap();
    }
    for (at, row) in (1..).zip(rows) {
        for (column, field) in (0..).zip(row) {
            match column {
                2 => sheet.write_number(at, column, field.parse::<u32>().unwrap()).unwrap(),
                _ => sheet.write_string(at, column, field).unwrap(),
            };
        }
    }
    book.save(path).unwrap();
}

#[test]
fn every_format_gives_the_same_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rows = rows(30_000);
    let text = csv(&rows);
    fs::write(path("plain.csv"), &text).unwrap();
    fs::write(path("quoted.csv"), quoted(&rows)).unwrap();
    fs::write(path("gb18030.csv"), encoding_rs::GB18030.encode(&text).0).unwrap();
    fs::write(path("crlf.csv"), text.trim_end().replace('\n', "\r\n")).unwrap();
    parquet(&path("small-groups.parquet"), &rows, 1_000);
    parquet(&path("one-group.parquet"), &rows, 1 << 20);
    xlsx(&path("book.xlsx"), &rows);
    let expected = lists(&path("plain.csv"), MEANS).unwrap();
    assert!(15_000 < expected.0.lines().count() && 9_000 < expected.1.lines().count());
    for name in [
        "quoted.csv",
        "gb18030.csv",
        "crlf.csv",
        "small-groups.parquet",
        "one-group.parquet",
        "book.xlsx",
    ] {
        for means in [MEANS, Means { workers: 5, memory: 0 }] {
            assert!(lists(&path(name), means).unwrap() == expected, "{name} {means:?}");
        }
    }
}

fn broken(name: &str, bytes: &[u8]) -> Result<(String, String), RosterRefused> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    lists(&path, MEANS)
}

fn said(result: Result<(String, String), RosterRefused>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_file_that_is_no_roster_is_refused_in_words() {
    let header = HEADER.join(",");
    for (name, bytes, expected) in [
        ("a.csv", "".to_owned(), "the header"),
        ("a.csv", "a,b,c\n".to_owned(), "expected a column person_id or 证件号码"),
        ("a.csv", format!("{header},姓名\n"), "\"姓名\": expected one column for name"),
        ("a.csv", format!("{header}\n"), "no headcount leads to a sum"),
        (
            "a.csv",
            format!("{header}\n\"{}", "x\n".repeat(1 << 20)),
            "line 2: expected every quote closed",
        ),
        (
            "a.csv",
            format!("{header}\n{}", "x".repeat(100 << 20)),
            "line 2: expected a line of at most 64 KiB",
        ),
        ("a.csv", "x".repeat(3 << 20), "line 1: expected a line of at most 64 KiB"),
        ("a.parquet", header.clone(), "it does not read as Parquet"),
        ("a.xlsx", header.clone(), "it does not read as XLSX"),
        ("a.parquet", String::new(), "it does not read as Parquet"),
        ("a.xlsx", String::new(), "it does not read as XLSX"),
    ] {
        let said = said(broken(name, bytes.as_bytes()));
        assert!(said.contains(expected), "{name}: {said}");
        assert!(said.len() < 400);
    }
}

#[test]
fn each_kind_of_bad_row_is_rejected_by_itself() {
    let good = |at: u32| format!("{},张三,990101,低保对象,城镇,99{at}", number(at));
    let bad = [
        (format!("{},张三,990101,低保对象,城镇", number(50)), "row_width"),
        (format!("{},x", good(51)), "row_width"),
        (format!("{},张\0三,990101,低保对象,城镇,99", number(52)), "row_text"),
        (format!("\"{}\"x,张三,990101,低保对象,城镇,99", number(53)), "row_quote"),
        (format!("{},{},990101,低保对象,城镇,99", number(54), "长".repeat(30_000)), "row_long"),
        ("990101199003077718,张三,990101,低保对象,城镇,99".to_owned(), "id_check"),
        ("990101199013077719,张三,990101,低保对象,城镇,99".to_owned(), "id_birth"),
        ("1.23E+17,张三,990101,低保对象,城镇,99".to_owned(), "id_shape"),
        (format!("{},张三,990109,低保对象,城镇,99", number(55)), "area_unknown"),
        (format!("{},张三,990101,低保,城镇,99", number(56)), "group_unknown"),
        (format!("{},张三,990101,低保对象,城市,99", number(57)), "residence_unknown"),
    ];
    let mut text = HEADER.join(",") + "\n";
    for (at, (line, _)) in (0..).zip(&bad) {
        text += &format!("{}\n{line}\n", good(at));
    }
    let (list, rejects) = broken("a.csv", text.as_bytes()).unwrap();
    assert_eq!(list.lines().count(), 1 + bad.len());
    let told: Vec<_> = rejects
        .lines()
        .skip(1)
        .map(|line| line.split(',').take(2).collect::<Vec<_>>().join(","))
        .collect();
    let expected: Vec<_> =
        (1..).zip(&bad).map(|(at, (_, why))| format!("{},{why}", 2 * at + 1)).collect();
    assert_eq!(told, expected);
    // What is no text in one line spoils no other.
    let mut bytes = csv(&rows(100)).into_bytes();
    let at = bytes.len() - 10;
    bytes[at] = 0xff;
    let (list, rejects) = broken("a.csv", &bytes).unwrap();
    assert_eq!(rejects.lines().filter(|line| line.contains("row_text")).count(), 1);
    assert!(list.contains("欧阳某某"));
}

#[test]
fn a_quoted_line_end_and_a_formula_stay_text() {
    let text = format!(
        "{}\n{},\"张\n\"\"三\"\"\",990101,低保对象,城镇,=1+1\n{},李四,990101,低保对象,城镇,@x\n{},王五,990199,低保对象,城镇,1\n",
        HEADER.join(","),
        number(1),
        number(2),
        number(3),
    );
    let (list, rejects) = broken("a.csv", text.as_bytes()).unwrap();
    assert!(
        list.contains("\"张\n\"\"三\"\"\",990101,subsistence_allowance,urban,20.00,'=1+1,\n"),
        "{list}"
    );
    assert!(list.contains(",李四,990101,subsistence_allowance,urban,20.00,'@x,\n"), "{list}");
    // The row is that of the line it starts in.
    assert!(rejects.contains("\n5,area_unknown,"), "{rejects}");
}

#[test]
fn headers_of_ones_own_are_mapped_and_statuses_and_dates_are_heeded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let header = "号,姓名,地区代码,对象,城乡,状态,起始日期,终止日期";
    let row = |at: u32, rest: &str| format!("{},张三,990101,低保对象,城镇,{rest}\n", number(at));
    let text = [
        header.to_owned() + "\n",
        row(1, "正常,2021-04-30,"),
        row(2, "正常,2021-05-01,"),
        row(3, ",,2021-04-01"),
        row(4, ",,2021-03-31"),
        row(5, "死亡,,"),
        row(6, "在保,2021/4/1,20210430"),
        row(7, "?,,"),
        row(8, ",2021-04-31,"),
    ];
    fs::write(&path, text.concat()).unwrap();
    let mapping = Mapping::from([("person_id".to_owned(), "号".to_owned())]);
    let (list, rejects) = lists_of(&path, MEANS, &mapping, &AtomicBool::new(false)).unwrap();
    assert_eq!(list.lines().count(), 1 + 3);
    let reason = |line: &str| line.split(',').take(2).collect::<Vec<_>>().join(",");
    let told: Vec<_> = rejects.lines().skip(1).map(reason).collect();
    let expected =
        ["3,outside_month", "5,outside_month", "6,ended", "8,status_unknown", "9,from_unreadable"];
    assert_eq!(told, expected);
}

#[test]
fn it_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, csv(&rows(1_000))).unwrap();
    let cancelled = AtomicBool::new(true);
    let stopped = lists_of(&path, MEANS, &Mapping::new(), &cancelled);
    assert!(matches!(stopped, Err(RosterRefused::Roster(RosterError::Cancelled))));
    cancelled.store(false, Ordering::Relaxed);
    assert!(lists_of(&path, MEANS, &Mapping::new(), &cancelled).is_ok());
}
