//! The synchronous entry: a backtest on the caller's thread, without any runtime.

use std::sync::Arc;

use crate::{
    data::Source,
    frame::Frame,
    instrument::{Currency, FeeSchedule, Instrument, InstrumentId},
    merge::Merged,
    money::Money,
    outcome::{Ended, Outcomes, finish_guarded, run_guarded},
    pass::{MakeRecorder, Pass, RunError},
    record::{NoRecorder, Recorder},
    registry::{Registry, StrategyFactory},
    result::RunResult,
    set::{ContainerSpec, FillSpec, Limits, Machinery, RunSpec, StrategySpec},
    strategy::Sizing,
    timeframe::Timeframe,
};

/// Runs a set on the caller's thread.
///
/// # Errors
/// When the set cannot be set up or its data cannot be read.
pub fn run(spec: &RunSpec, registry: &Registry) -> Result<RunResult, RunError> {
    run_recorded(spec, registry, &|_| Box::new(NoRecorder)).map(|(result, _)| result)
}

/// Runs a set on the caller's thread and gives back the recorders, by container (`None` for those
/// that were quarantined).
///
/// # Errors
/// When the set cannot be set up or its data cannot be read.
#[allow(clippy::type_complexity, reason = "a result and one optional recorder per container")]
pub fn run_recorded(
    spec: &RunSpec,
    registry: &Registry,
    make_recorder: &MakeRecorder<'_>,
) -> Result<(RunResult, Vec<Option<Box<dyn Recorder>>>), RunError> {
    if spec.containers.is_empty() {
        return Err(RunError::Empty);
    }
    let members: Vec<usize> = (0..spec.containers.len()).collect();
    let mut pass = Pass::open(spec, registry, &members, make_recorder, false)?;
    let mut outcomes = Outcomes::new(spec, registry, make_recorder);
    let mut containers: Vec<_> = std::mem::take(&mut pass.containers).into_iter().map(Some).collect();
    let mut frame = Frame::empty();
    loop {
        match pass.next_frame(&mut frame)? {
            Merged::Frame => {
                for (index, slot) in containers.iter_mut().enumerate() {
                    let Some(container) = slot else { continue };
                    if let Err(failure) = run_guarded(container, &frame) {
                        *slot = None;
                        outcomes.end(index, Ended::Failed(failure), &|| false)?;
                    }
                }
            }
            Merged::Pending => std::thread::yield_now(),
            Merged::End => break,
        }
    }
    for (index, container) in containers.into_iter().enumerate() {
        if let Some(container) = container {
            outcomes.end(index, finish_guarded(container), &|| false)?;
        }
    }
    outcomes.into_result(pass.merge.uses(), pass.hub.counters())
}

/// Puts a backtest together in code.
///
/// One account named `account` that all strategies share; [`run`] takes any [`RunSpec`].
pub struct Backtest {
    registry: Registry,
    spec: RunSpec,
    container: ContainerSpec,
}

impl Backtest {
    /// A backtest on `source` with `cash` in `currency`, with the indicators of `registry`.
    ///
    /// # Errors
    /// When the source cannot say what it offers.
    pub fn new(
        registry: Registry,
        source: Arc<dyn Source>,
        cash: Money,
        currency: Currency,
    ) -> Result<Self, RunError> {
        let mut instruments = source.instruments()?;
        instruments.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        Ok(Self {
            registry,
            spec: RunSpec {
                name: "backtest".to_owned(),
                instruments,
                source,
                containers: Vec::new(),
                bars_max: None,
                machinery: Machinery::default(),
            },
            container: ContainerSpec::new("account", cash, currency),
        })
    }

    /// The instruments that the source offers, by symbol.
    pub fn instruments(&self) -> &[Instrument] {
        &self.spec.instruments
    }

    /// An instrument's id.
    ///
    /// # Errors
    /// When the source does not offer it.
    pub fn instrument(&self, symbol: &str) -> Result<InstrumentId, RunError> {
        let found =
            self.spec.instruments.binary_search_by(|instrument| instrument.symbol.as_str().cmp(symbol));
        found
            .map(|index| InstrumentId(index as u32))
            .map_err(|_| RunError::Instruments(vec![format!("the source does not offer `{symbol}`")]))
    }

    /// Adds a strategy that trades `symbols` on bars of `timeframe`.
    ///
    /// # Errors
    /// When the source does not offer one of them.
    pub fn strategy(
        mut self,
        id: &str,
        factory: Arc<dyn StrategyFactory>,
        symbols: &[&str],
        timeframe: Timeframe,
        sizing: Sizing,
    ) -> Result<Self, RunError> {
        let instruments = symbols.iter().map(|symbol| self.instrument(symbol)).collect::<Result<_, _>>()?;
        self.container.strategies.push(StrategySpec {
            id: id.to_owned(),
            kind: id.to_owned(),
            factory,
            instruments,
            timeframe,
            sizing,
            limits: Limits::default(),
        });
        Ok(self)
    }

    /// Charges these fees in place of the instruments' own.
    #[must_use]
    pub fn fees(mut self, fees: FeeSchedule) -> Self {
        self.container.fees = Some(fees);
        self
    }

    /// Says how orders meet prices.
    #[must_use]
    pub fn fill(mut self, fill: FillSpec) -> Self {
        self.container.fill = fill;
        self
    }

    /// Sets the sizes of the machinery, none of which changes a result.
    #[must_use]
    pub fn machinery(mut self, machinery: Machinery) -> Self {
        self.spec.machinery = machinery;
        self
    }

    /// The set as [`run`] takes it, and the registry.
    pub fn into_spec(mut self) -> (RunSpec, Registry) {
        self.spec.containers.push(self.container);
        (self.spec, self.registry)
    }

    /// Runs it on this thread.
    ///
    /// # Errors
    /// When a strategy cannot be set up or the data cannot be read.
    pub fn run(self) -> Result<RunResult, RunError> {
        let (spec, registry) = self.into_spec();
        run(&spec, &registry)
    }
}
