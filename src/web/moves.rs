//! The steps of a run's life that may follow, each a form of its own, so that no key takes another step than
//! the one whose button is seen.

use axum::{
    body::Bytes,
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use crate::{
    access::table::of_move,
    client::run as runs,
    domain::life::Move,
    engine::reason::Text,
    grpc::{run_message::made as made_message, v1},
};

use super::{
    form::Form,
    frame::token,
    refusal::Refusal,
    visit::{Visit, address},
    words as word,
};

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

/// The forms; `stale` tells that the run would pay otherwise today.
pub(super) fn shown(visit: &Visit, run: &v1::Run, stale: bool) -> Markup {
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
        @for made in possible { (step_form(visit, run, made, stale)) }
        @if adjustable {
            form.step method="post" action=(format!("/runs/{}/adjust", run.id)) {
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

/// What a step wants to be told, and whether it is not made without.
fn reason(run: &v1::Run, made: Move, stale: bool) -> Option<(Text, bool)> {
    let blocked = run.findings.iter().any(|one| one.weight == "blocking");
    match made {
        Move::Reject => Some((Text::new("退回理由", "Why it is rejected"), true)),
        Move::Void => Some((Text::new("作废理由", "Why it is voided"), true)),
        Move::Approve if blocked => {
            let why = "有阻断事项仍予批准的理由";
            Some((Text::new(why, "Why it is approved in spite of blocking findings"), true))
        }
        Move::Approve | Move::Release if stale => {
            let why = "与现行数据不符仍予办理的理由";
            Some((Text::new(why, "Why it goes on although it would pay otherwise today"), true))
        }
        Move::Close if 0 < run.open_lines => {
            let why = "仍有未回盘的行即办结的理由";
            Some((Text::new(why, "Why it is closed although lines have no outcome yet"), true))
        }
        _ => None,
    }
}

fn step_form(visit: &Visit, run: &v1::Run, made: Move, stale: bool) -> Markup {
    let reason = reason(run, made, stale);
    let made = made_message(made);
    let name = word::run_move(made);
    html! {
        form.step method="post" action=(format!("/runs/{}/move", run.id)) {
            (token(visit))
            input type="hidden" name="request" value=(uuid::Uuid::now_v7());
            input type="hidden" name="made" value=(i32::from(made));
            @if let Some((label, is_required)) = &reason {
                label {
                    span { (visit.say(&label.zh, &label.en)) }
                    input name="reason" maxlength="1000" required[*is_required];
                }
            }
            button { (visit.say(&name.zh, &name.en)) }
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
