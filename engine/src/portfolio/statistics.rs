//! Statistics over equity, streamed: constant memory at every retention level.

use chrono::{DateTime, Datelike};
use fearless_simd::{Level, dispatch};

use super::{
    moments::Moments,
    round_trips::TradeStatistics,
    scan::{SCAN_ROWS, Turn, scan_frame, scan_rows},
    sums::Sums,
};
use crate::{container::Quiet, result::Statistics};

/// Equity as it is sampled: peak, drawdown, daily returns, months.
#[derive(Clone, Debug)]
pub struct Curve {
    start: f64,
    /// Equity at the last step.
    pub equity: f64,
    peak: f64,
    peak_ts_ns: i64,
    /// The lowest equity since the peak.
    trough: f64,
    /// The deepest drawdown before the peak at hand.
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
    trough: f64,
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
            trough: start,
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
    #[inline(always)]
    pub fn sample(&mut self, equity: f64, ts_ns: impl FnOnce() -> i64) {
        self.steps += 1;
        self.equity = equity;
        if equity > self.peak {
            self.new_peak(equity, ts_ns());
        } else if equity < self.trough {
            self.trough = equity;
        }
    }

    /// The drawdown at the newest step.
    pub fn drawdown_now(&self) -> f64 {
        1.0 - self.equity / self.peak
    }

    /// The deepest drawdown of all steps.
    ///
    /// A quotient of doubles grows with its dividend, rounded as it is: under one peak the lowest equity
    /// has the deepest drawdown, and only that one is divided.
    pub fn max_drawdown(&self) -> f64 {
        let drawdown = 1.0 - self.trough / self.peak;
        if drawdown > self.drawdown { drawdown } else { self.drawdown }
    }

    /// Samples a run of steps during which nothing is bought or sold: equity is
    /// `cash + exposure x close`. Its bits are added to `sums`.
    ///
    /// The same as [`Self::sample`] and [`Sums::add`] at every step, several steps at a time.
    pub fn sample_run(&mut self, level: Level, quiet: Quiet, closes: &[f64], ts_ns: &[i64], sums: &mut Sums) {
        let Some(last) = closes.last() else { return };
        dispatch!(level, simd => self.scan(simd, quiet, closes, ts_ns, sums));
        self.steps += closes.len() as u64;
        self.equity = quiet.equity(*last);
    }

    #[inline(always)]
    fn scan<S: fearless_simd::Simd>(
        &mut self,
        _: S,
        quiet: Quiet,
        closes: &[f64],
        ts_ns: &[i64],
        sums: &mut Sums,
    ) {
        for (closes, ts_ns) in closes.chunks(SCAN_ROWS).zip(ts_ns.chunks(SCAN_ROWS)) {
            let (lowest, highest) = scan_rows(quiet, closes, sums);
            if highest > self.peak {
                self.walk_peaks(quiet, closes, ts_ns);
            } else if lowest < self.trough {
                self.trough = lowest;
            }
        }
    }

    /// Samples all rows of a frame whose days and positions were told by [`Self::pass_rows`]; what equity
    /// is made of changes at `turns`.
    pub(crate) fn sample_frame(
        &mut self,
        level: Level,
        quiet: Quiet,
        closes: &[f64],
        ts_ns: &[i64],
        turns: &[Turn],
        sums: &mut Sums,
    ) {
        dispatch!(level, simd => self.scan_frame(simd, quiet, closes, ts_ns, turns, sums));
    }

    #[inline(always)]
    fn scan_frame<S: fearless_simd::Simd>(
        &mut self,
        simd: S,
        quiet: Quiet,
        closes: &[f64],
        ts_ns: &[i64],
        turns: &[Turn],
        sums: &mut Sums,
    ) {
        let peak = self.peak;
        let lowest = scan_frame(simd, quiet, closes, turns, sums, peak, |first, equities, lowest| {
            self.walk(equities, &ts_ns[first..], lowest)
        });
        self.fall_to(lowest);
    }

    /// Rows have passed, the last of them at this equity: they are sampled together later.
    #[inline(always)]
    pub(crate) fn pass_rows(&mut self, rows: usize, equity: f64) {
        self.steps += rows as u64;
        self.equity = equity;
    }

    #[inline(always)]
    fn fall_to(&mut self, equity: f64) {
        if equity < self.trough {
            self.trough = equity;
        }
    }

    /// Goes through equities one by one, behind others of which the lowest is known; answers the peak.
    #[inline(never)]
    fn walk(&mut self, equities: &[f64], ts_ns: &[i64], lowest: f64) -> f64 {
        self.fall_to(lowest);
        for (equity, ts_ns) in equities.iter().zip(ts_ns) {
            if *equity > self.peak {
                self.new_peak(*equity, *ts_ns);
            } else {
                self.fall_to(*equity);
            }
        }
        self.peak
    }

    /// Steps through rows one by one, for their peaks.
    #[inline(never)]
    fn walk_peaks(&mut self, quiet: Quiet, closes: &[f64], ts_ns: &[i64]) {
        for (close, ts_ns) in closes.iter().zip(ts_ns) {
            let equity = quiet.equity(*close);
            if equity > self.peak {
                self.new_peak(equity, *ts_ns);
            } else if equity < self.trough {
                self.trough = equity;
            }
        }
    }

    /// What the next sample of the day will change.
    #[inline]
    pub fn mark(&self) -> CurveMark {
        CurveMark {
            equity: self.equity,
            peak: self.peak,
            peak_ts_ns: self.peak_ts_ns,
            trough: self.trough,
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
        self.trough = mark.trough;
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

    #[inline]
    fn new_peak(&mut self, equity: f64, ts_ns: i64) {
        self.drawdown = self.max_drawdown();
        self.trough = equity;
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
        let max_drawdown = done.max_drawdown();
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
            calmar: annual_return.filter(|_| max_drawdown > 0.0).map(|growth| growth / max_drawdown),
            max_drawdown,
            max_drawdown_duration_ns: if done.steps > 0 { drawdown_duration } else { 0 },
            equity_peak: done.peak,
            exposure: if done.steps > 0 { done.exposed as f64 / done.steps as f64 } else { 0.0 },
            win_rate: trades.ratio(trades.winners),
            profit_factor: (trades.losses > 0.0).then(|| trades.profits / trades.losses),
            average_trade: trades.mean(),
            best_trade: trades.mean().map(|_| trades.best),
            worst_trade: trades.mean().map(|_| trades.worst),
            sqn: trades
                .deviation()
                .filter(|deviation| *deviation > 0.0)
                .zip(trades.mean())
                .map(|(deviation, mean)| (trades.count() as f64).sqrt() * mean / deviation),
            days_per_year,
            monthly_equity: done.monthly,
        }
    }
}
