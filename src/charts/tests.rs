//! The charts as a whole: what is drawn of what.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::{
    domain::month::{Month, Span},
    engine::reason::Text,
};

use super::*;

const LANGS: [Lang; 2] = [Lang::Zh, Lang::En];

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn both(text: &str) -> Text {
    Text::new(text, text)
}

fn span(from: &str, until: Option<&str>) -> Span {
    Span { from: month(from), until: until.map(month) }
}

fn lines(from: &str, until: &str, rises: &[(&str, &str)]) -> IndexLines {
    let rises = rises.iter().map(|(at, rise)| (month(at), number(rise))).collect();
    let step = ThresholdStep { months: span("2016-05", None), rise: number("3.5") };
    let name = Text::new("居民消费价格", "CPI");
    IndexLines {
        title: Text::new("涨幅", "rises"),
        from: month(from),
        until: month(until),
        series: vec![IndexSeries { name, rises, thresholds: vec![step] }],
        paid: BTreeSet::new(),
        undecidable: BTreeSet::new(),
        notes: vec![],
    }
}

fn timeline(states: &[(&str, MonthState)]) -> StateTimeline {
    let states: BTreeMap<_, _> = states.iter().map(|(at, state)| (month(at), *state)).collect();
    StateTimeline {
        title: Text::new("发放月份", "months paid"),
        from: month("2020-01"),
        until: month("2020-06"),
        laws: None,
        rows: vec![StateRow { label: Text::new("呼和浩特市", "Hohhot"), states }],
        notes: vec![],
    }
}

fn costs(years: &[(i32, &str, u32)]) -> CostBars {
    let years = years.iter().map(|(year, yuan, open)| {
        let part = CostPart { group: Text::new("低保对象", "recipients"), yuan: number(yuan) };
        (*year, YearCosts { parts: vec![part], undecidable_months: *open })
    });
    let law = LawCosts { name: Text::default(), years: years.collect() };
    CostBars { title: Text::new("资金", "costs"), laws: vec![law], notes: vec![] }
}

fn heat(values: &[Option<&str>]) -> HeatMap {
    let columns = (0..values.len()).map(|at| both(&format!("{at}.0%"))).collect();
    let values = values.iter().map(|value| value.map(number)).collect();
    HeatMap {
        title: Text::new("不同临界值", "other thresholds"),
        column_name: Text::new("CPI临界值", "CPI threshold"),
        row_name: Text::new("食品临界值", "food threshold"),
        value_name: Text::new("发放月数", "months paid"),
        columns,
        rows: vec![HeatRow { label: both("6.0%"), values }],
        notes: vec![],
    }
}

/// One of each, as they may look in practice.
pub(super) fn all(lang: Lang) -> [String; 4] {
    let mut lines =
        lines("2016-01", "2020-12", &[("2019-12", "4.5"), ("2020-01", "5.4"), ("2020-04", "3.3")]);
    lines.paid.extend([month("2020-01"), month("2020-02")]);
    lines.undecidable.insert(month("2020-05"));
    let mut timeline = timeline(&[
        ("2020-01", MonthState::Paid),
        ("2020-02", MonthState::FirstOnly),
        ("2020-03", MonthState::SecondOnly),
        ("2020-04", MonthState::NotPaid),
        ("2020-05", MonthState::Undecidable),
    ]);
    timeline.laws = Some((Text::new("现行文件", "the law"), Text::new("草案", "the draft")));
    let costs = costs(&[(2019, "123456789.01", 0), (2020, "99999999.99", 2)]);
    let heat = heat(&[Some("12"), None, Some("1234567.89")]);
    [lines.svg(lang), timeline.svg(lang), costs.svg(lang), heat.svg(lang)]
}

fn hatched(svg: &str) -> usize {
    let body = svg.split_once("</defs>").map_or("", |(_, body)| body);
    body.matches("url(#rising-FFFFFF").count()
}

#[test]
fn without_data_every_chart_says_so() {
    let mut no_series = lines("2020-01", "2020-12", &[]);
    let mut no_rows = timeline(&[]);
    no_rows.rows.clear();
    let mut no_cells = heat(&[]);
    no_cells.rows.clear();
    let backwards = lines("2020-02", "2020-01", &[("2020-01", "1.0")]);
    for (lang, said) in [(Lang::Zh, "无数据"), (Lang::En, "no data")] {
        let charts = [
            no_series.svg(lang),
            backwards.svg(lang),
            no_rows.svg(lang),
            costs(&[]).svg(lang),
            no_cells.svg(lang),
        ];
        for svg in charts {
            assert!(svg.contains(said), "{svg}");
            assert!(png(&svg, 1).is_ok());
        }
    }
    no_series.series.clear();
    assert!(no_series.svg(Lang::Zh).contains("无数据"));
}

