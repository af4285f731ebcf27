//! The axis of months: one column a month, years below.
//!
//! **Invariant:** every column lies between the ends of the axis, next to the one before; labels that
//! would touch are left out, every second, fifth or tenth year staying.

use crate::domain::month::{Month, Span};

use super::{
    Lang,
    canvas::{Anchor, Area, Canvas, Letters, Stroke},
    lettering::width,
    palette::{FRAME, RULE, SOFT},
};

const SIZE: i64 = 120;

/// Columns of months between two places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Months {
    pub from: Month,
    pub until: Month,
    left: i64,
    right: i64,
}

impl Months {
    /// The columns from a month to another; none when that is earlier.
    pub fn new(from: Month, until: Month, (left, right): (i64, i64)) -> Option<Self> {
        (from <= until).then_some(Self { from, until, left, right })
    }

    pub fn all(&self) -> impl DoubleEndedIterator<Item = Month> + Clone + use<> {
        self.from.through(self.until)
    }

    /// The left end of a month's column.
    pub fn left_of(&self, month: Month) -> i64 {
        self.edge(month.months_since(self.from).into())
    }

    /// The right end of a month's column.
    pub fn right_of(&self, month: Month) -> i64 {
        self.edge(i64::from(month.months_since(self.from)) + 1)
    }

    /// The middle of a month's column.
    pub fn middle_of(&self, month: Month) -> i64 {
        (self.left_of(month) + self.right_of(month)) / 2
    }

    /// The part of a span that the axis shows.
    pub fn clipped(&self, span: Span) -> Option<(Month, Month)> {
        let until = span.until.unwrap_or(self.until).min(self.until);
        let from = span.from.max(self.from);
        (from <= until).then_some((from, until))
    }

    /// Months that follow each other and are told alike, first and last of each stretch.
    pub fn stretches<T: PartialEq>(
        &self,
        told: impl Fn(Month) -> Option<T>,
    ) -> Vec<(Month, Month, T)> {
        let mut stretches: Vec<(Month, Month, T)> = Vec::new();
        for month in self.all() {
            let Some(state) = told(month) else { continue };
            match stretches.last_mut() {
                Some((_, last, before)) if *before == state && month.months_since(*last) == 1 => {
                    *last = month;
                }
                _ => stretches.push((month, month, state)),
            }
        }
        stretches
    }

    /// Lines at the beginning of each year over a plot.
    pub fn year_lines(&self, canvas: &mut Canvas, plot: Area) {
        for january in self.all().filter(|month| month.month() == 1 && self.from < *month) {
            let x = self.left_of(january);
            canvas.line((x, plot.y), (x, plot.bottom()), Stroke::new(RULE, 8));
        }
    }

    /// Ticks, months where there is room, and years; their height.
    pub fn draw(&self, canvas: &mut Canvas, y: i64, lang: Lang) -> i64 {
        canvas.line((self.left, y), (self.right, y), Stroke::new(FRAME, 10));
        let with_months = self.draw_months(canvas, y + 100, lang);
        let below = if with_months { y + 260 } else { y + 120 };
        let tick = if with_months { 40 } else { 60 };
        self.draw_ticks(canvas, y, tick);
        self.draw_years(canvas, below, lang);
        below + 100 - y
    }

    fn draw_months(&self, canvas: &mut Canvas, y: i64, lang: Lang) -> bool {
        let name = |month: Month| match lang {
            Lang::Zh => format!("{}月", month.month()),
            Lang::En => format!("{:02}", month.month()),
        };
        let widest = self.all().take(12).map(|month| width(&name(month), 110)).max().unwrap_or(0);
        let column = (self.right - self.left) / self.columns();
        let Some(every) = [1, 3].into_iter().find(|every| widest + 40 <= column * every) else {
            return false;
        };
        let letters = Letters::new(110, Anchor::Middle).coloured(SOFT);
        for month in self.all().filter(|month| (month.month() - 1).is_multiple_of(every as u32)) {
            let half = width(&name(month), 110) / 2;
            let x = self.middle_of(month);
            if self.reaches((x - half, x + half)) {
                canvas.text((x, y), &name(month), letters);
            }
        }
        true
    }

