//! Every sentence an answer can be put into, in Chinese and English: what a condition says, what is
//! missing, by when it is due, how a sum came about.

use std::sync::{Arc, LazyLock};

use price_linkage::{
    domain::{
        calendar::UnknownYear,
        code::Code,
        decision::{State, Triggered},
        exact::{Exact, parse_decimal},
        group::{Named, Residence},
        series::Unit as SeriesUnit,
    },
    engine::{
        amount::{Line, LineOutcome, Operand, StepTaken},
        condition::{ConditionReading, Recorded, Truth},
        deadline::{PayBy, Why},
        operand::{BaseUsed, RiseUsed},
        question::{Cited, Missing, Threshold},
        reading::{Reading, Used},
        reason::{Text, Vocabulary},
        trigger::MonthOutcome,
    },
    intake::folder::{Dataset, load},
    rules::{
        cite::{Cite, Head, Mark},
        sum::RoundTo,
        word::{Comparator, Measure, RoundMode, StepKind, Unit},
    },
};

/// The shipped names, and a series in yuan, of which none is shipped.
static DATA: LazyLock<Dataset> = LazyLock::new(|| {
    let mut data = load(&[]).unwrap();
    let pork =
        Named { code: code("pork_yuan"), zh: "猪肉价格".into(), en: "pork price".into() };
    data.series.insert(pork, SeriesUnit::Yuan);
    data
});

fn words() -> Vocabulary<'static> {
    let Dataset { areas, series, groups, standard_names, .. } = &*DATA;
    Vocabulary { areas, series, groups, standards: standard_names }
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

fn exact(text: &str) -> Exact {
    Exact::from(parse_decimal(text).unwrap())
}

/// A place in the national notice of 2016.
fn cite() -> Cite {
    let shipped = &DATA.library.get("nation-2016").unwrap().head;
    let (title_zh, number) = ("示例通知".to_owned(), Some("示例〔2016〕1号".to_owned()));
    let head = Arc::new(Head { title_zh, number, ..Head::clone(shipped) });
    Cite { head, clause: "第三条".into(), mark: Mark::A, note: "".into(), line: 1 }
}

fn same(got: Text, zh: &str, en: &str) {
    assert_eq!(got, Text::new(zh, en));
}

fn used(month: &str, value: &str, revision: u32) -> Used {
    let (area, series) = ("150100".parse().unwrap(), code("cpi"));
    let (month, value) = (month.parse().unwrap(), parse_decimal(value).unwrap());
    Used { area, series, month, value, revision }
}

fn reading(measure: Measure, value: Option<&str>, used: Vec<Used>) -> Reading {
    Reading {
        area: "150100".parse().unwrap(),
        series: code("cpi"),
        month: "2019-06".parse().unwrap(),
        measure,
        value: value.map(exact),
        used,
        missing: Vec::new(),
    }
}

/// The CPI of June 2019 beside a threshold of 3.0.
fn condition(comparator: Comparator, met: Truth) -> ConditionReading {
    let value = Threshold::At(parse_decimal("3.0").unwrap());
    ConditionReading {
        name: code("cpi"),
        met,
        holds: met,
        run_months: 1,
        comparator,
        threshold: Some(Cited { value, cite: cite(), inherited: None }),
        recorded: None,
        readings: vec![reading(Measure::Month, Some("3.2"), vec![used("2019-06", "3.2", 1)])],
        margin: None,
        missing: Vec::new(),
    }
}

fn figure_missing() -> Missing {
    let (area, month) = ("150100".parse().unwrap(), "2019-06".parse().unwrap());
    Missing::Figure { area, series: code("cpi"), month }
}

#[test]
fn a_condition_says_on_which_side_of_its_threshold_the_value_lies() {
    for (comparator, met, zh, en) in [
        (Comparator::AtLeast, Truth::Yes, "达到", "reaches"),
        (Comparator::AtLeast, Truth::No, "未达到", "does not reach"),
        (Comparator::Above, Truth::Yes, "超过", "exceeds"),
        (Comparator::Above, Truth::No, "未超过", "does not exceed"),
        (Comparator::AtMost, Truth::Yes, "不高于", "does not exceed"),
        (Comparator::AtMost, Truth::No, "高于", "exceeds"),
        (Comparator::Below, Truth::Yes, "低于", "is below"),
        (Comparator::Below, Truth::No, "不低于", "is not below"),
    ] {
        let told = words().condition(&condition(comparator, met));
        same(told, &format!("CPI 3.2% {zh} 3.0%"), &format!("CPI 3.2% {en} 3.0%"));
    }
}

