//! What recording figures would change, and recording them once that is confirmed.

use axum::{body::Bytes, response::Response};
use maud::{Markup, html};
use prost::Message;

use crate::{
    client::{month_text, number},
    engine::reason::Text,
    grpc::v1,
};

use super::{
    figure::series_name,
    form::Form,
    frame::{Shown, Tab, token},
    names::area_name,
    parts::area_page,
    record::{asked, read, refused},
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::{Visit, address},
    words as word,
};

/// What recording would do, to be confirmed.
pub(super) fn preview(
    visit: &Visit,
    figures: &[v1::Figure],
    answer: &v1::RecordFiguresResponse,
) -> Shown {
    let title = Text::new("请核对后确认", "Please check and confirm");
    let tables = vec![rows(visit, figures, answer), changes(visit, answer)];
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        p.sentence {
            (visit.say("新增 ", "New: ")) (answer.new_figures)
            (visit.say(" 个,修订 ", ", revised: ")) (answer.revisions)
            (visit.say(" 个,不变 ", ", unchanged: ")) (answer.unchanged)
            (visit.say(" 个;改变判定 ", "; decisions that change: ")) (answer.decisions)
            (visit.say(" 项。尚未记录。", ". Nothing is recorded yet."))
        }
        (tables[1].shown(visit))
        (tables[0].shown(visit))
        form.stacked method="post" action="/record" {
            (token(visit))
            input type="hidden" name="request" value=(uuid::Uuid::now_v7());
            input type="hidden" name="seen" value=(seen(answer));
            textarea.unseen name="rows" aria-hidden="true" tabindex="-1" readonly { (written(figures)) }
            div.buttons {
                button.strong { (visit.say("确认记录", "Record it")) }
                a href="/record" { (visit.say("不记录,返回", "Do not record; go back")) }
            }
        }
    };
    Shown { title, tab: Tab::Record, tables, body }
}

/// What was shown to whoever confirms it: what becomes of each row, beside what, and which decisions change.
fn seen(answer: &v1::RecordFiguresResponse) -> String {
    let v1::RecordFiguresResponse { rows, changes, .. } = answer.clone();
    let shown = v1::RecordFiguresResponse {
        rows,
        changes: changes.into_iter().map(timeless).collect(),
        ..Default::default()
    };
    blake3::hash(&shown.encode_to_vec()).to_hex().to_string()
}

/// A change without the instant at which it was worked out.
fn timeless(mut change: v1::DecisionChange) -> v1::DecisionChange {
    if let Some(after) = &mut change.after {
        after.recorded_at = None;
    }
    change
}