    fn draw_years(&self, canvas: &mut Canvas, y: i64, lang: Lang) {
        let name = |year: i32| match lang {
            Lang::Zh => format!("{year}年"),
            Lang::En => year.to_string(),
        };
        let (first, last) = (self.from.year(), self.until.year());
        let room = 12 * (self.right - self.left) / self.columns();
        let need = width(&name(last), SIZE) + 60;
        let every = [1, 2, 5, 10, 20].into_iter().find(|every| need <= room * every).unwrap_or(50);
        let letters = Letters::new(SIZE, Anchor::Middle).coloured(SOFT);
        let mut drawn: Vec<(i64, i64)> = Vec::new();
        // Whole years first: the rest of a year at an end gives way to them.
        for wanted in [true, false] {
            for year in first..=last {
                let ends = [Month::new(year, 1), Month::new(year, 12)];
                let [Some(january), Some(december)] = ends else { continue };
                let (from, until) = (january.max(self.from), december.min(self.until));
                let whole = (from, until) == (january, december);
                if whole != wanted || i64::from(year) % every != 0 {
                    continue;
                }
                let x = (self.left_of(from) + self.right_of(until)) / 2;
                let half = width(&name(year), SIZE) / 2;
                let (start, end) = (x - half, x + half);
                let free = drawn.iter().all(|other| end + 40 <= other.0 || other.1 + 40 <= start);
                if free && self.reaches((start, end)) {
                    canvas.text((x, y), &name(year), letters);
                    drawn.push((start, end));
                }
            }
        }
    }

    fn draw_ticks(&self, canvas: &mut Canvas, y: i64, long: i64) {
        for january in self.all().filter(|month| month.month() == 1 && self.from < *month) {
            let x = self.left_of(january);
            canvas.line((x, y), (x, y + long), Stroke::new(FRAME, 10));
        }
    }

    /// Whether a label stays on the axis; it may stand out a little.
    fn reaches(&self, (start, end): (i64, i64)) -> bool {
        self.left - 200 <= start && end <= self.right + 200
    }

    fn columns(&self) -> i64 {
        i64::from(self.until.months_since(self.from)) + 1
    }

    fn edge(&self, column: i64) -> i64 {
        self.left + column * (self.right - self.left) / self.columns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn columns_fill_the_axis_without_gaps() {
        let months = Months::new(month("2010-01"), month("2026-07"), (600, 9700)).unwrap();
        assert_eq!(months.left_of(months.from), 600);
        assert_eq!(months.right_of(months.until), 9700);
        for (one, next) in months.all().zip(months.all().skip(1)) {
            assert_eq!(months.right_of(one), months.left_of(next));
        }
        assert!(Months::new(month("2020-02"), month("2020-01"), (0, 1)).is_none());
    }

    #[test]
    fn stretches_end_where_the_state_or_the_months_do() {
        let months = Months::new(month("2020-01"), month("2020-06"), (0, 600)).unwrap();
        let told = months.stretches(|month| match month.month() {
            3 => None,
            5 => Some('b'),
            _ => Some('a'),
        });
        let told: Vec<_> =
            told.iter().map(|(from, last, state)| format!("{from} {last} {state}")).collect();
        assert_eq!(
            told,
            ["2020-01 2020-02 a", "2020-04 2020-04 a", "2020-05 2020-05 b", "2020-06 2020-06 a"]
        );
    }

    #[test]
    fn years_are_thinned_when_there_are_many() {
        let drawn = |until: &str| {
            let mut canvas = Canvas::default();
            let months = Months::new(month("1990-01"), month(until), (0, 9000)).unwrap();
            months.draw(&mut canvas, 0, Lang::En);
            canvas.finish((1, 1), Lang::En, "", "").matches("<text").count()
        };
        assert_eq!(drawn("2004-12"), 15);
        assert_eq!(drawn("2029-12"), 20);
        assert_eq!(drawn("2099-12"), 22);
    }
}