#[test]
fn the_word_for_a_condition_in_the_api() {
    let words = [Truth::Yes, Truth::No, Truth::Unknown].map(Truth::as_str);
    assert_eq!(words, ["met", "not_met", "undecidable"]);
}

#[test]
fn a_step_is_named_by_what_it_does() {
    for (kind, zh, en) in [
        (StepKind::BaseTimesRise, "标准×涨幅", "standard times rise"),
        (StepKind::EarlierAmount, "沿用前期金额", "amount of an earlier month"),
        (StepKind::Round, "取整", "rounded"),
    ] {
        same(words().step_kind(kind), zh, en);
    }
}

#[test]
fn a_condition_names_its_measure_and_its_unit() {
    for (measure, zh, en) in [
        (Measure::Month, "CPI", "CPI"),
        (Measure::Cumulative, "CPI(1月以来平均)", "CPI (mean since January)"),
        (Measure::Quarter, "CPI(季度平均)", "CPI (mean of the quarter)"),
        (Measure::Average, "CPI(移动平均)", "CPI (moving average)"),
        (Measure::Year, "CPI(全年平均)", "CPI (mean of the year)"),
    ] {
        // Of several figures the mean is shown, cut to two places: 2.999 never reads as 3.00.
        let two = vec![used("2019-05", "3.0", 1), used("2019-06", "3.25", 1)];
        let readings = vec![reading(measure, Some("3.125"), two)];
        let one = ConditionReading { readings, ..condition(Comparator::AtLeast, Truth::Yes) };
        let (zh, en) = (format!("{zh} 3.12% 达到 3.0%"), format!("{en} 3.12% reaches 3.0%"));
        same(words().condition(&one), &zh, &en);
    }
    let of = |series: &str| {
        let mut one = condition(Comparator::AtLeast, Truth::Yes);
        one.readings[0].series = code(series);
        words().condition(&one)
    };
    assert_eq!(of("pork_yuan").zh, "猪肉价格 3.2 元 达到 3.0 元");
    let fact = DATA.series.get(&code("standards_absorb_rise")).unwrap();
    let (zh, en) = (format!("{} 3.2 达到 3.0", fact.zh), format!("{} 3.2 reaches 3.0", fact.en));
    same(of("standards_absorb_rise"), &zh, &en);
    same(of("unlisted"), "unlisted 3.2% 达到 3.0%", "unlisted 3.2% reaches 3.0%");
}

#[test]
fn a_condition_over_several_months_shows_each_the_oldest_first() {
    let months = |met| {
        let one = condition(Comparator::Above, met);
        let mut before = one.readings[0].clone();
        before.month = "2019-05".parse().unwrap();
        before.used = vec![used("2019-05", "3.1", 1)];
        let readings = vec![one.readings[0].clone(), before];
        words().condition(&ConditionReading { run_months: 2, readings, ..one })
    };
    same(
        months(Truth::Yes),
        "CPI 连续2个月超过 3.0%(2019年5月 3.1%、2019年6月 3.2%)",
        "CPI > 3.0% holds for 2 months in a row (2019-05 3.1%, 2019-06 3.2%)",
    );
    same(
        months(Truth::No),
        "CPI 未连续2个月超过 3.0%(2019年5月 3.1%、2019年6月 3.2%)",
        "CPI > 3.0% does not hold for 2 months in a row (2019-05 3.1%, 2019-06 3.2%)",
    );
    let mut unread = condition(Comparator::Above, Truth::No);
    unread.readings.push(reading(Measure::Month, None, Vec::new()));
    same(
        words().condition(&ConditionReading { run_months: 2, ..unread }),
        "CPI 未连续2个月超过 3.0%(2019年6月 ?、2019年6月 3.2%)",
        "CPI > 3.0% does not hold for 2 months in a row (2019-06 ?, 2019-06 3.2%)",
    );
}

