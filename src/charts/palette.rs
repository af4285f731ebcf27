//! Colours that colour-blind readers tell apart, the textures that tell the same without colour, and
//! the scale of the heat map.

/// The colours of Okabe and Ito that show on white, the strongest first.
pub(super) const HUES: [&str; 7] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

pub(super) const INK: &str = "#222222";
pub(super) const SOFT: &str = "#555555";
pub(super) const RULE: &str = "#D9D9D9";
pub(super) const FRAME: &str = "#888888";
pub(super) const WHITE: &str = "#FFFFFF";

/// The band behind a paid month.
pub(super) const PAID_BAND: &str = "#DCE6EC";
/// A month in which nothing is paid.
pub(super) const QUIET: &str = "#EDEDED";
/// The lines of what is not known.
pub(super) const UNKNOWN: &str = "#8A8A8A";

/// A texture over a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texture {
    Plain,
    Rising,
    Dots,
    Level,
    Falling,
    Grid,
    Upright,
}

const TEXTURES: [Texture; 7] = [
    Texture::Plain,
    Texture::Rising,
    Texture::Dots,
    Texture::Level,
    Texture::Falling,
    Texture::Grid,
    Texture::Upright,
];

/// What an area is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fill {
    pub paper: &'static str,
    pub ink: &'static str,
    pub texture: Texture,
}

/// What is not known: hatched.
pub(super) const HATCH: Fill = Fill { paper: WHITE, ink: UNKNOWN, texture: Texture::Rising };

/// The same, lighter, behind lines.
pub(super) const HATCH_BAND: Fill = Fill { ink: "#C4C4C4", ..HATCH };

impl Fill {
    pub const fn plain(paper: &'static str) -> Self {
        Self { paper, ink: WHITE, texture: Texture::Plain }
    }

    /// The fill of the group at a place; 49 places differ.
    pub fn group(at: usize) -> Self {
        let turn = at / HUES.len();
        Self {
            paper: HUES[at % HUES.len()],
            ink: WHITE,
            texture: TEXTURES[(at + turn) % TEXTURES.len()],
        }
    }
}

/// The dash patterns of thresholds, by place of their series.
pub(super) const DASHES: [&str; 4] = ["7 4", "2 3", "10 3 2 3", "4 2 1 2 1 2"];

/// Cividis of Nuñez, Anderton and Renslow, from the lowest value, light, to the highest, dark.
const CIVIDIS: [[i64; 3]; 10] = [
    [255, 234, 70],
    [228, 207, 91],
    [196, 181, 108],
    [166, 157, 117],
    [138, 135, 121],
    [112, 113, 115],
    [87, 92, 109],
    [57, 72, 107],
    [0, 51, 111],
    [0, 32, 77],
];

/// The colour at a share of the scale, 0 to 1000, and whether text on it is white.
pub(super) fn shade(thousandths: i64) -> (String, bool) {
    let along = thousandths.clamp(0, 1000) * (CIVIDIS.len() as i64 - 1);
    let (at, rest) = ((along / 1000) as usize, along % 1000);
    let (low, high) = (CIVIDIS[at], CIVIDIS[(at + 1).min(CIVIDIS.len() - 1)]);
    let mix = |part: usize| (low[part] * (1000 - rest) + high[part] * rest + 500) / 1000;
    let [red, green, blue] = [mix(0), mix(1), mix(2)];
    let light = 299 * red + 587 * green + 114 * blue;
    (format!("#{red:02X}{green:02X}{blue:02X}"), light < 128_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_runs_from_light_to_dark_and_keeps_its_ends() {
        assert_eq!(shade(0), ("#FFEA46".to_owned(), false));
        assert_eq!(shade(1000), ("#00204D".to_owned(), true));
        assert_eq!(shade(-5), shade(0));
        assert_eq!(shade(2000), shade(1000));
    }

    #[test]
    fn forty_nine_groups_look_different() {
        for one in 0..49 {
            for other in 0..one {
                assert_ne!(Fill::group(one), Fill::group(other));
            }
        }
    }
}
