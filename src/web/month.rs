//! `/`: has it triggered this month, where, what is due, what is missing.

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};

use crate::{
    client::{lists, month_of, month_text, subsidy, year_month},
    domain::month::Month,
    engine::reason::{Text, month_zh},
    grpc::v1,
};

use super::{
    frame::{Shown, Tab},
    parts::{area_page, crumbs, days_left, missing, month_choice, steps},
    refusal::Refusal,
    table::{Cell, Table, words},
    visit::{Visit, address},
    words as word,
};

/// Most areas whose amounts are asked for to tell which standards are missing.
const QUOTED_MAX: usize = 40;

/// The page.
pub(super) async fn page(visit: Visit) -> Response {
    let found = found(&visit).await;
    visit.answer(found.map(|found| found.shown(&visit)))
}

struct Found {
    within: String,
    name: String,
    months: Vec<Month>,
    month: Month,
    statuses: Vec<v1::Status>,
    runs: Vec<v1::Run>,
    missing: Vec<v1::Missing>,
    groups: BTreeSet<String>,
}

async fn found(visit: &Visit) -> Result<Found, Refusal> {
    let within = match visit.field("within") {
        "" => visit.site.settings.home.clone(),
        within => within.to_owned(),
    };
    let ask = visit.ask();
    let months = visit.months();
    let request =
        v1::ListAreasRequest { within: within.clone(), page_size: 5_000, ..Default::default() };
    let areas = lists::areas(&ask, request).await?;
    let below_it = areas.iter().filter(|area| area.parent == within && area.has_index);
    let newest = visit.newest_index(below_it.map(|area| area.code.as_str()));
    let month = visit.month_in("month")?.or(newest).or(months.first().copied());
    let month = month.unwrap_or_else(super::site::first_month);
    let name = areas.iter().find(|area| area.code == within);
    let name = name.ok_or_else(Refusal::not_found)?.name.clone();
    let mut below: Vec<_> =
        areas.iter().filter(|area| area.parent == within).map(|area| area.code.clone()).collect();
    if below.is_empty() {
        below.push(within.clone());
    }
    let request = v1::ListStatusesRequest {
        month: Some(year_month(month)),
        areas: below,
        depth: v1::Depth::Steps.into(),
        page_size: 500,
        ..Default::default()
    };
    let statuses = lists::statuses(&ask, request).await?;
    let request = v1::ListRunsRequest {
        within: within.clone(),
        month: Some(year_month(month)),
        page_size: 500,
        ..Default::default()
    };
    let runs = lists::runs(&ask, request).await?;
    let mut found = Found {
        within,
        name,
        months,
        month,
        statuses,
        runs,
        missing: Vec::new(),
        groups: BTreeSet::new(),
    };
    found.lacks(visit).await?;
    Ok(found)
}

fn is_live(run: &v1::Run) -> bool {
    !matches!(run.state(), v1::RunState::Rejected | v1::RunState::Voided)
}

impl Found {
    /// What is missing for decisions, and for amounts where it pays.
    async fn lacks(&mut self, visit: &Visit) -> Result<(), Refusal> {
        let mut all: Vec<v1::Missing> =
            self.statuses.iter().flat_map(|status| status.missing.clone()).collect();
        let pays = |status: &&v1::Status| status.triggered() == v1::Triggered::Yes;
        for status in self.statuses.iter().filter(pays).take(QUOTED_MAX) {
            let request = v1::QuoteSubsidyRequest {
                area: status.area.clone(),
                month: status.month,
                depth: v1::Depth::Answer.into(),
                ..Default::default()
            };
            let quote = subsidy(&visit.ask()).quote_subsidy(request).await?.into_inner();
            for line in quote.lines {
                self.groups.insert(visit.text(&line.group_name).to_owned());
                all.extend(line.missing);
            }
        }
        for one in all {
            if !self.missing.iter().any(|known| known.text == one.text) {
                self.missing.push(one);
            }
        }
        Ok(())
    }

    fn count(&self, triggered: v1::Triggered) -> usize {
        self.statuses.iter().filter(|status| status.triggered() == triggered).count()
    }

