//! A value over two parameters: what a sweep of thresholds would have paid, for instance.

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use crate::engine::reason::Text;

use super::{
    Lang,
    canvas::{Anchor, Area, Letters, Stroke},
    lettering::{shortened, width, wrapped},
    page::{LEFT, Page, RIGHT},
    palette::{FRAME, HATCH, INK, SOFT, WHITE, shade},
    words::{COLON, COMMA, MISSING, PAUSE, grouped},
};

const SIZE: i64 = 130;
const LABEL_ROOM: i64 = 1_600;

/// Values over two parameters.
#[derive(Debug, Clone)]
pub struct HeatMap {
    /// What it shows of whom.
    pub title: Text,
    /// What the columns differ in.
    pub column_name: Text,
    /// What the rows differ in.
    pub row_name: Text,
    /// What the values are, with their unit.
    pub value_name: Text,
    /// The columns, from the left.
    pub columns: Vec<Text>,
    /// The rows, from above.
    pub rows: Vec<HeatRow>,
    /// Remarks below the chart.
    pub notes: Vec<Text>,
}

/// The values of one row.
#[derive(Debug, Clone)]
pub struct HeatRow {
    /// Its name.
    pub label: Text,
    /// The values by column; none, or too few, are drawn hatched, and those beyond the last column not
    /// at all.
    pub values: Vec<Option<Decimal>>,
}

impl HeatMap {
    /// The chart as SVG. O(rows × columns).
    pub fn svg(&self, lang: Lang) -> String {
        let mut page = Page::new(lang, &self.title);
        let ends = self.ends();
        self.draw_bar(&mut page, ends);
        let labels = self.rows.iter().map(|row| width(lang.of(&row.label), SIZE)).max();
        let head = width(&shortened(lang.of(&self.row_name), SIZE, LABEL_ROOM), SIZE);
        let (columns, rows) = (self.columns.len() as i64, self.rows.len() as i64);
        // The name of a narrow first column stands out to the left, beside the name of the rows.
        let first = self.columns.first().map_or(0, |name| width(lang.of(name), SIZE));
        let out = (first.min(LABEL_ROOM) - 7_500 / columns.max(1)).max(0) / 2;
        let x = LEFT + labels.unwrap_or(0).min(LABEL_ROOM).max(head + out) + 120;
        let height = (4_400 / rows.max(1)).clamp(200, 460);
        let area = Area { x, y: page.y, width: RIGHT - x, height: (rows * height).max(1_500) };
        if columns == 0 || rows == 0 {
            page.say_empty(area);
            page.y = area.bottom() + 100;
        } else {
            let across = (area.width / columns).min(1_400);
            let plot = Area { width: across * columns, height: rows * height, ..area };
            let plot = Area { y: plot.y + self.draw_heads(&mut page, plot, across), ..plot };
            for (at, row) in self.rows.iter().enumerate() {
                let line = Area { y: plot.y + at as i64 * height, height, ..plot };
                self.draw_row(&mut page, row, line, across, ends);
            }
            page.y = plot.bottom() + 150;
        }
        page.notes(&self.notes, &[]);
        page.finish(&self.told(lang))
    }

