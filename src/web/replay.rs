//! `/replay`: an area over a span, under the law in force, another one, or thresholds and a floor moved by
//! hand. The address is the question, so that a result can be sent to somebody.

use std::collections::BTreeMap;

use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use tokio_stream::StreamExt;

use crate::{
    client::{lists, month_text, number, replay, rule, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::v1,
    rules::reform::Reform,
};

use super::{
    area::drawn,
    frame::{Shown, Tab},
    law::{area_field, area_in},
    month::area_name,
    parts::area_page,
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::Visit,
    words as word,
};

/// The page.
pub(super) async fn page(visit: Visit) -> Response {
    let shown = shown(&visit).await;
    visit.answer(shown)
}

/// A parameter with a slider.
struct Slider {
    path: String,
    name: String,
    /// What holds.
    now: String,
    /// Where the slider stands.
    value: String,
    most: u32,
    step: &'static str,
}

/// The floor's place in documents that have one.
const FLOOR: &str = "amount.steps.floor";

async fn shown(visit: &Visit) -> Result<Shown, Refusal> {
    let area = area_in(visit, "area")?;
    let months = visit.months();
    let newest = months.first().copied().unwrap_or_else(super::site::first_month);
    let from = visit.month_in("from")?.unwrap_or_else(super::site::first_month);
    let until = visit.month_in("until")?.unwrap_or(newest);
    let sliders = sliders(visit, &area, until).await?;
    let asking = asking(visit, &sliders)?;
    let supposed = asking != v1::Asking::default();
    let request = v1::ReplayRequest {
        areas: vec![area.clone()],
        from: Some(year_month(from)),
        until: Some(year_month(until)),
        asking: Some(asking.clone()),
        with_amounts: true,
        depth: v1::Depth::Steps.into(),
        ..Default::default()
    };
    let replayed = lists::replayed(&visit.ask(), request).await?;
    let totals = match supposed {
        true => compared(visit, &area, (from, until), asking).await?,
        false => Vec::new(),
    };
    let statuses: Vec<_> = replayed.iter().filter_map(|month| month.status.clone()).collect();
    let tables = vec![paid(visit, &replayed), gained(&totals)];
    let name = area_name(visit, &area);
    let title = Text::new(format!("{name} 回测"), format!("Replay of {name}"));
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        (form(visit, &area, (from, until), &sliders))
        div id="result" aria-live="polite" {
            @if supposed {
                p.hint { (visit.say(
                    "以下为假设规则的结果,仅供研究,不得据以发放。",
                    "What follows is under another law: nothing is paid by it.",
                )) }
                (tables[1].shown(visit))
            }
            @if let Some(svg) = drawn(visit, &statuses) {
                div.chart role="region" aria-label=(visit.say("指数图", "Chart")) tabindex="0" {
                    (PreEscaped(svg))
                }
            }
            (tables[0].shown(visit))
            p {
                a href=(visit.here(&[])) { (visit.say("本结果的固定链接", "Permanent link to this result")) }
            }
        }
    };
    Ok(Shown { title, tab: Tab::Replay, tables, body })
}

/// The thresholds in force at the end of the span, and the floor where the law has a place for one.
async fn sliders(visit: &Visit, area: &str, at: Month) -> Result<Vec<Slider>, Refusal> {
    let request =
        v1::GetRulesRequest { area: area.to_owned(), month: Some(year_month(at)), asking: None };
    let rules = rule(&visit.ask()).get_rules(request).await?.into_inner();
    let mut found = Vec::new();
    for parameter in &rules.parameters {
        let now = holds(parameter);
        let condition = parameter
            .path
            .strip_prefix("trigger.conditions.")
            .and_then(|rest| rest.strip_suffix(".threshold"));
        let (name, most, step) = match condition {
            Some(condition) => {
                (format!("{} {condition}", visit.say("临界值(%)", "Threshold (%)")), 15, "0.1")
            }
            None if parameter.path == format!("{FLOOR}.yuan") => {
                (visit.say("最低发放额(元)", "Floor (yuan)").to_owned(), 100, "1")
            }
            None => continue,
        };
        let asked = visit.field(&parameter.path);
        let is_number = |text: &str| text.parse::<rust_decimal::Decimal>().is_ok();
        let value = match (asked, is_number(&now)) {
            ("", true) => now.clone(),
            ("", false) => "0".to_owned(),
            (asked, _) => asked.to_owned(),
        };
        found.push(Slider { path: parameter.path.clone(), name, now, value, most, step });
    }
    Ok(found)
}

