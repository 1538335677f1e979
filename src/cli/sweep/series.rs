//! The series that are read, and their hashes.

use std::collections::{BTreeMap, BTreeSet};

use barhive_engine::{
    data::{Batch, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source},
    plan::serving,
    sweep::SweepSpec,
    timeframe::Timeframe,
};
use barhive_store::sweep::DataUse;

use crate::cli::outcome::CliError;

/// Symbols and the timeframes that are wanted of them.
pub(in crate::cli) type Wanted<'a> = BTreeMap<&'a str, BTreeSet<Timeframe>>;

/// What a sweep reads.
pub(super) fn of_sweep(spec: &SweepSpec) -> Wanted<'_> {
    let mut wanted = Wanted::new();
    for definition in &spec.definitions {
        for id in definition.instruments.iter().flatten() {
            let symbol = spec.instruments[id.index()].symbol.as_str();
            wanted.entry(symbol).or_default().extend(definition.timeframes.iter().copied());
        }
    }
    wanted
}

/// The series that serve what is wanted, by name, sorted. Those of which only the first `bars_max` bars are
/// read are others.
///
/// # Errors
/// When the source cannot say what it has.
fn serving_series(
    source: &dyn Source,
    wanted: Wanted<'_>,
    bars_max: Option<u64>,
) -> Result<BTreeMap<String, SeriesInfo>, CliError> {
    let mut found = BTreeMap::new();
    for (symbol, timeframes) in wanted {
        let offered = source.series(symbol).map_err(|error| failed(symbol, &error))?;
        for timeframe in timeframes {
            let Some(info) = serving(&offered, SeriesKind::BAR, timeframe) else { continue };
            let mut name = format!("{symbol} {} {}", info.kind, info.timeframe);
            name.extend(bars_max.map(|bars| format!(", first {bars} bars")));
            found.insert(name, info.clone());
        }
    }
    Ok(found)
}

/// The series that serve what is wanted, each with the hash that its source keeps or else of its rows, which
/// are read for it.
///
/// # Errors
/// When the source cannot say what it has, or its rows cannot be read.
pub(in crate::cli) fn series(
    source: &dyn Source,
    wanted: Wanted<'_>,
    bars_max: Option<u64>,
) -> Result<Vec<DataUse>, CliError> {
    let hashed = |(series, info): (String, SeriesInfo)| {
        let hash = match &info.data_hash {
            Some(hash) => hash.clone(),
            None => rows_hash(source, &info).map_err(|error| failed(&info.symbol, &error))?,
        };
        Ok(DataUse { series, hash: Some(hash) })
    };
    serving_series(source, wanted, bars_max)?.into_iter().map(hashed).collect()
}

/// What is wanted as a run had it, of which `data` is what it read.
///
/// # Errors
/// When the source cannot say what it has.
pub(in crate::cli) fn series_of_run(
    source: &dyn Source,
    wanted: Wanted<'_>,
    bars_max: Option<u64>,
    data: &[DataUse],
) -> Result<Vec<DataUse>, CliError> {
    let names = serving_series(source, wanted, bars_max)?;
    Ok(data.iter().filter(|data| names.contains_key(&data.series)).cloned().collect())
}

fn failed(symbol: &str, error: &FeedError) -> CliError {
    CliError::Failed(format!("{symbol}: {error}"))
}

/// The hash of a series' rows: of each column, however the rows come, and of those together.
fn rows_hash(source: &dyn Source, info: &SeriesInfo) -> Result<String, FeedError> {
    let request = SeriesRequest {
        symbol: info.symbol.clone(),
        kind: info.kind,
        timeframe: info.timeframe,
        from_ns: None,
        to_ns: None,
    };
    let mut feed = source.open(&request)?;
    let mut columns: [blake3::Hasher; 7] = std::array::from_fn(|_| blake3::Hasher::new());
    loop {
        match feed.pull(ROWS_AT_ONCE, 0)? {
            Pull::Rows(Batch { columns: rows, lead }) => {
                let rows = rows.slice(lead, rows.len() - lead);
                let of_rows = [
                    rows.ts_open_ns.inner(),
                    rows.ts_close_ns.inner(),
                    rows.open.inner(),
                    rows.high.inner(),
                    rows.low.inner(),
                    rows.close.inner(),
                    rows.volume.inner(),
                ];
                for (hasher, bytes) in columns.iter_mut().zip(of_rows) {
                    hasher.update(bytes.as_slice());
                }
            }
            Pull::End => break,
            Pull::Watermark(_) => {}
            Pull::Pending => std::thread::yield_now(),
        }
    }
    let mut all = blake3::Hasher::new();
    for column in &columns {
        all.update(column.finalize().as_bytes());
    }
    Ok(all.finalize().to_hex().to_string())
}

/// Rows that are asked for together.
const ROWS_AT_ONCE: usize = 8_192;

#[cfg(test)]
mod tests {
    use barhive_engine::{
        data::{Bar, BarColumns, MemorySource},
        instrument::{Currency, Instrument},
    };

    use super::*;

    fn hash_of(volume: f64, bars_max: Option<u64>) -> String {
        let bar = |minute: i64, volume: f64| Bar {
            ts_open_ns: minute * 60_000_000_000,
            ts_close_ns: (minute + 1) * 60_000_000_000,
            open: 1.0,
            high: 2.0,
            low: 1.0,
            close: 1.5,
            volume,
        };
        let bars = [bar(0, 1.0), bar(1, volume)];
        let instrument = Instrument::new("X", 2, Currency::new("USD").expect("a currency"));
        let source = MemorySource::new().with(instrument, Timeframe::M1, BarColumns::from_bars(&bars));
        let wanted = || Wanted::from([("X", BTreeSet::from([Timeframe::M1]))]);
        DataUse::hash_of(&series(&source, wanted(), bars_max).expect("it is read"))
    }

    #[test]
    fn a_source_without_a_hash_is_told_by_its_rows() {
        assert_eq!(hash_of(3.0, None), hash_of(3.0, None));
        assert_ne!(hash_of(3.0, None), hash_of(3.5, None), "one volume differs");
        assert_ne!(hash_of(3.0, None), hash_of(3.0, Some(1)), "fewer bars are read");
    }
}
