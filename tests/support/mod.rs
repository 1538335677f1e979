//! What the end-to-end tests share: the program's parts, a catalog filled by an import, and sets.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive_actors::{RunOptions, RunOutcome, run};
use barhive_engine::{
    Registry,
    data::{BarColumns, FeedError, SeriesInfo, SeriesKind, Source},
    instrument::{Currency, FeeSchedule, Instrument, InstrumentId},
    money::Money,
    pass::RunError,
    recorder::MemoryRecorder,
    registry::{FeedContext, StrategyFactory, factory},
    result::{AccountResult, RunResult},
    set::{ContainerSpec, Limits, Machinery, RunSpec, StrategySpec, Trace},
    strategy::Sizing,
    timeframe::Timeframe,
};
use barhive_feeds::import::{ImportReport, ImportSink, ImportSpec, import_file};
use barhive_store::{Catalog, CatalogParams, CatalogSource, CatalogWriter, SeriesFacts};
use barhive_strategies::{SmaCross, SmaCrossParams};

/// Everything built in, as the program has it.
pub fn registry() -> Registry {
    barhive::Registry::builtin().into()
}

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the shared reference data; `None`, with a note, where they are not there.
pub fn shared(path: &str) -> Option<PathBuf> {
    first_of(&[project("../shared").join(path)])
}

/// The first of these files that exists; `None`, with a note, where none does.
pub fn first_of(paths: &[PathBuf]) -> Option<PathBuf> {
    let found = paths.iter().find(|path| path.exists()).cloned();
    if found.is_none() {
        println!("skipped: {} is not there", paths[0].display());
    }
    found
}

/// Puts what an import lets through into a catalog, series by series.
pub struct IntoCatalog {
    catalog: Catalog,
    currency: Currency,
    open: Vec<(SeriesKind, CatalogWriter)>,
}

impl IntoCatalog {
    /// Fills the catalog in `folder`, which is made where it is missing.
    pub fn new(folder: &Path) -> Self {
        let catalog = Catalog::open_or_create(folder).expect("a catalog");
        Self { catalog, currency: usd(), open: Vec::new() }
    }
}

impl ImportSink for IntoCatalog {
    fn begin(&mut self, symbol: &str, timeframe: Timeframe, kinds: &[SeriesKind]) -> Result<(), FeedError> {
        self.open.clear();
        for kind in kinds {
            let instrument = Instrument::new(symbol, 2, self.currency.clone());
            let writer = self.catalog.writer(instrument, *kind, timeframe, SeriesFacts::default())?;
            self.open.push((*kind, writer));
        }
        Ok(())
    }

    fn rows(&mut self, kind: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        let open = self.open.iter_mut().find(|(open, _)| *open == kind);
        let (_, writer) = open.expect("a kind that was begun");
        Ok(writer.append(rows)?)
    }

    fn end(&mut self, instrument: &Instrument, series: &[SeriesInfo]) -> Result<(), FeedError> {
        for ((kind, mut writer), info) in self.open.drain(..).zip(series) {
            assert_eq!(kind, info.kind, "infos come in the order of the kinds");
            writer.set_instrument(instrument.clone())?;
            let facts = writer.facts_mut();
            (facts.prices_on_scale, facts.notes) = (info.prices_on_scale, info.notes.clone());
            writer.finish()?;
        }
        Ok(())
    }
}

/// Imports a file into the catalog in `folder`.
pub fn import(path: &Path, spec: &ImportSpec, folder: &Path) -> Result<ImportReport, FeedError> {
    import_file(path, spec, &mut IntoCatalog::new(folder))
}

/// The catalog in `folder`, opened for runs.
pub fn open_catalog(folder: &Path) -> Result<Arc<dyn Source>, FeedError> {
    let params = CatalogParams::new(folder);
    let source = CatalogSource::open(params, &FeedContext { base_dir: PathBuf::new() })?;
    Ok(Arc::new(source))
}

/// A set on a source, with these accounts.
pub fn set(source: Arc<dyn Source>, containers: Vec<ContainerSpec>) -> RunSpec {
    let instruments = source.instruments().expect("the source has instruments");
    let machinery = Machinery::default();
    RunSpec { name: "test".to_owned(), instruments, source, containers, bars_max: None, machinery }
}

/// An account with a million, a tenth of a per cent per fill, and these strategies.
pub fn account(strategies: Vec<StrategySpec>) -> ContainerSpec {
    ContainerSpec {
        strategies,
        fees: Some(FeeSchedule { rate_ppb: 1_000_000, ..FeeSchedule::default() }),
        trace: Trace::Full,
        ..ContainerSpec::new("account", Money::from_units(1_000_000), usd())
    }
}

/// A cross of two simple averages on minutes, one lot, always in the market after the first cross.
pub fn sma_cross(id: String, fast: u32, slow: u32, instrument: u32) -> StrategySpec {
    let params = SmaCrossParams { fast, slow, ..SmaCrossParams::default() };
    strategy(id, "sma_cross", factory(params, SmaCross::new), instrument)
}

/// A strategy on minutes, one lot.
pub fn strategy(id: String, kind: &str, factory: Arc<dyn StrategyFactory>, instrument: u32) -> StrategySpec {
    StrategySpec {
        id,
        kind: kind.to_owned(),
        factory,
        instruments: vec![InstrumentId(instrument)],
        timeframe: Timeframe::M1,
        sizing: Sizing::Lots(1),
        limits: Limits::default(),
    }
}

/// The 500 strategies of the shared workload W3: strategy k trades instrument k % 100 with one of 20
/// pairs of averages.
pub fn five_hundred() -> Vec<StrategySpec> {
    const FAST: [u32; 5] = [5, 8, 10, 15, 20];
    const SLOW: [u32; 4] = [30, 50, 80, 120];
    let strategy = |k: u32| {
        let instrument = k % 100;
        let pair = ((k / 100 + 4 * instrument) % 20) as usize;
        sma_cross(format!("s{k:03}"), FAST[pair / 4], SLOW[pair % 4], instrument)
    };
    (0..500).map(strategy).collect()
}

/// Runs a set through the actors.
pub fn run_actors(spec: RunSpec, registry: &Registry) -> Result<RunOutcome, RunError> {
    run(spec, registry, RunOptions::default())
}

/// Runs a set of one account through the actors and keeps its records.
pub fn run_recorded(spec: RunSpec, registry: &Registry) -> (RunResult, MemoryRecorder) {
    let recorder = MemoryRecorder::full();
    let inside = recorder.clone();
    let recorders: barhive_actors::RecorderFactory = Arc::new(move |_| Box::new(inside.clone()));
    let outcome =
        run(spec, registry, RunOptions { recorders, ..RunOptions::default() }).expect("the set runs");
    (outcome.result, recorder)
}

/// The one account of a result.
pub fn only(result: &RunResult) -> &AccountResult {
    let [account] = result.accounts.as_slice() else { panic!("{} accounts", result.accounts.len()) };
    account
}

/// The hash of one account.
pub fn hash_of<'r>(result: &'r RunResult, account: &str) -> &'r str {
    let found = result.accounts.iter().find(|one| one.name == account);
    &found.unwrap_or_else(|| panic!("no account {account}")).hash
}

/// US dollars.
pub fn usd() -> Currency {
    Currency::new("USD").expect("a currency")
}
