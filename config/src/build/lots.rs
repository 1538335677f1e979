//! Quantities in units of an instrument, as whole lots.

use barhive_engine::{
    instrument::Instrument,
    money::{format_decimal, pow10},
};

use crate::value::Decimal;

/// A quantity times a factor in whole lots, exactly.
///
/// # Errors
/// When it is not positive or falls between two lots.
pub(super) fn lots(
    quantity: &Decimal,
    factor: Option<&Decimal>,
    instrument: &Instrument,
) -> Result<i64, String> {
    let (units, scale) = quantity.units()?;
    let (factor, factor_scale) = factor.map_or(Ok((1, 0)), Decimal::units)?;
    let too_large = || format!("{quantity} is too large for {}", instrument.symbol);
    let units = units.checked_mul(factor).ok_or_else(too_large)?;
    if units <= 0 {
        return Err(format!(
            "expected a quantity above 0, found {}",
            format_decimal(units, scale + factor_scale)
        ));
    }
    let numerator = units.checked_mul(pow10(instrument.lot_scale)).ok_or_else(too_large)?;
    let lot = i128::from(instrument.lot).checked_mul(pow10(scale + factor_scale)).ok_or_else(too_large)?;
    if lot <= 0 || numerator % lot != 0 {
        return Err(format!(
            "{} is not a whole number of lots: {} trades in lots of {}",
            format_decimal(units, scale + factor_scale),
            instrument.symbol,
            instrument.format_quantity(1)
        ));
    }
    i64::try_from(numerator / lot).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::instrument::Currency;

    #[test]
    fn quantities_are_whole_lots_or_refused() {
        let mut coin = Instrument::new("BTCUSDT", 2, Currency::new("USDT").unwrap());
        (coin.lot, coin.lot_scale) = (25, 3);
        let lots = |text: &str, factor: Option<&str>| {
            super::lots(&text.parse().unwrap(), factor.map(|f| f.parse().unwrap()).as_ref(), &coin)
        };
        assert_eq!(lots("0.5", None), Ok(20));
        assert_eq!(lots("1e1", None), Ok(400));
        assert_eq!(lots("0.5", Some("0.5")), Ok(10));
        assert_eq!(
            lots("0.51", None).unwrap_err(),
            "0.51 is not a whole number of lots: BTCUSDT trades in lots of 0.025"
        );
        assert!(lots("0", None).unwrap_err().contains("above 0"));
        assert!(lots("-1", None).unwrap_err().contains("above 0"));
        assert!(lots("1e25", None).is_err());
    }
}
