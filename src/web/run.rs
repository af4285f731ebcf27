//! `/runs/R25`: one run by area and group, what the approver should know, who pays, its life and the
//! papers.

use std::collections::BTreeSet;

use axum::{extract::Path, response::Response};
use maud::{Markup, html};

use crate::{
    client::{self, lists, month_text, number, run as runs},
    engine::reason::Text,
    grpc::v1,
};

use super::{
    amounts::anchor,
    form::ROSTERS,
    frame::{Shown, Tab, token},
    moves,
    names::area_name,
    parts::instant,
    refusal::Refusal,
    table::{Cell, Column, Table, numbers, words},
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
    let tables = vec![lines_table(visit, &run, &lines), funding(visit, &run), events(visit, &run)];
    let body = html! {
        h1 {
            (visit.say(&title.zh, &title.en)) " "
            span class="tag no" { (word::run_kind(visit, &run)) " · " (word::run_state(visit, run.state())) }
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
        section { h2 { (visit.say("办理", "Next steps")) } (moves::shown(visit, &run, 0 < drift)) }
        section { h2 { (visit.say("材料下载", "Documents to download")) } (papers(visit, &run, &lines)) }
        section {
            h2 { (visit.say("明细", "Lines")) }
            (tables[0].shown(visit))
            h2 { (visit.say("资金来源", "Who pays")) }
            (tables[1].shown(visit))
            h2 { (visit.say("办理经过", "What was done")) }
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
        @if 1 < run.approvals_needed {
            @let given = run.events.iter().filter(|one| one.made() == v1::RunMove::Approve).count();
            p {
                (visit.say("批准 ", "Approvals: ")) (given) (visit.say(" 人,需 ", " of ")) (run.approvals_needed)
                (visit.say(" 人", " needed"))
            }
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
                (visit.say(" 行,就高合并 ", " rows; left out for a higher claim of the same person: ")) (pin.beaten)
                (visit.say(" 行,不发放 ", ", not paid ")) (pin.rejects.values().sum::<i64>())
                (visit.say(" 行;待回盘 ", "; lines without an outcome ")) (run.open_lines)
            }
        }
    }
}

/// The lines, each rate leading to its derivation from what was known when the run was made. Columns that
/// say nothing in any line are left out.
pub(super) fn lines_table(visit: &Visit, run: &v1::Run, lines: &[v1::RunLine]) -> Table {
    let known_at = client::instant(run.pins.as_ref().and_then(|pins| pins.known_at));
    let known_at = known_at
        .map_or_else(String::new, |at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
    let columns: Vec<_> = line_columns()
        .into_iter()
        .filter(|column| {
            column.is_always || lines.iter().any(|line| !(column.cell)(visit, line).text.is_empty())
        })
        .collect();
    let row = |line: &v1::RunLine| {
        let payees = line.payees.clone().unwrap_or_default();
        let month = month_text(payees.month);
        let to = address(
            &format!("/areas/{}", payees.area),
            [("month", month.as_str()), ("known_at", known_at.as_str())],
        );
        let why = format!("{to}#{}", anchor(&payees.group, payees.residence()));
        let linked = |column: &LineColumn| {
            let cell = (column.cell)(visit, line);
            let href = match column.leads {
                Leads::Nowhere => None,
                Leads::ToArea => Some(to.clone()),
                Leads::ToDerivation => Some(why.clone()),
            };
            Cell { href: href.filter(|_| !cell.text.is_empty()), ..cell }
        };
        columns.iter().map(linked).collect()
    };
    Table {
        id: "lines",
        caption: Text::new("地区×对象", "By area and group"),
        rows: lines.iter().map(row).collect(),
        columns: columns.iter().map(|column| column.head.clone()).collect(),
    }
}

enum Leads {
    Nowhere,
    ToArea,
    ToDerivation,
}

struct LineColumn {
    head: Column,
    is_always: bool,
    leads: Leads,
    cell: fn(&Visit, &v1::RunLine) -> Cell,
}

fn payees(line: &v1::RunLine) -> v1::Headcount {
    line.payees.clone().unwrap_or_default()
}

fn group(visit: &Visit, line: &v1::RunLine) -> Cell {
    let name = word::group(visit, &payees(line).group);
    match line.basis.as_str() {
        "discretion" => Cell::new(format!("{name}{}", visit.say("(酌情)", " (discretion)"))),
        _ => Cell::new(name),
    }
}

/// The months an amount is for, where they are not the index month alone.
fn covered(_: &Visit, line: &v1::RunLine) -> Cell {
    let month = month_text(payees(line).month);
    let (from, until) = (month_text(line.covers_from), month_text(line.covers_until));
    match from == month && until == month {
        true => Cell::new(""),
        false => Cell::new(format!("{from}–{until}")),
    }
}

fn households(_: &Visit, line: &v1::RunLine) -> Cell {
    match payees(line).households {
        0 => Cell::new(""),
        households => Cell::new(households.to_string()),
    }
}

fn line_columns() -> [LineColumn; 13] {
    use Leads::{Nowhere, ToArea, ToDerivation};
    let column = |head, is_always, leads, cell| LineColumn { head, is_always, leads, cell };
    [
        column(words("指数月份", "Index month"), true, Nowhere, |_, line| {
            Cell::new(month_text(payees(line).month))
        }),
        column(words("地区", "Area"), true, ToArea, |visit, line| {
            Cell::new(area_name(visit, &payees(line).area))
        }),
        column(words("对象", "Group"), true, Nowhere, group),
        column(words("城乡", "Residence"), true, Nowhere, |visit, line| {
            Cell::new(word::residence(visit, payees(line).residence()))
        }),
        column(words("所补月份", "Months covered"), false, Nowhere, covered),
        column(numbers("人数", "Persons"), true, Nowhere, |_, line| {
            Cell::new(payees(line).persons.to_string())
        }),
        column(numbers("户数", "Households"), false, Nowhere, households),
        column(numbers("标准(元)", "Rate (yuan)"), true, ToDerivation, |_, line| {
            Cell::new(number(&line.rate_yuan))
        }),
        column(
            numbers("户内每增一人(元)", "Each further person (yuan)"),
            false,
            ToDerivation,
            |_, line| Cell::new(number(&line.each_further_yuan)),
        ),
        column(numbers("此前已付(元)", "Paid before (yuan)"), false, Nowhere, |_, line| {
            Cell::new(number(&line.paid_before_yuan))
        }),
        column(numbers("金额(元)", "Yuan"), true, ToDerivation, |_, line| {
            Cell::new(number(&line.yuan))
        }),
        column(words("资金分担", "Who pays"), true, Nowhere, |visit, line| {
            Cell::new(charged(visit, &line.charges))
        }),
        column(words("应发日期", "Due"), true, Nowhere, |_, line| Cell::new(&line.pay_by)),
    ]
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
        vec![Cell::new(source(visit, &charge.source)), Cell::figure(number(&charge.yuan), "#lines")]
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
        @if run.roster.is_some() && visit.may_call("RosterService/WritePaymentList") {
            (payment_list(visit, id))
        }
        @if run.roster.is_some() && run.state() == v1::RunState::Released
            && visit.may_call("RosterService/SettleRun") {
            (settlement(visit, id))
        }
    }
}

fn payment_list(visit: &Visit, id: &str) -> Markup {
    html! {
        form.stacked method="post" action=(format!("/runs/{id}/payment-list"))
            enctype="multipart/form-data" {
            (token(visit))
            label {
                span { (visit.say("发放清单的格式", "The payment list as")) }
                select name="format" {
                    option value="xlsx" { "XLSX" }
                    option value="csv" { "CSV" }
                }
            }
            label {
                span { (visit.say(
                    "发放清单:本系统不留存身份信息,请再次提供原名册",
                    "Payment list: no identities are kept here, so give the same roster again",
                )) }
                input type="file" name="file" accept=(ROSTERS) required;
            }
            button { (visit.say("生成发放清单", "Write the payment list")) }
        }
    }
}

fn settlement(visit: &Visit, id: &str) -> Markup {
    html! {
        form.stacked method="post" action=(format!("/runs/{id}/settle")) enctype="multipart/form-data" {
            (token(visit))
            input type="hidden" name="request" value=(uuid::Uuid::now_v7());
            label {
                span { (visit.say(
                    "银行回盘文件(CSV;列:reference 发放编号, outcome 发放结果)",
                    "What came back from the bank (CSV; columns reference, outcome)",
                )) }
                input type="file" name="file" accept=".csv,text/csv" required;
            }
            button { (visit.say("记录回盘", "Record it")) }
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
