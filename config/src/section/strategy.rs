//! Strategies.

use barhive_engine::timeframe::Timeframe;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Params;
use crate::{
    read::{Captured, Located},
    value::{Decimal, Fraction},
};

/// A registered strategy with its parameters, assigned to instruments and a timeframe.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Strategy", extend("required" = ["id", "kind", "timeframe", "sizing"]))]
pub(crate) struct StrategySection {
    /// Its name in reports, unique in the set. A strategy that looks at one instrument at a time is run
    /// once for each of its instruments, named `id/SYMBOL` where there are several.
    pub(crate) id: Option<Located<String>>,
    /// The registered kind of strategy, such as `sma_cross`.
    pub(crate) kind: Option<Located<String>>,
    /// The strategy's parameters.
    pub(crate) params: Option<Captured<Params>>,
    /// What it trades, by symbol or wildcard. Default: all instruments of the set.
    pub(crate) instruments: Option<Vec<Located<String>>>,
    /// How long its bars last: `1m`. Bars coarser than the data are aggregated.
    pub(crate) timeframe: Option<Located<Timeframe>>,
    /// How large its positions are.
    pub(crate) sizing: Option<Located<SizingSection>>,
    /// What bounds its orders and positions.
    pub(crate) limits: Option<LimitsSection>,
}

/// How large a position is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Sizing")]
pub(crate) enum SizingSection {
    /// A quantity in units of the instrument: `{fixed: 0.5}`.
    Fixed(Located<Decimal>),
    /// As many whole lots as this much money buys at the deciding close: `{notional: 1000}`.
    Notional(Located<Decimal>),
    /// As many whole lots as this fraction of the account's equity buys at the deciding close:
    /// `{equity_fraction: 10%}`.
    EquityFraction(Located<Fraction>),
    /// Everything that the account's buying power pays for at the price of the fill.
    AllIn,
}

/// Bounds on orders and positions.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Limits")]
pub(crate) struct LimitsSection {
    /// The most that it may hold of one instrument, long or short, in units of the instrument.
    pub(crate) max_position: Option<Located<Decimal>>,
    /// The most of one order, in units of the instrument.
    pub(crate) max_order: Option<Located<Decimal>>,
    /// The most money in one order, at the deciding close.
    pub(crate) max_notional: Option<Located<Decimal>>,
}
