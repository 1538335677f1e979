//! What the page's script draws, as JSON: bounded, and rounded to what a screen can show.

use barhive_engine::{
    instrument::Instrument,
    order::Side,
    record::Trade,
    result::{AccountResult, StrategyResult},
};
use serde::Serialize;

use crate::{
    ReportInput,
    curve::{Curve, CurveBucket, PriceCurve, Sample, SymbolPrices},
    format,
    statistics::GROUPS,
};

/// Buckets of all equity curves of a page together.
const CURVE_BUCKETS: usize = 6000;
/// Buckets of all price curves of a page together.
const PRICE_BUCKETS: usize = 2400;
/// Symbols with a price chart.
const SYMBOLS_MAX: usize = 24;
/// Symbols whose newest bars are on the page.
const DETAILED_SYMBOLS_MAX: usize = 8;
/// Round trips of all charts of a page together.
const MARKS: usize = 2400;
/// Strategies of a page together.
pub(super) const STRATEGIES_MAX: usize = 1000;
/// Digits of a number that is drawn.
const DIGITS: i32 = 7;

/// All of it.
#[derive(Serialize)]
pub(super) struct Island {
    accounts: Vec<Account>,
    prices: Vec<Prices>,
    /// Strategies that are left out.
    strategies_more: usize,
}

#[derive(Serialize)]
struct Account {
    name: String,
    currency: String,
    start: f64,
    /// Texts of the statistics, in the table's order.
    values: Vec<String>,
    /// -1, 0 or 1 for each where its sign is good or bad.
    signs: Vec<i8>,
    /// What sorts the table of accounts.
    keys: Vec<f64>,
    curve: Option<CurveData>,
    /// Year, month, equity at its end.
    months: Vec<(i32, u32, f64)>,
    marks: Vec<Marks>,
    strategies: Vec<Strategy>,
    positions: Vec<[String; 6]>,
    notes: Vec<String>,
    hash: String,
}

/// Columns: times are milliseconds, each less the one before.
#[derive(Serialize)]
struct CurveData {
    t: Vec<i64>,
    last: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    drawdown: Vec<f64>,
}

#[derive(Serialize)]
struct Marks {
    symbol: String,
    seen: u64,
    stride: u64,
    trades: Vec<Mark>,
    /// The newest ones, where `trades` skips some.
    newest: Vec<Mark>,
}

/// Entry and exit time in milliseconds, 1 for long and -1 for short, entry and exit price, profit,
/// index of the strategy.
type Mark = (i64, i64, i8, f64, f64, f64, u32);

#[derive(Serialize)]
struct Strategy {
    id: String,
    kind: String,
    params: String,
    on: String,
    timeframe: String,
    trades: u64,
    winners: u64,
    fees: f64,
    closed: f64,
    open: f64,
}

#[derive(Serialize)]
struct Prices {
    symbol: String,
    timeframe: String,
    t: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    newest: Option<Bars>,
}

#[derive(Serialize)]
struct Bars {
    t: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
}

impl Island {
    pub(super) fn new(input: &ReportInput<'_>) -> Self {
        let accounts = input.result.accounts.len().max(1);
        let mut strategies_left = STRATEGIES_MAX;
        let prices = charted(input);
        let all: usize = input.result.accounts.iter().map(|account| account.strategies.len()).sum();
        Self {
            accounts: input
                .result
                .accounts
                .iter()
                .map(|account| account_data(account, input, &prices, accounts, &mut strategies_left))
                .collect(),
            prices: prices
                .iter()
                .enumerate()
                .map(|(place, symbol)| prices_data(symbol, prices.len(), place < DETAILED_SYMBOLS_MAX))
                .collect(),
            strategies_more: all.saturating_sub(STRATEGIES_MAX),
        }
    }
}

/// The symbols that are drawn: those traded most often first.
fn charted<'a>(input: &ReportInput<'a>) -> Vec<&'a SymbolPrices> {
    let trades = |symbol: &str| -> u64 {
        let samples = input.curves.iter().flat_map(|curves| curves.marks.samples());
        samples
            .filter(|(id, _)| input.instruments.get(id.index()).is_some_and(|i| i.symbol == symbol))
            .map(|(_, sample)| sample.seen)
            .sum()
    };
    let mut symbols: Vec<_> = input.prices.iter().map(|prices| (trades(&prices.symbol), prices)).collect();
    // Stable: symbols with as many trades stay in their order.
    symbols.sort_by_key(|(trades, _)| std::cmp::Reverse(*trades));
    symbols.into_iter().take(SYMBOLS_MAX).map(|(_, prices)| prices).collect()
}