    fn shown(self, visit: &Visit) -> Shown {
        let month = self.month.to_string();
        let title = Text::new(
            format!("{} {}联动机制启动情况", month_zh(self.month), self.name),
            format!("{}: the mechanism in {month}", self.name),
        );
        let table = self.table(visit);
        let outline = visit.site.maps.get(&self.within);
        let body = html! {
            (crumbs(visit, &self.within, &month))
            h1 { (visit.say(&title.zh, &title.en)) }
            (self.choice(visit))
            (self.cards(visit))
            div class=(if outline.is_some() { "split" } else { "single" }) {
                @if let Some(outline) = outline {
                    (outline.shown(visit, &self.statuses, &month))
                }
                div { (table.shown(visit)) }
            }
            section {
                h2 { (visit.say("缺什么,由谁补", "What is missing, and from whom")) }
                @if self.missing.is_empty() {
                    p { (visit.say("判定和计算所需的数据、参数齐全。", "Nothing is missing.")) }
                } @else {
                    (missing(visit, &self.missing))
                }
            }
        };
        Shown { title, tab: Tab::Month, tables: vec![table], body }
    }

    fn choice(&self, visit: &Visit) -> Markup {
        let to = |month: &str| address("/", [("within", self.within.as_str()), ("month", month)]);
        let places = [visit.site.settings.home.as_str(), "000000"];
        html! {
            form.choice method="get" action="/" {
                input type="hidden" name="within" value=(self.within);
                (month_choice(visit, &self.months, self.month))
                button { (visit.say("查看", "Show")) }
                (steps(&self.months, self.month, to))
                span.spacer {}
                @for code in places {
                    @if code != self.within {
                        a href=(address("/", [
                            ("within", code), ("month", self.month.to_string().as_str()),
                        ])) { (area_name(visit, code)) }
                    }
                }
            }
        }
    }

    fn cards(&self, visit: &Visit) -> Markup {
        let persons: i64 = self.runs.iter().filter(|run| is_live(run)).map(|run| run.persons).sum();
        let first_due = self.statuses.iter().map(|status| status.pay_by.as_str());
        let first_due = first_due.filter(|day| !day.is_empty()).min();
        let nobody = || visit.say("尚无批次", "no run yet").to_owned();
        let unpaid = self.runs.iter().all(|run| !is_live(run));
        html! {
            ul.cards {
                (card(self.count(v1::Triggered::Yes).to_string(), visit.say("发放地区", "areas paid"), "yes"))
                (card(self.count(v1::Triggered::No).to_string(), visit.say("未启动地区", "areas not paid"), "no"))
                (card(
                    self.count(v1::Triggered::Undecidable).to_string(),
                    visit.say("无法判定地区", "areas undecidable"),
                    "unknown",
                ))
                @if !self.groups.is_empty() {
                    (card(
                        self.groups.len().to_string(),
                        visit.say("涉及对象(类)", "groups covered"),
                        "",
                    ))
                }
                (card(
                    if persons == 0 { nobody() } else { persons.to_string() },
                    visit.say("已编批次人次", "persons in runs"),
                    "",
                ))
                @if let Some(day) = first_due {
                    @let left = days_left(visit, day);
                    @let late = unpaid && left.as_ref().is_some_and(|(_, tone)| *tone == "past");
                    (card(
                        day.to_owned(),
                        &format!(
                            "{} · {}",
                            visit.say("最早应发日", "first due"),
                            left.map(|(text, _)| text).unwrap_or_default()
                        ),
                        if late { "late" } else { "" },
                    ))
                }
            }
        }
    }

    fn table(&self, visit: &Visit) -> Table {
        let columns = vec![
            words("地区", "Area"),
            words("状态", "State"),
            words("依据", "Why"),
            words("应发日期", "Due"),
        ];
        let row = |status: &v1::Status| {
            let month = month_text(status.month);
            let due = match days_left(visit, &status.pay_by) {
                Some((left, tone)) => Cell::new(format!("{} {left}", status.pay_by)).toned(tone),
                None => Cell::new(""),
            };
            vec![
                Cell::linked(&status.area_name, area_page(&status.area, &month)),
                Cell::new(word::state(visit, status.state())).toned(word::tone(status.triggered())),
                Cell::new(visit.text(&status.reason)),
                due,
            ]
        };
        let at = self.statuses.first().and_then(|status| month_of(status.month));
        let month = at.unwrap_or(self.month);
        Table {
            id: "areas",
            caption: Text::new(
                format!("{}各地区情况", month_zh(month)),
                format!("The areas in {month}"),
            ),
            columns,
            rows: self.statuses.iter().map(row).collect(),
        }
    }
}

fn card(number: String, name: &str, tone: &str) -> Markup {
    html! { li class={ "card " (tone) } { strong { (number) } span { (name) } } }
}

/// An area's name.
pub(super) fn area_name(visit: &Visit, code: &str) -> String {
    let areas = &visit.reference().data.areas;
    let found = code.parse().ok().and_then(|code| areas.get(code));
    found.map_or_else(|| code.to_owned(), |area| area.name.clone())
}
