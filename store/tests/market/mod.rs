//! A small market for the tests of this crate.

use barhive_engine::{
    data::{Bar, BarColumns, BarColumnsBuilder, SeriesKind},
    instrument::{Currency, Instrument},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};
use barhive_store::{Catalog, SeriesEntry, SeriesFacts};

/// 2020-01-01T00:00:00Z.
const START_NS: i64 = 1_577_836_800_000_000_000;

/// Minute bars on two decimals, every one different.
pub fn bars(rows: usize) -> BarColumns {
    let mut columns = BarColumnsBuilder::with_capacity(rows);
    let mut state = 1u64;
    for row in 0..rows {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let cents = 10_000 + (state >> 33) % 1_000 + row as u64 % 7;
        let price = |offset: u64| (cents + offset) as f64 / 100.0;
        columns.push(&Bar {
            ts_open_ns: START_NS + row as i64 * NS_PER_MINUTE,
            ts_close_ns: START_NS + (row as i64 + 1) * NS_PER_MINUTE,
            open: price(2),
            high: price(5),
            low: price(0),
            close: price(3),
            volume: row as f64,
        });
    }
    columns.finish()
}

/// An instrument of two decimals.
pub fn instrument(symbol: &str) -> Instrument {
    Instrument::new(symbol, 2, Currency::new("USD").unwrap())
}

/// Writes one-minute bars of a symbol, with a note.
pub fn write(catalog: &Catalog, symbol: &str, columns: &BarColumns) -> SeriesEntry {
    let facts =
        SeriesFacts { prices_on_scale: true, notes: vec!["2 gaps".to_owned()], ..SeriesFacts::default() };
    let mut writer = catalog.writer(instrument(symbol), SeriesKind::BAR, Timeframe::M1, facts).unwrap();
    writer.append(columns).unwrap();
    writer.finish().unwrap()
}