#[test]
fn one_month_is_a_sign_and_no_line() {
    let svg = lines("2020-01", "2020-01", &[("2020-01", "5.4")]).svg(Lang::Zh);
    assert_eq!(svg.matches("<circle").count(), 2, "the legend's and the month's");
    assert!(svg.contains(">2020年</text>") && svg.contains(">1月</text>"));
    assert!(png(&svg, 1).is_ok());
}

#[test]
fn a_month_without_a_figure_breaks_the_line() {
    let pieces = |rises: &[(&str, &str)]| {
        let svg = lines("2020-01", "2020-06", rises).svg(Lang::En);
        svg.matches("<title>CPI</title></path>").count()
    };
    let whole = [("2020-01", "1"), ("2020-02", "2"), ("2020-03", "3"), ("2020-04", "4")];
    assert_eq!(pieces(&whole), 1);
    assert_eq!(pieces(&[whole[0], whole[1], whole[3], ("2020-05", "4")]), 2);
}

#[test]
fn below_at_and_above_the_threshold_stand_in_this_order() {
    let rises = [("2020-01", "3.4"), ("2020-03", "3.5"), ("2020-05", "3.6")];
    let svg = lines("2020-01", "2020-05", &rises).svg(Lang::En);
    let value = |text: &str, name: &str| -> f64 {
        let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let signs: Vec<_> = svg.lines().filter(|line| line.starts_with("<circle")).skip(1).collect();
    let [below, at, above] = [0, 1, 2].map(|place| value(signs[place], "cy"));
    let dashed = svg.lines().filter(|line| line.contains("stroke-dasharray")).nth(1).unwrap();
    let threshold: f64 = dashed.split([',', 'L']).nth(1).unwrap().parse().unwrap();
    assert!(above < at && at < below);
    assert_eq!(at, threshold);
}

#[test]
fn thresholds_are_written_with_their_own_digits() {
    let mut chart = lines("2014-01", "2020-12", &[("2019-12", "4.5")]);
    let until = Some("2016-04");
    let earlier = ThresholdStep { months: span("2011-03", until), rise: number("4.00") };
    chart.series[0].thresholds.push(earlier);
    for lang in LANGS {
        let svg = chart.svg(lang);
        assert!(svg.contains(">4.00%</text>") && svg.contains(">3.5%</text>"));
    }
    assert!(chart.svg(Lang::Zh).contains(">居民消费价格临界值 4.00%,3.5%</text>"));
}

#[test]
fn texts_are_escaped_wherever_they_stand() {
    let nasty = both("<b a=\"1\">&'");
    let mut lines = lines("2020-01", "2020-03", &[("2020-01", "1"), ("2020-02", "2")]);
    lines.title = nasty.clone();
    lines.series[0].name = nasty.clone();
    lines.notes = vec![nasty.clone()];
    let mut timeline = timeline(&[("2020-01", MonthState::FirstOnly)]);
    timeline.rows[0].label = nasty.clone();
    timeline.laws = Some((nasty.clone(), nasty.clone()));
    let mut costs = costs(&[(2020, "1", 1)]);
    costs.laws[0].name = nasty.clone();
    costs.laws[0].years.values_mut().for_each(|costs| costs.parts[0].group = nasty.clone());
    let mut heat = heat(&[Some("1"), None]);
    heat.columns[0] = nasty.clone();
    heat.rows[0].label = nasty.clone();
    heat.value_name = nasty;
    for lang in LANGS {
        for svg in [lines.svg(lang), timeline.svg(lang), costs.svg(lang), heat.svg(lang)] {
            assert!(svg.contains("&lt;b a=&quot;1&quot;&gt;&amp;&#39;"), "{svg}");
            assert!(!svg.contains("<b "));
            assert!(png(&svg, 1).is_ok());
        }
    }
}

#[test]
fn labels_are_in_the_language_asked_for() {
    let words = [
        ["发放月份", "两者均发放", "亿元", "无数值"],
        ["paid month", "paid under both", "million yuan", "no value"],
    ];
    for (lang, words) in LANGS.into_iter().zip(words) {
        for (svg, word) in all(lang).iter().zip(words) {
            assert!(svg.contains(word), "{word}: {svg}");
        }
    }
    let chinese = |svg: &String| svg.chars().any(|one| ('\u{4E00}'..='\u{9FFF}').contains(&one));
    assert!(all(Lang::Zh).iter().all(chinese));
    assert!(!all(Lang::En).iter().any(chinese));
    let mut untranslated = timeline(&[]);
    untranslated.rows[0].label = Text::new("呼和浩特市", "");
    assert!(untranslated.svg(Lang::En).contains("呼和浩特市"));
}

#[test]
fn every_chart_can_be_read_out() {
    for lang in LANGS {
        for svg in all(lang) {
            for part in ["role=\"img\"", "aria-label=\"", "\n<title>", "\n<desc>"] {
                assert!(svg.contains(part), "{part}");
            }
        }
    }
    let svg = costs(&[(2019, "123456789.01", 0)]).svg(Lang::Zh);
    assert!(svg.contains("2019 123,456,789.01元</desc>"), "{svg}");
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    for lang in LANGS {
        assert_eq!(all(lang), all(lang));
        for svg in all(lang) {
            assert_eq!(png(&svg, 1).unwrap(), png(&svg, 1).unwrap());
        }
    }
}

#[test]
fn what_is_unknown_is_hatched_and_nothing_else() {
    let mut chart = lines("2020-01", "2020-06", &[("2020-01", "1"), ("2020-02", "2")]);
    assert_eq!(hatched(&chart.svg(Lang::Zh)), 0);
    chart.undecidable.extend([month("2020-03"), month("2020-04"), month("2020-06")]);
    assert_eq!(hatched(&chart.svg(Lang::Zh)), 3, "the legend's and two bands");
    let known = timeline(&[("2020-01", MonthState::Paid), ("2020-02", MonthState::NotPaid)]);
    assert_eq!(hatched(&known.svg(Lang::Zh)), 0);
    assert_eq!(hatched(&timeline(&[("2020-03", MonthState::Undecidable)]).svg(Lang::Zh)), 2);
    assert_eq!(hatched(&costs(&[(2020, "1", 0)]).svg(Lang::Zh)), 0);
    assert_eq!(hatched(&costs(&[(2020, "1", 1)]).svg(Lang::Zh)), 2);
    assert_eq!(hatched(&heat(&[Some("1"), Some("2")]).svg(Lang::Zh)), 0);
    assert_eq!(hatched(&heat(&[Some("1"), None]).svg(Lang::Zh)), 2);
    let mut short = heat(&[Some("1"), Some("2")]);
    short.rows[0].values.pop();
    assert_eq!(hatched(&short.svg(Lang::Zh)), 2);
}

#[test]
fn months_paid_are_counted_for_each_law() {
    let mut chart = timeline(&[
        ("2019-12", MonthState::Paid),
        ("2020-01", MonthState::Paid),
        ("2020-02", MonthState::FirstOnly),
        ("2020-03", MonthState::FirstOnly),
        ("2020-04", MonthState::SecondOnly),
    ]);
    chart.laws = Some((both("a"), both("b")));
    assert!(chart.svg(Lang::Zh).contains(">3 / 2</text>"));
    chart.laws = None;
    assert!(chart.svg(Lang::Zh).contains(">1</text>"));
}

#[test]
fn sixty_rows_of_two_hundred_months_are_one_picture() {
    let months = month("2010-01").through(month("2026-08"));
    let states: BTreeMap<_, _> = months
        .map(|month| (month, [MonthState::Paid, MonthState::NotPaid][month.ordinal() % 2]))
        .collect();
    assert_eq!(states.len(), 200);
    let row = StateRow { label: both("内蒙古自治区呼和浩特市"), states };
    let mut chart = timeline(&[]);
    (chart.from, chart.until) = (month("2010-01"), month("2026-08"));
    chart.rows = vec![row; 60];
    let svg = chart.svg(Lang::Zh);
    assert_eq!(svg.matches("fill=\"#0072B2\"><title>").count(), 60 * 100);
    assert!(png(&svg, 1).is_ok());
}

#[test]
fn long_titles_wrap_and_keep_every_character() {
    let mut chart = timeline(&[]);
    let title = "社会救助和保障标准与物价上涨挂钩联动机制".repeat(6);
    chart.title = both(&title);
    let svg = chart.svg(Lang::Zh);
    let large = svg.lines().filter(|line| line.contains("font-size=\"20\""));
    let shown: Vec<_> = large.filter_map(|line| line.split(['>', '<']).nth(2)).collect();
    assert_eq!(shown.len(), 3);
    assert_eq!(shown.concat(), title);
}
