//! The catalog as a data source of a run.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use barhive_engine::{
    data::{Feed, FeedError, SeriesInfo, SeriesRequest, Source},
    instrument::Instrument,
    registry::FeedContext,
    time::format_utc,
};
use serde::Deserialize;

use super::{Catalog, CatalogFeed, file::SeriesFile, name::series_path};

/// Bars of a catalog: a folder of Arrow files, as `barhive data import` fills it.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogParams {
    /// The catalog's folder; a relative one starts at the configuration file.
    pub path: PathBuf,
    /// Whether every block of rows is checked against its checksum before it is used.
    #[serde(default = "verify_by_default")]
    pub verify: bool,
    /// Whether files are mapped: one copy for all processes of the machine. Otherwise every process reads
    /// them into memory of its own, as it does anyway where mapping is refused: for folders where files
    /// may be cut short while they are mapped, such as those of other machines.
    #[serde(default = "map_by_default")]
    pub map: bool,
}

impl CatalogParams {
    /// A folder, checked and mapped.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), verify: verify_by_default(), map: map_by_default() }
    }
}

fn verify_by_default() -> bool {
    true
}

fn map_by_default() -> bool {
    true
}

/// A catalog that is open for runs. A series that was opened once stays as it was, also when it is
/// imported again meanwhile.
#[derive(Debug)]
pub struct CatalogSource {
    catalog: Catalog,
    verify: bool,
    opened: Mutex<BTreeMap<PathBuf, Arc<SeriesFile>>>,
}

impl CatalogSource {
    /// Opens a catalog.
    ///
    /// # Errors
    /// When there is none, or nothing in it.
    pub fn open(params: CatalogParams, context: &FeedContext) -> Result<Self, FeedError> {
        let catalog = Catalog::open(context.resolve(&params.path))?;
        let catalog = if params.map { catalog } else { catalog.without_mapping() };
        let source = Self { catalog, verify: params.verify, opened: Mutex::default() };
        if source.catalog.is_empty()? { Err(source.empty()) } else { Ok(source) }
    }

    fn origin(&self) -> String {
        self.catalog.path().display().to_string()
    }

    fn empty(&self) -> FeedError {
        FeedError::Empty {
            origin: self.origin(),
            what: "the catalog is empty; fill it with `barhive data import`".to_owned(),
        }
    }

    /// The series as it was when it was opened first.
    fn keep(&self, file: SeriesFile) -> Arc<SeriesFile> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(opened.entry(file.path.clone()).or_insert_with(|| Arc::new(file)))
    }

    fn kept(&self, request: &SeriesRequest) -> Result<Option<Arc<SeriesFile>>, FeedError> {
        let path = series_path(self.catalog.path(), &request.symbol, request.kind, request.timeframe)?;
        Ok(self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned())
    }

    fn unknown(&self, request: &SeriesRequest) -> FeedError {
        let SeriesRequest { symbol, kind, timeframe, .. } = request;
        let known = match self.series(symbol) {
            Ok(series) if series.is_empty() => format!("nothing of {symbol}"),
            Ok(series) => {
                let series: Vec<_> =
                    series.iter().map(|series| format!("{} {}", series.kind, series.timeframe)).collect();
                format!("of {symbol}: {}", series.join(", "))
            }
            Err(error) => return error,
        };
        FeedError::Unknown {
            origin: self.origin(),
            what: format!("series {symbol} {kind} {timeframe}; there is {known}"),
        }
    }
}

impl Source for CatalogSource {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        let mut listing = self.catalog.list()?;
        // By symbol and then the finest timeframe, whose instrument counts.
        listing
            .entries
            .sort_by(|a, b| (&a.symbol, a.timeframe, a.kind).cmp(&(&b.symbol, b.timeframe, b.kind)));
        listing.entries.dedup_by(|later, first| later.symbol == first.symbol);
        if listing.entries.is_empty() {
            return Err(match listing.faults.into_iter().next() {
                Some(fault) => fault.into(),
                None => self.empty(),
            });
        }
        for fault in &listing.faults {
            tracing::warn!(%fault, "a file of the catalog is left out");
        }
        Ok(listing.entries.into_iter().map(|entry| entry.instrument).collect())
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        let files: Vec<_> = self.catalog.files_of(symbol)?.into_iter().map(|file| self.keep(file)).collect();
        let Some(first) = files.first() else { return Ok(Vec::new()) };
        let main = first.instrument.clone();
        let infos = files.iter().map(|file| {
            let mut info = file.info();
            if file.instrument != main {
                info.notes.push(format!(
                    "{} was imported with other instrument data than {}, which count; import it again with the same",
                    file.identity.label(),
                    first.identity.label()
                ));
                // The claim is about another price scale then.
                info.prices_on_scale &= file.instrument.price_scale == main.price_scale;
            }
            info
        });
        Ok(infos.collect())
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let file = match self.kept(request)? {
            Some(file) => file,
            None => {
                let SeriesRequest { symbol, kind, timeframe, .. } = request;
                match self.catalog.open_series(symbol, *kind, *timeframe) {
                    Ok(file) => self.keep(file),
                    Err(crate::StoreError::Unknown { .. }) => return Err(self.unknown(request)),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let feed = CatalogFeed::new(Arc::clone(&file), request.from_ns, request.to_ns, self.verify)?;
        if feed.rows_left() == 0 {
            let stamp = |stamp: Option<i64>, open: &str| stamp.map_or(open.to_owned(), format_utc);
            let (first, last) = (file.meta.first_close_ns, file.meta.last_close_ns);
            return Err(FeedError::Empty {
                origin: file.path.display().to_string(),
                what: format!(
                    "no bar from {} to {}; its bars close from {} to {}",
                    stamp(request.from_ns, "its start"),
                    stamp(request.to_ns, "its end"),
                    format_utc(first),
                    format_utc(last)
                ),
            });
        }
        Ok(Box::new(feed))
    }
}
