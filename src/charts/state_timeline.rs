//! For each area and month whether the mechanism pays, under one law or two beside each other.

use std::collections::BTreeMap;

use crate::{domain::month::Month, engine::reason::Text};

use super::{
    Lang,
    canvas::{Anchor, Area, Canvas, Letters, Stroke},
    legend::Entry,
    lettering::{shortened, width},
    months::Months,
    page::{LEFT, Page, RIGHT},
    palette::{FRAME, Fill, HATCH, HUES, QUIET, SOFT},
    words::{
        BOTH, COLON, COMMA, FIRST, NOT_ASKED, NOT_PAID, ONLY, ONLY_AFTER, PAID, PAID_MONTHS, PAUSE,
        SECOND, UNDECIDABLE, months, span,
    },
};

const LABEL: i64 = 130;

/// States of areas over months.
#[derive(Debug, Clone)]
pub struct StateTimeline {
    /// What it shows of whom.
    pub title: Text,
    /// First month shown.
    pub from: Month,
    /// Last month shown, included.
    pub until: Month,
    /// The names of the first and the second law; none where only one is shown.
    pub laws: Option<(Text, Text)>,
    /// The areas, from above.
    pub rows: Vec<StateRow>,
    /// Remarks below the chart.
    pub notes: Vec<Text>,
}

/// An area's states.
#[derive(Debug, Clone)]
pub struct StateRow {
    /// Its name.
    pub label: Text,
    /// The state of each month; a month without one stays blank.
    pub states: BTreeMap<Month, MonthState>,
}

/// Whether a month pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MonthState {
    /// It pays; of two laws, under both.
    Paid,
    /// It pays under the first law only: the upper half of the cell.
    FirstOnly,
    /// It pays under the second law only: the lower half of the cell.
    SecondOnly,
    /// It does not pay.
    NotPaid,
    /// It cannot be decided.
    Undecidable,
}

const STATES: [MonthState; 5] = [
    MonthState::Paid,
    MonthState::FirstOnly,
    MonthState::SecondOnly,
    MonthState::NotPaid,
    MonthState::Undecidable,
];

impl StateTimeline {
    /// The chart as SVG. O(months × rows).
    pub fn svg(&self, lang: Lang) -> String {
        let mut page = Page::new(lang, &self.title);
        let legend: Vec<_> = self.states_shown().map(|state| self.entry(state, lang)).collect();
        page.legend(&legend);
        let height = match self.rows.len() {
            0..=6 => 340,
            7..=20 => 260,
            21..=35 => 210,
            _ => 180,
        };
        page.y += 180;
        let labels = self.rows.iter().map(|row| width(lang.of(&row.label), LABEL)).max();
        let x = LEFT + labels.unwrap_or(0).min(2_400) + 100;
        let counts = width(PAID_MONTHS.of(lang), 120) + 100;
        let rows = self.rows.len() as i64;
        let plot =
            Area { x, y: page.y, width: RIGHT - counts - x, height: (rows * height).max(height) };
        match Months::new(self.from, self.until, (plot.x, plot.right())).filter(|_| 0 < rows) {
            Some(axis) => {
                self.draw_counts_head(&mut page, plot);
                for (at, row) in self.rows.iter().enumerate() {
                    let line = Area { y: plot.y + at as i64 * height, height, ..plot };
                    draw_row(&mut page, row, line, &axis);
                    self.draw_count(&mut page, row, line, &axis);
                }
                axis.year_lines(&mut page.canvas, plot);
                page.y = plot.bottom() + 20;
                page.y += axis.draw(&mut page.canvas, page.y, lang) + 80;
            }
            None => {
                let plot = Area { height: 1_500, ..plot };
                page.say_empty(plot);
                page.y = plot.bottom() + 100;
            }
        }
        let blank = self.has_blanks().then(|| NOT_ASKED.of(lang).to_owned());
        page.notes(&self.notes, blank.as_slice());
        page.finish(&self.told(lang))
    }

