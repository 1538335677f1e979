//! The end of a run: orders are taken back, and what is open is closed where that is asked for.
//!
//! An account that closes at its end samples its last step once, behind all its fills, those at a
//! deciding close and the closing ones: the sample that was taken before the strategies of that step
//! were asked is taken back first. They were asked when nobody could know that no further step would
//! come, and saw the account before its closing; curve, drawdown, exposure, digest and records know
//! only what stands after it. A drawdown limit looks at both.

use super::{
    Execution,
    canonical::Digest,
    resting::{Live, Trigger},
};
use crate::{
    order::{Cause, Quantity},
    portfolio::{CurveMark, LedgerError},
    record::Recorder,
};

/// Curve and digest as they were before the newest sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeforeSample {
    curve: CurveMark,
    digest: Digest,
}

impl Execution {
    /// The run is over: takes everything back and, where it is asked for, closes what is open at the
    /// open of the last bar.
    pub(crate) fn end(&mut self, ts_ns: i64) -> Result<(), LedgerError> {
        for market in 0..self.markets.len() {
            self.cancel_where(market, Cause::EndOfRun, ts_ns, |_| true);
        }
        let Some(before) = self.before_sample.take() else { return Ok(()) };
        self.take_back_sample(&before);
        for position in 0..self.positions.len() {
            let held = self.view.positions[position].lots;
            if held == 0 {
                continue;
            }
            let market = self.positions[position].market as usize;
            let open = self.markets[market].last_open;
            let price = self.markets[market].scales.price_from_f64(open).ok_or(LedgerError)?;
            self.rest_own(
                position,
                None,
                Quantity::Lots(-held),
                Trigger::Market,
                Live::WhileResting,
                ts_ns,
                Cause::EndOfRun,
            );
            let index = self.markets[market].resting.len() - 1;
            self.execute(market, index, price, Live::WhileResting, ts_ns)?;
            self.sweep(market);
        }
        self.sample(|| ts_ns)
    }

    /// A sample is about to be taken, which may turn out to be the last.
    #[inline(always)]
    pub(super) fn note_before_sample(&mut self) {
        if self.close_at_end {
            self.before_sample = Some(BeforeSample { curve: self.curve.mark(), digest: self.digest });
        }
    }

    fn take_back_sample(&mut self, before: &BeforeSample) {
        self.curve.restore(before.curve);
        // Fills at a deciding close came behind the sample.
        self.curve.set_exposed(self.open_positions > 0);
        self.digest.restore(&before.digest);
        if self.wants.equity {
            self.records.equity.pop();
        }
    }

    /// Gives a frame's records to `recorder`. An account that closes at its end keeps its newest
    /// equity sample to itself: it may be replaced.
    pub(crate) fn hand_over(&mut self, recorder: &mut dyn Recorder) {
        let newest = if self.close_at_end { self.records.equity.pop() } else { None };
        self.hand_over_all(recorder);
        self.records.equity.extend(newest);
    }

    /// As [`Self::hand_over`], when no further sample will come.
    pub(crate) fn hand_over_all(&mut self, recorder: &mut dyn Recorder) {
        if !self.records.is_empty() {
            recorder.record(&self.records);
            self.records.clear();
        }
    }
}
