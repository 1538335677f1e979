//! The ledger: cash and positions, exact. Cost basis is stored, average price derived.

use crate::{
    container::PositionView,
    money::{Money, div_half_even},
    order::Side,
};

/// A posting left the range of the ledger's numbers; the container ends in error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount or a quantity is too large for the ledger")]
pub struct LedgerError;

/// One fill as the ledger takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Flat index of the position.
    pub position: usize,
    /// Lots, signed.
    pub lots: i64,
    /// Price x lots, signed like `lots`.
    pub notional: Money,
    /// Commission.
    pub fee: Money,
    /// The step, UTC nanoseconds.
    pub ts_ns: i64,
}

/// The part of a position that a posting closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The side that was held.
    pub side: Side,
    /// Lots, positive.
    pub lots: i64,
    /// Step of the first fill that opened it.
    pub entry_ts_ns: i64,
    /// What the lots cost to open; positive.
    pub entry_value: Money,
    /// What closing them brought; positive.
    pub exit_value: Money,
    /// Commission of both ends.
    pub fees: Money,
    /// Profit after fees.
    pub pnl: Money,
}

/// What a position remembers beyond what strategies see.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    ts_ns: i64,
    fees: Money,
}

/// The ledger's numbers before a posting on trial.
#[derive(Clone, Copy, Debug)]
pub struct LedgerMark {
    position: usize,
    cash: Money,
    fees: Money,
    cost: Money,
    gross: Money,
    opening: Opening,
}

/// Cash and positions of one account.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Cash.
    pub cash: Money,
    /// Commission paid so far.
    pub fees: Money,
    /// Sum of the cost bases, signed: with cash, the book equity.
    cost: Money,
    /// Sum of their magnitudes.
    gross: Money,
    openings: Vec<Opening>,
}

impl Ledger {
    /// A ledger with `positions` positions, all flat.
    pub fn new(cash: Money, positions: usize) -> Self {
        Self {
            cash,
            fees: Money::ZERO,
            cost: Money::ZERO,
            gross: Money::ZERO,
            openings: vec![Opening::default(); positions],
        }
    }

    /// Cash plus what the open positions cost: equity without unrealised profit.
    pub fn book_equity(&self) -> Money {
        self.cash + self.cost
    }

    /// What the open positions cost, long and short alike.
    pub fn gross(&self) -> Money {
        self.gross
    }

    /// Fees paid to open what is open in a position.
    pub fn open_fees(&self, position: usize) -> Money {
        self.openings[position].fees
    }

    /// What a posting to a position would change, to take it back with [`Self::restore`].
    pub fn mark(&self, position: usize) -> LedgerMark {
        LedgerMark {
            position,
            cash: self.cash,
            fees: self.fees,
            cost: self.cost,
            gross: self.gross,
            opening: self.openings[position],
        }
    }

    /// Takes back everything posted to the marked position since; the caller puts its view back.
    pub fn restore(&mut self, mark: LedgerMark) {
        self.cash = mark.cash;
        self.fees = mark.fees;
        self.cost = mark.cost;
        self.gross = mark.gross;
        self.openings[mark.position] = mark.opening;
    }

