//! The catalog as the place where an import goes.

use barhive_engine::{
    data::{BarColumns, FeedError, SeriesInfo, SeriesKind},
    instrument::{Currency, Instrument},
    timeframe::Timeframe,
};
use barhive_feeds::import::ImportSink;
use barhive_store::{Catalog, CatalogWriter, SeriesFacts, StoreError};

/// Writes what an import lets through; a series is replaced once its last row is on disk.
pub(super) struct CatalogSink<'c> {
    catalog: &'c Catalog,
    /// How the rows were imported, kept with each series.
    import: serde_json::Value,
    open: Vec<(SeriesKind, CatalogWriter)>,
}

impl<'c> CatalogSink<'c> {
    pub(super) fn new(catalog: &'c Catalog, import: serde_json::Value) -> Self {
        Self { catalog, import, open: Vec::new() }
    }
}

impl ImportSink for CatalogSink<'_> {
    fn begin(&mut self, symbol: &str, timeframe: Timeframe, kinds: &[SeriesKind]) -> Result<(), FeedError> {
        // The instrument is known when its last row is: until then a stand-in holds its place.
        let currency = Currency::new("USD").map_err(|what| io(symbol, what))?;
        let stand_in = Instrument::new(symbol, 0, currency);
        self.open.clear();
        for kind in kinds {
            let facts = SeriesFacts { import: self.import.clone(), ..SeriesFacts::default() };
            let writer = self.catalog.writer(stand_in.clone(), *kind, timeframe, facts);
            self.open.push((*kind, writer.map_err(|error| fault(symbol, &error))?));
        }
        Ok(())
    }

    fn rows(&mut self, kind: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        let Some((_, writer)) = self.open.iter_mut().find(|(open, _)| *open == kind) else { return Ok(()) };
        writer.append(rows).map_err(|error| fault("catalog", &error))
    }

    fn end(&mut self, instrument: &Instrument, series: &[SeriesInfo]) -> Result<(), FeedError> {
        for (kind, mut writer) in self.open.drain(..) {
            let told = |error: &StoreError| fault(&instrument.symbol, error);
            writer.set_instrument(instrument.clone()).map_err(|error| told(&error))?;
            if let Some(info) = series.iter().find(|info| info.kind == kind) {
                let facts = writer.facts_mut();
                facts.prices_on_scale = info.prices_on_scale;
                facts.notes.clone_from(&info.notes);
            }
            writer.finish().map_err(|error| told(&error))?;
        }
        Ok(())
    }
}

fn fault(origin: &str, error: &StoreError) -> FeedError {
    io(origin, error.to_string())
}

fn io(origin: &str, what: String) -> FeedError {
    FeedError::Io { origin: origin.to_owned(), what }
}