/// The number that holds: the topmost one, through documents that leave it as it was; else what the
/// topmost document says.
fn holds(parameter: &v1::Parameter) -> String {
    let number = |says: &&v1::Provision| says.text.parse::<rust_decimal::Decimal>().is_ok();
    let through = parameter.says.iter().take_while(|says| number(says) || says.text == "inherited");
    let first = through.into_iter().find(number).or(parameter.says.first());
    first.map(|says| says.text.clone()).unwrap_or_default()
}

/// The law asked for.
fn asking(visit: &Visit, sliders: &[Slider]) -> Result<v1::Asking, Refusal> {
    let law = match (visit.month_in("as_of")?, visit.field("document")) {
        (Some(month), _) => Some(v1::asking::Law::LawAsOf(year_month(month))),
        (None, "") => None,
        (None, id) => Some(v1::asking::Law::LawDocument(id.to_owned())),
    };
    let mut reforms = Vec::new();
    if visit.field("reform") == "yes" {
        reforms.extend(reform(sliders)?);
    }
    Ok(v1::Asking { law, reforms, strict: visit.field("strict") == "yes", ..Default::default() })
}

/// What the sliders change, as a document of a reform; none when nothing is moved.
fn reform(sliders: &[Slider]) -> Result<Option<String>, Refusal> {
    let moved = sliders.iter().filter(|slider| slider.value != slider.now && !slider.is_unset());
    let (floors, thresholds): (Vec<_>, Vec<_>) =
        moved.partition(|slider| slider.path.starts_with(FLOOR));
    let wrong = |all: Vec<crate::rules::finding::Finding>| {
        let told: Vec<_> = all.iter().map(ToString::to_string).collect();
        Refusal::field("reform", &told.join("; "), "3.0")
    };
    let settings: Vec<_> =
        thresholds.iter().map(|one| (one.path.clone(), one.value.clone())).collect();
    let mut text = match settings.is_empty() && floors.is_empty() {
        true => return Ok(None),
        false => Reform::written(&settings).map_err(wrong)?,
    };
    for floor in floors {
        text.push_str(&format!("[{FLOOR}]\nkind = \"floor\"\nyuan = {:?}\n", floor.value));
    }
    Reform::parse("sliders", &text).map_err(wrong)?;
    Ok(Some(text))
}

impl Slider {
    /// A floor of zero where the law names none is no floor.
    fn is_unset(&self) -> bool {
        self.value == "0" && self.now.parse::<rust_decimal::Decimal>().is_err()
    }
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

fn form(visit: &Visit, area: &str, (from, until): (Month, Month), sliders: &[Slider]) -> Markup {
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
            fieldset {
                legend {
                    label.check {
                        input type="checkbox" name="reform" value="yes"
                            checked[visit.field("reform") == "yes"];
                        span { (visit.say("按下列数值试行", "Try these values")) }
                    }
                }
                @for slider in sliders {
                    label.slider {
                        span { (slider.name) " (" (visit.say("现行 ", "now ")) (word::value(visit, &slider.now)) ")" }
                        input type="range" name=(slider.path) min="0" max=(slider.most)
                            step=(slider.step) value=(slider.value);
                        output { (slider.value) }
                    }
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn slider(path: &str, now: &str, value: &str) -> Slider {
        Slider {
            path: path.into(),
            name: String::new(),
            now: now.into(),
            value: value.into(),
            most: 100,
            step: "1",
        }
    }

    #[test]
    fn only_what_was_moved_becomes_a_reform() {
        let floor = format!("{FLOOR}.yuan");
        let cpi = "trigger.conditions.cpi.threshold";
        assert_eq!(reform(&[slider(cpi, "3.0", "3.0"), slider(&floor, "open", "0")]), Ok(None));
        let text = reform(&[slider(cpi, "3.0", "2.9"), slider(&floor, "open", "20")]);
        let text = text.unwrap().unwrap();
        assert!(text.contains("trigger.conditions.cpi.threshold = \"2.9\""), "{text}");
        assert!(
            text.ends_with("[amount.steps.floor]\nkind = \"floor\"\nyuan = \"20\"\n"),
            "{text}"
        );
        assert!(reform(&[slider(cpi, "3.0", "three")]).is_err());
    }
}
