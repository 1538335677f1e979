//! The feed kinds `csv`, `parquet` and `json_lines`: their parameters, and the sources they open.

use std::path::PathBuf;

use barhive_engine::{
    data::{Feed, FeedError, PriceSide, SeriesInfo, SeriesRequest, Source},
    instrument::Instrument,
    registry::FeedContext,
    time::parse_utc,
    timeframe::Timeframe,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FileSource;
use crate::{
    import::{Format, ImportSpec, InstrumentSpec},
    layout::Layout,
    quality::Policies,
    resolve::layout_error,
};

/// The kinds differ in their format alone, so they are written down once.
macro_rules! file_kind {
    ($params:ident $source:ident $format:ident $what:literal) => {
        #[doc = $what]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $params {
            /// The file, or a folder of files with one instrument each, named after their files.
            pub path: PathBuf,
            /// The instrument, in a file of one; by default the file's name.
            #[serde(default)]
            pub symbol: Option<String>,
            /// The instruments that a file of several may hold; a row of another is a fault. Empty allows
            /// all.
            #[serde(default)]
            pub symbols: Vec<String>,
            /// How long a bar lasts; by default the step that most rows are apart.
            #[serde(default)]
            pub timeframe: Option<Timeframe>,
            /// How the file is laid out; what is not declared is guessed and reported.
            #[serde(default)]
            pub layout: Layout,
            /// The side that bid and ask bars show as the bar; by default their middle.
            #[serde(default)]
            pub side: PriceSide,
            /// What is done with faulty rows.
            #[serde(default)]
            pub quality: Policies,
            /// The present, as a UTC date or date-time: a bar that closes after it is a fault.
            #[serde(default)]
            pub now: Option<String>,
            /// What is known of the instruments.
            #[serde(default)]
            pub instrument: InstrumentSpec,
        }

        impl $params {
            /// Parameters for a file, all else by default.
            pub fn new(path: impl Into<PathBuf>) -> Self {
                let ImportSpec { symbol, symbols, timeframe, layout, side, quality, instrument, .. } =
                    ImportSpec::default();
                let (path, now) = (path.into(), None);
                Self { path, symbol, symbols, timeframe, layout, side, quality, now, instrument }
            }

            fn spec(self) -> Result<ImportSpec, FeedError> {
                let now_ns = self.now.as_deref().map(parse_utc).transpose();
                let now_ns = now_ns.map_err(|fault| {
                    layout_error(&self.path.display().to_string(), &[format!("now: {fault}")])
                })?;
                Ok(ImportSpec {
                    format: Some(Format::$format),
                    symbol: self.symbol,
                    symbols: self.symbols,
                    timeframe: self.timeframe,
                    layout: self.layout,
                    side: self.side,
                    quality: self.quality,
                    now_ns,
                    instrument: self.instrument,
                    ..ImportSpec::default()
                })
            }
        }

        /// The source that its parameters open.
        #[derive(Debug)]
        pub struct $source(FileSource);

        impl $source {
            /// Reads and judges all rows once, to know the instruments and to refuse bad files early.
            ///
            /// # Errors
            /// As for [`FileSource::open`].
            pub fn open(params: $params, context: &FeedContext) -> Result<Self, FeedError> {
                let path = context.resolve(&params.path);
                FileSource::open(&path, &params.spec()?).map(Self)
            }

            /// What was read.
            pub fn files(&self) -> &FileSource {
                &self.0
            }
        }

        impl Source for $source {
            fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
                self.0.instruments()
            }

            fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
                self.0.series(symbol)
            }

            fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
                Source::open(&self.0, request)
            }
        }
    };
}

file_kind! {
    CsvParams CsvSource Csv
    "Bars from CSV files, with a declared, a named or a guessed layout."
}
file_kind! {
    ParquetParams ParquetSource Parquet
    "Bars from Parquet files, by the names of their columns."
}
file_kind! {
    JsonLinesParams JsonLinesSource JsonLines
    "Bars from files of one JSON object a line."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_a_set_writes_them() {
        let text = r#"{"path": "bars.csv", "symbol": "BTCUSDT", "timeframe": "1m",
                       "layout": {"preset": "binance_kline"}, "quality": {"gap": "halt"}}"#;
        let params: CsvParams = serde_json::from_str(text).unwrap();
        assert_eq!(params.timeframe, Some(Timeframe::M1));
        assert!(serde_json::from_str::<CsvParams>(r#"{"path": "x", "pth": 1}"#).is_err());
        assert!(serde_json::from_str::<CsvParams>("{}").unwrap_err().to_string().contains("path"));
    }
}
