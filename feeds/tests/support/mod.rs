//! A sink that keeps everything, and the shared data where they are.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use barhive_engine::{
    data::{BarColumns, BarColumnsBuilder, FeedError, SeriesInfo, SeriesKind},
    instrument::Instrument,
    timeframe::Timeframe,
};
use barhive_feeds::{
    import::{ImportReport, ImportSink, ImportSpec, import_file, import_stream},
    layout::{Layout, StampedAt},
};

/// Series by symbol and kind.
#[derive(Debug, Default)]
pub struct Kept {
    open: BTreeMap<SeriesKind, BarColumnsBuilder>,
    pub series: BTreeMap<(String, SeriesKind), BarColumns>,
    pub instruments: Vec<Instrument>,
    pub infos: Vec<SeriesInfo>,
}

impl Kept {
    /// The bars of the only instrument.
    pub fn bars(&self) -> &BarColumns {
        let mut bars = self.series.iter().filter(|((_, kind), _)| *kind == SeriesKind::BAR);
        let (_, columns) = bars.next().expect("a series of bars");
        assert!(bars.next().is_none(), "one instrument");
        columns
    }

    pub fn of(&self, symbol: &str, kind: SeriesKind) -> &BarColumns {
        &self.series[&(symbol.to_owned(), kind)]
    }
}

impl ImportSink for Kept {
    fn begin(&mut self, _: &str, _: Timeframe, kinds: &[SeriesKind]) -> Result<(), FeedError> {
        self.open = kinds.iter().map(|kind| (*kind, BarColumnsBuilder::default())).collect();
        Ok(())
    }

    fn rows(&mut self, kind: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        self.open.get_mut(&kind).expect("a kind that was begun").extend(rows);
        Ok(())
    }

    fn end(&mut self, instrument: &Instrument, series: &[SeriesInfo]) -> Result<(), FeedError> {
        for info in series {
            let columns = self.open.remove(&info.kind).expect("a kind that was begun").finish();
            assert_eq!(info.rows, Some(columns.len() as u64));
            let ends = (columns.ts_close_ns[0], columns.ts_close_ns[columns.len() - 1]);
            assert_eq!(info.span_ns, Some(ends));
            assert_sound(&columns);
            self.series.insert((instrument.symbol.clone(), info.kind), columns);
        }
        self.instruments.push(instrument.clone());
        self.infos.extend_from_slice(series);
        Ok(())
    }
}

/// What every series that comes out of an import holds to, whatever went in.
pub fn assert_sound(columns: &BarColumns) {
    assert!(columns.ts_close_ns.windows(2).all(|w| w[0] < w[1]), "close times strictly increase");
    for bar in columns.bars() {
        assert!(bar.ts_open_ns < bar.ts_close_ns, "{bar:?}");
        let prices = [bar.open, bar.high, bar.low, bar.close];
        assert!(prices.iter().all(|price| (1e-12..=1e15).contains(price)), "{bar:?}");
        assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close), "{bar:?}");
        assert!((0.0..=1e15).contains(&bar.volume), "{bar:?}");
    }
}

/// A file of the shared data; `None`, with a note, where they are not there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let whole = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if whole.exists() {
        Some(whole)
    } else {
        println!("skipped: {} is not there", whole.display());
        None
    }
}

/// A spec with a preset.
pub fn preset(name: &str) -> ImportSpec {
    ImportSpec {
        layout: Layout { preset: Some(name.into()), ..Layout::default() },
        symbol: Some("X".into()),
        ..ImportSpec::default()
    }
}

/// The `barhive` preset, stamped at the close.
pub fn stamped_at_close() -> ImportSpec {
    let mut spec = preset("barhive");
    spec.layout.stamped = Some(StampedAt::Close);
    spec
}

/// Imports a file, and panics where that fails.
pub fn import(path: &Path, spec: &ImportSpec) -> (Kept, ImportReport) {
    let mut kept = Kept::default();
    let report = import_file(path, spec, &mut kept).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(
        report.rows_read,
        report.rows_kept + report.rows_rejected + report.rows_dropped,
        "every row is accounted for"
    );
    (kept, report)
}

/// Imports text.
pub fn import_text(text: &str, spec: &ImportSpec) -> Result<(Kept, ImportReport), FeedError> {
    let mut kept = Kept::default();
    let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
    let report = import_stream("test.csv", Box::new(bytes), spec, &mut kept)?;
    Ok((kept, report))
}