fn account_data(
    account: &AccountResult,
    input: &ReportInput<'_>,
    prices: &[&SymbolPrices],
    accounts: usize,
    strategies_left: &mut usize,
) -> Account {
    let statistics = || GROUPS.iter().flat_map(|group| group.statistics);
    let curves = input.curves.iter().find(|curves| curves.account == account.name);
    let strategies: Vec<_> = account.strategies.iter().take(*strategies_left).map(strategy_data).collect();
    *strategies_left -= strategies.len();
    let mut notes = Vec::new();
    for (cause, orders) in &account.rejected {
        let orders_text = crate::input::plural(*orders, "order");
        notes.push(format!("{} {orders_text} rejected: {cause}", format::count(*orders)));
    }
    if let Some(ts_ns) = account.halted_ts_ns {
        notes.push(format!("trading stopped at {} (drawdown limit)", format::stamp(ts_ns)));
    }
    Account {
        name: account.name.clone(),
        currency: account.currency.to_string(),
        start: account.start_cash.to_f64(),
        values: statistics().map(|statistic| statistic.text(account)).collect(),
        signs: statistics()
            .map(|statistic| match (statistic.value)(account).map_or(0.0, |value| value.sign()) {
                _ if !statistic.signed => 0,
                sign if sign > 0.0 => 1,
                sign if sign < 0.0 => -1,
                _ => 0,
            })
            .collect(),
        keys: vec![
            account.final_equity.to_f64(),
            account.statistics.total_return,
            account.statistics.max_drawdown,
            account.statistics.sharpe.unwrap_or(f64::NAN),
            account.trades as f64,
            account.fees.to_f64(),
        ],
        curve: curves.and_then(|curves| curve_data(&curves.equity, CURVE_BUCKETS / accounts)),
        months: account
            .statistics
            .monthly_equity
            .iter()
            .map(|(year, month, equity)| (*year, *month, round(*equity, 2)))
            .collect(),
        marks: curves.map_or_else(Vec::new, |curves| {
            let samples = curves.marks.samples();
            let shown: Vec<_> = prices
                .iter()
                .filter_map(|prices| {
                    let (id, sample) = samples.iter().find(|(id, _)| {
                        input.instruments.get(id.index()).is_some_and(|i| i.symbol == prices.symbol)
                    })?;
                    Some((*prices, input.instruments.get(id.index())?, sample))
                })
                .collect();
            let limit = (MARKS / accounts / shown.len().max(1)).max(8);
            shown
                .into_iter()
                .map(|(prices, instrument, sample)| marks(prices, instrument, sample, limit))
                .collect()
        }),
        strategies,
        positions: account
            .open_positions
            .iter()
            .take(200)
            .map(|position| {
                [
                    position.strategy.clone(),
                    position.symbol.clone(),
                    position.quantity.clone(),
                    format::number(position.average_price, 4),
                    format::number(position.last_price, 4),
                    format::money(position.value, 2),
                ]
            })
            .collect(),
        notes,
        hash: account.hash.clone(),
    }
}

