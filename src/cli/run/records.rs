//! What a run leaves behind: record files in every format asked for, and curves for the page.

use std::{path::Path, sync::Arc};

use barhive_actors::RecorderFactory;
use barhive_engine::{
    instrument::Instrument,
    record::{Recorder, Records as Frame, Wants},
    set::{ContainerSpec, RunSpec},
};
use barhive_report::store::{Format, RecordStore, Recorded};

use crate::cli::outcome::CliError;

/// The stores of a run: the first keeps the curves, each writes one format.
pub(in crate::cli) struct Records {
    stores: Vec<Arc<RecordStore>>,
    instruments: Arc<[Instrument]>,
}

impl Records {
    /// Opens a store for each format, or one that only keeps curves.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(in crate::cli) fn start(
        folder: &Path,
        formats: Vec<Format>,
        spec: &RunSpec,
    ) -> Result<Self, CliError> {
        let containers = spec.containers.len();
        let open = |format| RecordStore::to_files(folder, format, containers).map(Arc::new);
        let mut stores = formats
            .into_iter()
            .map(open)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|fault| CliError::Failed(format!("cannot write {fault}")))?;
        if stores.is_empty() {
            stores.push(Arc::new(RecordStore::curves_only(containers)));
        }
        Ok(Self { stores, instruments: spec.instruments.clone().into() })
    }

    /// Makes the recorder of a container.
    pub(in crate::cli) fn factory(&self) -> RecorderFactory {
        self.factory_with(|_| None)
    }

    /// The same, with a recorder of somebody else's beside it.
    pub(in crate::cli) fn factory_with(
        &self,
        beside: impl Fn(&ContainerSpec) -> Option<Box<dyn Recorder>> + Send + Sync + 'static,
    ) -> RecorderFactory {
        let (stores, instruments) = (self.stores.clone(), Arc::clone(&self.instruments));
        Arc::new(move |container| {
            let mut recorders: Vec<Box<dyn Recorder>> = Vec::with_capacity(stores.len() + 1);
            for store in &stores {
                recorders.push(Box::new(store.recorder(container, &instruments)));
            }
            recorders.extend(beside(container));
            match recorders.len() {
                1 => recorders.remove(0),
                _ => Box::new(All(recorders)),
            }
        })
    }

    /// Ends a run that has no result: none of its files stays.
    pub(in crate::cli) fn discard(self) {
        self.stores.iter().for_each(|store| store.discard());
    }

    /// Gathers curves and files once all recorders are gone.
    pub(in crate::cli) fn finish(self, quarantined: &[String]) -> Recorded {
        let mut recorded = Recorded::default();
        for (index, store) in self.stores.iter().enumerate() {
            let one = store.finish(quarantined);
            if index == 0 {
                recorded.curves = one.curves;
            }
            recorded.files.extend(one.files);
            recorded.faults.extend(one.faults);
        }
        recorded
    }
}

/// Several recorders that are given the same.
struct All(Vec<Box<dyn Recorder>>);

impl Recorder for All {
    fn wants(&self) -> Wants {
        let either = |a: Wants, b: Wants| Wants {
            equity: a.equity || b.equity,
            orders: a.orders || b.orders,
            fills: a.fills || b.fills,
            trades: a.trades || b.trades,
        };
        self.0.iter().map(|recorder| recorder.wants()).fold(Wants::default(), either)
    }

    fn record(&mut self, frame: &Frame) {
        self.0.iter_mut().for_each(|recorder| recorder.record(frame));
    }

    fn restart(&mut self) {
        self.0.iter_mut().for_each(|recorder| recorder.restart());
    }

    fn memory_bytes(&self) -> u64 {
        self.0.iter().map(|recorder| recorder.memory_bytes()).sum()
    }
}
