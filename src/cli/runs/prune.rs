//! `runs prune`: old runs go.

use std::io::Write;

use barhive_store::sweep::{Keep, list, prune};
use clap::Args;

use super::BaseFlags;
use crate::cli::{
    outcome::{Done, Outcome},
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
}

pub(super) fn run(flags: &PruneFlags, out: &mut dyn Write) -> Outcome {
    let base = &flags.base.base;
    let keep = Keep { newest: flags.keep, unfinished: !flags.unfinished };
    let gone: Vec<_> = if flags.dry_run {
        let (entries, _) = list(base).map_err(failure)?;
        let old = entries.into_iter().skip(keep.newest);
        let old = old.filter(|entry| entry.result.is_some() || !keep.unfinished);
        old.map(|entry| entry.folder).collect()
    } else {
        prune(base, keep).map_err(failure)?
    };
    let word = if flags.dry_run { "would be removed" } else { "removed" };
    for folder in &gone {
        writeln!(out, "{} {word}", folder.display())?;
    }
    writeln!(out, "{} {word} from {}", count(gone.len(), "run"), base.display())?;
    Ok(Done::All)
}
