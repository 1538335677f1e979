//! Reading data: CSV import, opening a catalog, and the formats side by side.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use barhive::{
    engine::{
        data::{BarColumns, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source},
        instrument::Instrument,
        registry::FeedContext,
        timeframe::Timeframe,
    },
    feeds::import::{Format, ImportSink, ImportSpec, import_file},
    store::{Catalog, CatalogParams, CatalogSource, SeriesFacts},
};

use crate::{
    fixtures::{self, Workload},
    measure::{Figures, median_ns},
};

/// Counts rows and adds up closes, so that no work can be left out.
#[derive(Default)]
struct Sum {
    rows: usize,
    closes: f64,
}

impl ImportSink for Sum {
    fn begin(&mut self, _: &str, _: Timeframe, _: &[SeriesKind]) -> Result<(), FeedError> {
        Ok(())
    }

    fn rows(&mut self, _: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        self.rows += rows.len();
        self.closes += rows.close.iter().sum::<f64>();
        Ok(())
    }

    fn end(&mut self, _: &Instrument, _: &[SeriesInfo]) -> Result<(), FeedError> {
        Ok(())
    }
}

/// Imports a file into a catalog, as `barhive data import` does: every rule, every block written.
struct Import {
    catalog: Catalog,
    writer: Option<barhive::store::CatalogWriter>,
    rows: usize,
}

impl ImportSink for Import {
    fn begin(&mut self, symbol: &str, timeframe: Timeframe, _: &[SeriesKind]) -> Result<(), FeedError> {
        let currency = barhive::engine::instrument::Currency::new("USD").expect("a currency code");
        let instrument = Instrument::new(symbol, 6, currency);
        self.writer =
            Some(self.catalog.writer(instrument, SeriesKind::BAR, timeframe, SeriesFacts::default())?);
        Ok(())
    }

    fn rows(&mut self, _: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        self.rows += rows.len();
        match &mut self.writer {
            Some(writer) => Ok(writer.append(rows)?),
            None => Ok(()),
        }
    }

    fn end(&mut self, _: &Instrument, _: &[SeriesInfo]) -> Result<(), FeedError> {
        match self.writer.take() {
            Some(writer) => Ok(writer.finish().map(drop)?),
            None => Ok(()),
        }
    }
}

fn request(symbol: &str) -> SeriesRequest {
    SeriesRequest {
        symbol: symbol.to_owned(),
        kind: SeriesKind::BAR,
        timeframe: Timeframe::M1,
        from_ns: None,
        to_ns: None,
    }
}

fn open(workload: &Workload) -> CatalogSource {
    let params = CatalogParams::new(&workload.catalog);
    CatalogSource::open(params, &FeedContext { base_dir: PathBuf::from("/") }).expect("the catalog opens")
}

/// The bars of W1 as a file of another format, written once.
fn exported(workload: &Workload, format: Format, name: &str) -> PathBuf {
    let path = workload.catalog.with_extension(name);
    if !path.exists() {
        let source = open(workload);
        let instrument = source.instruments().expect("the catalog has instruments").remove(0);
        let mut feed = source.open(&request(&instrument.symbol)).expect("the series opens");
        let file = std::io::BufWriter::new(std::fs::File::create(&path).expect("the folder can be written"));
        let mut writer = barhive::feeds::write::writer(&path, format, Box::new(file)).expect("a writer");
        while let Pull::Rows(batch) = feed.pull(8_192, 0).expect("rows are read") {
            writer.rows(&batch.columns).expect("rows are written");
        }
        writer.finish().expect("the file is finished");
    }
    path
}

fn import_ns_per_bar(path: &Path, spec: &ImportSpec, bars: usize, runs: usize) -> f64 {
    let ns = median_ns(runs, || {
        let mut sum = Sum::default();
        import_file(path, spec, &mut sum).expect("the file imports");
        assert_eq!(sum.rows, bars);
        assert!(sum.closes > 0.0);
    });
    ns / bars as f64
}

/// The least that any reader of these lines does: find the fields, turn them into numbers.
fn csv_floor_ns_per_bar(path: &Path, bars: usize) -> f64 {
    let ns = median_ns(3, || {
        let text = std::fs::read_to_string(path).expect("the file is there");
        let mut sum = 0.0;
        let mut rows = 0;
        for line in text.lines().skip(1) {
            for field in line.split(',') {
                sum += field.parse::<f64>().unwrap_or(0.0);
            }
            rows += 1;
        }
        assert_eq!(rows, bars);
        std::hint::black_box(sum);
    });
    ns / bars as f64
}

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["csv_ns_per_bar", "csv_ns_per_bar_floor"]) {
        let workload = fixtures::w1();
        let path = exported(&workload, Format::Csv, "csv");
        let folder = workload.catalog.with_extension("imported");
        let ns = median_ns(5, || {
            let catalog = Catalog::open_or_create(&folder).expect("the catalog can be made");
            let mut sink = Import { catalog, writer: None, rows: 0 };
            import_file(&path, &fixtures::import_spec(), &mut sink).expect("the file imports");
            assert_eq!(sink.rows, workload.bars);
        });
        figures.print("csv_ns_per_bar", ns / workload.bars as f64, "ns");
        figures.print("csv_ns_per_bar_floor", csv_floor_ns_per_bar(&path, workload.bars), "ns");
    }
    if figures.wants(&["catalog_open_ms"]) {
        let workload = fixtures::w1();
        let ns = median_ns(51, || {
            let source = open(&workload);
            let instruments = source.instruments().expect("the catalog has instruments");
            let mut feed = source.open(&request(&instruments[0].symbol)).expect("the series opens");
            assert!(matches!(feed.pull(1, 0), Ok(Pull::Rows(_))));
        });
        figures.print("catalog_open_ms", ns / 1e6, "ms");
    }
    if figures.wants(&[
        "format_jsonl_ns_per_bar",
        "format_csv_ns_per_bar",
        "format_parquet_ns_per_bar",
        "format_catalog",
    ]) {
        formats(figures);
    }
}

fn formats(figures: &mut Figures) {
    let workload = fixtures::w1();
    let mut line = String::new();
    for (format, name) in [(Format::JsonLines, "jsonl"), (Format::Csv, "csv"), (Format::Parquet, "parquet")] {
        let path = exported(&workload, format, name);
        let ns = import_ns_per_bar(&path, &fixtures::import_spec(), workload.bars, 3);
        figures.print(&format!("format_{name}_ns_per_bar"), ns, "ns");
        let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
        let _ = write!(line, "{name} {:.1} MB, ", bytes as f64 / 1e6);
    }
    for (name, all) in [("all", true), ("two", false)] {
        let ns = median_ns(9, || {
            let source = open(&workload);
            let symbol = source.instruments().expect("the catalog has instruments").remove(0).symbol;
            let mut feed = source.open(&request(&symbol)).expect("the series opens");
            let mut sum = 0.0;
            let mut rows = 0;
            while let Pull::Rows(batch) = feed.pull(8_192, 0).expect("rows are read") {
                let columns = &batch.columns;
                rows += columns.len();
                sum += columns.ts_close_ns.iter().map(|ts| *ts as f64).sum::<f64>()
                    + columns.close.iter().sum::<f64>();
                if all {
                    for column in [&columns.open, &columns.high, &columns.low, &columns.volume] {
                        sum += column.iter().sum::<f64>();
                    }
                }
            }
            assert_eq!(rows, workload.bars);
            std::hint::black_box(sum);
        });
        figures.print(&format!("format_catalog_{name}_ns_per_bar"), ns / workload.bars as f64, "ns");
    }
    println!("# sizes: {line}a million bars");
}
