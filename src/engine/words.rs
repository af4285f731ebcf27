//! The derivation of a sum in words.

use crate::{
    domain::{code::Code, group::Residence, run::Headcount},
    rules::{
        sum::RoundTo,
        word::{RoundMode, StepKind, Unit},
    },
};

use super::{
    amount::{BELOW_LOWEST_BAND, EACH_FURTHER, Line, LineOutcome, Operand, StepTaken},
    condition::{ConditionReading, Recorded, Truth},
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
        let further = |one: &&Operand| matches!(one, Operand::Number { name: EACH_FURTHER, .. });
        let (further, operands): (Vec<_>, Vec<_>) = step.operands.iter().partition(further);
        let operands = operands.into_iter().map(|operand| self.operand(operand));
        let operands = Text::join(operands, " × ", " × ");
        let text = self.step_of(step, operands, &output);
        // What each further person adds is no factor of the sum.
        further.into_iter().fold(text, |text, one| {
            let each = self.operand(one);
            Text::new(format!("{};{}", text.zh, each.zh), format!("{}; {}", text.en, each.en))
        })
    }

    fn step_of(&self, step: &StepTaken, operands: Text, output: &str) -> Text {
        match step.kind {
            StepKind::BaseTimesRise | StepKind::BaseShare | StepKind::BaseShareByBand => Text::new(
                format!("{} = {output} 元", operands.zh),
                format!("{} = {output} yuan", operands.en),
            ),
            StepKind::Floor
            | StepKind::Cap
            | StepKind::Add
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
            StepKind::HigherOf | StepKind::LowerOf => {
                let sums = step.operands.iter().filter(|one| matches!(one, Operand::Sum { .. }));
                let sums = sums.map(|operand| self.with_steps(operand));
                let sums = Text::join(sums, "、", ", ");
                let (zh, en) = match step.kind {
                    StepKind::HigherOf => ("较高者", "higher"),
                    _ => ("较低者", "lower"),
                };
                Text::new(
                    format!("{},取{zh} → {output} 元", sums.zh),
                    format!("the {en} of {} → {output} yuan", sums.en),
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
        let threshold = self.threshold(condition).map(|Text { zh, en }| {
            let word = reaches(condition.comparator, true);
            match months {
                0 | 1 => Text::new(format!("{}{zh}", word.zh), format!("{} {en}", word.en)),
                _ => Text::new(
                    format!("连续{months}个月{}{zh}", word.zh),
                    format!("{} {en} for {months} months in a row", word.en),
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

    /// The threshold, and how it was computed where the law adds to a recorded figure.
    pub(super) fn threshold(&self, condition: &ConditionReading) -> Option<Text> {
        let reading = condition.readings.first()?;
        let at = match condition.threshold.as_ref()?.value {
            Threshold::At(at) => self.value(reading, &at.to_string()),
            Threshold::Between(low, high) => self.value(reading, &format!("{low}–{high}")),
        };
        let added = condition.recorded.as_ref().filter(|one| !one.plus.is_zero());
        let Some(Recorded { used, plus }) = added else { return Some(Text::new(at.clone(), at)) };
        let (zh, en) = (self.series.zh(&used.series), self.series.en(&used.series));
        let value = self.in_unit(&used.series, &used.value.to_string());
        let sign = if plus.is_sign_negative() { "−" } else { "+" };
        let (area, month, plus) = (used.area, used.month, plus.abs());
        let (area_zh, month_zh) = (self.area(area), month_zh(month));
        Some(Text::new(
            format!("{at}(即{area_zh}{zh} {value}({month_zh}){sign} {plus})"),
            format!("{at} ({en} of {area} {value} ({month}) {sign} {plus})"),
        ))
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
            StepKind::LowerOf => ("就低", "the lower of"),
            StepKind::Floor => ("下限", "floor"),
            StepKind::Cap => ("上限", "cap"),
            StepKind::Add => ("增发", "plus"),
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

    /// An operand; where steps of its own led to it, with these.
    fn with_steps(&self, operand: &Operand) -> Text {
        let text = self.operand(operand);
        match operand {
            Operand::Sum { steps, .. } if !steps.is_empty() => {
                let steps = Text::join(steps.iter().map(|step| self.step(step)), ";", "; ");
                Text::new(
                    format!("{}({})", text.zh, steps.zh),
                    format!("{} ({})", text.en, steps.en),
                )
            }
            _ => text,
        }
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
            Operand::Number { name, value, from, .. } => {
                // A fraction that does not end is shown as any sum is where it was computed.
                let value = match from.is_empty() {
                    true => value.to_string(),
                    false => sum_text(*value),
                };
                let from = Text::join(from.iter().map(|one| self.with_steps(one)), " × ", " × ");
                let (from_zh, from_en) = match from.zh.is_empty() {
                    true => (String::new(), String::new()),
                    false => (format!("(即{})", from.zh), format!(" ({})", from.en)),
                };
                let zh = match *name {
                    "share" => "比例",
                    "yuan" => "定额",
                    "above" => "起算点",
                    "points" => "百分点数",
                    "yuan_per_point" => "每个百分点",
                    "start_sum" => "起点金额",
                    "floor" => "不低于",
                    "cap" => "不高于",
                    "add" => "增发",
                    "above_threshold" => "起算点(临界值)",
                    EACH_FURTHER => "每增一人",
                    "by" => "乘以",
                    "override" => "改为",
                    "subtract" => "扣减",
                    other => other,
                };
                let en = match *name {
                    "floor" => "not below".to_owned(),
                    "cap" => "not above".to_owned(),
                    "add" => "plus".to_owned(),
                    "above_threshold" => "above the threshold".to_owned(),
                    EACH_FURTHER => "each further person".to_owned(),
                    "by" => "times".to_owned(),
                    "override" => "set to".to_owned(),
                    "subtract" => "less".to_owned(),
                    other => other.replace('_', " "),
                };
                Text::new(format!("{zh} {value}{from_zh}"), format!("{en} {value}{from_en}"))
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
        let (mut revised_zh, mut revised_en) = match revised {
            0 | 1 => (String::new(), String::new()),
            n => (format!(",第 {n} 次发布"), format!(", revision {n}")),
        };
        if !rise.beside.is_empty() {
            let others = rise.beside.iter().map(|other| {
                let (name, shown) = (self.measured(other), self.shown(other));
                Text::new(format!("{} {shown}", name.zh), format!("{} {shown}", name.en))
            });
            let others = Text::join(others, "、", ", ");
            revised_zh.push_str(&format!(",较低者;另有{}", others.zh));
            revised_en.push_str(&format!(", the lower; besides: {}", others.en));
        }
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
    let unit = to.map_or_else(Text::default, |to| match to {
        RoundTo::Yuan => Text::new("元", "the yuan"),
        RoundTo::Jiao => Text::new("角", "the jiao"),
        RoundTo::Fen => Text::new("分", "the fen"),
        RoundTo::MultipleOf(unit) => {
            Text::new(format!(" {unit} 元的整数倍"), format!("a multiple of {unit} yuan"))
        }
    });
    let (zh, en) = match mode {
        RoundMode::HalfUp => ("四舍五入到", "rounded half up to"),
        RoundMode::Up => ("进位到", "rounded up to"),
        RoundMode::Down => ("舍去到", "rounded down to"),
        RoundMode::None => ("不取整", "not rounded"),
    };
    Text::new(format!("{zh}{}", unit.zh), format!("{en} {}", unit.en).trim().to_owned())
}
