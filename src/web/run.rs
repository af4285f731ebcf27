//! `/runs/R25`: one run by area and group, what the approver should know, who pays, its life and the
//! papers.

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use crate::{
    access::table::of_move,
    client::{lists, month_text, number, run as runs},
    domain::life::Move,
    engine::reason::Text,
    grpc::{run_message::made as made_message, v1},
};

use super::{
    amounts::anchor,
    form::Form,
    frame::{Shown, Tab, token},
    month::area_name,
    parts::{area_page, instant},
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::{Visit, address},
    words as word,
};

/// The page.
pub(super) async fn page(Path(id): Path<String>, visit: Visit) -> Response {
    let shown = shown(&visit, &id).await;
    visit.answer(shown)
}

async fn shown(visit: &Visit, id: &str) -> Result<Shown, Refusal> {
    let ask = visit.ask();
    let request = v1::GetRunRequest { run: id.to_owned() };
    let run = runs(&ask).get_run(request).await?.into_inner();
    let request =
        v1::ListRunLinesRequest { run: id.to_owned(), page_size: 5_000, ..Default::default() };
    let lines = lists::run_lines(&ask, request).await?;
    let request = v1::ListRunDriftRequest { page_size: 1_000, ..Default::default() };
    let drift = lists::drift(&ask, request).await?;
    let drift = drift.iter().filter(|one| one.run == id).count();
    let title = Text::new(format!("批次 {id}"), format!("Run {id}"));
    let tables = vec![lines_table(visit, &lines), funding(visit, &run), events(visit, &run)];
    let body = html! {
        h1 {
            (visit.say(&title.zh, &title.en)) " "
            span class="tag no" { (word::run_state(visit, run.state())) }
        }
        (head(visit, &run))
        @if 0 < drift {
            p.wrong {
                (drift)
                (visit.say(
                    " 项与现行数据不符:见",
                    " headcounts would be paid otherwise today: see ",
                ))
                a href="/runs#drift" { (visit.say("差额", "the differences")) }
            }
        }
        section { h2 { (visit.say("须知事项", "Findings")) } (findings(visit, &run)) }
        section { h2 { (visit.say("办理", "Next steps")) } (moves(visit, &run)) }
        section { h2 { (visit.say("材料下载", "Papers")) } (papers(visit, &run, &lines)) }
        section {
            h2 { (visit.say("明细", "Lines")) }
            (tables[0].shown(visit))
            h2 { (visit.say("资金来源", "Who pays")) }
            (tables[1].shown(visit))
            h2 { (visit.say("经过", "Its life")) }
            (tables[2].shown(visit))
        }
        (pins(visit, &run))
    };
    Ok(Shown { title, tab: Tab::Runs, tables, body })
}

fn head(visit: &Visit, run: &v1::Run) -> Markup {
    html! {
        p.sentence {
            (run.persons) (visit.say(" 人次,", " persons in ")) (run.lines)
            (visit.say(" 行,合计 ", " lines, ")) a href="#lines" { (number(&run.yuan)) }
            (visit.say(" 元", " yuan in all"))
        }
        p {
            (visit.say("编制:", "Made by ")) (run.made_by) " " (instant(run.made_at)) " " (run.note)
        }
        @if !run.adjusts.is_empty() {
            p {
                (visit.say("补发的批次:", "Adjusts "))
                a href=(format!("/runs/{}", run.adjusts)) { (run.adjusts) }
            }
        }
        @if let Some(pin) = &run.roster {
            p {
                (visit.say("名册 ", "Roster of ")) (pin.rows)
                (visit.say(" 行,就高合并 ", " rows, beaten ")) (pin.beaten)
                (visit.say(" 行,不发放 ", ", not paid ")) (pin.rejects.values().sum::<i64>())
                (visit.say(" 行;待回盘 ", "; lines without an outcome ")) (run.open_lines)
            }
        }
    }
}

/// The lines, each rate leading to its derivation.
pub(super) fn lines_table(visit: &Visit, lines: &[v1::RunLine]) -> Table {
    let groups = &visit.reference().data.groups;
    let row = |line: &v1::RunLine| {
        let payees = line.payees.clone().unwrap_or_default();
        let month = month_text(payees.month);
        let to = area_page(&payees.area, &month);
        let why = format!("{to}#{}", anchor(&payees.group, payees.residence()));
        let group = match payees.group.parse() {
            Ok(code) => visit.say(groups.zh(&code), groups.en(&code)).to_owned(),
            Err(_) => payees.group.clone(),
        };
        vec![
            Cell::new(&month),
            Cell::linked(area_name(visit, &payees.area), to),
            Cell::new(group),
            Cell::new(word::residence(visit, payees.residence())),
            Cell::new(payees.persons.to_string()),
            Cell::linked(number(&line.rate_yuan), &why),
            Cell::linked(number(&line.yuan), why),
            Cell::new(charged(visit, &line.charges)),
            Cell::new(&line.pay_by),
        ]
    };
    Table {
        id: "lines",
        caption: Text::new("地区×对象", "By area and group"),
        columns: vec![
            words("指数月份", "Index month"),
            words("地区", "Area"),
            words("对象", "Group"),
            words("城乡", "Residence"),
            numbers("人数", "Persons"),
            numbers("标准(元)", "Rate (yuan)"),
            numbers("金额(元)", "Yuan"),
            words("资金分担", "Who pays"),
            words("应发日期", "Due"),
        ],
        rows: lines.iter().map(row).collect(),
    }
}

