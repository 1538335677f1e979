//! What can be wrong with a bar, what is done about it, and how it is counted.

mod fault;
mod judge;
mod rules;
mod tally;
mod values;

pub use fault::{Fault, Policies, Policy};
pub(crate) use judge::Judge;
pub(crate) use rules::{Place, Rows, Rules, Standing, whole_row};
pub use tally::{FaultCount, Tally};
