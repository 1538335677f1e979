//! A lane's account: the ledger in 64 bits. Where that is not enough, or anything out of the ordinary
//! happens, the lane gives up, and its variant is run as a container.

use fearless_simd::Level;

use super::quotes::Quote;
use crate::{
    container::Quiet,
    execution::Digest,
    instrument::{FeeSchedule, Scales},
    money::Money,
    portfolio::{Curve, TradeStatistics, Turn},
    sweep::Evaluation,
};

/// What every lane of a group has in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    pub(super) scales: Scales,
    pub(super) fees: FeeSchedule,
    /// Money of one price unit times one lot.
    pub(super) unit: i64,
    pub(super) leverage_max: i64,
}

/// A lane gives up: its variant is to be run as a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GivesUp;

/// One account with one position.
#[derive(Clone, Debug)]
pub(super) struct LaneAccount {
    cash: i64,
    fees: i64,
    lots: i64,
    /// What the position cost, without fees, signed like it.
    cost: i64,
    /// Fees paid to open it.
    opening_fees: i64,
    quiet: Quiet,
    pub(super) curve: Curve,
    digest: Digest,
    trades: TradeStatistics,
    pub(super) orders: u64,
    fills: u64,
}

impl LaneAccount {
    /// An account with this much cash; `None` when that leaves 64 bits.
    pub(super) fn new(cash: Money) -> Option<Self> {
        let start = cash.to_f64();
        Some(Self {
            cash: i64::try_from(cash.0).ok()?,
            fees: 0,
            lots: 0,
            cost: 0,
            opening_fees: 0,
            quiet: Quiet { cash: start, exposure: 0.0 },
            curve: Curve::new(start),
            digest: Digest::default(),
            trades: TradeStatistics::default(),
            orders: 0,
            fills: 0,
        })
    }

    /// What equity is made of.
    pub(super) fn quiet(&self) -> Quiet {
        self.quiet
    }

    /// Rows pass, the last with this close: they are sampled when the frame is.
    #[inline]
    pub(super) fn pass_rows(&mut self, rows: usize, close: f64) {
        self.curve.pass_rows(rows, self.quiet.equity(close));
        self.digest.pass_steps(rows as u64);
    }

    /// Samples a frame's rows, what equity is made of changing at `turns`; it began with `quiet`.
    #[inline]
    pub(super) fn sample(
        &mut self,
        level: Level,
        quiet: Quiet,
        closes: &[f64],
        ts_ns: &[i64],
        turns: &[Turn],
    ) {
        let mut sums = self.digest.take_equity();
        self.curve.sample_frame(level, quiet, closes, ts_ns, turns, &mut sums);
        self.digest.put_equity(sums, 0);
    }

    /// What it must trade to hold `target` lots, and the part of that which closes what it holds.
    #[inline(always)]
    pub(super) fn trade_to(&self, target: i64) -> (i64, i64) {
        (target.wrapping_sub(self.lots), self.lots.wrapping_neg())
    }

    /// Brings the position to `target` lots: what [`crate::portfolio::Ledger::post`] does, in 64 bits, for
    /// a fill that opens, closes or turns a whole position. What equity is made of from `row` on is added
    /// to `turns`.
    #[inline(never)]
    pub(super) fn fill(
        &mut self,
        terms: &Terms,
        target: i64,
        quote: &Quote,
        row: usize,
        turns: &mut Vec<Turn>,
    ) -> Result<(), GivesUp> {
        let Quote { lots, closing, notional, closing_notional, fee, closing_fee } = *quote;
        debug_assert_eq!((lots, closing), self.trade_to(target));
        let cash = self.cash.checked_sub(notional).and_then(|cash| cash.checked_sub(fee)).ok_or(GivesUp)?;
        let fees = self.fees.checked_add(fee).ok_or(GivesUp)?;
        if closing != 0 {
            // The part that closes is the whole of what was held.
            let pnl = closing_notional
                .checked_add(self.cost)
                .and_then(|sum| sum.checked_add(self.opening_fees))
                .and_then(|sum| sum.checked_add(closing_fee))
                .and_then(i64::checked_neg);
            let pnl = Money(i128::from(pnl.ok_or(GivesUp)?));
            self.trades.add_pnl(pnl).map_err(|_| GivesUp)?;
        }
        let cost = notional.checked_sub(closing_notional).ok_or(GivesUp)?;
        let opening_fees = fee - closing_fee;
        if target != 0 {
            // What opens must be within the buying power.
            let allowed = (i128::from(cash) + i128::from(cost)) * i128::from(terms.leverage_max);
            if i128::from(cost).abs() > allowed {
                return Err(GivesUp);
            }
        }
        (self.cash, self.fees, self.cost, self.opening_fees) = (cash, fees, cost, opening_fees);
        self.lots = target;
        self.fills += 1;
        let exact = Money(i128::from(cash));
        self.digest.set_cash(exact);
        self.digest.move_position(0, lots);
        self.curve.set_exposed(target != 0);
        self.quiet = Quiet { cash: exact.to_f64(), exposure: terms.scales.exposure(target) };
        turns.push(Turn { row, quiet: self.quiet });
        Ok(())
    }

