//! The data sets and strategy sets behind the figures.
//!
//! The reference workloads come from `target/parity-cache` (written by `./test.sh`) with the answers
//! that they must give. Without them the same shapes come from the project's own generator.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive::{
    actors::{RunOptions, RunOutcome},
    bench::market,
    engine::{
        Registry,
        data::{BarColumns, FeedError, SeriesInfo, SeriesKind, Source},
        indicator,
        instrument::{Currency, FeeSchedule, Instrument, InstrumentId},
        money::Money,
        registry::{FeedContext, StrategyFactory, factory},
        set::{ContainerSpec, Limits, Machinery, Retention, RunSpec, StrategySpec, Trace},
        strategy::Sizing,
        timeframe::Timeframe,
    },
    feeds::import::{ImportSink, ImportSpec, InstrumentSpec, import_file},
    store::{Catalog, CatalogParams, CatalogSource, CatalogWriter, SeriesFacts},
    strategies::{SmaCross, SmaCrossParams},
};

/// What a workload must answer.
#[derive(Clone, Copy)]
pub struct Answer {
    pub fills: u64,
    pub final_equity: &'static str,
}

/// A workload: a catalog on disk, and what it must answer where that is known.
pub struct Workload {
    pub catalog: PathBuf,
    pub bars: usize,
    pub answer: Option<Answer>,
}

/// Where data and results of the figures are kept.
pub fn cache() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

fn parity(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/parity-cache").join(name);
    path.exists().then_some(path)
}

/// One instrument, a million one-minute bars.
pub fn w1() -> Workload {
    match parity("one_1m.csv") {
        Some(csv) => Workload {
            catalog: imported("w1", &csv),
            bars: 1_000_000,
            answer: Some(Answer { fills: 38_897, final_equity: "995064.166171607" }),
        },
        None => synthetic("w1_own", 1, 1_000_000),
    }
}

/// A hundred instruments, ten thousand one-minute bars each.
pub fn w3() -> Workload {
    match parity("hundred_10k.csv") {
        Some(csv) => Workload {
            catalog: imported("w3", &csv),
            bars: 10_000,
            answer: Some(Answer { fills: 147_111, final_equity: "970933.492490206" }),
        },
        None => synthetic("w3_own", 100, 10_000),
    }
}

/// The shape of W1 with any number of bars, from the project's own generator.
pub fn synthetic(name: &str, instruments: u32, bars: u64) -> Workload {
    let catalog = cache().join(name);
    market::catalog(&catalog, instruments, bars).expect("the catalog can be made");
    Workload { catalog, bars: bars as usize, answer: None }
}

fn imported(name: &str, csv: &Path) -> PathBuf {
    let folder = cache().join(name);
    if !folder.join("done").exists() {
        let catalog = Catalog::open_or_create(&folder).expect("the catalog can be made");
        let mut sink = CatalogSink { catalog, symbol: String::new(), open: None };
        import_file(csv, &import_spec(), &mut sink).expect("the reference data import");
        std::fs::write(folder.join("done"), "").expect("the folder can be written");
    }
    folder
}

/// How the reference files are read.
pub fn import_spec() -> ImportSpec {
    ImportSpec {
        timeframe: Some(Timeframe::M1),
        instrument: InstrumentSpec { price_scale: Some(6), ..InstrumentSpec::default() },
        ..ImportSpec::default()
    }
}

/// Writes an import's bars into a catalog.
struct CatalogSink {
    catalog: Catalog,
    symbol: String,
    open: Option<CatalogWriter>,
}

impl ImportSink for CatalogSink {
    fn begin(&mut self, symbol: &str, timeframe: Timeframe, _: &[SeriesKind]) -> Result<(), FeedError> {
        self.symbol = symbol.to_owned();
        let instrument = Instrument::new(symbol, 6, usd());
        let writer = self.catalog.writer(instrument, SeriesKind::BAR, timeframe, SeriesFacts::default())?;
        self.open = Some(writer);
        Ok(())
    }

    fn rows(&mut self, _: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        match &mut self.open {
            Some(writer) => Ok(writer.append(rows)?),
            None => Ok(()),
        }
    }

