//! `/rules`: documents on a timeline, what is in force for an area and month, what is left open, and two
//! documents beside each other.

use std::collections::BTreeMap;

use axum::response::Response;
use maud::{Markup, html};

use crate::{
    client::{lists, month_of, month_text, rule, year_month},
    domain::month::Month,
    engine::reason::{Text, month_zh},
    grpc::v1,
};

use super::{
    frame::{Shown, Tab},
    names::area_name,
    parts::month_choice,
    refusal::Refusal,
    table::{Cell, Table, words},
    visit::Visit,
    words as word,
};

/// The law in force.
pub(super) async fn page(visit: Visit) -> Response {
    let shown = in_force(&visit).await;
    visit.answer(shown)
}

/// Two documents beside each other.
pub(super) async fn compare(visit: Visit) -> Response {
    let shown = compared(&visit).await;
    visit.answer(shown)
}

/// The area of the field, by code or by its whole name.
pub(super) fn area_in(visit: &Visit, name: &str) -> Result<String, Refusal> {
    let areas = &visit.reference().data.areas;
    let asked = match visit.field(name).trim() {
        "" => &visit.home("TriggerService/GetStatus"),
        asked => asked,
    };
    if asked.parse().is_ok_and(|code| areas.get(code).is_some()) {
        return Ok(asked.to_owned());
    }
    let found = areas.all().find(|area| area.name == asked);
    let found = found.map(|area| area.code.to_string());
    found.ok_or_else(|| Refusal::field(name, asked, "150100 / 呼和浩特市"))
}

/// A field for an area, by code or name.
pub(super) fn area_field(visit: &Visit, name: &str, value: &str) -> Markup {
    html! {
        label {
            span { (visit.say("地区(代码或全称)", "Area (code or full name)")) }
            input name=(name) value=(value) size="14" autocomplete="off" required;
        }
        span.named { (area_name(visit, value)) }
    }
}

async fn rules(
    visit: &Visit,
    area: &str,
    month: Month,
    asking: v1::Asking,
) -> Result<v1::Rules, Refusal> {
    let request = v1::GetRulesRequest {
        area: area.to_owned(),
        month: Some(year_month(month)),
        asking: Some(asking),
    };
    Ok(rule(&visit.ask()).get_rules(request).await?.into_inner())
}

async fn in_force(visit: &Visit) -> Result<Shown, Refusal> {
    let area = area_in(visit, "area")?;
    let months = visit.months();
    let month = visit.month_in("month")?.or(months.first().copied());
    let month = month.unwrap_or_else(super::site::first_month);
    let request =
        v1::ListInstrumentsRequest { area: area.clone(), page_size: 500, ..Default::default() };
    let documents = lists::instruments(&visit.ask(), request).await?;
    let found = rules(visit, &area, month, v1::Asking::default()).await?;
    let title = Text::new(
        format!("{} {}适用的规则", area_name(visit, &area), month_zh(month)),
        format!("The law of {} in {month}", area_name(visit, &area)),
    );
    let tables = vec![parameters(visit, &found), groups(visit, &found), list(visit, &documents)];
    let open = open(visit, &found);
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        form.choice method="get" action="/rules" {
            (area_field(visit, "area", &area))
            (month_choice(visit, &months, month))
            button { (visit.say("查看", "Show")) }
        }
        section {
            h2 { (visit.say("适用的文件", "Documents applied")) }
            ol {
                @for one in &found.instruments {
                    li {
                        a href=(format!("/rules/{}", one.id)) { "《" (one.title_zh) "》" }
                        " " (one.number) " · " (word::document_kind(visit, &one.kind))
                    }
                }
            }
        }
        section {
            h2 { (visit.say("文件沿革", "Documents through time")) }
            (timeline(visit, &documents, month, months.first().copied().unwrap_or(month)))
            (tables[2].shown(visit))
        }
        section {
            h2 { (visit.say("各项参数及出处", "Parameters and where they stand")) }
            (tables[0].shown(visit))
            h3 { (visit.say("尚未明确的", "Left open")) }
            @if open.is_empty() {
                p { (visit.say("没有。", "Nothing.")) }
            } @else {
                ul { @for path in &open { li { code { (path) } } } }
            }
        }
        section {
            h2 { (visit.say("保障对象", "Groups covered")) }
            (tables[1].shown(visit))
        }
        (comparison(visit, &documents, &area, month))
    };
    Ok(Shown { title, tab: Tab::Law, tables, body })
}

/// A document by its number, or by its id where the number is not known.
fn short(cite: &v1::Citation) -> String {
    let name = if cite.number.is_empty() { &cite.instrument } else { &cite.number };
    name.clone()
}

