//! Signs with their meaning, in lines that break before they are too long.

use super::{
    canvas::{Anchor, Area, Canvas, Letters},
    lettering::{shortened, width},
};

const SIZE: i64 = 130;
const SIGN: i64 = 280;
const LINE: i64 = 230;

/// Draws a sign into its area.
type Draw<'a> = Box<dyn Fn(&mut Canvas, Area) + 'a>;

/// A sign and what it means.
pub(super) struct Entry<'a> {
    draw: Draw<'a>,
    words: String,
}

impl<'a> Entry<'a> {
    pub fn new(words: impl Into<String>, draw: impl Fn(&mut Canvas, Area) + 'a) -> Self {
        Self { draw: Box::new(draw), words: words.into() }
    }
}

/// Draws the entries into lines between two places; the height of the lines. O(entries).
pub(super) fn draw(
    canvas: &mut Canvas,
    entries: &[Entry<'_>],
    (left, right): (i64, i64),
    top: i64,
) -> i64 {
    let (mut x, mut y) = (left, top);
    for entry in entries {
        let words = shortened(&entry.words, SIZE, right - left - SIGN - 70);
        let long = SIGN + 70 + width(&words, SIZE);
        if left < x && right < x + long {
            (x, y) = (left, y + LINE);
        }
        (entry.draw)(canvas, Area { x, y: y + 45, width: SIGN, height: 140 });
        let letters = Letters::new(SIZE, Anchor::Start);
        canvas.text((x + SIGN + 70, y + 115), &words, letters);
        x += long + 260;
    }
    if entries.is_empty() { 0 } else { y + LINE - top }
}
