//! Mutated data files on the whole way of the program: imported into a catalog, opened, checked, read
//! and run. The readers and the catalog have mutants of their own in `feeds/tests/damage.rs` and
//! `store/src/catalog/hostile.rs`; here what one part lets through must be sound for the next.

mod support;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use barhive_engine::{
    backtest,
    data::{Pull, SeriesKind, SeriesRequest, Source},
    timeframe::Timeframe,
};
use barhive_feeds::{
    SyntheticParams, SyntheticSource,
    import::{Format, ImportSpec},
    quality::{Policies, Policy},
    write::writer,
};
use barhive_store::Catalog;
use support::*;

/// The longest that one file may take, with a machine under load in mind.
const SLOWEST: Duration = Duration::from_secs(10);
/// Rows of the files that are mutated.
const ROWS: u64 = 60;

/// `BARHIVE_FUZZ_CASES` says how many mutants of each kind are tried, 2,500 by default: ten thousand together.
fn cases() -> u64 {
    std::env::var("BARHIVE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_500)
}

/// A generator of its own (SplitMix64; Steele, Lea, Flood 2014): the same mutants on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

/// Flips a bit, overwrites bytes, or copies, removes or cuts a span; at most three times.
fn mutate(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(bytes.len());
        let end = (at + 1 + dice.roll(40)).min(bytes.len());
        match dice.roll(12) {
            _ if bytes.is_empty() => {}
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let span = bytes[at..end].to_vec();
                let to = dice.roll(bytes.len());
                bytes.splice(to..to, span);
            }
            3 | 4 => bytes[at..end].fill([0, 0xff, b'9', b'-', b','][dice.roll(5)]),
            5 | 6 => bytes[at] = b"0123456789.,-+eE\n\"nai"[dice.roll(21)],
            _ => bytes[at] ^= 1 << dice.roll(8),
        }
    }
    bytes
}

/// A sound file of generated bars.
fn sound(format: Format, path: &Path) -> Vec<u8> {
    let params = SyntheticParams { bars: ROWS, missing: 3.0, ..SyntheticParams::default() };
    let source = SyntheticSource::new(params).expect("sound parameters");
    let mut out = writer(path, format, Box::new(fs::File::create(path).expect("a file"))).expect("a writer");
    read(&source, "SYN000", |columns| out.rows(columns).expect("rows are written")).expect("rows are made");
    out.finish().expect("the file is written");
    fs::read(path).expect("the file")
}

/// Reads a series to its end.
fn read(
    source: &dyn Source,
    symbol: &str,
    mut each: impl FnMut(&barhive_engine::data::BarColumns),
) -> Result<u64, barhive_engine::data::FeedError> {
    let infos = source.series(symbol)?;
    let timeframe = infos.first().map_or(Timeframe::M1, |info| info.timeframe);
    let request = SeriesRequest {
        symbol: symbol.to_owned(),
        kind: SeriesKind::BAR,
        timeframe,
        from_ns: None,
        to_ns: None,
    };
    let (mut feed, mut rows) = (source.open(&request)?, 0);
    loop {
        match feed.pull(25, 3)? {
            Pull::Rows(batch) => {
                rows += batch.len() as u64;
                each(&batch.columns);
            }
            Pull::Watermark(_) | Pull::Pending => {}
            Pull::End => return Ok(rows),
        }
    }
}

