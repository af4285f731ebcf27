//! For whom, how much, by when and from which funds.

use rust_decimal::Decimal;

use crate::{
    domain::{code::Code, exact::Exact, group::Residence},
    engine::{
        amount::{Line, LineOutcome, Operand},
        deadline::PayBy,
        reason::{Text, Vocabulary, month_zh},
    },
    rules::{
        shape::FundingShare,
        word::{Source, Unit},
    },
};

use super::{
    Given, NoticePaper, PaidMonth,
    text::{Block, NoticeText, Span, basis, of_month, said},
};

/// The order in which notices name the groups; others follow by code.
const ORDER: [&str; 11] = [
    "subsistence_allowance",
    "special_hardship",
    "special_care",
    "unemployment_insurance",
    "orphan_institution",
    "orphan_community",
    "unattended_child",
    "hiv_child",
    "unemployment_allowance",
    "subsistence_margin",
    "poor_student",
];

/// Puts groups that are told the same together: what is told, and their names.
fn together<'a, T: PartialEq>(
    paper: &'a NoticePaper<'_>,
    told: impl IntoIterator<Item = (&'a Code, T)>,
) -> Vec<(T, Vec<&'a str>)> {
    let mut all: Vec<_> = told.into_iter().collect();
    let place = |group: &Code| ORDER.iter().position(|one| *one == group.as_str());
    all.sort_by_key(|(group, _)| (place(group).unwrap_or(ORDER.len()), *group));
    let mut found: Vec<(T, Vec<&str>)> = Vec::new();
    for (group, told) in all {
        let name = paper.words.groups.zh(group);
        match found.iter_mut().find(|(known, _)| *known == told) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => found.push((told, vec![name])),
        }
    }
    found
}

/// The groups of a month, each once.
fn groups(paid: &PaidMonth) -> Vec<&Code> {
    let mut all: Vec<&Code> = paid.given.iter().map(|given| &given.line.group).collect();
    all.dedup();
    all
}

fn line<'a>(paid: &'a PaidMonth, group: &Code, residence: Residence) -> Option<&'a Line> {
    let found = paid.given.iter().map(|given| &given.line);
    found.into_iter().find(|line| (&line.group, line.residence) == (group, residence))
}

pub(super) fn rates(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    for paid in &paper.paid {
        let month = of_month(paper, paid.month);
        let lead = match month.is_empty() {
            true => "保障对象及补贴标准如下：".to_owned(),
            false => format!("{month}保障对象及补贴标准如下："),
        };
        text.body.push(Block::Body(vec![said(lead)]));
        text.body.push(Block::Remark(vec![said("单位：元/人·月")]));
        let both = groups(paid).into_iter().map(|group| {
            let rate =
                |residence| line(paid, group, residence).map(|line| Rate::of(line, &paper.words));
            (group, [rate(Residence::Urban), rate(Residence::Rural)])
        });
        let mut rows = Vec::new();
        for (rates, names) in together(paper, both) {
            let names = names.join("、");
            let mut row = vec![vec![said(names.clone())]];
            for rate in rates {
                row.push(match rate {
                    Some(Rate::Known(shown)) => vec![said(shown)],
                    Some(Rate::Open(why)) => {
                        let why = Text::new(format!("{names} {}", why.zh), why.en);
                        vec![text.unknown("标准待定", "rate to be settled", &why)]
                    }
                    None => vec![said("—")],
                });
            }
            rows.push(row);
        }
        let titles = ["保障对象", "城镇", "农村"].map(str::to_owned).to_vec();
        text.body.push(Block::Table { titles, parts: vec![56, 22, 22], rows });
    }
    let given = paper.paid.iter().flat_map(|paid| &paid.given);
    let mut assumed: Vec<Text> = Vec::new();
    for cite in given.flat_map(|given| given.line.assumptions()) {
        let head = &cite.head;
        let one = Text::new(format!("《{}》", head.title_zh), head.title_en.clone());
        if !assumed.contains(&one) {
            assumed.push(one);
        }
    }
    let cites = paper.paid.iter().flat_map(|paid| &paid.given).flat_map(|given| {
        let steps = given.line.steps.iter().map(|step| &step.cite);
        let operands = given.line.operands().into_iter().filter_map(Operand::cite);
        [&given.line.covered_by].into_iter().chain(steps).chain(operands)
    });
    basis("保障对象和补贴标准依据", cites, text);
    for one in assumed {
        let blank = text.unknown(
            "补贴标准待核定",
            "rates rest on an assumption and must be settled",
            &Text::new(format!("依据测算假设{}", one.zh), one.en.clone()),
        );
        let remark = said(format!("上列标准依据测算假设{}，不是文件规定", one.zh));
        text.body.push(Block::Remark(vec![remark, blank]));
    }
}

/// A rate as a cell of the table, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rate {
    Known(String),
    Open(Text),
}

impl Rate {
    fn of(line: &Line, words: &Vocabulary<'_>) -> Self {
        match (&line.outcome, line.unit, line.each_further_yuan) {
            (LineOutcome::Owed(yuan), Unit::Person, _) => Self::Known(yuan.to_string()),
            (LineOutcome::Owed(yuan), _, Some(further)) => {
                Self::Known(format!("每户{yuan}，每增一人加{further}"))
            }
            (LineOutcome::Owed(yuan), _, None) => Self::Known(format!("每户{yuan}")),
            (LineOutcome::WithLater(month), ..) => {
                Self::Known(format!("并入{}一次发放", month_zh(*month)))
            }
            _ => Self::Open(words.line_outcome(line)),
        }
    }
}

