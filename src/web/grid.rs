//! The grid of a month's figures, area by series, and what is wrong with it beside the cell.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::{
    charts::Lang,
    client::{lists, month_text, number},
    engine::reason::Text,
    grpc::v1,
    intake::table::Problems,
};

use super::{
    figure::series_name,
    names::area_name,
    reasons,
    refusal::Refusal,
    table::{self, Cell, Table, numbers},
    visit::Visit,
};

/// What stands in a cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// What was typed.
    pub typed: String,
    /// What is recorded.
    pub recorded: String,
    /// What is wrong with it.
    pub wrong: String,
}

/// Areas by series.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    pub month: String,
    pub areas: Vec<String>,
    pub series: Vec<String>,
    pub entries: BTreeMap<(String, String), Entry>,
}

/// How a cell is called in the form.
fn name(area: &str, series: &str) -> String {
    format!("v.{area}.{series}")
}

impl Grid {
    /// The areas that decide within the visitor's, and those with a figure in the month; the series that
    /// their conditions want; and what is recorded for the month.
    pub async fn found(visit: &Visit, month: v1::YearMonth, text: String) -> Result<Self, Refusal> {
        let ask = visit.ask();
        let within = visit.home("IndexService/RecordFigures");
        let request = v1::ListStatusesRequest {
            month: Some(month),
            within: within.clone(),
            depth: v1::Depth::Steps.into(),
            page_size: 500,
            ..Default::default()
        };
        let deciding = lists::statuses(&ask, request).await?;
        let request = v1::ListAreasRequest {
            within,
            with_index: true,
            page_size: 5_000,
            ..Default::default()
        };
        let measured = lists::areas(&ask, request).await?;
        let mut grid = Self { month: text, ..Self::default() };
        let areas: BTreeSet<_> = deciding.iter().map(|status| status.area.clone()).collect();
        grid.areas = areas.into_iter().collect();
        grid.series = vec!["cpi".into(), "food".into()];
        let conditions = deciding.iter().flat_map(|status| &status.conditions);
        for condition in conditions {
            let used = condition.figures.iter().map(|figure| &figure.series);
            for series in used.chain(condition.missing.iter().map(|one| &one.series)) {
                if !series.is_empty() && !grid.series.contains(series) {
                    grid.series.push(series.clone());
                }
            }
        }
        let request = |area: &String| v1::ListFiguresRequest {
            area: area.clone(),
            from: Some(month),
            until: Some(month),
            page_size: 1_000,
            ..Default::default()
        };
        for area in measured.into_iter().map(|area| area.code) {
            for figure in lists::figures(&ask, request(&area)).await? {
                if !grid.areas.contains(&area) {
                    grid.areas.push(area.clone());
                }
                if !grid.series.contains(&figure.series) {
                    grid.series.push(figure.series.clone());
                }
                let entry = grid.entries.entry((area.clone(), figure.series)).or_default();
                entry.recorded = number(&figure.value);
            }
        }
        Ok(grid)
    }

    /// Takes what was typed.
    pub fn fill(&mut self, fields: &[(String, String)]) {
        for (key, value) in fields {
            let Some((area, series)) = key.strip_prefix("v.").and_then(|rest| rest.split_once('.'))
            else {
                continue;
            };
            let entry = self.entries.entry((area.to_owned(), series.to_owned())).or_default();
            entry.typed = value.trim().to_owned();
        }
    }

    /// The cells that were typed, in the order of areas and series.
    pub fn typed(&self) -> Vec<(&str, &str, &str)> {
        let typed = self.entries.iter().filter(|(_, entry)| !entry.typed.is_empty());
        typed
            .map(|((area, series), entry)| (area.as_str(), series.as_str(), entry.typed.as_str()))
            .collect()
    }

