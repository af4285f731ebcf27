//! What offices sign and send: right to the fen, with live formulas, the same bytes each time.

use std::{collections::BTreeMap, path::Path};

use price_linkage::{
    domain::{
        group::Residence,
        life::Move,
        run::{Headcount, Run},
    },
    engine::sums::by_source,
    journal::entry::sha256_hex,
    service::{Request, Service, run::RunSpec, sheet::OfficeFile},
    sheets::{SheetKind, XLSX, capital::capital_yuan},
};
use rust_decimal::Decimal;

mod api;

mod formula;

mod notice;

mod office;

use formula::{Book, Value};

const TABLE: &str = "联合测算表";

/// A service over a law made up for these tests, with a run to be made in it.
struct Desk {
    service: Service,
    runtime: tokio::runtime::Runtime,
    requests: u32,
}

impl Desk {
    fn over(service: Service) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { service, runtime, requests: 0 }
    }

    fn new() -> Self {
        Self::over(Service::in_memory(&[law()]).unwrap())
    }

    fn next(&mut self, principal: &str) -> Request {
        self.requests += 1;
        let id = format!("0191a7a4-0000-7000-8000-{:012}", self.requests);
        Request { principal: principal.into(), id, validate_only: false, origin: None }
    }

    fn make(&mut self, headcounts: Vec<Headcount>, note: &str) -> String {
        let note = note.to_owned();
        let (roster, findings) = (None, Vec::new());
        let spec = RunSpec { headcounts, strict: false, discretion: true, note, roster, findings };
        let request = self.next("maker");
        self.runtime.block_on(self.service.make_run(request, spec)).unwrap().run.id.clone()
    }

    fn step(&mut self, run: &str, made: Move, by: &str, reason: &str) {
        let request = self.next(by);
        let moved = self.service.move_run(request, run.into(), made, reason.into());
        self.runtime.block_on(moved).unwrap();
    }

    fn run(&self, id: &str) -> Run {
        self.service.run(id).unwrap().run.as_ref().clone()
    }

    fn sheet(&self, run: &str, kind: SheetKind) -> OfficeFile {
        self.service.run_sheet(run, kind).unwrap()
    }
}

fn law() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sheets/law")
}

fn heads(
    area: &str,
    month: &str,
    group: &str,
    residence: Residence,
    persons: u64,
    households: Option<u64>,
) -> Headcount {
    Headcount {
        month: month.parse().unwrap(),
        area: area.parse().unwrap(),
        group: group.parse().unwrap(),
        residence,
        persons,
        households,
    }
}

/// Two counties and months, persons and households, sources by thirds and tenths. The counts are
/// multiplied by `times` and grow by `more`.
fn headcounts(times: u64, more: u64) -> Vec<Headcount> {
    let (urban, rural) = (Residence::Urban, Residence::Rural);
    let mut all = Vec::new();
    for month in ["2024-01", "2024-02"] {
        for area in ["990101", "990102"] {
            let mut add = |group: &str, residence, persons: u64, households: Option<u64>| {
                let persons = persons * times + more;
                let households = households.map(|count| count * times + more);
                all.push(heads(area, month, group, residence, persons, households));
            };
            add("subsistence_allowance", urban, 1_201, None);
            add("subsistence_allowance", rural, 333, None);
            add("special_hardship", rural, 58, Some(41));
            add("old_revolutionary", urban, 19, Some(7));
            add("unemployment_insurance", urban, 77, None);
        }
    }
    all
}

fn yuan(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The columns of the table by their title; the lower of the two rows of titles where it has one.
fn columns(book: &Book) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for ((row, column), value) in &book.sheet(TABLE).values {
        if let (2 | 3, Value::Text(title)) = (row, value) {
            let title = title.split('（').next().unwrap().to_owned();
            found.insert(title, *column);
        }
    }
    found
}

/// The figure that a formula of the table's gives for a line, from 0.
fn worth(book: &Book, line: usize, column: u32) -> Decimal {
    book.worth(TABLE, (4 + line as u32, column)).number()
}

/// Every formula gives the figure that stands with it.
fn agrees_with_itself(book: &Book) -> usize {
    let mut seen = 0;
    for name in &book.names {
        for (at, formula) in &book.sheet(name).formulas {
            let kept = book.sheet(name).values.get(at).map(Value::number);
            assert_eq!(Some(book.worth(name, *at).number()), kept, "{name} {at:?} {formula}");
            seen += 1;
        }
    }
    seen
}

