//! The paper a chart is drawn on: SVG written piece by piece.
//!
//! **Invariant:** every text is escaped; lengths are whole tenths of a pixel, so that no rounding of a
//! machine shows in the bytes.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    Lang,
    palette::{Fill, INK, Texture, WHITE},
};

/// Font families, the first that a reader has.
const FAMILIES: &str = "'Noto Sans SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif";

/// A rectangle, in tenths of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

impl Area {
    pub fn right(self) -> i64 {
        self.x + self.width
    }

    pub fn bottom(self) -> i64 {
        self.y + self.height
    }

    pub fn middle(self) -> (i64, i64) {
        (self.x + self.width / 2, self.y + self.height / 2)
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }
}

/// Which point of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is written; its height is centred on its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters {
    pub size: i64,
    pub colour: &'static str,
    pub anchor: Anchor,
    /// A white rim, for text over lines.
    pub rim: bool,
    /// Written upwards.
    pub upwards: bool,
}

impl Letters {
    pub const fn new(size: i64, anchor: Anchor) -> Self {
        Self { size, colour: INK, anchor, rim: false, upwards: false }
    }

    pub const fn coloured(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }

    pub const fn rimmed(self) -> Self {
        Self { rim: true, ..self }
    }

    pub const fn upwards(self) -> Self {
        Self { upwards: true, ..self }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub colour: &'static str,
    pub width: i64,
    /// Lengths of dashes and gaps; none for a whole line.
    pub dash: Option<&'static str>,
}

impl Stroke {
    pub const fn new(colour: &'static str, width: i64) -> Self {
        Self { colour, width, dash: None }
    }
}

/// What has been drawn.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    patterns: BTreeMap<String, String>,
    body: String,
}

impl Canvas {
    pub fn fill(&mut self, area: Area, fill: Fill) {
        let paint = self.paint(fill);
        self.rectangle(area, &paint, "");
    }

    /// Fills an area and tells its meaning to who points at it or has it read out.
    pub fn fill_told(&mut self, area: Area, fill: Fill, told: &str) {
        let paint = self.paint(fill);
        self.rectangle(area, &paint, told);
    }

    /// An area in a colour of its own.
    pub fn rectangle(&mut self, area: Area, paint: &str, told: &str) {
        if area.width <= 0 || area.height <= 0 {
            return;
        }
        let (x, y, width, height) = (px(area.x), px(area.y), px(area.width), px(area.height));
        let head = format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        let end = match told {
            "" => "/>".to_owned(),
            told => format!("><title>{}</title></rect>", escaped(told)),
        };
        self.put(format_args!("{head} fill=\"{paint}\"{end}"));
    }