#[test]
fn a_condition_that_cannot_be_decided_says_what_is_missing() {
    let unknown = |threshold: Option<Threshold>| ConditionReading {
        threshold: threshold.map(|value| Cited { value, cite: cite(), inherited: None }),
        missing: vec![figure_missing(), Missing::Law],
        ..condition(Comparator::AtLeast, Truth::Unknown)
    };
    let (low, high) = (parse_decimal("3.0").unwrap(), parse_decimal("3.5").unwrap());
    let lacks_zh = "缺少呼和浩特市 2019年6月 CPI数据、没有适用的文件";
    let lacks_en = "CPI of 150100 for 2019-06 is missing, no document in force is recorded";
    for (threshold, shown) in [
        (Some(Threshold::At(low)), "3.0%"),
        (Some(Threshold::Between(low, high)), "3.0–3.5%"),
        (None, "?"),
    ] {
        same(
            words().condition(&unknown(threshold)),
            &format!("CPI无法判定(临界值 {shown}):{lacks_zh}"),
            &format!("CPI undecidable (threshold {shown}): {lacks_en}"),
        );
    }
    let unread = |met| ConditionReading { met, readings: Vec::new(), ..unknown(None) };
    same(words().condition(&unread(Truth::Yes)), "条件 cpi 成立", "condition cpi is met");
    same(words().condition(&unread(Truth::No)), "条件 cpi 不成立", "condition cpi is not met");
    same(
        words().condition(&unread(Truth::Unknown)),
        &format!("条件 cpi 无法判定:{lacks_zh}"),
        &format!("condition cpi undecidable: {lacks_en}"),
    );
}

/// The name, the values, the threshold and whether it is met, as a table shows them.
fn parts(one: &ConditionReading) -> [String; 2] {
    let parts = words().condition_parts(one);
    let all = [Some(parts.name), Some(parts.values), parts.threshold, Some(parts.met)];
    let all = Text::join(all.into_iter().flatten(), "|", " | ");
    [all.zh, all.en]
}

#[test]
fn a_condition_in_parts_names_the_months_only_where_there_are_several() {
    let one = condition(Comparator::AtLeast, Truth::Yes);
    for run_months in [0, 1] {
        assert_eq!(
            parts(&ConditionReading { run_months, ..one.clone() }),
            ["CPI|3.2%|达到3.0%|符合", "CPI | 3.2% | reaches 3.0% | met"],
        );
    }
    let mut before = one.readings[0].clone();
    (before.month, before.value) = ("2019-05".parse().unwrap(), None);
    before.missing = vec![figure_missing()];
    let readings = vec![one.readings[0].clone(), before];
    assert_eq!(
        parts(&ConditionReading { run_months: 2, readings, met: Truth::Unknown, ..one.clone() }),
        [
            "CPI|2019年5月 缺少呼和浩特市 2019年6月 CPI数据、2019年6月 3.2%|连续2个月达到3.0%|无法判定",
            "CPI | 2019-05 CPI of 150100 for 2019-06 is missing, 2019-06 3.2% | \
             reaches 3.0% for 2 months in a row | undecidable"
        ],
    );
    let unread = ConditionReading { readings: Vec::new(), met: Truth::No, ..one };
    assert_eq!(parts(&unread), ["cpi||不符合", "cpi |  | not met"]);
}

#[test]
fn who_pays_is_named_by_the_budget_or_the_fund() {
    for (source, zh, en) in [
        ("central", "中央财政", "central budget"),
        ("province", "省级财政", "provincial budget"),
        ("city", "市级财政", "city budget"),
        ("county", "县级财政", "county budget"),
        ("same_level", "同级财政", "budget of the same level"),
        ("local", "地方财政", "local budget"),
        ("unemployment_fund", "失业保险基金", "unemployment insurance fund"),
        ("price_fund", "价格调节基金", "price regulation fund"),
        ("relief_fund", "困难群众救助补助资金", "relief fund"),
        ("unstated", "来源未明确", "unstated"),
        ("elsewhere", "elsewhere", "elsewhere"),
    ] {
        same(words().source(source), zh, en);
    }
}

