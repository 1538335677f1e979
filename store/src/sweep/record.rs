//! A variant's figures as a record of fixed width, and records turned into columns.

use barhive_engine::{money::Money, result::Statistics, sweep::Evaluation};

/// Figures that are always defined.
const PLAIN: usize = 5;
/// Figures that may be undefined.
const MAYBE: usize = 11;
/// Bit of the mask that says whether there is a span.
const SPAN_BIT: u32 = MAYBE as u32;

/// Widths of the columns in bytes: digest, final equity, fees; orders, fills, trades, steps, longest
/// drawdown, first and last step; the mask of what is defined; the figures.
const COLUMNS: [usize; 11 + PLAIN + MAYBE] =
    [16, 16, 16, 8, 8, 8, 8, 8, 8, 8, 2, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8];
/// Bytes of a record.
pub(super) const RECORD: usize = 3 * 16 + 7 * 8 + 2 + 8 * (PLAIN + MAYBE);

/// A variant's figures.
pub(super) type Record = [u8; RECORD];

/// The record of an evaluation. Its months are not kept.
pub(super) fn encode(evaluation: &Evaluation) -> Record {
    // Taken apart whole, so that a new figure cannot be forgotten here.
    let Evaluation { digest, final_equity, fees, orders, fills, trades, statistics } = evaluation;
    let Statistics {
        steps,
        span_ns,
        total_return,
        annual_return,
        annual_volatility,
        sharpe,
        sortino,
        calmar,
        max_drawdown,
        max_drawdown_duration_ns,
        equity_peak,
        exposure,
        win_rate,
        profit_factor,
        average_trade,
        best_trade,
        worst_trade,
        sqn,
        days_per_year,
        monthly_equity: _,
    } = statistics;
    let plain: [f64; PLAIN] = [*total_return, *max_drawdown, *equity_peak, *exposure, *days_per_year];
    let maybe: [Option<f64>; MAYBE] = [
        *annual_return,
        *annual_volatility,
        *sharpe,
        *sortino,
        *calmar,
        *win_rate,
        *profit_factor,
        *average_trade,
        *best_trade,
        *worst_trade,
        *sqn,
    ];
    let mask =
        maybe.iter().enumerate().fold(u16::from(span_ns.is_some()) << SPAN_BIT, |mask, (bit, figure)| {
            mask | u16::from(figure.is_some()) << bit
        });
    let (first, last) = span_ns.unwrap_or_default();
    let mut record = [0; RECORD];
    let mut rest = record.as_mut_slice();
    let mut put = |bytes: &[u8]| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        head.copy_from_slice(bytes);
        rest = tail;
    };
    put(digest);
    put(&final_equity.0.to_le_bytes());
    put(&fees.0.to_le_bytes());
    for count in [orders, fills, trades, steps] {
        put(&count.to_le_bytes());
    }
    for time in [max_drawdown_duration_ns, &first, &last] {
        put(&time.to_le_bytes());
    }
    put(&mask.to_le_bytes());
    for figure in plain.into_iter().chain(maybe.map(Option::unwrap_or_default)) {
        put(&figure.to_bits().to_le_bytes());
    }
    record
}

/// The evaluation of a record.
pub(super) fn decode(record: &Record) -> Evaluation {
    let mut rest = Fields(record);
    let digest = rest.take();
    let (final_equity, fees) = (rest.money(), rest.money());
    let (orders, fills, trades, steps) = (rest.count(), rest.count(), rest.count(), rest.count());
    let (max_drawdown_duration_ns, first, last) = (rest.time(), rest.time(), rest.time());
    let mask = u16::from_le_bytes(rest.take());
    let [total_return, max_drawdown, equity_peak, exposure, days_per_year]: [f64; PLAIN] =
        std::array::from_fn(|_| rest.figure());
    let maybe: [Option<f64>; MAYBE] = std::array::from_fn(|bit| {
        let figure = rest.figure();
        (mask >> bit & 1 == 1).then_some(figure)
    });
    let [
        annual_return,
        annual_volatility,
        sharpe,
        sortino,
        calmar,
        win_rate,
        profit_factor,
        average_trade,
        best_trade,
        worst_trade,
        sqn,
    ] = maybe;
    let statistics = Statistics {
        steps,
        span_ns: (mask >> SPAN_BIT & 1 == 1).then_some((first, last)),
        total_return,
        annual_return,
        annual_volatility,
        sharpe,
        sortino,
        calmar,
        max_drawdown,
        max_drawdown_duration_ns,
        equity_peak,
        exposure,
        win_rate,
        profit_factor,
        average_trade,
        best_trade,
        worst_trade,
        sqn,
        days_per_year,
        monthly_equity: Vec::new(),
    };
    Evaluation { digest, final_equity, fees, orders, fills, trades, statistics }
}

/// Appends the records column by column.
pub(super) fn write_columns(records: &[Record], out: &mut Vec<u8>) {
    let mut at = 0;
    for width in COLUMNS {
        for record in records {
            out.extend_from_slice(&record[at..at + width]);
        }
        at += width;
    }
}

/// Record `place` of the `count` records whose columns are `columns`.
pub(super) fn read_columns(columns: &[u8], count: usize, place: usize) -> Record {
    let mut record = [0; RECORD];
    let mut at = 0;
    for width in COLUMNS {
        let from = at * count + place * width;
        record[at..at + width].copy_from_slice(&columns[from..from + width]);
        at += width;
    }
    record
}

/// The fields of a record, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        let (head, tail) = self.0.split_at(N);
        field.copy_from_slice(head);
        self.0 = tail;
        field
    }

    fn money(&mut self) -> Money {
        Money(i128::from_le_bytes(self.take()))
    }

    fn count(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn time(&mut self) -> i64 {
        i64::from_le_bytes(self.take())
    }

    fn figure(&mut self) -> f64 {
        f64::from_bits(u64::from_le_bytes(self.take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_make_up_a_record() {
        assert_eq!(COLUMNS.iter().sum::<usize>(), RECORD);
    }
}
