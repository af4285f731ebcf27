//! Signing in and out.

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::html;

use crate::engine::reason::Text;

use super::{
    form::Form,
    frame::{Shown, Tab, token},
    refusal::Refusal,
    session::{COOKIE, Session},
    visit::Visit,
};

/// Longest name taken, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// The form. It begins a session, so that the form itself carries a token.
pub(super) async fn page(mut visit: Visit) -> Response {
    let begun = match &visit.session {
        Some(_) => None,
        None => match visit.site.sessions.begin(None) {
            Ok(session) => {
                visit.session = Some(session.clone());
                Some(session)
            }
            Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    };
    let mut response = visit.answer(Ok(form(&visit, "")));
    if let Some(session) = begun {
        keep(&visit, &session, &mut response);
    }
    response
}

fn form(visit: &Visit, wrong: &str) -> Shown {
    let body = html! {
        h1 { (visit.say("登录", "Sign in")) }
        @if !wrong.is_empty() { p.wrong role="alert" { (wrong) } }
        form.stacked method="post" action="/sign-in" {
            (token(visit))
            input type="hidden" name="back" value=(visit.field("back"));
            label {
                span { (visit.say("姓名", "Name")) }
                input name="name" autocomplete="username" required autofocus maxlength="100";
            }
            button.strong { (visit.say("登录", "Sign in")) }
        }
        p.hint { (visit.say(
            "本服务未设登录凭据,只在本机开放;所填姓名照实记入账本。",
            "This service checks no credentials and is open on this machine alone; the name is \
             recorded as stated.",
        )) }
    };
    Shown { title: Text::new("登录", "Sign in"), tab: Tab::None, tables: Vec::new(), body }
}

/// Sets the session's cookie.
fn keep(visit: &Visit, session: &Session, response: &mut Response) {
    let secure = if visit.site.settings.encrypted { "; Secure" } else { "" };
    let id = &session.id;
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict{secure}");
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
    let name = form_sent.value("name").trim();
    if name.is_empty()
        || NAME_BYTES_MAX < name.len()
        || !name.bytes().all(|b| (b' '..=b'~').contains(&b))
    {
        let wrong = visit.say(
            "姓名请用 1 至 100 个英文字母、数字或标点",
            "a name of 1 to 100 printable ASCII characters",
        );
        let wrong = wrong.to_owned();
        return visit.answer(Ok(form(&visit, &wrong)));
    }
    let Ok(session) = visit.site.sessions.begin(Some(name.to_owned())) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if let Some(before) = &visit.session {
        visit.site.sessions.end(&before.id);
    }
    let mut response = Redirect::to(inside(form_sent.value("back"))).into_response();
    keep(&visit, &session, &mut response);
    response
}

/// An address on this site, or the first page.
fn inside(back: &str) -> &str {
    let foreign =
        !back.starts_with('/') || back.starts_with("//") || back.contains(['\\', '\n', '\r']);
    if foreign { "/" } else { back }
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
        for foreign in
            ["", "//example.org", "https://example.org", "/\\example.org", "x", "/a\r\nb"]
        {
            assert_eq!(inside(foreign), "/", "{foreign:?}");
        }
    }
}
