//! The frame around every page: head, navigation, language, who signed in, foot.

use maud::{DOCTYPE, Markup, html};

use crate::engine::reason::Text;

use super::{assets, table::Table, visit::Visit};

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Month,
    Law,
    Runs,
    Record,
    Replay,
    Audit,
    None,
}

/// What a page shows.
pub(super) struct Shown {
    pub title: Text,
    pub tab: Tab,
    /// What of it can be downloaded as CSV and XLSX.
    pub tables: Vec<Table>,
    pub body: Markup,
}

/// Each with its path, its names and the rpc without which it is of no use.
const TABS: [(Tab, &str, &str, &str, &str); 6] = [
    (Tab::Month, "/", "本月情况", "This month", "TriggerService/ListStatuses"),
    (Tab::Law, "/rules", "法规文件", "The law", "RuleService/GetRules"),
    (Tab::Runs, "/runs", "发放批次", "Runs", "RunService/ListRuns"),
    (Tab::Record, "/record", "录入指数", "Record figures", "IndexService/RecordFigures"),
    (Tab::Replay, "/replay", "历史测算", "Replay", "ReplayService/Replay"),
    (Tab::Audit, "/audit", "审计", "Audit", "AuditService/ListEntries"),
];

/// The page as HTML.
pub(super) fn framed(visit: &Visit, shown: &Shown) -> Markup {
    let title = visit.say(&shown.title.zh, &shown.title.en);
    let product = visit.say("价格临时补贴联动机制", "Price-linkage mechanism");
    html! {
        (DOCTYPE)
        html lang=(visit.say("zh-CN", "en")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (product) }
                link rel="icon" href=(assets::address("icon.svg"));
                link rel="stylesheet" href=(assets::address("page.css"));
                script src=(assets::address("page.js")) defer {}
            }
            body {
                a.skip href="#content" { (visit.say("跳到正文", "Skip to content")) }
                (header(visit, shown, product))
                main id="content" tabindex="-1" { (shown.body) }
                (footer(visit))
            }
        }
    }
}

fn header(visit: &Visit, shown: &Shown, product: &str) -> Markup {
    let (other, name, code) = match visit.lang {
        crate::charts::Lang::Zh => ("en", "English", "en"),
        crate::charts::Lang::En => ("zh", "中文", "zh-CN"),
    };
    html! {
        header {
            div.top {
                a.brand href="/" { (product) }
                div.who {
                    a href=(visit.here(&[("lang", other)])) lang=(code) hreflang=(code) { (name) }
                    (signed(visit))
                }
            }
            nav aria-label=(visit.say("主导航", "Main")) {
                @for (tab, path, zh, en, rpc) in TABS { @if visit.may_ask(rpc) || tab == shown.tab {
                    a href=(path) aria-current=[(tab == shown.tab).then_some("page")] {
                        (visit.say(zh, en))
                    }
                } }
            }
        }
    }
}

fn signed(visit: &Visit) -> Markup {
    let session = visit.session.as_ref().filter(|session| session.name().is_some());
    let Some(session) = session else {
        return html! { a href="/sign-in" { (visit.say("登录", "Sign in")) } };
    };
    html! {
        form.inline method="post" action="/sign-out" {
            (token(visit))
            span.name { (session.name().unwrap_or_default()) }
            button.link { (visit.say("退出", "Sign out")) }
        }
    }
}

/// The hidden field without which no form is taken.
pub(super) fn token(visit: &Visit) -> Markup {
    let token = visit.session.as_ref().map_or("", |session| session.token.as_str());
    html! { input type="hidden" name="token" value=(token); }
}

fn footer(visit: &Visit) -> Markup {
    let ledger = visit.site.service.writer.snapshot();
    html! {
        footer {
            p {
                (visit.say("账本第 ", "Journal entry ")) (ledger.sequence())
                (visit.say(" 笔 · 指数 ", " · ")) (ledger.figures.len())
                (visit.say(" 个 · 版本 ", " figures · version ")) (env!("CARGO_PKG_VERSION"))
            }
            p {
                (visit.say(
                    "带链接的数字可点开看它的来历;缺什么、由谁补,页面会写明。",
                    "A figure with a link leads to where it comes from; what is missing is named.",
                ))
            }
        }
    }
}
