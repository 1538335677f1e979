//! Why the database could not be asked.

use crate::sweep::SweepError;

/// A failure of the results database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be reached, is busy or did not answer in time. Trying again later makes sense.
    #[error("the results database does not answer: {0}; the results are safe in the run folder")]
    Gone(String),
    /// It answers, and says no. Trying again makes no sense.
    #[error("the results database refuses: {0}")]
    Refused(String),
    /// The run folder could not be read.
    #[error(transparent)]
    Sweep(#[from] SweepError),
}
