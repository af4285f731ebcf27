//! `/runs`: the list, what no run pays yet, drift, and making a run from a table of headcounts.

use axum::{
    extract::Multipart,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use crate::{
    client::{lists, month_text, number, run, year_month},
    engine::reason::Text,
    grpc::{run_message::headcount, v1},
    intake::headcounts::read_headcounts,
};

use super::{
    amounts::anchor,
    form::Form,
    frame::{Shown, Tab, token},
    names::area_name,
    parts::instant,
    refusal::Refusal,
    run::findings,
    table::{Cell, Table, numbers, words},
    visit::Visit,
    words as word,
};

/// Days ahead of which payments without a run are told.
const AHEAD_DAYS: i32 = 31;

/// The list.
pub(super) async fn page(visit: Visit) -> Response {
    let shown = shown(&visit).await;
    visit.answer(shown)
}

async fn shown(visit: &Visit) -> Result<Shown, Refusal> {
    let ask = visit.ask();
    let within = visit.field("within").to_owned();
    let month = visit.month_in("month")?.map(year_month);
    let request =
        v1::ListRunsRequest { within: within.clone(), month, page_size: 500, ..Default::default() };
    let found = lists::runs(&ask, request).await?;
    let home = visit.home("RunService/ListMissingRuns");
    let request = v1::ListMissingRunsRequest {
        on: (visit.site.today)().to_string(),
        within_days: AHEAD_DAYS,
        since: visit.month_in("since")?.map(year_month),
        within: if within.is_empty() { home } else { within.clone() },
        page_size: 1_000,
        ..Default::default()
    };
    let unpaid = lists::missing_runs(&ask, request).await?;
    let drift = match found.is_empty() {
        true => Vec::new(),
        false => {
            let request = v1::ListRunDriftRequest { page_size: 1_000, ..Default::default() };
            lists::drift(&ask, request).await?
        }
    };
    let tables = vec![list(visit, &found), due(visit, &unpaid), drifted(visit, &drift)];
    let title = Text::new("发放批次", "Runs");
    let body = html! {
        h1 { (visit.say("发放批次", "Runs")) }
        (choice(visit, &within))
        (tables[0].shown(visit))
        (make_form(visit))
        @if visit.may_call("RosterService/MakeRosterRun")
            && !visit.site.service.person_keys.is_empty() {
            (super::roster::form(visit, &month_text(month)))
        }
        section {
            h2 { (visit.say("到期(或将到期)尚无批次的发放", "Payments due that no run pays yet")) }
            (tables[1].shown(visit))
        }
        section {
            h2 { (visit.say("与现行数据不符的批次", "Runs that would pay otherwise today")) }
            @if drift.is_empty() {
                p { (visit.say("没有。", "None.")) }
            } @else { (tables[2].shown(visit)) }
        }
    };
    Ok(Shown { title, tab: Tab::Runs, tables, body })
}

/// What to look at.
fn choice(visit: &Visit, within: &str) -> Markup {
    let month = |name: &str, label: &str| {
        html! {
            label {
                span { (label) }
                input name=(name) value=(visit.field(name)) pattern="[0-9]{4}-[0-9]{2}" size="8"
                    placeholder="2021-04";
            }
        }
    };
    html! {
        form.choice method="get" action="/runs" {
            label {
                span { (visit.say("地区代码", "Area code")) }
                input name="within" value=(within) pattern="[0-9]{6}" size="8" placeholder="150100";
            }
            (month("month", visit.say("批次的指数月份", "Index month of runs")))
            (month("since", visit.say("待编批次起自(默认近 12 个月)", "Unpaid since (12 months)")))
            button { (visit.say("查看", "Show")) }
        }
    }
}

fn list(visit: &Visit, runs: &[v1::Run]) -> Table {
    let row = |run: &v1::Run| {
        let blocking = run.findings.iter().filter(|one| one.weight == "blocking").count();
        vec![
            Cell::linked(&run.id, format!("/runs/{}", run.id)),
            Cell::new(word::run_kind(visit, run)),
            Cell::new(word::run_state(visit, run.state())),
            Cell::new(run.lines.to_string()),
            Cell::new(run.persons.to_string()),
            Cell::linked(number(&run.yuan), format!("/runs/{}#lines", run.id)),
            Cell::new(blocking.to_string()),
            Cell::new(&run.made_by),
            Cell::new(instant(run.made_at)).toned("time"),
            Cell::new(&run.note),
        ]
    };
    Table {
        id: "runs",
        caption: Text::new("批次(新的在前)", "Runs, the latest first"),
        columns: vec![
            words("批次", "Run"),
            words("种类", "Kind"),
            words("状态", "State"),
            numbers("行数", "Lines"),
            numbers("人次", "Persons"),
            numbers("金额(元)", "Yuan"),
            numbers("阻断事项", "Blocking findings"),
            words("编制人", "Made by"),
            words("编制时间", "Made at"),
            words("说明", "Note"),
        ],
        rows: runs.iter().map(row).collect(),
    }
}

fn due(visit: &Visit, payments: &[v1::DuePayment]) -> Table {
    let row = |one: &v1::DuePayment| {
        let months = one.index_months.iter().map(|month| month_text(Some(*month)));
        let late = one.days_left.is_some_and(|days| days < 0);
        let days = one.days_left.map_or_else(String::new, |days| days.to_string());
        let first = month_text(one.index_months.first().copied());
        vec![
            Cell::linked(area_name(visit, &one.area), super::parts::area_page(&one.area, &first)),
            Cell::new(months.collect::<Vec<_>>().join("、")),
            Cell::new(
                one.groups
                    .iter()
                    .map(|code| word::group(visit, code))
                    .collect::<Vec<_>>()
                    .join("、"),
            ),
            Cell::new(word::rhythm(visit, &one.rhythm)),
            Cell::new(visit.text(&one.pay_by_text)),
            Cell::new(days).toned(if late { "past" } else { "" }),
        ]
    };
    Table {
        id: "due",
        caption: Text::new("待编批次", "To be run"),
        columns: vec![
            words("地区", "Area"),
            words("指数月份", "Index months"),
            words("对象", "Groups"),
            words("发放周期", "Rhythm"),
            words("应发日期", "Due"),
            numbers("剩余天数(负数为逾期)", "Days left (negative: overdue)"),
        ],
        rows: payments.iter().map(row).collect(),
    }
}

fn drifted(visit: &Visit, lines: &[v1::RunDrift]) -> Table {
    let row = |one: &v1::RunDrift| {
        let payees = one.payees.clone().unwrap_or_default();
        let now = super::parts::area_page(&payees.area, &month_text(payees.month));
        let now = format!("{now}#{}", anchor(&payees.group, payees.residence()));
        vec![
            Cell::linked(&one.run, format!("/runs/{}", one.run)),
            Cell::new(area_name(visit, &payees.area)),
            Cell::new(month_text(payees.month)),
            Cell::new(word::group(visit, &payees.group)),
            Cell::figure(number(&one.run_yuan), format!("/runs/{}#lines", one.run)),
            Cell::figure(number(&one.now_yuan), &now),
            Cell::figure(number(&one.difference_yuan), &now),
        ]
    };
    Table {
        id: "drift",
        caption: Text::new("差额", "Differences"),
        columns: vec![
            words("批次", "Run"),
            words("地区", "Area"),
            words("指数月份", "Index month"),
            words("对象", "Group"),
            numbers("已编(元)", "Run (yuan)"),
            numbers("现应(元)", "Today (yuan)"),
            numbers("差额(元)", "Difference (yuan)"),
        ],
        rows: lines.iter().map(row).collect(),
    }
}

fn make_form(visit: &Visit) -> Markup {
    if !visit.is_signed_in() {
        return html! {
            p { a href="/sign-in?back=%2Fruns" { (visit.say("登录后可编制批次", "Sign in to make a run")) } }
        };
    }
    if !visit.may_call("RunService/MakeRun") {
        return html! {};
    }
    html! {
        section {
            h2 { (visit.say("按人数编制批次(资金测算,不发放到人)", "Make a budget from headcounts (asks for money, pays nobody)")) }
            form.stacked method="post" action="/runs" enctype="multipart/form-data" {
                (token(visit))
                label {
                    span { (visit.say(
                        "人数表(CSV:指数月份, 地区代码, 保障对象, 城乡, 人数, 户数)",
                        "Headcounts (CSV: index_month, area_code, group, residence, persons, households)",
                    )) }
                    input type="file" name="file" accept=".csv,text/csv" required;
                }
                label { span { (visit.say("说明", "Note")) } input name="note" maxlength="1000"; }
                label.check {
                    input type="checkbox" name="strict" value="yes";
                    span { (visit.say("不采用任何假设", "Refuse assumptions")) }
                }
                div.buttons {
                    button name="step" value="check" { (visit.say("先试算,不记录", "Try it, record nothing")) }
                    button.strong name="step" value="make" { (visit.say("编制", "Make it")) }
                }
            }
        }
    }
}

/// Makes a run, or tries it.
pub(super) async fn make(visit: Visit, body: Multipart) -> Response {
    match made(&visit, body).await {
        Ok(Made::Run(id)) => Redirect::to(&format!("/runs/{id}")).into_response(),
        Ok(Made::Tried(shown)) => visit.answer(Ok(*shown)),
        Err(refusal) => refusal.response(&visit),
    }
}

enum Made {
    Run(String),
    Tried(Box<Shown>),
}

async fn made(visit: &Visit, body: Multipart) -> Result<Made, Refusal> {
    let form = Form::read(visit, body).await?;
    let data = &visit.reference().data;
    let title = Text::new("编制批次", "Make a run");
    let headcounts = match read_headcounts(form.file(), &data.areas, &data.groups) {
        Ok(headcounts) => headcounts,
        Err(problems) => {
            let body = super::grid::problems(visit, &problems);
            let shown = Shown { title, tab: Tab::Runs, tables: Vec::new(), body };
            return Ok(Made::Tried(Box::new(shown)));
        }
    };
    let validate_only = form.value("step") != "make";
    let request = v1::MakeRunRequest {
        request_id: uuid::Uuid::now_v7().to_string(),
        validate_only,
        headcounts: headcounts.iter().map(headcount).collect(),
        strict: form.value("strict") == "yes",
        note: form.value("note").to_owned(),
        ..Default::default()
    };
    let answer = run(&visit.ask()).make_run(request).await?.into_inner();
    if let Some(run) = answer.run.as_ref().filter(|run| !run.id.is_empty()) {
        return Ok(Made::Run(run.id.clone()));
    }
    let tried = answer.run.unwrap_or_default();
    let body = html! {
        h1 { (visit.say("试算结果(没有记录)", "Tried out; nothing was recorded")) }
        @if answer.problems.is_empty() {
            p.sentence {
                (tried.persons) (visit.say(" 人次,", " persons, ")) (tried.lines)
                (visit.say(" 行,合计 ", " lines, ")) (number(&tried.yuan)) (visit.say(" 元", " yuan"))
            }
            (findings(visit, &tried))
        } @else {
            (super::grid::row_problems(visit, &answer.problems, answer.more_problems, &|row| {
                let at = usize::try_from(row - 1).ok().and_then(|at| headcounts.get(at));
                at.map_or_else(|| row.to_string(), |one| {
                    let area = area_name(visit, &one.area.to_string());
                    format!("{} {area} {}", one.month, word::group(visit, one.group.as_str()))
                })
            }))
        }
        p { a href="/runs" { (visit.say("返回,改正后再试", "Go back, mend it and try again")) } }
    };
    Ok(Made::Tried(Box::new(Shown { title, tab: Tab::Runs, tables: Vec::new(), body })))
}