#[test]
fn what_is_missing_is_named() {
    let (area, month) = ("150100".parse().unwrap(), "2019-06".parse().unwrap());
    let both = vec!["150100".parse().unwrap(), "150000".parse().unwrap()];
    let parameter = |by: Option<&str>| Missing::Parameter {
        path: "trigger.when".into(),
        left_open_by: by.map(str::to_owned),
    };
    for (missing, zh, en) in [
        (Missing::Law, "没有适用的文件", "no document in force is recorded"),
        (
            parameter(None),
            "规则不完整:适用的文件都没有规定 trigger.when",
            "the rule is incomplete: trigger.when is not set by any document in force",
        ),
        (
            parameter(Some("im-2017")),
            "规则不完整:适用的文件都没有规定 trigger.when(im-2017 未作规定)",
            "the rule is incomplete: trigger.when is not set by any document in force \
             (left open by im-2017)",
        ),
        (
            figure_missing(),
            "缺少呼和浩特市 2019年6月 CPI数据",
            "CPI of 150100 for 2019-06 is missing",
        ),
        (
            Missing::ReleaseDate { area, series: code("cpi"), month },
            "呼和浩特市 2019年6月 CPI的发布日期不详",
            "the release date of CPI of 150100 for 2019-06 is unknown",
        ),
        (
            Missing::Index { area },
            "判定地区呼和浩特市没有价格指数",
            "no index for the deciding area 150100",
        ),
        (
            Missing::Before { month },
            "取决于2019年6月能否启动,而该月无法判定",
            "depends on 2019-06, which cannot be decided",
        ),
        (
            Missing::Standard { areas: both.clone(), standard: code("dibao_urban"), month },
            "缺少呼和浩特市或内蒙古自治区 2019年6月适用的城市低保标准",
            "urban subsistence allowance of 150100 or 150000 in force in 2019-06 is missing",
        ),
        (
            Missing::Divided { parts: both },
            "该地区已分拆为呼和浩特市、内蒙古自治区",
            "the area was divided into 150100, 150000",
        ),
    ] {
        same(words().missing(&missing), zh, en);
    }
}

#[test]
fn a_due_date_or_why_there_is_none_is_told() {
    let month = "2019-06".parse().unwrap();
    let day = |released: Option<&str>| PayBy::Day {
        day: "2019-08-07".parse().unwrap(),
        released_on: released.map(|day| day.parse().unwrap()),
        with: month,
        cite: cite(),
    };
    for (pay_by, zh, en) in [
        (PayBy::NothingOwed, "无需发放", "nothing is owed"),
        (
            day(Some("2019-07-10")),
            "最迟 2019-08-07 发放(指数 2019-07-10 发布)",
            "due by 2019-08-07 (index released on 2019-07-10)",
        ),
        (day(None), "最迟 2019-08-07 发放", "due by 2019-08-07"),
    ] {
        same(words().pay_by(&pay_by), zh, en);
    }
    for (why, zh, en) in [
        (
            Why::ReleaseDate(month),
            "2019年6月指数的发布日期没有记录",
            "the release date of the index for 2019-06 is not recorded",
        ),
        (
            Why::Holidays(UnknownYear { year: 2031 }),
            "2031年的节假日安排没有记录",
            "the holiday schedule of 2031 is not recorded",
        ),
        (Why::Rule(Missing::Law), "没有适用的文件", "no document in force is recorded"),
        (Why::Undecided, "能否启动尚无法判定", "whether anything is owed cannot be said"),
        (Why::NotYet, "合并发放的月份尚未确定", "not yet known with which month"),
    ] {
        let (zh, en) = (format!("发放期限不详:{zh}"), format!("due date unknown: {en}"));
        same(words().pay_by(&PayBy::Unknown(why)), &zh, &en);
    }
}

fn outcome(state: State, since: Option<&str>, with: Option<&str>) -> MonthOutcome {
    MonthOutcome {
        month: "2019-06".parse().unwrap(),
        deciding: "150100".parse().unwrap(),
        triggered: Triggered::Yes,
        state,
        state_agreed: true,
        since: since.map(|month| month.parse().unwrap()),
        carried_by: Vec::new(),
        paid_with: with.map(|month| month.parse().unwrap()),
        conditions: Vec::new(),
        missing: Vec::new(),
    }
}

