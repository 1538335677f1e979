//! `runs rerun`: a combination of a sweep as a full run, checked against what the sweep says of it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use barhive_config::LoadOptions;
use barhive_engine::{Registry as Parts, sweep::Variant};
use barhive_report::sweep::Naming;
use barhive_store::database::{Database, DatabaseError, ResultStore};
use clap::Args;

use super::{
    OpenSweep,
    again::{Again, again},
    rerun_file::rerun_file,
    same::compare,
    variant,
};
use crate::cli::{
    database::DatabaseFlags,
    outcome::{CliError, Done, Outcome},
    output::{count, wrapped},
    sweep::{RankFlags, failure, read},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct RerunFlags {
    /// The run: its folder, its name, the beginning of that, or `latest`; or a file such as best.yaml
    #[arg(value_name = "RUN")]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) base: super::BaseFlags,
    /// The number of the combination [default: the best, or with --top the best so many]
    #[arg(value_name = "VARIANT")]
    pub(super) variant: Option<u64>,
    #[command(flatten)]
    pub(super) ranked: RankFlags,
    /// Write reports here, a folder per combination [default: variants/ in the run's folder]
    #[arg(long, value_name = "DIR")]
    pub(super) results_dir: Option<PathBuf>,
    /// Write no HTML report
    #[arg(long)]
    pub(super) no_html: bool,
    #[command(flatten)]
    database: DatabaseFlags,
}

pub(super) fn run(flags: &RerunFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let file = Path::new(&flags.name);
    if file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") && file.is_file() {
        return rerun_file(flags, file, parts, out);
    }
    let open = OpenSweep::open(&super::open::find(&flags.base.base, &flags.name)?, parts)?;
    let run_folder = open.run.folder();
    let base = flags.results_dir.clone().unwrap_or_else(|| run_folder.join("variants"));
    let target = flags.database.existing(&[run_folder, run_folder.parent().unwrap_or(Path::new(""))])?;
    let mut database = target.and_then(|target| match target.open() {
        Ok(database) => Some(database),
        Err(error) => {
            tracing::warn!("{error}; signals and trades are not copied");
            None
        }
    });
    let mut all_same = true;
    for index in chosen(flags, &open)? {
        let number = index + 1;
        let stored = open.run.variant(index).map_err(failure)?.ok_or_else(|| {
            CliError::Failed(format!("combination {number} has no result yet; resume the sweep first"))
        })?;
        let folder = base.join(number.to_string());
        let ran = rerun(&open, &stored, parts, &folder, !flags.no_html)?;
        let verdict = compare(&stored, ran.as_ref().and_then(|again| again.result.accounts.first()));
        all_same &= verdict.is_ok();
        let words = Naming::of(&open.spec).words_of(&open.spec, index);
        let told = match &verdict {
            Ok(said) => format!("no. {number} {words}: same ({said})"),
            Err(said) => format!("no. {number} {words}: differs: {said}"),
        };
        out.write_all(wrapped(&told).as_bytes())?;
        let Some(again) = ran else { continue };
        writeln!(out, "  {}", folder.display())?;
        out.flush()?;
        if let (Ok(_), Some(database)) = (&verdict, &mut database)
            && let Err(error) = keep(&open, index, &again, database)
        {
            tracing::warn!("{error}; signals and trades of no. {number} are not copied");
        }
    }
    Ok(if all_same { Done::All } else { Done::WithFailures })
}

/// The combinations that are run again, counted from 0.
fn chosen(flags: &RerunFlags, open: &OpenSweep) -> Result<Vec<u64>, CliError> {
    if let Some(number) = flags.variant {
        return Ok(vec![open.index(number)?]);
    }
    let mut ranking = flags.ranked.ranking(&open.settings)?;
    read(&open.run, &mut ranking, &mut |_| {}).map_err(failure)?;
    let best: Vec<u64> = if flags.ranked.top().is_some() {
        ranking.shown().iter().map(|variant| variant.index).collect()
    } else {
        ranking.best().map(|variant| variant.index).into_iter().collect()
    };
    let members = ranking.front().map(|front| front.members().len());
    if let (Some(members), Some(top)) = (members, flags.ranked.top())
        && (members as u64) < top
    {
        tracing::warn!(
            "the front by {} has {}: no more are run again; --rank with one figure takes the best {top}",
            ranking.in_words(),
            count(members, "combination")
        );
    }
    if best.is_empty() {
        return Err(CliError::Failed("no combination of this run has a result to rank".to_owned()));
    }
    Ok(best)
}

/// Runs a combination as the set that it is by itself; `None` when it cannot be set up.
fn rerun(
    open: &OpenSweep,
    stored: &Variant,
    parts: &Parts,
    folder: &Path,
    html: bool,
) -> Result<Option<Again>, CliError> {
    let text = variant::text(&open.run, &open.spec, &open.sets, stored)?;
    let origin = open.run.folder().join("config.yaml");
    // What was sound as a sweep is sound as a set, but for what makes the combination fail.
    match barhive_config::load_str(&text, &origin.display().to_string(), parts, &LoadOptions::default()) {
        Ok(set) => again(set, &origin, parts, folder, html),
        Err(faults) => {
            tracing::debug!("combination {} cannot be set up: {faults}", stored.index + 1);
            Ok(None)
        }
    }
}

/// Puts signals and trades into a database that has the combination.
fn keep(open: &OpenSweep, index: u64, again: &Again, database: &mut Database) -> Result<(), DatabaseError> {
    let run = open.run.id();
    if !database.stored(&run)?.contains(index) {
        return Ok(());
    }
    let parts = open.spec.variant(index);
    let definition =
        parts.map(|parts| open.spec.definitions[parts.definition].id.clone()).unwrap_or_default();
    for container in &again.containers {
        let mut container = container.clone();
        // The database knows a strategy by the name that it has in the sweep.
        container.strategies.iter_mut().for_each(|strategy| strategy.id.clone_from(&definition));
        let (signals, trades) = again.collector.rows(&container, &open.spec.instruments);
        database.replace_records(&run, index, &signals, &trades)?;
    }
    Ok(())
}
