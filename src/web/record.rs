//! `/record`: figures typed or sent as a file, checked first, and recorded once they are confirmed.

use axum::{extract::Multipart, response::Response};
use maud::{Markup, html};

use crate::{
    client::{index, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::{Decimal, v1},
    intake::figures::{Known, read_filled_figures},
};

use super::{
    confirm::preview,
    form::Form,
    frame::{Shown, Tab, token},
    grid::{self, Grid},
    reasons,
    refusal::Refusal,
    visit::{Visit, address},
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
    let mut grid = Grid::found(visit, year_month(at), at.to_string()).await?;
    grid.fill(sent.fields());
    let (released, source) = (sent.value("released_on"), sent.value("source"));
    let typed = grid.typed();
    if !sent.file().is_empty() {
        if !typed.is_empty() {
            let told = "表中已填数值,又选了文件:请只用一种方式";
            let told =
                visit.say(told, "Values were typed and a file was chosen: use one of the two");
            let wrong = html! { p.wrong role="alert" { (told) } };
            return Ok(form(visit, &grid, released, source, &wrong));
        }
        return file(visit, &grid, sent.file()).await;
    }
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
        let is_value = matches!(problem.field.as_str(), "value" | "series" | "area");
        if let Some(entry) = at.filter(|_| is_value).and_then(|key| grid.entries.get_mut(key)) {
            entry.wrong = reasons::expected(visit, &problem.expected);
        }
    }
    let wrong = refused(visit, &figures, &answer);
    Ok(form(visit, &grid, released, source, &wrong))
}

async fn file(visit: &Visit, grid: &Grid, bytes: &[u8]) -> Result<Shown, Refusal> {
    let wrong = match read(visit, bytes) {
        Ok(figures) if figures.is_empty() => {
            let told = visit.say("文件里没有填写数值的行。", "No row of the file has a value.");
            html! { p.wrong role="alert" { (told) } }
        }
        Ok(figures) => {
            let answer = asked(visit, &figures, true, &uuid::Uuid::now_v7().to_string()).await?;
            if answer.problems.is_empty() {
                return Ok(preview(visit, &figures, &answer));
            }
            refused(visit, &figures, &answer)
        }
        Err(wrong) => wrong,
    };
    Ok(form(visit, grid, "", "", &wrong))
}

pub(super) fn refused(
    visit: &Visit,
    figures: &[v1::Figure],
    answer: &v1::RecordFiguresResponse,
) -> Markup {
    let name = |row| grid::figure_name(visit, figures, row);
    grid::row_problems(visit, &answer.problems, answer.more_problems, &name)
}

/// The figures of a table, or what is wrong with it.
pub(super) fn read(visit: &Visit, bytes: &[u8]) -> Result<Vec<v1::Figure>, Markup> {
    let data = &visit.reference().data;
    let known = Known { areas: &data.areas, series: &data.series, standards: &data.standard_names };
    let rows = read_filled_figures(bytes, known).map_err(|wrong| grid::problems(visit, &wrong))?;
    Ok(rows.into_iter().map(crate::client::figure).collect())
}

pub(super) async fn asked(
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
