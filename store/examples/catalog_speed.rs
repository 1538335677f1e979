//! Measures the catalog: writing, opening and reading a series of a million bars.
//!
//! `cargo run --release -p barhive-store --example catalog_speed [ROWS]`. Every figure is the best of
//! several passes in processor time, so that a busy machine tells the same (writing to disk is mostly
//! waiting, which is left out). The sums that the passes compute are asserted to be equal, so that no work
//! is.

use std::{error::Error, hint::black_box};

use barhive_engine::{
    data::{Bar, BarColumns, BarColumnsBuilder, Pull, SeriesKind, SeriesRequest, Source},
    instrument::{Currency, Instrument},
    registry::FeedContext,
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};
use barhive_store::{Catalog, CatalogParams, CatalogSource, SeriesFacts};

const BATCH_ROWS: usize = 1_024;
const PASSES: usize = 15;

fn market(rows: usize) -> BarColumns {
    let mut columns = BarColumnsBuilder::with_capacity(rows);
    for row in 0..rows {
        let open = 100.0 + (row as f64 / 500.0).sin() * 10.0;
        let ts_open_ns = row as i64 * NS_PER_MINUTE;
        columns.push(&Bar {
            ts_open_ns,
            ts_close_ns: ts_open_ns + NS_PER_MINUTE,
            open,
            high: open + 0.5,
            low: open - 0.5,
            close: open + 0.25,
            volume: 1.0,
        });
    }
    columns.finish()
}

fn processor_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn best_ns<T: PartialEq + std::fmt::Debug>(mut work: impl FnMut() -> T) -> f64 {
    let mut best = f64::INFINITY;
    let mut first = None;
    for _ in 0..PASSES {
        let started = processor_ns();
        let result = black_box(work());
        best = best.min(processor_ns() - started);
        assert_eq!(first.get_or_insert_with(&mut work), &result, "every pass does the same work");
    }
    best
}

fn sum_close(columns: &BarColumns) -> u64 {
    columns.close.iter().fold(0u64, |sum, value| sum.wrapping_add(value.to_bits()))
}

fn sum_all(columns: &BarColumns) -> u64 {
    let prices = [&columns.open, &columns.high, &columns.low, &columns.close, &columns.volume];
    let stamps = [&columns.ts_open_ns, &columns.ts_close_ns];
    let prices = prices.into_iter().flat_map(|column| column.iter()).map(|value| value.to_bits());
    let stamps = stamps.into_iter().flat_map(|column| column.iter()).map(|value| *value as u64);
    prices.chain(stamps).fold(0u64, u64::wrapping_add)
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    let folder = tempfile::tempdir()?;
    let catalog = Catalog::open_or_create(folder.path())?;
    let bars = market(rows);
    let write = || {
        let instrument = Instrument::new("X", 2, Currency::new("USD")?);
        let mut writer =
            catalog.writer(instrument, SeriesKind::BAR, Timeframe::M1, SeriesFacts::default())?;
        for at in (0..rows).step_by(BATCH_ROWS) {
            writer.append(&bars.slice(at, BATCH_ROWS.min(rows - at)))?;
        }
        Ok::<_, Box<dyn Error>>(writer.finish()?.hash)
    };
    let per_row = |ns: f64| ns / rows as f64;
    println!("write                 {:>8.2} ns/bar", per_row(best_ns(|| write().is_ok())));

    let request = SeriesRequest {
        symbol: "X".into(),
        kind: SeriesKind::BAR,
        timeframe: Timeframe::M1,
        from_ns: None,
        to_ns: None,
    };
    let context = FeedContext { base_dir: folder.path().to_owned() };
    let source = |verify| CatalogSource::open(CatalogParams { verify, ..CatalogParams::new(".") }, &context);
    let open = best_ns(|| source(true).and_then(|source| source.open(&request)).is_ok());
    println!("open source and feed  {:>8.3} ms", open / 1e6);
    let list = best_ns(|| catalog.list().map(|listing| listing.entries.len()).unwrap_or(0));
    println!("open one file         {:>8.3} ms", list / 1e6);

    let pass = |source: &CatalogSource, sum: fn(&BarColumns) -> u64| {
        let mut total = 0u64;
        let mut feed = source.open(&request).expect("it was just written");
        while let Ok(Pull::Rows(batch)) = feed.pull(BATCH_ROWS, 0) {
            total = total.wrapping_add(sum(&batch.columns));
        }
        total
    };
    for verify in [true, false] {
        let source = source(verify)?;
        let name = if verify { "verified" } else { "unverified" };
        println!("{name:<10} no column {:>8.2} ns/bar", per_row(best_ns(|| pass(&source, |_| 0))));
        println!("{name:<10} close     {:>8.2} ns/bar", per_row(best_ns(|| pass(&source, sum_close))));
        println!("{name:<10} all       {:>8.2} ns/bar", per_row(best_ns(|| pass(&source, sum_all))));
    }
    let cold = |verify| best_ns(|| source(verify).map(|source| pass(&source, sum_close)).unwrap_or(0));
    println!("fresh mapping, verified, close    {:>8.2} ns/bar", per_row(cold(true)));
    println!("fresh mapping, unverified, close  {:>8.2} ns/bar", per_row(cold(false)));
    Ok(())
}
