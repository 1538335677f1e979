//! How many decimals prices have, and the exact middle of two of them.

use barhive_engine::{
    math::{pow_factor, to_scaled},
    money::SCALE_MAX,
};

/// Scaled prices stay below this, so that they round exactly and sums have room.
const SCALED_MAX: f64 = 2_251_799_813_685_248.0;

/// Finds the least number of decimals that all prices of a series have.
#[derive(Clone, Debug)]
pub(crate) struct ScaleWatch {
    scale: u8,
    factor: f64,
    declared: bool,
    on_scale: bool,
    price_max: f64,
    /// Prices with more decimals than a declared scale has.
    pub beyond: u64,
}

impl ScaleWatch {
    /// Watches prices; a declared scale does not grow, it is checked.
    pub(crate) fn new(declared: Option<u8>) -> Self {
        let scale = declared.unwrap_or(0).min(SCALE_MAX);
        Self {
            scale,
            factor: pow_factor(scale),
            declared: declared.is_some(),
            on_scale: true,
            price_max: 0.0,
            beyond: 0,
        }
    }

    /// Looks at the prices of a sound bar.
    #[inline]
    pub(crate) fn see(&mut self, prices: [f64; 4]) {
        let factor = self.factor;
        let fits = |price: f64| {
            let scaled = to_scaled(price, factor);
            (scaled / factor == price) & (scaled < SCALED_MAX)
        };
        // The high bounds the other three.
        self.price_max = if prices[1] > self.price_max { prices[1] } else { self.price_max };
        if !(fits(prices[0]) & fits(prices[1]) & fits(prices[2]) & fits(prices[3])) {
            self.grow(prices);
        }
    }

    #[cold]
    fn grow(&mut self, prices: [f64; 4]) {
        for price in prices {
            if self.declared {
                let fits = on_scale(price, self.factor);
                self.beyond += u64::from(!fits);
                self.on_scale &= fits;
                continue;
            }
            if !self.on_scale {
                return;
            }
            match (self.scale..=SCALE_MAX).find(|scale| on_scale(price, pow_factor(*scale))) {
                Some(scale) => (self.scale, self.factor) = (scale, pow_factor(scale)),
                None => self.on_scale = false,
            }
        }
    }

    /// Whether every price seen is a decimal on [`Self::scale`].
    pub(crate) fn on_scale(&self) -> bool {
        self.on_scale && self.price_max * self.factor < SCALED_MAX
    }

    /// The scale: the declared one, or the least that fits all prices, or, where none does, the finest
    /// that leaves room for the highest price.
    pub(crate) fn scale(&self) -> u8 {
        if self.declared || self.on_scale() {
            return self.scale;
        }
        let fits = |scale: &u8| self.price_max * pow_factor(*scale) < SCALED_MAX;
        (0..=SCALE_MAX).rev().find(fits).unwrap_or(0)
    }
}

fn on_scale(price: f64, factor: f64) -> bool {
    let scaled = to_scaled(price, factor);
    scaled / factor == price && scaled < SCALED_MAX
}

/// Middles of bid and ask, exact where both are decimals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Middle {
    /// Decimals that both sides had so far.
    scale: u8,
}

impl Middle {
    /// The double nearest to the middle of two prices: of the decimals that they stand for where they
    /// are some, and else of themselves.
    #[inline]
    pub(crate) fn of(&mut self, bid: f64, ask: f64) -> f64 {
        for scale in self.scale..SCALE_MAX {
            let factor = pow_factor(scale);
            if on_scale(bid, factor) && on_scale(ask, factor) {
                self.scale = scale;
                // Half of an integer is that integer times five, one decimal further.
                let sum = (to_scaled(bid, factor) + to_scaled(ask, factor)) * 5.0;
                return sum / pow_factor(scale + 1);
            }
        }
        bid / 2.0 + ask / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn watch(prices: &[f64]) -> ScaleWatch {
        let mut watch = ScaleWatch::new(None);
        for price in prices {
            watch.see([*price; 4]);
        }
        watch
    }

    #[test]
    fn the_scale_is_the_most_decimals_seen() {
        for (prices, scale) in
            [(&[1.0, 100.0][..], 0), (&[17.24, 18.5], 2), (&[2.853e-5, 0.5], 8), (&[1e-12], 12)]
        {
            let watch = watch(prices);
            assert_eq!((watch.scale(), watch.on_scale()), (scale, true), "{prices:?}");
        }
    }

    #[test]
    fn prices_of_no_decimal_scale_are_told() {
        let noise = watch(&[14.5500004291534, 0.145_500_004_291_534_42]);
        assert!(!noise.on_scale());
        assert_eq!(noise.scale(), 12);
        let wide = watch(&[1e-9, 1e9]);
        assert!(!wide.on_scale(), "no 64-bit double holds both on one scale");
        assert_eq!(wide.scale(), 6);
    }

    #[test]
    fn a_declared_scale_is_checked_and_kept() {
        let mut watch = ScaleWatch::new(Some(2));
        watch.see([1.25, 1.25, 1.25, 1.255]);
        assert_eq!((watch.scale(), watch.on_scale(), watch.beyond), (2, false, 1));
    }

    proptest! {
        #[test]
        fn the_middle_of_decimals_is_the_nearest_double(
            bid in 1i64..1_000_000_000, ask in 1i64..1_000_000_000, scale in 0u8..9,
        ) {
            let price = |units: i64| units as f64 / pow_factor(scale);
            let middle = Middle::default().of(price(bid), price(ask));
            let units = i128::from(bid + ask) * 5;
            let text = barhive_engine::money::format_decimal(units, scale + 1);
            prop_assert_eq!(middle, text.parse::<f64>().unwrap());
        }
    }
}
