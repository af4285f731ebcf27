//! An area through time: its states, what was decided again, which figures were revised, which runs
//! were made.

use maud::{Markup, html};

use crate::{
    client::{index, lists, month_text, number, year_month},
    domain::month::Month,
    engine::reason::Text,
    grpc::v1,
};

use super::{
    parts::{area_page, figure_page, instant},
    refusal::Refusal,
    table::{Cell, Table, numbers, words},
    visit::Visit,
    words as word,
};

/// Days ahead of which payments without a run are asked for.
const DUE_DAYS: i32 = 366;

/// What lies behind the answer for a month.
pub(super) struct Past {
    decisions: Vec<v1::Decision>,
    /// Every revision of each figure used that was revised.
    revised: Vec<(v1::UsedFigure, Vec<v1::Figure>)>,
    runs: Vec<v1::Run>,
    /// What of it no live run pays; none where the visitor cannot be told.
    unpaid: Option<Vec<v1::DuePayment>>,
}

impl Past {
    pub async fn found(visit: &Visit, quote: &v1::Quote, month: Month) -> Result<Self, Refusal> {
        let ask = visit.ask();
        let status = quote.status.clone().unwrap_or_default();
        let at = Some(year_month(month));
        let request = v1::ListDecisionsRequest {
            area: status.deciding_area.clone(),
            from: at,
            until: at,
            ..Default::default()
        };
        let decisions = lists::decisions(&ask, request).await?;
        let mut revised: Vec<(v1::UsedFigure, Vec<v1::Figure>)> = Vec::new();
        let used = status.conditions.iter().flat_map(|condition| &condition.figures);
        for figure in used.filter(|figure| 1 < figure.revision) {
            if revised.iter().any(|(known, _)| known == figure) {
                continue;
            }
            let request = v1::ListFigureRevisionsRequest {
                area: figure.area.clone(),
                series: figure.series.clone(),
                month: figure.month,
                known_at: None,
            };
            let all = index(&ask).list_figure_revisions(request).await?.into_inner().figures;
            revised.push((figure.clone(), all));
        }
        let request = v1::ListMissingRunsRequest {
            on: (visit.site.today)().to_string(),
            within_days: DUE_DAYS,
            since: at,
            until: at,
            within: status.deciding_area.clone(),
            page_size: 1_000,
            ..Default::default()
        };
        let pays = status.triggered() == v1::Triggered::Yes && !status.indicative;
        let unpaid = match pays && visit.sees(&status.deciding_area) {
            true => Some(lists::missing_runs(&ask, request).await?),
            false => None,
        };
        let areas = &visit.reference().data.areas;
        let here = status.area.parse().ok();
        // What is owed above is owed here, and what is owed below a part of it.
        let concerns = |one: &v1::DuePayment| {
            let area = one.area.parse().ok();
            here.zip(area)
                .is_some_and(|(here, area)| areas.within(here, area) || areas.within(area, here))
        };
        let unpaid = unpaid.map(|all| all.into_iter().filter(concerns).collect());
        let request = v1::ListRunsRequest {
            within: status.area,
            month: at,
            page_size: 500,
            ..Default::default()
        };
        Ok(Self { decisions, revised, runs: lists::runs(&ask, request).await?, unpaid })
    }

    /// Whether live runs pay all that is owed here; none where it cannot be told.
    pub fn is_paid(&self) -> Option<bool> {
        self.unpaid.as_ref().map(Vec::is_empty)
    }

