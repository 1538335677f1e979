//! Damaged and hostile files: a clear error or a report, never a panic, a hang or a run without rows.
//!
//! `BARHIVE_FUZZ_CASES` sets how many mutations of each format are tried, 3,400 by default:
//! ten thousand together.

mod support;

use std::{fs, io::Cursor};

use barhive_engine::data::{FeedError, Source};
use barhive_feeds::{
    SyntheticParams, SyntheticSource,
    import::{Format, ImportReport, ImportSpec, import_file, import_stream},
    quality::{Policies, Policy},
    write::writer,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use support::*;

fn cases() -> u64 {
    std::env::var("BARHIVE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3_400)
}

/// Policies under which a file is read to its end, whatever its rows hold.
fn lenient() -> ImportSpec {
    let quality = Policies { unreadable: Policy::Reject, ..Policies::all(Policy::Reject) };
    ImportSpec { quality, ..ImportSpec::default() }
}

fn good_file(format: Format, rows: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let source =
        SyntheticSource::new(SyntheticParams { bars: rows, missing: 3.0, ..SyntheticParams::default() })
            .unwrap();
    let info = source.series("SYN000").unwrap().remove(0);
    let request = barhive_engine::data::SeriesRequest {
        symbol: info.symbol,
        kind: info.kind,
        timeframe: info.timeframe,
        from_ns: None,
        to_ns: None,
    };
    let mut feed = source.open(&request).unwrap();
    let path = folder.path().join("good");
    let mut out = writer(&path, format, Box::new(fs::File::create(&path).unwrap())).unwrap();
    while let barhive_engine::data::Pull::Rows(batch) = feed.pull(100, 0).unwrap() {
        out.rows(&batch.columns).unwrap();
    }
    out.finish().unwrap();
    fs::read(&path).unwrap()
}

/// Flips, overwrites, cuts, repeats or removes a few spans.
fn mutate(bytes: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + rng.next_u32() % 4 {
        if bytes.is_empty() {
            return bytes;
        }
        let at = rng.next_u64() as usize % bytes.len();
        let length = (1 + rng.next_u64() as usize % 24).min(bytes.len() - at);
        match rng.next_u32() % 8 {
            0 => bytes[at] ^= 1 << (rng.next_u32() % 8),
            1 => bytes[at] = rng.next_u32() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let copy = bytes[at..at + length].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => bytes[at..at + length].fill(0xff),
            6 => bytes[at..at + length].fill(0),
            _ => {
                let tricky: [&[u8]; 9] = [
                    b"\"",
                    b"\n",
                    b",,,",
                    b"1e999",
                    b"-",
                    b"\xef\xbb\xbf",
                    b"NaN",
                    b"99999999999999999999",
                    b"\r",
                ];
                let text = tricky[rng.next_u32() as usize % tricky.len()];
                bytes.splice(at..at, text.iter().copied());
            }
        }
    }
    bytes
}

fn check(outcome: Result<ImportReport, FeedError>, kept: &Kept, fine: &mut u64) {
    match outcome {
        Ok(report) => {
            *fine += 1;
            assert_eq!(report.rows_kept + report.rows_rejected + report.rows_dropped, report.rows_read);
            assert!(report.rows_kept > 0 && !kept.series.is_empty());
        }
        Err(fault) => {
            let text = fault.to_string();
            assert!(text.len() > 10 && text.len() < 20_000, "{text}");
        }
    }
}

fn mutations_of_text(format: Format) {
    let good = good_file(format, 60);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut fine = 0;
    for _ in 0..cases() {
        let bytes = mutate(&good, &mut rng);
        let mut kept = Kept::default();
        let spec = ImportSpec { format: Some(format), ..lenient() };
        let outcome = import_stream("mutated", Box::new(Cursor::new(bytes)), &spec, &mut kept);
        check(outcome, &kept, &mut fine);
    }
    assert!(fine > cases() / 10, "some mutations leave a file that can be read: {fine}");
}

#[test]
fn mutated_csv_is_an_error_or_a_report() {
    mutations_of_text(Format::Csv);
}

#[test]
fn mutated_json_lines_are_an_error_or_a_report() {
    mutations_of_text(Format::JsonLines);
}

#[test]
fn mutated_parquet_is_an_error_or_a_report() {
    let good = good_file(Format::Parquet, 300);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutated.parquet");
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut fine = 0;
    // The decoder's own panics are caught and reported; their messages would only fill the log.
    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..cases() {
        fs::write(&path, mutate(&good, &mut rng)).unwrap();
        let mut kept = Kept::default();
        check(import_file(&path, &lenient(), &mut kept), &kept, &mut fine);
    }
    let _ = std::panic::take_hook();
}

#[test]
fn a_file_cut_at_any_length_is_an_error_or_a_report() {
    for format in [Format::Csv, Format::JsonLines] {
        let good = good_file(format, 6);
        for length in 0..good.len() {
            let mut kept = Kept::default();
            let spec = ImportSpec { format: Some(format), timeframe: "1m".parse().ok(), ..lenient() };
            let bytes = Cursor::new(good[..length].to_vec());
            check(import_stream("cut", Box::new(bytes), &spec, &mut kept), &kept, &mut 0);
        }
    }
    let good = good_file(Format::Parquet, 50);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.parquet");
    for length in (0..good.len()).step_by(5) {
        fs::write(&path, &good[..length]).unwrap();
        let fault = import_file(&path, &lenient(), &mut Kept::default()).unwrap_err().to_string();
        assert!(fault.contains("cut.parquet: not a readable Parquet file"), "{fault}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_named_with_row_line_and_cell() {
    let text = "ts_ms,open,high,low,close,volume\n1577836800000,1,2,1,2,5\n\n1577836860000,1,2,1,zwei,5\n";
    let spec = ImportSpec { timeframe: "1m".parse().ok(), ..ImportSpec::default() };
    let fault = import_text(text, &spec).unwrap_err().to_string();
    assert_eq!(
        fault,
        "test.csv, row 2: expected a bar, found `zwei` in column \
         `close`, which is no number (line 4); quality.unreadable: reject would go on"
    );
    let text = "ts_ms,open,high,low,close,volume\n1577836800000,1,2,1,2,5\n1577836860000,1,2\n";
    let fault = import_text(text, &spec).unwrap_err().to_string();
    assert!(fault.contains("a row of 3 cells, where cell 4 is `low` (line 3)"), "{fault}");
}

#[test]
fn other_files_than_bars_are_refused_with_what_to_do() {
    let spec = ImportSpec::default();
    for (text, told) in [
        ("\u{0}\u{1}\u{2}binary\n", "declare"),
        ("{\"a\": 1}\n", "declare"),
        ("name,age\nx,3\n", "no column is known to be the time stamp"),
        ("ts,open,high\n1,2,3\n", "no column is known to be"),
    ] {
        let fault = import_text(text, &spec).unwrap_err().to_string();
        assert!(fault.contains(told), "{fault}");
    }
    let utf16 = Cursor::new(b"\xff\xfet\0s\0".to_vec());
    let fault = import_stream("u.csv", Box::new(utf16), &spec, &mut Kept::default()).unwrap_err().to_string();
    assert!(fault.contains("UTF-16"), "{fault}");
    let fault = import_file("x.xlsx".as_ref(), &spec, &mut Kept::default()).unwrap_err().to_string();
    assert!(fault.contains("the extension tells no format"), "{fault}");
}
