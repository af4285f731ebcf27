//! `/replay`: an area over a span, under the law in force, another one, or thresholds and a floor moved by
//! hand. The address is the question, so that a result can be sent to somebody.

use std::collections::BTreeMap;

use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use tokio_stream::StreamExt;

use crate::{
    client::{lists, month_text, number, replay, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::v1,
};

use super::{
    area::drawn,
    frame::{Shown, Tab},
    law::{area_field, area_in},
    names::area_name,
    parts::area_page,
    refusal::Refusal,
    slider::{Sliders, sliders},
    table::{Cell, Table, numbers, words},
    visit::Visit,
    words as word,
};

/// The page.
pub(super) async fn page(visit: Visit) -> Response {
    let shown = shown(&visit).await;
    visit.answer(shown)
}

async fn shown(visit: &Visit) -> Result<Shown, Refusal> {
    let area = area_in(visit, "area")?;
    let months = visit.months();
    let newest = months.first().copied().unwrap_or_else(super::site::first_month);
    let from = visit.month_in("from")?.unwrap_or_else(super::site::first_month);
    let until = visit.month_in("until")?.unwrap_or(newest);
    let law = law(visit)?;
    let sliders = match visit.may_ask("ReplayService/Compare") {
        true => sliders(visit, &area, until, &law).await?,
        false => Sliders::default(),
    };
    let asking = asking(visit, law, &sliders)?;
    let supposed = asking != v1::Asking::default();
    let request = v1::ReplayRequest {
        areas: vec![area.clone()],
        from: Some(year_month(from)),
        until: Some(year_month(until)),
        asking: Some(asking.clone()),
        depth: v1::Depth::Steps.into(),
        ..Default::default()
    };
    let mut replayed = lists::replayed(&visit.ask(), request.clone()).await?;
    add_sums(visit, &mut replayed, request).await?;
    let totals = match supposed && visit.may_ask("ReplayService/Compare") {
        true => compared(visit, &area, (from, until), asking).await?,
        false => Vec::new(),
    };
    let statuses: Vec<_> = replayed.iter().filter_map(|month| month.status.clone()).collect();
    let tables = vec![paid(visit, &replayed), gained(&totals)];
    let name = area_name(visit, &area);
    let title = Text::new(format!("{name} 历史测算"), format!("Replay of {name}"));
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        (form(visit, &area, (from, until), &sliders))
        div id="result" aria-live="polite" {
            @if supposed {
                p.hint { (visit.say(
                    "以下为假设规则的结果,仅供研究,不得据以发放。",
                    "What follows is under another law: nothing is paid by it.",
                )) }
                @if !totals.is_empty() { (tables[1].shown(visit)) }
            }
            @if let Some(svg) = drawn(visit, &statuses) {
                div.chart role="region" aria-label=(visit.say("指数图", "Chart")) tabindex="0" {
                    (PreEscaped(svg))
                }
            }
            (tables[0].shown(visit))
            p {
                a href=(permanent(visit, &area, (from, until))) {
                    (visit.say("本结果的固定链接(同一区间)", "Link to this result (the same span)"))
                }
            }
        }
    };
    Ok(Shown { title, tab: Tab::Replay, tables, body })
}

/// The address with what it left to the page.
fn permanent(visit: &Visit, area: &str, (from, until): (Month, Month)) -> String {
    visit.here(&[("area", area), ("from", &from.to_string()), ("until", &until.to_string())])
}

/// Adds the sums of the months that are paid, which are few, stretch by stretch.
async fn add_sums(
    visit: &Visit,
    months: &mut [v1::ReplayMonth],
    asked: v1::ReplayRequest,
) -> Result<(), Refusal> {
    let is_paid = |month: &v1::ReplayMonth| {
        month.status.as_ref().map(v1::Status::triggered) == Some(v1::Triggered::Yes)
    };
    let month_of = |month: &v1::ReplayMonth| month.status.as_ref().and_then(|status| status.month);
    for stretch in months.chunk_by_mut(|one, other| is_paid(one) == is_paid(other)) {
        if !is_paid(&stretch[0]) {
            continue;
        }
        let request = v1::ReplayRequest {
            from: stretch.first().and_then(month_of),
            until: stretch.last().and_then(month_of),
            with_amounts: true,
            depth: v1::Depth::Answer.into(),
            ..asked.clone()
        };
        let found = lists::replayed(&visit.ask(), request).await?;
        for (month, found) in stretch.iter_mut().zip(found) {
            month.lines = found.lines;
        }
    }
    Ok(())
}

/// The law asked for, before anything is tried.
fn law(visit: &Visit) -> Result<v1::Asking, Refusal> {
    let law = match (visit.month_in("as_of")?, visit.field("document")) {
        (Some(month), _) => Some(v1::asking::Law::LawAsOf(year_month(month))),
        (None, "") => None,
        (None, id) => Some(v1::asking::Law::LawDocument(id.to_owned())),
    };
    Ok(v1::Asking { law, strict: visit.field("strict") == "yes", ..Default::default() })
}

/// The law asked for with the values tried laid over it.
fn asking(visit: &Visit, law: v1::Asking, sliders: &Sliders) -> Result<v1::Asking, Refusal> {
    let reforms = match visit.field("reform") {
        "yes" => sliders.reform()?.into_iter().collect(),
        _ => Vec::new(),
    };
    Ok(v1::Asking { reforms, ..law })
}

