//! The synthetic market as a source.

use std::sync::Arc;

use barhive_engine::{
    data::{
        BarColumns, BarColumnsBuilder, Batch, Feed, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest,
        Source,
    },
    instrument::Instrument,
    registry::FeedContext,
};

use super::{SyntheticParams, grid::Grid, walk::Walk};
use crate::{
    resolve::layout_error,
    source::{empty_span, span},
};

/// Bars generated at a time; pulls are views of them.
const CHUNK_ROWS: usize = 8_192;

/// A synthetic market. Nothing of it is kept: each feed generates its bars anew.
#[derive(Clone, Debug)]
pub struct SyntheticSource {
    params: SyntheticParams,
    start_ns: i64,
    /// Symbols with the index of their stream, sorted.
    symbols: Vec<(String, u64)>,
}

impl SyntheticSource {
    /// A market of these parameters.
    ///
    /// # Errors
    /// All that is wrong with the parameters.
    pub fn open(params: SyntheticParams, _: &FeedContext) -> Result<Self, FeedError> {
        Self::new(params)
    }

    /// A market of these parameters.
    ///
    /// # Errors
    /// All that is wrong with the parameters.
    pub fn new(params: SyntheticParams) -> Result<Self, FeedError> {
        let start_ns = params.check()?;
        let mut symbols: Vec<(String, u64)> = params.names().into_iter().zip(0..).collect();
        symbols.sort();
        Ok(Self { params, start_ns, symbols })
    }

    fn index_of(&self, symbol: &str) -> Result<u64, FeedError> {
        let found = self.symbols.binary_search_by(|(known, _)| known.as_str().cmp(symbol));
        found.map(|at| self.symbols[at].1).map_err(|_| {
            let known: Vec<&str> = self.symbols.iter().take(20).map(|(known, _)| known.as_str()).collect();
            let more = if self.symbols.len() > known.len() { ", ..." } else { "" };
            let what = format!("instrument {symbol}; there are {}{more}", known.join(", "));
            FeedError::Unknown { origin: "synthetic".into(), what }
        })
    }
}

impl Source for SyntheticSource {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        let instrument = |(symbol, _): &(String, u64)| {
            let scale = self.params.price_scale();
            let instrument = self.params.instrument.instrument(symbol, scale);
            instrument.map_err(|faults| layout_error("synthetic", &faults))
        };
        self.symbols.iter().map(instrument).collect()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.index_of(symbol)?;
        let params = &self.params;
        let regular = params.missing == 0.0 && params.instrument.calendar.is_none();
        let last_close_ns = i64::try_from(params.bars)
            .ok()
            .and_then(|bars| params.timeframe.ns().checked_mul(bars)?.checked_add(self.start_ns));
        Ok(vec![SeriesInfo {
            symbol: symbol.to_owned(),
            kind: SeriesKind::BAR,
            timeframe: params.timeframe,
            rows: Some(params.bars),
            span_ns: last_close_ns
                .filter(|_| regular)
                .map(|last| (self.start_ns + params.timeframe.ns(), last)),
            prices_on_scale: true,
            data_hash: None,
            notes: vec![format!("generated data, seed {}", params.seed)],
        }])
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let index = self.index_of(&request.symbol)?;
        if request.kind != SeriesKind::BAR || request.timeframe != self.params.timeframe {
            let what = format!(
                "series {} {} {}; there is {} {}",
                request.symbol,
                request.timeframe,
                request.kind,
                self.params.timeframe,
                SeriesKind::BAR
            );
            return Err(FeedError::Unknown { origin: "synthetic".into(), what });
        }
        let calendar = self.params.instrument.calendar.clone().map(Arc::new);
        let mut feed = SyntheticFeed {
            walk: Walk::new(&self.params, index),
            grid: Grid::new(self.params.timeframe, calendar, self.start_ns),
            left: self.params.bars,
            request: request.clone(),
            rows: BarColumns::empty(),
            at: 0,
        };
        feed.generate()?;
        if feed.rows.is_empty() {
            return Err(empty_span("synthetic", request));
        }
        Ok(Box::new(feed))
    }
}

struct SyntheticFeed {
    walk: Walk,
    grid: Grid,
    left: u64,
    request: SeriesRequest,
    rows: BarColumns,
    at: usize,
}

impl SyntheticFeed {
    /// Generates until there is a bar in the asked span, or no further one can be.
    fn generate(&mut self) -> Result<(), FeedError> {
        while self.at == self.rows.len() && self.left > 0 {
            let count = usize::try_from(self.left).unwrap_or(CHUNK_ROWS).min(CHUNK_ROWS);
            let mut out = BarColumnsBuilder::with_capacity(count);
            while out.len() < count {
                let Some(span) = self.grid.next() else {
                    return Err(FeedError::Data {
                        origin: "synthetic".into(),
                        row: None,
                        expected: format!("room for {} more bars", self.left),
                        found:
                            "the end of time (the year 2262), or a calendar without sessions; ask for fewer \
                                bars"
                                .into(),
                    });
                };
                if let Some(bar) = self.walk.next(span) {
                    out.push(&bar);
                }
            }
            self.left -= count as u64;
            if let (Some(to), Some(last)) = (self.request.to_ns, out.ts_close_ns.last())
                && *last > to
            {
                self.left = 0;
            }
            self.rows = span(&out.finish(), self.request.from_ns, self.request.to_ns);
            self.at = 0;
        }
        Ok(())
    }
}

impl Feed for SyntheticFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        if let Err(fault) = self.generate() {
            self.left = 0;
            return Err(fault);
        }
        let count = rows_max.max(1).min(self.rows.len() - self.at);
        if count == 0 {
            return Ok(Pull::End);
        }
        let lead = lead.min(self.at);
        let columns = self.rows.slice(self.at - lead, lead + count);
        self.at += count;
        Ok(Pull::Rows(Batch { columns, lead }))
    }
}
