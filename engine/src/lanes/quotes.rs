//! What a fill costs depends on the bar, the terms and how much is traded, not on who trades: lanes of
//! the same terms work it out once for all of them.

use super::account::Terms;
use crate::money::Money;

/// What it takes to trade so many lots on a bar.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quote {
    /// Lots bought (sold: below zero). None of them: there is no quote.
    pub(super) lots: i64,
    /// The part of them that closes a position.
    pub(super) closing: i64,
    pub(super) notional: i64,
    /// The notional of what closes.
    pub(super) closing_notional: i64,
    pub(super) fee: i64,
    /// The part of the fee that falls on what closes.
    pub(super) closing_fee: i64,
}

impl Quote {
    /// At this price; `None` where that leaves 64 bits.
    pub(super) fn new(terms: &Terms, price: i64, lots: i64, closing: i64) -> Option<Self> {
        let part = |lots: i64| price.checked_mul(lots)?.checked_mul(terms.unit);
        let notional = part(lots)?;
        let fee = i64::try_from(terms.fees.commission(Money(i128::from(notional)))?.0).ok()?;
        let closing_fee = if closing == 0 { 0 } else { part_of(fee, closing, lots) };
        Some(Self { lots, closing, notional, closing_notional: part(closing)?, fee, closing_fee })
    }
}

/// The part of a fee that falls on `closing` of `lots`, rounded half-even once.
fn part_of(fee: i64, closing: i64, lots: i64) -> i64 {
    if closing == lots {
        return fee;
    }
    // A whole position that turns into its mirror image: the halves are equal, or a unit apart.
    if lots == closing.wrapping_mul(2) {
        let half = fee.div_euclid(2);
        return half + i64::from(fee.rem_euclid(2) == 1 && half & 1 == 1);
    }
    let product = i128::from(fee) * i128::from(closing.unsigned_abs());
    // The part of a fee that fits 64 bits fits them, too.
    crate::money::div_half_even(product, i128::from(lots.unsigned_abs())) as i64
}

/// Which rows and terms quotes are for: the frame's number, the series in it, the terms.
pub(super) type Market = (u64, u32, u32);

/// The latest quote to buy and to sell at each row of a frame.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    market: Option<Market>,
    rows: Vec<[Quote; 2]>,
}

impl Quotes {
    /// Holds quotes for `rows` rows of this market; those for another are forgotten.
    pub(super) fn open(&mut self, market: Market, rows: usize) {
        if self.market != Some(market) {
            self.market = Some(market);
            self.rows.clear();
            self.rows.resize(rows, [Quote::default(); 2]);
        }
    }

    /// The quote for these lots at a row, made by `make` where nobody asked for it before.
    #[inline(always)]
    pub(super) fn get(
        &mut self,
        row: usize,
        (lots, closing): (i64, i64),
        make: impl FnOnce() -> Option<Quote>,
    ) -> Option<&Quote> {
        let quote = &mut self.rows[row][usize::from(lots > 0)];
        if (quote.lots, quote.closing) != (lots, closing) {
            *quote = make()?;
        }
        Some(quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_asked_for_once_per_market_row_side_and_quantity() {
        let mut quotes = Quotes::default();
        let mut asked = Vec::new();
        let mut ask = |market: Market, row: usize, lots: i64, closing: i64| {
            quotes.open(market, 4);
            let quote = quotes.get(row, (lots, closing), || {
                asked.push((market, row, lots, closing));
                Some(Quote { lots, closing, notional: lots * 10 + row as i64, ..Quote::default() })
            });
            assert_eq!(quote.map(|quote| quote.notional), Some(lots * 10 + row as i64));
        };
        let (here, there) = ((1, 0, 0), (1, 0, 1));
        let questions = [
            (here, 0, 2, 1),
            (here, 0, -2, -1),
            (here, 0, 2, 1),
            (here, 1, 2, 1),
            (here, 0, 1, 0),
            (here, 0, 2, 2),
            (there, 0, 2, 2),
            (here, 0, -2, -1),
        ];
        questions.iter().for_each(|(market, row, lots, closing)| ask(*market, *row, *lots, *closing));
        // All but the third.
        assert_eq!(asked.len(), questions.len() - 1);
        assert!(quotes.get(3, (1, 0), || None).is_none());
        assert!(quotes.get(3, (1, 0), || Some(Quote { lots: 1, ..Quote::default() })).is_some());
    }
}
