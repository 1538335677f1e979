//! `data generate`: a synthetic market into the catalog.

use std::io::Write;

use barhive_engine::{
    data::{FeedError, Source},
    timeframe::Timeframe,
};
use barhive_feeds::{SyntheticParams, SyntheticSource};
use barhive_store::{Catalog, SeriesFacts};
use clap::Args;
use serde_json::json;

use super::{CatalogFlag, failed, instrument_flags::InstrumentFlags, series_copy};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct GenerateFlags {
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    catalog: CatalogFlag,
    /// The instruments' symbols, separated by commas [default: SYN000, SYN001, ...]
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "instruments")]
    symbols: Vec<String>,
    /// How many instruments
    #[arg(long, value_name = "N", default_value_t = 1)]
    instruments: u32,
    /// Bars of each instrument
    #[arg(long, value_name = "N", default_value_t = 100_000, allow_negative_numbers = true)]
    bars: u64,
    /// How long a bar lasts
    #[arg(long, value_name = "TIME", default_value = "1m")]
    timeframe: Timeframe,
    /// When the first bar opens, a UTC date or date-time
    #[arg(long, value_name = "DATE", default_value = "2020-01-01")]
    start: String,
    /// The price that every instrument starts from
    #[arg(long, value_name = "PRICE", default_value_t = 100.0, allow_negative_numbers = true)]
    price: f64,
    /// Yearly drift in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, allow_negative_numbers = true)]
    drift: f64,
    /// Yearly volatility in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 40.0, allow_negative_numbers = true)]
    volatility: f64,
    /// How much of a bar's volatility is carried into the next, 0 to 0.99
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, allow_negative_numbers = true)]
    clustering: f64,
    /// Percentage of bars that are missing
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, allow_negative_numbers = true)]
    missing: f64,
    /// Root of all randomness: the same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    instrument: InstrumentFlags,
}

pub(super) fn run(flags: &GenerateFlags, out: &mut dyn Write) -> Outcome {
    let params = flags.params().map_err(CliError::Usage)?;
    let source = SyntheticSource::new(params.clone()).map_err(|error| CliError::Usage(error.to_string()))?;
    let catalog = Catalog::open_or_create(&flags.catalog.catalog).map_err(failed)?;
    let mut written = Vec::new();
    for instrument in source.instruments().map_err(failed)? {
        for series in source.series(&instrument.symbol).map_err(failed)? {
            let facts = SeriesFacts {
                prices_on_scale: series.prices_on_scale,
                notes: series.notes.clone(),
                import: json!({ "origin": "synthetic", "params": params }),
            };
            let mut writer =
                catalog.writer(instrument.clone(), series.kind, series.timeframe, facts).map_err(failed)?;
            let origin = catalog.path().display().to_string();
            series_copy::copy(&source, &series, &mut |rows| {
                writer
                    .append(rows)
                    .map_err(|error| FeedError::Io { origin: origin.clone(), what: error.to_string() })
            })
            .map_err(failed)?;
            let entry = writer.finish().map_err(failed)?;
            if flags.format == Format::Table {
                writeln!(out, "{} {} {}: {} rows", entry.symbol, entry.timeframe, entry.kind, entry.rows)?;
            }
            written.push(json!({
                "symbol": entry.symbol,
                "timeframe": entry.timeframe,
                "rows": entry.rows,
                "hash": entry.hash,
                "path": entry.path,
            }));
        }
    }
    if flags.format == Format::Json {
        output::json(out, &written)?;
    }
    Ok(Done::All)
}

impl GenerateFlags {
    fn params(&self) -> Result<SyntheticParams, String> {
        Ok(SyntheticParams {
            seed: self.seed,
            instruments: self.instruments,
            symbols: self.symbols.clone(),
            bars: self.bars,
            timeframe: self.timeframe,
            start: self.start.clone(),
            price: self.price,
            drift: self.drift,
            volatility: self.volatility,
            clustering: self.clustering,
            missing: self.missing,
            instrument: self.instrument.spec()?,
            ..SyntheticParams::default()
        })
    }
}
