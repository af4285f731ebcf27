//! How amounts are told: their unit, their rounding, and the letters of laws.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    Lang,
    cost_bars::YearCosts,
    words::{COMMA, NO_SUM, UNDECIDABLE, grouped, months, short},
};

/// The unit in which amounts are shown.
pub(super) struct Unit {
    /// Its name.
    pub name: &'static str,
    /// How many yuan it is.
    yuan: Decimal,
}

impl Unit {
    /// The largest unit of a language that the largest amount reaches.
    pub fn of(largest: Decimal, lang: Lang) -> Self {
        let units: [(u64, &'static str); 3] = match lang {
            Lang::Zh => [(100_000_000, "亿元"), (10_000, "万元"), (1, "元")],
            Lang::En => [(1_000_000_000, "billion yuan"), (1_000_000, "million yuan"), (1, "yuan")],
        };
        let reached = units.into_iter().find(|(yuan, _)| Decimal::from(*yuan) <= largest);
        let (yuan, name) = reached.unwrap_or(units[2]);
        Self { name, yuan: Decimal::from(yuan) }
    }

    /// A tick of the axis, exact.
    pub fn tick(&self, yuan: Decimal) -> String {
        short(yuan / self.yuan)
    }

    /// The total of a year, rounded half up to two places of the unit, with `≥` where months are open.
    pub fn total(&self, costs: &YearCosts) -> String {
        let Some(total) = costs.total() else { return "—".to_owned() };
        // Half up, away from nought: 四舍五入.
        let strategy = RoundingStrategy::MidpointAwayFromZero;
        let mut shown = (total / self.yuan).round_dp_with_strategy(2, strategy);
        shown.rescale(2);
        let sign = if 0 < costs.undecidable_months { "≥" } else { "" };
        format!("{sign}{}", grouped(shown))
    }

    /// How totals are rounded, in words.
    pub fn rule(&self, lang: Lang) -> String {
        let unit = self.name;
        match lang {
            Lang::Zh => {
                format!("柱顶为合计,单位{unit},四舍五入到两位小数;精确到分的数额见图中说明。")
            }
            Lang::En => format!(
                "Above the bars: totals in {unit}, rounded half up to two decimals; the description \
                 of the chart has them to the fen."
            ),
        }
    }
}

/// An amount to the fen.
pub(super) fn yuan(amount: Decimal, lang: Lang) -> String {
    format!("{}{}", grouped(amount), lang.pick("元", " yuan"))
}

/// A year's total to the fen, and its open months.
pub(super) fn told(costs: &YearCosts, lang: Lang) -> String {
    let total = match costs.total() {
        Some(total) => yuan(total, lang),
        None => NO_SUM.of(lang).to_owned(),
    };
    match costs.undecidable_months {
        0 => total,
        open => {
            let count = months(lang, open as usize);
            format!("≥{total}{}{} {count}", COMMA.of(lang), UNDECIDABLE.of(lang))
        }
    }
}

/// The letter of a law by its place: 甲, 乙 …; A, B …; a number after the last.
pub(super) fn letter(place: usize, lang: Lang) -> String {
    let letters = lang.pick("甲乙丙丁戊己庚辛壬癸", "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    letters.chars().nth(place).map_or_else(|| (place + 1).to_string(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::CostPart;

    fn costs(yuan: &str) -> YearCosts {
        let part = CostPart { group: Default::default(), yuan: yuan.parse().unwrap() };
        YearCosts { parts: vec![part], undecidable_months: 0 }
    }

    #[test]
    fn a_unit_is_taken_when_the_largest_amount_reaches_it() {
        for (largest, zh, en) in [
            ("9999.99", "元", "yuan"),
            ("10000", "万元", "yuan"),
            ("999999.99", "万元", "yuan"),
            ("1000000", "万元", "million yuan"),
            ("99999999.99", "万元", "million yuan"),
            ("100000000", "亿元", "million yuan"),
            ("1000000000", "亿元", "billion yuan"),
        ] {
            let largest = largest.parse().unwrap();
            assert_eq!(Unit::of(largest, Lang::Zh).name, zh);
            assert_eq!(Unit::of(largest, Lang::En).name, en);
        }
    }

    #[test]
    fn totals_round_half_up_to_two_places() {
        let unit = Unit::of(Decimal::from(100_000_000), Lang::Zh);
        for (yuan, shown) in [
            ("123499999.99", "1.23"),
            ("123500000.00", "1.24"),
            ("0", "0.00"),
            ("123456000000", "1,234.56"),
        ] {
            assert_eq!(unit.total(&costs(yuan)), shown);
        }
        let open = YearCosts { undecidable_months: 2, ..costs("123000000.10") };
        assert_eq!(unit.total(&open), "≥1.23");
        assert_eq!(told(&open, Lang::Zh), "≥123,000,000.10元,无法判定 2个月");
        assert_eq!(told(&open, Lang::En), "≥123,000,000.10 yuan, undecidable 2 months");
    }

    #[test]
    fn a_total_out_of_range_is_not_shown() {
        let part = CostPart { group: Default::default(), yuan: Decimal::MAX };
        let costs = YearCosts { parts: vec![part.clone(), part], undecidable_months: 0 };
        assert_eq!(Unit::of(Decimal::MAX, Lang::Zh).total(&costs), "—");
        assert_eq!(told(&costs, Lang::En), "the total is out of range");
    }

    #[test]
    fn laws_have_letters() {
        assert_eq!((letter(0, Lang::Zh), letter(1, Lang::En)), ("甲".into(), "B".into()));
        assert_eq!(letter(10, Lang::Zh), "11");
    }
}
