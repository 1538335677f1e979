//! How a command ends: its exit code, and where its error goes.

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// How a command that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// All done: 0.
    All,
    /// Done, but something failed, was quarantined or was interrupted: 1.
    WithFailures,
    /// Done for the part that could be understood; the rest of the configuration is wrong: 2.
    WithFaults,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The command line or the configuration is wrong: 2.
    #[error("{0}")]
    Usage(String),
    /// The work failed: 1.
    #[error("{0}")]
    Failed(String),
    /// The root supervisor gave up: 70.
    #[error("{0}")]
    GaveUp(String),
    /// Standard output could not be written; a reader that has seen enough is no error.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// What commands answer.
pub(super) type Outcome = Result<Done, CliError>;

/// Turns an outcome into an exit code and reports its error on standard error.
pub(super) fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(Done::All) => ExitCode::SUCCESS,
        Ok(Done::WithFailures) => ExitCode::from(1),
        Ok(Done::WithFaults) => ExitCode::from(2),
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let code = match error {
                CliError::Usage(_) => 2,
                CliError::GaveUp(_) => 70,
                CliError::Failed(_) | CliError::Output(_) => 1,
            };
            // Whoever closed standard error does not want to hear it; the exit code still tells.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(code)
        }
    }
}
