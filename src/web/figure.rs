//! `/figures/150300/cpi/2021-04`: every revision of one figure, and where each comes from.

use axum::{extract::Path, response::Response};
use maud::html;

use crate::{
    client::{index, number, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::v1,
};

use super::{
    frame::{Shown, Tab},
    names::area_name,
    parts::{area_page, instant},
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::Visit,
};

/// The page.
pub(super) async fn page(Path(key): Path<(String, String, String)>, visit: Visit) -> Response {
    let shown = shown(&visit, key).await;
    visit.answer(shown)
}

/// A series' name.
pub(super) fn series_name(visit: &Visit, series: &str) -> String {
    let names = &visit.reference().data.series;
    match series.parse() {
        Ok(code) => visit.say(names.zh(&code), names.en(&code)).to_owned(),
        Err(_) => series.to_owned(),
    }
}

async fn shown(
    visit: &Visit,
    (area, series, month): (String, String, String),
) -> Result<Shown, Refusal> {
    let at: Month = month.parse().map_err(|_| Refusal::field("month", &month, "2021-04"))?;
    let request = v1::ListFigureRevisionsRequest {
        area: area.clone(),
        series: series.clone(),
        month: Some(year_month(at)),
        known_at: None,
    };
    let figures = index(&visit.ask()).list_figure_revisions(request).await?.into_inner().figures;
    let row = |figure: &v1::Figure| {
        vec![
            Cell::new(figure.revision.to_string()),
            Cell::new(number(&figure.value)),
            Cell::new(&figure.released_on),
            Cell::new(&figure.source),
            Cell::new(instant(figure.recorded_at)),
        ]
    };
    let name = format!("{} {month} {}", area_name(visit, &area), series_name(visit, &series));
    let table = Table {
        id: "revisions",
        caption: Text::new("全部版次,旧的在前", "Every revision, the oldest first"),
        columns: vec![
            numbers("版次", "Revision"),
            numbers("数值", "Value"),
            words("发布日期", "Released"),
            words("来源", "Source"),
            words("记录时间", "Recorded"),
        ],
        rows: figures.iter().map(row).collect(),
    };
    let body = html! {
        h1 { (name) }
        (table.shown(visit))
        p { a href=(area_page(&area, &month)) {
            (visit.say("这个数字用在哪里:看判定", "Where it is used: the decision"))
        } }
    };
    let title = Text::new(name.clone(), name);
    Ok(Shown { title, tab: Tab::None, tables: vec![table], body })
}
