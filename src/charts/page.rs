//! The sheet around a plot: title, legend, notes.

use rust_decimal::Decimal;

use crate::engine::reason::Text;

use super::{
    Lang,
    canvas::{Anchor, Area, Canvas, Letters, Stroke},
    legend::{self, Entry},
    lettering::{width, wrapped},
    palette::{FRAME, RULE, SOFT},
    scale::Scale,
    words::NO_DATA,
};

/// The width of every chart.
pub(super) const WIDTH: i64 = 10_000;
/// Where plots and texts end at the right.
pub(super) const RIGHT: i64 = 9_750;
/// Where texts begin at the left.
pub(super) const LEFT: i64 = 250;

const TITLE: i64 = 200;
const NOTE: i64 = 120;

/// A chart in the making; what comes next stands below `y`.
pub(super) struct Page {
    pub canvas: Canvas,
    pub lang: Lang,
    pub y: i64,
    title: String,
}

impl Page {
    /// A page with its title.
    pub fn new(lang: Lang, title: &Text) -> Self {
        let title = lang.of(title).to_owned();
        let (mut canvas, mut y) = (Canvas::default(), 150);
        for line in wrapped(&title, TITLE, RIGHT - LEFT) {
            canvas.text((LEFT, y + 140), &line, Letters::new(TITLE, Anchor::Start));
            y += 280;
        }
        Self { canvas, lang, y: y + 60, title }
    }

    pub fn legend(&mut self, entries: &[Entry<'_>]) {
        self.y += legend::draw(&mut self.canvas, entries, (LEFT, RIGHT), self.y) + 60;
    }

    /// What the scale of the plot below is of.
    pub fn scale_name(&mut self, name: &str) {
        let letters = Letters::new(120, Anchor::Start).coloured(SOFT);
        self.canvas.text((LEFT, self.y + 90), name, letters);
        self.y += 200;
    }

    /// Ticks of a scale with lines over the plot.
    pub fn draw_scale(&mut self, scale: &Scale, plot: Area, tick: impl Fn(Decimal) -> String) {
        let letters = Letters::new(120, Anchor::End).coloured(SOFT);
        for value in scale.ticks() {
            let y = scale.at(value);
            let colour = if value.is_zero() { FRAME } else { RULE };
            self.canvas.line((plot.x, y), (plot.right(), y), Stroke::new(colour, 10));
            self.canvas.text((plot.x - 80, y), &tick(value), letters);
        }
    }

    /// Says in the middle of a plot that there is nothing to show.
    pub fn say_empty(&mut self, plot: Area) {
        self.canvas.outline(plot, Stroke::new(RULE, 10));
        let letters = Letters::new(160, Anchor::Middle).coloured(SOFT);
        self.canvas.text(plot.middle(), NO_DATA.of(self.lang), letters);
    }

    /// Remarks below the plot, the chart's own after those given.
    pub fn notes(&mut self, given: &[Text], own: &[String]) {
        let given = given.iter().map(|note| self.lang.of(note).to_owned());
        for note in given.chain(own.iter().cloned()) {
            for line in wrapped(&note, NOTE, RIGHT - LEFT) {
                let letters = Letters::new(NOTE, Anchor::Start).coloured(SOFT);
                self.canvas.text((LEFT, self.y + 90), &line, letters);
                self.y += 180;
            }
        }
    }

    /// The picture, with its description for who has it read out.
    pub fn finish(self, told: &str) -> String {
        self.canvas.finish((WIDTH, self.y + 150), self.lang, &self.title, told)
    }
}

/// Where plots begin so that the ticks of a scale fit before them.
pub(super) fn tick_room(scale: &Scale, tick: impl Fn(Decimal) -> String) -> i64 {
    let widest = scale.ticks().into_iter().map(|value| width(&tick(value), 120)).max();
    LEFT + widest.unwrap_or(0).max(200) + 80
}
