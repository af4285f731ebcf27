//! `/rules/nation-2016`: one document, its head and its text.

use axum::{extract::Path, response::Response};
use maud::html;

use crate::{
    client::{lists, month_text},
    engine::reason::Text,
    grpc::v1,
};

use super::{
    frame::{Shown, Tab},
    names::area_name,
    refusal::Refusal,
    table::{Cell, Table, words},
    visit::Visit,
    words as word,
};

/// The page.
pub(super) async fn page(Path(id): Path<String>, visit: Visit) -> Response {
    let shown = shown(&visit, id).await;
    visit.answer(shown)
}

async fn shown(visit: &Visit, id: String) -> Result<Shown, Refusal> {
    let request = v1::ListInstrumentsRequest { id, ..Default::default() };
    let found = lists::instruments(&visit.ask(), request).await?;
    let one = found.into_iter().next().ok_or_else(Refusal::not_found)?;
    let until = match month_text(one.until) {
        until if until.is_empty() => visit.say("未定", "open").to_owned(),
        until => until,
    };
    let title = Text::new(format!("《{}》", one.title_zh), one.title_en.clone());
    let facts = [
        (visit.say("文号", "Number"), one.number.clone()),
        (visit.say("发文机关", "Issued by"), one.issuers.join("、")),
        (visit.say("发文日期", "Issued on"), one.issued.clone()),
        (visit.say("种类", "Kind"), word::document_kind(visit, &one.kind)),
        (visit.say("适用地区", "Jurisdiction"), area_name(visit, &one.jurisdiction)),
        (visit.say("适用指数月份", "Index months"), format!("{} – {until}", month_text(one.from))),
        (visit.say("说明", "Remarks"), one.note.clone()),
        (visit.say("文本摘要值", "Digest of the text"), one.digest.clone()),
    ];
    let facts: Vec<_> = facts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let row = |(name, value): &(&str, String)| vec![Cell::new(*name), Cell::new(value)];
    let table = Table {
        id: "document",
        caption: Text::new("文件概况", "The document"),
        columns: vec![words("项目", "What"), words("内容", "Value")],
        rows: facts.iter().map(row).collect(),
    };
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        dl.facts {
            @for (name, value) in &facts { dt { (name) } dd { (value) } }
            @if !one.amends.is_empty() {
                dt { (visit.say("落实或修改", "Carries out or amends")) }
                dd { @for id in &one.amends { a href=(format!("/rules/{id}")) { (id) } " " } }
            }
            @if !one.sources.is_empty() {
                dt { (visit.say("出处", "Read in")) }
                dd { ul { @for source in &one.sources { li { (source) } } } }
            }
        }
        (table.links(visit))
        details open {
            summary { (visit.say("规则文本(程序据此计算)", "The rule as data, by which is computed")) }
            pre tabindex="0" { code { (one.text) } }
        }
        p { a href="/rules" { (visit.say("返回法规文件", "Back to the law")) } }
    };
    Ok(Shown { title, tab: Tab::Law, tables: vec![table], body })
}
