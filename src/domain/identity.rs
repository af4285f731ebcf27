//! Identity numbers of people: how they are written, and when they are right.
//!
//! **Invariant:** the same person's number is the same bytes however it was typed: half width, upper
//! case, 18 digits. An identity prints nothing of itself.

use std::fmt;

/// Longest number of another document, in bytes.
const OTHER_BYTES_MAX: usize = 32;

/// What kind of document a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// 居民身份证, and the residence permits (港澳台居民居住证) and cards for foreigners that are
    /// numbered in the same way.
    Resident,
    /// 护照.
    Passport,
    /// 户口簿.
    HouseholdRegister,
    /// 军官证, 士兵证.
    Military,
    /// Any other document.
    Other,
}

impl IdentityKind {
    /// Every kind with the words it is called by.
    pub const NAMES: [(Self, &'static [&'static str]); 5] = [
        (
            Self::Resident,
            &["", "resident", "居民身份证", "身份证", "港澳台居民居住证", "外国人永久居留身份证"],
        ),
        (Self::Passport, &["passport", "护照"]),
        (Self::HouseholdRegister, &["household_register", "户口簿", "户口本"]),
        (Self::Military, &["military", "军官证", "士兵证"]),
        (Self::Other, &["other", "其他", "其他证件"]),
    ];

    /// The kind called so.
    pub fn named(text: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, names)| names.contains(&text));
        found.map(|(kind, _)| *kind)
    }
}

/// What is wrong with a number: its text is what was expected. It does not carry the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It has another shape.
    #[error("18 digits (the last may be X), or 15 of the first generation")]
    Shape,
    /// Its digits 7 to 14 are no date.
    #[error("a date of birth in digits 7 to 14")]
    Birth,
    /// Its last digit does not follow from the others.
    #[error("the check digit of GB 11643 in place 18")]
    Check,
    /// The number of another document is empty, too long, or has other characters.
    #[error("1 to 32 letters, digits, brackets or hyphens")]
    Other,
}

/// A person's number in its one normal form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    kind: IdentityKind,
    length: u8,
    bytes: [u8; OTHER_BYTES_MAX],
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.kind)
    }
}

impl Identity {
    /// Reads a number as people type it: in half or full width, with blanks, with a lower-case x, in
    /// 18 digits or the 15 of the first generation (taken as born in 19xx).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(kind: IdentityKind, text: &[u8]) -> Result<Self, IdentityError> {
        // Nearly every number is typed as it should be.
        if kind == IdentityKind::Resident && text.len() == 18 && text.is_ascii() {
            return resident(text);
        }
        let wrong = match kind {
            IdentityKind::Resident => IdentityError::Shape,
            _ => IdentityError::Other,
        };
        let mut plain = [0; OTHER_BYTES_MAX];
        let mut length = 0;
        for letter in std::str::from_utf8(text).map_err(|_| wrong)?.chars() {
            let Some(byte) = half_width(letter) else { continue };
            *plain.get_mut(length).ok_or(wrong)? = byte.map_err(|()| wrong)?;
            length += 1;
        }
        let plain_bytes = &plain[..length];
        match (kind, length) {
            (IdentityKind::Resident, 18) => resident(plain_bytes),
            (IdentityKind::Resident, 15) => resident(&second_generation(plain_bytes)?),
            (IdentityKind::Resident, _) | (_, 0) => Err(wrong),
            _ => Ok(Self { kind, length: length as u8, bytes: plain }),
        }
    }

    /// The kind of document.
    pub fn kind(&self) -> IdentityKind {
        self.kind
    }

    /// The number: upper case, without blanks.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// The letter in half width and upper case; none for what does not count, an error for what cannot
/// be part of a number.
fn half_width(letter: char) -> Option<Result<u8, ()>> {
    let half = match letter {
        // Spreadsheets mark digits as text with an apostrophe or a tab.
        ' ' | '\t' | '\u{3000}' | '\u{a0}' | '\u{feff}' | '\'' => return None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xff01 + 0x21)?,
        other => other,
    };
    let upper = half.to_ascii_uppercase();
    let fits = upper.is_ascii_alphanumeric() || matches!(upper, '(' | ')' | '-');
    Some(if fits { Ok(upper as u8) } else { Err(()) })
}

/// 18 bytes in half width.
fn resident(text: &[u8]) -> Result<Identity, IdentityError> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: [u8; 11] = *b"10X98765432";
    let mut bytes = [0; OTHER_BYTES_MAX];
    let mut sum = 0;
    for (at, weight) in WEIGHTS.into_iter().enumerate() {
        let digit = text[at].wrapping_sub(b'0');
        if 9 < digit {
            return Err(IdentityError::Shape);
        }
        bytes[at] = text[at];
        sum += u32::from(digit) * weight;
    }
    let last = text[17].to_ascii_uppercase();
    if !last.is_ascii_digit() && last != b'X' {
        return Err(IdentityError::Shape);
    }
    if !is_date(&text[6..14]) {
        return Err(IdentityError::Birth);
    }
    if last != CHECK[(sum % 11) as usize] {
        return Err(IdentityError::Check);
    }
    bytes[17] = last;
    Ok(Identity { kind: IdentityKind::Resident, length: 18, bytes })
}

