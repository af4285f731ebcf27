//! Numbers that are none, months and areas that do not exist, and names that are not what they look like.

use std::collections::BTreeMap;

use price_linkage::{
    client,
    domain::exact::parse_decimal,
    grpc::{Decimal, v1},
};
use tonic::Code;

use super::fixture::{id, reason, transport};

/// Texts that are no decimals, however much they look like some.
fn no_decimals() -> Vec<String> {
    let hundred = format!("1{}", "0".repeat(100));
    let given = [
        "",
        " ",
        "NaN",
        "nan",
        "-NaN",
        "inf",
        "-Infinity",
        "1e999",
        "1E5",
        "1e-5",
        "0x10",
        "1_000",
        "1,000",
        "+1",
        "-",
        "--1",
        ".5",
        "5.",
        "1.2.3",
        "1.0000001",
        "1000000000000000",
        "٣.٥",
        "３.５",
        "三点五",
        "3·5",
        "3．5",
        "3.5\u{200b}",
        "\u{202e}5.3",
        "\u{feff}3.5",
        " 3.5",
        "3.5 ",
        "3.5\n",
        "3.5%",
        "½",
        "²",
        "79228162514264337593543950336",
        &hundred,
        "1\u{0}",
    ];
    given.map(str::to_owned).into()
}

fn figure(at: v1::YearMonth, area: &str, series: &str, value: &str) -> v1::Figure {
    v1::Figure {
        area: area.into(),
        series: series.into(),
        month: Some(at),
        value: Some(Decimal { value: value.into() }),
        source: "test".into(),
        ..Default::default()
    }
}

const APRIL: v1::YearMonth = v1::YearMonth { year: 2021, month: 4 };

/// The problems told of figures that must not be recorded, by row.
async fn problems(figures: Vec<v1::Figure>) -> BTreeMap<i64, (String, String)> {
    let mut index = client::index(&transport());
    let asked = v1::RecordFiguresRequest { request_id: id(1), validate_only: false, figures };
    let told = index.record_figures(asked).await.unwrap().into_inner();
    assert_eq!((told.sequence, told.new_figures, told.more_problems), (0, 0, 0), "{told:?}");
    told.problems.into_iter().map(|one| (one.row, (one.field, one.value))).collect()
}

#[tokio::test]
async fn what_is_no_decimal_is_told_row_by_row() {
    let given = no_decimals();
    assert_eq!(given.iter().filter(|text| parse_decimal(text).is_ok()).count(), 0);
    let series: Vec<_> = (0..given.len())
        .map(|at| v1::YearMonth { year: 1990 + at as i32 / 12, month: 1 + at as i32 % 12 })
        .collect();
    let figures = given.iter().zip(series).map(|(text, at)| figure(at, "150300", "cpi", text));
    let told = problems(figures.collect()).await;
    assert_eq!(told.len(), given.len(), "{told:?}");
    for (at, text) in given.iter().enumerate() {
        let (field, value) = &told[&(at as i64 + 1)];
        assert!(field.ends_with("value"), "{field}");
        assert_eq!(*value, text.chars().take(60).collect::<String>());
    }
}

#[tokio::test]
async fn the_largest_decimals_are_taken_or_refused_but_never_wrong() {
    let mut trigger = client::trigger(&transport());
    let mut subsidy = client::subsidy(&transport());
    for (value, triggered) in [
        ("999999999999999.999999", v1::Triggered::No),
        ("-999999999999999.999999", v1::Triggered::Yes),
    ] {
        let reform = format!(
            "kind = \"reform\"\n[trigger.conditions.cpi]\nthreshold = \"{value}\"\n\
                              [trigger.conditions.food]\nthreshold = \"{value}\"\n"
        );
        let asking = Some(v1::Asking { reforms: vec![reform], ..Default::default() });
        let (area, month) = ("150300".to_owned(), Some(APRIL));
        let asked = v1::GetStatusRequest {
            area: area.clone(),
            month,
            asking: asking.clone(),
            ..Default::default()
        };
        let told = trigger.get_status(asked).await.unwrap().into_inner();
        assert_eq!(told.triggered(), triggered, "{value}");
        let asked = v1::QuoteSubsidyRequest { area, month, asking, ..Default::default() };
        subsidy.quote_subsidy(asked).await.unwrap();
    }
}

