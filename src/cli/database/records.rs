//! Signals and trades of combinations that are run again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use barhive_actors::{Control, RecorderFactory, RunOptions};
use barhive_engine::{
    instrument::Instrument,
    order::{OrderState, Side},
    pass::RunError,
    record::{OrderEvent, Recorder, Records, Trade, Wants},
    registry::Registry as Parts,
    set::{ContainerSpec, Retention, Trace},
    sweep::SweepSpec,
};
use barhive_store::{
    database::{Database, ResultStore, SignalRow, TradeRow},
    sweep::SweepRun,
};

use super::SyncFault;
use crate::cli::runs::same;

/// Combinations that are run again in one pass: what memory is bounded by.
const TOGETHER: usize = 8;
/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Keeps what containers order and trade, by their names.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Collector(Arc<Mutex<BTreeMap<String, Kept>>>);

/// What one container ordered and traded.
#[derive(Debug, Default)]
struct Kept {
    /// Orders as they were decided.
    signals: Vec<OrderEvent>,
    trades: Vec<Trade>,
}

impl Collector {
    /// A recorder for a container, which wants orders and trades.
    pub(in crate::cli) fn recorder(&self, container: &ContainerSpec) -> Box<dyn Recorder> {
        Box::new(Collecting { all: self.clone(), container: container.name.clone(), kept: Kept::default() })
    }

    fn factory(&self) -> RecorderFactory {
        let all = self.clone();
        Arc::new(move |container| all.recorder(container))
    }

    /// The rows of a container whose run has ended, which are gone from here then. Its recorder must be
    /// dropped.
    pub(in crate::cli) fn rows(
        &self,
        container: &ContainerSpec,
        instruments: &[Instrument],
    ) -> (Vec<SignalRow>, Vec<TradeRow>) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&container.name);
        let kept = kept.unwrap_or_default();
        let strategy = |index: u32| {
            container.strategies.get(index as usize).map_or_else(String::new, |strategy| strategy.id.clone())
        };
        let signal = |event: &OrderEvent| {
            let instrument = &instruments[event.instrument.index()];
            SignalRow {
                ts_ns: event.ts_ns,
                strategy: strategy(event.strategy),
                symbol: instrument.symbol.clone(),
                kind: if event.price == 0 { "market" } else { "at_price" }.to_owned(),
                lots: event.lots,
                price: (event.price != 0).then(|| instrument.format_price(event.price)),
            }
        };
        let trade = |trade: &Trade| TradeRow {
            strategy: strategy(trade.strategy),
            symbol: instruments[trade.instrument.index()].symbol.clone(),
            side: if trade.side == Side::Sell { "short" } else { "long" }.to_owned(),
            lots: trade.lots,
            entry_ts_ns: trade.entry_ts_ns,
            exit_ts_ns: trade.exit_ts_ns,
            entry_value: trade.entry_value,
            exit_value: trade.exit_value,
            fees: trade.fees,
            pnl: trade.pnl,
        };
        (kept.signals.iter().map(signal).collect(), kept.trades.iter().map(trade).collect())
    }
}

/// The recorder of one container.
struct Collecting {
    all: Collector,
    container: String,
    kept: Kept,
}

impl Recorder for Collecting {
    fn wants(&self) -> Wants {
        Wants { orders: true, trades: true, ..Wants::default() }
    }

    fn record(&mut self, records: &Records) {
        let decided = records.orders.iter().filter(|event| event.state == OrderState::Submitted);
        self.kept.signals.extend(decided);
        self.kept.trades.extend_from_slice(&records.trades);
    }

    fn restart(&mut self) {
        self.kept = Kept::default();
    }

    fn memory_bytes(&self) -> u64 {
        (size_of_val(&self.kept.signals[..]) + size_of_val(&self.kept.trades[..])) as u64
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(std::mem::take(&mut self.container), kept);
    }
}

/// Runs combinations of a sweep again and puts their signals and trades into the database, each checked
/// against what the sweep says of it: what differs is told and left out. Answers how many are there now.
///
/// # Errors
/// When the database is gone or refuses, the data cannot be read, `stop` was raised, or something differed.
pub(super) fn record(
    run: &SweepRun,
    spec: &SweepSpec,
    parts: &Parts,
    wanted: &[u64],
    database: &mut Database,
    stop: &AtomicBool,
) -> Result<u64, SyncFault> {
    let (mut recorded, mut differing) = (0, false);
    for together in wanted.chunks(TOGETHER) {
        let (mut set, members, _) = spec.run_spec(parts, together.iter().copied());
        for (container, index) in set.containers.iter_mut().zip(&members) {
            container.name = (index + 1).to_string();
            (container.trace, container.retention) = (Trace::Full, Retention::Full);
        }
        if members.is_empty() {
            continue;
        }
        let (containers, collector) = (set.containers.clone(), Collector::default());
        let options =
            RunOptions { recorders: collector.factory(), seed: spec.account.seed, ..RunOptions::default() };
        let outcome = until(stop, |control| {
            barhive_actors::run(set, parts, RunOptions { control: Some(control), ..options })
        });
        let outcome = outcome.map_err(|error| match error {
            RunError::Cancelled => SyncFault::Stopped,
            other => SyncFault::Run(other.to_string()),
        })?;
        let result = outcome.result;
        drop(outcome.recorders);
        for (container, index) in containers.iter().zip(members) {
            let account = result.accounts.iter().find(|account| account.name == container.name);
            let Some(stored) = run.variant(index)? else { continue };
            if let Err(what) = same::compare(&stored, account) {
                tracing::error!("no. {}: {what}; its signals and trades are not kept", index + 1);
                differing = true;
                continue;
            }
            let (signals, trades) = collector.rows(container, &spec.instruments);
            database.replace_records(&run.id(), index, &signals, &trades)?;
            recorded += 1;
        }
    }
    if differing { Err(SyncFault::Differs) } else { Ok(recorded) }
}

/// Does something that can be cancelled, and cancels it when `stop` is raised.
fn until<T>(stop: &AtomicBool, work: impl FnOnce(Arc<Control>) -> T) -> T {
    let control = Arc::<Control>::default();
    std::thread::scope(|scope| {
        let (done, is_done) = sync_channel::<()>(1);
        let cancels = Arc::clone(&control);
        scope.spawn(move || {
            while is_done.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if stop.load(Ordering::Relaxed) {
                    cancels.cancel();
                }
            }
        });
        let answer = work(control);
        drop(done);
        answer
    })
}
