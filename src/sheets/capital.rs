//! Sums in Chinese capital numerals (人民币大写), as banks and accounts want them written.
//!
//! The rules are those of 《会计基础工作规范》 and of the annex to 《支付结算办法》: zeros within the yuan
//! are read once; 整 closes a sum that ends at the yuan or the jiao, and none that ends at the fen; 零
//! stands after 元 where the yuan or the jiao before the next figure are nought.

use rust_decimal::Decimal;

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
const MYRIAD: u128 = 10_000;
const HUNDRED_MILLION: u128 = 100_000_000;

/// A sum of whole fen in capital numerals, without 人民币 before it: `柒万贰仟零陆拾元整`; none for a sum
/// with parts of a fen.
pub fn capital_yuan(yuan: Decimal) -> Option<String> {
    let mut fen = yuan.normalize();
    if 2 < fen.scale() {
        return None;
    }
    fen.rescale(2);
    let sign = if fen.mantissa() < 0 { "负" } else { "" };
    let fen = fen.mantissa().unsigned_abs();
    let (whole, jiao, fen) = (fen / 100, (fen / 10 % 10) as usize, (fen % 10) as usize);
    let mut text = String::from(sign);
    if 0 < whole {
        number(whole, &mut text);
        text.push('元');
    }
    match (jiao, fen) {
        (0, 0) if whole == 0 => text.push_str("零元整"),
        (0, 0) => text.push('整'),
        (jiao, fen) => {
            let gap = 0 < whole && (jiao == 0 || whole % 10 == 0);
            if gap {
                text.push('零');
            }
            if 0 < jiao {
                text.extend([DIGITS[jiao], '角']);
            }
            match fen {
                0 => text.push('整'),
                fen => text.extend([DIGITS[fen], '分']),
            }
        }
    }
    Some(text)
}

/// A whole number above nought.
fn number(whole: u128, text: &mut String) {
    for (unit, name) in [(HUNDRED_MILLION, '亿'), (MYRIAD, '万')] {
        if unit <= whole {
            number(whole / unit, text);
            text.push(name);
            let rest = whole % unit;
            if 0 < rest {
                // The place just below the unit is nought.
                if rest < unit / 10 {
                    text.push('零');
                }
                number(rest, text);
            }
            return;
        }
    }
    let mut zero = false;
    let mut begun = false;
    for (unit, name) in [(1_000, Some('仟')), (100, Some('佰')), (10, Some('拾')), (1, None)] {
        let digit = (whole / unit % 10) as usize;
        if digit == 0 {
            zero = begun;
            continue;
        }
        if zero {
            text.push('零');
        }
        text.push(DIGITS[digit]);
        text.extend(name);
        (zero, begun) = (false, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capital(text: &str) -> String {
        capital_yuan(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_examples_of_the_rules_are_written_as_there() {
        // 《支付结算办法》 annex 1, section 3.
        for (sum, words) in [
            ("1409.50", "壹仟肆佰零玖元伍角整"),
            ("6007.14", "陆仟零柒元壹角肆分"),
            ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
            ("107000.53", "壹拾万柒仟元零伍角叁分"),
            ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
            ("325.04", "叁佰贰拾伍元零肆分"),
        ] {
            assert_eq!(capital(sum), words, "{sum}");
        }
    }

    #[test]
    fn zeros_are_read_once_and_none_at_the_end_of_a_group() {
        for (sum, words) in [
            ("0", "零元整"),
            ("0.01", "壹分"),
            ("0.10", "壹角整"),
            ("0.11", "壹角壹分"),
            ("1", "壹元整"),
            ("10", "壹拾元整"),
            ("10.05", "壹拾元零伍分"),
            ("11.50", "壹拾壹元伍角整"),
            ("100", "壹佰元整"),
            ("101", "壹佰零壹元整"),
            ("1000", "壹仟元整"),
            ("1001", "壹仟零壹元整"),
            ("1010", "壹仟零壹拾元整"),
            ("9999.99", "玖仟玖佰玖拾玖元玖角玖分"),
            ("10000", "壹万元整"),
            ("10001", "壹万零壹元整"),
            ("10999", "壹万零玖佰玖拾玖元整"),
            ("11000", "壹万壹仟元整"),
            ("100000", "壹拾万元整"),
            ("72060.00", "柒万贰仟零陆拾元整"),
            ("10000000", "壹仟万元整"),
            ("100000000", "壹亿元整"),
            ("100000001", "壹亿零壹元整"),
            ("100005000", "壹亿零伍仟元整"),
            ("101000000", "壹亿零壹佰万元整"),
            ("110000000", "壹亿壹仟万元整"),
            ("100100010.10", "壹亿零壹拾万零壹拾元零壹角整"),
            ("1000000000000", "壹万亿元整"),
            ("1234567890123.45", "壹万贰仟叁佰肆拾伍亿陆仟柒佰捌拾玖万零壹佰贰拾叁元肆角伍分"),
            ("-12.30", "负壹拾贰元叁角整"),
        ] {
            assert_eq!(capital(sum), words, "{sum}");
        }
    }

    #[test]
    fn a_part_of_a_fen_has_no_words() {
        assert_eq!(capital_yuan("0.005".parse().unwrap()), None);
        assert_eq!(capital("0.500"), "伍角整");
    }

    /// Reads capital numerals back, digit by digit.
    fn read(text: &str) -> u128 {
        let (yuan, rest) = text.split_once('元').unwrap_or(("", text));
        let whole = |text: &str| {
            let (mut all, mut myriads, mut group, mut digit) = (0, 0, 0, 0);
            for character in text.chars() {
                match DIGITS.iter().position(|one| *one == character) {
                    Some(found) => digit = found as u128,
                    None => {
                        let unit = match character {
                            '拾' => 10,
                            '佰' => 100,
                            '仟' => 1_000,
                            '万' => MYRIAD,
                            '亿' => HUNDRED_MILLION,
                            other => panic!("{other}"),
                        };
                        match unit {
                            MYRIAD => {
                                myriads += (group + digit) * MYRIAD;
                                (group, digit) = (0, 0);
                            }
                            HUNDRED_MILLION => {
                                all += (myriads + group + digit) * HUNDRED_MILLION;
                                (myriads, group, digit) = (0, 0, 0);
                            }
                            unit => {
                                group += digit * unit;
                                digit = 0;
                            }
                        }
                    }
                }
            }
            all + myriads + group + digit
        };
        let place = |name: char| {
            let before = rest.split_once(name).map_or("", |(before, _)| before);
            let last = before.chars().last();
            last.and_then(|one| DIGITS.iter().position(|digit| *digit == one)).unwrap_or(0) as u128
        };
        whole(yuan) * 100 + place('角') * 10 + place('分')
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_sum() {
        let mut fen: u128 = 7;
        for _ in 0..20_000 {
            fen = (fen * 48_271 + 11) % 1_000_000_000_000_007;
            // Many zeros, which is where mistakes are made.
            for zeros in [1, 10, 1_000, 100_000, 10_000_000] {
                let sum = fen / zeros * zeros;
                let words = capital_yuan(Decimal::from_i128_with_scale(sum as i128, 2)).unwrap();
                assert_eq!(read(&words), sum, "{sum} {words}");
                let doubled = ["零零", "零万", "零亿"].iter().any(|pair| words.contains(pair));
                assert!(!doubled && (sum == 0 || !words.contains("零元")), "{words}");
            }
        }
    }
}
