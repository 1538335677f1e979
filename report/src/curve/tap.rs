//! Listens to a source while a run reads it, so that the page has prices without a second pass.

use std::sync::{Arc, Mutex, PoisonError};

use barhive_engine::{
    data::{Feed, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source},
    instrument::Instrument,
    timeframe::Timeframe,
};

use super::PriceCurve;

type Shared<T> = Arc<Mutex<T>>;

/// The prices of one symbol.
#[derive(Clone, Debug)]
pub struct SymbolPrices {
    /// Whose.
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: Timeframe,
    /// The prices.
    pub prices: PriceCurve,
}

struct Heard {
    symbol: String,
    timeframe: Timeframe,
    prices: Shared<PriceCurve>,
}

/// A source that passes everything on unchanged and remembers the bars of the symbols that it hears
/// first, about 50 KiB each.
///
/// Only the first opening of a series is heard: a container that runs again reads it a second time.
pub struct PriceTap {
    source: Arc<dyn Source>,
    symbols_max: usize,
    heard: Mutex<Vec<Heard>>,
}

impl PriceTap {
    /// Listens to `source` for at most `symbols_max` symbols.
    pub fn new(source: Arc<dyn Source>, symbols_max: usize) -> Arc<Self> {
        Arc::new(Self { source, symbols_max, heard: Mutex::default() })
    }

    /// What was heard so far, by symbol; of each symbol the finest timeframe that had bars.
    pub fn prices(&self) -> Vec<SymbolPrices> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = heard
            .iter()
            .map(|series| SymbolPrices {
                symbol: series.symbol.clone(),
                timeframe: series.timeframe,
                prices: series.prices.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            })
            .filter(|series| !series.prices.buckets().is_empty())
            .collect();
        all.sort_by(|a, b| (&a.symbol, a.timeframe).cmp(&(&b.symbol, b.timeframe)));
        all.dedup_by(|later, kept| later.symbol == kept.symbol);
        all
    }

    fn listen(&self, request: &SeriesRequest) -> Option<Shared<PriceCurve>> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let known = heard
            .iter()
            .any(|series| series.symbol == request.symbol && series.timeframe == request.timeframe);
        if request.kind != SeriesKind::BAR || known || heard.len() >= self.symbols_max {
            return None;
        }
        let prices = Shared::default();
        heard.push(Heard {
            symbol: request.symbol.clone(),
            timeframe: request.timeframe,
            prices: Arc::clone(&prices),
        });
        Some(prices)
    }
}

impl Source for PriceTap {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.source.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.source.series(symbol)
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let feed = self.source.open(request)?;
        Ok(match self.listen(request) {
            Some(prices) => Box::new(TappedFeed { feed, prices }),
            None => feed,
        })
    }
}

struct TappedFeed {
    feed: Box<dyn Feed>,
    prices: Shared<PriceCurve>,
}

impl Feed for TappedFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        let answer = self.feed.pull(rows_max, lead)?;
        if let Pull::Rows(batch) = &answer {
            let mut prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
            prices.extend(&batch.columns, batch.lead);
        }
        Ok(answer)
    }

    fn is_ordered(&self) -> bool {
        self.feed.is_ordered()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::data::{Bar, BarColumns, Batch};

    struct OneBar;

    impl Source for OneBar {
        fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
            Ok(Vec::new())
        }
        fn series(&self, _: &str) -> Result<Vec<SeriesInfo>, FeedError> {
            Ok(Vec::new())
        }
        fn open(&self, _: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
            Ok(Box::new(OneBarFeed))
        }
    }

    struct OneBarFeed;

    impl Feed for OneBarFeed {
        fn pull(&mut self, _: usize, _: usize) -> Result<Pull, FeedError> {
            let bar = Bar {
                ts_open_ns: 0,
                ts_close_ns: 60,
                open: 1.0,
                high: 3.0,
                low: 0.5,
                close: 2.0,
                volume: 0.0,
            };
            Ok(Pull::Rows(Batch::new(BarColumns::from_bars([&bar]))))
        }
    }

    fn request(symbol: &str, timeframe: Timeframe) -> SeriesRequest {
        SeriesRequest { symbol: symbol.into(), kind: SeriesKind::BAR, timeframe, from_ns: None, to_ns: None }
    }

    #[test]
    fn the_first_reading_of_the_finest_series_is_heard() {
        let tap = PriceTap::new(Arc::new(OneBar), 8);
        for (symbol, timeframe) in
            [("B", Timeframe::H1), ("B", Timeframe::M1), ("B", Timeframe::M1), ("A", Timeframe::D1)]
        {
            tap.open(&request(symbol, timeframe)).unwrap().pull(1, 0).unwrap();
        }
        let heard = tap.prices();
        let names: Vec<_> = heard.iter().map(|s| (s.symbol.as_str(), s.timeframe)).collect();
        assert_eq!(names, [("A", Timeframe::D1), ("B", Timeframe::M1)]);
        assert_eq!(heard[1].prices.newest().len(), 1);
        assert_eq!(heard[1].prices.buckets()[0].high, 3.0);
    }
}