    /// The values that are shown.
    fn values(&self) -> impl Iterator<Item = Decimal> + '_ {
        let rows = self.rows.iter();
        rows.flat_map(|row| row.values.iter().take(self.columns.len()).flatten().copied())
    }

    fn ends(&self) -> Option<(Decimal, Decimal)> {
        Some((self.values().min()?, self.values().max()?))
    }

    fn has_missing(&self) -> bool {
        let shown = self.values().count();
        shown < self.rows.len() * self.columns.len()
    }

    /// The scale of colours, with the lowest and the highest value, and the sign for none.
    fn draw_bar(&self, page: &mut Page, ends: Option<(Decimal, Decimal)>) {
        let lang = page.lang;
        let letters = Letters::new(SIZE, Anchor::Start);
        let name = shortened(lang.of(&self.value_name), SIZE, 3_600);
        page.canvas.text((LEFT, page.y + 110), &name, letters);
        let mut x = LEFT + width(&name, SIZE) + 250;
        if let Some((low, high)) = ends {
            let (low_text, high_text) = (grouped(low), grouped(high));
            page.canvas.text((x, page.y + 110), &low_text, letters);
            // A whole pixel, so that no seam shows between the steps.
            x = (x + width(&low_text, SIZE) + 90) / 10 * 10;
            let steps = if low == high { 1 } else { 48 };
            for step in 0..steps {
                let (paint, _) = shade(step * 1000 / (steps - 1).max(1));
                let area = Area { x: x + step * 50, y: page.y + 30, width: 50, height: 160 };
                page.canvas.rectangle(area, &paint, "");
            }
            let area = Area { x, y: page.y + 30, width: steps * 50, height: 160 };
            page.canvas.outline(area, Stroke::new(FRAME, 8));
            x += steps * 50 + 90;
            if low != high {
                page.canvas.text((x, page.y + 110), &high_text, letters);
                x += width(&high_text, SIZE) + 90;
            }
            x += 250;
        }
        if self.has_missing() {
            let area = Area { x, y: page.y + 40, width: 280, height: 140 };
            page.canvas.fill(area, HATCH);
            page.canvas.outline(area, Stroke::new(FRAME, 8));
            page.canvas.text((x + 350, page.y + 110), MISSING.of(lang), letters);
        }
        page.y += 380;
    }

    /// The names of both parameters and of the columns, thinned where they would touch; their height.
    fn draw_heads(&self, page: &mut Page, plot: Area, across: i64) -> i64 {
        let lang = page.lang;
        let mut y = plot.y;
        let letters = Letters::new(SIZE, Anchor::Middle);
        let middle = (plot.x + plot.right()) / 2;
        for line in wrapped(lang.of(&self.column_name), SIZE, RIGHT - plot.x) {
            let half = width(&line, SIZE) / 2;
            let x = middle.clamp(plot.x + half, (RIGHT - half).max(plot.x + half));
            page.canvas.text((x, y + 90), &line, letters);
            y += 200;
        }
        let name = shortened(lang.of(&self.row_name), SIZE, LABEL_ROOM);
        page.canvas.text((LEFT, y + 110), &name, Letters::new(SIZE, Anchor::Start));
        let names = self.columns.iter().map(|name| lang.of(name));
        let widest = names.clone().map(|name| width(name, SIZE)).max().unwrap_or(0).min(LABEL_ROOM);
        let every = (widest + 60 + across - 1) / across;
        for (at, name) in names.enumerate().filter(|(at, _)| *at as i64 % every.max(1) == 0) {
            let x = plot.x + at as i64 * across + across / 2;
            let name = shortened(name, SIZE, LABEL_ROOM);
            page.canvas.text((x, y + 110), &name, letters.coloured(SOFT));
        }
        y + 230 - plot.y
    }

    fn draw_row(
        &self,
        page: &mut Page,
        row: &HeatRow,
        line: Area,
        across: i64,
        ends: Option<(Decimal, Decimal)>,
    ) {
        let lang = page.lang;
        let name = lang.of(&row.label);
        let label = shortened(name, SIZE, LABEL_ROOM);
        let letters = Letters::new(SIZE, Anchor::End).coloured(SOFT);
        page.canvas.text((line.x - 80, line.middle().1), &label, letters);
        for (at, column) in self.columns.iter().enumerate() {
            let cell = Area { x: line.x + at as i64 * across, width: across, ..line };
            let of = format!("{name}{}{}", COMMA.of(lang), lang.of(column));
            match (row.values.get(at).copied().flatten(), ends) {
                (Some(value), Some(ends)) => {
                    let text = grouped(value);
                    let (paint, dark) = shade(share(value, ends));
                    let told = format!("{of}{}{text}", COLON.of(lang));
                    page.canvas.rectangle(cell, &paint, &told);
                    if width(&text, 120) + 40 <= across {
                        let colour = if dark { WHITE } else { INK };
                        let letters = Letters::new(120, Anchor::Middle).coloured(colour);
                        page.canvas.text(cell.middle(), &text, letters);
                    }
                }
                _ => {
                    let told = format!("{of}{}{}", COLON.of(lang), MISSING.of(lang));
                    page.canvas.fill_told(cell, HATCH, &told);
                }
            }
            page.canvas.outline(cell, Stroke::new(WHITE, 10));
        }
    }

    /// The chart in sentences: what it is over, and its lowest and highest value.
    fn told(&self, lang: Lang) -> String {
        let over = [&self.value_name, &self.column_name, &self.row_name].map(|name| lang.of(name));
        let mut told = over.join(PAUSE.of(lang));
        if let Some((low, high)) = self.ends() {
            told += &format!("{}{} – {}", PAUSE.of(lang), grouped(low), grouped(high));
        }
        told
    }
}

/// Where a value lies between two others, in thousandths; nought where these are the same.
fn share(value: Decimal, (low, high): (Decimal, Decimal)) -> i64 {
    // Quartered, so that no difference leaves the range of decimals.
    let part = |number: Decimal| number / Decimal::from(4);
    let range = part(high) - part(low);
    if range.is_zero() {
        return 0;
    }
    let share = (part(value) - part(low)) / range * Decimal::ONE_THOUSAND;
    let share = share.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    share.to_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_the_order_and_the_ends() {
        let ends = (Decimal::from(-10), Decimal::from(10));
        let shares = [-10, -1, 0, 1, 10].map(|value| share(Decimal::from(value), ends));
        assert_eq!(shares, [0, 450, 500, 550, 1000]);
        assert_eq!(share(Decimal::ONE, (Decimal::ONE, Decimal::ONE)), 0);
        assert_eq!(share(Decimal::MAX, (Decimal::MIN, Decimal::MAX)), 1000);
    }
}
