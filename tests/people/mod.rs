//! Persons who do not exist.

/// A made-up number for a count below 300,000.
pub fn number(count: u32) -> String {
    let (year, day) = (1950 + count / 1000 % 50, 1 + count / 50_000);
    let digits = format!("990101{year}01{day:02}{:03}", count % 1000);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(weights).map(|(one, by)| u32::from(one - b'0') * by).sum();
    format!("{digits}{}", &"10X98765432"[(sum % 11) as usize..][..1])
}
