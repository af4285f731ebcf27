//! The derivation of a sum in words.

use crate::{
    domain::{code::Code, group::Residence, run::Headcount},
    rules::word::{RoundMode, RoundTo, StepKind, Unit},
};

use super::{
    amount::{Line, LineOutcome, Operand, StepTaken},
    operand::{BaseUsed, RiseUsed},
    reason::{Text, Vocabulary, month_zh, sum_text},
};

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

    fn operand(&self, operand: &Operand) -> Text {
        match operand {
            Operand::Base(base) => self.base(base),
            Operand::Rise(rise) => self.rise(rise),
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