fn source(visit: &Visit, source: &str) -> String {
    let name = visit.reference().words().source(source);
    visit.say(&name.zh, &name.en).to_owned()
}

fn charged(visit: &Visit, charges: &[v1::Charge]) -> String {
    let one =
        |charge: &v1::Charge| format!("{} {}", source(visit, &charge.source), number(&charge.yuan));
    charges.iter().map(one).collect::<Vec<_>>().join(visit.say(";", "; "))
}

fn funding(visit: &Visit, run: &v1::Run) -> Table {
    let row = |charge: &v1::Charge| {
        vec![Cell::new(source(visit, &charge.source)), Cell::new(number(&charge.yuan))]
    };
    Table {
        id: "funding",
        caption: Text::new("资金来源", "Sources of funds"),
        columns: vec![words("来源", "Source"), numbers("金额(元)", "Yuan")],
        rows: run.charges.iter().map(row).collect(),
    }
}

fn events(visit: &Visit, run: &v1::Run) -> Table {
    let row = |event: &v1::RunEvent| {
        let made = word::run_move(event.made());
        vec![
            Cell::new(instant(event.at)).toned("time"),
            Cell::new(visit.say(&made.zh, &made.en)),
            Cell::new(&event.by),
            Cell::new(&event.reason),
        ]
    };
    Table {
        id: "events",
        caption: Text::new("办理经过", "What was done"),
        columns: vec![
            words("时间", "When"),
            words("事项", "What"),
            words("经手人", "By"),
            words("理由", "Why"),
        ],
        rows: run.events.iter().map(row).collect(),
    }
}

/// What the approver should know.
pub(super) fn findings(visit: &Visit, run: &v1::Run) -> Markup {
    html! {
        @if run.findings.is_empty() {
            p { (visit.say("没有需要注意的事项。", "Nothing to be noted.")) }
        } @else {
            ul.findings {
                @for one in &run.findings {
                    @let blocking = one.weight == "blocking";
                    li {
                        span class=(if blocking { "tag late" } else { "tag no" }) {
                            (if blocking { visit.say("阻断", "blocking") } else { visit.say("提示", "warning") })
                        }
                        " " (month_text(one.month)) " " (area_name(visit, &one.area)) " "
                        (visit.text(&one.text))
                    }
                }
            }
        }
    }
}

/// The steps that may follow.
fn possible(visit: &Visit, state: v1::RunState) -> Vec<Move> {
    let all: &[_] = match state {
        v1::RunState::Draft => &[Move::Submit, Move::Void],
        v1::RunState::Submitted => &[Move::Approve, Move::Reject, Move::Void],
        v1::RunState::Approved => &[Move::Release, Move::Void],
        v1::RunState::Released => &[Move::Close],
        _ => &[],
    };
    let mut all = all.to_vec();
    if visit.is_signed_in() {
        all.retain(|made| visit.has_role(of_move(*made)));
    }
    all
}

fn moves(visit: &Visit, run: &v1::Run) -> Markup {
    let possible = possible(visit, run.state());
    let adjustable = is_adjustable(run) && visit.may_call("RunService/MakeRun");
    if possible.is_empty() && !adjustable {
        return html! { p { (visit.say("没有可办的事项。", "Nothing more can be done.")) } };
    }
    if !visit.is_signed_in() {
        let back = format!("/runs/{}", run.id);
        return html! {
            p { a href=(address("/sign-in", [("back", back.as_str())])) {
                (visit.say("登录后办理", "Sign in to go on"))
            } }
        };
    }
    html! {
        @if !possible.is_empty() { (step_form(visit, run, &possible)) }
        @if adjustable {
            form.stacked method="post" action=(format!("/runs/{}/adjust", run.id)) {
                (token(visit))
                input type="hidden" name="request" value=(uuid::Uuid::now_v7());
                label { span { (visit.say("补发说明", "Note")) } input name="note" maxlength="1000"; }
                button { (visit.say("编制补发批次(按现行数据补足差额)", "Make an adjustment")) }
            }
        }
    }
}

/// Whether what it left unpaid can be made up for by another run.
fn is_adjustable(run: &v1::Run) -> bool {
    let released = matches!(run.state(), v1::RunState::Released | v1::RunState::Closed);
    released && run.adjusts.is_empty() && run.roster.is_none()
}

