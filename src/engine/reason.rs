//! Answers in words, Chinese and English, made from the evaluation's own output.
//!
//! **Invariant:** nothing is computed here; a sentence only names what an outcome contains.

use crate::{
    domain::{
        area::{AreaCode, Areas},
        code::Code,
        decision::{State, Triggered},
        exact::Exact,
        group::Names,
        month::Month,
        series::{SeriesList, Unit},
    },
    rules::word::{Comparator, Measure},
};

use super::{
    condition::{ConditionReading, Truth},
    deadline::{PayBy, Why},
    question::Missing,
    reading::Reading,
    trigger::MonthOutcome,
};

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// Both texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// Several, joined by the comma of each language.
    pub fn join(all: impl IntoIterator<Item = Self>, zh: &str, en: &str) -> Self {
        let (mut texts_zh, mut texts_en) = (Vec::new(), Vec::new());
        for text in all {
            texts_zh.push(text.zh);
            texts_en.push(text.en);
        }
        Self { zh: texts_zh.join(zh), en: texts_en.join(en) }
    }
}

/// The names of what is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// Areas.
    pub areas: &'a Areas,
    /// Series.
    pub series: &'a SeriesList,
    /// Groups.
    pub groups: &'a Names,
    /// Standards.
    pub standards: &'a Names,
}

/// A month in Chinese: 2019年7月.
pub fn month_zh(month: Month) -> String {
    format!("{}年{}月", month.year(), month.month())
}

