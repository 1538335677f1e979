//! Prices and volumes of one side of a row: what is wrong with them, and how they are mended.

use super::fault::{Fault, FaultSet};
use crate::rows::Side;

/// The least that a price may be.
pub(crate) const PRICE_MIN: f64 = 1e-12;
/// The most that a price or volume may be.
pub(crate) const VALUE_MAX: f64 = 1e15;

/// Whether nothing is wrong with the values. NaN fails every comparison.
#[inline]
#[allow(clippy::manual_range_contains, reason = "a range would branch")]
pub(crate) fn sound(side: &Side) -> bool {
    let Side { open, high, low, close, volume } = *side;
    // `&`, not `&&`: all of it is almost always true, and without branches it costs next to nothing.
    (PRICE_MIN <= low)
        & (low <= open)
        & (low <= close)
        & (open <= high)
        & (close <= high)
        & (high <= VALUE_MAX)
        & ((volume == 0.0) | ((PRICE_MIN <= volume) & (volume <= VALUE_MAX)))
}

/// Adds everything that is wrong with the values.
#[cold]
pub(crate) fn find(side: &Side, faults: &mut FaultSet) {
    for value in side.prices().into_iter().chain([side.volume]) {
        if value.is_nan() {
            faults.add(Fault::Nan);
        } else if value.is_infinite() {
            faults.add(Fault::Infinite);
        } else if value.abs() > VALUE_MAX {
            faults.add(Fault::TooLarge);
        } else if value != 0.0 && value.abs() < PRICE_MIN {
            faults.add(Fault::TooSmall);
        }
    }
    // An infinity has its own class, whatever its sign.
    if side.prices().iter().any(|price| price.is_finite() && *price <= 0.0) {
        faults.add(Fault::NonPositive);
    }
    if side.volume.is_finite() && side.volume < 0.0 {
        faults.add(Fault::NegativeVolume);
    }
    if side.high < side.low {
        faults.add(Fault::HighBelowLow);
    } else if side.prices().iter().all(|price| price.is_finite())
        && [side.open, side.close].iter().any(|price| *price < side.low || *price > side.high)
    {
        faults.add(Fault::OutsideRange);
    }
}

/// Mends the values as [`Fault::repair`] says. `last_close` is the close of the bar before, where there is
/// one; `false` when it cannot be done without one.
pub(crate) fn mend(side: &mut Side, last_close: Option<f64>) -> bool {
    let usable = |price: f64| (PRICE_MIN..=VALUE_MAX).contains(&price);
    if !side.prices().into_iter().all(usable) {
        let Some(close) = last_close else { return false };
        *side = Side::flat(close);
        return true;
    }
    if side.high < side.low {
        std::mem::swap(&mut side.high, &mut side.low);
    }
    side.high = side.high.max(side.open).max(side.close);
    side.low = side.low.min(side.open).min(side.close);
    if !(side.volume == 0.0 || usable(side.volume)) {
        side.volume = 0.0;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: Side = Side { open: 10.0, high: 12.0, low: 9.0, close: 11.0, volume: 5.0 };

    fn faults(side: Side) -> Vec<Fault> {
        let mut set = FaultSet::default();
        find(&side, &mut set);
        assert_eq!(set.is_empty(), sound(&side), "the quick answer and the full one agree: {side:?}");
        set.iter().collect()
    }

    #[test]
    fn each_class_is_told_from_the_others() {
        assert_eq!(faults(GOOD), []);
        assert_eq!(faults(Side { volume: 0.0, ..GOOD }), []);
        assert_eq!(faults(Side { open: f64::NAN, ..GOOD }), [Fault::Nan]);
        assert_eq!(faults(Side { high: f64::INFINITY, ..GOOD }), [Fault::Infinite]);
        assert_eq!(faults(Side { low: 0.0, ..GOOD }), [Fault::NonPositive]);
        assert_eq!(faults(Side { low: -1.0, ..GOOD }), [Fault::NonPositive]);
        assert_eq!(faults(Side { high: 1e308, ..GOOD }), [Fault::TooLarge]);
        assert_eq!(faults(Side { low: 5e-324, ..GOOD }), [Fault::TooSmall]);
        assert_eq!(faults(Side { high: 8.0, ..GOOD }), [Fault::HighBelowLow]);
        assert_eq!(faults(Side { close: 12.5, ..GOOD }), [Fault::OutsideRange]);
        assert_eq!(faults(Side { volume: -1.0, ..GOOD }), [Fault::NegativeVolume]);
        assert_eq!(faults(Side { volume: f64::NAN, ..GOOD }), [Fault::Nan]);
        assert_eq!(faults(Side { volume: f64::NEG_INFINITY, ..GOOD }), [Fault::Infinite]);
    }

    #[test]
    fn repairs_are_those_that_are_documented() {
        let mended = |mut side: Side| mend(&mut side, Some(7.0)).then_some(side).unwrap();
        assert_eq!(mended(Side { open: f64::NAN, ..GOOD }), Side::flat(7.0));
        assert_eq!(mended(Side { high: 9.0, low: 12.0, ..GOOD }), GOOD);
        assert_eq!(mended(Side { close: 12.5, ..GOOD }), Side { close: 12.5, high: 12.5, ..GOOD });
        assert_eq!(mended(Side { volume: -1.0, ..GOOD }), Side { volume: 0.0, ..GOOD });
        assert!(!mend(&mut Side { low: 0.0, ..GOOD }, None), "nothing to be flat at");
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![4 => 1.0f64..100.0, 1 => any::<f64>(), 1 => Just(0.0), 1 => Just(1e-12), 1 => Just(1e15)]
    }

    proptest! {
        #[test]
        fn the_quick_answer_agrees_and_what_is_mended_is_sound(
            values in [value(), value(), value(), value(), value()],
        ) {
            let [open, high, low, close, volume] = values;
            let side = Side { open, high, low, close, volume };
            let mut set = FaultSet::default();
            find(&side, &mut set);
            prop_assert_eq!(set.is_empty(), sound(&side));
            let mut mended = side;
            prop_assert!(mend(&mut mended, Some(50.0)));
            prop_assert!(sound(&mended));
            if set.is_empty() {
                prop_assert_eq!(mended, side);
            }
        }
    }
}
