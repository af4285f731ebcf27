//! The derivation of a sum in words.

use crate::{
    domain::{code::Code, group::Residence, run::Headcount},
    rules::word::{RoundMode, RoundTo, StepKind, Unit},
};

use super::{
    amount::{BELOW_LOWEST_BAND, Line, LineOutcome, Operand, StepTaken},
    condition::{ConditionReading, Truth},
    operand::{BaseUsed, RiseUsed},
    question::Threshold,
    reason::{Text, Vocabulary, month_zh, reaches, sum_text},
};

/// A condition in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionParts {
    /// What is measured.
    pub name: Text,
    /// The values, or what is missing; of several months the earliest first, each with its month.
    pub values: Text,
    /// What they must be; none when it is not set.
    pub threshold: Option<Text>,
    /// Whether they are.
    pub met: Text,
}

impl Vocabulary<'_> {
    /// A step with its operands, for example `732 × 3.5% = 25.62`.
    pub fn step(&self, step: &StepTaken) -> Text {
        let output = sum_text(step.output);
        let operands = step.operands.iter().map(|operand| self.operand(operand));
        let operands = Text::join(operands, " × ", " × ");
        match step.kind {
            StepKind::BaseTimesRise | StepKind::BaseShare | StepKind::BaseShareByBand => Text::new(
                format!("{} = {output} 元", operands.zh),
                format!("{} = {output} yuan", operands.en),
            ),
            StepKind::Floor
            | StepKind::Cap
            | StepKind::Multiply
            | StepKind::Round
            | StepKind::Override
            | StepKind::Subtract => {
                let input = step.input.map_or_else(String::new, sum_text);
                let (zh, en) = (operands.zh, operands.en);
                Text::new(
                    format!("{input} 元 → {zh} → {output} 元"),
                    format!("{input} yuan → {en} → {output} yuan"),
                )
            }
            _ => Text::new(
                format!("{} → {output} 元", operands.zh),
                format!("{} → {output} yuan", operands.en),
            ),
        }
    }

    /// A condition in parts, for a table.
    pub fn condition_parts(&self, condition: &ConditionReading) -> ConditionParts {
        let name = match condition.readings.first() {
            Some(reading) => self.measured(reading),
            None => Text::new(condition.name.as_str(), condition.name.as_str()),
        };
        let months = condition.run_months;
        let values = condition.readings.iter().rev().map(|reading| {
            let value = match reading.value {
                Some(_) => Text::new(self.shown(reading), self.shown(reading)),
                None => Text::join(reading.missing.iter().map(|one| self.missing(one)), "、", ", "),
            };
            match months {
                0 | 1 => value,
                _ => Text::new(
                    format!("{} {}", month_zh(reading.month), value.zh),
                    format!("{} {}", reading.month, value.en),
                ),
            }
        });
        let threshold = condition.threshold.as_ref().zip(condition.readings.first());
        let threshold = threshold.map(|(cited, reading)| {
            let at = match cited.value {
                Threshold::At(at) => self.value(reading, &at.to_string()),
                Threshold::Between(low, high) => self.value(reading, &format!("{low}–{high}")),
            };
            let word = reaches(condition.comparator, true);
            match months {
                0 | 1 => Text::new(format!("{}{at}", word.zh), format!("{} {at}", word.en)),
                _ => Text::new(
                    format!("连续{months}个月{}{at}", word.zh),
                    format!("{} {at} for {months} months in a row", word.en),
                ),
            }
        });
        let met = match condition.met {
            Truth::Yes => Text::new("符合", "met"),
            Truth::No => Text::new("不符合", "not met"),
            Truth::Unknown => Text::new("无法判定", "undecidable"),
        };
        ConditionParts { name, values: Text::join(values, "、", ", "), threshold, met }
    }

    /// What a step does.
    pub fn step_kind(&self, kind: StepKind) -> Text {
        let (zh, en) = match kind {
            StepKind::BaseTimesRise => ("标准×涨幅", "standard times rise"),
            StepKind::BaseShare => ("标准×比例", "share of the standard"),
            StepKind::BaseShareByBand => ("标准×分档比例", "share of the standard by band"),
            StepKind::SumByBand => ("分档定额", "sum by band"),
            StepKind::SumPerPoint => ("按百分点计", "sum per point"),
            StepKind::Flat => ("定额", "flat sum"),
            StepKind::EarlierAmount => ("沿用前期金额", "amount of an earlier month"),
            StepKind::HigherOf => ("就高", "the higher of"),
            StepKind::Floor => ("下限", "floor"),
            StepKind::Cap => ("上限", "cap"),
            StepKind::Multiply => ("倍数", "multiplied"),
            StepKind::Override => ("改定金额", "set to"),
            StepKind::Subtract => ("扣减", "less"),
            StepKind::Round => ("取整", "rounded"),
        };
        Text::new(zh, en)
    }

    /// Who pays, for example `central`; a word that is no source of the rules stands for itself.
    pub fn source(&self, source: &str) -> Text {
        let (zh, en) = match source {
            "central" => ("中央财政", "central budget"),
            "province" => ("省级财政", "provincial budget"),
            "city" => ("市级财政", "city budget"),
            "county" => ("县级财政", "county budget"),
            "same_level" => ("同级财政", "budget of the same level"),
            "local" => ("地方财政", "local budget"),
            "unemployment_fund" => ("失业保险基金", "unemployment insurance fund"),
            "price_fund" => ("价格调节基金", "price regulation fund"),
            "relief_fund" => ("困难群众救助补助资金", "relief fund"),
            "unstated" => ("来源未明确", "unstated"),
            other => (other, other),
        };
        Text::new(zh, en)
    }

    fn operand(&self, operand: &Operand) -> Text {
        match operand {
            Operand::Base(base) => self.base(base),
            Operand::Rise(rise) => self.rise(rise),
            Operand::Band { range, .. } if range == BELOW_LOWEST_BAND => {
                Text::new("低于最低档", BELOW_LOWEST_BAND)
            }
            Operand::Band { range, .. } => Text::new(
                format!("档次 {}", range.replace("rise", "涨幅")),
                format!("band {range}"),
            ),
            Operand::Number { name, value, .. } => {
                let value = value.to_string();
                let zh = match *name {
                    "share" => "比例",
                    "yuan" => "定额",
                    "above" => "起算点",
                    "points" => "百分点数",
                    "yuan_per_point" => "每个百分点",
                    "start_sum" => "起点金额",
                    "floor" => "不低于",
                    "cap" => "不高于",
                    "by" => "乘以",
                    "override" => "改为",
                    "subtract" => "扣减",
                    other => other,
                };
                let en = match *name {
                    "floor" => "not below".to_owned(),
                    "cap" => "not above".to_owned(),
                    "by" => "times".to_owned(),
                    "override" => "set to".to_owned(),
                    "subtract" => "less".to_owned(),
                    other => other.replace('_', " "),
                };
                Text::new(format!("{zh} {value}"), format!("{en} {value}"))
            }
            Operand::Rounding { to, mode, .. } => rounding(*to, *mode),
            Operand::Sum { name, value, .. } => {
                let value = sum_text(*value);
                Text::new(format!("{name} 的 {value} 元"), format!("{value} yuan of {name}"))
            }
        }
    }

    fn base(&self, base: &BaseUsed) -> Text {
        let (zh, en) = (self.standards.zh(&base.standard), self.standards.en(&base.standard));
        let (area, from) = (self.area(base.area), month_zh(base.valid_from));
        let yuan = sum_text(base.recorded);
        let mut text = Text::new(
            format!("{area}{zh} {yuan} 元({from}起)"),
            format!("{en} of {} {yuan} yuan (since {})", base.area, base.valid_from),
        );
        if let Some(share) = base.share {
            text.zh.push_str(&format!(" × {share}"));
            text.en.push_str(&format!(" × {share}"));
        }
        text
    }

    fn rise(&self, rise: &RiseUsed) -> Text {
        let reading = &rise.reading;
        let percent = sum_text(rise.percent);
        let (zh, en) = (self.series.zh(&reading.series), self.series.en(&reading.series));
        let revised = reading.used.iter().map(|used| used.revision).max().unwrap_or(1);
        let (revised_zh, revised_en) = match revised {
            0 | 1 => (String::new(), String::new()),
            n => (format!(",第 {n} 次发布"), format!(", revision {n}")),
        };
        Text::new(
            format!(
                "{}{zh} {percent}%({}{revised_zh})",
                self.area(reading.area),
                month_zh(reading.month)
            ),
            format!("{en} of {} {percent}% ({}{revised_en})", reading.area, reading.month),
        )
    }

    /// A group, urban or rural.
    fn group(&self, group: &Code, residence: Residence) -> Text {
        let residence_zh = match residence {
            Residence::Urban => "城镇",
            Residence::Rural => "农村",
        };
        Text::new(
            format!("{}({residence_zh})", self.groups.zh(group)),
            format!("{} ({residence})", self.groups.en(group)),
        )
    }

    /// Who is counted: a group in an area for a month.
    pub fn payees(&self, payees: &Headcount) -> Text {
        let Headcount { month, area, group, residence, .. } = payees;
        let group = self.group(group, *residence);
        Text::new(
            format!("{}{}{}", self.area(*area), month_zh(*month), group.zh),
            format!("{} of {area} for {month}", group.en),
        )
    }

    /// What a group is owed, in words.
    pub fn line(&self, line: &Line) -> Text {
        let (group, outcome) = (self.group(&line.group, line.residence), self.line_outcome(line));
        Text::new(format!("{}:{}", group.zh, outcome.zh), format!("{}: {}", group.en, outcome.en))
    }

    /// The outcome of a line, in words.
    pub fn line_outcome(&self, line: &Line) -> Text {
        match &line.outcome {
            LineOutcome::Owed(yuan) => {
                let (zh, en) = match (line.unit, line.each_further_yuan) {
                    (Unit::Person, _) => ("每人每月".to_owned(), "a person".to_owned()),
                    (Unit::HouseholdAndHeads, Some(further)) => (
                        format!("每户,另每增一人加 {further} 元,"),
                        format!("a household and {further} for each further person"),
                    ),
                    _ => ("每户每月".to_owned(), "a household".to_owned()),
                };
                Text::new(format!("{zh} {yuan} 元"), format!("{yuan} yuan {en}"))
            }
            LineOutcome::NotTriggered => Text::new("未启动,不发放", "not triggered, nothing owed"),
            LineOutcome::Undecidable(missing) => {
                let all = missing.iter().map(|missing| self.missing(missing));
                let all = Text::join(all, ";", "; ");
                Text::new(format!("无法计算:{}", all.zh), format!("cannot be computed: {}", all.en))
            }
            LineOutcome::ByHand(cite) => Text::new(
                format!("另行研究确定({cite})"),
                format!("decided by hand ({})", cite.short()),
            ),
            LineOutcome::NotInFen(sum) => Text::new(
                format!("金额 {sum} 元不足以精确到分,且没有规定取整办法"),
                format!("{sum} yuan does not end at the fen, and no step rounds it"),
            ),
            LineOutcome::WithLater(month) => Text::new(
                format!("并入{}一次发放", month_zh(*month)),
                format!("owed as one sum with {month}"),
            ),
        }
    }
}

fn rounding(to: Option<RoundTo>, mode: RoundMode) -> Text {
    let unit = to.map_or(("", ""), |to| match to {
        RoundTo::Yuan => ("元", "yuan"),
        RoundTo::Jiao => ("角", "jiao"),
        RoundTo::Fen => ("分", "fen"),
    });
    let (zh, en) = match mode {
        RoundMode::HalfUp => ("四舍五入到", "rounded half up to the"),
        RoundMode::Up => ("进位到", "rounded up to the"),
        RoundMode::Down => ("舍去到", "rounded down to the"),
        RoundMode::None => ("不取整", "not rounded"),
    };
    Text::new(format!("{zh}{}", unit.0), format!("{en} {}", unit.1).trim().to_owned())
}