#[tokio::test]
async fn counts_of_persons_are_counts_of_persons() {
    let mut runs = client::run(&transport());
    for persons in [0, -1, 100_000_001, i64::MIN, i64::MAX] {
        let headcount = v1::Headcount {
            month: Some(v1::YearMonth { year: 2020, month: 3 }),
            area: "150102".into(),
            group: "subsistence_allowance".into(),
            residence: v1::Residence::Urban.into(),
            persons,
            households: 0,
        };
        let asked = v1::MakeRunRequest {
            request_id: id(2),
            validate_only: true,
            headcounts: vec![headcount],
            ..Default::default()
        };
        let mut asked = tonic::Request::new(asked);
        asked.metadata_mut().insert("principal", "zhang".parse().unwrap());
        let told = runs.make_run(asked).await.unwrap().into_inner();
        assert_eq!((told.run, told.problems.len()), (None, 1), "{persons}");
        assert!(told.problems[0].field.ends_with("persons"), "{:?}", told.problems);
    }
}

#[tokio::test]
async fn months_out_of_range_and_areas_that_do_not_exist_are_refused() {
    let mut trigger = client::trigger(&transport());
    let mut ask = async |area: &str, year: i32, month: i32| {
        let month = Some(v1::YearMonth { year, month });
        let asked = v1::GetStatusRequest { area: area.into(), month, ..Default::default() };
        let refused = trigger.get_status(asked).await.expect_err(area);
        (refused.code(), reason(&refused))
    };
    let bad = (Code::InvalidArgument, "BAD_FIELD".to_owned());
    for (year, month) in [
        (0, 0),
        (2020, 0),
        (2020, 13),
        (2020, -1),
        (1989, 12),
        (2100, 1),
        (-2020, 3),
        (i32::MAX, 3),
        (i32::MIN, 3),
        (2020, i32::MAX),
        (2020, i32::MIN),
    ] {
        assert_eq!(ask("150300", year, month).await, bad, "{year}-{month}");
    }
    for area in [
        "",
        "15030",
        "1503000",
        "１５０３００",
        "١٥٠٣٠٠",
        "150300\u{200b}",
        "150300\0",
        " 150300",
        "15o300",
        "-15030",
        "+15030",
        "0x1503",
        "../../",
        "150300'--",
    ] {
        assert_eq!(ask(area, 2020, 3).await, bad, "{area:?}");
    }
    let unknown = (Code::NotFound, "AREA_UNKNOWN".to_owned());
    for area in ["990100", "999999", "150399", "000001"] {
        assert_eq!(ask(area, 2020, 3).await, unknown, "{area}");
    }
}

#[tokio::test]
async fn names_are_what_they_look_like() {
    let codes = [
        "срi",
        "cpі",
        "cpi\u{200b}",
        "\u{202e}ipc",
        "cpi\u{301}",
        "ｃｐｉ",
        "CPI",
        "cpi\0",
        "cpi ",
        "\u{feff}cpi",
        "cpi\u{ad}",
    ];
    let rows = codes.iter().map(|code| figure(APRIL, "150300", code, "1.0"));
    let told = problems(rows.collect()).await;
    assert_eq!(told.len(), codes.len(), "{told:?}");
    assert!(told.values().all(|(field, _)| field.ends_with("series")), "{told:?}");

    let sources =
        ["a\u{202e}b", "a\u{200b}", "\u{2066}a", "a\u{e0041}", "a\nb", "a\0", "\u{feff}a"];
    let rows = (1..).zip(sources).map(|(month, source)| v1::Figure {
        source: source.into(),
        ..figure(v1::YearMonth { year: 2021, month }, "150300", "cpi", "1.0")
    });
    let told = problems(rows.collect()).await;
    assert_eq!(told.len(), sources.len(), "{told:?}");
    assert!(told.values().all(|(field, _)| field.ends_with("source")), "{told:?}");
}

#[tokio::test]
async fn request_ids_are_uuids_and_nothing_that_looks_like_one() {
    let mut index = client::index(&transport());
    for given in [
        "",
        "0191a7a4",
        "０191a7a4-0000-7000-8000-000000000001",
        "0191a7a4-0000-7000-8000-00000000000\u{200b}1",
        "0191a7a4-0000-7000-8000-00000000000g",
    ] {
        let figures = vec![figure(APRIL, "150300", "cpi", "1.0")];
        let asked =
            v1::RecordFiguresRequest { request_id: given.into(), validate_only: true, figures };
        let refused = index.record_figures(asked).await.expect_err(given);
        assert_eq!(
            (refused.code(), reason(&refused)),
            (Code::InvalidArgument, "BAD_FIELD".to_owned()),
            "{given:?}"
        );
    }
}
