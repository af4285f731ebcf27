//! Charts for papers and screens: index lines, states over months, costs by year, and a sweep of two
//! parameters; each as SVG, and any of them as PNG.
//!
//! A chart is a plain value whose fields are public. `svg` draws it in Chinese or English, and [`png`]
//! turns that into a picture with the embedded font:
//!
//! - [`IndexLines`]: [`IndexSeries`] with [`ThresholdStep`]s over months, and where the mechanism paid;
//! - [`StateTimeline`]: [`StateRow`]s of [`MonthState`]s, under one law or two;
//! - [`CostBars`]: [`LawCosts`] with [`YearCosts`] of [`CostPart`]s, side by side by law;
//! - [`HeatMap`]: [`HeatRow`]s of values over two parameters.
//!
//! **Invariant:** the same value gives the same bytes; a number that is shown is its decimal as given,
//! and where one is rounded for show the chart says how; nothing is told by colour alone; what is
//! missing is drawn as missing. Nothing here reads a file, a clock or the network.

use crate::engine::reason::Text;

mod words;

mod lettering;

mod palette;

mod canvas;

mod scale;

mod months;

mod legend;

mod page;

mod index_lines;

mod state_timeline;

mod columns;

mod amounts;

mod cost_bars;

mod heat_map;

mod picture;

#[cfg(test)]
mod tests;

pub use self::{
    cost_bars::{CostBars, CostPart, LawCosts, YearCosts},
    heat_map::{HeatMap, HeatRow},
    index_lines::{IndexLines, IndexSeries, ThresholdStep},
    picture::{ChartError, png},
    state_timeline::{MonthState, StateRow, StateTimeline},
};

/// Media type of a chart.
pub const SVG: &str = "image/svg+xml";

/// Media type of a chart as a picture.
pub const PNG: &str = "image/png";

/// The language of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The text in this language, or in the other when it is empty.
    pub(crate) fn of(self, text: &Text) -> &str {
        let (own, other) = match self {
            Self::Zh => (&text.zh, &text.en),
            Self::En => (&text.en, &text.zh),
        };
        if own.is_empty() { other } else { own }
    }

    /// One of two words.
    pub(crate) fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}