impl Vocabulary<'_> {
    /// An area's name, or its code when it has none.
    pub fn area(&self, code: AreaCode) -> String {
        self.areas.get(code).map_or_else(|| code.to_string(), |area| area.name.clone())
    }

    /// The sentence that answers whether the mechanism pays.
    pub fn answer(&self, asked: AreaCode, outcome: &MonthOutcome) -> Text {
        let area = self.area(asked);
        let (month, at) = (month_zh(outcome.month), outcome.month);
        let why = match outcome.triggered {
            Triggered::Undecidable => {
                let lacks = outcome.missing.iter().map(|missing| self.missing(missing));
                let decided = outcome.conditions.iter().filter(|one| one.met != Truth::Unknown);
                Text::join(lacks.chain(decided.map(|one| self.condition(one))), ";", "; ")
            }
            _ => Text::join(outcome.conditions.iter().map(|one| self.condition(one)), ",", ", "),
        };
        let state = state_words(outcome);
        let mut text = Text::new(
            format!("{area} {month}{}", state.zh),
            format!("{area} ({asked}) {at}: {}", state.en),
        );
        if outcome.deciding != asked {
            let by = self.area(outcome.deciding);
            text.zh.push_str(&format!("(由{by}判定)"));
            text.en.push_str(&format!(" (decided by {by})"));
        }
        if !why.zh.is_empty() {
            text = Text::new(format!("{}:{}", text.zh, why.zh), format!("{}: {}", text.en, why.en));
        }
        text
    }

    /// One condition with value, threshold and, where it helps, the months of its run.
    pub fn condition(&self, condition: &ConditionReading) -> Text {
        let Some(reading) = condition.readings.first() else {
            return self.without_reading(condition);
        };
        let name = self.measured(reading);
        let threshold = self.threshold(condition).unwrap_or_else(|| Text::new("?", "?"));
        if condition.met == Truth::Unknown {
            let lacks = condition.missing.iter().map(|missing| self.missing(missing));
            let lacks = Text::join(lacks, "、", ", ");
            return Text::new(
                format!("{}无法判定(临界值 {}):{}", name.zh, threshold.zh, lacks.zh),
                format!("{} undecidable (threshold {}): {}", name.en, threshold.en, lacks.en),
            );
        }
        let met = condition.met == Truth::Yes;
        if condition.run_months <= 1 {
            let value = self.shown(reading);
            let reaches = reaches(condition.comparator, met);
            return Text::new(
                format!("{} {value} {} {}", name.zh, reaches.zh, threshold.zh),
                format!("{} {value} {} {}", name.en, reaches.en, threshold.en),
            );
        }
        self.run(condition, &name, &threshold, met)
    }

    fn run(&self, condition: &ConditionReading, name: &Text, threshold: &Text, met: bool) -> Text {
        let months = condition.run_months;
        let shown: Vec<_> = (condition.readings.iter().rev())
            .map(|reading| {
                let month = reading.month;
                let value = self.shown(reading);
                (format!("{} {value}", month_zh(month)), format!("{month} {value}"))
            })
            .collect();
        let zh: Vec<_> = shown.iter().map(|(zh, _)| zh.as_str()).collect();
        let en: Vec<_> = shown.iter().map(|(_, en)| en.as_str()).collect();
        let word = reaches(condition.comparator, true);
        let (not_zh, did) = if met { ("", "holds") } else { ("未", "does not hold") };
        Text::new(
            format!(
                "{} {not_zh}连续{months}个月{} {}({})",
                name.zh,
                word.zh,
                threshold.zh,
                zh.join("、")
            ),
            format!(
                "{} {} {} {did} for {months} months in a row ({})",
                name.en,
                condition.comparator.as_str(),
                threshold.en,
                en.join(", ")
            ),
        )
    }

    fn without_reading(&self, condition: &ConditionReading) -> Text {
        let name = condition.name.as_str();
        match condition.met {
            Truth::Yes => {
                Text::new(format!("条件 {name} 成立"), format!("condition {name} is met"))
            }
            Truth::No => {
                Text::new(format!("条件 {name} 不成立"), format!("condition {name} is not met"))
            }
            Truth::Unknown => {
                let lacks = condition.missing.iter().map(|missing| self.missing(missing));
                let lacks = Text::join(lacks, "、", ", ");
                Text::new(
                    format!("条件 {name} 无法判定:{}", lacks.zh),
                    format!("condition {name} undecidable: {}", lacks.en),
                )
            }
        }
    }

    pub(super) fn measured(&self, reading: &Reading) -> Text {
        let (zh, en) = (self.series.zh(&reading.series), self.series.en(&reading.series));
        let (how_zh, how_en) = match reading.measure {
            Measure::Month => ("", ""),
            Measure::Cumulative => ("(1月以来平均)", " (mean since January)"),
            Measure::Quarter => ("(季度平均)", " (mean of the quarter)"),
            Measure::Average => ("(移动平均)", " (moving average)"),
            Measure::Year => ("(全年平均)", " (mean of the year)"),
        };
        Text::new(format!("{zh}{how_zh}"), format!("{en}{how_en}"))
    }

    pub(super) fn shown(&self, reading: &Reading) -> String {
        let text = match (reading.used.as_slice(), reading.value) {
            ([one], _) => one.value.to_string(),
            (_, Some(value)) => value.to_decimal(2).to_string(),
            (_, None) => return "?".to_owned(),
        };
        self.value(reading, &text)
    }

    pub(super) fn value(&self, reading: &Reading, text: &str) -> String {
        self.in_unit(&reading.series, text)
    }

    pub(super) fn in_unit(&self, series: &Code, text: &str) -> String {
        match self.series.unit(series) {
            Some(Unit::Yuan) => format!("{text} 元"),
            Some(Unit::YesNo) => text.to_owned(),
            _ => format!("{text}%"),
        }
    }

    /// What is missing.
    pub fn missing(&self, missing: &Missing) -> Text {
        match missing {
            Missing::Law => Text::new("没有适用的文件", "no document in force is recorded"),
            Missing::Parameter { path, left_open_by } => {
                let (by_zh, by_en) = match left_open_by {
                    Some(id) => (format!("({id} 未作规定)"), format!(" (left open by {id})")),
                    None => (String::new(), String::new()),
                };
                Text::new(
                    format!("规则不完整:适用的文件都没有规定 {path}{by_zh}"),
                    format!(
                        "the rule is incomplete: {path} is not set by any document in force{by_en}"
                    ),
                )
            }
            Missing::Figure { area, series, month } => Text::new(
                format!(
                    "缺少{} {} {}数据",
                    self.area(*area),
                    month_zh(*month),
                    self.series.zh(series)
                ),
                format!("{} of {area} for {month} is missing", self.series.en(series)),
            ),
            Missing::ReleaseDate { area, series, month } => Text::new(
                format!(
                    "{} {} {}的发布日期不详",
                    self.area(*area),
                    month_zh(*month),
                    self.series.zh(series)
                ),
                format!(
                    "the release date of {} of {area} for {month} is unknown",
                    self.series.en(series)
                ),
            ),
            Missing::Index { area } => Text::new(
                format!("判定地区{}没有价格指数", self.area(*area)),
                format!("no index for the deciding area {area}"),
            ),
            Missing::Before { month } => Text::new(
                format!("取决于{}能否启动,而该月无法判定", month_zh(*month)),
                format!("depends on {month}, which cannot be decided"),
            ),
            Missing::Standard { areas, standard, month } => {
                let (names, codes) = (self.names(areas, "或"), codes(areas, " or "));
                let name_zh = self.standards.zh(standard);
                let name_en = self.standards.en(standard);
                Text::new(
                    format!("缺少{names} {}适用的{name_zh}", month_zh(*month)),
                    format!("{name_en} of {codes} in force in {month} is missing"),
                )
            }
            Missing::Divided { parts } => Text::new(
                format!("该地区已分拆为{}", self.names(parts, "、")),
                format!("the area was divided into {}", codes(parts, ", ")),
            ),
        }
    }

    fn names(&self, areas: &[AreaCode], between: &str) -> String {
        areas.iter().map(|area| self.area(*area)).collect::<Vec<_>>().join(between)
    }

    /// By when it must be paid.
    pub fn pay_by(&self, pay_by: &PayBy) -> Text {
        match pay_by {
            PayBy::NothingOwed => Text::new("无需发放", "nothing is owed"),
            PayBy::Day { day, released_on: Some(released), .. } => Text::new(
                format!("最迟 {day} 发放(指数 {released} 发布)"),
                format!("due by {day} (index released on {released})"),
            ),
            PayBy::Day { day, .. } => {
                Text::new(format!("最迟 {day} 发放"), format!("due by {day}"))
            }
            PayBy::Unknown(why) => {
                let why = self.why(why);
                Text::new(
                    format!("发放期限不详:{}", why.zh),
                    format!("due date unknown: {}", why.en),
                )
            }
        }
    }

    fn why(&self, why: &Why) -> Text {
        match why {
            Why::ReleaseDate(month) => Text::new(
                format!("{}指数的发布日期没有记录", month_zh(*month)),
                format!("the release date of the index for {month} is not recorded"),
            ),
            Why::Holidays(year) => {
                Text::new(format!("{}年的节假日安排没有记录", year.year), year.to_string())
            }
            Why::Rule(missing) => self.missing(missing),
            Why::Undecided => {
                Text::new("能否启动尚无法判定", "whether anything is owed cannot be said")
            }
            Why::NotYet => Text::new("合并发放的月份尚未确定", "not yet known with which month"),
        }
    }

    /// The Chinese and English name of a condition's series, or the condition's own name.
    pub fn condition_name(&self, outcome: &MonthOutcome, name: &Code) -> Text {
        let found = outcome.conditions.iter().find(|condition| condition.name == *name);
        match found.and_then(|condition| condition.readings.first()) {
            Some(reading) => self.measured(reading),
            None => Text::new(name.as_str(), name.as_str()),
        }
    }
}

