//! Published figures with their revisions, and the two clocks they are read by.
//!
//! **Invariant:** a figure is never changed; a correction is a further revision of the same area,
//! series and month, numbered from 1.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{area::AreaCode, code::Code, month::Month};

/// One revision of one published figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Where it was measured.
    pub area: AreaCode,
    /// Which series, for example `cpi` or `food`.
    pub series: Code,
    /// The index month it speaks of.
    pub month: Month,
    /// The value in the series' unit: a rise in per cent, yuan, or 1 and 0 for yes and no.
    #[serde(with = "super::exact::text")]
    pub value: Decimal,
    /// The day it was released, when known.
    pub released_on: Option<NaiveDate>,
    /// Who published it.
    pub source: String,
    /// 1 for the first figure of this area, series and month, then 2, 3, …
    pub revision: u32,
    /// When this service recorded it.
    pub recorded_at: DateTime<Utc>,
}

/// What may be seen: everything, or only what was recorded or released by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct View {
    /// Only what this service had recorded by this instant.
    pub known_at: Option<DateTime<Utc>>,
    /// Only figures released on or before this day; one without a release date is not seen.
    pub published_by: Option<NaiveDate>,
}

impl View {
    /// Whether a fact recorded then can be seen.
    pub fn knows(&self, recorded_at: DateTime<Utc>) -> bool {
        self.known_at.is_none_or(|instant| recorded_at <= instant)
    }

    fn sees(&self, figure: &Figure) -> bool {
        let released = |day| figure.released_on.is_some_and(|released| released <= day);
        self.knows(figure.recorded_at) && self.published_by.is_none_or(released)
    }
}

/// The figures of one area and series, by month.
#[derive(Debug, Clone, Default)]
pub struct Column {
    first: usize,
    months: Vec<Vec<Figure>>,
}

impl Column {
    /// The revisions of the month, oldest first.
    pub fn revisions(&self, month: Month) -> &[Figure] {
        let at = month.ordinal().checked_sub(self.first);
        at.and_then(|at| self.months.get(at)).map_or(&[], Vec::as_slice)
    }

    /// The newest month with a figure.
    pub fn newest(&self) -> Option<Month> {
        let newest = self.months.iter().rev().flatten().next();
        newest.map(|figure| figure.month)
    }

    /// The latest revision that can be seen.
    pub fn get(&self, month: Month, view: &View) -> Option<&Figure> {
        self.revisions(month).iter().rev().find(|figure| view.sees(figure))
    }

    /// Whether a figure is recorded that the view hides only because its release date is unknown.
    pub fn hidden_for_lack_of_release_date(&self, month: Month, view: &View) -> bool {
        let revisions = self.revisions(month);
        let known = |figure: &&Figure| view.knows(figure.recorded_at);
        view.published_by.is_some()
            && revisions.iter().filter(known).any(|figure| figure.released_on.is_none())
    }

    /// The first day on which a figure of the month was released, as far as the view shows.
    pub fn first_released(&self, month: Month, view: &View) -> Option<NaiveDate> {
        let seen = self.revisions(month).iter().filter(|figure| view.sees(figure));
        seen.filter_map(|figure| figure.released_on).min()
    }

    fn insert(&mut self, figure: Figure) {
        let ordinal = figure.month.ordinal();
        if self.months.is_empty() {
            self.first = ordinal;
        }
        if ordinal < self.first {
            let missing = self.first - ordinal;
            self.months.splice(0..0, std::iter::repeat_with(Vec::new).take(missing));
            self.first = ordinal;
        }
        let at = ordinal - self.first;
        if self.months.len() <= at {
            self.months.resize_with(at + 1, Vec::new);
        }
        let place = self.months[at].partition_point(|other| other.revision <= figure.revision);
        self.months[at].insert(place, figure);
    }
}

/// All recorded figures. Point reads are O(1). A clone shares every column, and writing copies only
/// the column it touches, so that a snapshot is cheap.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    columns: HashMap<AreaCode, Arc<HashMap<Code, Arc<Column>>>>,
    oldest: Option<Month>,
    newest: Option<Month>,
    count: usize,
}

