//! The root of a set, its feed and what holds for all of its accounts.

use barhive_engine::calendar::Calendar;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    AccountSection, BusSection, EngineSection, FeesEntry, InstrumentEntry, Origin, Params, ReportSection,
    RiskSection, StrategySection,
};
use crate::{
    read::{Captured, Located},
    value::Stamp,
};

/// A strategy set: a feed, instruments, accounts and the strategies that trade on them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Set", extend("required" = ["feed", "strategies"]))]
pub(crate) struct SetSection {
    /// The set's name in reports and of its results. Default: the name of the file.
    pub(crate) name: Option<Located<String>>,
    /// Where the data come from.
    pub(crate) feed: Option<Captured<FeedSection>>,
    /// What is traded: symbols, wildcards (`"BTC*"`), or mappings that say more about one or several of
    /// them. Default: everything that the feed offers.
    pub(crate) instruments: Option<Captured<Vec<InstrumentEntry>>>,
    /// The account, or the account of each strategy.
    pub(crate) account: Option<Captured<AccountSection>>,
    /// Several named accounts, in place of `account`.
    pub(crate) accounts: Option<Captured<Vec<AccountSection>>>,
    /// Risk settings: every account is run once with each of them.
    pub(crate) risk: Option<Captured<Vec<RiskSection>>>,
    /// The strategies, in the order in which they decide within a step.
    pub(crate) strategies: Option<Captured<Vec<StrategySection>>>,
    /// What fills cost, in place of what the feed says: the name of a schedule, or `rate`, `fixed` and
    /// `minimum`. An instrument's or account's own `fees` come first.
    pub(crate) fees: Option<FeesEntry>,
    /// How orders meet prices.
    pub(crate) fill: Option<Captured<FillSection>>,
    /// Only steps from this time on (UTC).
    pub(crate) from: Option<Located<Stamp>>,
    /// Only steps up to this time (UTC).
    pub(crate) to: Option<Located<Stamp>>,
    /// Only so many of the first bars of every series.
    #[schemars(range(min = 1))]
    pub(crate) bars: Option<Located<u64>>,
    /// How much is recorded. Default: `normal`.
    pub(crate) trace: Option<TraceSection>,
    /// How long records are kept in memory; statistics and drawdown are exact at every level.
    /// Default: `full`.
    pub(crate) retention: Option<Captured<RetentionSection>>,
    /// The root of all randomness. Default: 0.
    pub(crate) seed: Option<u64>,
    /// Calendars of your own, to be named by instruments.
    pub(crate) calendars: Option<Captured<Vec<Calendar>>>,
    /// Sizes of the machinery; none of them changes a result.
    pub(crate) engine: Option<Captured<EngineSection>>,
    /// The event bus: another place for `engine.batch_rows`.
    pub(crate) bus: Option<Captured<BusSection>>,
    /// What the report holds and where it goes.
    pub(crate) report: Option<Captured<ReportSection>>,
    /// Where the set came from, written by `barhive sweep` and `barhive runs rerun`.
    pub(crate) origin: Option<Captured<Origin>>,
}

/// A registered feed with its parameters.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Feed", extend("required" = ["kind"]))]
pub(crate) struct FeedSection {
    /// The registered kind of feed, such as `catalog`, `csv` or `synthetic`.
    pub(crate) kind: Option<Located<String>>,
    /// The feed's parameters. Paths are relative to the folder of the configuration file.
    pub(crate) params: Option<Captured<Params>>,
}

/// How orders meet prices.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Fill")]
pub(crate) struct FillSection {
    /// When market orders fill. Default: `next_open`.
    pub(crate) market: Option<MarketSection>,
    /// Slippage against the trader on market and stop orders, in basis points of the price. Default: 0.
    #[schemars(range(min = 0, max = 10_000))]
    pub(crate) slippage_bps: Option<Located<f64>>,
    /// Closes what is still open at the open of the last bar. Default: false.
    pub(crate) close_at_end: Option<bool>,
}

/// When market orders fill.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MarketFill")]
pub(crate) enum MarketSection {
    /// At the open of the first bar that opens at or after the decision.
    NextOpen,
    /// At the close of the bar that decided: a price that is gone when the decision is made.
    DecidingClose,
}

/// How much is recorded.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Trace")]
pub(crate) enum TraceSection {
    /// Statistics only.
    Minimal,
    /// Fills and round trips too.
    Normal,
    /// Every order transition too.
    Full,
}

/// How long records are kept in memory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Retention")]
pub(crate) enum RetentionSection {
    /// Nothing.
    Minimal,
    /// Closed round trips only.
    TradeComplete,
    /// The newest so many records of each kind: `{sliding_window: 1000}`.
    SlidingWindow(Located<u64>),
    /// Everything.
    Full,
}
