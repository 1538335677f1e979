//! Damaged and crafted files: an error or the very same rows, never a panic, never other rows.

use std::{fs, path::Path, sync::Arc};

use arrow_buffer::{Buffer, MutableBuffer};
use barhive_engine::{
    data::{Bar, BarColumns, BarColumnsBuilder, Feed, Pull, SeriesKind},
    instrument::{Currency, Instrument},
    timeframe::Timeframe,
};
use proptest::prelude::*;

use super::{Catalog, CatalogFeed, SeriesFacts, file::SeriesFile};
use crate::{StoreError, mapping::map_file};

fn bars(rows: usize) -> BarColumns {
    let bars: Vec<_> = (0..rows)
        .map(|row| {
            let price = 100.0 + (row * row % 97) as f64 / 4.0;
            Bar {
                ts_open_ns: row as i64 * 60,
                ts_close_ns: row as i64 * 60 + 60,
                open: price,
                high: price + 1.0,
                low: price - 1.0,
                close: price + 0.5,
                volume: row as f64,
            }
        })
        .collect();
    BarColumns::from_bars(&bars)
}

/// The bytes of a stored series.
fn fixture(rows: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open_or_create(folder.path()).unwrap();
    let facts = SeriesFacts {
        notes: vec!["2 gaps".into()],
        import: serde_json::json!({"rows": rows, "policy": "reject"}),
        ..SeriesFacts::default()
    };
    let instrument = Instrument::new("X", 2, Currency::new("USD").unwrap());
    let mut writer = catalog.writer(instrument, SeriesKind::BAR, Timeframe::M1, facts).unwrap();
    writer.append(&bars(rows)).unwrap();
    fs::read(writer.finish().unwrap().path).unwrap()
}

fn region(bytes: &[u8]) -> Buffer {
    let mut memory = MutableBuffer::with_capacity(bytes.len());
    memory.extend_from_slice(bytes);
    memory.into()
}

/// Everything that a run would see of a file's bytes.
fn read(bytes: &[u8]) -> Result<(SeriesFile, BarColumns), String> {
    let file = Arc::new(SeriesFile::parse(Path::new("x.arrow"), &region(bytes)).map_err(|e| e.to_string())?);
    let mut feed = CatalogFeed::new(Arc::clone(&file), None, None, true).map_err(|e| e.to_string())?;
    let mut bars = Vec::new();
    while let Pull::Rows(batch) = feed.pull(1_000, 0).map_err(|error| error.to_string())? {
        bars.push(batch.columns);
    }
    drop(feed);
    let mut all = BarColumnsBuilder::default();
    bars.iter().for_each(|part| all.extend(part));
    Ok((Arc::into_inner(file).unwrap(), all.finish()))
}

/// The file's rows and facts are those of `expected`, or it is refused; says whether it is refused.
fn is_refused(bytes: &[u8], expected: &(SeriesFile, BarColumns)) -> bool {
    let Ok((file, rows)) = read(bytes) else { return true };
    assert_eq!(rows, expected.1);
    assert_eq!((&file.identity, &file.meta), (&expected.0.identity, &expected.0.meta));
    assert_eq!(file.instrument, expected.0.instrument);
    false
}

/// Flips every bit of a file, one at a time; of the values, each flip must be found.
fn flip_every_bit(rows: usize) {
    let mut bytes = fixture(rows);
    let expected = read(&bytes).unwrap();
    let payload = payload(&bytes, rows);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            let refused = is_refused(&bytes, &expected);
            assert!(refused || !payload.contains(&at), "bit {bit} of byte {at} is not covered");
            bytes[at] ^= 1 << bit;
        }
    }
}

/// Where the values are: the last bytes of the one record batch, less the padding of each column.
fn payload(bytes: &[u8], rows: usize) -> Vec<usize> {
    let first = bars(rows).ts_open_ns[1].to_le_bytes();
    let stride = (rows * 8).next_multiple_of(64);
    let body = (0..bytes.len()).step_by(64).find(|at| bytes[at + 8..].starts_with(&first)).unwrap();
    (0..7).flat_map(|column| body + column * stride..body + column * stride + rows * 8).collect()
}

#[test]
fn any_flipped_bit_is_found_or_changes_nothing() {
    flip_every_bit(20);
}

#[test]
#[ignore = "half a million files; run with --release"]
fn any_flipped_bit_of_64_kib_is_found_or_changes_nothing() {
    flip_every_bit(1_100);
}

#[test]
fn any_truncation_is_refused() {
    let bytes = fixture(60);
    let expected = read(&bytes).unwrap();
    for len in 0..bytes.len() {
        assert!(is_refused(&bytes[..len], &expected), "{len} bytes of {}", bytes.len());
    }
}

#[test]
fn truncated_and_empty_files_are_refused_through_the_mapping_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.arrow");
    let bytes = fixture(60);
    for len in [0, 1, 5, 9, 10, 200, bytes.len() - 1] {
        fs::write(&path, &bytes[..len]).unwrap();
        let error = SeriesFile::parse(&path, &map_file(&path).unwrap()).unwrap_err();
        assert!(matches!(error, StoreError::Format { .. }));
        assert!(error.to_string().ends_with("; import the series again"), "{error}");
    }
}

#[test]
fn a_damaged_block_is_named_and_the_rows_before_it_are_served() {
    let rows = 20_000;
    let mut bytes = fixture(rows);
    let stride = (rows * 8).next_multiple_of(64);
    let body = payload(&bytes, rows)[0];
    // Column close, row 9,000: the second block.
    bytes[body + 5 * stride + 9_000 * 8] ^= 1;
    let file = Arc::new(SeriesFile::parse(Path::new("x.arrow"), &region(&bytes)).unwrap());
    let mut feed = CatalogFeed::new(Arc::clone(&file), None, None, true).unwrap();
    let mut served = 0;
    let error = loop {
        match feed.pull(1_024, 0) {
            Ok(Pull::Rows(batch)) => served += batch.len(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(served, 8_192);
    assert!(error.starts_with("x.arrow, column close, rows 8192..16384: "), "{error}");
    assert!(matches!(feed.pull(1, 0), Ok(Pull::End)), "after an error a feed is at its end");
    let mut trusting = CatalogFeed::new(file, None, None, false).unwrap();
    assert!(matches!(trusting.pull(20_000, 0), Ok(Pull::Rows(batch)) if batch.len() == 20_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn mutated_files_never_panic_and_never_lie(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 1usize..9), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static FIXTURE: std::sync::OnceLock<(Vec<u8>, SeriesFile, BarColumns)> = std::sync::OnceLock::new();
        let (original, file, rows) = FIXTURE.get_or_init(|| {
            let bytes = fixture(20);
            let (file, rows) = read(&bytes).unwrap();
            (bytes, file, rows)
        });
        let mut bytes = original.clone();
        for (at, value, len) in edits {
            let at = at.index(bytes.len());
            for (place, byte) in bytes[at..].iter_mut().zip(value.to_le_bytes()).take(len) {
                *place = byte;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok((found, found_rows)) = read(&bytes) {
            prop_assert_eq!(&found_rows, rows);
            prop_assert_eq!(&found.meta, &file.meta);
        }
    }
}