    /// The states through time, a row for each stretch of months alike.
    pub fn history(&self, visit: &Visit, months: &[v1::Status]) -> Table {
        let columns = vec![
            words("起", "From"),
            words("止", "Until"),
            words("状态", "State"),
            numbers("月数", "Months"),
            words("起始月份的依据", "Why, in the first month"),
        ];
        let alike = |one: &v1::Status, other: &v1::Status| {
            (one.state, &one.deciding_area) == (other.state, &other.deciding_area)
        };
        let row = |stretch: &[v1::Status]| {
            let (first, last) = (&stretch[0], &stretch[stretch.len() - 1]);
            let (from, until) = (month_text(first.month), month_text(last.month));
            let tone = word::tone(first.triggered());
            vec![
                Cell::linked(&from, area_page(&first.area, &from)),
                Cell::linked(&until, area_page(&first.area, &until)),
                Cell::new(word::state(visit, first.state())).toned(tone),
                Cell::new(stretch.len().to_string()),
                Cell::new(visit.text(&first.reason)),
            ]
        };
        let mut rows: Vec<_> = months.chunk_by(alike).map(row).collect();
        rows.reverse();
        Table {
            id: "history",
            caption: Text::new("历次状态(新的在前)", "States through time, the latest first"),
            columns,
            rows,
        }
    }

    /// Decisions, revisions and runs of the month.
    pub fn tables(&self, visit: &Visit) -> Vec<Table> {
        vec![self.decided(visit), self.revisions(visit), self.made(visit)]
    }

    fn decided(&self, visit: &Visit) -> Table {
        let row = |one: &v1::Decision| {
            vec![
                Cell::new(one.revision.to_string()),
                Cell::new(instant(one.recorded_at)),
                Cell::new(word::state(visit, one.state())).toned(word::tone(one.triggered())),
                Cell::new(visit.text(&one.reason)),
            ]
        };
        Table {
            id: "decisions",
            caption: Text::new("本月历次判定", "Decisions recorded for the month"),
            columns: vec![
                numbers("版次", "Revision"),
                words("记录时间", "Recorded"),
                words("状态", "State"),
                words("依据", "Why"),
            ],
            rows: self.decisions.iter().map(row).collect(),
        }
    }

    fn revisions(&self, visit: &Visit) -> Table {
        let row = |(used, figure): (&v1::UsedFigure, &v1::Figure)| {
            vec![
                Cell::linked(super::figure::series_name(visit, &used.series), figure_page(used)),
                Cell::new(figure.revision.to_string()),
                Cell::new(number(&figure.value)),
                Cell::new(instant(figure.recorded_at)),
                Cell::new(&figure.source),
            ]
        };
        let all =
            self.revised.iter().flat_map(|(used, all)| all.iter().map(move |one| (used, one)));
        Table {
            id: "revisions",
            caption: Text::new("所用指数的修订", "Revisions of the figures used"),
            columns: vec![
                words("指数", "Series"),
                numbers("版次", "Revision"),
                numbers("数值", "Value"),
                words("记录时间", "Recorded"),
                words("来源", "Source"),
            ],
            rows: all.map(row).collect(),
        }
    }

    fn made(&self, visit: &Visit) -> Table {
        let row = |run: &v1::Run| {
            vec![
                Cell::linked(&run.id, format!("/runs/{}", run.id)),
                Cell::new(word::run_state(visit, run.state())),
                Cell::new(run.persons.to_string()),
                Cell::new(number(&run.yuan)),
                Cell::new(&run.made_by),
            ]
        };
        Table {
            id: "runs",
            caption: Text::new("本月发放批次", "Runs of the month"),
            columns: vec![
                words("批次", "Run"),
                words("状态", "State"),
                numbers("人次", "Persons"),
                numbers("金额(元)", "Yuan"),
                words("编制人", "Made by"),
            ],
            rows: self.runs.iter().map(row).collect(),
        }
    }

    /// All of it, from the tables in the order of [`Past::history`] and [`Past::tables`].
    pub fn shown(&self, visit: &Visit, tables: &[Table]) -> Markup {
        html! {
            section {
                h2 { (visit.say("来龙去脉", "How it came about")) }
                @for table in tables {
                    @if table.id == "history" || !table.rows.is_empty() { (table.shown(visit)) }
                }
                @if self.revised.is_empty() {
                    p { (visit.say(
                        "所用指数没有修订过。",
                        "None of the figures used has been revised.",
                    )) }
                }
                @if self.runs.is_empty() {
                    p { (visit.say("本月还没有发放批次。", "No run has been made for the month.")) }
                }
            }
        }
    }
}