fn strategy_data(strategy: &StrategyResult) -> Strategy {
    let on = match strategy.instruments.as_slice() {
        few if few.len() <= 3 => few.join(", "),
        many => format!("{} and {} more", many[..2].join(", "), many.len() - 2),
    };
    let params = match &strategy.params {
        serde_json::Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    Strategy {
        id: strategy.id.clone(),
        kind: strategy.kind.clone(),
        params,
        on,
        timeframe: strategy.timeframe.clone(),
        trades: strategy.trades,
        winners: strategy.winners,
        fees: round(strategy.fees.to_f64(), 2),
        closed: round(strategy.realized_pnl.to_f64(), 2),
        open: round(strategy.open_pnl.to_f64(), 2),
    }
}

fn curve_data(curve: &Curve, limit: usize) -> Option<CurveData> {
    let mut buckets = curve.coarser(limit.max(32));
    // The line starts at the first sample, not at the end of the first bucket.
    if let Some(first) = buckets.first().filter(|bucket| bucket.span_ns.0 < bucket.span_ns.1) {
        let (at, equity) = (first.span_ns.0, first.first);
        let drawdown = if curve.start() > equity { 1.0 - equity / curve.start() } else { 0.0 };
        let (min, max) = ((equity, at), (equity, at));
        buckets.insert(0, CurveBucket { span_ns: (at, at), first: equity, last: equity, min, max, drawdown });
    }
    let top = buckets.iter().map(|bucket| bucket.max.0.abs()).fold(0.0, f64::max);
    let decimals = decimals(top);
    let column =
        |read: fn(&CurveBucket) -> f64| buckets.iter().map(|bucket| round(read(bucket), decimals)).collect();
    (!buckets.is_empty()).then(|| CurveData {
        t: deltas(buckets.iter().map(|bucket| bucket.span_ns.1)),
        last: column(|bucket| bucket.last),
        low: column(|bucket| bucket.min.0),
        high: column(|bucket| bucket.max.0),
        drawdown: buckets.iter().map(|bucket| round(bucket.drawdown, 6)).collect(),
    })
}

fn marks(prices: &SymbolPrices, instrument: &Instrument, sample: &Sample, limit: usize) -> Marks {
    let scales = instrument.scales();
    let mark = |trade: &Trade| -> Mark {
        let exposure = scales.exposure(trade.lots);
        let decimals = i32::from(instrument.price_scale);
        let side = if trade.side == Side::Sell { -1 } else { 1 };
        (
            ms(trade.entry_ts_ns),
            ms(trade.exit_ts_ns),
            side,
            round(trade.entry_value.to_f64() / exposure, decimals),
            round(trade.exit_value.to_f64() / exposure, decimals),
            round(trade.pnl.to_f64(), 2),
            trade.strategy,
        )
    };
    let every = sample.thinned.len().div_ceil(limit).max(1);
    let stride = sample.stride * every as u64;
    let since = prices.prices.newest().front().map_or(i64::MAX, |bar| bar.ts_open_ns);
    Marks {
        symbol: prices.symbol.clone(),
        seen: sample.seen,
        stride,
        trades: sample.thinned.chunks(2).step_by(every).flatten().map(mark).collect(),
        newest: if stride == 1 {
            Vec::new()
        } else {
            sample.newest.iter().filter(|trade| trade.exit_ts_ns >= since).map(mark).collect()
        },
    }
}

fn prices_data(symbol: &SymbolPrices, symbols: usize, detailed: bool) -> Prices {
    let curve: &PriceCurve = &symbol.prices;
    let buckets = curve.coarser((PRICE_BUCKETS / symbols.max(1)).clamp(64, PriceCurve::BUCKETS));
    let places = decimals(buckets.iter().map(|bucket| bucket.high.abs()).fold(0.0, f64::max));
    let column = |read: fn(&crate::curve::PriceBucket) -> f64| {
        buckets.iter().map(|bucket| round(read(bucket), places)).collect()
    };
    let bars = |read: fn(&barhive_engine::data::Bar) -> f64| {
        curve.newest().iter().map(|bar| round(read(bar), places)).collect()
    };
    Prices {
        symbol: symbol.symbol.clone(),
        timeframe: symbol.timeframe.to_string(),
        t: deltas(buckets.iter().map(|bucket| bucket.span_ns.1)),
        open: column(|bucket| bucket.open),
        high: column(|bucket| bucket.high),
        low: column(|bucket| bucket.low),
        close: column(|bucket| bucket.close),
        newest: detailed.then(|| Bars {
            t: deltas(curve.newest().iter().map(|bar| bar.ts_close_ns)),
            open: bars(|bar| bar.open),
            high: bars(|bar| bar.high),
            low: bars(|bar| bar.low),
            close: bars(|bar| bar.close),
        }),
    }
}

fn ms(ts_ns: i64) -> i64 {
    ts_ns.div_euclid(1_000_000)
}

fn deltas(times_ns: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut before = 0;
    times_ns.map(|ts_ns| ms(ts_ns) - std::mem::replace(&mut before, ms(ts_ns))).collect()
}

/// Decimals that show numbers up to `top` with enough digits.
fn decimals(top: f64) -> i32 {
    if top > 0.0 && top.is_finite() { (DIGITS - 1 - top.log10().floor() as i32).clamp(0, 12) } else { 2 }
}

fn round(value: f64, decimals: i32) -> f64 {
    let factor = 10f64.powi(decimals);
    let scaled = (value * factor).round() / factor;
    if scaled.is_finite() { scaled } else { value }
}
