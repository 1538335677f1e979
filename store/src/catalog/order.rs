//! The order of rows that everything else relies on.

use barhive_engine::{data::BarColumns, time::format_utc};

use crate::StoreError;

/// Checks that each row closes after the one before it, opens no earlier than that one opened, and
/// opens before it closes: what searching by time needs.
#[derive(Clone, Debug)]
pub(crate) struct RowOrder {
    series: String,
    rows: u64,
    /// Open and close time of the last row.
    last: Option<(i64, i64)>,
}

impl RowOrder {
    /// Before the first row of `series`.
    pub(crate) fn new(series: String) -> Self {
        Self { series, rows: 0, last: None }
    }

    /// After `rows` rows of which the last opened and closed at these times.
    pub(crate) fn after(series: String, rows: u64, last: Option<(i64, i64)>) -> Self {
        Self { series, rows, last }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn last_close_ns(&self) -> Option<i64> {
        self.last.map(|(_, close)| close)
    }

    /// Whether all of `columns` may come next.
    pub(crate) fn check(&self, columns: &BarColumns) -> Result<(), StoreError> {
        let rows = columns.len();
        let lengths = [
            columns.ts_open_ns.len(),
            columns.open.len(),
            columns.high.len(),
            columns.low.len(),
            columns.close.len(),
            columns.volume.len(),
        ];
        if lengths.iter().any(|len| *len != rows) {
            return Err(StoreError::Refused {
                subject: self.series.clone(),
                what: format!("expected columns of {rows} rows, found {lengths:?}"),
            });
        }
        let mut last = self.last;
        for (at, (open, close)) in columns.ts_open_ns.iter().zip(&columns.ts_close_ns[..]).enumerate() {
            let follows =
                last.is_none_or(|(last_open, last_close)| *close > last_close && *open >= last_open);
            if open >= close || !follows {
                return Err(self.fault(at, *open, *close, last));
            }
            last = Some((*open, *close));
        }
        Ok(())
    }

    /// Counts rows that were checked and stored.
    pub(crate) fn advance(&mut self, columns: &BarColumns) {
        self.rows += columns.len() as u64;
        let last = columns.ts_open_ns.last().zip(columns.ts_close_ns.last());
        self.last = last.map(|(open, close)| (*open, *close)).or(self.last);
    }

    fn fault(&self, at: usize, open: i64, close: i64, last: Option<(i64, i64)>) -> StoreError {
        let (open_text, close_text) = (format_utc(open), format_utc(close));
        let (expected, found) = match last {
            _ if open >= close => (
                format!("a bar that closes after it opened at {open_text}"),
                format!("a close at {close_text}"),
            ),
            Some((_, last_close)) if close <= last_close => (
                format!("a close time after {}, when the bar before it closed", format_utc(last_close)),
                close_text,
            ),
            Some((last_open, _)) => (
                format!("an open time not before {}, when the bar before it opened", format_utc(last_open)),
                open_text,
            ),
            None => ("a bar".to_owned(), open_text),
        };
        StoreError::Order { series: self.series.clone(), row: self.rows + at as u64 + 1, expected, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::data::Bar;

    fn bars(times: &[(i64, i64)]) -> BarColumns {
        let bars: Vec<_> = times
            .iter()
            .map(|(open, close)| Bar {
                ts_open_ns: *open,
                ts_close_ns: *close,
                open: 1.0,
                high: 1.0,
                low: 1.0,
                close: 1.0,
                volume: 0.0,
            })
            .collect();
        BarColumns::from_bars(&bars)
    }

    #[test]
    fn rows_out_of_order_are_refused_by_row() {
        let mut order = RowOrder::new("X bar 1m".into());
        order.check(&bars(&[(0, 10), (10, 20)])).unwrap();
        order.advance(&bars(&[(0, 10), (10, 20)]));
        for (times, row, text) in [
            (vec![(20, 30), (20, 30)], 4, "close time after"),
            (vec![(15, 20)], 3, "close time after"),
            (vec![(9, 30)], 3, "open time not before"),
            (vec![(30, 30)], 3, "closes after it opened"),
        ] {
            let error = order.check(&bars(&times)).unwrap_err();
            assert!(matches!(error, StoreError::Order { row: found, .. } if found == row), "{error}");
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(order.rows(), 2);
        }
        order.check(&bars(&[(20, 30)])).unwrap();
    }

    #[test]
    fn columns_of_unequal_length_are_refused() {
        let mut columns = bars(&[(0, 10), (10, 20)]);
        columns.volume = columns.volume.slice(0, 1);
        assert!(RowOrder::new("X".into()).check(&columns).unwrap_err().to_string().contains("2 rows"));
    }
}