#[test]
fn the_answer_names_area_month_state_and_why() {
    let asked = "150100".parse().unwrap();
    for (state, since, with, zh, en) in [
        (State::Started, Some("2019-06"), None, "启动", "started"),
        (
            State::Continuing,
            Some("2019-04"),
            None,
            "继续(自2019年4月起)",
            "continuing since 2019-04",
        ),
        (State::Continuing, None, None, "继续", "continuing"),
        (
            State::BackPaid,
            Some("2019-08"),
            Some("2019-08"),
            "补发(随2019年8月启动)",
            "back-paid with the start in 2019-08",
        ),
        (State::BackPaid, None, None, "补发", "back-paid"),
        (State::Suspended, Some("2019-04"), None, "中止", "suspended"),
        (State::Ended, None, None, "终止", "ended"),
        (State::Inactive, None, None, "未启动", "not triggered"),
        (State::Undecidable, None, None, "无法判定", "undecidable"),
    ] {
        same(
            words().answer(asked, &outcome(state, since, with)),
            &format!("呼和浩特市 2019年6月{zh}"),
            &format!("呼和浩特市 (150100) 2019-06: {en}"),
        );
    }
    let met = condition(Comparator::AtLeast, Truth::Yes);
    let not = condition(Comparator::Above, Truth::No);
    let mut two = outcome(State::Started, None, None);
    two.conditions = vec![met.clone(), not.clone()];
    same(
        words().answer(asked, &two),
        "呼和浩特市 2019年6月启动:CPI 3.2% 达到 3.0%,CPI 3.2% 未超过 3.0%",
        "呼和浩特市 (150100) 2019-06: started: CPI 3.2% reaches 3.0%, CPI 3.2% does not exceed 3.0%",
    );
    // Decided by an area above it; what is missing comes first, what is undecided is not repeated.
    let mut open = outcome(State::Undecidable, None, None);
    open.deciding = "150000".parse().unwrap();
    open.triggered = Triggered::Undecidable;
    open.missing = vec![Missing::Law];
    open.conditions = vec![condition(Comparator::AtLeast, Truth::Unknown), not];
    same(
        words().answer(asked, &open),
        "呼和浩特市 2019年6月无法判定(由内蒙古自治区判定):没有适用的文件;CPI 3.2% 未超过 3.0%",
        "呼和浩特市 (150100) 2019-06: undecidable (decided by 内蒙古自治区): \
         no document in force is recorded; CPI 3.2% does not exceed 3.0%",
    );
    let mut named = outcome(State::Started, None, None);
    named.conditions = vec![met];
    named.conditions[0].readings[0].measure = Measure::Quarter;
    same(
        words().condition_name(&named, &code("cpi")),
        "CPI(季度平均)",
        "CPI (mean of the quarter)",
    );
    same(words().condition_name(&named, &code("food")), "food", "food");
}

fn step(kind: StepKind, input: Option<&str>, output: &str, operands: Vec<Operand>) -> StepTaken {
    let (input, output) = (input.map(exact), exact(output));
    StepTaken { name: code("step"), kind, input, output, operands, cite: cite() }
}

fn number(name: &'static str, value: &str) -> Operand {
    Operand::Number { name, value: exact(value), from: Vec::new(), cite: cite() }
}

fn base(share: Option<&str>) -> Operand {
    Operand::Base(BaseUsed {
        standard: code("dibao_urban"),
        area: "150100".parse().unwrap(),
        valid_from: "2019-01".parse().unwrap(),
        revision: 1,
        source: String::new(),
        recorded: exact("732.00"),
        share: share.map(exact),
        yuan: exact("732"),
        cite: cite(),
    })
}

fn rise(revisions: &[u32]) -> Operand {
    let used = revisions.iter().map(|revision| used("2019-06", "3.50", *revision)).collect();
    let reading = reading(Measure::Month, Some("3.50"), used);
    Operand::Rise(RiseUsed { reading, percent: exact("3.50"), beside: Vec::new(), cite: cite() })
}

