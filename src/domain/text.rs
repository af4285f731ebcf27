//! Texts that people write and others read.

/// Whether a character is not seen, so that two texts may look the same and differ, or one may look
/// like what it is not: control, zero width, and what turns the direction of writing.
pub fn is_unseen(one: char) -> bool {
    let is_unseen = matches!(one,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    is_unseen || one.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_told_from_what_is_not() {
        for seen in "aZ0 .\u{a0}\u{301}内蒙古自治区〇㊀\u{3000}😀".chars() {
            assert!(!is_unseen(seen), "{seen:?}");
        }
        for unseen in
            "\0\t\u{7f}\u{ad}\u{200b}\u{200d}\u{200f}\u{202e}\u{2066}\u{feff}\u{e0041}".chars()
        {
            assert!(is_unseen(unseen), "{unseen:?}");
        }
    }
}
