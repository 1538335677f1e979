//! A registry of small parts for tests of the configuration.

#![allow(dead_code, reason = "every test file uses its own share of the kit")]

use barhive_config::Secret;
use barhive_engine::{
    Registry,
    data::{Feed, FeedError, SeriesInfo, SeriesKind, SeriesRequest, Source},
    instrument::{Currency, Instrument},
    registry::FeedContext,
    strategy::{Bars, Context, Setup, SetupError, Strategy},
    timeframe::Timeframe,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Two moving averages.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// The faster one.
    pub fast: u32,
    /// The slower one.
    #[serde(default = "slow")]
    pub slow: u32,
    /// Which side.
    #[serde(default)]
    pub side: Side,
}

fn slow() -> u32 {
    30
}

/// Which side is traded.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Long only.
    #[default]
    Long,
    /// Both.
    Both,
}

/// Takes no parameters.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Ranks instruments.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rank {
    /// How many are held.
    pub top: u32,
    /// Weights by symbol.
    #[serde(default)]
    pub weights: std::collections::BTreeMap<String, f64>,
    /// Anything.
    #[serde(default)]
    pub extra: serde_json::Value,
}

struct Idle;

impl Strategy for Idle {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}
}

/// A market of fixed instruments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// How many bars.
    #[serde(default)]
    pub bars: u64,
    /// A key.
    #[serde(default)]
    pub key: Secret,
    /// A file.
    #[serde(default)]
    pub path: String,
}

/// Offers four instruments at one minute.
pub struct FixedSource {
    bars: u64,
    /// What the key was.
    pub key: String,
}

impl Source for FixedSource {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        let usdt = Currency::new("USDT").unwrap();
        let mut btc = Instrument::new("BTCUSDT", 2, usdt.clone());
        (btc.lot, btc.lot_scale) = (1, 3);
        let mut eth = Instrument::new("ETHUSDT", 2, usdt);
        (eth.lot, eth.lot_scale) = (1, 2);
        let spy = Instrument::new("SPY", 2, Currency::new("USD").unwrap());
        let no = Instrument::new("NO", 2, Currency::new("USD").unwrap());
        Ok(vec![btc, eth, no, spy])
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        Ok(vec![SeriesInfo {
            symbol: symbol.to_owned(),
            kind: SeriesKind::BAR,
            timeframe: Timeframe::M1,
            rows: Some(self.bars),
            span_ns: None,
            prices_on_scale: true,
            data_hash: None,
            notes: Vec::new(),
        }])
    }

    fn open(&self, _: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        Err(FeedError::Empty { origin: "fixed".into(), what: "tests never read rows".into() })
    }
}

pub fn registry() -> Registry {
    Registry::empty()
        .strategy("sma_cross", |params: Cross, setup: &mut Setup<'_>| {
            let instrument = setup.instrument();
            setup.bars(instrument);
            if params.fast >= params.slow {
                return Err(SetupError::new(format!(
                    "`fast` must be below `slow`, found {} and {}",
                    params.fast, params.slow
                )));
            }
            Ok(Idle)
        })
        .strategy("buy_and_hold", |_: Nothing, setup: &mut Setup<'_>| {
            let instrument = setup.instrument();
            setup.bars(instrument);
            Ok(Idle)
        })
        .strategy_across("rotation", |_: Rank, setup: &mut Setup<'_>| {
            for instrument in setup.instruments() {
                setup.bars(instrument);
            }
            Ok(Idle)
        })
        .feed("fixed", |params: Market, _: &FeedContext| {
            Ok(FixedSource { bars: params.bars, key: params.key.expose().to_owned() })
        })
        .feed("broken", |_: Nothing, _: &FeedContext| {
            Err::<FixedSource, _>(FeedError::Empty { origin: "data/".into(), what: "nothing here".into() })
        })
}

/// A sound set.
pub const GOOD: &str = "\
name: demo
feed: {kind: fixed, params: {bars: 1000}}
instruments: [BTCUSDT, ETHUSDT]
account: {kind: shared, cash: 100000 USDT}
strategies:
  - {id: trend, kind: sma_cross, params: {fast: 10, slow: 30}, instruments: [BTCUSDT], timeframe: 1m, sizing: {fixed: 1}}
";