#[test]
fn a_step_that_yields_a_sum_shows_what_it_was_made_of() {
    let (base_zh, base_en) = (
        "呼和浩特市城市低保标准 732 元(2019年1月起)",
        "urban subsistence allowance of 150100 732 yuan (since 2019-01)",
    );
    let (rise_zh, rise_en) = ("呼和浩特市CPI 3.5%(2019年6月)", "CPI of 150100 3.5% (2019-06)");
    let product = step(StepKind::BaseTimesRise, None, "25.62", vec![base(None), rise(&[1])]);
    same(
        words().step(&product),
        &format!("{base_zh} × {rise_zh} = 25.62 元"),
        &format!("{base_en} × {rise_en} = 25.62 yuan"),
    );
    for kind in [StepKind::BaseShare, StepKind::BaseShareByBand] {
        let share = step(kind, None, "36.6", vec![base(None), number("share", "0.05")]);
        same(
            words().step(&share),
            &format!("{base_zh} × 比例 0.05 = 36.6 元"),
            &format!("{base_en} × share 0.05 = 36.6 yuan"),
        );
    }
    let half = step(StepKind::BaseShare, None, "366", vec![base(Some("0.5"))]);
    same(
        words().step(&half),
        &format!("{base_zh} × 0.5 = 366 元"),
        &format!("{base_en} × 0.5 = 366 yuan"),
    );
    for (revisions, zh, en) in [
        (&[0][..], "", ""),
        (&[1, 1][..], "", ""),
        (&[1, 2][..], ",第 2 次发布", ", revision 2"),
        (&[3, 2][..], ",第 3 次发布", ", revision 3"),
    ] {
        let told = words().step(&step(StepKind::SumPerPoint, None, "7", vec![rise(revisions)]));
        same(
            told,
            &format!("呼和浩特市CPI 3.5%(2019年6月{zh}) → 7 元"),
            &format!("CPI of 150100 3.5% (2019-06{en}) → 7 yuan"),
        );
    }
    let range = "3.0 <= rise < 5.0".to_owned();
    let band = vec![Operand::Band { range, cite: cite() }];
    same(
        words().step(&step(StepKind::SumByBand, None, "20", band)),
        "档次 3.0 <= 涨幅 < 5.0 → 20 元",
        "band 3.0 <= rise < 5.0 → 20 yuan",
    );
    let sums = vec![of("2019-05", "20.50", Vec::new())];
    same(
        words().step(&step(StepKind::EarlierAmount, None, "20.50", sums)),
        "2019-05 的 20.5 元 → 20.5 元",
        "20.5 yuan of 2019-05 → 20.5 yuan",
    );
}

fn of(name: &str, value: &str, steps: Vec<StepTaken>) -> Operand {
    Operand::Sum { name: name.into(), value: exact(value), steps }
}

#[test]
fn the_higher_and_the_lower_of_sums_show_how_each_came_about() {
    let flat = step(StepKind::Flat, None, "30", vec![number("yuan", "30")]);
    for (kind, zh, en) in
        [(StepKind::HigherOf, "较高者", "higher"), (StepKind::LowerOf, "较低者", "lower")]
    {
        let sums = vec![of("rate", "20.50", Vec::new()), of("fixed", "30", vec![flat.clone()])];
        same(
            words().step(&step(kind, None, "30", sums)),
            &format!("rate 的 20.5 元、fixed 的 30 元(定额 30 → 30 元),取{zh} → 30 元"),
            &format!(
                "the {en} of 20.5 yuan of rate, 30 yuan of fixed (yuan 30 → 30 yuan) → 30 yuan"
            ),
        );
    }
}

#[test]
fn a_limit_that_is_no_number_shows_what_it_was_computed_from() {
    let limit = |from: Vec<Operand>| {
        let operand = Operand::Number { name: "cap", value: exact("24"), from, cite: cite() };
        words().step(&step(StepKind::Cap, Some("25.62"), "24", vec![operand]))
    };
    same(
        limit(vec![of("lowest_band", "12", Vec::new()), number("share", "2")]),
        "25.62 元 → 不高于 24(即lowest_band 的 12 元 × 比例 2) → 24 元",
        "25.62 yuan → not above 24 (12 yuan of lowest_band × share 2) → 24 yuan",
    );
    same(
        limit(vec![base(Some("0.05"))]),
        "25.62 元 → 不高于 24(即呼和浩特市城市低保标准 732 元(2019年1月起) × 0.05) → 24 元",
        "25.62 yuan → not above 24 (urban subsistence allowance of 150100 732 yuan (since 2019-01) \
         × 0.05) → 24 yuan",
    );
}

#[test]
fn what_each_further_person_adds_is_told_beside_the_sum() {
    let from = vec![of("rate", "24", Vec::new()), number("share", "0.5")];
    let each =
        Operand::Number { name: "each_further_yuan", value: exact("12"), from, cite: cite() };
    same(
        words().step(&step(StepKind::Flat, None, "24", vec![number("yuan", "24"), each])),
        "定额 24 → 24 元;每增一人 12(即rate 的 24 元 × 比例 0.5)",
        "yuan 24 → 24 yuan; each further person 12 (24 yuan of rate × share 0.5)",
    );
}

