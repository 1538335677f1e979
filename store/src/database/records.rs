//! Signals and trades of variants that were run again by name.

use barhive_engine::money::Money;

use super::{
    DatabaseError,
    connection::{Connection, Value},
    insert::insert,
};

/// An order as a strategy gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalRow {
    /// The step at which it was decided, UTC nanoseconds.
    pub ts_ns: i64,
    /// The strategy's name.
    pub strategy: String,
    /// What is to be traded.
    pub symbol: String,
    /// `market`, or `at_price` for a limit or stop.
    pub kind: String,
    /// Lots, signed; 0 where the size follows later.
    pub lots: i64,
    /// Limit or stop price as a decimal.
    pub price: Option<String>,
}

/// A round trip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// The strategy's name.
    pub strategy: String,
    /// What was traded.
    pub symbol: String,
    /// `long` or `short`.
    pub side: String,
    /// Lots, positive.
    pub lots: i64,
    /// First fill, UTC nanoseconds.
    pub entry_ts_ns: i64,
    /// Last fill, UTC nanoseconds.
    pub exit_ts_ns: i64,
    /// What it cost to open, without fees.
    pub entry_value: Money,
    /// What closing brought, without fees.
    pub exit_value: Money,
    /// Commission of both ends.
    pub fees: Money,
    /// Profit after fees.
    pub pnl: Money,
}

const SIGNALS: [&str; 9] =
    ["run", "variant", "number", "ts_ns", "strategy", "symbol", "kind", "lots", "price"];
const TRADES: [&str; 13] = [
    "run",
    "variant",
    "number",
    "strategy",
    "symbol",
    "side",
    "lots",
    "entry_ts_ns",
    "exit_ts_ns",
    "entry_value",
    "exit_value",
    "fees",
    "pnl",
];

/// Puts the records of a variant in place of those that are there.
pub(super) fn replace(
    connection: &mut dyn Connection,
    run: &str,
    variant: u64,
    signals: &[SignalRow],
    trades: &[TradeRow],
) -> Result<(), DatabaseError> {
    let key = [Value::text(run), Value::count(variant + 1)];
    for table in ["backtest_signals", "trades", "recorded_variants"] {
        connection.execute(&format!("DELETE FROM {table} WHERE run = $1 AND variant = $2"), &key)?;
    }
    let mut values = Vec::with_capacity(signals.len() * SIGNALS.len());
    for (number, signal) in signals.iter().enumerate() {
        let SignalRow { ts_ns, strategy, symbol, kind, lots, price } = signal;
        values.extend(key.clone());
        values.extend([
            Value::count(number as u64 + 1),
            Value::Integer(*ts_ns),
            Value::text(strategy),
            Value::text(symbol),
            Value::text(kind),
            Value::Integer(*lots),
            price.as_ref().map_or(Value::Null, Value::text),
        ]);
    }
    insert(connection, "backtest_signals", &SIGNALS, &values)?;
    values.clear();
    for (number, trade) in trades.iter().enumerate() {
        values.extend(key.clone());
        values.extend([
            Value::count(number as u64 + 1),
            Value::text(&trade.strategy),
            Value::text(&trade.symbol),
            Value::text(&trade.side),
            Value::Integer(trade.lots),
            Value::Integer(trade.entry_ts_ns),
            Value::Integer(trade.exit_ts_ns),
            Value::text(trade.entry_value.to_string()),
            Value::text(trade.exit_value.to_string()),
            Value::text(trade.fees.to_string()),
            Value::text(trade.pnl.to_string()),
        ]);
    }
    insert(connection, "trades", &TRADES, &values)?;
    let [run, variant] = key;
    let recorded = [run, variant, Value::count(signals.len() as u64), Value::count(trades.len() as u64)];
    insert(connection, "recorded_variants", &["run", "variant", "signals", "trades"], &recorded)?;
    Ok(())
}
