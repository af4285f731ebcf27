//! Signing in and out.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use maud::html;
use tokio_stream::StreamExt;

use crate::{access::Caller, engine::reason::Text};

use super::{
    form::Form,
    frame::{self, Shown, Tab},
    refusal::Refusal,
    session::{COOKIE, Session},
    site::Site,
    visit::Visit,
};

/// Longest name taken.
const NAME_CHARACTERS_MAX: usize = 100;

/// The form. It begins a session, so that the form itself carries a token.
pub(super) async fn page(mut visit: Visit) -> Response {
    let begun = match &visit.session {
        Some(_) => None,
        None => match visit.site.sessions.begin(None, None) {
            Ok(session) => {
                visit.session = Some(session.clone());
                Some(session)
            }
            Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    };
    let mut response = visit.answer(Ok(form(&visit, "", visit.field("back"))));
    if let Some(session) = begun {
        keep(&visit, &session, &mut response);
    }
    response
}

fn form(visit: &Visit, wrong: &str, back: &str) -> Shown {
    let body = html! {
        h1 { (visit.say("登录", "Sign in")) }
        @if !wrong.is_empty() { p.wrong role="alert" { (wrong) } }
        form.stacked method="post" action="/sign-in" {
            (frame::token(visit))
            input type="hidden" name="back" value=(back);
            @if visit.site.gate.is_open() {
                label {
                    span { (visit.say("姓名", "Name")) }
                    input name="name" autocomplete="username" required autofocus maxlength="100";
                }
            } @else {
                label {
                    span { (visit.say("登录令牌", "Token")) }
                    input name="name" type="password" autocomplete="current-password" required
                        autofocus maxlength="4000";
                }
            }
            button.strong { (visit.say("登录", "Sign in")) }
        }
        @if visit.site.gate.is_open() {
            p.hint { (visit.say(
                "本服务未设登录凭据,只在本机开放;所填姓名照实记入账本。",
                "This service checks no credentials and is open on this machine alone; the name is \
                 recorded as stated.",
            )) }
        }
    };
    Shown { title: Text::new("登录", "Sign in"), tab: Tab::None, tables: Vec::new(), body }
}

/// Sets the session's cookie. It comes along when a link leads here from elsewhere; what changes anything
/// is a form with a token of the session.
fn keep(visit: &Visit, session: &Session, response: &mut Response) {
    let secure = if visit.site.settings.is_encrypted { "; Secure" } else { "" };
    let id = &session.id;
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Signs in and goes back to where it was asked for. The session is a new one, so that nobody can plant
/// one beforehand.
pub(super) async fn enter(visit: Visit, body: Bytes) -> Response {
    let form_sent = Form::of(&body);
    if let Err(refusal) = visit.genuine(form_sent.value("token")) {
        return refusal.response(&visit);
    }
    let given = form_sent.value("name").trim();
    let caller = match caller(&visit, given).await {
        Ok(caller) => caller,
        Err(Wrong::Told(wrong)) => {
            let mut response = visit.answer(Ok(form(&visit, wrong, form_sent.value("back"))));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            return response;
        }
        Err(Wrong::Refused(refusal)) => return refusal.response(&visit),
    };
    let ends = match caller {
        Caller::Known(_) => match visit.site.gate.ends_with(given) {
            // It has ended in between.
            None => return Refusal::sign_in().response(&visit),
            ends => ends,
        },
        Caller::Stated(_) | Caller::Public => None,
    };
    let Ok(session) = visit.site.sessions.begin(Some(caller), ends) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if let Some(before) = &visit.session {
        visit.site.sessions.end(&before.id);
    }
    let mut response = Redirect::to(inside(form_sent.value("back"))).into_response();
    keep(&visit, &session, &mut response);
    response
}

enum Wrong {
    Told(&'static str),
    Refused(Refusal),
}

/// Whom a name or a token stands for.
async fn caller(visit: &Visit, given: &str) -> Result<Caller, Wrong> {
    let gate = &visit.site.gate;
    if !gate.is_open() {
        let found = gate.by_its_token(given).await;
        let found = found.map_err(|status| Wrong::Refused(status.into()))?;
        let wrong = visit.lang.pick("令牌无效或已失效", "The token is not known, or not any more");
        return found.map(Caller::Known).ok_or(Wrong::Told(wrong));
    }
    let characters = given.chars().count();
    if !(1..=NAME_CHARACTERS_MAX).contains(&characters) || given.chars().any(char::is_control) {
        return Err(Wrong::Told(
            visit
                .lang
                .pick("请填写 1 至 100 个字的姓名", "A name of 1 to 100 characters is expected"),
        ));
    }
    Ok(Caller::Stated(given.to_owned()))
}

/// An address on this site, or the first page.
fn inside(back: &str) -> &str {
    let foreign = !back.starts_with('/')
        || back.starts_with("//")
        || back.contains(|one: char| one == '\\' || one.is_control());
    if foreign { "/" } else { back }
}

/// Bytes of a form that are read only so that its answer is.
const DRAINED_BYTES_MAX: usize = 1024 * 1024;
/// How long that may take.
const DRAINED: Duration = Duration::from_secs(5);

/// Lets only who has signed in send a form, before it is kept in memory.
pub(super) async fn signed(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visit) = Visit::from_request_parts(&mut parts, &site).await;
    if visit.is_signed_in() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    // A browser that is still sending takes an answer for a broken connection.
    let mut pieces = body.into_data_stream();
    let drained = async {
        let mut read = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            read += piece.len();
            if DRAINED_BYTES_MAX < read {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAINED, drained).await;
    Refusal::sign_in().response(&visit)
}

/// Signs out.
pub(super) async fn leave(visit: Visit, body: Bytes) -> Response {
    if let Err(refusal) = Form::posted(&visit, &body).map(drop) {
        return Refusal::response(&refusal, &visit);
    }
    if let Some(session) = &visit.session {
        visit.site.sessions.end(&session.id);
    }
    Redirect::to("/").into_response()
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        assert_eq!(inside("/runs?within=150000"), "/runs?within=150000");
        for foreign in [
            "",
            "//example.org",
            "https://example.org",
            "/\\example.org",
            "x",
            "/a\r\nb",
            "/\t/example.org",
        ] {
            assert_eq!(inside(foreign), "/", "{foreign:?}");
        }
    }
}
