//! SVG as PNG, with the embedded font and nothing from outside.
//!
//! **Invariant:** the picture depends on the SVG and the scale alone: no font of the machine and no
//! file that the SVG names is looked at.

use std::sync::{Arc, OnceLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{ImageHrefResolver, Options, Tree, fontdb::Database},
};

/// Noto Sans SC Regular with the characters that charts need.
static FONT: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/font/NotoSansSC-Subset.otf"));

/// The largest picture: 64 million pixels.
const PIXELS_MAX: u64 = 64_000_000;

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The text is no SVG.
    #[error("the chart does not read as SVG: {why}")]
    Svg {
        /// What is wrong.
        why: String,
    },
    /// The picture would be empty or too large.
    #[error("a picture of {width} × {height} pixels: expected 1 to {PIXELS_MAX} pixels")]
    Size {
        /// How wide it would be.
        width: u64,
        /// How high it would be.
        height: u64,
    },
    /// The picture cannot be written.
    #[error("the picture cannot be written: {why}")]
    Write {
        /// What is wrong.
        why: String,
    },
}

/// An SVG as PNG, so many pixels for each of its own; a character that the embedded font does not hold
/// is an empty box. O(pixels).
///
/// # Errors
/// The text is no SVG, or the picture would be empty or too large.
pub fn png(svg: &str, scale: u8) -> Result<Vec<u8>, ChartError> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size();
    let times = |length: u32| u64::from(length) * u64::from(scale);
    let (width, height) = (times(size.width()), times(size.height()));
    let too_large = || ChartError::Size { width, height };
    if PIXELS_MAX < width.saturating_mul(height) {
        return Err(too_large());
    }
    let (across, down) = (u32::try_from(width), u32::try_from(height));
    let (Ok(across), Ok(down)) = (across, down) else { return Err(too_large()) };
    let mut pixels = Pixmap::new(across, down).ok_or_else(too_large)?;
    let scale = Transform::from_scale(scale.into(), scale.into());
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| ChartError::Write { why: error.to_string() })
}

fn tree(svg: &str) -> Result<Tree, ChartError> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        Arc::new(fonts)
    });
    let options = Options {
        fontdb: Arc::clone(fonts),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    Tree::from_str(svg, &options).map_err(|error| ChartError::Svg { why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use resvg::usvg::{Group, Node};

    use super::*;
    use crate::charts::{Lang, lettering::width, tests::all};

    /// The texts of an SVG and whether the font has a glyph for every character.
    fn check_glyphs(group: &Group, found: &mut Vec<(String, bool)>) {
        for node in group.children() {
            match node {
                Node::Group(group) => check_glyphs(group, found),
                Node::Text(text) => {
                    let shown = text.chunks().iter().map(|chunk| chunk.text()).collect();
                    let spans = text.layouted();
                    let mut glyphs = spans.iter().flat_map(|span| &span.positioned_glyphs);
                    let whole = !spans.is_empty() && glyphs.all(|glyph| glyph.id.0 != 0);
                    found.push((shown, whole));
                }
                _ => {}
            }
        }
    }

    fn glyphs(tree: &Tree) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        check_glyphs(tree.root(), &mut found);
        found
    }

    fn has_glyph(character: char) -> bool {
        let texts = glyphs(&tree(&written(&character.to_string())).unwrap());
        texts.len() == 1 && texts[0].1
    }

    /// A text alone.
    fn written(text: &str) -> String {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\" \
             font-family=\"Noto Sans CJK SC\" xml:space=\"preserve\">\
             <text font-size=\"100\">{text}</text></svg>"
        )
    }

    #[test]
    fn a_picture_is_a_png_of_the_size_of_the_chart() {
        let [svg, ..] = all(Lang::Zh);
        let (_, rest) = svg.split_once(" height=\"").unwrap();
        let height: u32 = rest.split('"').next().unwrap().parse().unwrap();
        for scale in [1, 2] {
            let picture = png(&svg, scale).unwrap();
            assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
            let length = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
            assert_eq!(
                (length(16), length(20)),
                (1_000 * u32::from(scale), height * u32::from(scale))
            );
        }
        let none = png(&svg, 0).unwrap_err().to_string();
        assert!(none.starts_with("a picture of 0 × 0 pixels: expected"), "{none}");
        assert!(matches!(png(&svg, 255), Err(ChartError::Size { .. })));
        assert!(matches!(png("<svg", 1), Err(ChartError::Svg { .. })));
    }

    #[test]
    fn a_picture_looks_at_no_file() {
        let image = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">\
                     <image href=\"Cargo.toml\" width=\"9\" height=\"9\"/></svg>";
        let empty = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>";
        assert_eq!(png(image, 1), png(empty, 1));
    }

    #[test]
    fn the_font_has_every_character_of_the_names_and_of_the_charts() {
        let names = [
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/areas.csv")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/groups.toml")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/series.toml")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/standards.toml")),
            include_str!("words.rs"),
            include_str!("amounts.rs"),
        ];
        let characters: BTreeSet<char> =
            names.concat().chars().filter(|one| !one.is_whitespace()).collect();
        assert!(1_000 < characters.len());
        let missing: Vec<_> = characters.into_iter().filter(|one| !has_glyph(*one)).collect();
        assert_eq!(missing, []);
        assert!(!has_glyph('\u{20000}'), "the check tells what is missing");
        for svg in [all(Lang::Zh), all(Lang::En)].concat() {
            let texts = glyphs(&tree(&svg).unwrap());
            assert!(5 < texts.len() && texts.iter().all(|(_, whole)| *whole), "{texts:?}");
        }
    }

    #[test]
    fn widths_are_those_of_the_font() {
        let text: String = (' '..='~').collect::<String>() + "价格临时补贴";
        let tree = tree(&written(&format!("{text}|"))).unwrap();
        let Some(Node::Text(drawn)) = tree.root().children().first() else { panic!("no text") };
        let glyphs = &drawn.layouted()[0].positioned_glyphs;
        let end = glyphs.last().unwrap().transform().tx;
        assert_eq!(end.round() as i64, (width(&text, 1000) + 5) / 10);
    }
}
