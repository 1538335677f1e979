//! Statistics over equity, streamed: constant memory at every retention level.

use chrono::{DateTime, Datelike};

use super::{moments::Moments, round_trips::TradeStatistics};
use crate::result::Statistics;

/// Equity as it is sampled: peak, drawdown, daily returns, months.
#[derive(Clone, Debug)]
pub struct Curve {
    start: f64,
    /// Equity at the last step.
    pub equity: f64,
    peak: f64,
    peak_ts_ns: i64,
    drawdown: f64,
    drawdown_duration_ns: i64,
    steps: u64,
    exposed: u64,
    /// The step from which on a position has been open.
    exposed_from: Option<u64>,
    first_ts_ns: i64,
    last_ts_ns: i64,
    day_start_equity: f64,
    daily: Moments,
    negative_squares: f64,
    month: Option<(i32, u32)>,
    monthly: Vec<(i32, u32, f64)>,
}

/// A curve before its newest sample, to take that sample back with [`Curve::restore`].
#[derive(Clone, Copy, Debug)]
pub struct CurveMark {
    equity: f64,
    peak: f64,
    peak_ts_ns: i64,
    drawdown: f64,
    drawdown_duration_ns: i64,
    steps: u64,
    exposed: u64,
    exposed_from: Option<u64>,
}

impl Curve {
    /// A curve that starts with this equity.
    pub fn new(start: f64) -> Self {
        Self {
            start,
            equity: start,
            peak: start,
            peak_ts_ns: i64::MIN,
            drawdown: 0.0,
            drawdown_duration_ns: 0,
            steps: 0,
            exposed: 0,
            exposed_from: None,
            first_ts_ns: 0,
            last_ts_ns: 0,
            day_start_equity: start,
            daily: Moments::default(),
            negative_squares: 0.0,
            month: None,
            monthly: Vec::new(),
        }
    }

    /// The step at hand is the first of a UTC day; it closes at `ts_ns`.
    pub fn start_day(&mut self, ts_ns: i64) {
        if self.steps == 0 {
            self.first_ts_ns = ts_ns;
            self.peak_ts_ns = ts_ns;
        } else {
            self.end_day();
        }
        // A bar that closes at midnight closes the day before.
        let date = DateTime::from_timestamp_nanos(ts_ns - 1);
        let month = Some((date.year(), date.month()));
        if self.month != month {
            self.end_month();
            self.month = month;
        }
    }

    /// Samples the equity of a step; `ts_ns` is only asked for when the step is remarkable.
    ///
    /// Answers the drawdown at the step.
    #[inline(always)]
    pub fn sample(&mut self, equity: f64, ts_ns: impl FnOnce() -> i64) -> f64 {
        self.steps += 1;
        self.equity = equity;
        if equity > self.peak {
            self.new_peak(equity, ts_ns());
        }
        let drawdown = 1.0 - equity / self.peak;
        self.drawdown = if drawdown > self.drawdown { drawdown } else { self.drawdown };
        drawdown
    }

    /// Samples a run of steps during which nothing is bought or sold: equity is
    /// `cash + exposure x close`. `each` is given every equity, in order.
    ///
    /// The same operations as [`Self::sample`] at every step, in a loop of its own.
    #[inline(always)]
    pub fn sample_run(
        &mut self,
        cash: f64,
        exposure: f64,
        closes: &[f64],
        ts_ns: &[i64],
        mut each: impl FnMut(f64),
    ) {
        let (mut peak, mut deepest) = (self.peak, self.drawdown);
        for (close, ts_ns) in closes.iter().zip(ts_ns) {
            let equity = cash + exposure * close;
            if equity > peak {
                self.new_peak(equity, *ts_ns);
                peak = equity;
            }
            let drawdown = 1.0 - equity / peak;
            deepest = if drawdown > deepest { drawdown } else { deepest };
            each(equity);
        }
        self.drawdown = deepest;
        self.steps += closes.len() as u64;
        if let Some(close) = closes.last() {
            self.equity = cash + exposure * close;
        }
    }

    /// What the next sample of the day will change.
    #[inline]
    pub fn mark(&self) -> CurveMark {
        CurveMark {
            equity: self.equity,
            peak: self.peak,
            peak_ts_ns: self.peak_ts_ns,
            drawdown: self.drawdown,
            drawdown_duration_ns: self.drawdown_duration_ns,
            steps: self.steps,
            exposed: self.exposed,
            exposed_from: self.exposed_from,
        }
    }

