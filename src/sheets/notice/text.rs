//! What a notice says, paragraph by paragraph.

use crate::{
    domain::{decision::State, month::Month},
    engine::{
        condition::{ConditionReading, Truth},
        reason::{Text, month_zh},
    },
    rules::{
        cite::{Cite, Head, Kind, Mark},
        word::SeveralGroups,
    },
};

use super::{
    super::style::office,
    NoticeKind, NoticePaper, draft,
    terms::{deadlines, rates, sources},
};

/// A stretch of text; a blank is marked and must be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub text: String,
    pub blank: bool,
}

/// A part of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading of the first level.
    Heading(String),
    /// A paragraph of the body.
    Body(Vec<Span>),
    /// A remark above or below a table.
    Remark(Vec<Span>),
    /// A table with its titles; widths in parts of the whole.
    Table { titles: Vec<String>, parts: Vec<usize>, rows: Vec<Vec<Vec<Span>>> },
}

/// A whole notice.
#[derive(Debug, Default)]
pub(super) struct NoticeText {
    /// Line by line.
    pub title: Vec<String>,
    pub body: Vec<Block>,
    /// The page for those who draft it; not sent.
    pub draft: Vec<Block>,
    pub open: Vec<Text>,
}

impl NoticeText {
    /// A marked blank; what is open is told once.
    pub fn blank(&mut self, zh: &str, en: &str) -> Span {
        let open = Text::new(zh, en);
        if !self.open.contains(&open) {
            self.open.push(open);
        }
        Span { text: format!("【{zh}】"), blank: true }
    }

    /// The same with the reason why it is open.
    pub fn unknown(&mut self, zh: &str, en: &str, why: &Text) -> Span {
        let open = Text::new(office(&format!("{zh}:{}", why.zh)), format!("{en}: {}", why.en));
        if !self.open.contains(&open) {
            self.open.push(open);
        }
        Span { text: format!("【{zh}】"), blank: true }
    }
}

pub(super) fn said(text: impl Into<String>) -> Span {
    Span { text: text.into(), blank: false }
}

pub(super) fn write(paper: &NoticePaper<'_>) -> NoticeText {
    let mut text = NoticeText { title: title(paper), ..NoticeText::default() };
    for (zh, en) in [
        ("发文字号", "document number"),
        ("主送机关", "addressees"),
        ("发文机关署名", "issuing office"),
        ("成文日期", "date"),
    ] {
        text.blank(zh, en);
    }
    let opening = opening(paper, &mut text);
    text.body.push(opening);
    text.body.push(Block::Heading("一、价格指数情况".into()));
    figures(paper, &mut text);
    match paper.kind {
        NoticeKind::Suspend => suspension(paper, &mut text),
        NoticeKind::Start | NoticeKind::Continue => {
            text.body.push(Block::Heading("二、保障对象和补贴标准".into()));
            rates(paper, &mut text);
            text.body.push(Block::Heading("三、发放期限".into()));
            deadlines(paper, &mut text);
            text.body.push(Block::Heading("四、资金来源".into()));
            sources(paper, &mut text);
            duties(paper, &mut text);
        }
    }
    draft::write(paper, &mut text);
    text
}