#[test]
fn the_lower_of_rises_names_the_others() {
    let mut rise = rise(&[1]);
    if let Operand::Rise(used) = &mut rise {
        let mut food = reading(Measure::Month, Some("4.50"), Vec::new());
        food.series = code("food");
        used.beside = vec![food];
    }
    same(
        words().step(&step(StepKind::SumPerPoint, None, "7", vec![rise])),
        "呼和浩特市CPI 3.5%(2019年6月,较低者;另有食品 4.50%) → 7 元",
        "CPI of 150100 3.5% (2019-06, the lower; besides: food 4.50%) → 7 yuan",
    );
}

#[test]
fn a_threshold_put_together_shows_the_recorded_figure_and_the_points() {
    let told = |plus: &str| {
        let figure = Used { series: code("cpi_control_target"), ..used("2019-01", "3.0", 1) };
        let plus = parse_decimal(plus).unwrap();
        let recorded = Some(Recorded { used: figure, plus });
        let one = ConditionReading { recorded, ..condition(Comparator::AtLeast, Truth::Yes) };
        (words().condition(&one), words().condition_parts(&one).threshold.unwrap())
    };
    let name = DATA.series.get(&code("cpi_control_target")).unwrap();
    for (plus, sign) in [("1.0", "+ 1.0"), ("-0.5", "− 0.5")] {
        let zh = format!("3.0%(即呼和浩特市{} 3.0%(2019年1月){sign})", name.zh);
        let en = format!("3.0% ({} of 150100 3.0% (2019-01) {sign})", name.en);
        let (sentence, part) = told(plus);
        same(sentence, &format!("CPI 3.2% 达到 {zh}"), &format!("CPI 3.2% reaches {en}"));
        same(part, &format!("达到{zh}"), &format!("reaches {en}"));
    }
    // Nothing added: the number alone, as it always was.
    same(told("0.0").0, "CPI 3.2% 达到 3.0%", "CPI 3.2% reaches 3.0%");
}

#[test]
fn a_step_that_changes_a_sum_shows_it_before_and_after() {
    for (kind, name, zh, en) in [
        (StepKind::Floor, "floor", "不低于", "not below"),
        (StepKind::Cap, "cap", "不高于", "not above"),
        (StepKind::Add, "add", "增发", "plus"),
        (StepKind::Multiply, "by", "乘以", "times"),
        (StepKind::Override, "override", "改为", "set to"),
        (StepKind::Subtract, "subtract", "扣减", "less"),
    ] {
        same(
            words().step(&step(kind, Some("25.62"), "30", vec![number(name, "30")])),
            &format!("25.62 元 → {zh} 30 → 30 元"),
            &format!("25.62 yuan → {en} 30 → 30 yuan"),
        );
    }
    for (name, zh, en) in [
        ("share", "比例", "share"),
        ("yuan", "定额", "yuan"),
        ("above", "起算点", "above"),
        ("points", "百分点数", "points"),
        ("yuan_per_point", "每个百分点", "yuan per point"),
        ("start_sum", "起点金额", "start sum"),
        ("above_threshold", "起算点(临界值)", "above the threshold"),
        ("other_word", "other_word", "other word"),
    ] {
        same(
            words().step(&step(StepKind::Flat, None, "30", vec![number(name, "2.5")])),
            &format!("{zh} 2.5 → 30 元"),
            &format!("{en} 2.5 → 30 yuan"),
        );
    }
    for (to, mode, zh, en) in [
        (Some(RoundTo::Fen), RoundMode::HalfUp, "四舍五入到分", "rounded half up to the fen"),
        (Some(RoundTo::Jiao), RoundMode::Up, "进位到角", "rounded up to the jiao"),
        (Some(RoundTo::Yuan), RoundMode::Down, "舍去到元", "rounded down to the yuan"),
        (
            Some(RoundTo::MultipleOf(parse_decimal("5").unwrap())),
            RoundMode::HalfUp,
            "四舍五入到 5 元的整数倍",
            "rounded half up to a multiple of 5 yuan",
        ),
        (None, RoundMode::None, "不取整", "not rounded"),
    ] {
        let operands = vec![Operand::Rounding { to, mode, cite: cite() }];
        same(
            words().step(&step(StepKind::Round, Some("25.625"), "26", operands)),
            &format!("25.625 元 → {zh} → 26 元"),
            &format!("25.625 yuan → {en} → 26 yuan"),
        );
    }
}

