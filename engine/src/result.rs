//! What a run answers: plain values, ready for any report.

use serde::{Deserialize, Serialize};

use crate::{instrument::Currency, money::Money};

/// The outcome of a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunResult {
    /// BLAKE3 over the results of all accounts, in configuration order, in hexadecimal.
    pub result_hash: String,
    /// One per container, in configuration order; quarantined ones are left out.
    pub accounts: Vec<AccountResult>,
    /// Containers that failed for good, left out of the hash by name.
    pub quarantined: Vec<Quarantine>,
    /// Parts that were restarted, and why.
    pub restarts: Vec<Restart>,
    /// The series that were read.
    pub series: Vec<SeriesUse>,
    /// Proof that each indicator was computed once.
    pub hub: HubCounters,
    /// What went over the bus, by topic.
    pub bus: Vec<TopicCounters>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
    /// Distinct close times that were stepped through, over all containers' series.
    pub steps: u64,
    /// First and last close time, UTC nanoseconds.
    pub span_ns: Option<(i64, i64)>,
}

/// The outcome of one account.
#[derive(Clone, Debug, Serialize)]
pub struct AccountResult {
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// What it started with.
    pub start_cash: Money,
    /// Cash plus open positions at the last close, exact.
    pub final_equity: Money,
    /// Cash at the end.
    pub cash: Money,
    /// Commission paid.
    pub fees: Money,
    /// Orders submitted.
    pub orders: u64,
    /// Orders rejected, by cause.
    pub rejected: Vec<(String, u64)>,
    /// Fills.
    pub fills: u64,
    /// Round trips closed.
    pub trades: u64,
    /// Digest over equity, cash and positions at every step, in hexadecimal.
    pub digest: String,
    /// The digest as it is kept in sweeps.
    #[serde(skip)]
    pub digest_bytes: [u8; 16],
    /// BLAKE3 over the canonical records and the digest, in hexadecimal.
    pub hash: String,
    /// Its statistics.
    pub statistics: Statistics,
    /// One per strategy, in configuration order.
    pub strategies: Vec<StrategyResult>,
    /// Positions still open.
    pub open_positions: Vec<OpenPosition>,
    /// When trading was stopped by the drawdown limit, UTC nanoseconds.
    pub halted_ts_ns: Option<i64>,
}

/// Statistics of an account. Ratios are fractions; `None` where they are not defined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Steps sampled.
    pub steps: u64,
    /// First and last sampled step, UTC nanoseconds.
    pub span_ns: Option<(i64, i64)>,
    /// Final over starting equity, less one.
    pub total_return: f64,
    /// Compound annual growth over calendar time (365.25 days a year).
    pub annual_return: Option<f64>,
    /// Standard deviation of daily returns times the root of the days per year.
    pub annual_volatility: Option<f64>,
    /// Mean over standard deviation of daily returns, times the root of the days per year.
    pub sharpe: Option<f64>,
    /// As Sharpe, over the root mean square of the negative daily returns (all days counted).
    pub sortino: Option<f64>,
    /// Annual return over maximum drawdown.
    pub calmar: Option<f64>,
    /// Greatest fall from a peak as a fraction of the peak, over every step.
    pub max_drawdown: f64,
    /// Longest time from a peak until it was reached again (or the end), nanoseconds.
    pub max_drawdown_duration_ns: i64,
    /// Highest equity.
    pub equity_peak: f64,
    /// Fraction of steps with an open position.
    pub exposure: f64,
    /// Fraction of round trips with a profit after fees.
    pub win_rate: Option<f64>,
    /// Gross profit over gross loss, after fees.
    pub profit_factor: Option<f64>,
    /// Mean profit of a round trip after fees.
    pub average_trade: Option<f64>,
    /// Best round trip.
    pub best_trade: Option<f64>,
    /// Worst round trip.
    pub worst_trade: Option<f64>,
    /// Root of the number of round trips times their mean profit over its standard deviation (n - 1).
    pub sqn: Option<f64>,
    /// Bars per year assumed for daily figures.
    pub days_per_year: f64,
    /// Equity at the end of every UTC month: (year, month 1 to 12, equity).
    pub monthly_equity: Vec<(i32, u32, f64)>,
}