/// The figures as the table that is read again once it is confirmed.
fn written(figures: &[v1::Figure]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["month", "area_code", "series", "value", "released_on", "source"];
    let mut written = writer.write_record(head);
    for one in figures {
        let (month, value) = (month_text(one.month), number(&one.value));
        let row = [&month, &one.area, &one.series, &value, &one.released_on, &one.source];
        written = written.and_then(|()| writer.write_record(row));
    }
    // Writing into memory does not fail.
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn rows(visit: &Visit, figures: &[v1::Figure], answer: &v1::RecordFiguresResponse) -> Table {
    let row = |(figure, outcome): (&v1::Figure, &v1::RowOutcome)| {
        let (word, tone) = match outcome.outcome.as_str() {
            "NEW" => (visit.say("新增", "new"), "tag yes"),
            "REVISION" => (visit.say("修订", "revision"), "tag late"),
            _ => (visit.say("不变", "unchanged"), "tag no"),
        };
        vec![
            Cell::new(area_name(visit, &figure.area)),
            Cell::new(series_name(visit, &figure.series)),
            Cell::new(month_text(figure.month)),
            Cell::new(number(&figure.value)),
            Cell::new(number(&outcome.recorded)),
            Cell::new(word).toned(tone),
        ]
    };
    Table {
        id: "rows",
        caption: Text::new("逐项", "Row by row"),
        columns: vec![
            words("地区", "Area"),
            words("指数", "Series"),
            words("月份", "Month"),
            numbers("填写值", "Value"),
            numbers("已录值", "Recorded"),
            words("结果", "Outcome"),
        ],
        rows: figures.iter().zip(&answer.rows).map(row).collect(),
    }
}

/// Which areas would start, stop or change.
fn changes(visit: &Visit, answer: &v1::RecordFiguresResponse) -> Table {
    let row = |change: &v1::DecisionChange| {
        let after = change.after.clone().unwrap_or_default();
        let before = change.before.as_ref().map_or_else(
            || Cell::new(visit.say("尚无判定", "none")),
            |one| Cell::new(word::state(visit, one.state())).toned(word::tone(one.triggered())),
        );
        let month = month_text(after.month);
        vec![
            Cell::linked(area_name(visit, &after.area), area_page(&after.area, &month)),
            Cell::new(month),
            before,
            Cell::new(word::state(visit, after.state())).toned(word::tone(after.triggered())),
            Cell::new(visit.text(&after.reason)),
        ]
    };
    Table {
        id: "changes",
        caption: Text::new("记录后改变的判定", "Decisions that would change"),
        columns: vec![
            words("地区", "Area"),
            words("月份", "Month"),
            words("现在", "Now"),
            words("记录后", "Then"),
            words("依据", "Why"),
        ],
        rows: answer.changes.iter().map(row).collect(),
    }
}

/// Records what was confirmed.
pub(super) async fn confirm(visit: Visit, body: Bytes) -> Response {
    let shown = confirmed(&visit, &body).await;
    visit.answer(shown)
}

async fn confirmed(visit: &Visit, body: &[u8]) -> Result<Shown, Refusal> {
    let sent = Form::posted(visit, body)?;
    let not_recorded = |body| {
        let title = Text::new("没有记录", "Not recorded");
        let body = html! { h1 { (visit.say(&title.zh, &title.en)) } (body) };
        Ok(Shown { title, tab: Tab::Record, tables: Vec::new(), body })
    };
    let figures = match read(visit, sent.value("rows").as_bytes()) {
        Ok(figures) => figures,
        Err(wrong) => return not_recorded(wrong),
    };
    let request = sent.value("request");
    let again = asked(visit, &figures, true, request).await?;
    // What this very form recorded when it was sent before would change nothing now.
    let is_sent_again = again.new_figures + again.revisions == 0;
    if again.problems.is_empty() && !is_sent_again && seen(&again) != sent.value("seen") {
        let mut shown = preview(visit, &figures, &again);
        let told = "核对之后数据有了变化,尚未记录,请重新核对";
        let told = visit
            .say(told, "Something was recorded since you checked; nothing of this is. Check again");
        shown.body = html! { p.wrong role="alert" { (told) } (shown.body) };
        return Ok(shown);
    }
    let answer = asked(visit, &figures, false, request).await?;
    if !answer.problems.is_empty() {
        return not_recorded(refused(visit, &figures, &answer));
    }
    let month = figures.first().map_or_else(String::new, |one| month_text(one.month));
    let title = Text::new("已记录", "Recorded");
    Ok(Shown { title, tab: Tab::Record, tables: Vec::new(), body: done(visit, &answer, &month) })
}

fn done(visit: &Visit, answer: &v1::RecordFiguresResponse, month: &str) -> Markup {
    html! {
        h1 { (visit.say("已记录", "Recorded")) }
        p.sentence {
            @if answer.sequence == 0 {
                (visit.say("全部与已录一致,没有新的记录。", "All was recorded before; nothing is new."))
            } @else {
                (visit.say("账本第 ", "Journal entry ")) (answer.sequence)
                (visit.say(" 笔:新增 ", ": new ")) (answer.new_figures)
                (visit.say(" 个,修订 ", ", revised ")) (answer.revisions)
                (visit.say(" 个,改变判定 ", ", decisions changed ")) (answer.decisions)
                (visit.say(" 项。", "."))
            }
        }
        p { a href=(address("/", [("month", month)])) {
            (visit.say("查看该月情况", "See the month"))
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::Decimal;

    #[test]
    fn what_is_to_be_confirmed_reads_back_as_it_was_typed() {
        let figure = v1::Figure {
            area: "990101".into(),
            series: "cpi".into(),
            month: Some(v1::YearMonth { year: 2030, month: 2 }),
            value: Some(Decimal { value: "3.5".into() }),
            released_on: "2030-03-09".into(),
            source: "a, \"b\"".into(),
            ..Default::default()
        };
        assert_eq!(
            written(&[figure]),
            "month,area_code,series,value,released_on,source\n\
             2030-02,990101,cpi,3.5,2030-03-09,\"a, \"\"b\"\"\"\n"
        );
    }
}
