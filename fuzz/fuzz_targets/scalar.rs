//! A text as month, decimal, area code, code and expression: what is read prints as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use price_linkage::{
    domain::{area::AreaCode, code::Code, exact::parse_decimal, month::Month},
    rules::expr::Expr,
};

fuzz_target!(|text: &str| {
    if let Ok(month) = text.parse::<Month>() {
        assert_eq!(month.to_string(), text);
        for months in [-1_320, -1, 0, 1, 1_320, i32::MIN, i32::MAX] {
            if let Some(other) = month.plus(months) {
                assert_eq!(other.months_since(month), months);
            }
        }
        assert_eq!(Month::of(month.first_day()), Some(month));
        assert_eq!(Month::of(month.last_day()), Some(month));
    }
    if let Ok(decimal) = parse_decimal(text) {
        let again = parse_decimal(&decimal.to_string());
        assert_eq!(again.as_ref().ok(), Some(&decimal));
    }
    if let Ok(area) = text.parse::<AreaCode>() {
        assert_eq!(area.to_string(), text);
    }
    if let Ok(code) = text.parse::<Code>() {
        assert_eq!(code.to_string(), text);
    }
    if let Some(expr) = Expr::parse(text) {
        assert_eq!(Expr::parse(&expr.to_string()), Some(expr));
    }
});
