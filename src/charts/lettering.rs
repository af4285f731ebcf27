//! How wide a text is, and where it may break.
//!
//! **Invariant:** lengths are whole tenths of a pixel; a width comes from the embedded font's own
//! advance widths, and is at least as wide as the font where a character is not known here.

/// Advance widths of ASCII from the space on, in thousandths of the font size.
#[rustfmt::skip]
const ASCII: [i64; 95] = [
    224, 323, 474, 555, 555, 921, 680, 278, 338, 338, 467, 555, 278, 347, 278, 392, 555, 555, 555,
    555, 555, 555, 555, 555, 555, 555, 278, 278, 555, 555, 555, 474, 946, 608, 657, 638, 688, 589,
    552, 689, 728, 293, 535, 646, 543, 812, 723, 742, 633, 742, 635, 596, 599, 721, 575, 878, 573,
    531, 603, 338, 392, 338, 555, 559, 606, 563, 618, 510, 620, 554, 325, 564, 607, 275, 275, 552,
    284, 926, 610, 606, 620, 620, 388, 468, 377, 607, 521, 802, 498, 521, 475, 338, 270, 338, 555,
];

/// No line begins with one of these.
const CLOSING: &str =
    "、。》」』】〕”’…%‰·,.;:!?)]}\u{FF0C}\u{FF1B}\u{FF1A}\u{FF01}\u{FF1F}\u{FF09}\u{FF05}";

/// No line ends with one of these.
const OPENING: &str = "《「『【〔“‘([{\u{FF08}";

fn advance(character: char) -> i64 {
    let at = (character as usize).checked_sub(0x20);
    at.and_then(|at| ASCII.get(at)).copied().unwrap_or(1000)
}

/// The width of a text at a font size. O(characters).
pub(super) fn width(text: &str, size: i64) -> i64 {
    let thousandths: i64 = text.chars().map(advance).sum();
    (thousandths * size + 999) / 1000
}

/// The text, or as much of it as fits with `…` behind it.
pub(super) fn shortened(text: &str, size: i64, room: i64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        let longer = format!("{kept}{character}…");
        if room < width(&longer, size) {
            break;
        }
        kept.push(character);
    }
    format!("{}…", kept.trim_end())
}

/// The lines of a text that are at most this wide; a word wider than that is cut.
pub(super) fn wrapped(text: &str, size: i64, room: i64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        let longer = format!("{line}{piece}");
        if width(longer.trim_end(), size) <= room {
            line = longer;
            continue;
        }
        if !line.trim_end().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        line = String::new();
        for character in piece.chars() {
            line.push(character);
            let fits = width(line.trim_end(), size) <= room;
            if !fits && 1 < line.chars().count() {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(character);
            }
        }
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The pieces between which a line may break: words with the spaces behind them, and Chinese
/// characters with the punctuation that belongs to them.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for character in text.chars().map(|one| if one.is_control() { ' ' } else { one }) {
        let joins = before.is_some_and(|before| {
            let word = before.is_ascii() && character.is_ascii();
            character == ' '
                || OPENING.contains(before)
                || CLOSING.contains(character)
                || (word && before != ' ')
        });
        match pieces.last_mut().filter(|_| joins) {
            Some(piece) => piece.push(character),
            None => pieces.push(character.to_string()),
        }
        before = Some(character);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_add_up() {
        assert_eq!(width("", 120), 0);
        assert_eq!(width("价格", 120), 240);
        assert_eq!(width("0 A", 1000), 555 + 224 + 608);
    }

    #[test]
    fn lines_break_between_characters_and_words_and_not_before_a_comma() {
        assert_eq!(wrapped("价格临时,补贴", 100, 400), ["价格临", "时,补贴"]);
        assert_eq!(wrapped("价格临时\u{FF0C}补贴", 100, 400), ["价格临", "时\u{FF0C}补贴"]);
        assert_eq!(wrapped("price subsidy", 100, 400), ["price", "subsidy"]);
        assert_eq!(wrapped("aaaaaaaaaa", 100, 200), ["aaa", "aaa", "aaa", "a"]);
        assert_eq!(wrapped("《价格》", 100, 150).len(), 4);
        assert!(wrapped("  ", 100, 400).is_empty());
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(shortened("呼和浩特市", 100, 500), "呼和浩特市");
        assert_eq!(shortened("呼和浩特市", 100, 499), "呼和浩…");
        assert_eq!(shortened("呼和浩特市", 100, 10), "…");
    }
}
