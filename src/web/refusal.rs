//! Why a page cannot be shown, in words for whoever asked.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::html;
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    frame::{Shown, Tab, framed},
    reasons,
    visit::{Visit, address},
};
use crate::engine::reason::Text;

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    text: Text,
    /// What a service says of it.
    told: Option<Box<Told>>,
}

/// What a service says of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    text: Text,
    /// Its stable name for the reason.
    reason: String,
}

impl Refusal {
    pub fn new(status: StatusCode, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { status, text: Text::new(zh, en), told: None }
    }

    /// A field of the address or a form that cannot be read.
    pub fn field(name: &str, value: &str, example: &str) -> Self {
        let value: String = value.chars().take(60).collect();
        Self::new(
            StatusCode::BAD_REQUEST,
            format!("“{}”填写为“{value}”,应形如 {example}", reasons::field_zh(name)),
            format!("{name} is \"{value}\": expected, for example, {example}"),
        )
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "没有这个页面", "There is no such page")
    }

    /// Somebody must sign in first.
    pub fn sign_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "请先登录", "Please sign in first")
    }

    /// A form that did not come from this page.
    pub fn forged() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "表单已过期或并非来自本页面,请返回重试;没有作任何改动",
            "The form is too old or is not of this page; go back and try again. Nothing was changed",
        )
    }

    /// In a page that has begun.
    pub fn told(&self, visit: &Visit) -> maud::Markup {
        html! {
            p.wrong role="alert" {
                (visit.say(&self.text.zh, &self.text.en))
                @if let Some(told) = &self.told { " " (visit.say(&told.text.zh, &told.text.en)) }
            }
        }
    }

    pub fn response(&self, visit: &Visit) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            let back = visit.here(&[]);
            let to = address("/sign-in", [("back", back.as_str())]);
            return (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
        }
        let shown = Shown {
            title: self.text.clone(),
            tab: Tab::None,
            tables: Vec::new(),
            body: html! {
                h1 { (visit.say(&self.text.zh, &self.text.en)) }
                @if let Some(told) = &self.told {
                    p.detail { (visit.say(&told.text.zh, &told.text.en)) }
                    p.hint { (visit.say("原因代号 ", "Reason ")) code { (told.reason) } }
                }
                p {
                    @if !visit.is_reading {
                        a href=(visit.path) { (visit.say("返回办理页面", "Back to where it was asked for")) } " · "
                    }
                    a href="/" { (visit.say("返回首页", "Back to the first page")) }
                }
            },
        };
        let mut response = framed(visit, &shown).into_response();
        *response.status_mut() = self.status;
        response
    }
}

impl From<tonic::Status> for Refusal {
    fn from(status: tonic::Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        let (code, zh, en) = match status.code() {
            Code::InvalidArgument => {
                (StatusCode::BAD_REQUEST, "填写有误", "Something is not right")
            }
            Code::NotFound => (StatusCode::NOT_FOUND, "没有找到", "Not found"),
            Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => {
                (StatusCode::CONFLICT, "目前不能这样办理", "This cannot be done now")
            }
            Code::PermissionDenied => (StatusCode::FORBIDDEN, "没有这项权限", "Not allowed"),
            Code::Unauthenticated => return Self::sign_in(),
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => {
                (StatusCode::SERVICE_UNAVAILABLE, "服务繁忙,请稍后再试", "Busy; please try again")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "服务出错", "The service failed"),
        };
        Self {
            status: code,
            text: Text::new(zh, en),
            told: Some(Box::new(Told {
                text: Text::new(detail_zh(&status, &reason), status.message()),
                reason,
            })),
        }
    }
}

/// The reason in Chinese, with what it is about; what has no Chinese words is told as the service tells it.
fn detail_zh(status: &tonic::Status, reason: &str) -> String {
    let Some(zh) = reasons::reason(reason) else { return status.message().to_owned() };
    let fields = status.get_details_bad_request().map(|bad| bad.field_violations);
    let fields = fields.unwrap_or_default().into_iter().map(|one| {
        let what = reasons::expected_zh(&one.description);
        format!("{}:{what}", reasons::field_zh(&one.field))
    });
    let fields: Vec<_> = fields.collect();
    let about = status.get_details_resource_info().map(|info| info.resource_name);
    let about = about.filter(|name| !name.is_empty()).map(|name| format!("({name})"));
    match fields.is_empty() {
        true => format!("{zh}{}", about.unwrap_or_default()),
        false => format!("{zh}:{}", fields.join(";")),
    }
}
