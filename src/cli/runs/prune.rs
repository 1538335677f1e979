//! `runs prune`: old runs go.

use std::{io::Write, path::PathBuf, sync::atomic::AtomicBool};

use barhive_engine::registry::Registry as Parts;
use barhive_store::sweep::{Keep, list, prune};
use clap::Args;

use super::{BaseFlags, OpenSweep};
use crate::cli::{
    database::{DatabaseFlags, bring, marked},
    outcome::{CliError, Done, Outcome},
    output::count,
    sweep::failure,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct PruneFlags {
    #[command(flatten)]
    base: BaseFlags,
    /// Keep the newest N sweeps
    #[arg(long, value_name = "N", default_value_t = 10)]
    keep: usize,
    /// Remove sweeps that are not finished, too
    #[arg(long)]
    unfinished: bool,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    database: DatabaseFlags,
}

pub(super) fn run(flags: &PruneFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let base = &flags.base.base;
    let keep = Keep { newest: flags.keep, unfinished: !flags.unfinished };
    let (entries, _) = list(base).map_err(failure)?;
    let old = entries.into_iter().skip(keep.newest);
    let old = old.filter(|entry| entry.result.is_some() || !keep.unfinished);
    let old: Vec<PathBuf> = old.map(|entry| entry.folder).collect();
    let gone = match flags.dry_run {
        true => old,
        false => {
            bring_in(flags, &old, parts)?;
            prune(base, keep).map_err(failure)?
        }
    };
    let word = if flags.dry_run { "would be removed" } else { "removed" };
    for folder in &gone {
        writeln!(out, "{} {word}", folder.display())?;
    }
    writeln!(out, "{} {word} from {}", count(gone.len(), "run"), base.display())?;
    Ok(Done::All)
}

/// What a database has missed of runs that go is brought in first: with their folders it would be lost.
fn bring_in(flags: &PruneFlags, old: &[PathBuf], parts: &Parts) -> Result<(), CliError> {
    if flags.database.is_none() {
        return Ok(());
    }
    for folder in old {
        for wanted in marked(folder) {
            let kept = |what: String| {
                let folder = folder.display();
                CliError::Failed(format!(
                    "nothing was removed: {wanted} has not got all of {folder}: {what}; --database none removes \
                     it all the same"
                ))
            };
            let target = flags.database.waited_for(&wanted).map_err(kept)?;
            let open = OpenSweep::open(folder, parts)?;
            bring(&open, &target, parts, &AtomicBool::new(false)).map_err(|fault| kept(fault.to_string()))?;
        }
    }
    Ok(())
}
