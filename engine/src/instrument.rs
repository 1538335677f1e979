//! Instruments: what is traded, at which exact scales, and what trading it costs.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    math::{pow_factor, round_half_even},
    money::{MONEY_SCALE, Money, SCALE_MAX, div_half_even, format_decimal, pow10},
};

/// An instrument's place in its run's list, which is sorted by symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// Its index into the run's instruments.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A currency code such as `USD` or `USDT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// A currency from 1 to 12 upper-case letters or digits.
    ///
    /// # Errors
    /// Says what was found.
    pub fn new(code: &str) -> Result<Self, String> {
        let fits = (1..=12).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if fits {
            Ok(Self(code.to_owned()))
        } else {
            Err(format!("expected a currency code such as USD or USDT, found `{code}`"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Parts of which a rate is made.
const BILLION: u64 = 1_000_000_000;

/// What a fill costs: `max(rate x notional + fixed, minimum)`, never rounded to the cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeSchedule {
    /// Parts per billion of the notional: 0.1 % is 1,000,000.
    pub rate_ppb: i64,
    /// Charged on every fill.
    pub fixed: Money,
    /// The least that a fill costs.
    pub minimum: Money,
}

impl FeeSchedule {
    /// The commission on a fill of `notional` (its sign does not matter), rounded half-even once.
    ///
    /// `None` when the amount leaves `i128`.
    #[inline]
    pub fn commission(&self, notional: Money) -> Option<Money> {
        let magnitude = notional.0.checked_abs()?;
        let rated = match (u64::try_from(magnitude), u64::try_from(self.rate_ppb)) {
            // Almost every fee: whole billions and the rest apart, so that all products fit 64 bits.
            (Ok(magnitude), Ok(rate)) if rate < BILLION => {
                let (billions, rest) = (magnitude / BILLION, magnitude % BILLION);
                let product = rest * rate;
                let (quotient, left) = (product / BILLION, product % BILLION);
                let whole = i128::from(billions) * i128::from(rate) + i128::from(quotient);
                let up = left > BILLION / 2 || (left == BILLION / 2 && whole & 1 == 1);
                whole + i128::from(up)
            }
            _ => div_half_even(magnitude.checked_mul(i128::from(self.rate_ppb))?, i128::from(BILLION)),
        };
        let fee = Money(rated).checked_add(self.fixed)?;
        Some(fee.max(self.minimum))
    }
}

/// An instrument at its venue.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument {
    /// Its symbol, unique in a run: `BTCUSDT`.
    pub symbol: String,
    /// Where it trades; empty when nobody said.
    pub venue: String,
    /// Decimals of its prices, at most [`SCALE_MAX`].
    pub price_scale: u8,
    /// Smallest price step of an order, in units of the price scale; at least 1.
    pub tick: i64,
    /// Decimals of its lot, at most [`SCALE_MAX`].
    pub lot_scale: u8,
    /// Smallest quantity step, in units of the lot scale; quantities count these; at least 1.
    pub lot: i64,
    /// Money per unit of price and quantity: 1 for spot, the contract size for futures.
    pub multiplier: u32,
    /// The currency of its prices.
    pub currency: Currency,
    /// What a fill costs unless an account says otherwise.
    pub fees: FeeSchedule,
    /// Its sessions; `None` trades around the clock.
    pub calendar: Option<Arc<Calendar>>,
}

impl Instrument {
    /// An instrument with prices to `price_scale` decimals, whole units as lots, no fee, around the clock.
    pub fn new(symbol: &str, price_scale: u8, currency: Currency) -> Self {
        Self {
            symbol: symbol.to_owned(),
            venue: String::new(),
            price_scale,
            tick: 1,
            lot_scale: 0,
            lot: 1,
            multiplier: 1,
            currency,
            fees: FeeSchedule::default(),
            calendar: None,
        }
    }

    /// All that is wrong with its numbers, one sentence each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, text: String| {
            if !ok {
                faults.push(format!("instrument {}: {text}", self.symbol));
            }
        };
        check(!self.symbol.is_empty(), "the symbol is empty".into());
        check(
            self.price_scale <= SCALE_MAX,
            format!("price_scale {} is above {SCALE_MAX}", self.price_scale),
        );
        check(self.lot_scale <= SCALE_MAX, format!("lot_scale {} is above {SCALE_MAX}", self.lot_scale));
        check(self.tick >= 1, format!("tick {} is below 1", self.tick));
        check(self.lot >= 1, format!("lot {} is below 1", self.lot));
        check(self.multiplier >= 1, "multiplier is 0".into());
        check(self.fees.rate_ppb >= 0, format!("fee rate {} ppb is negative", self.fees.rate_ppb));
        faults
    }

    /// A price as its decimal text.
    pub fn format_price(&self, price: i64) -> String {
        format_decimal(i128::from(price), self.price_scale)
    }

    /// A quantity of lots as its decimal text.
    pub fn format_quantity(&self, lots: i64) -> String {
        format_decimal(i128::from(lots) * i128::from(self.lot), self.lot_scale)
    }

    /// The scales of this instrument, ready for arithmetic.
    pub fn scales(&self) -> Scales {
        Scales::new(self)
    }
}