    /// Posts a fill. The notional is the same number on both legs: cash pays what the position costs.
    ///
    /// Where a fill closes more than it finds, the rest opens the other side; notional and fee are
    /// split by lots, half-even, the rest to the opening part. Answers what was closed.
    ///
    /// # Errors
    /// When a number leaves its range; the ledger is then not to be used any more.
    pub fn post(
        &mut self,
        posting: &Posting,
        view: &mut PositionView,
    ) -> Result<Option<Closed>, LedgerError> {
        let Posting { position, lots, notional, fee, ts_ns } = *posting;
        let opening = &mut self.openings[position];
        let held = view.lots;
        let after = held.checked_add(lots).ok_or(LedgerError)?;
        self.cash = self.cash.checked_sub(notional).and_then(|c| c.checked_sub(fee)).ok_or(LedgerError)?;
        self.fees = self.fees.checked_add(fee).ok_or(LedgerError)?;
        let cost_before = view.cost;
        let mut closed = None;
        if held == 0 || (held > 0) == (lots > 0) {
            if held == 0 {
                *opening = Opening { ts_ns, fees: Money::ZERO };
            }
            view.cost = cost_before.checked_add(notional).ok_or(LedgerError)?;
            opening.fees = opening.fees.checked_add(fee).ok_or(LedgerError)?;
        } else {
            let closing = lots.unsigned_abs().min(held.unsigned_abs()) as i64;
            let part = |amount: Money, of: i64| -> Result<Money, LedgerError> {
                if closing == of {
                    return Ok(amount);
                }
                let product = amount.0.checked_mul(i128::from(closing)).ok_or(LedgerError)?;
                Ok(Money(div_half_even(product, i128::from(of))))
            };
            let (held_abs, lots_abs) =
                (held.checked_abs().ok_or(LedgerError)?, lots.checked_abs().ok_or(LedgerError)?);
            let cost_closed = part(cost_before, held_abs)?;
            let fees_in = part(opening.fees, held_abs)?;
            let notional_out = part(notional, lots_abs)?;
            let fees_out = part(fee, lots_abs)?;
            let fees = fees_in + fees_out;
            // Selling brings -notional, and it had cost cost_closed (both signed).
            let brought = notional_out.checked_add(cost_closed).and_then(|sum| sum.checked_add(fees));
            let pnl = -brought.ok_or(LedgerError)?;
            closed = Some(Closed {
                side: Side::of(held),
                lots: closing,
                entry_ts_ns: opening.ts_ns,
                entry_value: cost_closed.abs(),
                exit_value: notional_out.abs(),
                fees,
                pnl,
            });
            if closing == held_abs {
                view.cost = notional - notional_out;
                *opening = Opening { ts_ns, fees: fee - fees_out };
            } else {
                view.cost = cost_before - cost_closed;
                opening.fees -= fees_in;
            }
        }
        view.lots = after;
        let change = view.cost.checked_sub(cost_before).ok_or(LedgerError)?;
        self.cost = self.cost.checked_add(change).ok_or(LedgerError)?;
        self.gross = self.gross.checked_add(view.cost.abs() - cost_before.abs()).ok_or(LedgerError)?;
        Ok(closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn posting(lots: i64, price: i64, fee: i128) -> Posting {
        let notional = Money(i128::from(lots) * i128::from(price) * 1_000);
        Posting { position: 0, lots, notional, fee: Money(fee), ts_ns: 1 }
    }

    #[test]
    fn a_reversal_closes_one_trade_and_opens_another() {
        let (mut ledger, mut view) = (Ledger::new(Money::from_units(1_000), 1), PositionView::default());
        assert_eq!(ledger.post(&posting(1, 100, 10), &mut view), Ok(None));
        let closed = ledger.post(&posting(-2, 110, 21), &mut view).unwrap().unwrap();
        assert_eq!((closed.side, closed.lots), (Side::Buy, 1));
        // 21 split over two lots: 10.5 to each, ties to even: 10 to the closing part.
        assert_eq!(closed.fees, Money(20));
        assert_eq!(closed.pnl, Money(10_000 - 20));
        assert_eq!(view, PositionView { lots: -1, cost: Money(-110_000) });
        assert_eq!(ledger.open_fees(0), Money(11));
    }

    #[test]
    fn a_reversal_beyond_the_range_is_an_error_and_never_wraps() {
        let huge = i128::MAX / 5 * 4;
        let (mut ledger, mut view) = (Ledger::new(Money(-huge), 1), PositionView::default());
        let short = Posting { position: 0, lots: -1, notional: Money(-huge), fee: Money::ZERO, ts_ns: 1 };
        assert_eq!(ledger.post(&short, &mut view), Ok(None));
        // The cost would go from -0.8 to 0.8 of the range at once.
        let long = Posting { lots: i64::MAX, notional: Money(huge), ..short };
        assert_eq!(ledger.post(&long, &mut view), Err(LedgerError));
    }

    proptest! {
        #[test]
        fn no_money_is_made_or_lost_by_posting(
            fills in proptest::collection::vec((-9i64..=9, 1i64..10_000, 0i128..100), 1..60)
        ) {
            let start = Money::from_units(1_000_000);
            let (mut ledger, mut view) = (Ledger::new(start, 1), PositionView::default());
            let (mut realised, mut fees) = (Money::ZERO, Money::ZERO);
            for (lots, price, fee) in fills {
                if lots == 0 {
                    continue;
                }
                fees += Money(fee);
                if let Some(closed) = ledger.post(&posting(lots, price, fee), &mut view).unwrap() {
                    realised += closed.pnl;
                }
                // Cash = start + realised - cost of what is open - fees paid for it.
                prop_assert_eq!(ledger.cash, start + realised - view.cost - ledger.open_fees(0));
                prop_assert_eq!(ledger.fees, fees);
                prop_assert_eq!(ledger.gross(), view.cost.abs());
                prop_assert_eq!(ledger.book_equity(), ledger.cash + view.cost);
                prop_assert_eq!(view.lots == 0, view.cost == Money::ZERO);
            }
        }
    }
}
