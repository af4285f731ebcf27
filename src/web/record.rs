//! `/record`: figures typed or sent as a file, checked first, and recorded once they are confirmed.

use axum::{body::Bytes, extract::Multipart, response::Response};
use maud::{Markup, html};

use crate::{
    client::{index, month_text, number, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::{Decimal, v1},
    intake::figures::{Known, read_figures},
};

use super::{
    figure::series_name,
    form::Form,
    frame::{Shown, Tab, token},
    grid::{self, Grid},
    month::area_name,
    parts::area_page,
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::{Visit, address},
    words as word,
};

/// The form.
pub(super) async fn page(visit: Visit) -> Response {
    let shown = async {
        let month = month(&visit, visit.field("month")).await?;
        let grid = Grid::found(&visit, year_month(month), month.to_string()).await?;
        Ok(form(&visit, &grid, "", "", &html! {}))
    };
    let shown = shown.await;
    visit.answer(shown)
}

/// The month asked for, or the one after the newest.
async fn month(visit: &Visit, asked: &str) -> Result<Month, Refusal> {
    if !asked.is_empty() {
        return asked.parse().map_err(|_| Refusal::field("month", asked, "2021-04"));
    }
    let newest = visit.months().first().copied();
    let newest = newest.unwrap_or_else(super::site::first_month);
    Ok(newest.plus(1).unwrap_or(newest))
}

fn form(visit: &Visit, grid: &Grid, released: &str, source: &str, wrong: &Markup) -> Shown {
    let title = Text::new("录入指数", "Record figures");
    let (signed_in, may) = (visit.is_signed_in(), visit.may_call("IndexService/RecordFigures"));
    let body = html! {
        h1 { (visit.say(&title.zh, &title.en)) }
        (wrong)
        form.choice method="get" action="/record" {
            label {
                span { (visit.say("指数月份", "Index month")) }
                input name="month" value=(grid.month) pattern="[0-9]{4}-[0-9]{2}" size="8" required;
            }
            button { (visit.say("换月份", "Other month")) }
        }
        @if !signed_in {
            p { a href=(address("/sign-in", [("back", "/record")])) {
                (visit.say("登录后录入", "Sign in to record"))
            } }
        }
        @if may { (fields(visit, grid, released, source)) }
        p.downloads {
            a href=(visit.here(&[("as", "csv"), ("month", grid.month.as_str())])) download {
                (visit.say("下载本月表格(填好可上传)", "Download the month as a file to fill in")) " CSV"
            }
        }
    };
    Shown { title, tab: Tab::Record, tables: vec![grid.table()], body }
}

fn fields(visit: &Visit, grid: &Grid, released: &str, source: &str) -> Markup {
    html! {
    form.stacked method="post" action="/record/check" enctype="multipart/form-data" {
        (token(visit))
        input type="hidden" name="month" value=(grid.month);
        (grid.shown(visit))
        label {
            span { (visit.say("发布日期", "Day of release")) }
            input name="released_on" type="date" value=(released);
        }
        label {
            span { (visit.say("来源", "Source")) }
            input name="source" value=(source) maxlength="200";
        }
        label {
            span { (visit.say(
                "或上传表格(CSV:month, area_code, series, value, released_on, source)",
                "Or a file (CSV: month, area_code, series, value, released_on, source)",
            )) }
            input type="file" name="file" accept=".csv,text/csv";
        }
        button.strong { (visit.say("检查", "Check")) }
    }
    }
}

/// Checks what was typed or sent; records nothing.
pub(super) async fn check(visit: Visit, body: Multipart) -> Response {
    let shown = checked(&visit, body).await;
    visit.answer(shown)
}

async fn checked(visit: &Visit, body: Multipart) -> Result<Shown, Refusal> {
    let sent = Form::read(visit, body).await?;
    let at = month(visit, sent.value("month")).await?;
    if !sent.file().is_empty() {
        return file(visit, at, sent.file()).await;
    }
    let mut grid = Grid::found(visit, year_month(at), at.to_string()).await?;
    grid.fill(sent.fields());
    let (released, source) = (sent.value("released_on"), sent.value("source"));
    let typed = grid.typed();
    let figures = typed.iter().map(|(area, series, value)| v1::Figure {
        area: (*area).to_owned(),
        series: (*series).to_owned(),
        month: Some(year_month(at)),
        value: Some(Decimal { value: (*value).to_owned() }),
        released_on: released.to_owned(),
        source: source.to_owned(),
        ..Default::default()
    });
    let figures: Vec<_> = figures.collect();
    if figures.is_empty() {
        let told = visit.say("还没有填写任何数值。", "Nothing was typed.");
        return Ok(form(
            visit,
            &grid,
            released,
            source,
            &html! { p.wrong role="alert" { (told) } },
        ));
    }
    let answer = asked(visit, &figures, true, &uuid::Uuid::now_v7().to_string()).await?;
    if answer.problems.is_empty() {
        return Ok(preview(visit, &figures, &answer));
    }
    let keys: Vec<_> =
        typed.iter().map(|(area, series, _)| ((*area).to_owned(), (*series).to_owned())).collect();
    for problem in &answer.problems {
        let at = usize::try_from(problem.row - 1).ok().and_then(|at| keys.get(at));
        if let Some(entry) = at.and_then(|key| grid.entries.get_mut(key)) {
            entry.wrong = format!("{} {}", visit.say("应为", "expected"), problem.expected);
        }
    }
    let wrong = grid::row_problems(visit, &answer.problems, answer.more_problems);
    Ok(form(visit, &grid, released, source, &wrong))
}

async fn file(visit: &Visit, at: Month, bytes: &[u8]) -> Result<Shown, Refusal> {
    let wrong = match read(visit, bytes) {
        Ok(figures) => {
            let answer = asked(visit, &figures, true, &uuid::Uuid::now_v7().to_string()).await?;
            if answer.problems.is_empty() {
                return Ok(preview(visit, &figures, &answer));
            }
            grid::row_problems(visit, &answer.problems, answer.more_problems)
        }
        Err(wrong) => wrong,
    };
    let grid = Grid::found(visit, year_month(at), at.to_string()).await?;
    Ok(form(visit, &grid, "", "", &wrong))
}

/// The figures of a table, or what is wrong with it.
fn read(visit: &Visit, bytes: &[u8]) -> Result<Vec<v1::Figure>, Markup> {
    let data = &visit.reference().data;
    let known = Known { areas: &data.areas, series: &data.series, standards: &data.standard_names };
    let rows = read_figures(bytes, known).map_err(|wrong| grid::problems(visit, &wrong))?;
    Ok(rows.into_iter().map(crate::client::figure).collect())
}

async fn asked(
    visit: &Visit,
    figures: &[v1::Figure],
    validate_only: bool,
    request_id: &str,
) -> Result<v1::RecordFiguresResponse, Refusal> {
    let request = v1::RecordFiguresRequest {
        request_id: request_id.to_owned(),
        validate_only,
        figures: figures.to_vec(),
    };
    Ok(index(&visit.ask()).record_figures(request).await?.into_inner())
}

/// What recording would do, to be confirmed.
fn preview(visit: &Visit, figures: &[v1::Figure], answer: &v1::RecordFiguresResponse) -> Shown {
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
            textarea.unseen name="rows" aria-hidden="true" tabindex="-1" readonly { (written(figures)) }
            div.buttons {
                button.strong { (visit.say("确认记录", "Record it")) }
                a href="/record" { (visit.say("不记录,返回", "Do not record; go back")) }
            }
        }
    };
    Shown { title, tab: Tab::Record, tables, body }
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
            Cell::linked(&change.area_name, area_page(&after.area, &month)),
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
    let title = Text::new("已记录", "Recorded");
    let body = match read(visit, sent.value("rows").as_bytes()) {
        Err(wrong) => wrong,
        Ok(figures) => {
            let answer = asked(visit, &figures, false, sent.value("request")).await?;
            let month = figures.first().map_or_else(String::new, |one| month_text(one.month));
            match answer.problems.is_empty() {
                true => done(visit, &answer, &month),
                false => grid::row_problems(visit, &answer.problems, answer.more_problems),
            }
        }
    };
    Ok(Shown { title, tab: Tab::Record, tables: Vec::new(), body })
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
