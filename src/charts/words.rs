//! The charts' own words and how they write numbers and months.

use rust_decimal::Decimal;

use crate::domain::month::Month;

use super::Lang;

/// A word in Chinese and English.
pub(super) struct Word(&'static str, &'static str);

impl Word {
    pub fn of(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.0,
            Lang::En => self.1,
        }
    }
}

pub(super) const NO_DATA: Word = Word("无数据", "no data");
pub(super) const RISE: Word = Word("同比涨幅(%)", "year-on-year rise (%)");
pub(super) const THRESHOLD: Word = Word("临界值", "threshold");
pub(super) const PAID: Word = Word("发放月份", "paid month");
pub(super) const UNDECIDABLE: Word = Word("无法判定", "undecidable");
pub(super) const NOT_PAID: Word = Word("不发放", "not paid");
pub(super) const BOTH: Word = Word("两者均发放", "paid under both");
pub(super) const ONLY: Word = Word("仅按", "paid only under ");
pub(super) const ONLY_AFTER: Word = Word("发放", "");
pub(super) const NOT_ASKED: Word = Word("空白:不在范围内", "blank: not asked");
pub(super) const PAID_MONTHS: Word = Word("发放月数", "months paid");
pub(super) const OPEN_MONTHS: Word = Word("有月份无法判定", "with undecidable months");
pub(super) const LEFT_OUT: Word = Word(
    "柱数过多,柱顶不标合计;精确到分的数额见图中说明。",
    "There are too many bars to write their totals above them; the description of the chart has them to the fen.",
);
pub(super) const AT_LEAST: Word = Word(
    "≥:当年有月份无法判定,合计为已判定月份之和。",
    "≥: months of the year cannot be decided; the total is that of the months that can.",
);
pub(super) const IN_ORDER: Word = Word(
    "各年的柱自左至右依次为图例所列文件。",
    "The bars of a year are, from the left, the laws in the order of the legend.",
);
pub(super) const NO_SUM: Word = Word("合计超出范围", "the total is out of range");
pub(super) const FIRST: Word = Word("第一文件", "the first law");
pub(super) const SECOND: Word = Word("第二文件", "the second law");
pub(super) const MISSING: Word = Word("无数值", "no value");
pub(super) const COMMA: Word = Word(",", ", ");
pub(super) const PAUSE: Word = Word(";", "; ");
pub(super) const COLON: Word = Word(":", ": ");

/// A number as given.
pub(super) fn plain(number: Decimal) -> String {
    if number.is_zero() { number.abs().to_string() } else { number.to_string() }
}

/// A number without zeros at its end, as ticks show it.
pub(super) fn short(number: Decimal) -> String {
    plain(number.normalize())
}

/// A number with commas between thousands.
pub(super) fn grouped(number: Decimal) -> String {
    let text = plain(number);
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut shown = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if 0 < at && (whole.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + rest
}

/// A month in words.
pub(super) fn month(lang: Lang, month: Month) -> String {
    match lang {
        Lang::Zh => format!("{}年{}月", month.year(), month.month()),
        Lang::En => month.to_string(),
    }
}

/// Months from one to another in words.
pub(super) fn span(lang: Lang, from: Month, until: Month) -> String {
    let (from, until) = (month(lang, from), month(lang, until));
    match lang {
        Lang::Zh => format!("{from}至{until}"),
        Lang::En => format!("{from} to {until}"),
    }
}

/// A count of months in words.
pub(super) fn months(lang: Lang, count: usize) -> String {
    match (lang, count) {
        (Lang::Zh, _) => format!("{count}个月"),
        (Lang::En, 1) => "1 month".to_owned(),
        (Lang::En, _) => format!("{count} months"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_and_digits_kept() {
        for (number, shown) in
            [("0", "0"), ("-0.0", "0.0"), ("999", "999"), ("-1234567.50", "-1,234,567.50")]
        {
            assert_eq!(grouped(number.parse().unwrap()), shown);
        }
        assert_eq!(plain("3.50".parse().unwrap()), "3.50");
        assert_eq!(short("3.50".parse().unwrap()), "3.5");
    }
}