    fn end(&mut self, instrument: &Instrument, series: &[SeriesInfo]) -> Result<(), FeedError> {
        if let Some(mut writer) = self.open.take() {
            writer.set_instrument(instrument.clone())?;
            writer.facts_mut().prices_on_scale = series.iter().all(|series| series.prices_on_scale);
            writer.finish()?;
        }
        Ok(())
    }
}

fn usd() -> Currency {
    Currency::new("USD").expect("USD is a currency code")
}

/// Indicators and strategies, as the program has them.
pub fn registry() -> Registry {
    let parts = indicator::builtin().into_iter().fold(Registry::empty(), Registry::indicator);
    barhive::strategies::register(parts)
}

/// Everything that the program has.
pub fn registry_with_feeds() -> Registry {
    barhive::Registry::builtin().into()
}

/// A moving-average cross that holds one unit.
pub fn cross(fast: u32, slow: u32) -> Arc<dyn StrategyFactory> {
    factory(SmaCrossParams { fast, slow, ..SmaCrossParams::default() }, SmaCross::new)
}

/// A set on a workload's catalog, without containers.
pub fn set(workload: &Workload) -> RunSpec {
    let params = CatalogParams::new(&workload.catalog);
    let context = FeedContext { base_dir: PathBuf::from("/") };
    let source = CatalogSource::open(params, &context).expect("the catalog opens");
    RunSpec {
        name: "figures".to_owned(),
        instruments: source.instruments().expect("the catalog has instruments"),
        source: Arc::new(source),
        containers: Vec::new(),
        bars_max: None,
        machinery: Machinery::default(),
    }
}

/// An account with a million and these strategies, a tenth of a per cent a fill.
pub fn account(name: &str, strategies: Vec<StrategySpec>) -> ContainerSpec {
    ContainerSpec {
        strategies,
        fees: Some(FeeSchedule { rate_ppb: 1_000_000, ..FeeSchedule::default() }),
        trace: Trace::Minimal,
        retention: Retention::Minimal,
        ..ContainerSpec::new(name, Money::from_units(1_000_000), usd())
    }
}

/// One strategy on one instrument, one unit.
pub fn strategy(id: &str, factory: Arc<dyn StrategyFactory>, instrument: u32) -> StrategySpec {
    StrategySpec {
        id: id.to_owned(),
        kind: id.to_owned(),
        factory,
        instruments: vec![InstrumentId(instrument)],
        timeframe: Timeframe::M1,
        sizing: Sizing::Lots(1),
        limits: Limits::default(),
    }
}

/// The set of W1.
pub fn w1_set(workload: &Workload) -> RunSpec {
    let account = account("w1", vec![strategy("cross", cross(10, 30), 0)]);
    RunSpec { containers: vec![account], ..set(workload) }
}

/// The set of W3: 500 strategies in one account.
pub fn w3_set(workload: &Workload) -> RunSpec {
    let pairs: Vec<(u32, u32)> =
        [5, 8, 10, 15, 20].into_iter().flat_map(|fast| [30, 50, 80, 120].map(|slow| (fast, slow))).collect();
    let strategies = (0..500)
        .map(|k| {
            let (fast, slow) = pairs[(k / 100 + 4 * (k % 100)) % 20];
            strategy(&format!("s{k}"), cross(fast, slow), (k % 100) as u32)
        })
        .collect();
    RunSpec { containers: vec![account("w3", strategies)], ..set(workload) }
}

/// Runs a set through the actors and checks the answer, where it is known.
pub fn run(set: RunSpec, registry: &Registry, answer: Option<Answer>) -> RunOutcome {
    let outcome = barhive::actors::run(set, registry, RunOptions::default()).expect("the set runs");
    let account = &outcome.result.accounts[0];
    assert!(account.fills > 0, "the set traded");
    assert_eq!(outcome.result.hub.computed, outcome.result.hub.expected, "each indicator once per bar");
    if let Some(Answer { fills, final_equity }) = answer {
        assert_eq!(account.fills, fills);
        assert_eq!(account.final_equity.to_string(), final_equity);
    }
    outcome
}
