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
    names::area_name,
    parts::{area_page, crumbs, days_left, days_until, missing, month_choice, steps},
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
    /// Persons in lines of those runs for the month and these areas; none where nobody counted so far.
    persons: Option<i64>,
    /// What is owed for the month and no run pays.
    unpaid: Vec<v1::DuePayment>,
    missing: Vec<v1::Missing>,
    groups: BTreeSet<String>,
}

async fn found(visit: &Visit) -> Result<Found, Refusal> {
    let within = match visit.field("within") {
        "" => visit.home("TriggerService/ListStatuses"),
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
    let name = name.ok_or_else(|| Refusal::field("within", &within, "150000"))?.name.clone();
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
    let persons = persons(visit, &runs, &within, month).await?;
    let request = v1::ListMissingRunsRequest {
        on: (visit.site.today)().to_string(),
        within_days: DUE_DAYS,
        since: Some(year_month(month)),
        until: Some(year_month(month)),
        within: within.clone(),
        page_size: 1_000,
        ..Default::default()
    };
    let unpaid = lists::missing_runs(&ask, request).await?;
    let mut found = Found {
        persons,
        unpaid,
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

/// Days ahead of which payments without a run are asked for.
const DUE_DAYS: i32 = 366;

/// Most lines that are gone through to count persons.
const LINES_MAX: i32 = 20_000;

/// The persons in the lines for a month and the areas within one: those of rosters, or where there is none
/// those of budgets, which stand for the same. Adjustments pay the same again.
async fn persons(
    visit: &Visit,
    runs: &[v1::Run],
    within: &str,
    month: Month,
) -> Result<Option<i64>, Refusal> {
    let runs: Vec<_> = runs.iter().filter(|run| is_live(run) && run.adjusts.is_empty()).collect();
    if runs.is_empty() || LINES_MAX < runs.iter().map(|run| run.lines).sum() {
        return Ok(None);
    }
    let areas = &visit.reference().data.areas;
    let within = within.parse().ok();
    let counts = |payees: &v1::Headcount| {
        let area = payees.area.parse().ok();
        month_of(payees.month) == Some(month)
            && area.zip(within).is_some_and(|(area, within)| areas.within(area, within))
    };
    let (mut listed, mut budgeted) = (0, 0);
    for run in runs {
        let request =
            v1::ListRunLinesRequest { run: run.id.clone(), page_size: 5_000, ..Default::default() };
        let lines = lists::run_lines(&visit.ask(), request).await?;
        let payees = lines.iter().filter_map(|line| line.payees.as_ref());
        let persons: i64 = payees.filter(|one| counts(one)).map(|one| one.persons).sum();
        *(if run.roster.is_some() { &mut listed } else { &mut budgeted }) += persons;
    }
    Ok(Some(if 0 < listed { listed } else { budgeted }))
}

/// Whether a run pays, or may.
pub(super) fn is_live(run: &v1::Run) -> bool {
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

    /// How many areas are decided so; those that leave it to the areas below them are not.
    fn count(&self, triggered: v1::Triggered) -> usize {
        let decided = self.statuses.iter().filter(|status| !status.indicative);
        decided.filter(|status| status.triggered() == triggered).count()
    }

    fn choice_of(&self, month: &str) -> String {
        address("/", [("within", self.within.as_str()), ("month", month)])
    }

    /// By when the first of an area's payments that no run pays is due.
    fn unpaid_of(&self, visit: &Visit, area: &str) -> Option<&v1::DuePayment> {
        let areas = &visit.reference().data.areas;
        let above = area.parse().ok()?;
        let of =
            |one: &&v1::DuePayment| one.area.parse().is_ok_and(|area| areas.within(area, above));
        let days = |one: &&v1::DuePayment| one.days_left.unwrap_or(i32::MAX);
        self.unpaid.iter().filter(of).min_by_key(days)
    }

    fn shown(self, visit: &Visit) -> Shown {
        let month = self.month.to_string();
        let title = Text::new(
            format!("{} {}联动机制启动情况", month_zh(self.month), self.name),
            format!("{}: the mechanism in {month}", area_name(visit, &self.within)),
        );
        let table = self.table(visit);
        let outline = visit.site.maps.get(&self.within);
        let body = html! {
            (crumbs(visit, &self.within, &month))
            h1 { (visit.say(&title.zh, &title.en)) }
            (self.choice(visit))
            (self.cards(visit))
            @if visit.field("month").is_empty() && self.months.first() != Some(&self.month) {
                p.hint {
                    (visit.say("这是下级地区有指数的最近月份;", "The newest month with an index below; "))
                    @if let Some(newest) = self.months.first().map(Month::to_string) {
                        a href=(self.choice_of(&newest)) {
                            (visit.say("看最新月份 ", "see the newest month, ")) (newest)
                        }
                    }
                }
            }
            div class=(if outline.is_some() { "split" } else { "single" }) {
                @if let Some(outline) = outline {
                    (outline.shown(visit, &self.statuses, &month))
                }
                div { (table.shown(visit)) }
            }
            section id="missing" {
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
        let to = |month: &str| self.choice_of(month);
        let home = visit.home("TriggerService/ListStatuses");
        let places = [home.as_str(), "000000"];
        html! {
            form.choice method="get" action="/" {
                input type="hidden" name="within" value=(self.within);
                (month_choice(visit, &self.months, self.month))
                button { (visit.say("查看", "Show")) }
                (steps(&self.months, self.month, to))
                span.spacer {}
                @for code in places {
                    @if code != self.within && visit.sees(code) {
                        a href=(address("/", [
                            ("within", code), ("month", self.month.to_string().as_str()),
                        ])) { (area_name(visit, code)) }
                    }
                }
            }
        }
    }

    fn cards(&self, visit: &Visit) -> Markup {
        let live = self.runs.iter().filter(|run| is_live(run)).count();
        let month = self.month.to_string();
        let runs = address("/runs", [("within", self.within.as_str()), ("month", month.as_str())]);
        let below = self.statuses.iter().filter(|status| status.indicative).count();
        let counted = |triggered| self.count(triggered).to_string();
        html! {
            ul.cards {
                (card(&counted(v1::Triggered::Yes), visit.say("发放地区", "areas paid"), "yes", "#areas"))
                (card(&counted(v1::Triggered::No), visit.say("未启动地区", "areas not paid"), "no", "#areas"))
                (card(
                    &counted(v1::Triggered::Undecidable),
                    visit.say("无法判定地区", "areas undecidable"),
                    "unknown",
                    "#missing",
                ))
                @if 0 < below {
                    (card(&below.to_string(), visit.say("由下级地区判定", "decided below"), "", "#areas"))
                }
                @if !self.groups.is_empty() {
                    (card(
                        &self.groups.len().to_string(),
                        visit.say("涉及对象(类)", "groups covered"),
                        "",
                        "#areas",
                    ))
                }
                (card(&live.to_string(), visit.say("已编批次", "runs made"), "", &runs))
                @if let Some(persons) = self.persons {
                    (card(&persons.to_string(), visit.say("批次内人数", "persons in runs"), "", &runs))
                }
                @if let Some(first) = self.unpaid.first() {
                    (self.first_due(visit, first))
                }
            }
        }
    }

    /// What is due first and not in any run.
    fn first_due(&self, visit: &Visit, first: &v1::DuePayment) -> Markup {
        let name = visit.say("最早应发日(尚无批次)", "first due, no run yet");
        let Some((left, tone)) = days_left(visit, &first.pay_by) else {
            return card(visit.say("未定", "open"), name, "", "#areas");
        };
        let late = if tone == "past" { "late" } else { "" };
        card(&first.pay_by, &format!("{name} · {left}"), late, "#areas")
    }

    /// By when an area's payment is due, and whether a run pays it.
    fn due(&self, visit: &Visit, status: &v1::Status) -> Cell {
        if status.triggered() != v1::Triggered::Yes {
            return Cell::new("");
        }
        let by = match status.pay_by.as_str() {
            "" => visit.text(&status.pay_by_text),
            day => day,
        };
        // What is decided above is owed and paid there, which this list does not know.
        if status.deciding_area != status.area {
            return Cell::new(by);
        }
        let Some(unpaid) = self.unpaid_of(visit, &status.area) else {
            let is_due = days_until(visit, by).is_none_or(|days| days <= i64::from(DUE_DAYS));
            let in_run = if is_due { visit.say(" 已编批次", " in a run") } else { "" };
            return Cell::new(format!("{by}{in_run}"));
        };
        let no_run = visit.say("尚无批次", "no run yet");
        match days_left(visit, &unpaid.pay_by) {
            Some((left, tone)) => {
                Cell::new(format!("{} {left},{no_run}", unpaid.pay_by)).toned(tone)
            }
            None => Cell::new(format!("{by} {no_run}")),
        }
    }

    fn table(&self, visit: &Visit) -> Table {
        let columns = vec![
            words("地区", "Area"),
            words("代码", "Code"),
            words("状态", "State"),
            words("依据", "Why"),
            words("应发日期", "Due"),
        ];
        let row = |status: &v1::Status| {
            let month = month_text(status.month);
            if status.indicative {
                let to =
                    address("/", [("within", status.area.as_str()), ("month", month.as_str())]);
                return vec![
                    Cell::linked(area_name(visit, &status.area), to),
                    Cell::new(&status.area),
                    Cell::new(visit.say("由下级地区判定", "decided below")).toned("tag"),
                    Cell::new(visit.text(&status.reason)),
                    Cell::new(""),
                ];
            }
            vec![
                Cell::linked(area_name(visit, &status.area), area_page(&status.area, &month)),
                Cell::new(&status.area),
                Cell::new(word::state(visit, status.state())).toned(word::tone(status.triggered())),
                Cell::new(visit.text(&status.reason)),
                self.due(visit, status),
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

fn card(number: &str, name: &str, tone: &str, to: &str) -> Markup {
    html! { li class={ "card " (tone) } { a href=(to) { strong { (number) } span { (name) } } } }
}
