//! A source over bars in memory: for embedders that have their own data, and for tests.

use std::collections::BTreeMap;

use super::{BarColumns, Batch, Feed, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source};
use crate::{instrument::Instrument, timeframe::Timeframe};

/// Series held in memory.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    series: BTreeMap<String, Held>,
}

#[derive(Clone, Debug)]
struct Held {
    instrument: Instrument,
    timeframe: Timeframe,
    columns: BarColumns,
    on_scale: bool,
    /// The first value that is no number, as the run is told when it opens the series.
    fault: Option<FeedError>,
}

impl MemorySource {
    /// No series yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the bars of an instrument; a later series of the same symbol replaces an earlier one.
    ///
    /// Bars must be in strictly increasing order of close time and their values finite; the run checks
    /// both.
    #[must_use]
    pub fn with(mut self, instrument: Instrument, timeframe: Timeframe, columns: BarColumns) -> Self {
        let factor = crate::math::pow_factor(instrument.price_scale);
        // On the scale: the double nearest to the scaled integer is the price itself.
        let on_scale = |prices: &[f64]| {
            prices.iter().all(|price| {
                let scaled = price * factor;
                scaled.abs() < 2_251_799_813_685_248.0
                    && crate::math::round_half_even(scaled) / factor == *price
            })
        };
        let on_scale = [&columns.open, &columns.high, &columns.low, &columns.close]
            .into_iter()
            .all(|prices| on_scale(prices));
        let fault = first_not_finite(&columns).map(|(row, found)| FeedError::Data {
            origin: instrument.symbol.clone(),
            row: Some(row as u64 + 1),
            expected: "finite prices and a finite volume".to_owned(),
            found,
        });
        let symbol = instrument.symbol.clone();
        self.series.insert(symbol, Held { instrument, timeframe, columns, on_scale, fault });
        self
    }

    fn held(&self, symbol: &str) -> Result<&Held, FeedError> {
        self.series.get(symbol).ok_or_else(|| FeedError::Unknown {
            origin: "memory".to_owned(),
            what: format!(
                "instrument `{symbol}`; there are: {}",
                self.series.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        })
    }
}

/// The first row with a value that is not finite, and which one.
fn first_not_finite(columns: &BarColumns) -> Option<(usize, String)> {
    let BarColumns { open, high, low, close, volume, .. } = columns;
    let named = [("open", open), ("high", high), ("low", low), ("close", close), ("volume", volume)];
    let first = |(name, values): (&str, &[f64])| {
        let row = values.iter().position(|value| !value.is_finite())?;
        Some((row, format!("{name} {}", values[row])))
    };
    named.into_iter().filter_map(|(name, values)| first((name, values))).min_by_key(|(row, _)| *row)
}

impl Source for MemorySource {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        if self.series.is_empty() {
            return Err(FeedError::Empty {
                origin: "memory".to_owned(),
                what: "add a series first".to_owned(),
            });
        }
        Ok(self.series.values().map(|held| held.instrument.clone()).collect())
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        let held = self.held(symbol)?;
        let ts = &held.columns.ts_close_ns;
        Ok(vec![SeriesInfo {
            symbol: symbol.to_owned(),
            kind: SeriesKind::BAR,
            timeframe: held.timeframe,
            rows: Some(ts.len() as u64),
            span_ns: ts.first().copied().zip(ts.last().copied()),
            prices_on_scale: held.on_scale,
            data_hash: None,
            notes: Vec::new(),
        }])
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let held = self.held(&request.symbol)?;
        if held.timeframe != request.timeframe || request.kind != SeriesKind::BAR {
            return Err(FeedError::Unknown {
                origin: "memory".to_owned(),
                what: format!("series {} {} {}", request.symbol, request.kind, request.timeframe),
            });
        }
        if let Some(fault) = &held.fault {
            return Err(fault.clone());
        }
        let first =
            request.from_ns.map_or(0, |from| held.columns.ts_open_ns.partition_point(|ts| *ts < from));
        let end = request
            .to_ns
            .map_or(held.columns.len(), |to| held.columns.ts_close_ns.partition_point(|ts| *ts <= to));
        if end <= first {
            return Err(FeedError::Empty {
                origin: request.symbol.clone(),
                what: "no bar lies in the asked span".to_owned(),
            });
        }
        Ok(Box::new(MemoryFeed { columns: held.columns.slice(first, end - first), next: 0 }))
    }
}

struct MemoryFeed {
    columns: BarColumns,
    next: usize,
}

impl Feed for MemoryFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        let rows = rows_max.min(self.columns.len() - self.next);
        if rows == 0 {
            return Ok(Pull::End);
        }
        let lead = lead.min(self.next);
        let columns = self.columns.slice(self.next - lead, lead + rows);
        self.next += rows;
        Ok(Pull::Rows(Batch { columns, lead }))
    }
}
