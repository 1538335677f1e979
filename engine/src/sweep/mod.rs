//! Sweeps: many variants of a strategy over the same data.
//!
//! A [`SweepSpec`] names definitions and the values of their parameters. Its variants are numbered in
//! grid order: definition by definition, then instruments, timeframes and points. Every variant is a
//! container of its own; a *pass* is a range of variants that are fed from one read of the data. The
//! pass is the unit of results, progress, checkpoint, retry and resume.

mod condition;
mod grid;
mod hash;
mod range;
mod run;
mod schedule;
mod spec;
mod variant;
mod watch;

pub use condition::{Condition, ConditionError};
pub use grid::{Axis, Grid, GridError};
pub use hash::SweepHasher;
pub use range::{VariantRange, VariantSet};
pub use run::{PassBlock, PassWork, run_pass, watch_pass};
pub use schedule::{CutOptions, Lease, PassTime, SAMPLES, Schedule, Verdict, chunk_len};
pub use spec::{Definition, SweepSpec, VariantParts};
pub use variant::{Evaluation, Outcome, Variant};
pub use watch::{PassPart, PassWatch};

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value as Json};

    use super::*;
    use crate::{
        data::MemorySource,
        instrument::{Currency, InstrumentId},
        money::Money,
        set::{ContainerSpec, Limits, Machinery, Retention, Trace},
        strategy::Sizing,
        timeframe::Timeframe,
    };

    /// A sweep over axes of these lengths, without data.
    pub(crate) fn spec_of(lens: &[usize]) -> SweepSpec {
        let axes = lens
            .iter()
            .enumerate()
            .map(|(place, len)| Axis::new(format!("p{place}"), (0..*len as u64).map(Json::from).collect()));
        let grid = Grid::new(Map::new(), axes.collect(), &[]).unwrap();
        SweepSpec {
            name: "test".into(),
            instruments: Vec::new(),
            source: Arc::new(MemorySource::new()),
            account: ContainerSpec {
                trace: Trace::Minimal,
                retention: Retention::Minimal,
                ..ContainerSpec::new("account", Money::from_units(1_000), Currency::new("USD").unwrap())
            },
            definitions: vec![Definition {
                id: "d".into(),
                kind: "none".into(),
                instruments: vec![vec![InstrumentId(0)]],
                timeframes: vec![Timeframe::M1],
                sizing: Sizing::Lots(1),
                limits: Limits::default(),
                grid,
            }],
            bars_max: None,
            machinery: Machinery::default(),
        }
    }
}