    /// The rim of an area.
    pub fn outline(&mut self, area: Area, stroke: Stroke) {
        let (x, y, right, bottom) = (area.x, area.y, area.right(), area.bottom());
        let corners = [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)];
        self.path(&corners, stroke, "");
    }

    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), stroke: Stroke) {
        self.path(&[from, to], stroke, "");
    }

    /// A line through points, told as a whole.
    pub fn path(&mut self, points: &[(i64, i64)], stroke: Stroke, told: &str) {
        let mut d = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let sign = if at == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{sign}{},{}", px(*x), px(*y));
        }
        let dash = match stroke.dash {
            Some(dash) => format!(" stroke-dasharray=\"{dash}\""),
            None => " stroke-linejoin=\"round\"".to_owned(),
        };
        let (colour, width) = (stroke.colour, px(stroke.width));
        let end = match told {
            "" => "/>".to_owned(),
            told => format!("><title>{}</title></path>", escaped(told)),
        };
        self.put(format_args!(
            "<path d=\"{d}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dash}{end}"
        ));
    }

    /// A sign of a series, by its place: circle, square, triangle, diamond, each full or hollow.
    pub fn sign(&mut self, (x, y): (i64, i64), place: usize, colour: &str) {
        let paint = if (place / 4).is_multiple_of(2) { colour } else { WHITE };
        let corners: &[(i64, i64)] = match place % 4 {
            0 => {
                let (x, y) = (px(x), px(y));
                let rim = format!("fill=\"{paint}\" stroke=\"{colour}\"");
                self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3.2\" {rim}/>"));
                return;
            }
            1 => &[(-29, -29), (29, -29), (29, 29), (-29, 29)],
            2 => &[(0, -40), (37, 26), (-37, 26)],
            _ => &[(0, -43), (43, 0), (0, 43), (-43, 0)],
        };
        let points: Vec<_> =
            corners.iter().map(|(dx, dy)| format!("{},{}", px(x + dx), px(y + dy))).collect();
        let points = points.join(" ");
        self.put(format_args!(
            "<polygon points=\"{points}\" fill=\"{paint}\" stroke=\"{colour}\"/>"
        ));
    }

    pub fn text(&mut self, (x, y): (i64, i64), text: &str, letters: Letters) {
        let drop = letters.size * 36 / 100;
        let (x, y) = if letters.upwards { (x + drop, y) } else { (x, y + drop) };
        let turn = match letters.upwards {
            true => format!(" transform=\"rotate(-90 {} {})\"", px(x), px(y)),
            false => String::new(),
        };
        let anchor = match letters.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let rim = match letters.rim {
            true => " paint-order=\"stroke\" stroke=\"#FFFFFF\" stroke-width=\"3\"",
            false => "",
        };
        let (x, y, size, colour) = (px(x), px(y), px(letters.size), letters.colour);
        let text = escaped(text);
        self.put(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"{anchor}{rim}{turn}>{text}</text>"
        ));
    }

    /// The whole picture.
    pub fn finish(self, size: (i64, i64), lang: Lang, title: &str, told: &str) -> String {
        let (width, height) = (px(size.0), px(size.1));
        let (title, told) = (escaped(title), escaped(told));
        let language = lang.pick("zh-CN", "en");
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\" lang=\"{language}\" \
             font-family=\"{FAMILIES}\">\n<title>{title}</title>\n<desc>{told}</desc>\n"
        );
        if !self.patterns.is_empty() {
            svg += "<defs>\n";
            self.patterns.values().for_each(|pattern| svg += pattern);
            svg += "</defs>\n";
        }
        let _ = writeln!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"{WHITE}\"/>");
        svg + &self.body + "</svg>\n"
    }

    fn put(&mut self, piece: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{piece}");
    }

    /// The paint of a fill. A pattern is named after what it looks like, so that several charts on one
    /// page may share it.
    fn paint(&mut self, fill: Fill) -> String {
        let (name, drawn) = match fill.texture {
            Texture::Plain => return fill.paper.to_owned(),
            Texture::Rising => ("rising", "M-2,2 L2,-2 M-1,9 L9,-1 M6,10 L10,6"),
            Texture::Falling => ("falling", "M-2,6 L2,10 M-1,-1 L9,9 M6,-2 L10,2"),
            Texture::Level => ("level", "M0,2 L8,2 M0,6 L8,6"),
            Texture::Upright => ("upright", "M2,0 L2,8 M6,0 L6,8"),
            Texture::Grid => ("grid", "M0,4 L8,4 M4,0 L4,8"),
            Texture::Dots => ("dots", "M1,2 L3,2 M5,6 L7,6"),
        };
        let (paper, ink) = (fill.paper, fill.ink);
        let hex = |colour: &str| colour.trim_start_matches('#').to_owned();
        let id = format!("{name}-{}-{}", hex(paper), hex(ink));
        let pen = if fill.texture == Texture::Dots { "2" } else { "1.3" };
        let pattern = format!(
            "<pattern id=\"{id}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"8\" height=\"8\" fill=\"{paper}\"/>\
             <path d=\"{drawn}\" stroke=\"{ink}\" stroke-width=\"{pen}\"/></pattern>\n"
        );
        let paint = format!("url(#{id})");
        self.patterns.insert(id, pattern);
        paint
    }
}

/// Tenths of a pixel in pixels.
fn px(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    match (tenths.abs() / 10, tenths.abs() % 10) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, rest) => format!("{sign}{whole}.{rest}"),
    }
}

/// A text as XML holds it; a character XML has no place for becomes a space.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\u{FFFE}' | '\u{FFFF}' => out.push(' '),
            one if one.is_control() => out.push(' '),
            one => out.push(one),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("<&\">'\u{1}\n"), "&lt;&amp;&quot;&gt;&#39;  ");
    }

    #[test]
    fn tenths_print_exactly() {
        let shown: Vec<_> = [0, 5, -5, 10, -123].into_iter().map(px).collect();
        assert_eq!(shown, ["0", "0.5", "-0.5", "1", "-12.3"]);
    }

    #[test]
    fn a_texture_is_defined_once() {
        let mut canvas = Canvas::default();
        let area = Area { x: 0, y: 0, width: 100, height: 100 };
        canvas.fill(area, super::super::palette::HATCH);
        canvas.fill(area, super::super::palette::HATCH);
        let svg = canvas.finish((100, 100), Lang::En, "t", "d");
        assert_eq!(svg.matches("<pattern id=").count(), 1);
        assert_eq!(svg.matches("url(#rising-FFFFFF-8A8A8A)").count(), 2);
    }
}
