//! Making a roster run: the roster passes through, and the page grows while it is worked on.

use axum::{
    body::{Body, Bytes},
    extract::Multipart,
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, PreEscaped, html};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use crate::{
    client::{number, roster, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::v1,
};

use super::{
    form::{ROSTERS, format_of, short_text, unreadable},
    frame::{Shown, Tab, framed, token},
    refusal::Refusal,
    visit::Visit,
};

/// Pieces that wait for the service or the browser.
const WAITING: usize = 4;
/// Rows not paid that are told one by one.
const REJECTS_MAX: usize = 500;
/// Where the page goes on while the roster is worked on.
const GROWS: &str = "<!-- grows -->";

/// The form.
pub(super) fn form(visit: &Visit, month: &str) -> Markup {
    html! {
        section {
            h2 { (visit.say("按名册编制批次(发放到人)", "Make a run from a roster (pays persons)")) }
            form.stacked method="post" action="/runs/roster" enctype="multipart/form-data" {
                (token(visit))
                label {
                    span { (visit.say("指数月份", "Index month")) }
                    input name="month" value=(month) pattern="[0-9]{4}-[0-9]{2}" size="8" required;
                }
                label { span { (visit.say("说明", "Note")) } input name="note" maxlength="1000"; }
                label {
                    span { (visit.say(
                        "名册(CSV、XLSX 或 Parquet;列:person_id 身份证号, name 姓名, area_code 地区代码, group 保障对象, residence 城乡);身份信息只用于比对,不留存",
                        "Roster (CSV, XLSX or Parquet; columns person_id, name, area_code, group, residence); \
                         identities are compared and not kept",
                    )) }
                    input type="file" name="file" accept=(ROSTERS) required;
                }
                button.strong { (visit.say("编制", "Make it")) }
            }
        }
    }
}

/// What stands before the file.
struct Head {
    month: Month,
    note: String,
}

/// Makes the run; answers with a page that grows.
pub(super) async fn make(visit: Visit, mut body: Multipart) -> Response {
    let head = match head(&visit, &mut body).await {
        Ok(head) => head,
        Err(refusal) => return refusal.response(&visit),
    };
    let shown = Shown {
        title: Text::new("编制批次", "Make a run"),
        tab: Tab::Runs,
        tables: Vec::new(),
        body: html! {
            h1 { (visit.say("按名册编制批次", "A run from a roster")) }
            div role="status" { (PreEscaped(GROWS)) }
        },
    };
    let page = framed(&visit, &shown).into_string();
    let (before, after) = page.split_once(GROWS).unwrap_or((&page, ""));
    let (before, after) = (before.to_owned(), after.to_owned());
    let (grow, grown) = mpsc::channel::<String>(WAITING);
    tokio::spawn(async move {
        // Whoever asked may have gone; the run is then made all the same.
        let _ = grow.send(before).await;
        let told = match work(&visit, head, body, &grow).await {
            Ok(told) => told,
            Err(refusal) => refusal.told(&visit),
        };
        let _ = grow.send(told.into_string()).await;
        let _ = grow.send(after).await;
    });
    let pieces =
        ReceiverStream::new(grown).map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (kind, Body::from_stream(pieces)).into_response()
}

async fn head(visit: &Visit, body: &mut Multipart) -> Result<Head, Refusal> {
    let mut fields = Vec::new();
    for _ in 0..3 {
        let field = body.next_field().await.map_err(unreadable)?;
        let field = field.ok_or_else(|| unreadable("token, month and note were expected"))?;
        let name = field.name().unwrap_or_default().to_owned();
        fields.push((name, short_text(field).await?));
    }
    let value = |name: &str| {
        fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    visit.permitted(value("token"))?;
    let month = value("month");
    let month = month.parse().map_err(|_| Refusal::field("month", month, "2021-04"))?;
    Ok(Head { month, note: value("note").trim().to_owned() })
}

/// Sends the roster on as it comes.
async fn pass_on(
    head: v1::MakeRosterRunHead,
    mut body: Multipart,
    sender: &mpsc::Sender<v1::MakeRosterRunRequest>,
) -> Result<(), Refusal> {
    use v1::make_roster_run_request::Part;
    let field = body.next_field().await.map_err(unreadable)?;
    let mut field = field.ok_or_else(|| unreadable("a file was expected"))?;
    let format = format_of(&field).into();
    let roster = Some(v1::RosterHead { format, ..Default::default() });
    let head = v1::MakeRosterRunHead { roster, ..head };
    // Whoever answers early has stopped listening.
    let _ = sender.send(v1::MakeRosterRunRequest { part: Some(Part::Head(head)) }).await;
    while let Some(bytes) = field.chunk().await.map_err(unreadable)? {
        let piece = v1::MakeRosterRunRequest { part: Some(Part::Piece(bytes.to_vec())) };
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Has the run made, and tells how far it is.
async fn work(
    visit: &Visit,
    head: Head,
    body: Multipart,
    grow: &mpsc::Sender<String>,
) -> Result<Markup, Refusal> {
    use v1::make_roster_run_response::Part;
    let head = v1::MakeRosterRunHead {
        request_id: uuid::Uuid::now_v7().to_string(),
        month: Some(year_month(head.month)),
        note: head.note,
        ..Default::default()
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let ask = visit.ask();
    let answer = async { roster(&ask).make_roster_run(ReceiverStream::new(receiver)).await };
    let sent = async move {
        // The end of what is sent means that the roster is whole. Of one that breaks off the sender is
        // kept until nobody listens any more, so that it does not pass for a shorter one.
        match pass_on(head, body, &sender).await {
            Ok(()) => {
                drop(sender);
                Ok(())
            }
            Err(refusal) => Err((refusal, sender)),
        }
    };
    let answer = async { Ok(answer.await) };
    let (answer, ()) = tokio::try_join!(answer, sent).map_err(|(refusal, _)| refusal)?;
    let mut answer = answer?.into_inner();
    let (mut run, mut rejects, mut told) = (v1::Run::default(), Vec::new(), -1);
    while let Some(message) = answer.message().await? {
        match message.part {
            Some(Part::Progress(v1::RosterProgress { done, of })) => {
                let tenths = done.saturating_mul(10).checked_div(of).unwrap_or(0);
                if told < tenths {
                    told = tenths;
                    let share = html! { span { (tenths * 10) " % " } };
                    let _ = grow.send(share.into_string()).await;
                }
            }
            Some(Part::Run(made)) => run = made,
            Some(Part::Rejects(rows)) => {
                let room = REJECTS_MAX.saturating_sub(rejects.len());
                rejects.extend(rows.rows.into_iter().take(room));
            }
            None => {}
        }
    }
    Ok(made(visit, &run, &rejects))
}

fn made(visit: &Visit, run: &v1::Run, rejects: &[v1::RowReject]) -> Markup {
    let not_paid: i64 = run.roster.iter().flat_map(|pin| pin.rejects.values()).sum();
    html! {
        p.sentence {
            a href=(format!("/runs/{}", run.id)) { (visit.say("批次 ", "Run ")) (run.id) }
            (visit.say(":", ": ")) (run.persons) (visit.say(" 人,合计 ", " persons, "))
            (number(&run.yuan)) (visit.say(" 元;不发放 ", " yuan; rows not paid: ")) (not_paid)
            (visit.say(" 行", ""))
        }
        @if !rejects.is_empty() {
            ul {
                @for one in rejects {
                    li {
                        (visit.say("第 ", "Row ")) (one.row) (visit.say(" 行:", ": "))
                        (visit.say(&one.explanation, &one.reason)) " " (one.paid_by)
                    }
                }
            }
        }
    }
}
