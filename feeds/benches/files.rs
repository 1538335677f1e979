//! What reading and writing a bar costs: a million bars of one instrument, prices of six decimals, through
//! every rule, into columns that are looked at and dropped. Prints nanoseconds per bar, the best of five.
//!
//! The floor is a hand-written loop over the same bytes that parses six numbers a line with the standard
//! library's slices and nothing else: no layout, no judging, no columns.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use barhive_engine::{
    data::{BarColumns, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source},
    instrument::Instrument,
    registry::FeedContext,
    timeframe::Timeframe,
};
use barhive_feeds::{
    CsvParams, CsvSource, SyntheticParams, SyntheticSource,
    import::{Format, ImportSink, ImportSpec, InstrumentSpec, import_file},
    layout::Layout,
    write::writer,
};

const BARS: u64 = 1_000_000;

/// Counts rows and adds up closes, so that no work can be left out.
#[derive(Default)]
struct Sum {
    rows: usize,
    closes: f64,
}

impl Sum {
    fn add(&mut self, rows: &BarColumns) {
        self.rows += rows.len();
        self.closes += rows.close.iter().sum::<f64>();
    }
}

impl ImportSink for Sum {
    fn begin(&mut self, _: &str, _: Timeframe, _: &[SeriesKind]) -> Result<(), FeedError> {
        Ok(())
    }

    fn rows(&mut self, _: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        self.add(rows);
        Ok(())
    }

    fn end(&mut self, _: &Instrument, _: &[SeriesInfo]) -> Result<(), FeedError> {
        Ok(())
    }
}

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Times one figure, if the command line asks for it by a part of its name, or for none.
fn figure(name: &str, mut work: impl FnMut() -> Sum) {
    let mut wanted = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).peekable();
    if wanted.peek().is_some() && !wanted.any(|part| name.contains(&part)) {
        return;
    }
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let mut sum = Sum::default();
        best = best.min(timed(|| sum = work()));
        assert_eq!(sum.rows as u64, BARS, "{name}");
        assert!(sum.closes > 0.0, "{name}");
    }
    println!("{name:<28} {:8.1} ns/bar", best.as_nanos() as f64 / BARS as f64);
}

fn pull_all(source: &dyn Source) -> Sum {
    let symbol = source.instruments().expect("instruments")[0].symbol.clone();
    let info = source.series(&symbol).expect("series").remove(0);
    let request =
        SeriesRequest { symbol, kind: info.kind, timeframe: info.timeframe, from_ns: None, to_ns: None };
    let mut feed = source.open(&request).expect("a feed");
    let mut sum = Sum::default();
    while let Pull::Rows(batch) = feed.pull(1024, 0).expect("rows") {
        sum.add(&batch.columns);
    }
    sum
}

fn plain_csv(path: &Path, source: &dyn Source) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    writeln!(out, "ts,open,high,low,close,volume").expect("a write");
    let request = SeriesRequest {
        symbol: "SYN000".into(),
        kind: SeriesKind::BAR,
        timeframe: Timeframe::M1,
        from_ns: None,
        to_ns: None,
    };
    let mut feed = source.open(&request).expect("a feed");
    while let Pull::Rows(batch) = feed.pull(1 << 14, 0).expect("rows") {
        for bar in batch.columns.bars() {
            let ms = bar.ts_open_ns / 1_000_000;
            writeln!(out, "{ms},{},{},{},{},{}", bar.open, bar.high, bar.low, bar.close, bar.volume)
                .expect("a write");
        }
    }
}

/// The floor: numbers of at most 19 digits, cells divided by commas, nothing checked.
fn floor(path: &Path) -> Sum {
    let bytes = std::fs::read(path).expect("a file");
    let mut sum = Sum::default();
    let mut at = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    while at < bytes.len() {
        let mut cells = [0.0; 6];
        for cell in &mut cells {
            let (mut mantissa, mut decimals, mut point) = (0u64, 0, false);
            while at < bytes.len() && bytes[at] != b',' && bytes[at] != b'\n' {
                if bytes[at] == b'.' {
                    point = true;
                } else {
                    mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(bytes[at] - b'0'));
                    decimals += i32::from(point);
                }
                at += 1;
            }
            *cell = mantissa as f64 / 10f64.powi(decimals);
            at += 1;
        }
        sum.rows += 1;
        sum.closes += cells[4];
    }
    sum
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let instrument = InstrumentSpec { price_scale: Some(6), ..InstrumentSpec::default() };
    let params = SyntheticParams { bars: BARS, instrument, ..SyntheticParams::default() };
    let source = SyntheticSource::new(params).expect("a market");
    figure("synthetic", || pull_all(&source));

    let csv = folder.path().join("bars.csv");
    plain_csv(&csv, &source);
    let import = |path: &Path, spec: &ImportSpec| {
        let mut sum = Sum::default();
        import_file(path, spec, &mut sum).expect("an import");
        sum
    };
    figure("csv floor", || floor(&csv));
    figure("csv import", || import(&csv, &ImportSpec::default()));
    let context = FeedContext { base_dir: folder.path().to_owned() };
    figure("csv read in place", || {
        pull_all(&CsvSource::open(CsvParams::new("bars.csv"), &context).expect("a source"))
    });

    let layout = Layout { preset: Some("barhive_full".into()), ..Layout::default() };
    for (format, extension) in
        [(Format::Csv, "full.csv"), (Format::JsonLines, "jsonl"), (Format::Parquet, "parquet")]
    {
        let path = folder.path().join(format!("bars.{extension}"));
        figure(&format!("{extension} export"), || {
            let file = File::create(&path).expect("a file");
            let mut writer = writer(&path, format, Box::new(file)).expect("a writer");
            let mut sum = Sum::default();
            let info = source.series("SYN000").expect("series").remove(0);
            let request = SeriesRequest {
                symbol: info.symbol,
                kind: info.kind,
                timeframe: info.timeframe,
                from_ns: None,
                to_ns: None,
            };
            let mut feed = source.open(&request).expect("a feed");
            while let Pull::Rows(batch) = feed.pull(1 << 14, 0).expect("rows") {
                sum.add(&batch.columns);
                writer.rows(&batch.columns).expect("a write");
            }
            writer.finish().expect("a whole file");
            sum
        });
        let mut spec = ImportSpec::default();
        if format == Format::Csv {
            spec.layout = layout.clone();
        }
        if path.exists() {
            figure(&format!("{extension} import"), || import(&path, &spec));
            println!(
                "{:<28} {:8.1} bytes/bar",
                format!("{extension} size"),
                size(&path) as f64 / BARS as f64
            );
        }
    }
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
