//! A strategy set as the engine runs it: typed, checked, free of where it was written down.

use std::sync::Arc;

use crate::{
    data::Source,
    instrument::{Currency, FeeSchedule, Instrument, InstrumentId},
    money::Money,
    registry::StrategyFactory,
    simd::Simd,
    strategy::Sizing,
    timeframe::Timeframe,
};

/// One strategy of a container.
#[derive(Clone)]
pub struct StrategySpec {
    /// Its name in reports, unique in its container.
    pub id: String,
    /// Its registered kind.
    pub kind: String,
    /// Builds it.
    pub factory: Arc<dyn StrategyFactory>,
    /// What it trades, in the set's order.
    pub instruments: Vec<InstrumentId>,
    /// The timeframe that it works on unless it asks for another.
    pub timeframe: Timeframe,
    /// How large its positions are.
    pub sizing: Sizing,
    /// What bounds it.
    pub limits: Limits,
}

/// Bounds on what may be ordered. `None` bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Most lots that the strategy may hold of one instrument, long or short.
    pub position_lots_max: Option<i64>,
    /// Most lots of one order.
    pub order_lots_max: Option<i64>,
    /// Most money in one order, at the deciding close.
    pub order_notional_max: Option<f64>,
}

/// When market orders fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarketFill {
    /// At the open of the first bar that opens at or after the decision.
    #[default]
    NextOpen,
    /// At the close of the bar that decided: looks at a price that is gone, so it must be asked for.
    DecidingClose,
}

/// How orders meet prices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FillSpec {
    /// When market orders fill.
    pub market: MarketFill,
    /// Slippage against the trader on market and stop orders, in basis points of the price.
    pub slippage_bps: f64,
    /// Closes what is still open when the run ends, at the open of the last bar: looks at a price that is
    /// gone, so it must be asked for. Orders that still rest are taken back.
    pub close_at_end: bool,
}

/// How much a container records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trace {
    /// Statistics only.
    Minimal,
    /// Fills and round trips too.
    #[default]
    Normal,
    /// Every order transition too.
    Full,
}

/// How long records are kept in memory; statistics and drawdown are exact at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// Nothing.
    Minimal,
    /// Closed round trips only.
    TradeComplete,
    /// The newest so many records of each kind.
    SlidingWindow(usize),
    /// Everything.
    #[default]
    Full,
}

/// One account with the strategies that trade on it.
#[derive(Clone)]
pub struct ContainerSpec {
    /// Its name, unique in the set.
    pub name: String,
    /// What it starts with.
    pub cash: Money,
    /// Its currency.
    pub currency: Currency,
    /// Book value of all positions may be up to so many times the account's book equity.
    pub leverage_max: u32,
    /// Stops trading (and closes everything) when drawdown reaches this fraction.
    pub drawdown_max: Option<f64>,
    /// Its strategies, in the set's order.
    pub strategies: Vec<StrategySpec>,
    /// Fees in place of the instruments' own.
    pub fees: Option<FeeSchedule>,
    /// How its orders meet prices.
    pub fill: FillSpec,
    /// Only steps from this time on.
    pub from_ns: Option<i64>,
    /// Only steps up to this time.
    pub to_ns: Option<i64>,
    /// How much it records.
    pub trace: Trace,
    /// How long records are kept.
    pub retention: Retention,
    /// The most memory that it may hold in bytes, as [`Container::memory_bytes`] counts it.
    ///
    /// [`Container::memory_bytes`]: crate::container::Container::memory_bytes
    pub memory_max_bytes: u64,
    /// Root of its randomness.
    pub seed: u64,
}

impl ContainerSpec {
    /// What a container may hold, unless somebody says otherwise: a gigabyte.
    pub const MEMORY_MAX_BYTES: u64 = 1_000_000_000;

    /// An account of this name without a strategy: no leverage, no bound on drawdown, the instruments' own
    /// fees, every step, records as usual.
    pub fn new(name: impl Into<String>, cash: Money, currency: Currency) -> Self {
        Self {
            name: name.into(),
            cash,
            currency,
            leverage_max: 1,
            drawdown_max: None,
            strategies: Vec::new(),
            fees: None,
            fill: FillSpec::default(),
            from_ns: None,
            to_ns: None,
            trace: Trace::default(),
            retention: Retention::default(),
            memory_max_bytes: Self::MEMORY_MAX_BYTES,
            seed: 0,
        }
    }
}

/// How the parts are placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Containers step inline on their shard.
    #[default]
    Fused,
    /// Strategy and execution are actors of their own.
    Actors,
}

/// Sizes of the machinery; none of them changes a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machinery {
    /// Rows per batch.
    pub batch_rows: usize,
    /// Frames that may wait in a subscriber's queue.
    pub queue_frames: usize,
    /// Whether frames that everybody has let go of are used again.
    pub frame_pool: bool,
    /// Shards; 0 takes as many as cores are allowed.
    pub shards: usize,
    /// Where strategy and execution run.
    pub placement: Placement,
    /// Bytes of indicator columns that the hub keeps beyond those in use.
    pub hub_cache_bytes: usize,
    /// Entries that the hub keeps beyond those in use.
    pub hub_cache_entries: usize,
    /// How often what a run uses is sampled, in milliseconds.
    pub monitor_interval_ms: u64,
    /// Which vector instructions are used.
    pub simd: Simd,
    /// Whether variants of a sweep run as lanes where they can.
    pub lanes: bool,
}

impl Default for Machinery {
    fn default() -> Self {
        Self {
            batch_rows: 1024,
            queue_frames: 4,
            frame_pool: true,
            shards: 0,
            placement: Placement::Fused,
            hub_cache_bytes: 1 << 20,
            hub_cache_entries: 10_000,
            monitor_interval_ms: 250,
            simd: Simd::default(),
            lanes: true,
        }
    }
}

/// Everything that a run needs.
#[derive(Clone)]
pub struct RunSpec {
    /// Its name.
    pub name: String,
    /// The instruments, sorted by symbol; [`InstrumentId`] indexes this list.
    pub instruments: Vec<Instrument>,
    /// Where the data come from.
    pub source: Arc<dyn Source>,
    /// The containers, in the set's order.
    pub containers: Vec<ContainerSpec>,
    /// Only so many of the first bars of every series.
    pub bars_max: Option<u64>,
    /// Sizes of the machinery.
    pub machinery: Machinery,
}
