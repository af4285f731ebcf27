//! The last page of a notice, for those who draft it and not to be sent: what is open, and on what
//! every statement rests.

use crate::rules::cite::{Cite, Kind};

use super::{
    super::{scope::span, style::office},
    NoticePaper,
    text::{Block, NoticeText, is_weak, said},
};

pub(super) fn write(paper: &NoticePaper<'_>, text: &mut NoticeText) {
    let mut page = vec![Block::Heading("拟稿说明（不随文印发）".into())];
    page.push(remark(office(&paper.reason.zh)));
    page.push(remark("印发前须填写或核定：".to_owned()));
    for (at, one) in text.open.iter().enumerate() {
        page.push(remark(format!("{}. {}", at + 1, one.zh)));
    }
    page.push(remark("适用文件：".to_owned()));
    page.push(documents(paper));
    page.push(remark("采用的价格指数（同比涨幅，%）：".to_owned()));
    page.push(figures(paper));
    let weak = weak(paper);
    if !weak.is_empty() {
        page.push(remark(format!("依据不足、须以正式文件核实的内容：{}。", weak.join("；"))));
    }
    page.push(remark(format!("适用文件摘要：SHA-256 {}", paper.law_digest)));
    text.draft = page;
}

fn remark(text: String) -> Block {
    Block::Remark(vec![said(text)])
}

fn documents(paper: &NoticePaper<'_>) -> Block {
    let row = |head: &std::sync::Arc<crate::rules::cite::Head>| {
        let number = head.number.clone().unwrap_or_else(|| "不详".to_owned());
        let kind = if head.kind == Kind::Assumption { "（假设）" } else { "" };
        let cells = [
            format!("《{}》{kind}", head.title_zh),
            number,
            span(head),
            head.digest.chars().take(16).collect(),
        ];
        cells.map(|cell| vec![said(cell)]).to_vec()
    };
    Block::Table {
        titles: ["适用文件", "文号", "指数月份", "SHA-256 前16位"].map(str::to_owned).to_vec(),
        parts: vec![40, 24, 18, 18],
        rows: paper.documents.iter().rev().map(row).collect(),
    }
}

fn figures(paper: &NoticePaper<'_>) -> Block {
    let words = &paper.words;
    let conditions = &paper.outcome.conditions;
    let readings = conditions.iter().flat_map(|condition| &condition.readings);
    let mut rows = Vec::new();
    for used in readings.flat_map(|reading| &reading.used) {
        let cells = [
            words.area(used.area),
            words.series.zh(&used.series).to_owned(),
            used.month.to_string(),
            used.value.to_string(),
            format!("第 {} 次", used.revision),
        ];
        let row = cells.map(|cell| vec![said(cell)]).to_vec();
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    Block::Table {
        titles: ["地区", "指标", "月份", "数值", "第几次发布"].map(str::to_owned).to_vec(),
        parts: vec![28, 24, 16, 16, 16],
        rows,
    }
}

/// Every citation that is less than an official text, once.
fn weak(paper: &NoticePaper<'_>) -> Vec<String> {
    let lines = paper.paid.iter().flat_map(|paid| &paid.given);
    let conditions = paper.outcome.conditions.iter();
    let mut cites: Vec<&Cite> = conditions
        .filter_map(|condition| condition.threshold.as_ref())
        .map(|cited| &cited.cite)
        .collect();
    for given in lines {
        cites.push(&given.line.covered_by);
        cites.extend(given.line.steps.iter().map(|step| &step.cite));
        cites.extend(given.line.operands().into_iter().filter_map(|operand| operand.cite()));
        cites.extend(&given.funding.cites);
    }
    cites.extend(paper.label.iter().map(|(_, cite)| cite));
    cites.extend(paper.several_groups.iter().map(|(_, cite)| cite));
    let mut found: Vec<String> = Vec::new();
    for cite in cites.into_iter().filter(|cite| is_weak(cite)) {
        let text = office(&cite.to_string());
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}