    /// The states a reader may meet; those of a comparison only in one.
    fn states_shown(&self) -> impl Iterator<Item = MonthState> + '_ {
        let met = |state| self.rows.iter().any(|row| row.states.values().any(|one| *one == state));
        STATES.into_iter().filter(move |state| match state {
            MonthState::FirstOnly | MonthState::SecondOnly => self.laws.is_some() || met(*state),
            MonthState::Undecidable => met(*state),
            MonthState::Paid | MonthState::NotPaid => true,
        })
    }

    fn name(&self, state: MonthState, lang: Lang) -> String {
        let only = |law: &str| format!("{}{law}{}", ONLY.of(lang), ONLY_AFTER.of(lang));
        match (state, &self.laws) {
            (MonthState::Paid, None) => PAID.of(lang).to_owned(),
            (MonthState::Paid, Some(_)) => BOTH.of(lang).to_owned(),
            (MonthState::FirstOnly, Some((first, _))) => only(lang.of(first)),
            (MonthState::SecondOnly, Some((_, second))) => only(lang.of(second)),
            (MonthState::FirstOnly, None) => only(FIRST.of(lang)),
            (MonthState::SecondOnly, None) => only(SECOND.of(lang)),
            (MonthState::NotPaid, _) => NOT_PAID.of(lang).to_owned(),
            (MonthState::Undecidable, _) => UNDECIDABLE.of(lang).to_owned(),
        }
    }

    fn entry(&self, state: MonthState, lang: Lang) -> Entry<'_> {
        Entry::new(self.name(state, lang), move |canvas, area| {
            draw_state(canvas, area, state, "");
            canvas.outline(area, Stroke::new(FRAME, 8));
        })
    }

    fn has_blanks(&self) -> bool {
        let has_all = |row: &StateRow| {
            self.from.through(self.until).all(|month| row.states.contains_key(&month))
        };
        !self.rows.iter().all(has_all)
    }

    fn draw_counts_head(&self, page: &mut Page, plot: Area) {
        let letters = Letters::new(120, Anchor::End).coloured(SOFT);
        page.canvas.text((RIGHT, plot.y - 110), PAID_MONTHS.of(page.lang), letters);
    }

    fn draw_count(&self, page: &mut Page, row: &StateRow, line: Area, axis: &Months) {
        let text = self.count(row, axis.from, axis.until);
        page.canvas.text((RIGHT, line.middle().1), &text, Letters::new(120, Anchor::End));
    }

    /// How many months pay; of two laws, under each.
    fn count(&self, row: &StateRow, from: Month, until: Month) -> String {
        let shown = || row.states.iter().filter(|(month, _)| from <= **month && **month <= until);
        let of = |only| {
            shown().filter(|(_, state)| **state == MonthState::Paid || **state == only).count()
        };
        match self.laws {
            None => of(MonthState::Paid).to_string(),
            Some(_) => {
                format!("{} / {}", of(MonthState::FirstOnly), of(MonthState::SecondOnly))
            }
        }
    }

    /// The chart in sentences: the range, and the paid months of each row.
    fn told(&self, lang: Lang) -> String {
        let mut told = vec![span(lang, self.from, self.until)];
        for row in &self.rows {
            let mut each = Vec::new();
            for state in self.states_shown() {
                let shown = row.states.iter().filter(|(month, one)| {
                    **one == state && self.from <= **month && **month <= self.until
                });
                each.push(format!("{} {}", self.name(state, lang), months(lang, shown.count())));
            }
            let each = each.join(COMMA.of(lang));
            told.push(format!("{}{}{each}", lang.of(&row.label), COLON.of(lang)));
        }
        told.join(PAUSE.of(lang))
    }
}

fn draw_row(page: &mut Page, row: &StateRow, line: Area, axis: &Months) {
    let lang = page.lang;
    let name = lang.of(&row.label);
    let shown = shortened(name, LABEL, 2_400);
    let letters = Letters::new(LABEL, Anchor::End);
    page.canvas.text((line.x - 80, line.middle().1), &shown, letters);
    for (from, last, state) in axis.stretches(|month| row.states.get(&month).copied()) {
        let x = axis.left_of(from);
        let cell =
            Area { x, y: line.y + 15, width: axis.right_of(last) - x, height: line.height - 30 };
        let told = format!("{name} {}", span(lang, from, last));
        draw_state(&mut page.canvas, cell, state, &told);
    }
}

/// Fills a cell: whole for both laws, its upper or lower half for one of them, hatched for unknown.
fn draw_state(canvas: &mut Canvas, cell: Area, state: MonthState, told: &str) {
    let half = cell.height / 2;
    let lower = Area { y: cell.y + half, height: cell.height - half, ..cell };
    let quiet = Fill::plain(QUIET);
    match state {
        MonthState::Paid => canvas.fill_told(cell, Fill::plain(HUES[0]), told),
        MonthState::NotPaid => canvas.fill_told(cell, quiet, told),
        MonthState::Undecidable => canvas.fill_told(cell, HATCH, told),
        MonthState::FirstOnly => {
            canvas.fill(cell, quiet);
            canvas.fill_told(Area { height: half, ..cell }, Fill::plain(HUES[1]), told);
        }
        MonthState::SecondOnly => {
            canvas.fill(cell, quiet);
            canvas.fill_told(lower, Fill::plain(HUES[4]), told);
        }
    }
}
