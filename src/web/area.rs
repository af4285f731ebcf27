//! `/areas/150300?month=2021-04`: the sentence that answers, each condition, the chart, the amounts with
//! their derivation, and what was decided, revised and run.

use axum::{extract::Path, response::Response};
use chrono::{DateTime, Utc};
use maud::{Markup, PreEscaped, html};

use crate::{
    client::{charts::index_lines, lists, month_text, number, subsidy, year_month},
    domain::month::Month,
    engine::reason::{Text, month_zh},
    grpc::v1,
};

use super::{
    amounts,
    frame::{Shown, Tab},
    names::area_name,
    parts::{
        area_page, at_text, cited, crumbs, days_left, figure_page, missing, month_choice,
        state_tag, steps,
    },
    past::Past,
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::Visit,
};

/// The page.
pub(super) async fn page(Path(area): Path<String>, visit: Visit) -> Response {
    let found = found(&visit, area).await;
    visit.answer(found.map(|found| found.shown(&visit)))
}

/// The chart alone, as SVG.
pub(super) async fn chart(Path(area): Path<String>, visit: Visit) -> Response {
    let drawn = async {
        let months = replayed(&visit, &area, asking(known_at(&visit)?)).await?;
        drawn(&visit, &months).ok_or_else(Refusal::not_found)
    };
    match drawn.await {
        Ok(svg) => super::table::file("chart.svg", crate::charts::SVG, svg.into_bytes()),
        Err(refusal) => refusal.response(&visit),
    }
}

struct Found {
    area: String,
    known_at: Option<DateTime<Utc>>,
    months: Vec<Month>,
    month: Month,
    quote: v1::Quote,
    history: Vec<v1::Status>,
    past: Past,
}

/// Every month of an area with its conditions.
async fn replayed(
    visit: &Visit,
    area: &str,
    asking: Option<v1::Asking>,
) -> Result<Vec<v1::Status>, Refusal> {
    let request = v1::ReplayRequest {
        areas: vec![area.to_owned()],
        asking,
        depth: v1::Depth::Steps.into(),
        ..Default::default()
    };
    let months = lists::replayed(&visit.ask(), request).await?;
    Ok(months.into_iter().filter_map(|month| month.status).collect())
}

/// The indices with thresholds and shaded periods, as SVG to stand in a page.
pub(super) fn drawn(visit: &Visit, months: &[v1::Status]) -> Option<String> {
    let lines = index_lines(&visit.reference().data.series, months).ok()?;
    Some(lines.svg(visit.lang))
}

/// The instant whose knowledge is asked for.
fn known_at(visit: &Visit) -> Result<Option<DateTime<Utc>>, Refusal> {
    match visit.field("known_at") {
        "" => Ok(None),
        text => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Ok(Some(at.to_utc())),
            Err(_) => Err(Refusal::field("known_at", text, "2021-05-20T00:00:00Z")),
        },
    }
}

fn asking(known_at: Option<DateTime<Utc>>) -> Option<v1::Asking> {
    let known_at = known_at.map(crate::grpc::timestamp);
    known_at.map(|at| v1::Asking { known_at: Some(at), ..Default::default() })
}

async fn found(visit: &Visit, area: String) -> Result<Found, Refusal> {
    let known_at = known_at(visit)?;
    let months = visit.months();
    let month = visit.month_in("month")?.or(months.first().copied());
    let month = month.unwrap_or_else(super::site::first_month);
    let request = v1::QuoteSubsidyRequest {
        area: area.clone(),
        month: Some(year_month(month)),
        depth: v1::Depth::Law.into(),
        asking: asking(known_at),
    };
    let quote = subsidy(&visit.ask()).quote_subsidy(request).await?.into_inner();
    let history = replayed(visit, &area, asking(known_at)).await?;
    let past = Past::found(visit, &quote, month).await?;
    Ok(Found { area, known_at, months, month, quote, history, past })
}

impl Found {
    fn shown(self, visit: &Visit) -> Shown {
        let status = self.quote.status.clone().unwrap_or_default();
        let month = self.month.to_string();
        let title = Text::new(
            format!("{} {}", status.area_name, month_zh(self.month)),
            format!("{} {month}", area_name(visit, &status.area)),
        );
        let mut tables = vec![conditions(visit, &status), amounts::table(visit, &self.quote)];
        let history = self.past.history(visit, &self.history);
        tables.push(history);
        tables.extend(self.past.tables(visit));
        let body = html! {
            (crumbs(visit, &self.area, &month))
            h1 { (visit.say(&title.zh, &title.en)) }
            (self.choice(visit))
            @if let Some(at) = self.known_at {
                p.hint {
                    (visit.say("以下为截至 ", "As it was known at ")) (at_text(at))
                    (visit.say(" 所知的情况。", ". "))
                    a href=(visit.here(&[("known_at", "")])) { (visit.say("看现在所知", "As known now")) }
                }
            }
            (self.answer(visit, &status))
            section {
                h2 { (visit.say("判定条件", "Conditions")) }
                (tables[0].shown(visit))
                @if status.conditions.is_empty() {
                    p { (visit.say("这个月份没有可以判定的条件。", "No condition could be evaluated.")) }
                }
                (clauses(visit, &status))
            }
            section {
                h2 { (visit.say("指数、临界值与发放月份", "Indices, thresholds and months paid")) }
                @if let Some(svg) = drawn(visit, &self.history) {
                    div.chart role="region" aria-label=(visit.say("指数图", "Chart")) tabindex="0" {
                        (PreEscaped(svg))
                    }
                    p.downloads { a href=(visit_chart(&self.area)) download { "SVG" } }
                }
            }
            section {
                h2 { (visit.say("各类对象应发多少", "What each group is owed")) }
                (amounts::shown(visit, &self.quote, &tables[1]))
            }
            (self.past.shown(visit, &tables[2..]))
        };
        Shown { title, tab: Tab::Month, tables, body }
    }