    /// The figures at the end, with the last close.
    pub(super) fn finish(
        mut self,
        terms: &Terms,
        close: f64,
        last_ts_ns: i64,
        days_per_year: f64,
    ) -> Result<Evaluation, GivesUp> {
        self.curve.end_span(last_ts_ns);
        let price = terms.scales.price_from_f64(close).ok_or(GivesUp)?;
        let value = price.checked_mul(self.lots).and_then(|product| product.checked_mul(terms.unit));
        let equity = self.cash.checked_add(value.ok_or(GivesUp)?).ok_or(GivesUp)?;
        let mut statistics = self.curve.finish(&self.trades, days_per_year);
        statistics.monthly_equity = Vec::new();
        Ok(Evaluation {
            digest: self.digest.short(),
            final_equity: Money(i128::from(equity)),
            fees: Money(i128::from(self.fees)),
            orders: self.orders,
            fills: self.fills,
            trades: self.trades.count(),
            statistics,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        container::PositionView,
        instrument::{Currency, Instrument},
        portfolio::{Ledger, Posting},
    };

    proptest! {
        #[test]
        fn sixty_four_bits_post_what_the_ledger_posts(
            fills in proptest::collection::vec((0usize..4, 1i64..2_000_000_000), 1..80),
            size in 1i64..50,
            rate_ppb in 0i64..20_000_000,
            fixed in 0i128..3_000_000_000,
        ) {
            let instrument = Instrument::new("X", 6, Currency::new("USD").unwrap());
            let fees = FeeSchedule { rate_ppb, fixed: Money(fixed), minimum: Money(1_000_000) };
            let terms = Terms {
                scales: instrument.scales(),
                fees,
                unit: instrument.scales().unit_i64().unwrap(),
                leverage_max: 1_000,
            };
            let start = Money::from_units(10_000_000);
            let mut account = LaneAccount::new(start).unwrap();
            let (mut ledger, mut view) = (Ledger::new(start, 1), PositionView::default());
            let mut trades = TradeStatistics::default();
            for (wish, price) in fills {
                let target = [size, -size, 0, size / 2][wish];
                let lots = target - view.lots;
                // A lane opens, closes or turns whole positions.
                if lots == 0 || (view.lots != 0 && target != 0 && (target > 0) == (view.lots > 0)) {
                    continue;
                }
                let notional = terms.scales.notional(price, lots).unwrap();
                let fee = fees.commission(notional).unwrap();
                let posting = Posting { position: 0, lots, notional, fee, ts_ns: 1 };
                if let Some(closed) = ledger.post(&posting, &mut view).unwrap() {
                    trades.add_pnl(closed.pnl).unwrap();
                }
                let (lots, closing) = account.trade_to(target);
                let quote = Quote::new(&terms, price, lots, closing).unwrap();
                prop_assert_eq!(account.fill(&terms, target, &quote, 0, &mut Vec::new()), Ok(()));
                prop_assert_eq!(Money(i128::from(account.cash)), ledger.cash);
                prop_assert_eq!(Money(i128::from(account.fees)), ledger.fees);
                prop_assert_eq!(Money(i128::from(account.cost)), view.cost);
                prop_assert_eq!(Money(i128::from(account.opening_fees)), ledger.open_fees(0));
                prop_assert_eq!(account.trades.realized(), trades.realized());
            }
        }
    }
}