fn codes(areas: &[AreaCode], between: &str) -> String {
    areas.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn state_words(outcome: &MonthOutcome) -> Text {
    match (outcome.state, outcome.since, outcome.paid_with) {
        (State::Started, ..) => Text::new("启动", "started"),
        (State::Continuing, Some(since), _) => {
            Text::new(format!("继续(自{}起)", month_zh(since)), format!("continuing since {since}"))
        }
        (State::Continuing, None, _) => Text::new("继续", "continuing"),
        (State::BackPaid, _, Some(with)) => Text::new(
            format!("补发(随{}启动)", month_zh(with)),
            format!("back-paid with the start in {with}"),
        ),
        (State::BackPaid, ..) => Text::new("补发", "back-paid"),
        (State::Suspended, ..) => Text::new("中止", "suspended"),
        (State::Ended, ..) => Text::new("终止", "ended"),
        (State::Inactive, ..) => Text::new("未启动", "not triggered"),
        (State::Undecidable, ..) => Text::new("无法判定", "undecidable"),
    }
}

pub(super) fn reaches(comparator: Comparator, met: bool) -> Text {
    let (zh, en) = match (comparator, met) {
        (Comparator::AtLeast, true) => ("达到", "reaches"),
        (Comparator::AtLeast, false) => ("未达到", "does not reach"),
        (Comparator::Above, true) => ("超过", "exceeds"),
        (Comparator::Above, false) => ("未超过", "does not exceed"),
        (Comparator::AtMost, true) => ("不高于", "does not exceed"),
        (Comparator::AtMost, false) => ("高于", "exceeds"),
        (Comparator::Below, true) => ("低于", "is below"),
        (Comparator::Below, false) => ("不低于", "is not below"),
    };
    Text::new(zh, en)
}

/// A sum for reading: six places at most, without trailing zeros.
pub fn sum_text(sum: Exact) -> String {
    sum.to_decimal(6).normalize().to_string()
}