fn step_form(visit: &Visit, run: &v1::Run, possible: &[Move]) -> Markup {
    html! {
        form.stacked method="post" action=(format!("/runs/{}/move", run.id)) {
            (token(visit))
            input type="hidden" name="request" value=(uuid::Uuid::now_v7());
            label {
                span { (visit.say(
                    "理由(退回、作废、越过阻断事项时必填)",
                    "Reason (needed to reject, to void, to overrule a blocking finding)",
                )) }
                input name="reason" maxlength="1000";
            }
            div.buttons {
                @for made in possible {
                    @let made = made_message(*made);
                    @let name = word::run_move(made);
                    button name="made" value=(i32::from(made)) { (visit.say(&name.zh, &name.en)) }
                }
            }
        }
    }
}

/// Makes a step.
pub(super) async fn step(Path(id): Path<String>, visit: Visit, body: Bytes) -> Response {
    match stepped(&visit, &id, &body).await {
        Ok(()) => Redirect::to(&format!("/runs/{id}")).into_response(),
        Err(refusal) => refusal.response(&visit),
    }
}

/// Makes an adjustment of a released run.
pub(super) async fn adjust(Path(id): Path<String>, visit: Visit, body: Bytes) -> Response {
    let made = async {
        let form = Form::posted(&visit, &body)?;
        let request = v1::MakeRunRequest {
            request_id: form.value("request").to_owned(),
            adjusts: id,
            note: form.value("note").trim().to_owned(),
            ..Default::default()
        };
        let made = runs(&visit.ask()).make_run(request).await?.into_inner();
        Ok::<_, Refusal>(made.run.unwrap_or_default().id)
    };
    match made.await {
        Ok(id) => Redirect::to(&format!("/runs/{id}")).into_response(),
        Err(refusal) => refusal.response(&visit),
    }
}

async fn stepped(visit: &Visit, id: &str, body: &[u8]) -> Result<(), Refusal> {
    let form = Form::posted(visit, body)?;
    let made = form.value("made");
    let request = v1::MoveRunRequest {
        request_id: form.value("request").to_owned(),
        validate_only: false,
        run: id.to_owned(),
        made: made.parse().map_err(|_| Refusal::field("made", made, "1"))?,
        reason: form.value("reason").trim().to_owned(),
    };
    runs(&visit.ask()).move_run(request).await?;
    Ok(())
}

fn papers(visit: &Visit, run: &v1::Run, lines: &[v1::RunLine]) -> Markup {
    let id = &run.id;
    let payees = lines.iter().filter_map(|line| line.payees.as_ref());
    let notices: BTreeSet<_> =
        payees.map(|payees| (payees.area.clone(), month_text(payees.month))).collect();
    html! {
        ul {
            li { a href=(format!("/runs/{id}/computation.xlsx")) download {
                (visit.say("联合测算表", "Joint computation table")) " XLSX"
            } }
            li { a href=(format!("/runs/{id}/funding.xlsx")) download {
                (visit.say("资金申请表", "Funding request")) " XLSX"
            } }
            li { a href=(format!("/runs/{id}/receipt.json")) download {
                (visit.say("凭证(不依赖本系统即可核对)", "Receipt, to be checked without this service"))
            } }
            @for (area, month) in notices.iter().take(24) {
                li { a href=(format!("/notices/{area}/{month}")) download {
                    (visit.say("通知文稿 ", "Notice ")) (area_name(visit, area)) " " (month) " DOCX"
                } }
            }
        }
        @if run.roster.is_some() && visit.may_call("RosterService/WritePaymentList") { (payment_list(visit, id)) }
    }
}

fn payment_list(visit: &Visit, id: &str) -> Markup {
    html! {
        form.stacked method="post" action=(format!("/runs/{id}/payment-list"))
            enctype="multipart/form-data" {
            (token(visit))
            label {
                span { (visit.say(
                    "发放清单:本系统不留存身份信息,请再次提供原名册(CSV)",
                    "Payment list: no identities are kept here, so give the same roster again (CSV)",
                )) }
                input type="file" name="file" accept=".csv,text/csv" required;
            }
            button { (visit.say("生成发放清单", "Write the payment list")) }
        }
    }
}

fn pins(visit: &Visit, run: &v1::Run) -> Markup {
    let pins = run.pins.clone().unwrap_or_default();
    let mut documents: Vec<_> = pins.documents.keys().collect();
    documents.sort();
    html! {
        details {
            summary { (visit.say("依据的快照", "What it rests on")) }
            p {
                (visit.say("截至 ", "What was known at ")) (instant(pins.known_at))
                (visit.say(" 所知;指数 ", ": ")) (pins.figures.len())
                (visit.say(" 个,标准 ", " figures, ")) (pins.standards.len())
                (visit.say(" 个;程序版本 ", " standards; program ")) (pins.engine)
            }
            ul { @for id in documents { li { a href=(format!("/rules/{id}")) { (id) } } } }
        }
    }
}