/// An instrument's exact arithmetic, with its constants worked out once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    price_factor: f64,
    lot_size: f64,
    multiplier: f64,
    /// Money units (1e-9) of one price unit times one lot, as `notional_mul / notional_div`.
    notional_mul: i128,
    notional_div: i128,
    tick: i64,
}

impl Scales {
    fn new(instrument: &Instrument) -> Self {
        let unit = i128::from(instrument.lot) * i128::from(instrument.multiplier);
        let exponent =
            i16::from(MONEY_SCALE) - i16::from(instrument.price_scale) - i16::from(instrument.lot_scale);
        let power = pow10(exponent.unsigned_abs() as u8);
        let (notional_mul, notional_div) = if exponent >= 0 { (unit * power, 1) } else { (unit, power) };
        Self {
            price_factor: pow_factor(instrument.price_scale),
            lot_size: instrument.lot as f64 / pow_factor(instrument.lot_scale),
            multiplier: f64::from(instrument.multiplier),
            notional_mul,
            notional_div,
            tick: instrument.tick,
        }
    }

    /// The scaled price nearest to a data price, ties to even. `None` when it is not finite or does not fit.
    #[inline]
    pub fn price_from_f64(&self, price: f64) -> Option<i64> {
        let scaled = price * self.price_factor;
        if scaled.abs() < 2_251_799_813_685_248.0 {
            Some(round_half_even(scaled) as i64)
        } else if scaled.abs() < 9.2e18 {
            Some(scaled.round_ties_even() as i64)
        } else {
            None
        }
    }

    /// A scaled price as the nearest double.
    #[inline]
    pub fn price_to_f64(&self, price: i64) -> f64 {
        price as f64 / self.price_factor
    }

    /// A price moved down (`up = false`) or up to the tick.
    pub fn to_tick(&self, price: i64, up: bool) -> i64 {
        let below = price.div_euclid(self.tick) * self.tick;
        if up && below != price { below + self.tick } else { below }
    }

    /// Price x lots x lot size x multiplier in money, rounded half-even once. `None` when it does not fit.
    #[inline]
    pub fn notional(&self, price: i64, lots: i64) -> Option<Money> {
        let product = (i128::from(price) * i128::from(lots)).checked_mul(self.notional_mul)?;
        Some(Money(if self.notional_div == 1 { product } else { div_half_even(product, self.notional_div) }))
    }

    /// Money of one price unit times one lot, where that is a whole number of 64 bits.
    pub(crate) fn unit_i64(&self) -> Option<i64> {
        (self.notional_div == 1).then_some(self.notional_mul).and_then(|unit| i64::try_from(unit).ok())
    }

    /// A quantity of lots in the instrument's own units, times the multiplier: what equity multiplies a price by.
    #[inline]
    pub fn exposure(&self, lots: i64) -> f64 {
        lots as f64 * self.lot_size * self.multiplier
    }

