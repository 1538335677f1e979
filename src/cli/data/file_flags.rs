//! How a foreign file is laid out, as flags.

use barhive_engine::{data::PriceSide, timeframe::Timeframe};
use barhive_feeds::{
    import::{Format, ImportSpec},
    layout::{Column, Columns, Layout, RowOrder, Separator, StampedAt},
    quality::{Fault, Policies, Policy},
    stamp::TimeFormat,
};
use chrono_tz::Tz;
use clap::Args;

use super::{instrument_flags::InstrumentFlags, word::word};

/// What is not said is taken from the preset, else guessed from the head of the file and reported.
#[derive(Args, Debug)]
pub(super) struct FileFlags {
    /// The kind of file: csv, parquet or json_lines [default: the extension tells]
    #[arg(long, value_name = "KIND", value_parser = word::<Format>)]
    file_format: Option<Format>,
    /// A named layout to start from, such as binance_kline; a wrong name lists all
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Where a column stands, by name or place from 1, as in time=Date or close=5 (may be repeated)
    #[arg(long = "column", value_name = "PART=COLUMN", value_parser = column)]
    columns: Vec<(String, Column)>,
    /// What separates the cells of a CSV row: one character, or tab
    #[arg(long, value_name = "CHAR", value_parser = word::<Separator>)]
    separator: Option<Separator>,
    /// Whether the first row names the columns
    #[arg(long, value_name = "BOOL")]
    header: Option<bool>,
    /// How stamps are spelled: epoch_s, epoch_ms, epoch_us, epoch_ns, iso, or as in %d.%m.%Y %H:%M
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<TimeFormat>,
    /// The zone of stamps without one, such as America/New_York or UTC
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<Tz>,
    /// Whether a stamp is the open or the close of its bar
    #[arg(long, value_name = "END", value_parser = word::<StampedAt>)]
    stamped: Option<StampedAt>,
    /// The order of rows: oldest_first or newest_first
    #[arg(long, value_name = "ORDER", value_parser = word::<RowOrder>)]
    order: Option<RowOrder>,
    /// The instrument, in a file of one [default: the file's name]
    #[arg(long, value_name = "SYMBOL", conflicts_with = "symbols")]
    symbol: Option<String>,
    /// The instruments that a file of several may hold, separated by commas [default: any]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    symbols: Vec<String>,
    /// How long a bar lasts, such as 1m or 1d [default: the step between most rows]
    #[arg(long, value_name = "TIME")]
    timeframe: Option<Timeframe>,
    /// What bid and ask bars show as the bar: mid, bid or ask
    #[arg(long, value_name = "SIDE", default_value = "mid", value_parser = word::<PriceSide>)]
    side: PriceSide,
    /// What is done with a class of faulty rows, as in gap=halt; policies are count, repair, drop,
    /// reject and halt (may be repeated)
    #[arg(long = "policy", value_name = "CLASS=POLICY", value_parser = policy)]
    policies: Vec<(Fault, Policy)>,
    #[command(flatten)]
    instrument: InstrumentFlags,
}

impl FileFlags {
    /// What the flags mean. A bar that closes after `now_ns` is from the future.
    pub(super) fn spec(&self, now_ns: i64) -> Result<ImportSpec, String> {
        let mut quality = Policies::default();
        for (fault, policy) in &self.policies {
            quality.set(*fault, *policy);
        }
        Ok(ImportSpec {
            format: self.file_format,
            symbol: self.symbol.clone(),
            symbols: self.symbols.clone(),
            timeframe: self.timeframe,
            layout: Layout {
                preset: self.preset.clone(),
                separator: self.separator,
                header: self.header,
                columns: self.columns()?,
                time_format: self.time_format.clone(),
                zone: self.zone,
                stamped: self.stamped,
                order: self.order,
            },
            side: self.side,
            quality,
            now_ns: Some(now_ns),
            instrument: self.instrument.spec()?,
            ..ImportSpec::default()
        })
    }

    /// The columns, through the type that a configuration reads: it knows the names of the parts.
    fn columns(&self) -> Result<Columns, String> {
        let named: serde_json::Map<_, _> = self
            .columns
            .iter()
            .map(|(part, column)| (part.clone(), serde_json::to_value(column).unwrap_or_default()))
            .collect();
        serde_json::from_value(named.into()).map_err(|error| format!("--column: {error}"))
    }
}

fn column(text: &str) -> Result<(String, Column), String> {
    let fault = || format!("expected PART=COLUMN such as time=Date or close=5, found `{text}`");
    let (part, column) = text.split_once('=').ok_or_else(fault)?;
    if part.is_empty() || column.is_empty() { Err(fault()) } else { Ok((part.to_owned(), column.into())) }
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| format!("expected a zone such as UTC or America/New_York, found `{text}`"))
}

fn policy(text: &str) -> Result<(Fault, Policy), String> {
    let fault = || format!("expected CLASS=POLICY such as gap=halt, found `{text}`");
    let (class, policy) = text.split_once('=').ok_or_else(fault)?;
    Ok((word(class)?, word(policy)?))
}
