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