    /// Takes back the samples since the mark; no day has begun since then.
    pub fn restore(&mut self, mark: CurveMark) {
        self.equity = mark.equity;
        self.peak = mark.peak;
        self.peak_ts_ns = mark.peak_ts_ns;
        self.drawdown = mark.drawdown;
        self.drawdown_duration_ns = mark.drawdown_duration_ns;
        self.steps = mark.steps;
        self.exposed = mark.exposed;
        self.exposed_from = mark.exposed_from;
    }

    /// From the next step on a position is open, or none is.
    pub fn set_exposed(&mut self, is_exposed: bool) {
        match (self.exposed_from, is_exposed) {
            (None, true) => self.exposed_from = Some(self.steps),
            (Some(from), false) => {
                self.exposed += self.steps - from;
                self.exposed_from = None;
            }
            _ => {}
        }
    }

    #[inline(never)]
    fn new_peak(&mut self, equity: f64, ts_ns: i64) {
        self.drawdown_duration_ns = self.drawdown_duration_ns.max(ts_ns.saturating_sub(self.peak_ts_ns));
        self.peak = equity;
        self.peak_ts_ns = ts_ns;
    }

    /// The last step sampled closed at `ts_ns`.
    pub fn end_span(&mut self, ts_ns: i64) {
        self.last_ts_ns = ts_ns;
    }

    fn end_day(&mut self) {
        if self.day_start_equity > 0.0 {
            let daily_return = self.equity / self.day_start_equity - 1.0;
            self.daily.add(daily_return);
            let loss = daily_return.min(0.0);
            self.negative_squares += loss * loss;
        }
        self.day_start_equity = self.equity;
    }

    fn end_month(&mut self) {
        if let Some((year, month)) = self.month {
            self.monthly.push((year, month, self.equity));
        }
    }

    /// The statistics of the whole curve, with the round trips'.
    pub fn finish(&self, trades: &TradeStatistics, days_per_year: f64) -> Statistics {
        let mut done = self.clone();
        done.set_exposed(false);
        if done.steps > 0 {
            done.end_day();
            done.end_month();
        }
        let total_return = done.equity / done.start - 1.0;
        let years = (done.last_ts_ns - done.first_ts_ns) as f64 / (365.25 * crate::time::NS_PER_DAY as f64);
        let annual_return = (years > 0.0 && total_return > -1.0)
            .then(|| (total_return.ln_1p() / years).exp_m1())
            .filter(|growth| growth.is_finite());
        let deviation = done.daily.deviation().filter(|deviation| *deviation > 0.0);
        let root_year = days_per_year.sqrt();
        let downside = (done.daily.count > 0)
            .then(|| (done.negative_squares / done.daily.count as f64).sqrt())
            .filter(|downside| *downside > 0.0);
        let drawdown_duration =
            done.drawdown_duration_ns.max(done.last_ts_ns.saturating_sub(done.peak_ts_ns));
        Statistics {
            steps: done.steps,
            span_ns: (done.steps > 0).then_some((done.first_ts_ns, done.last_ts_ns)),
            total_return,
            annual_return,
            annual_volatility: deviation.map(|deviation| deviation * root_year),
            sharpe: deviation.map(|deviation| done.daily.mean / deviation * root_year),
            sortino: downside.map(|downside| done.daily.mean / downside * root_year),
            calmar: annual_return.filter(|_| done.drawdown > 0.0).map(|growth| growth / done.drawdown),
            max_drawdown: done.drawdown,
            max_drawdown_duration_ns: if done.steps > 0 { drawdown_duration } else { 0 },
            equity_peak: done.peak,
            exposure: if done.steps > 0 { done.exposed as f64 / done.steps as f64 } else { 0.0 },
            win_rate: trades.ratio(trades.winners),
            profit_factor: (trades.losses > 0.0).then(|| trades.profits / trades.losses),
            average_trade: (trades.pnl.count > 0).then_some(trades.pnl.mean),
            best_trade: (trades.pnl.count > 0).then_some(trades.best),
            worst_trade: (trades.pnl.count > 0).then_some(trades.worst),
            sqn: trades
                .pnl
                .deviation()
                .filter(|deviation| *deviation > 0.0)
                .map(|deviation| (trades.pnl.count as f64).sqrt() * trades.pnl.mean / deviation),
            days_per_year,
            monthly_equity: done.monthly,
        }
    }
}