impl Statistics {
    /// All of it that is a number, by name, as sweeps keep and rank it; `None` where it is not defined.
    pub fn figures(&self) -> [(&'static str, Option<f64>); 18] {
        [
            ("steps", Some(self.steps as f64)),
            ("total_return", Some(self.total_return)),
            ("annual_return", self.annual_return),
            ("annual_volatility", self.annual_volatility),
            ("sharpe", self.sharpe),
            ("sortino", self.sortino),
            ("calmar", self.calmar),
            ("max_drawdown", Some(self.max_drawdown)),
            ("max_drawdown_duration_ns", Some(self.max_drawdown_duration_ns as f64)),
            ("equity_peak", Some(self.equity_peak)),
            ("exposure", Some(self.exposure)),
            ("win_rate", self.win_rate),
            ("profit_factor", self.profit_factor),
            ("average_trade", self.average_trade),
            ("best_trade", self.best_trade),
            ("worst_trade", self.worst_trade),
            ("sqn", self.sqn),
            ("days_per_year", Some(self.days_per_year)),
        ]
    }
}

/// The outcome of one strategy.
#[derive(Clone, Debug, Serialize)]
pub struct StrategyResult {
    /// Its name.
    pub id: String,
    /// Its registered kind.
    pub kind: String,
    /// Its parameters, completed.
    pub params: serde_json::Value,
    /// Symbols that it trades.
    pub instruments: Vec<String>,
    /// Its timeframe.
    pub timeframe: String,
    /// Fills.
    pub fills: u64,
    /// Round trips closed.
    pub trades: u64,
    /// Round trips with a profit after fees.
    pub winners: u64,
    /// Commission paid.
    pub fees: Money,
    /// Profit of closed round trips after fees.
    pub realized_pnl: Money,
    /// Profit of what is still open, at the last close, entry fees included.
    pub open_pnl: Money,
}

/// A position that is still open.
#[derive(Clone, Debug, Serialize)]
pub struct OpenPosition {
    /// Whose.
    pub strategy: String,
    /// Of what.
    pub symbol: String,
    /// How much, as a decimal.
    pub quantity: String,
    /// Average price, derived from the exact cost.
    pub average_price: f64,
    /// Last close.
    pub last_price: f64,
    /// Value at the last close.
    pub value: Money,
}

/// A container that failed twice at the same row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// Its name.
    pub container: String,
    /// The step at which it failed, UTC nanoseconds.
    pub ts_ns: i64,
    /// The container's step number, counted from 1.
    pub step: u64,
    /// The panic's message or the error.
    pub reason: String,
}

/// A part that was restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restart {
    /// Which part.
    pub part: String,
    /// Which attempt this was, counted from 1.
    pub attempt: u32,
    /// Why.
    pub reason: String,
}

/// A series that a run read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesUse {
    /// Whose rows.
    pub symbol: String,
    /// Kind of row.
    pub kind: String,
    /// Timeframe of the rows delivered.
    pub timeframe: String,
    /// Timeframe that they were aggregated from, if they were.
    pub aggregated_from: Option<String>,
    /// Rows delivered.
    pub rows: u64,
    /// First and last close time, UTC nanoseconds.
    pub span_ns: Option<(i64, i64)>,
    /// Hash of the data, where the source keeps one.
    pub data_hash: Option<String>,
    /// What is known to be wrong with the data.
    pub notes: Vec<String>,
}

/// The hub's account of its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubCounters {
    /// Distinct indicator keys.
    pub keys: u64,
    /// Subscriptions by containers: how often they would have been computed without the hub.
    pub subscriptions: u64,
    /// First computations: one per key and bar.
    pub computed: u64,
    /// What `computed` must be: for each key, the bars of its series.
    pub expected: u64,
    /// Computed again after eviction or for a replay.
    pub recomputed: u64,
    /// Values that subscribers shared instead of computing.
    pub shared: u64,
    /// Cache look-ups that found their column.
    pub cache_hits: u64,
    /// Cache look-ups that did not.
    pub cache_misses: u64,
    /// Columns evicted.
    pub cache_evictions: u64,
    /// Bytes of columns held at most.
    pub cache_bytes_peak: u64,
}

/// What went over one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicCounters {
    /// Its name.
    pub topic: String,
    /// Who received.
    pub subscriber: String,
    /// Messages delivered (one per batch).
    pub messages: u64,
    /// Events in them.
    pub events: u64,
    /// Events dropped by the subscriber's policy.
    pub dropped: u64,
    /// Most messages that waited at once.
    pub queue_peak: u64,
}