/// What the topmost document says, with the value it leaves as it was or open.
fn held(visit: &Visit, parameter: &v1::Parameter) -> String {
    let says = |one: &v1::Provision| {
        format!("{} {}", word::value(visit, &one.text), one.when).trim().to_owned()
    };
    let Some(first) = parameter.says.first() else { return String::new() };
    let passes = |one: &&v1::Provision| matches!(one.text.as_str(), "inherited" | "open");
    let below = parameter.says.iter().find(|one| !passes(one));
    match below.filter(|_| passes(&first)) {
        None => says(first),
        Some(below) => {
            let cite = below.citation.clone().unwrap_or_default();
            format!("{}({} {})", says(below), says(first), short(&cite))
        }
    }
}

/// The value that holds, with what it replaced.
fn parameters(visit: &Visit, rules: &v1::Rules) -> Table {
    let row = |parameter: &v1::Parameter| {
        let first = parameter.says.first().cloned().unwrap_or_default();
        let cite = first.citation.clone().unwrap_or_default();
        let replaced = parameter.says.iter().skip(1).map(|says| {
            let cite = says.citation.clone().unwrap_or_default();
            format!("{} ← {}", says.text, short(&cite))
        });
        vec![
            Cell::new(word::parameter(visit, &parameter.path)),
            Cell::new(&parameter.path),
            Cell::new(held(visit, parameter)),
            Cell::linked(short(&cite), format!("/rules/{}", cite.instrument)),
            Cell::new(&cite.clause),
            Cell::new(format!("{} {}", cite.confidence, word::confidence(visit, &cite.confidence))),
            Cell::new(replaced.collect::<Vec<_>>().join("; ")),
        ]
    };
    Table {
        id: "parameters",
        caption: Text::new("参数", "Parameters"),
        columns: vec![
            words("参数", "Parameter"),
            words("代码", "Path"),
            words("取值", "Value"),
            words("文件", "Document"),
            words("条款", "Clause"),
            words("可信度", "Confidence"),
            words("取代", "Replaces"),
        ],
        rows: rules.parameters.iter().map(row).collect(),
    }
}

fn groups(visit: &Visit, rules: &v1::Rules) -> Table {
    let row = |group: &v1::CoveredGroup| {
        let cite = group.citation.clone().unwrap_or_default();
        vec![
            Cell::new(visit.text(&group.name)),
            Cell::new(&group.group),
            Cell::linked(short(&cite), format!("/rules/{}", cite.instrument)),
            Cell::new(&cite.clause),
        ]
    };
    Table {
        id: "groups",
        caption: Text::new("保障对象", "Groups covered"),
        columns: vec![
            words("对象", "Group"),
            words("代码", "Code"),
            words("文件", "Document"),
            words("条款", "Clause"),
        ],
        rows: rules.groups.iter().map(row).collect(),
    }
}

fn list(visit: &Visit, documents: &[v1::Instrument]) -> Table {
    let row = |one: &v1::Instrument| {
        vec![
            Cell::linked(format!("《{}》", one.title_zh), format!("/rules/{}", one.id)),
            Cell::new(&one.number),
            Cell::new(word::document_kind(visit, &one.kind)),
            Cell::new(area_name(visit, &one.jurisdiction)),
            Cell::new(month_text(one.from)),
            Cell::new(month_text(one.until)),
        ]
    };
    Table {
        id: "documents",
        caption: Text::new("本地区各个时期的文件", "Every document that holds here"),
        columns: vec![
            words("文件", "Document"),
            words("文号", "Number"),
            words("种类", "Kind"),
            words("地区", "Jurisdiction"),
            words("起(指数月份)", "From"),
            words("止", "Until"),
        ],
        rows: documents.iter().map(row).collect(),
    }
}

/// Paths of parameters that the topmost document leaves open.
fn open(visit: &Visit, rules: &v1::Rules) -> Vec<String> {
    let open = rules
        .parameters
        .iter()
        .filter(|parameter| parameter.says.first().is_some_and(|says| says.text == "open"));
    let why = |parameter: &v1::Parameter| {
        let cite =
            parameter.says.first().and_then(|says| says.citation.clone()).unwrap_or_default();
        format!("{} {}《{}》{}", parameter.path, visit.say("见", "in "), cite.title_zh, cite.note)
    };
    open.map(why).collect()
}

/// A bar shorter than this has its label beside it.
const SHORT: i64 = 160;

