//! Instruments and fees.

use barhive_engine::{instrument::Currency, money::Money};
use schemars::JsonSchema;
use serde::Deserialize;

use super::FeesEntry;
use crate::{
    read::Located,
    value::{Decimal, Rate},
};

/// More about one instrument, or about all that a wildcard matches. What is left out stays as the feed
/// describes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Instrument", extend("required" = ["symbol"]))]
pub(crate) struct InstrumentSection {
    /// The symbol, or a wildcard (`"BTC*"`) against the symbols of the feed.
    pub(crate) symbol: Option<Located<String>>,
    /// Where it trades.
    pub(crate) venue: Option<String>,
    /// Decimals of its prices.
    #[schemars(range(max = 12))]
    pub(crate) price_scale: Option<Located<u8>>,
    /// The smallest price step of an order: `0.01`.
    pub(crate) tick: Option<Located<Decimal>>,
    /// The smallest quantity step: `0.001`.
    pub(crate) lot: Option<Located<Decimal>>,
    /// Money per unit of price and quantity: 1 for spot, the contract size for futures.
    #[schemars(range(min = 1))]
    pub(crate) multiplier: Option<Located<u32>>,
    /// The currency of its prices.
    #[schemars(with = "Option<String>")]
    pub(crate) currency: Option<Located<Currency>>,
    /// What a fill costs: the name of a schedule, or `rate`, `fixed` and `minimum`.
    pub(crate) fees: Option<FeesEntry>,
    /// Its sessions: the name of a calendar. `24x7` trades around the clock.
    pub(crate) calendar: Option<Located<String>>,
}

/// What a fill costs: max(rate x notional + fixed, minimum), never rounded to the cent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Fees")]
pub(crate) struct FeesSection {
    /// Share of the notional: `0.1%` or `0.001`. Default: 0.
    pub(crate) rate: Option<Located<Rate>>,
    /// The same in basis points: `10`. Either this or `rate`.
    pub(crate) rate_bps: Option<Located<Decimal>>,
    /// Charged on every fill, in the account's currency. Default: 0.
    pub(crate) fixed: Option<Located<Money>>,
    /// The least that a fill costs, in the account's currency. Default: 0.
    pub(crate) minimum: Option<Located<Money>>,
}