    fn choice(&self, visit: &Visit) -> Markup {
        let to = |month: &str| area_page(&self.area, month);
        html! {
            form.choice method="get" {
                (month_choice(visit, &self.months, self.month))
                button { (visit.say("查看", "Show")) }
                (steps(&self.months, self.month, to))
            }
        }
    }

    /// The answering sentence, by when it is paid, and what is missing.
    fn answer(&self, visit: &Visit, status: &v1::Status) -> Markup {
        html! {
            div.answer {
                p.sentence { (state_tag(visit, status)) " " (visit.text(&status.reason)) }
                @if let Some(since) = status.since.filter(|since| Some(*since) != status.month) {
                    p { (visit.say("本轮发放自 ", "Paid since ")) (month_text(Some(since))) (visit.say(" 起。", ".")) }
                }
                @if !status.indicative {
                    p {
                        (visit.text(&status.pay_by_text))
                        @if let Some((left, tone)) = days_left(visit, &status.pay_by) {
                            " "
                            @match self.past.is_paid().filter(|_| self.known_at.is_none()) {
                                Some(true) => (visit.say("已编批次。", "Runs pay it.")),
                                Some(false) => span class=(tone) {
                                    (left) (visit.say(",本系统尚有未编批次的发放", ", not all of it in a run yet"))
                                },
                                None => span { (left) },
                            }
                        }
                    }
                }
                @if status.deciding_area != status.area {
                    p {
                        (visit.say("由 ", "Decided by "))
                        @if visit.sees(&status.deciding_area) {
                            a href=(area_page(&status.deciding_area, &month_text(status.month))) {
                                (area_name(visit, &status.deciding_area))
                            }
                        } @else { (area_name(visit, &status.deciding_area)) }
                        (visit.say(" 判定。", "."))
                    }
                }
                @if status.indicative {
                    p.hint { (visit.say(
                        "本级指数仅供参考,不据以启动;请看下级地区。",
                        "The index of this level only indicates and starts nothing; see the areas below.",
                    )) }
                }
                @if !status.missing.is_empty() { (missing(visit, &status.missing)) }
            }
        }
    }
}

fn visit_chart(area: &str) -> String {
    format!("/areas/{area}/chart.svg")
}

/// The conditions with what was observed, each value leading to its figure.
fn conditions(visit: &Visit, status: &v1::Status) -> Table {
    let columns = vec![
        words("条件", "Condition"),
        words("结果", "Result"),
        numbers("观察值(%)", "Observed (%)"),
        words("比较", "Comparison"),
        numbers("临界值(%)", "Threshold (%)"),
        numbers("差距", "Margin"),
        words("文件与条款", "Document and clause"),
    ];
    let row = |condition: &v1::Condition| {
        let (result, tone) = match condition.met.as_str() {
            "met" => (visit.say("达到", "met"), "tag yes"),
            "not_met" => (visit.say("未达到", "not met"), "tag no"),
            _ => (visit.say("无法判定", "undecidable"), "tag unknown"),
        };
        let figure = condition.figures.first().map(figure_page).unwrap_or_default();
        let led = |text: String| match figure.is_empty() {
            true => Cell::new(text),
            false => Cell::figure(text, &figure),
        };
        let cite = condition.citation.clone().unwrap_or_default();
        vec![
            Cell::new(visit.text(&condition.text)),
            Cell::new(result).toned(tone),
            led(number(&condition.observed)),
            Cell::new(super::words::value(visit, &condition.comparator)),
            Cell::figure(number(&condition.threshold), format!("/rules/{}", cite.instrument)),
            led(match number(&condition.margin) {
                margin if margin.is_empty() || margin.starts_with('-') => margin,
                margin => format!("+{margin}"),
            }),
            Cell::linked(
                format!("《{}》{}", cite.title_zh, cite.clause),
                format!("/rules/{}", cite.instrument),
            ),
        ]
    };
    Table {
        id: "conditions",
        caption: Text::new("判定条件", "Conditions"),
        columns,
        rows: status.conditions.iter().map(row).collect(),
    }
}

/// Where each condition stands, and the documents applied.
fn clauses(visit: &Visit, status: &v1::Status) -> Markup {
    html! {
        details {
            summary { (visit.say("依据哪些文件、为什么是它们", "Which documents apply, and why")) }
            ul {
                @for condition in &status.conditions {
                    @for cite in condition.citation.iter().chain(&condition.inherited_by) {
                        li { code { (condition.name) } " " (cited(visit, cite)) }
                    }
                }
            }
            ol {
                @for one in &status.instruments {
                    li {
                        a href=(format!("/rules/{}", one.id)) { "《" (one.title_zh) "》" }
                        " " (visit.text(&one.why))
                    }
                }
            }
        }
    }
}
