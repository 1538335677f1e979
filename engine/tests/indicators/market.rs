//! Bars to compute on: random walks in whole units, with jumps and flat stretches.

use barhive_engine::indicator::Input;
use proptest::prelude::*;

/// Bars as plain columns.
#[derive(Clone, Debug, Default)]
pub struct Market {
    pub factor: Option<f64>,
    pub open: Vec<f64>,
    pub high: Vec<f64>,
    pub low: Vec<f64>,
    pub close: Vec<f64>,
    pub volume: Vec<f64>,
}

impl Market {
    pub fn len(&self) -> usize {
        self.close.len()
    }

    /// Rows `from..to` as a kernel gets them, reading the close.
    pub fn input(&self, from: usize, to: usize) -> Input<'_> {
        Input {
            x: &self.close[from..to],
            x_factor: self.factor,
            open: &self.open[from..to],
            high: &self.high[from..to],
            low: &self.low[from..to],
            close: &self.close[from..to],
            volume: &self.volume[from..to],
            price_factor: self.factor,
        }
    }

    /// Bars whose closes are `units / factor`.
    pub fn from_units(units: &[i64], factor: f64) -> Self {
        let mut market = Self { factor: Some(factor), ..Self::default() };
        let mut last = units.first().copied().unwrap_or_default();
        for (row, close) in units.iter().enumerate() {
            let (reach, open) = (row as i64 % 3, last);
            let price = |units: i64| units as f64 / factor;
            market.open.push(price(open));
            market.high.push(price(open.max(*close) + reach));
            market.low.push(price(open.min(*close) - reach));
            market.close.push(price(*close));
            market.volume.push((row % 5) as f64);
            last = *close;
        }
        market
    }

    /// The same bars with every price times `by`.
    pub fn times(&self, by: f64, factor: Option<f64>) -> Self {
        let scale = |column: &[f64]| column.iter().map(|price| price * by).collect();
        Self {
            factor,
            open: scale(&self.open),
            high: scale(&self.high),
            low: scale(&self.low),
            close: scale(&self.close),
            volume: self.volume.clone(),
        }
    }
}

/// Walks of `rows` bars, in units of a random size at a random offset, with or without a known factor.
pub fn markets(rows: std::ops::Range<usize>) -> impl Strategy<Value = Market> {
    let step = prop_oneof![
        6 => -20i64..=20,
        2 => Just(0),
        1 => -2_000i64..=2_000,
    ];
    let offsets = prop_oneof![Just(3_000i64), Just(5_000_000), Just(4_000_000_000_000)];
    (prop::collection::vec(step, rows), offsets, 0u32..=9, any::<bool>()).prop_map(
        |(steps, offset, decimals, known)| {
            let mut units = offset;
            let walk: Vec<i64> = steps
                .into_iter()
                .map(|step| {
                    units = (units + step).max(1_000);
                    units
                })
                .collect();
            let mut market = Market::from_units(&walk, 10f64.powi(decimals as i32));
            market.factor = market.factor.filter(|_| known);
            market
        },
    )
}