    /// The grid in the columns in which figures are recorded, to be filled in and sent back.
    pub fn table(&self) -> Table {
        let rows =
            self.areas.iter().flat_map(|area| self.series.iter().map(move |one| (area, one)));
        let row = |(area, series): (&String, &String)| {
            let entry = self.entries.get(&(area.clone(), series.clone()));
            let recorded = entry.map_or("", |entry| entry.recorded.as_str());
            let cells = [self.month.as_str(), area, series, recorded, "", ""];
            cells.into_iter().map(Cell::new).collect()
        };
        let columns = ["month", "area_code", "series", "value", "released_on", "source"];
        Table {
            id: "figures",
            caption: Text::new("指数", "Figures"),
            columns: columns
                .into_iter()
                .map(
                    |name| {
                        if name == "value" { numbers(name, name) } else { table::words(name, name) }
                    },
                )
                .collect(),
            rows: rows.map(row).collect(),
        }
    }

    /// The rows of the grid as inputs.
    pub fn shown(&self, visit: &Visit) -> Markup {
        html! {
            div.table role="region" tabindex="0" aria-label=(visit.say("指数表", "Figures")) {
                table.grid {
                    caption { (self.month) " " (visit.say("同比涨幅(%),例如 2.3", "rise on the year (%), such as 2.3")) }
                    thead { tr {
                        th scope="col" { (visit.say("地区", "Area")) }
                        @for series in &self.series { th scope="col" { (series_name(visit, series)) } }
                    } }
                    tbody { @for area in &self.areas { tr {
                        th scope="row" { (area_name(visit, area)) }
                        @for series in &self.series { td { (self.cell(visit, area, series)) } }
                    } } }
                }
            }
        }
    }

    fn cell(&self, visit: &Visit, area: &str, series: &str) -> Markup {
        let entry = self.entries.get(&(area.to_owned(), series.to_owned())).cloned();
        let Entry { typed, recorded, wrong } = entry.unwrap_or_default();
        let label = format!("{} {}", area_name(visit, area), series_name(visit, series));
        let id = format!("{}-wrong", name(area, series));
        html! {
            input name=(name(area, series)) value=(typed) inputmode="decimal" size="6"
                aria-label=(label) autocomplete="off" aria-invalid[!wrong.is_empty()]
                aria-describedby=[(!wrong.is_empty()).then_some(&id)];
            @if !recorded.is_empty() {
                span.recorded { (visit.say("已录 ", "recorded ")) (recorded) }
            }
            @if !wrong.is_empty() { span.wrong id=(id) { (wrong) } }
        }
    }
}

/// What the figures of a batch are called where one of them is wrong.
pub(super) fn figure_name(visit: &Visit, figures: &[v1::Figure], row: i64) -> String {
    let at = usize::try_from(row - 1).ok().and_then(|at| figures.get(at));
    at.map_or_else(
        || row.to_string(),
        |one| {
            let (area, series) = (area_name(visit, &one.area), series_name(visit, &one.series));
            format!("{area} {series} {}", month_text(one.month))
        },
    )
}

/// What is wrong with a file, row by row.
pub(super) fn problems(visit: &Visit, problems: &Problems) -> Markup {
    let all: Vec<_> = problems
        .problems
        .iter()
        .map(|one| v1::RowProblem {
            row: one.line as i64,
            field: one.column.clone(),
            value: one.value.clone(),
            expected: one.expected.clone(),
        })
        .collect();
    let line = |row| match visit.lang {
        Lang::Zh => format!("文件第 {row} 行"),
        Lang::En => format!("Line {row} of the file"),
    };
    row_problems(visit, &all, problems.more as i32, &line)
}

/// What a service finds wrong with rows, each told as what it is about.
pub(super) fn row_problems(
    visit: &Visit,
    problems: &[v1::RowProblem],
    more: i32,
    name: &dyn Fn(i64) -> String,
) -> Markup {
    html! {
        div.wrong role="alert" {
            p {
                (visit.say("有误,没有记录任何内容:", "Not right; nothing was recorded:"))
            }
            ul { @for one in problems { li {
                (name(one.row)) (visit.say(":", ": "))
                @if let Some(why) = reasons::told(visit, one) { (why) } @else {
                    (reasons::field(visit, &one.field)) " "
                    @if !one.value.is_empty() { "“" (one.value) "” " }
                    (reasons::expected(visit, &one.expected))
                }
            } } }
            @if 0 < more { p { (visit.say("另有 ", "And ")) (more) (visit.say(" 处", " more")) } }
        }
    }
}
