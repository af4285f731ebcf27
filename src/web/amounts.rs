//! What each group is owed, and the derivation step by step.

use maud::{Markup, html};

use crate::{client::number, engine::reason::Text, grpc::v1};

use super::{
    parts::{cited, missing},
    table::{Cell, Table, numbers, words},
    visit::Visit,
    words::residence,
};

/// Where the derivation of a line stands in the page.
pub(super) fn anchor(group: &str, residence: v1::Residence) -> String {
    let residence = if residence == v1::Residence::Rural { "rural" } else { "urban" };
    format!("{group}-{residence}")
}

fn unit(visit: &Visit, unit: &str) -> &'static str {
    match unit {
        "household" => visit.lang.pick("元/户·月", "yuan a household and month"),
        "household_and_heads" => {
            visit.lang.pick("元/户·月(另按人加发)", "yuan a household, plus heads")
        }
        _ => visit.lang.pick("元/人·月", "yuan a person and month"),
    }
}

/// One line for each group and residence, each sum leading to its derivation.
pub(super) fn table(visit: &Visit, quote: &v1::Quote) -> Table {
    let columns = vec![
        words("保障对象", "Group"),
        words("城乡", "Residence"),
        numbers("补贴(元)", "Subsidy (yuan)"),
        words("单位", "Unit"),
        numbers("标准(元)", "Standard (yuan)"),
        numbers("涨幅(%)", "Rise (%)"),
        numbers("取整前(元)", "Unrounded (yuan)"),
        words("应发日期", "Due"),
        words("结果", "Outcome"),
    ];
    let row = |line: &v1::SubsidyLine| {
        let sum = number(&line.subsidy_yuan);
        let to = format!("#{}", anchor(&line.group, line.residence()));
        let assumed =
            if line.assumptions.is_empty() { "" } else { visit.say("(含假设)", " (assumed)") };
        vec![
            Cell::linked(visit.text(&line.group_name), &to),
            Cell::new(residence(visit, line.residence())),
            Cell::figure(sum, &to),
            Cell::new(unit(visit, &line.unit)),
            Cell::figure(number(&line.base_yuan), &to),
            Cell::figure(number(&line.rise_pct), &to),
            Cell::figure(number(&line.unrounded_yuan), &to),
            Cell::new(&line.pay_by),
            Cell::new(format!("{}{assumed}", visit.text(&line.outcome_text))),
        ]
    };
    Table {
        id: "amounts",
        caption: Text::new("各类对象补贴标准", "Subsidy by group"),
        columns,
        rows: quote.lines.iter().map(row).collect(),
    }
}

/// The table and the derivations; folded where there is no sum at all.
pub(super) fn shown(visit: &Visit, quote: &v1::Quote, table: &Table) -> Markup {
    let all = html! { (table.shown(visit)) (derivations(visit, quote)) };
    let owed = quote.lines.iter().any(|line| line.outcome == "OWED");
    if owed || !quote.discretion.is_empty() {
        return all;
    }
    let why = quote.lines.first().map_or("", |line| visit.text(&line.outcome_text));
    html! {
        @let open = quote.status.as_ref().is_some_and(|status| {
            status.triggered() == v1::Triggered::Undecidable
        });
        @if open {
            p { (visit.say(
                "能否发放尚无法判定,应发金额未定。",
                "It cannot be said whether anything is owed, nor how much. ",
            )) (why) }
        } @else {
            p { (visit.say("本月没有应发金额。", "No sum is owed for the month. ")) (why) }
        }
        details {
            summary { (visit.say("逐类查看", "Group by group")) }
            (all)
        }
    }
}

/// Each derivation, unfolded on demand.
fn derivations(visit: &Visit, quote: &v1::Quote) -> Markup {
    html! {
        @if !quote.lines.is_empty() {
            h3 { (visit.say("怎样算出来的", "How each sum comes about")) }
        }
        @for lines in alike(&quote.lines) { (derivation(visit, &lines)) }
        @if !quote.discretion.is_empty() {
            h3 { (visit.say("酌情发放(有记载,不作计算)", "Payments by discretion, never computed")) }
            ul {
                @for one in &quote.discretion {
                    li {
                        @for (at, code) in one.groups.iter().enumerate() {
                            @if 0 < at { "、" }
                            (super::words::group(visit, code))
                        }
                        " " (number(&one.yuan)) " "
                        (unit(visit, &one.unit)) " " (one.reason)
                        @if let Some(cite) = &one.citation { br; (cited(visit, cite)) }
                    }
                }
            }
        }
    }
}

/// Lines with the same derivation, in the order in which each first occurs.
fn alike(lines: &[v1::SubsidyLine]) -> Vec<Vec<&v1::SubsidyLine>> {
    let mut all: Vec<Vec<&v1::SubsidyLine>> = Vec::new();
    for line in lines {
        let same = all.iter_mut().find(|others| {
            let other = others[0];
            (&other.outcome_text, &other.steps, &other.pay_by_text, &other.covered_by)
                == (&line.outcome_text, &line.steps, &line.pay_by_text, &line.covered_by)
        });
        match same {
            Some(others) => others.push(line),
            None => all.push(vec![line]),
        }
    }
    all
}

fn derivation(visit: &Visit, lines: &[&v1::SubsidyLine]) -> Markup {
    let Some(line) = lines.first() else { return html! {} };
    html! {
        details.derivation {
            summary {
                @for (at, line) in lines.iter().enumerate() {
                    @if 0 < at { (visit.say("、", ", ")) }
                    span id=(anchor(&line.group, line.residence())) {
                        (visit.text(&line.group_name)) "(" (residence(visit, line.residence())) ")"
                    }
                }
                " " strong { (visit.text(&line.outcome_text)) }
            }
            ol {
                @for step in &line.steps {
                    li {
                        (visit.text(&step.text))
                        @for cite in step.citation.iter().chain(&step.operand_citations) {
                            br; (cited(visit, cite))
                        }
                    }
                }
            }
            @if let Some(cite) = &line.covered_by {
                p { (visit.say("列入保障范围:", "Covered by: ")) (cited(visit, cite)) }
            }
            @if !line.assumptions.is_empty() {
                p {
                    span class="tag unknown" { (visit.say("依据假设", "rests on assumptions")) } " "
                    @for id in &line.assumptions { a href=(format!("/rules/{id}")) { (id) } " " }
                }
            }
            @if !line.missing.is_empty() { (missing(visit, &line.missing)) }
        }
    }
}
