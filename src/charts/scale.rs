//! Where a value stands on an axis, and the ticks of the axis.
//!
//! **Invariant:** a larger value never stands lower; ticks are exact decimals.

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

/// Values beyond this, a million million million, stand at the end of an axis.
const BEYOND: Decimal = Decimal::from_parts(0xA764_0000, 0x0DE0_B6B3, 0, false, 0);

/// A straight axis from a lowest to a highest value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: Decimal,
    high: Decimal,
    step: Decimal,
    from: i64,
    to: i64,
}

impl Scale {
    /// An axis over these values, from one place to another, that begins and ends with a tick.
    pub fn over(values: impl Iterator<Item = Decimal>, ticks_max: u32, places: (i64, i64)) -> Self {
        let (mut low, mut high): (Option<Decimal>, Option<Decimal>) = (None, None);
        for value in values.map(|value| value.clamp(-BEYOND, BEYOND)) {
            low = Some(low.map_or(value, |low| low.min(value)));
            high = Some(high.map_or(value, |high| high.max(value)));
        }
        let low = low.unwrap_or(Decimal::ZERO);
        let high = high.filter(|high| low < *high).unwrap_or(low + Decimal::ONE);
        let step = step(high - low, ticks_max);
        let low = (low / step).floor() * step;
        let high = (high / step).ceil() * step;
        Self { low, high, step, from: places.0, to: places.1 }
    }

    /// The same axis at other places.
    pub fn placed(self, (from, to): (i64, i64)) -> Self {
        Self { from, to, ..self }
    }

    /// Where a value stands.
    pub fn at(&self, value: Decimal) -> i64 {
        let value = value.clamp(self.low, self.high);
        let share = (value - self.low) / (self.high - self.low);
        let along = share * Decimal::from(self.to - self.from);
        let along = along.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        self.from + along.to_i64().unwrap_or(0)
    }

    /// The ticks, lowest first.
    pub fn ticks(&self) -> Vec<Decimal> {
        let mut ticks = vec![self.low];
        while let Some(last) = ticks.last().copied()
            && last < self.high
            && ticks.len() < 100
        {
            ticks.push(last + self.step);
        }
        ticks
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that makes at most so many ticks.
fn step(range: Decimal, ticks_max: u32) -> Decimal {
    let least = Decimal::new(1, 6);
    let wanted = (range / Decimal::from(ticks_max.max(1))).max(least);
    let mut power = least;
    while power * Decimal::TEN <= wanted {
        power *= Decimal::TEN;
    }
    let found = [1, 2, 5].into_iter().map(|times| power * Decimal::from(times));
    found.into_iter().find(|step| wanted <= *step).unwrap_or(power * Decimal::TEN).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimals(texts: &[&str]) -> Vec<Decimal> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn ticks(texts: &[&str]) -> Vec<String> {
        let scale = Scale::over(decimals(texts).into_iter(), 5, (1000, 0));
        scale.ticks().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        assert_eq!(ticks(&["-0.7", "8.3"]), ["-2", "0", "2", "4", "6", "8", "10"]);
        assert_eq!(ticks(&["0", "0.3"]), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(ticks(&[]), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(&["5", "5"]).len(), 6);
    }

    #[test]
    fn below_at_and_above_stand_in_this_order() {
        let scale = Scale::over(decimals(&["0", "10"]).into_iter(), 5, (3000, 0));
        let places: Vec<_> =
            decimals(&["3.4", "3.5", "3.6"]).into_iter().map(|value| scale.at(value)).collect();
        assert_eq!(places, [1980, 1950, 1920]);
    }

    #[test]
    fn the_largest_decimals_stand_at_the_ends() {
        let scale = Scale::over([Decimal::MIN, Decimal::MAX].into_iter(), 5, (3000, 0));
        assert_eq!((scale.at(Decimal::MAX), scale.at(Decimal::MIN)), (0, 3000));
        assert!(scale.ticks().len() < 20);
    }
}