#[test]
fn a_line_says_what_is_owed_to_whom_or_why_nothing_is() {
    let line = |outcome, unit, further: Option<&str>| Line {
        group: code("subsistence_allowance"),
        residence: Residence::Rural,
        covered_by: cite(),
        unit,
        each_further_yuan: further.map(|yuan| parse_decimal(yuan).unwrap()),
        outcome,
        steps: Vec::new(),
        pay_by: PayBy::NothingOwed,
    };
    let owed = LineOutcome::Owed(parse_decimal("30.00").unwrap());
    let person = line(owed.clone(), Unit::Person, None);
    same(
        words().line(&person),
        "低保对象(农村):每人每月 30.00 元",
        "subsistence-allowance recipients (rural): 30.00 yuan a person",
    );
    same(
        words().line(&Line { residence: Residence::Urban, ..person }),
        "低保对象(城镇):每人每月 30.00 元",
        "subsistence-allowance recipients (urban): 30.00 yuan a person",
    );
    let month = "2019-08".parse().unwrap();
    for (outcome, unit, further, zh, en) in [
        (owed.clone(), Unit::Household, None, "每户每月 30.00 元", "30.00 yuan a household"),
        (
            owed,
            Unit::HouseholdAndHeads,
            Some("5.00"),
            "每户,另每增一人加 5.00 元, 30.00 元",
            "30.00 yuan a household and 5.00 for each further person",
        ),
        (
            LineOutcome::NotTriggered,
            Unit::Person,
            None,
            "未启动,不发放",
            "not triggered, nothing owed",
        ),
        (
            LineOutcome::Undecidable(vec![Missing::Law, figure_missing()]),
            Unit::Person,
            None,
            "无法计算:没有适用的文件;缺少呼和浩特市 2019年6月 CPI数据",
            "cannot be computed: no document in force is recorded; \
             CPI of 150100 for 2019-06 is missing",
        ),
        (
            LineOutcome::ByHand(cite()),
            Unit::Person,
            None,
            "另行研究确定(《示例通知》(示例〔2016〕1号)第三条[A])",
            "decided by hand (nation-2016 第三条)",
        ),
        (
            LineOutcome::NotInFen(Exact::fraction(100, 3).unwrap()),
            Unit::Person,
            None,
            "金额 100/3 元不足以精确到分,且没有规定取整办法",
            "100/3 yuan does not end at the fen, and no step rounds it",
        ),
        (
            LineOutcome::WithLater(month),
            Unit::Person,
            None,
            "并入2019年8月一次发放",
            "owed as one sum with 2019-08",
        ),
    ] {
        same(words().line_outcome(&line(outcome, unit, further)), zh, en);
    }
}

#[test]
fn nothing_is_nothing_however_it_comes_and_the_same_sum_is_the_same() {
    let owed = |yuan: &str| LineOutcome::Owed(parse_decimal(yuan).unwrap());
    let undecidable = |missing: Missing| LineOutcome::Undecidable(vec![missing]);
    let alike = |one: Option<LineOutcome>, other: Option<LineOutcome>| {
        let there = LineOutcome::pays_alike(one.as_ref(), other.as_ref());
        assert_eq!(LineOutcome::pays_alike(other.as_ref(), one.as_ref()), there);
        there
    };
    assert!(alike(None, None));
    assert!(alike(None, Some(LineOutcome::NotTriggered)));
    assert!(alike(Some(LineOutcome::NotTriggered), Some(LineOutcome::NotTriggered)));
    let before = Missing::Before { month: "2024-01".parse().unwrap() };
    assert!(alike(Some(undecidable(Missing::Law)), Some(undecidable(before))));
    let other = Cite { clause: "第四条".into(), ..cite() };
    assert!(alike(Some(LineOutcome::ByHand(cite())), Some(LineOutcome::ByHand(other))));
    for (yuan, same) in [("24.99", false), ("25.00", true), ("25.01", false)] {
        assert_eq!(alike(Some(owed("25.00")), Some(owed(yuan))), same, "{yuan}");
    }
    assert!(!alike(None, Some(owed("0.00"))));
    assert!(!alike(None, Some(undecidable(Missing::Law))));
    assert!(!alike(Some(undecidable(Missing::Law)), Some(LineOutcome::ByHand(cite()))));
}