/// The 18 digits of a number of 15: the century and the check digit are put in.
fn second_generation(text: &[u8]) -> Result<[u8; 18], IdentityError> {
    let mut long = [b'0'; 18];
    long[..6].copy_from_slice(&text[..6]);
    long[6..8].copy_from_slice(b"19");
    long[8..17].copy_from_slice(&text[6..]);
    for last in *b"0123456789X" {
        long[17] = last;
        match resident(&long) {
            Err(IdentityError::Check) => {}
            Err(other) => return Err(other),
            Ok(_) => return Ok(long),
        }
    }
    Err(IdentityError::Shape)
}

/// Whether eight digits are a day, YYYYMMDD.
fn is_date(digits: &[u8]) -> bool {
    let number = |part: &[u8]| part.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(&digits[..4]), number(&digits[4..6]), number(&digits[6..]));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1800..2200).contains(&year) && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident(text: &str) -> Result<String, IdentityError> {
        let read = Identity::read(IdentityKind::Resident, text.as_bytes())?;
        Ok(String::from_utf8(read.as_bytes().to_vec()).unwrap())
    }

    /// A made-up number with its check digit.
    const NUMBER: &str = "990101199003077719";

    #[test]
    fn one_number_however_it_is_typed() {
        let full_width = "９９０１０１１９９００３０７７７１９";
        for text in [NUMBER, " 990101 19900307 7719 ", "'990101199003077719", full_width] {
            assert_eq!(resident(text).as_deref(), Ok(NUMBER), "{text}");
        }
        assert_eq!(resident("990101900307771").as_deref(), Ok(NUMBER));
        for text in ["99010119900307004X", "99010119900307004x", "99010119900307004ｘ"] {
            assert_eq!(resident(text).as_deref(), Ok("99010119900307004X"), "{text}");
        }
    }

    #[test]
    fn of_the_eleven_last_letters_one_is_right() {
        let last = |last: char| format!("{}{last}", &NUMBER[..17]);
        for letter in "0123456789X".chars() {
            let expected = if letter == '9' { Ok(NUMBER) } else { Err(&IdentityError::Check) };
            assert_eq!(resident(&last(letter)).as_deref(), expected, "{letter}");
        }
        assert_eq!(resident(&last('Y')), Err(IdentityError::Shape));
    }

    #[test]
    fn lengths_beside_15_and_18_have_another_shape() {
        for length in [0, 1, 14, 16, 17] {
            assert_eq!(resident(&NUMBER[..length]), Err(IdentityError::Shape), "{length}");
        }
        assert_eq!(resident(&format!("{NUMBER}0")), Err(IdentityError::Shape));
        assert_eq!(resident(&"9".repeat(100)), Err(IdentityError::Shape));
        assert_eq!(resident("9901011990030777１"), Err(IdentityError::Shape));
    }

    #[test]
    fn the_date_of_birth_is_a_day() {
        let born = |day: &str| resident(&format!("990101{day}7710"));
        for day in ["19900229", "19000229", "19901301", "19900001", "19900431", "19900100"] {
            assert_eq!(born(day), Err(IdentityError::Birth), "{day}");
        }
        for day in ["20000229", "19920229", "19900430", "19901231"] {
            assert_ne!(born(day), Err(IdentityError::Birth), "{day}");
        }
        for (year, is_day) in [("1799", false), ("1800", true), ("2199", true), ("2200", false)] {
            assert_eq!(born(&format!("{year}0101")) != Err(IdentityError::Birth), is_day, "{year}");
        }
    }

    #[test]
    fn other_documents_keep_their_letters() {
        let read = |text: &str| Identity::read(IdentityKind::Passport, text.as_bytes());
        assert_eq!(read(" e-１２３４(5) ").unwrap().as_bytes(), b"E-1234(5)");
        assert_eq!(read(&"A".repeat(32)).unwrap().as_bytes().len(), 32);
        for text in ["", " ", "张三", "A;B", &"A".repeat(33)] {
            assert_eq!(read(text).unwrap_err(), IdentityError::Other, "{text}");
        }
        assert_eq!(IdentityKind::named("护照"), Some(IdentityKind::Passport));
        assert_eq!(IdentityKind::named(""), Some(IdentityKind::Resident));
        assert_eq!(IdentityKind::named("驾驶证"), None);
    }

    #[test]
    fn an_identity_prints_nothing_of_itself() {
        let read = Identity::read(IdentityKind::Resident, NUMBER.as_bytes()).unwrap();
        assert_eq!(format!("{read:?}"), "Identity(Resident)");
    }
}
