//! `runs`: what is in the results folder, and running parts of it again.

mod again;
mod compare;
mod ledger;
mod list;
mod open;
mod prune;
mod rerun;
mod rerun_file;
pub(super) mod same;
mod show;
mod sync;
pub(super) mod variant;

use std::{io::Write, path::PathBuf};

use barhive_engine::registry::Registry as Parts;
use clap::{Args, Subcommand};

use super::{outcome::Outcome, results_dir};

pub(super) use self::open::{OpenRun, OpenSweep, any_run};

#[derive(Subcommand, Debug)]
pub(super) enum RunsCommand {
    /// List the runs below the results folder, newest first
    List(list::ListFlags),
    /// Show what a sweep was made from, what it took and its best
    Show(show::ShowFlags),
    /// Compare two sweeps: configuration, data, results
    Compare(compare::CompareFlags),
    /// Run combinations of a sweep again, with a full report, and check them against the sweep; or one that
    /// was saved as a file
    Rerun(rerun::RerunFlags),
    /// Remove old runs; says which
    Prune(prune::PruneFlags),
    /// Copy into the results database what it has missed
    Sync(sync::SyncFlags),
}

/// Where runs are.
#[derive(Args, Debug)]
pub(super) struct BaseFlags {
    /// The folder that runs are in
    #[arg(long = "in", value_name = "DIR", default_value = results_dir::BASE)]
    pub(super) base: PathBuf,
}

pub(super) fn run(command: &RunsCommand, parts: &Parts, out: &mut dyn Write) -> Outcome {
    match command {
        RunsCommand::List(flags) => list::run(flags, parts, out),
        RunsCommand::Show(flags) => show::run(flags, parts, out),
        RunsCommand::Compare(flags) => compare::run(flags, parts, out),
        RunsCommand::Rerun(flags) => rerun::run(flags, parts, out),
        RunsCommand::Prune(flags) => prune::run(flags, parts, out),
        RunsCommand::Sync(flags) => sync::run(flags, parts, out),
    }
}
