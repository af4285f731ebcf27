//! How cells look: fonts, frames and number formats of an office's tables.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

const BODY_FONT: &str = "宋体";
const TITLE_FONT: &str = "方正小标宋简体";
const COUNT: &str = "#,##0";
const MONEY: &str = "#,##0.00";
/// As many places as there are, two at least.
const EXACT: &str = "#,##0.00####";
const PERCENT: &str = "0.0#####";

/// The formats.
pub(super) struct Styles {
    pub title: Format,
    pub remark: Format,
    pub remark_right: Format,
    pub head: Format,
    pub section: Format,
    /// Our own words, left and wrapped.
    pub text: Format,
    pub centre: Format,
    /// Words of people: kept as text even when they are edited.
    pub free: Format,
    pub count: Format,
    pub money: Format,
    pub exact: Format,
    pub percent: Format,
    pub total_text: Format,
    pub total_count: Format,
    pub total_money: Format,
    /// A line below the table.
    pub note: Format,
    /// What people fill in.
    pub blank: Format,
}

impl Default for Styles {
    fn default() -> Self {
        let plain = || {
            let font = Format::new().set_font_name(BODY_FONT).set_font_size(10);
            font.set_align(FormatAlign::VerticalCenter)
        };
        let framed = || plain().set_border(FormatBorder::Thin);
        let right = |format: &str| {
            framed().set_align(FormatAlign::Right).set_indent(1).set_num_format(format)
        };
        let centre = || framed().set_align(FormatAlign::Center).set_text_wrap();
        let text = || framed().set_align(FormatAlign::Left).set_indent(1).set_text_wrap();
        let head = || centre().set_bold().set_background_color("F2F2F2");
        Self {
            title: (plain().set_font_name(TITLE_FONT).set_font_size(18))
                .set_align(FormatAlign::Center),
            remark: plain().set_align(FormatAlign::Left),
            remark_right: plain().set_align(FormatAlign::Right),
            head: head(),
            section: head().set_align(FormatAlign::Left),
            text: text(),
            centre: centre(),
            free: text().set_quote_prefix(),
            count: right(COUNT),
            money: right(MONEY),
            exact: right(EXACT),
            percent: right(PERCENT),
            total_text: centre().set_bold(),
            total_count: right(COUNT).set_bold(),
            total_money: right(MONEY).set_bold(),
            note: plain().set_align(FormatAlign::Left).set_text_wrap(),
            blank: text().set_background_color("FFF9E5"),
        }
    }
}

/// A text with the punctuation of Chinese print: marks beside Chinese characters are full-width.
pub(super) fn office(text: &str) -> String {
    let mut all: Vec<char> = text.chars().collect();
    let wide = |all: &[char], at: usize| all.get(at).is_some_and(|one| !one.is_ascii());
    let beside = |all: &[char], at: usize| wide(all, at + 1) || 0 < at && wide(all, at - 1);
    let mut open = Vec::new();
    for at in 0..all.len() {
        let full = match all[at] {
            '(' => {
                open.push(at);
                continue;
            }
            ')' => {
                let Some(from) = open.pop() else { continue };
                let within = (from..at).any(|inner| wide(&all, inner));
                if within || beside(&all, from) || beside(&all, at) {
                    (all[from], all[at]) = ('（', '）');
                }
                continue;
            }
            ',' => '，',
            ':' => '：',
            ';' => '；',
            _ => continue,
        };
        if beside(&all, at) {
            all[at] = full;
        }
    }
    all.into_iter().collect()
}

/// How wide a text is, in half-width characters.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|one| if one.is_ascii() { 1 } else { 2 }).sum()
}

/// How wide a sum is with commas and two places.
pub(super) fn money_width(yuan: rust_decimal::Decimal) -> usize {
    let whole = yuan.trunc().abs().to_string().len();
    whole + (whole - 1) / 3 + 3 + usize::from(yuan.is_sign_negative())
}

/// How many lines a text takes in so many half-width characters.
pub(super) fn lines(text: &str, columns: usize) -> u32 {
    let of = |line: &str| width(line).div_ceil(columns.max(1)).max(1) as u32;
    text.lines().map(of).sum::<u32>().max(1)
}

/// Which way the paper lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paper {
    Landscape,
    Portrait,
}

/// A4, as wide as the page, with page numbers.
pub(super) fn set_page(
    sheet: &mut Worksheet,
    paper: Paper,
    last: (u32, u16),
) -> Result<(), XlsxError> {
    const A4: u8 = 9;
    match paper {
        Paper::Landscape => sheet.set_landscape(),
        Paper::Portrait => sheet.set_portrait(),
    };
    sheet
        .set_paper_size(A4)
        .set_margins(0.5, 0.5, 0.6, 0.7, 0.3, 0.4)
        .set_print_fit_to_pages(1, 0)
        .set_print_center_horizontally(true)
        .set_footer("&C&\"宋体,Regular\"&10第 &P 页,共 &N 页")
        .set_print_area(0, 0, last.0, last.1)?;
    Ok(())
}

/// Merges a row's cells, or writes the one cell there is.
pub(super) fn across(
    sheet: &mut Worksheet,
    row: u32,
    columns: (u16, u16),
    text: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    match columns {
        (first, last) if first < last => sheet.merge_range(row, first, row, last, text, format)?,
        (first, _) => sheet.write_string_with_format(row, first, text, format)?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_beside_chinese_are_full_width_and_those_within_numbers_are_not() {
        for (given, expected) in [
            ("启动:CPI 3.5% 达到 3.0%,食品", "启动：CPI 3.5% 达到 3.0%，食品"),
            ("启动(由市判定):CPI", "启动（由市判定）：CPI"),
            ("1,201 人", "1,201 人"),
            ("732 元(2020年1月起)", "732 元（2020年1月起）"),
            ("CPI 3.5%(2020年3月)", "CPI 3.5%（2020年3月）"),
            ("f(x), g(y): z", "f(x), g(y): z"),
            ("没有)配对(的", "没有)配对(的"),
        ] {
            assert_eq!(office(given), expected);
        }
    }

    #[test]
    fn widths_are_counted_as_a_printer_needs_them() {
        assert_eq!(width("城镇 A"), 6);
        assert_eq!(money_width("1234567.8".parse().unwrap()), "1,234,567.80".len());
        assert_eq!(money_width("0".parse().unwrap()), "0.00".len());
        assert_eq!(money_width("-999.99".parse().unwrap()), "-999.99".len());
        assert_eq!(lines("一二三四五", 4), 3);
        assert_eq!(lines("", 4), 1);
    }
}