/// The lines of the table are those of the run, worked out from the formulas.
fn agrees_with(book: &Book, run: &Run, word: &dyn Fn(&str) -> String) {
    let columns = columns(book);
    for (at, line) in run.lines.iter().enumerate() {
        let of = |title: &str| worth(book, at, columns[title]);
        assert_eq!(of("人数"), Decimal::from(line.payees.persons), "line {at}");
        assert_eq!(of("发放标准"), line.rate_yuan, "line {at}");
        assert_eq!(of("补贴金额"), line.yuan, "line {at}");
        assert_eq!(of("增支金额"), line.increment_yuan, "line {at}");
        for charge in &line.charges {
            assert_eq!(of(&word(&charge.source)), charge.yuan, "line {at} {}", charge.source);
        }
    }
    let total = run.lines.len();
    assert_eq!(worth(book, total, columns["补贴金额"]), run.yuan);
    for charge in by_source(&run.lines).unwrap() {
        assert_eq!(worth(book, total, columns[&word(&charge.source)]), charge.yuan);
    }
}

#[test]
fn the_formulas_give_the_run_to_the_fen_and_so_do_the_figures_kept_with_them() {
    let mut desk = Desk::new();
    let id = desk.make(headcounts(1, 0), "");
    let run = desk.run(&id);
    let words = desk.service.reference.words();
    for kind in [SheetKind::Computation, SheetKind::Funding] {
        let file = desk.sheet(&id, kind);
        assert_eq!((file.content_type, &file.sha256), (XLSX, &sha256_hex(&file.content)));
        let book = Book::read(&file.content);
        // Amount, increment and each charge of 20 lines are live, and so are all sums.
        let charges: usize = run.lines.iter().map(|line| line.charges.len()).sum();
        assert!(2 * run.lines.len() + charges < agrees_with_itself(&book));
        agrees_with(&book, &run, &|source| words.source(source).zh);
    }
}

#[test]
fn other_headcounts_in_the_cells_give_what_a_run_of_them_gives() {
    let mut desk = Desk::new();
    let id = desk.make(headcounts(1, 0), "");
    let book = desk.sheet(&id, SheetKind::Computation);
    for (times, more) in [(3, 0), (1, 1), (7, 5), (1_000, 13)] {
        let mut other = Desk::new();
        let changed = other.make(headcounts(times, more), "");
        let run = other.run(&changed);
        let mut book = Book::read(&book.content);
        let columns = columns(&book);
        let sheet = book.sheets.get_mut(TABLE).unwrap();
        for (at, line) in run.lines.iter().enumerate() {
            let row = 4 + at as u32;
            let mut set = |title: &str, count: u64| {
                sheet.values.insert((row, columns[title]), Value::Number(count.into()));
            };
            set("人数", line.payees.persons);
            if let Some(households) = line.payees.households {
                set("户数", households);
            }
        }
        let words = desk.service.reference.words();
        agrees_with(&book, &run, &|source| words.source(source).zh);
    }
}

#[test]
fn a_line_is_written_as_the_rule_computes_it() {
    let mut desk = Desk::new();
    let id = desk.make(headcounts(1, 0), "");
    let book = Book::read(&desk.sheet(&id, SheetKind::Computation).content);
    let (columns, sheet) = (columns(&book), book.sheet(TABLE));
    // 990102 in January: 733.33 × 3.4 % = 24.93322; not below 20; × 1.5 = 37.39983; 37.40.
    let at = desk.run(&id).lines.iter().position(|line| {
        let payees = &line.payees;
        (payees.area.to_string().as_str(), payees.group.as_str(), payees.residence)
            == ("990102", "subsistence_allowance", Residence::Urban)
    });
    let row = 4 + at.unwrap() as u32;
    let value = |title: &str| sheet.values.get(&(row, columns[title])).cloned().unwrap();
    let formula = |title: &str| sheet.formulas.get(&(row, columns[title])).cloned().unwrap();
    for (title, expected) in [
        ("指数月份", "2024-01"),
        ("地区代码", "990102"),
        ("地区", "示例市乙县"),
        ("保障对象", "低保对象"),
        ("城乡", "城镇"),
        ("计发单位", "人"),
        ("发放期限", "2024-02-29"),
        ("依据文件", "[1][2]"),
    ] {
        assert_eq!(value(title), Value::Text(expected.into()), "{title}");
    }
    for (title, expected) in [
        ("人数", "1201"),
        ("基础标准", "733.33"),
        ("涨幅", "3.4"),
        ("测算值", "24.93322"),
        ("发放标准", "37.40"),
        // 37.40 - 24.93 = 12.47.
        ("增支标准", "12.47"),
        ("补贴金额", "44917.40"),
        ("增支金额", "14976.47"),
        // The ordinary 29,940.93 by thirds, 9,980.31 each; the increment 8 : 2, 11,981.176 and
        // 2,995.294, cut to the fen; the fen left over go to the city, as the notice says.
        ("中央财政", "11981.17"),
        ("省级财政", "9980.31"),
        ("市级财政", "9980.32"),
        ("县级财政", "12975.60"),
    ] {
        assert_eq!(value(title), Value::Number(yuan(expected).normalize()), "{title}");
    }
    let row = row + 1;
    let yuan_cell = |title: &str| {
        let column = columns[title] as u8;
        format!("{}{row}", (b'A' + column) as char)
    };
    let [persons, rate, added, all, more] =
        ["人数", "发放标准", "增支标准", "补贴金额", "增支金额"].map(yuan_cell);
    let ordinary = format!("ROUND(({all}-{more})*100,0)");
    let added_fen = format!("ROUND({more}*100,0)");
    for (title, expected) in [
        ("补贴金额", format!("ROUND({rate}*{persons},2)")),
        ("增支金额", format!("MIN(ROUND({added}*{persons},2),{all})")),
        ("中央财政", format!("(INT({added_fen}*4/5))/100")),
        ("省级财政", format!("(INT({ordinary}*1/3))/100")),
        (
            "市级财政",
            format!(
                "({ordinary}-INT({ordinary}*1/3)-INT({ordinary}*1/3)\
                 +{added_fen}-INT({added_fen}*4/5)-INT({added_fen}*1/5))/100"
            ),
        ),
        ("县级财政", format!("(INT({ordinary}*1/3)+INT({added_fen}*1/5))/100")),
    ] {
        assert_eq!(formula(title), expected, "{title}");
    }
}