/// The title, in lines that break between words.
fn title(paper: &NoticePaper<'_>) -> Vec<String> {
    let month = month_zh(paper.outcome.month);
    let lines: &[&str] = match (paper.kind, paper.outcome.state) {
        (NoticeKind::Start, _) => &[
            "关于启动社会救助和保障标准与",
            "物价上涨挂钩联动机制发放",
            &format!("{}价格临时补贴的通知", months_zh(paper)),
        ],
        (NoticeKind::Continue, _) => &[&format!("关于继续发放{month}"), "价格临时补贴的通知"],
        (NoticeKind::Suspend, State::Suspended) => {
            &[&format!("关于中止发放{month}"), "价格临时补贴的通知"]
        }
        (NoticeKind::Suspend, _) => &["关于中止社会救助和保障标准与", "物价上涨挂钩联动机制的通知"],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The months paid, as a span.
pub(super) fn months_zh(paper: &NoticePaper<'_>) -> String {
    let last = paper.outcome.month;
    let first = paper.paid.first().map_or(last, |paid| paid.month);
    match (first == last, first.year() == last.year()) {
        (true, _) => month_zh(last),
        (false, true) => format!("{}至{}月", month_zh(first), last.month()),
        (false, false) => format!("{}至{}", month_zh(first), month_zh(last)),
    }
}

/// A document with who issued it; its number is a blank where it is not known.
pub(super) fn document(head: &Head, text: &mut NoticeText) -> Vec<Span> {
    let issuer = match head.issuers.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first}等{}部门", rest.len() + 1),
    };
    let title = format!("{issuer}《{}》", office(&head.title_zh));
    match &head.number {
        Some(number) => vec![said(format!("{title}（{number}）"))],
        None => {
            let why = Text::new(format!("《{}》", head.title_zh), head.title_en.clone());
            let blank = text.unknown("文号", "number of a document", &why);
            vec![said(format!("{title}（")), blank, said("）")]
        }
    }
}

fn opening(paper: &NoticePaper<'_>, text: &mut NoticeText) -> Block {
    let mut spans = vec![said("根据")];
    let law = paper.documents.iter().filter(|head| head.kind != Kind::Assumption);
    let law: Vec<_> = law.collect();
    for (at, head) in law.iter().enumerate() {
        if 0 < at {
            spans.push(said("、"));
        }
        spans.extend(document(head, text));
    }
    spans.push(said(if law.len() == 1 { "规定，" } else { "等规定，" }));
    let (area, month) = (paper.words.area(paper.area), month_zh(paper.outcome.month));
    let by = match paper.outcome.deciding == paper.area {
        true => String::new(),
        false => format!("（按{}指数判定）", paper.words.area(paper.outcome.deciding)),
    };
    let rest = match paper.kind {
        NoticeKind::Start => format!(
            "{area}{month}价格指数已达到联动机制启动条件{by}，现启动联动机制，发放{}价格\
             临时补贴。有关事项通知如下：",
            months_zh(paper)
        ),
        NoticeKind::Continue => {
            let since = paper.outcome.since.map(month_zh);
            let since = since.map_or_else(String::new, |since| format!("（自{since}起启动）"));
            // A month may be paid although nothing holds, until the rule ends the mechanism.
            let why = match paper.outcome.carried_by.is_empty() {
                true => "联动机制尚未终止",
                false => "价格指数仍符合联动机制发放条件",
            };
            format!(
                "{area}{month}{why}{by}，联动机制{since}继续执行，发放{month}价格临时补贴。有关事项\
                 通知如下："
            )
        }
        NoticeKind::Suspend => {
            let what = match paper.outcome.state {
                State::Suspended => format!("现中止发放{month}价格临时补贴"),
                _ => "现中止联动机制".to_owned(),
            };
            // The rule may also end it while an index is still high.
            let high = paper.outcome.conditions.iter().any(|one| one.met == Truth::Yes);
            let why = match high {
                true => "按规定不再发放价格临时补贴",
                false => "价格指数不符合联动机制发放条件",
            };
            format!("{area}{month}{why}{by}，{what}。有关事项通知如下：")
        }
    };
    spans.push(said(rest));
    Block::Body(spans)
}

fn figures(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    let (deciding, month) = (paper.words.area(paper.outcome.deciding), paper.outcome.month);
    let lead = format!("{deciding}{}有关价格指数同比涨幅和启动条件如下：", month_zh(month));
    text.body.push(Block::Body(vec![said(lead)]));
    let mut rows = Vec::new();
    for condition in &paper.outcome.conditions {
        rows.push(condition_row(paper, condition, text));
    }
    let titles = ["指标", "同比涨幅", "启动条件", "是否符合"].map(str::to_owned).to_vec();
    text.body.push(Block::Table { titles, parts: vec![30, 28, 24, 18], rows });
    let thresholds = paper.outcome.conditions.iter();
    let thresholds = thresholds.filter_map(|condition| condition.threshold.as_ref());
    basis("启动条件依据", thresholds.map(|cited| &cited.cite), text);
}

