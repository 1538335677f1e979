//! The list of built-in indicators, and what their definitions share.

use super::{
    IndicatorDef, ParamDef, ParamKind, Params, bands, deviation, donchian, extremes, macd, momentum,
    moving_average, rsi, true_range,
};

/// The longest window: bounds what one indicator can allocate (a few megabytes).
pub const PERIOD_MAX: i64 = 100_000;

/// All built-in indicators, by family.
pub fn builtin() -> Vec<IndicatorDef> {
    vec![
        moving_average::sma(),
        moving_average::ema(),
        macd::macd(),
        rsi::rsi(),
        momentum::mom(),
        momentum::roc(),
        bands::bbands(),
        deviation::stddev(),
        deviation::zscore(),
        true_range::tr(),
        true_range::atr(),
        extremes::highest(),
        extremes::lowest(),
        donchian::donchian(),
    ]
}

/// The usual parameter: a number of rows, at least `min`.
pub(super) fn rows(name: &'static str, min: i64, default: i64, doc: &'static str) -> ParamDef {
    ParamDef { name, kind: ParamKind::Int { min, max: PERIOD_MAX, default }, doc }
}

/// For indicators whose ranges say everything.
pub(super) fn unchecked(_: &Params) -> Result<(), String> {
    Ok(())
}
