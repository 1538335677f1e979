//! What it takes to build the market-data and hub parts of a pass, at first and after a failure.

use std::sync::Arc;

use barhive_engine::{
    Registry,
    data::FeedError,
    hub::{CacheBounds, Hub},
    layout::Layout,
    merge::Merge,
    set::RunSpec,
};

/// The run, its registry and the layout of its pass.
pub(crate) struct Blueprint {
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) layout: Layout,
}

impl Blueprint {
    /// Opens all feeds at their start.
    pub(crate) fn open(&self) -> Result<Merge, FeedError> {
        Merge::open(&self.spec, &self.layout)
    }

    /// A hub that has seen nothing yet, for the frames of `merge`.
    pub(crate) fn hub(&self, merge: &Merge) -> Hub {
        let machinery = &self.spec.machinery;
        let bounds = CacheBounds { bytes: machinery.hub_cache_bytes, entries: machinery.hub_cache_entries };
        let (opened, rows_max) = (merge.opened(), merge.frame_rows_max());
        Hub::new(&self.layout, &self.registry, opened, rows_max, bounds, false)
    }

    /// Rows over all series, where the source says how many there are.
    pub(crate) fn rows_total(&self) -> Option<u64> {
        let bars_max = self.spec.bars_max.unwrap_or(u64::MAX);
        self.layout
            .series
            .iter()
            .map(|plan| {
                let symbol = &self.spec.instruments[plan.key.instrument.index()].symbol;
                let offered = self.spec.source.series(symbol).ok()?;
                let info = offered
                    .iter()
                    .find(|info| info.kind == plan.key.kind && info.timeframe == plan.key.timeframe)?;
                info.rows.map(|rows| rows.min(bars_max))
            })
            .sum()
    }
}