/// The law in force and the one asked for, beside each other.
async fn compared(
    visit: &Visit,
    area: &str,
    (from, until): (Month, Month),
    asking: v1::Asking,
) -> Result<Vec<v1::LawTotals>, Refusal> {
    let named =
        |zh, en, asking| v1::NamedLaw { name: visit.say(zh, en).to_owned(), asking: Some(asking) };
    let request = v1::CompareRequest {
        laws: vec![
            named("现行规则", "law in force", v1::Asking::default()),
            named("所选规则", "law chosen", asking),
        ],
        extent: Some(v1::Extent {
            areas: vec![area.to_owned()],
            from: Some(year_month(from)),
            until: Some(year_month(until)),
            ..Default::default()
        }),
        with_amounts: true,
        headcounts: Vec::new(),
    };
    let mut parts = replay(&visit.ask()).compare(request).await?.into_inner();
    let mut totals = Vec::new();
    while let Some(part) = parts.next().await {
        if let Some(v1::compare_response::Item::Totals(found)) = part?.item {
            totals = found.laws;
        }
    }
    Ok(totals)
}

fn gained(totals: &[v1::LawTotals]) -> Table {
    let row = |law: &v1::LawTotals| {
        let each = law.all.as_ref().map(|all| number(&all.yuan_each)).unwrap_or_default();
        vec![
            Cell::new(&law.name),
            Cell::new(law.paid.to_string()),
            Cell::new(law.starts.to_string()),
            Cell::new(law.gained.to_string()),
            Cell::new(law.lost.to_string()),
            Cell::new(law.undecidable.to_string()),
            Cell::new(each),
        ]
    };
    Table {
        id: "totals",
        caption: Text::new("与现行规则对照", "Beside the law in force"),
        columns: vec![
            words("规则", "Law"),
            numbers("发放月数", "Months paid"),
            numbers("启动次数", "Starts"),
            numbers("增加的月份", "Gained"),
            numbers("减少的月份", "Lost"),
            numbers("无法判定", "Undecidable"),
            numbers("各类一人合计(元)", "One person of each group (yuan)"),
        ],
        rows: totals.iter().map(row).collect(),
    }
}

/// The months paid, each with the sums of every group, and stretches that cannot be decided.
fn paid(visit: &Visit, months: &[v1::ReplayMonth]) -> Table {
    let is_open = |month: &v1::ReplayMonth| {
        month.status.as_ref().map(v1::Status::triggered) == Some(v1::Triggered::Undecidable)
    };
    let stretches = months.chunk_by(|one, other| is_open(one) && is_open(other));
    let row = |stretch: &[v1::ReplayMonth]| {
        let (first, last) = (stretch.first()?, stretch.last()?);
        let status = first.status.as_ref().filter(|one| one.triggered() != v1::Triggered::No)?;
        let at = month_text(status.month);
        let until = month_text(last.status.as_ref().and_then(|status| status.month));
        let sums = if is_open(first) { String::new() } else { sums(visit, &first.lines) };
        Some(vec![
            Cell::linked(&at, area_page(&status.area, &at)),
            Cell::linked(&until, area_page(&status.area, &until)),
            Cell::new(word::state(visit, status.state())).toned(word::tone(status.triggered())),
            Cell::new(visit.text(&status.reason)),
            Cell::new(sums),
        ])
    };
    let mut rows: Vec<_> = stretches.filter_map(row).collect();
    rows.reverse();
    Table {
        id: "months",
        caption: Text::new("发放或无法判定的月份", "Months paid or undecidable"),
        columns: vec![
            words("起", "From"),
            words("止", "Until"),
            words("状态", "State"),
            words("依据", "Why"),
            words("每人每月(元)", "A person and month (yuan)"),
        ],
        rows,
    }
}

/// The groups that get each sum.
fn sums(visit: &Visit, lines: &[v1::SubsidyLine]) -> String {
    let mut sums: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let sum = match number(&line.subsidy_yuan) {
            sum if sum.is_empty() => visit.say("未定", "open").to_owned(),
            sum => sum,
        };
        let sum = format!("{} {sum}", word::residence(visit, line.residence()));
        sums.entry(sum).or_default().push(visit.text(&line.group_name).to_owned());
    }
    let sums = sums.iter().map(|(sum, who)| format!("{sum}:{}", who.join(visit.say("、", ", "))));
    sums.collect::<Vec<_>>().join(visit.say(";", "; "))
}

fn form(visit: &Visit, area: &str, (from, until): (Month, Month), sliders: &Sliders) -> Markup {
    let as_of = visit.field("as_of");
    html! {
        form.replay method="get" action="/replay" data-live="result" {
            div.choice {
                (area_field(visit, "area", area))
                (month_field("from", visit.say("起", "From"), &from.to_string(), true))
                (month_field("until", visit.say("止", "Until"), &until.to_string(), true))
                (month_field("as_of", visit.say("按此月的规则", "Law as of"), as_of, false))
                label {
                    span { (visit.say("按此文件", "Law of document")) }
                    input name="document" value=(visit.field("document")) size="14" placeholder="nation-2016";
                }
            }
            @if !sliders.all.is_empty() { fieldset {
                legend {
                    label.check {
                        input type="checkbox" name="reform" value="yes"
                            checked[visit.field("reform") == "yes"];
                        span { (visit.say("按下列数值试算(适用于整个区间)", "Try these values, over the whole span")) }
                    }
                }
                @for slider in &sliders.all {
                    label.slider {
                        span { (slider.name) " (" (visit.say("现行 ", "now ")) (word::value(visit, &slider.now)) ")" }
                        input type="range" name=(slider.path) min="0" max=(slider.most)
                            step=(slider.step) value=(slider.value);
                        output { (slider.value) }
                    }
                }
            } }
            button.strong { (visit.say("计算", "Work it out")) }
        }
    }
}

fn month_field(name: &str, label: &str, value: &str, required: bool) -> Markup {
    html! {
        label {
            span { (label) }
            input name=(name) value=(value) pattern="[0-9]{4}-[0-9]{2}" size="8" placeholder="2021-04"
                required[required];
        }
    }
}