/// What lies in a catalog is sound to its own check, is read to its end, and carries a run.
fn assert_runs(folder: &Path, rows: Option<u64>) {
    let reports = Catalog::open(folder).expect("the catalog").check(&[]).expect("it can be read");
    assert!(reports.iter().all(|report| report.is_sound()), "{reports:?}");
    let source = open_catalog(folder).expect("the catalog opens");
    let instruments = source.instruments().expect("it has instruments");
    let mut read_rows = 0;
    for instrument in &instruments {
        read_rows += read(&*source, &instrument.symbol, |_| {}).expect("it is read to its end");
    }
    assert!(rows.is_none_or(|rows| rows == read_rows), "kept {rows:?}, read {read_rows}");
    let timeframe = source.series(&instruments[0].symbol).expect("series")[0].timeframe;
    let mut cross = sma_cross("cross".to_owned(), 2, 5, 0);
    cross.timeframe = timeframe;
    // Prices beyond what an account can hold are an error of the run, not a panic.
    match backtest::run(&set(source, vec![account(vec![cross])]), &registry()) {
        Ok(result) => assert!(
            result.quarantined.iter().all(|one| !one.reason.contains("panicked")),
            "{:?}",
            result.quarantined
        ),
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// Imports mutants of a file under lenient and strict policies.
#[allow(clippy::disallowed_methods, reason = "bounds how long a mutant takes")]
fn import_mutants(format: Format, name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let bytes = sound(format, &path);
    let lenient = Policies { unreadable: Policy::Reject, ..Policies::all(Policy::Reject) };
    let specs = [
        ImportSpec::default(),
        ImportSpec { quality: lenient, symbol: Some("X".into()), ..ImportSpec::default() },
    ];
    let mut dice = Dice(format as u64 + 1);
    let (mut refused, mut kept) = (0u64, 0u64);
    for index in 0..cases() {
        fs::write(&path, mutate(&bytes, &mut dice)).expect("the mutant is written");
        let catalog = folder.path().join("catalog");
        let started = Instant::now();
        match import(&path, &specs[index as usize % 2], &catalog) {
            Err(fault) => {
                refused += 1;
                assert!(fault.to_string().contains(name), "which file? {fault}");
            }
            Ok(report) => {
                kept += 1;
                let sum = report.rows_kept + report.rows_rejected + report.rows_dropped;
                assert_eq!(report.rows_read, sum, "every row is accounted for");
                assert_runs(&catalog, Some(report.rows_kept + report.bars_filled));
            }
        }
        fs::remove_dir_all(&catalog).expect("the catalog is removed");
        assert!(started.elapsed() < SLOWEST, "{:?}, mutant {index}", started.elapsed());
    }
    println!("{name}: {refused} refused, {kept} imported and run");
    assert!(refused > 0 && kept > 0, "{refused} refused, {kept} imported");
}

#[test]
fn csv_mutants_are_refused_or_imported_and_run() {
    import_mutants(Format::Csv, "bars.csv");
}

#[test]
fn parquet_mutants_are_refused_or_imported_and_run() {
    import_mutants(Format::Parquet, "bars.parquet");
}

#[test]
fn json_lines_mutants_are_refused_or_imported_and_run() {
    import_mutants(Format::JsonLines, "bars.jsonl");
}

#[test]
fn catalog_mutants_are_refused_with_their_file_or_run_with_the_same_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("bars.csv");
    sound(Format::Csv, &csv);
    let catalog = folder.path().join("catalog");
    import(&csv, &ImportSpec::default(), &catalog).expect("a sound file");
    let file = catalog.join("bars/bar_1m.arrow");
    let bytes = fs::read(&file).expect("the series");
    let run = || {
        let source = open_catalog(&catalog).map_err(|fault| fault.to_string())?;
        let instruments = source.instruments().map_err(|fault| fault.to_string())?;
        assert_eq!(instruments[0].symbol, "bars");
        let spec = set(source, vec![account(vec![sma_cross("cross".to_owned(), 2, 5, 0)])]);
        backtest::run(&spec, &registry()).map(|result| result.result_hash).map_err(|fault| fault.to_string())
    };
    let expected = run().expect("the sound catalog runs");
    let mut dice = Dice(9);
    let (mut refused, mut same) = (0, 0);
    for _ in 0..cases() {
        // Renamed into place, as the store itself does: a mapped file is never changed.
        let draft = catalog.join("draft");
        fs::write(&draft, mutate(&bytes, &mut dice)).expect("the mutant is written");
        fs::rename(&draft, &file).expect("the mutant is put in place");
        match run() {
            Ok(found) => {
                same += 1;
                assert_eq!(found, expected, "a damaged file must not give another result");
            }
            Err(fault) => {
                refused += 1;
                assert!(fault.contains("bar_1m.arrow") || fault.contains("catalog"), "which file? {fault}");
            }
        }
    }
    println!("{refused} refused, {same} with the same result");
    assert!(refused > cases() / 2, "{refused}");
}