#[test]
fn the_request_asks_each_source_for_its_sum_in_figures_and_in_words() {
    let mut desk = Desk::new();
    let id = desk.make(headcounts(1, 0), "");
    let run = desk.run(&id);
    let book = Book::read(&desk.sheet(&id, SheetKind::Funding).content);
    assert_eq!(book.names, ["资金申请表", TABLE, "说明", "标准推导"]);
    let sheet = book.sheet("资金申请表");
    let mut all = by_source(&run.lines).unwrap();
    all.push(price_linkage::domain::run::Charge { source: "all".into(), yuan: run.yuan });
    for charge in all {
        let name = match charge.source.as_str() {
            "all" => "合计".to_owned(),
            source => desk.service.reference.words().source(source).zh,
        };
        let words = format!("人民币{}", capital_yuan(charge.yuan).unwrap());
        let row = sheet.values.iter().find_map(|((row, column), value)| {
            (*value == Value::Text(words.clone()) && *column == 5).then_some(*row)
        });
        let row = row.unwrap_or_else(|| panic!("{name} {words}"));
        assert_eq!(sheet.values.get(&(row, 0)), Some(&Value::Text(name)));
        assert_eq!(book.worth("资金申请表", (row, 3)).number(), charge.yuan);
    }
    // By area: the sums of its lines in both months.
    for (at, area) in ["990101", "990102"].into_iter().enumerate() {
        let row = 4 + at as u32;
        assert_eq!(sheet.values.get(&(row, 1)), Some(&Value::Text(area.into())));
        let lines = run.lines.iter().filter(|line| line.payees.area.to_string() == area);
        let sum: Decimal = lines.map(|line| line.yuan).sum();
        assert_eq!(book.worth("资金申请表", (row, 4)).number(), sum);
    }
}

#[test]
fn words_of_people_are_text_in_every_cell() {
    let mut desk = Desk::new();
    for note in ["=cmd|' /C calc'!A0", "+1+1", "-1", "@SUM(A1)", "\u{ff1d}1"] {
        let id = desk.make(headcounts(1, 0), note);
        for by in ["=HYPERLINK(\"http://x\")", "-li"] {
            // Whoever moves it is written as well; the second time it is voided.
            let made = if by.starts_with('=') { Move::Submit } else { Move::Void };
            desk.step(&id, made, by, "@now");
        }
        for kind in [SheetKind::Computation, SheetKind::Funding] {
            let book = Book::read(&desk.sheet(&id, kind).content);
            let said = book.sheet("说明");
            for text in [note, "=HYPERLINK(\"http://x\")", "-li", "@now"] {
                let at = said.values.iter().find(|(_, value)| **value == Value::Text(text.into()));
                let (at, _) = at.unwrap_or_else(|| panic!("{text} is not shown"));
                assert_eq!(said.formulas.get(at), None);
            }
            assert!(said.formulas.is_empty() && book.sheet("标准推导").formulas.is_empty());
            let known = ["ROUND(", "SUM(", "MIN(", "(", "SUMPRODUCT("];
            for formula in book.names.iter().flat_map(|name| book.sheet(name).formulas.values()) {
                let cell = formula.chars().next().is_some_and(|one| one.is_ascii_uppercase())
                    && formula.chars().all(|one| one.is_ascii_alphanumeric());
                assert!(cell || known.iter().any(|one| formula.starts_with(one)), "{formula}");
            }
        }
    }
}