pub(super) fn deadlines(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    // The last month says it for those paid back with it as well.
    let Some(paid) = paper.paid.last() else { return };
    let told =
        paid.given.iter().map(|Given { line, .. }| (&line.group, Due::of(&line.pay_by, paper)));
    let all = together(paper, told);
    let one = all.len() == 1;
    for (due, names) in all {
        let who = if one { "补贴资金".to_owned() } else { names.join("、") };
        let spans = match due {
            Due::By(day) => vec![said(format!("{who}应于{day}前（含当日）发放到位。"))],
            Due::Open(why) => {
                let zh = why.zh.strip_prefix("发放期限不详:").unwrap_or(&why.zh);
                let zh = if one { zh.to_owned() } else { format!("{who},{zh}") };
                let blank = text.unknown("发放期限", "due date", &Text::new(zh, why.en));
                vec![said(format!("{who}应于")), blank, said("前发放到位。")]
            }
        };
        text.body.push(Block::Body(spans));
    }
    let cites = paid.given.iter().filter_map(|given| match &given.line.pay_by {
        PayBy::Day { cite, .. } => Some(cite),
        _ => None,
    });
    basis("发放期限依据", cites, text);
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    By(String),
    Open(Text),
}

impl Due {
    fn of(pay_by: &PayBy, paper: &NoticePaper<'_>) -> Self {
        match pay_by {
            PayBy::Day { day, .. } => Self::By(day.format("%Y年%-m月%-d日").to_string()),
            other => Self::Open(paper.words.pay_by(other)),
        }
    }
}

pub(super) fn sources(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    for paid in &paper.paid {
        let owed = |given: &&Given| matches!(given.line.outcome, LineOutcome::Owed(_));
        let told = paid.given.iter().filter(owed);
        let told = told.map(|given| (&given.line.group, Shares::of(given, &paper.words)));
        let month = of_month(paper, paid.month);
        for (shares, names) in together(paper, told) {
            let who = format!("{month}{}所需资金", names.join("、"));
            let mut spans = vec![said(who)];
            spans.extend(shares.said(text, &names.join("、")));
            text.body.push(Block::Body(spans));
        }
    }
    let told = text.body.last().is_some_and(|last| matches!(last, Block::Body(_)));
    if !told {
        let why = Text::new("补贴标准待定", "the rates are to be settled");
        let blank = text.unknown("资金来源", "source of funds", &why);
        text.body.push(Block::Body(vec![said("所需资金由"), blank, said("承担。")]));
    }
    let cites = paper.paid.iter().flat_map(|paid| &paid.given);
    basis("资金来源依据", cites.flat_map(|given| &given.funding.cites), text);
}

const INCREMENT: &str = "；其中增支部分，";

/// Who pays, in words; each part none where no document says so.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shares {
    /// All of it alike.
    Whole(Option<String>),
    /// The increment (增支) otherwise than the rest.
    Parts { rest: Option<String>, increment: Option<String> },
}

impl Shares {
    fn of(Given { line, funding }: &Given, words: &Vocabulary<'_>) -> Self {
        let rest = funding.split.as_deref().map(|shares| shares_zh(shares, words));
        let increment = funding.increment_split.as_deref().map(|shares| shares_zh(shares, words));
        let further = funding.increment_further.unwrap_or_default();
        let added = (funding.increment_rate, further);
        let owed = (line.yuan().unwrap_or_default(), line.each_further_yuan.unwrap_or_default());
        if added == (Decimal::ZERO, Decimal::ZERO) || rest == increment {
            Self::Whole(rest)
        } else if added == owed {
            Self::Whole(increment)
        } else {
            Self::Parts { rest, increment }
        }
    }

    fn said(self, text: &mut NoticeText, who: &str) -> Vec<Span> {
        let mut part = |lead: &str, shares: Option<String>| match shares {
            Some(shares) => vec![said(format!("{lead}{shares}"))],
            None => {
                let part = if lead == INCREMENT { "的增支部分" } else { "" };
                let why = Text::new(
                    format!("{who}{part}，文件没有规定由谁承担"),
                    format!("no document in force says who pays {who}{part}"),
                );
                let blank = text.unknown("资金来源", "source of funds", &why);
                vec![said(format!("{lead}由")), blank, said("承担")]
            }
        };
        let mut spans = match self {
            Self::Whole(shares) => part("，", shares),
            Self::Parts { rest, increment } => {
                let mut spans = part("，", rest);
                spans.extend(part(INCREMENT, increment));
                spans
            }
        };
        spans.push(said("。"));
        spans
    }
}

/// 由…承担, with each one's share where there are several.
fn shares_zh(shares: &[FundingShare], words: &Vocabulary<'_>) -> String {
    let name = |source: Source| words.source(source.as_str()).zh;
    match shares {
        [only] => format!("由{}承担", name(only.source)),
        several => {
            let share =
                |one: &FundingShare| format!("{}承担{}", name(one.source), percent(one.share));
            format!("由{}", several.iter().map(share).collect::<Vec<_>>().join("、"))
        }
    }
}

/// A share as people write it: 80%, or 三分之一 as 1/3.
fn percent(share: Exact) -> String {
    match share.times(Exact::whole(100)) {
        Ok(hundredth) if hundredth.to_decimal(2) == hundredth.to_decimal(6) => {
            format!("{}%", hundredth.to_decimal(2).normalize())
        }
        _ => share.to_string(),
    }
}
