//! `/audit`: who recorded, decided and approved what, when; and whether the chain holds.

use axum::{body::Bytes, response::Response};
use maud::{Markup, html};

use crate::{
    client::{audit, lists},
    engine::reason::Text,
    grpc::v1::{self, EntryKind},
};

use super::{
    form::Form,
    frame::{Shown, Tab, token},
    parts::instant,
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::Visit,
    words as word,
};

/// Entries on one page.
const PAGE: i32 = 100;

/// The page.
pub(super) async fn page(visit: Visit) -> Response {
    let shown = shown(&visit, None).await;
    visit.answer(shown)
}

/// The page with the outcome of a walk.
pub(super) async fn verify(visit: Visit, body: Bytes) -> Response {
    let shown = async {
        visit.permitted(Form::of(&body).value("token"))?;
        let request = v1::VerifyJournalRequest {};
        let found = audit(&visit.ask()).verify_journal(request).await?.into_inner();
        shown(&visit, Some(found)).await
    };
    let shown = shown.await;
    visit.answer(shown)
}

const KINDS: [EntryKind; 6] = [
    EntryKind::Unspecified,
    EntryKind::Figures,
    EntryKind::Standards,
    EntryKind::Law,
    EntryKind::MakeRun,
    EntryKind::MoveRun,
];

async fn shown(visit: &Visit, verified: Option<v1::JournalVerification>) -> Result<Shown, Refusal> {
    let kind = visit.field("kind");
    let kind: i32 = match kind {
        "" => 0,
        kind => kind.parse().map_err(|_| Refusal::field("kind", kind, "1"))?,
    };
    let before = visit.field("before");
    let before: u64 = match before {
        "" => 0,
        before => before.parse().map_err(|_| Refusal::field("before", before, "100"))?,
    };
    let request = v1::ListEntriesRequest {
        kind,
        principal: visit.field("principal").to_owned(),
        before,
        page_size: PAGE,
        ..Default::default()
    };
    let entries = match visit.field("as") {
        "" => audit(&visit.ask()).list_entries(request).await?.into_inner().entries,
        // A download holds every entry, not one page.
        _ => {
            lists::entries(&visit.ask(), v1::ListEntriesRequest { page_size: 1_000, ..request })
                .await?
        }
    };
    let title = Text::new("审计:账本", "Audit: the journal");
    let table = table(visit, &entries);
    let oldest = entries.last().map_or(0, |entry| entry.sequence);
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        p { (visit.say(
            "每一笔都只增不改,且与前一笔的摘要值相连;改动任何一处,核对都会发现。",
            "Entries are only ever added, each bound to the one before by its digest; a change \
             anywhere is found by the check.",
        )) }
        (check(visit, verified.as_ref()))
        form.choice method="get" action="/audit" {
            label {
                span { (visit.say("种类", "Kind")) }
                select name="kind" {
                    @for one in KINDS {
                        @let name = word::entry_kind(one);
                        option value=(i32::from(one)) selected[i32::from(one) == kind] {
                            (visit.say(&name.zh, &name.en))
                        }
                    }
                }
            }
            label {
                span { (visit.say("经手人", "By")) }
                input name="principal" value=(visit.field("principal")) size="12";
            }
            button { (visit.say("查看", "Show")) }
        }
        (table.shown(visit))
        @if 1 < oldest && entries.len() == PAGE as usize {
            p { a href=(visit.here(&[("before", oldest.to_string().as_str())])) {
                (visit.say("更早的记录", "Earlier entries"))
            } }
        }
    };
    Ok(Shown { title, tab: Tab::Audit, tables: vec![table], body })
}

fn check(visit: &Visit, verified: Option<&v1::JournalVerification>) -> Markup {
    html! {
        @match verified {
            Some(found) if found.sound => p.right role="status" {
                (visit.say("核对无误:", "Sound: ")) (found.entries)
                (visit.say(" 笔首尾相连,末笔摘要值 ", " entries in one chain, ending in "))
                code { (found.head) }
            },
            Some(found) => p.wrong role="alert" {
                (visit.text(&found.why))
                (visit.say(
                    "。请保留现场,从备份或副本恢复:price-linkage restore",
                    ". Keep everything as it is and restore a backup: price-linkage restore",
                ))
            },
            None => {},
        }
        @if visit.may_call("AuditService/VerifyJournal") {
            form method="post" action="/audit/verify" {
                (token(visit))
                button { (visit.say("核对整条链", "Check the whole chain")) }
            }
        } @else if !visit.is_signed_in() {
            p { a href="/sign-in?back=%2Faudit" {
                (visit.say("登录后可核对整条链", "Sign in to check the whole chain"))
            } }
        }
    }
}

fn table(visit: &Visit, entries: &[v1::JournalEntry]) -> Table {
    let row = |one: &v1::JournalEntry| {
        let kind = word::entry_kind(one.kind());
        let what = match one.kind() {
            EntryKind::Law if one.documents.len() <= 3 => Cell::new(one.documents.join("、")),
            EntryKind::Law => {
                Cell::new(format!("{}{}", one.documents.len(), visit.say(" 份文件", " documents")))
            }
            EntryKind::MakeRun => Cell::linked(&one.run, format!("/runs/{}", one.run)),
            EntryKind::MoveRun => {
                let made = word::run_move(one.made());
                let made = visit.say(&made.zh, &made.en);
                Cell::linked(format!("{} {made}", one.run), format!("/runs/{}", one.run))
            }
            _ => Cell::new(format!("{}{}", one.rows, visit.say(" 行", " rows"))),
        };
        vec![
            Cell::new(one.sequence.to_string()),
            Cell::new(instant(one.recorded_at)).toned("time"),
            Cell::new(&one.principal),
            Cell::new(visit.say(&kind.zh, &kind.en)),
            what,
            Cell::new(one.decisions.to_string()),
            Cell::new(&one.origin),
            Cell::new(&one.digest[..one.digest.len().min(12)]),
        ]
    };
    Table {
        id: "entries",
        caption: Text::new("账本(新的在前)", "Entries, the latest first"),
        columns: vec![
            numbers("序号", "Entry"),
            words("时间(北京)", "When (Beijing)"),
            words("经手人", "By"),
            words("种类", "Kind"),
            words("内容", "What"),
            numbers("改变的判定", "Decisions changed"),
            words("来自", "From"),
            words("摘要值", "Digest"),
        ],
        rows: entries.iter().map(row).collect(),
    }
}
