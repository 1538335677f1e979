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
mod spec;
mod variant;

pub use condition::{Condition, ConditionError};
pub use grid::{Axis, Grid, GridError};
pub use hash::SweepHasher;
pub use range::{VariantRange, VariantSet};
pub use run::{PassBlock, PassWork, run_pass};
pub use spec::{Definition, SweepSpec, VariantParts};
pub use variant::{Evaluation, Outcome, Variant};
