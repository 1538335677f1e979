//! Statistics over round trips.

use super::ledger::LedgerError;
use crate::{money::Money, record::Trade};

/// Round trips as they close.
#[derive(Clone, Copy, Debug, Default)]
pub struct TradeStatistics {
    count: u64,
    /// Sum of the squares of profits.
    squares: f64,
    pub(super) winners: u64,
    pub(super) profits: f64,
    pub(super) losses: f64,
    pub(super) best: f64,
    pub(super) worst: f64,
    realized: Money,
}

impl TradeStatistics {
    /// Takes a round trip.
    ///
    /// # Errors
    /// When the sum of profits leaves the range of money; the statistics are then as they were.
    pub fn add(&mut self, trade: &Trade) -> Result<(), LedgerError> {
        self.add_pnl(trade.pnl)
    }

    /// Takes a round trip by its profit after fees.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_pnl(&mut self, exact: Money) -> Result<(), LedgerError> {
        self.realized = self.realized.checked_add(exact).ok_or(LedgerError)?;
        let pnl = exact.to_f64();
        let is_first = self.count == 0;
        self.count += 1;
        self.squares += pnl * pnl;
        self.best = if is_first { pnl } else { self.best.max(pnl) };
        self.worst = if is_first { pnl } else { self.worst.min(pnl) };
        // Nobody can foretell which: adding nothing is cheaper than a wrong guess.
        let is_winner = exact > Money::ZERO;
        self.winners += u64::from(is_winner);
        self.profits += if is_winner { pnl } else { 0.0 };
        self.losses -= if is_winner { 0.0 } else { pnl };
        Ok(())
    }

    /// Round trips so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean profit after fees; `None` without one.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.realized.to_f64() / self.count as f64)
    }

    /// The standard deviation of their profits over n - 1. The mean is exact, so that little is lost to
    /// the difference of squares unless profits hardly differ at all.
    pub(super) fn deviation(&self) -> Option<f64> {
        let mean = self.mean().filter(|_| self.count > 1)?;
        let squares = self.squares - self.count as f64 * mean * mean;
        Some((squares.max(0.0) / (self.count - 1) as f64).sqrt())
    }

    /// Those with a profit after fees.
    pub fn winners(&self) -> u64 {
        self.winners
    }

    /// Their profit after fees, exact.
    pub fn realized(&self) -> Money {
        self.realized
    }

    pub(super) fn ratio(&self, part: u64) -> Option<f64> {
        (self.count > 0).then(|| part as f64 / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{instrument::InstrumentId, order::Side};

    fn earning(pnl: Money) -> Trade {
        Trade {
            strategy: 0,
            instrument: InstrumentId(0),
            side: Side::Buy,
            lots: 1,
            entry_ts_ns: 0,
            exit_ts_ns: 1,
            entry_value: Money::ZERO,
            exit_value: Money::ZERO,
            fees: Money::ZERO,
            pnl,
        }
    }

    #[test]
    fn profits_beyond_the_range_are_an_error_and_never_wrap() {
        for (sign, end) in [(1, i128::MAX), (-1, i128::MIN)] {
            let mut statistics = TradeStatistics::default();
            statistics.add(&earning(Money(end))).unwrap();
            assert_eq!(statistics.add(&earning(Money(sign))), Err(LedgerError));
            assert_eq!((statistics.count(), statistics.realized()), (1, Money(end)));
        }
    }
}
