//! The kinds of value a parameter can have, and how each is read and shown.

use rust_decimal::Decimal;
use toml::{Spanned, de::DeValue};

use crate::domain::{
    area::Level,
    code::Code,
    exact::{Exact, parse_decimal},
};

use super::reader::Reader;

/// A value a parameter can have.
pub trait Value: Sized + Clone {
    /// Whether a list of tables is one value of this kind, and not a list of cases.
    const IS_LIST: bool = false;

    /// Reads it, or reports why it cannot be read.
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self>;

    /// The text shown to a reader of the law.
    fn show(&self) -> String;

    /// Whether it is a number not above another, for `lower_to`.
    fn is_at_most(&self, _other: &Self) -> bool {
        false
    }

    /// Whether `lower_to` and bounds make sense for its kind.
    const IS_NUMBER: bool = false;

    /// Whether it can be compared with others of its kind.
    fn is_number(&self) -> bool {
        Self::IS_NUMBER
    }
}

impl Value for Decimal {
    const IS_NUMBER: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = reader.text(item)?;
        match parse_decimal(text) {
            Ok(value) => Some(value),
            Err(_) => reader.expected(item, "a decimal in quotes such as \"3.5\""),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn is_at_most(&self, other: &Self) -> bool {
        self <= other
    }
}

/// A share written as a decimal (`0.9`) or a fraction (`1/12`).
impl Value for Exact {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = reader.text(item)?;
        let fraction = text.split_once('/').and_then(|(above, below)| {
            let whole = |part: &str| part.trim().parse::<u32>().ok().map(i64::from);
            Exact::fraction(whole(above)?, whole(below)?)
        });
        match fraction.or_else(|| parse_decimal(text).ok().map(Exact::from)) {
            Some(value) => Some(value),
            None => reader.expected(item, "a share in quotes such as \"0.9\" or \"1/12\""),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let number = item.get_ref().as_integer().filter(|number| number.radix() == 10);
        match number.and_then(|number| number.as_str().parse().ok()).filter(|n| *n <= 1200) {
            Some(number) => Some(number),
            None => reader.expected(item, "a whole number from 0 to 1200, without quotes"),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        reader.text(item).map(str::to_owned)
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for Code {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = reader.text(item)?;
        match text.parse() {
            Ok(code) => Some(code),
            Err(_) => reader.expected(item, "a code of a-z, 0-9 and _"),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Vec<Code> {
    const IS_LIST: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        reader.list(item, "a list of names", Code::read)
    }

    fn show(&self) -> String {
        self.iter().map(Code::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl Value for Vec<Level> {
    const IS_LIST: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        reader.list(item, "a list of levels", |reader, item| match reader.text(item)?.parse() {
            Ok(level) => Some(level),
            Err(_) => reader.expected(item, "nation, province, prefecture or county"),
        })
    }

    fn show(&self) -> String {
        self.iter().map(|level| level.as_str()).collect::<Vec<_>>().join(", ")
    }
}
