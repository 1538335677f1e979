//! A made-up run, the same every time: prices are a seeded random walk, trades follow a moving-average
//! cross on it.
#![allow(dead_code, reason = "each test uses its own part")]

use std::sync::Arc;

use barhive_engine::{
    data::{Bar, BarColumns, Feed, FeedError, SeriesInfo, SeriesRequest, Source},
    instrument::{Currency, Instrument, InstrumentId},
    money::Money,
    order::{Cause, OrderId, OrderState, Side},
    record::{EquityPoint, Fill, OrderEvent, Recorder, Records, Trade},
    registry::factory,
    result::{
        AccountResult, HubCounters, OpenPosition, Restart, RunResult, SeriesUse, Statistics, StrategyResult,
        TopicCounters,
    },
    set::{ContainerSpec, Limits, StrategySpec, Trace},
    strategy::{Bars, Context, Setup, SetupError, Sizing, Strategy},
    timeframe::Timeframe,
};

/// 2023-01-02, a Monday.
pub const START_NS: i64 = 1_672_617_600_000_000_000;
pub const MINUTE_NS: i64 = 60_000_000_000;

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

pub fn instrument(symbol: &str) -> Instrument {
    Instrument::new(symbol, 2, Currency::new("USDT").unwrap())
}

struct Idle;

impl Strategy for Idle {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}
}

