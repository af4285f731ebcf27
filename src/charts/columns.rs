//! The columns of years with a bar for each law in them.
//!
//! **Invariant:** no bar reaches into another; a total that does not fit beside its neighbours is not
//! written.

use super::lettering::width;

/// The size of the totals' letters.
pub(super) const TOTAL: i64 = 115;

/// The height of the sign that a year has undecidable months.
pub(super) const CAP: i64 = 100;

/// Columns of equal width between two places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    left: i64,
    slot: i64,
    across: i64,
    laws: i64,
}

impl Columns {
    pub fn new((left, right): (i64, i64), years: usize, laws: usize) -> Self {
        let slot = (right - left) / (years as i64).max(1);
        let laws = (laws as i64).max(1);
        Self { left, slot, across: (slot * 4 / 5 / laws).min(700), laws }
    }

    pub fn middle(&self, column: usize) -> i64 {
        self.left + column as i64 * self.slot + self.slot / 2
    }

    /// Where the bar of a law begins, and its width.
    pub fn bar(&self, column: usize, law: usize) -> (i64, i64) {
        let gap = if 100 < self.across { 20 } else { 0 };
        let x = self.middle(column) - self.laws * self.across / 2 + law as i64 * self.across;
        (x + gap, self.across - 2 * gap)
    }

    /// From one middle of a bar to the next.
    fn pitch(&self) -> i64 {
        if self.laws == 1 { self.slot } else { self.across }
    }

    /// Every which column may carry a label that needs so much room.
    pub fn every(&self, room: i64) -> usize {
        [1, 2, 5, 10].into_iter().find(|every| room <= self.slot * *every as i64).unwrap_or(20)
    }
}

/// How totals stand above the bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Totals {
    /// Level.
    Level,
    /// Written upwards; the longest takes so much height.
    Upwards(i64),
    /// There is no room.
    None,
}

impl Totals {
    pub fn new(columns: &Columns, labels: impl Iterator<Item = String>) -> Self {
        let widest = labels.map(|label| width(&label, TOTAL)).max().unwrap_or(0);
        match columns.pitch() {
            pitch if widest + 40 <= pitch => Self::Level,
            pitch if TOTAL <= pitch => Self::Upwards(widest),
            _ => Self::None,
        }
    }

    /// What they need above the highest bar.
    pub fn headroom(self) -> i64 {
        match self {
            Self::Level => CAP + 160,
            Self::Upwards(height) => CAP + 60 + height,
            Self::None => CAP + 60,
        }
    }
}

/// Whether the letter of a law fits below a bar.
pub(super) fn letters_fit(bar: i64) -> bool {
    110 <= bar + 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_each_other_inside_their_column() {
        for (years, laws) in [(1, 1), (17, 1), (9, 3), (35, 3), (100, 4)] {
            let columns = Columns::new((600, 9_750), years, laws);
            let mut end = 600;
            for column in 0..years {
                for law in 0..laws {
                    let (x, width) = columns.bar(column, law);
                    assert!(end <= x && 0 < width, "{years} {laws} {column} {law}");
                    end = x + width;
                }
            }
            assert!(end <= 9_750);
        }
    }

    #[test]
    fn totals_stand_level_then_upwards_then_not_at_all() {
        let totals = |years, laws| {
            let columns = Columns::new((600, 9_750), years, laws);
            Totals::new(&columns, ["123.45".to_owned()].into_iter())
        };
        assert_eq!(totals(10, 1), Totals::Level);
        assert_eq!(totals(10, 3), Totals::Upwards(width("123.45", TOTAL)));
        assert_eq!(totals(35, 3), Totals::None);
    }
}