#[test]
fn titles_name_place_and_months_and_a_name_that_looks_like_a_formula_is_a_name() {
    let mut desk = Desk::new();
    let title = |desk: &Desk, id: &str| {
        let book = Book::read(&desk.sheet(id, SheetKind::Computation).content);
        match book.sheet(TABLE).values.get(&(0, 0)) {
            Some(Value::Text(text)) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    let id = desk.make(headcounts(1, 0), "");
    let both = "示例省示例市2024年1月至2月价格临时补贴联合测算表";
    assert_eq!(title(&desk, &id), both);
    let one = heads("990103", "2024-01", "subsistence_allowance", Residence::Urban, 1, None);
    let id = desk.make(vec![one], "");
    assert_eq!(title(&desk, &id), "示例省示例市=1+1县2024年1月价格临时补贴联合测算表");
    let book = Book::read(&desk.sheet(&id, SheetKind::Funding).content);
    let name = Value::Text("=1+1县".into());
    for sheet in [TABLE, "资金申请表"] {
        let sheet = book.sheet(sheet);
        let (at, _) = sheet.values.iter().find(|(_, value)| **value == name).unwrap();
        assert_eq!(sheet.formulas.get(at), None);
    }
}

/// The days that the files in the archive bear.
fn days(zip: &[u8]) -> Vec<u16> {
    let heads = zip.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x03\x04");
    heads.map(|(at, _)| u16::from_le_bytes([zip[at + 12], zip[at + 13]])).collect()
}

#[test]
fn the_same_run_gives_the_same_bytes_also_after_a_restart_and_another_state_gives_others() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Service::open(folder.path(), &[law()], &mut |_, _, _| ()).unwrap().0;
    let mut desk = Desk::over(open());
    let id = desk.make(headcounts(1, 0), "");
    let kinds = [SheetKind::Computation, SheetKind::Funding];
    let first = kinds.map(|kind| desk.sheet(&id, kind));
    assert_eq!(first, kinds.map(|kind| desk.sheet(&id, kind)));
    let requests = desk.requests;
    drop(desk);
    let mut desk = Desk { requests, ..Desk::over(open()) };
    assert_eq!(first, kinds.map(|kind| desk.sheet(&id, kind)));
    for file in &first {
        // Nothing in the archive bears the time of writing: all are of 1980-01-01.
        let days = days(&file.content);
        assert!(5 < days.len());
        assert!(days.iter().all(|day| *day == (1 << 5 | 1)), "{days:?}");
    }
    let state = |desk: &Desk| {
        let book = Book::read(&desk.sheet(&id, SheetKind::Computation).content);
        match book.sheet(TABLE).values.get(&(1, 0)) {
            Some(Value::Text(text)) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert!(state(&desk).contains("草稿，未经批准，不得据以拨付"), "{}", state(&desk));
    desk.step(&id, Move::Submit, "maker", "");
    desk.step(&id, Move::Approve, "other", "");
    assert!(state(&desk).contains("（状态：已批准）"), "{}", state(&desk));
    assert_ne!(first, kinds.map(|kind| desk.sheet(&id, kind)));
}

#[test]
fn what_the_sheets_rest_on_is_named_with_digest_and_revision() {
    let mut desk = Desk::new();
    let id = desk.make(headcounts(1, 0), "two counties");
    let (run, receipt) = (desk.run(&id), desk.service.receipt(&id).unwrap());
    let book = Book::read(&desk.sheet(&id, SheetKind::Computation).content);
    let said = book.sheet("说明").values.values();
    let said: Vec<_> = said.filter_map(text).collect();
    let shown = |text: &str| assert!(said.contains(&text), "{text} is not among {said:?}");
    shown(&id);
    shown(&format!("SHA-256 {}", receipt.sha256));
    shown("two counties");
    shown("发展改革部门");
    for (document, digest) in &run.pins.documents {
        shown(document);
        shown(digest);
    }
    shown("示发改价格〔2024〕1号");
    shown("第 1 次，2024-02-08");
    shown("733.33");
    let steps = book.sheet("标准推导").values.values();
    let step = "示例市城市低保标准 733.33 元（2023年7月起） × 示例市";
    let steps: Vec<_> = steps.filter_map(text).filter(|one| one.starts_with(step)).collect();
    assert_eq!(steps.len(), 2, "one for each month");
}