impl Figures {
    /// Adds a revision.
    pub fn insert(&mut self, figure: Figure) {
        self.newest = self.newest.max(Some(figure.month));
        self.oldest = Some(self.oldest.map_or(figure.month, |oldest| oldest.min(figure.month)));
        self.count += 1;
        let columns = Arc::make_mut(self.columns.entry(figure.area).or_default());
        Arc::make_mut(columns.entry(figure.series.clone()).or_default()).insert(figure);
    }

    /// The figures of months through `last`. O(figures).
    pub fn through(&self, last: Month) -> Self {
        let columns = self.columns.values().flat_map(|columns| columns.values());
        let all = columns.flat_map(|column| &column.months).flatten();
        let mut kept = Self::default();
        all.filter(|figure| figure.month <= last).for_each(|figure| kept.insert(figure.clone()));
        kept
    }

    /// The column of one area and series.
    pub fn column(&self, area: AreaCode, series: &Code) -> Option<&Column> {
        self.columns.get(&area)?.get(series).map(Arc::as_ref)
    }

    /// The latest visible figure.
    pub fn get(&self, area: AreaCode, series: &Code, month: Month, view: &View) -> Option<&Figure> {
        self.column(area, series)?.get(month, view)
    }

    /// Whether the area has a figure of any series.
    pub fn has_area(&self, area: AreaCode) -> bool {
        self.columns.contains_key(&area)
    }

    /// The last month with a figure that the view shows. O(1) for a view of everything, else
    /// O(columns × months behind the newest).
    pub fn newest_seen(&self, view: &View) -> Option<Month> {
        if *view == View::default() {
            return self.newest;
        }
        let columns = self.columns.values().flat_map(|columns| columns.values());
        let newest = columns.filter_map(|column| {
            let seen = |figures: &Vec<Figure>| figures.iter().any(|figure| view.sees(figure));
            let at = column.months.iter().rposition(seen)?;
            column.months[at].first().map(|figure| figure.month)
        });
        newest.max()
    }

    /// The areas with figures, in code order. O(areas).
    pub fn areas(&self) -> Vec<AreaCode> {
        let mut areas: Vec<_> = self.columns.keys().copied().collect();
        areas.sort_unstable();
        areas
    }

    /// The series recorded for an area, in code order.
    pub fn series_of(&self, area: AreaCode) -> Vec<Code> {
        let columns = self.columns.get(&area);
        let mut series: Vec<_> = columns.into_iter().flat_map(|map| map.keys().cloned()).collect();
        series.sort_unstable();
        series
    }

    /// The oldest month with any figure.
    pub fn oldest(&self) -> Option<Month> {
        self.oldest
    }

    /// The newest month with any figure.
    pub fn newest(&self) -> Option<Month> {
        self.newest
    }

    /// How many revisions are recorded.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: &str, revision: u32, day: u32) -> Figure {
        Figure {
            area: "990100".parse().unwrap(),
            series: "cpi".parse().unwrap(),
            month: "2019-07".parse().unwrap(),
            value: value.parse().unwrap(),
            released_on: NaiveDate::from_ymd_opt(2019, 8, day),
            source: "test".into(),
            revision,
            recorded_at: format!("2019-08-{day:02}T00:00:00Z").parse().unwrap(),
        }
    }

    #[test]
    fn a_revision_hides_the_first_figure_only_from_its_own_instant_on() {
        let mut figures = Figures::default();
        figures.insert(figure("3.1", 2, 20));
        figures.insert(figure("3.0", 1, 9));
        let (area, cpi) = ("990100".parse().unwrap(), "cpi".parse().unwrap());
        let read = |view: View| {
            let month = "2019-07".parse().unwrap();
            figures.get(area, &cpi, month, &view).map(|figure| figure.value.to_string())
        };
        let known = |text: &str| View { known_at: Some(text.parse().unwrap()), published_by: None };
        assert_eq!(read(View::default()).as_deref(), Some("3.1"));
        assert_eq!(read(known("2019-08-19T23:59:59Z")).as_deref(), Some("3.0"));
        assert_eq!(read(known("2019-08-20T00:00:00Z")).as_deref(), Some("3.1"));
        assert_eq!(read(known("2019-08-08T23:59:59Z")), None);
        let day = NaiveDate::from_ymd_opt(2019, 8, 9);
        let published = View { known_at: None, published_by: day };
        assert_eq!(read(published).as_deref(), Some("3.0"));
    }
}