fn condition_row(
    paper: &NoticePaper<'_>,
    condition: &ConditionReading,
    text: &mut NoticeText,
) -> Vec<Vec<Span>> {
    let parts = paper.words.condition_parts(condition);
    let values = match condition.missing.is_empty() {
        true => said(office(&parts.values.zh)),
        false => {
            let lacks = condition.missing.iter().map(|one| paper.words.missing(one));
            let why = Text::join(lacks, "、", ", ");
            text.unknown("数据待补", "figure missing", &why)
        }
    };
    let threshold = match &parts.threshold {
        Some(threshold) => said(threshold.zh.clone()),
        None => text.blank("启动条件待定", "threshold not set"),
    };
    let cells = [said(office(&parts.name.zh)), values, threshold, said(parts.met.zh)];
    cells.map(|cell| vec![cell]).to_vec()
}

/// Says below a table on which documents and clauses it rests; assumptions are told elsewhere.
pub(super) fn basis<'c>(
    what: &str,
    cites: impl IntoIterator<Item = &'c Cite>,
    text: &mut NoticeText,
) {
    let mut documents: Vec<(&Head, Vec<String>)> = Vec::new();
    for cite in cites.into_iter().filter(|cite| !cite.is_assumed()) {
        let clause = office(&cite.clause);
        match documents.iter_mut().find(|(head, _)| head.id == cite.head.id) {
            Some((_, clauses)) if clause.is_empty() || clauses.contains(&clause) => {}
            Some((_, clauses)) => clauses.push(clause),
            None => {
                let clauses = if clause.is_empty() { Vec::new() } else { vec![clause] };
                documents.push((&cite.head, clauses));
            }
        }
    }
    let named = documents.iter().map(|(head, clauses)| {
        let number = head.number.as_ref().map_or_else(String::new, |one| format!("（{one}）"));
        let clauses = match clauses.as_slice() {
            [] => String::new(),
            all => format!("“{}”", all.join("”“")),
        };
        format!("《{}》{number}{clauses}", office(&head.title_zh))
    });
    let named = named.collect::<Vec<_>>().join("；");
    if !named.is_empty() {
        text.body.push(Block::Remark(vec![said(format!("{what}：{named}。"))]));
    }
}

/// Whether a citation is less than a text or an official report of it.
pub(super) fn is_weak(cite: &Cite) -> bool {
    cite.is_assumed() || matches!(cite.mark, Mark::M | Mark::H | Mark::L | Mark::U)
}

fn suspension(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    let month = month_zh(paper.outcome.month);
    text.body.push(Block::Heading("二、中止发放".into()));
    let stop = match paper.outcome.state {
        State::Suspended => format!(
            "{month}（指数月份）中止发放价格临时补贴；以后月份价格指数达到规定条件的，另行通知。"
        ),
        _ => format!(
            "自{month}（指数月份）起中止联动机制，停止发放价格临时补贴；以后月份价格指数再次达到启动\
             条件的，另行通知启动。"
        ),
    };
    text.body.push(Block::Body(vec![said(stop)]));
}

fn duties(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    let mut all = Vec::new();
    if let Some((label, _)) = &paper.label {
        all.push(vec![said(format!("发放时应注明“{label}”。"))]);
    }
    if let Some((several, cite)) = &paper.several_groups {
        let sentence = match several {
            SeveralGroups::Highest => {
                "同一人员同时符合多类保障对象条件的，只按其中最高标准发放一份，不重复发放。"
            }
            SeveralGroups::Each => "同一人员同时符合多类保障对象条件的，按各类标准分别发放。",
        };
        let mut spans = vec![said(sentence)];
        if is_weak(cite) {
            let why = Text::new("多重身份如何发放", "what a person in several groups gets");
            spans.push(text.unknown("依据待核实", "basis to be verified", &why));
        }
        all.push(spans);
    }
    if all.is_empty() {
        return;
    }
    text.body.push(Block::Heading("五、发放要求".into()));
    text.body.extend(all.into_iter().map(Block::Body));
}

/// A month before a sentence, where several are paid.
pub(super) fn of_month(paper: &NoticePaper<'_>, month: Month) -> String {
    if paper.paid.len() < 2 { String::new() } else { month_zh(month) }
}