pub fn container(name: &str, strategies: &[&str], instruments: usize) -> ContainerSpec {
    let idle = factory((), |(), _: &mut Setup<'_>| Ok::<_, SetupError>(Idle));
    ContainerSpec {
        strategies: strategies
            .iter()
            .map(|id| StrategySpec {
                id: (*id).into(),
                kind: "sma_cross".into(),
                factory: Arc::clone(&idle),
                instruments: (0..instruments as u32).map(InstrumentId).collect(),
                timeframe: Timeframe::M1,
                sizing: Sizing::Lots(1),
                limits: Limits::default(),
            })
            .collect(),
        trace: Trace::Full,
        ..ContainerSpec::new(name, Money::from_units(100_000), Currency::new("USDT").unwrap())
    }
}

/// Bars of a random walk with a slow wave in its drift.
pub fn bars(seed: u64, count: usize, step_ns: i64) -> Vec<Bar> {
    let mut random = Random(seed);
    let mut price = 100.0f64;
    (0..count)
        .map(|row| {
            let open = price + random.unit() * 0.02;
            // A triangle of three periods: no library function, so the same on every machine.
            let wave = (row as f64 / count as f64 * 3.0).fract() * 4.0 - 2.0;
            let wave = (1.0 - wave.abs()) * 0.0022;
            let close = (open * (1.0 + wave * 0.1 + random.unit() * 0.0035)).max(1.0);
            let (top, bottom) = (open.max(close), open.min(close));
            let bar = Bar {
                ts_open_ns: START_NS + row as i64 * step_ns,
                ts_close_ns: START_NS + (row as i64 + 1) * step_ns,
                open: cents(open),
                high: cents(top * (1.0 + random.unit().abs() * 0.001)),
                low: cents(bottom * (1.0 - random.unit().abs() * 0.001)),
                close: cents(close),
                volume: 100.0,
            };
            price = close;
            bar
        })
        .collect()
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

/// Long above the slow average, short below, `lots` each way, 0.05 % commission.
pub fn trade_cross(bars: &[Bar], instrument: u32, strategy: u32, slow: usize, lots: i64) -> Records {
    let mut records = Records::default();
    let (mut cash, mut held, mut entry) = (100_000.0f64, 0i64, None::<(i64, f64)>);
    let (mut sum, mut order) = (0.0, 0u32);
    for (row, bar) in bars.iter().enumerate() {
        sum += bar.close - if row >= slow { bars[row - slow].close } else { 0.0 };
        let target = if row < slow {
            0
        } else if bar.close > sum / slow as f64 * 1.004 {
            lots
        } else if bar.close < sum / slow as f64 * 0.996 {
            -lots
        } else {
            held
        };
        if target != held && row + 1 < bars.len() {
            let next = &bars[row + 1];
            let change = target - held;
            order += 1;
            let fee = (next.open * change.abs() as f64 * 0.0005 * 1e9).round() as i128;
            records.fills.push(Fill {
                ts_ns: next.ts_close_ns,
                order: OrderId(order),
                strategy,
                instrument: InstrumentId(instrument),
                lots: change,
                price: (next.open * 100.0).round() as i64,
                fee: Money(fee),
            });
            for (state, cause) in [
                (OrderState::Submitted, Cause::Strategy),
                (OrderState::Working, Cause::Accepted),
                (OrderState::Filled, Cause::Matched),
            ] {
                records.orders.push(OrderEvent {
                    ts_ns: next.ts_close_ns,
                    order: OrderId(order),
                    parent: None,
                    strategy,
                    instrument: InstrumentId(instrument),
                    position: 0,
                    state,
                    cause,
                    lots: if state == OrderState::Filled { 0 } else { change },
                    price: 0,
                });
            }
            if let Some((since, price)) = entry {
                let (entry_value, exit_value) = (price * lots as f64, next.open * lots as f64);
                let gross = if held > 0 { exit_value - entry_value } else { entry_value - exit_value };
                let fees = (entry_value + exit_value) * 0.0005;
                let money = |x: f64| Money((x * 1e9).round() as i128);
                records.trades.push(Trade {
                    strategy,
                    instrument: InstrumentId(instrument),
                    side: Side::of(held),
                    lots,
                    entry_ts_ns: since,
                    exit_ts_ns: next.ts_close_ns,
                    entry_value: money(entry_value),
                    exit_value: money(exit_value),
                    fees: money(fees),
                    pnl: money(gross - fees),
                });
            }
            entry = Some((next.ts_close_ns, next.open));
            cash -= next.open * change as f64 + fee as f64 / 1e9;
            held = target;
        }
        records.equity.push(EquityPoint { ts_ns: bar.ts_close_ns, equity: cash + held as f64 * bar.close });
    }
    records
}

/// Hands records to a recorder as a run does: some rows at a time, fills and trades once.
pub fn play(recorder: &mut dyn Recorder, records: &Records, frame_rows: usize) {
    let wants = recorder.wants();
    let mut frame = Records::default();
    let (mut fills, mut trades, mut orders) = (0, 0, 0);
    for equity in records.equity.chunks(frame_rows) {
        let end = equity[equity.len() - 1].ts_ns;
        let upto =
            |from: usize, list: &[i64]| from + list[from..].iter().take_while(|ts| **ts <= end).count();
        frame.clear();
        if wants.equity {
            frame.equity.extend_from_slice(equity);
        }
        let next = upto(fills, &records.fills.iter().map(|f| f.ts_ns).collect::<Vec<_>>());
        if wants.fills {
            frame.fills.extend_from_slice(&records.fills[fills..next]);
        }
        fills = next;
        let next = upto(trades, &records.trades.iter().map(|t| t.exit_ts_ns).collect::<Vec<_>>());
        if wants.trades {
            frame.trades.extend_from_slice(&records.trades[trades..next]);
        }
        trades = next;
        let next = upto(orders, &records.orders.iter().map(|o| o.ts_ns).collect::<Vec<_>>());
        if wants.orders {
            frame.orders.extend_from_slice(&records.orders[orders..next]);
        }
        orders = next;
        recorder.record(&frame);
    }
}

/// The result of an account that traded `records`, with figures worked out from them.
pub fn account(name: &str, records: &Records, strategies: &[(&str, &str, &str)]) -> AccountResult {
    let start = 100_000.0;
    let last = records.equity[records.equity.len() - 1];
    let (mut peak, mut worst, mut daily, mut day_equity) = (start, 0.0f64, Vec::new(), start);
    let mut monthly: Vec<(i32, u32, f64)> = Vec::new();
    for (at, point) in records.equity.iter().enumerate() {
        peak = f64::max(peak, point.equity);
        worst = worst.max(1.0 - point.equity / peak);
        let day = point.ts_ns.div_euclid(86_400_000_000_000);
        let next = records.equity.get(at + 1).map(|p| p.ts_ns.div_euclid(86_400_000_000_000));
        if next != Some(day) {
            daily.push(point.equity / day_equity - 1.0);
            day_equity = point.equity;
        }
        let text = barhive_engine::time::format_utc(point.ts_ns);
        let (year, month) = (text[..4].parse().unwrap(), text[5..7].parse().unwrap());
        match monthly.last_mut() {
            Some(newest) if (newest.0, newest.1) == (year, month) => newest.2 = point.equity,
            _ => monthly.push((year, month, point.equity)),
        }
    }
    let mean = daily.iter().sum::<f64>() / daily.len() as f64;
    let deviation =
        (daily.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (daily.len() as f64 - 1.0)).sqrt();
    let pnls: Vec<f64> = records.trades.iter().map(|t| t.pnl.to_f64()).collect();
    let gains: f64 = pnls.iter().filter(|p| **p > 0.0).sum();
    let losses: f64 = -pnls.iter().filter(|p| **p < 0.0).sum::<f64>();
    let fees: Money = records.fills.iter().map(|f| f.fee).sum();
    let winners = pnls.iter().filter(|p| **p > 0.0).count() as u64;
    let total_return = last.equity / start - 1.0;
    AccountResult {
        name: name.into(),
        currency: Currency::new("USDT").unwrap(),
        start_cash: Money::from_units(100_000),
        final_equity: Money((last.equity * 1e9).round() as i128),
        cash: Money::from_units(98_000),
        fees,
        orders: records.fills.len() as u64 + 1,
        rejected: vec![("buying power".into(), 1)],
        fills: records.fills.len() as u64,
        trades: records.trades.len() as u64,
        digest: "5f1d0c7e9a3b2468aa00bb11cc22dd33".into(),
        digest_bytes: [0; 16],
        hash: "9c1185a5c5e9fc54612808977ee8f548b2258d31a3f8c4b1d7e0f6a5c4b3d2e1".into(),
        statistics: Statistics {
            steps: records.equity.len() as u64,
            span_ns: Some((records.equity[0].ts_ns, last.ts_ns)),
            total_return,
            annual_return: Some(total_return * 0.5),
            annual_volatility: Some(deviation * 365f64.sqrt()),
            sharpe: Some(mean / deviation * 365f64.sqrt()),
            sortino: Some(mean / deviation * 365f64.sqrt() * 1.4),
            calmar: Some(total_return * 0.5 / worst),
            max_drawdown: worst,
            max_drawdown_duration_ns: 86_400_000_000_000 * 41 + 3_600_000_000_000 * 7,
            equity_peak: peak,
            exposure: 0.9331,
            win_rate: (!pnls.is_empty()).then(|| winners as f64 / pnls.len() as f64),
            profit_factor: (losses > 0.0).then(|| gains / losses),
            average_trade: (!pnls.is_empty()).then(|| pnls.iter().sum::<f64>() / pnls.len() as f64),
            best_trade: pnls.iter().copied().reduce(f64::max),
            worst_trade: pnls.iter().copied().reduce(f64::min),
            sqn: Some(1.27),
            days_per_year: 365.0,
            monthly_equity: monthly,
        },
        strategies: strategies
            .iter()
            .enumerate()
            .map(|(index, (id, kind, symbol))| {
                let share = strategies.len() as i128;
                let realized: Money = records.trades.iter().map(|t| t.pnl).sum();
                StrategyResult {
                    id: (*id).into(),
                    kind: (*kind).into(),
                    params: serde_json::json!({"fast": 10 + index, "slow": 30 + 10 * index}),
                    instruments: vec![(*symbol).into()],
                    timeframe: "1m".into(),
                    fills: records.fills.len() as u64 / share as u64,
                    trades: records.trades.len() as u64 / share as u64,
                    winners: winners / share as u64,
                    fees: Money(fees.0 / share),
                    realized_pnl: Money(realized.0 / share + (index as i128 * 977 - 400) * 1_000_000_000),
                    open_pnl: Money::from_units(index as i64 * 13 - 20),
                }
            })
            .collect(),
        open_positions: vec![OpenPosition {
            strategy: strategies[0].0.into(),
            symbol: strategies[0].2.into(),
            quantity: "20".into(),
            average_price: 101.25,
            last_price: 100.5,
            value: Money::from_units(2010),
        }],
        halted_ts_ns: None,
    }
}

pub fn result(accounts: Vec<AccountResult>, symbols: &[&str], rows: u64) -> RunResult {
    let span = accounts.first().and_then(|account| account.statistics.span_ns);
    RunResult {
        result_hash: "b7d1c2a49e03f5586c1f0a9d77e2b34418c6f0e5a1d29b8c7f4e6d5a3b2c1908".into(),
        accounts,
        quarantined: Vec::new(),
        restarts: vec![Restart {
            part: "indicator hub".into(),
            attempt: 1,
            reason: "panicked: attempt to subtract with overflow".into(),
        }],
        series: symbols
            .iter()
            .map(|symbol| SeriesUse {
                symbol: (*symbol).into(),
                kind: "bar".into(),
                timeframe: "1m".into(),
                aggregated_from: None,
                rows,
                span_ns: span,
                data_hash: Some("6c1f0a9d77e2b344".into()),
                notes: vec!["3 gaps longer than one bar, the longest 4 minutes (row 18,211)".into()],
            })
            .collect(),
        hub: HubCounters {
            keys: 9,
            subscriptions: 60,
            computed: 9 * rows,
            expected: 9 * rows,
            recomputed: 0,
            shared: 51 * rows,
            cache_hits: 1180,
            cache_misses: 180,
            cache_evictions: 0,
            cache_bytes_peak: 147_456,
        },
        bus: vec![TopicCounters {
            topic: "frames".into(),
            subscriber: "shard 0".into(),
            messages: rows / 1024 + 1,
            events: rows,
            dropped: 0,
            queue_peak: 4,
        }],
        warnings: vec!["BTCUSDT: 3 gaps were found in 262,800 rows; no row was filled in".into()],
        steps: rows,
        span_ns: span,
    }
}

/// A source of given bars, for the price tap.
pub struct Given(pub Vec<(String, Vec<Bar>)>);

struct GivenFeed(BarColumns, usize);

impl Source for Given {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        Ok(self.0.iter().map(|(symbol, _)| instrument(symbol)).collect())
    }
    fn series(&self, _: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        Ok(Vec::new())
    }
    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let bars = &self.0.iter().find(|(symbol, _)| *symbol == request.symbol).unwrap().1;
        Ok(Box::new(GivenFeed(BarColumns::from_bars(bars), 0)))
    }
}

impl Feed for GivenFeed {
    fn pull(&mut self, rows_max: usize, _: usize) -> Result<barhive_engine::data::Pull, FeedError> {
        use barhive_engine::data::{Batch, Pull};
        let rows = rows_max.min(self.0.len() - self.1);
        if rows == 0 {
            return Ok(Pull::End);
        }
        let batch = Batch::new(self.0.slice(self.1, rows));
        self.1 += rows;
        Ok(Pull::Rows(batch))
    }
}