/// A bar for each document over the years, with the month asked about.
fn timeline(visit: &Visit, documents: &[v1::Instrument], at: Month, newest: Month) -> Markup {
    let first = Month::new(2008, 1).unwrap_or(Month::FIRST);
    let months = |month: Month| 12 * i64::from(month.year()) + i64::from(month.month());
    let x = |month: Month| 3 * (months(month) - months(first)).max(0);
    let last = newest.max(at).plus(12).unwrap_or(at);
    // Room for the label of a document that begins late.
    let (width, height) = (x(last) + 300, 22 * documents.len() as i64 + 24);
    html! {
        div.chart role="region" tabindex="0" aria-label=(visit.say("文件时间轴", "Documents over time")) {
            svg.timeline viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height)
                role="group" aria-label=(visit.say("文件时间轴,详见下表", "Documents over time; see the table")) {
                @for year in (first.year()..=last.year()).step_by(2) {
                    @let january = x(Month::new(year, 1).unwrap_or(first));
                    line class="grid" x1=(january) x2=(january) y1="16" y2=(height) {}
                    text class="year" x=(january + 2) y="12" { (year) }
                }
                @for (row, one) in (0_i64..).zip(documents) {
                    @let from = month_of(one.from).map_or(0, x);
                    @let until = month_of(one.until).map_or(x(last), |until| x(until) + 3);
                    @let y = 20 + 22 * row;
                    a href=(format!("/rules/{}", one.id)) {
                        rect class={ "bar " (one.kind) } x=(from) y=(y) height="18"
                            width=((until - from).max(6)) {
                            title { (one.title_zh) " " (month_text(one.from)) "–" (month_text(one.until)) }
                        }
                        text class="label" x=(if until - from < SHORT { from.max(until) + 8 } else { from + 4 })
                            y=(y + 13) {
                            @if one.number.is_empty() { (one.title_zh) } @else { (one.number) }
                        }
                    }
                }
                line class="now" x1=(x(at)) x2=(x(at)) y1="16" y2=(height) {}
            }
        }
    }
}

fn comparison(visit: &Visit, documents: &[v1::Instrument], area: &str, month: Month) -> Markup {
    let choice = |name: &str, label: &str, at: usize| {
        html! {
            label {
                span { (label) }
                select name=(name) {
                    @for (place, one) in documents.iter().enumerate() {
                        option value=(one.id) selected[place == at] { (one.id) " 《" (one.title_zh) "》" }
                    }
                }
            }
        }
    };
    html! {
        section {
            h2 { (visit.say("比较两份文件", "Compare two documents")) }
            form.choice method="get" action="/rules/compare" {
                input type="hidden" name="area" value=(area);
                input type="hidden" name="month" value=(month);
                (choice("first", visit.say("甲", "First"), 0))
                (choice("second", visit.say("乙", "Second"), documents.len().saturating_sub(1)))
                button { (visit.say("比较", "Compare")) }
            }
        }
    }
}

/// Under one document and those it amends.
fn under(document: &str) -> v1::Asking {
    let law = Some(v1::asking::Law::LawDocument(document.to_owned()));
    v1::Asking { law, ..Default::default() }
}

async fn compared(visit: &Visit) -> Result<Shown, Refusal> {
    let area = area_in(visit, "area")?;
    let month = visit.month_in("month")?.unwrap_or_else(super::site::first_month);
    let names = [visit.field("first").to_owned(), visit.field("second").to_owned()];
    let first = rules(visit, &area, month, under(&names[0])).await?;
    let second = rules(visit, &area, month, under(&names[1])).await?;
    let mut both: BTreeMap<String, [String; 2]> = BTreeMap::new();
    for (side, rules) in [&first, &second].into_iter().enumerate() {
        for parameter in &rules.parameters {
            let says = parameter.says.first().cloned().unwrap_or_default();
            both.entry(parameter.path.clone()).or_default()[side] =
                format!("{} {}", word::value(visit, &says.text), says.when).trim().to_owned();
        }
        for group in &rules.groups {
            both.entry(format!("{} · {}", visit.say("保障对象", "groups"), group.group))
                .or_default()[side] = visit.text(&group.name).to_owned();
        }
    }
    let row = |(path, [one, other]): (&String, &[String; 2])| {
        let differs = one != other;
        let tone = if differs { "differs" } else { "" };
        let mark = if differs { visit.say("不同", "differs") } else { "" };
        vec![
            Cell::new(word::parameter(visit, path)),
            Cell::new(one).toned(tone),
            Cell::new(other).toned(tone),
            Cell::new(mark),
        ]
    };
    let table = Table {
        id: "comparison",
        caption: Text::new("逐项对照", "Side by side"),
        columns: vec![
            words("参数或对象", "Parameter or group"),
            words(&names[0], &names[0]),
            words(&names[1], &names[1]),
            words("异同", "Difference"),
        ],
        rows: both.iter().map(row).collect(),
    };
    let title = Text::new("两份文件对照", "Two documents side by side");
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        ul { @for (name, rules) in names.iter().zip([&first, &second]) { li {
            a href=(format!("/rules/{name}")) { (name) }
            @if let Some(one) = rules.instruments.iter().find(|one| one.id == *name) {
                " 《" (one.title_zh) "》" (one.number)
            }
        } } }
        (table.shown(visit))
        p { a href="/rules" { (visit.say("返回法规文件", "Back to the law")) } }
    };
    Ok(Shown { title, tab: Tab::Law, tables: vec![table], body })
}