    /// A quantity of lots in the instrument's own units.
    #[inline]
    pub fn quantity_f64(&self, lots: i64) -> f64 {
        lots as f64 * self.lot_size
    }

    /// The largest whole number of lots in `quantity` units; 0 for what is not a positive number.
    pub fn lots_within(&self, quantity: f64) -> i64 {
        let lots = quantity / self.lot_size;
        if (1.0..9.0e18).contains(&lots) { lots as i64 } else { 0 }
    }

    /// Whole lots that `money` buys at a price, fees not counted.
    pub fn lots_for(&self, money: f64, price: f64) -> i64 {
        self.lots_within(money / (price * self.exposure(1) / self.quantity_f64(1)))
    }

    /// The largest number of lots whose notional and cost (a function of the notional) `budget` pays at
    /// `price`.
    ///
    /// Exact: the estimate is corrected against the ledger's own arithmetic.
    pub fn lots_affordable(&self, budget: Money, price: i64, cost: impl Fn(Money) -> Option<Money>) -> i64 {
        let costs = |lots: i64| -> Option<Money> {
            let notional = self.notional(price, lots)?;
            notional.checked_add(cost(notional)?)
        };
        let fits = |lots: i64| costs(lots).is_some_and(|cost| cost <= budget);
        if price <= 0 || budget <= Money::ZERO || !fits(1) {
            return 0;
        }
        let (mut fitting, mut too_many) = (1i64, 2i64);
        while fits(too_many) {
            fitting = too_many;
            match too_many.checked_mul(2) {
                Some(next) => too_many = next,
                None => return fitting,
            }
        }
        while too_many - fitting > 1 {
            let middle = fitting + (too_many - fitting) / 2;
            if fits(middle) { fitting = middle } else { too_many = middle }
        }
        fitting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instrument() -> Instrument {
        Instrument::new("X", 6, Currency::new("USD").unwrap())
    }

    #[test]
    fn a_notional_is_exact_and_a_fee_is_never_rounded_to_the_cent() {
        let scales = instrument().scales();
        let notional = scales.notional(100_123_457, -2).unwrap();
        assert_eq!(notional.to_string(), "-200.246914");
        let fees = FeeSchedule { rate_ppb: 1_000_000, ..FeeSchedule::default() };
        assert_eq!(fees.commission(notional).unwrap().to_string(), "0.200246914");
    }

    #[test]
    fn a_minimum_fee_is_a_floor_and_a_fixed_fee_is_added() {
        let fees =
            FeeSchedule { rate_ppb: 1_000_000, fixed: Money::from_units(1), minimum: Money::from_units(3) };
        assert_eq!(fees.commission(Money::from_units(1000)), Some(Money::from_units(3)));
        assert_eq!(fees.commission(Money::from_units(5000)), Some(Money::from_units(6)));
    }

    #[test]
    fn affordable_lots_are_the_largest_that_the_budget_pays() {
        let scales = Instrument::new("X", 2, Currency::new("USD").unwrap()).scales();
        let fees = FeeSchedule { rate_ppb: 2_000_000, ..FeeSchedule::default() };
        // floor(10000 / (169.02 * 1.002)) = 59
        assert_eq!(
            scales.lots_affordable(Money::from_units(10_000), 16_902, |notional| fees.commission(notional)),
            59
        );
        assert_eq!(
            scales.lots_affordable(Money::from_units(1), 16_902, |notional| fees.commission(notional)),
            0
        );
        assert_eq!(scales.lots_affordable(Money::ZERO, 16_902, |notional| fees.commission(notional)), 0);
    }

    #[test]
    fn ticks_round_towards_the_asked_side() {
        let scales = Instrument { tick: 25, ..instrument() }.scales();
        assert_eq!((scales.to_tick(101, false), scales.to_tick(101, true)), (100, 125));
        assert_eq!((scales.to_tick(100, false), scales.to_tick(100, true)), (100, 100));
        assert_eq!(scales.to_tick(-1, false), -25);
    }
}
