//! `runs rerun`: a combination of a sweep as a full run, checked against what the sweep says of it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive_actors::{RunOptions, clock::SystemClock};
use barhive_engine::{
    Registry as Parts,
    pass::RunError,
    result::RunResult,
    set::{Retention, Trace},
    sweep::{Outcome as VariantOutcome, Variant},
    time::Clock,
};
use barhive_report::{ReportInput, RunMeta, curve::PriceTap, store::Format as RecordFormat, sweep::Naming};
use clap::Args;

use super::{OpenRun, OpenSweep};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::wrapped,
    run::{Records, write_folder},
    sweep::{RankFlags, failure, read},
};

/// Symbols whose prices a page shows.
const SYMBOLS_SHOWN_MAX: usize = 24;

#[derive(Args, Debug)]
pub(in crate::cli) struct RerunFlags {
    #[command(flatten)]
    run: OpenRun,
    /// The number of the combination [default: the best, or with --top the best so many]
    #[arg(value_name = "VARIANT")]
    variant: Option<u64>,
    #[command(flatten)]
    ranked: RankFlags,
    /// Write reports here, a folder per combination [default: variants/ in the run's folder]
    #[arg(long, value_name = "DIR")]
    results_dir: Option<PathBuf>,
    /// Write no HTML report
    #[arg(long)]
    no_html: bool,
}

pub(super) fn run(flags: &RerunFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let open = flags.run.open(parts)?;
    let base = flags.results_dir.clone().unwrap_or_else(|| open.run.folder().join("variants"));
    let mut all_same = true;
    for index in chosen(flags, &open)? {
        let number = index + 1;
        let stored = open.run.variant(index).map_err(failure)?.ok_or_else(|| {
            CliError::Failed(format!("combination {number} has no result yet; resume the sweep first"))
        })?;
        let folder = base.join(number.to_string());
        let (result, files) = rerun(&open, &stored, parts, &folder, !flags.no_html)?;
        let verdict = compare(&stored, result.as_ref());
        all_same &= verdict.is_ok();
        let words = Naming::of(&open.spec).words_of(&open.spec, index);
        let told = match &verdict {
            Ok(said) => format!("no. {number} {words}: same ({said})"),
            Err(said) => format!("no. {number} {words}: differs: {said}"),
        };
        out.write_all(wrapped(&told).as_bytes())?;
        if files {
            writeln!(out, "  {}", folder.display())?;
        }
        out.flush()?;
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
    let best: Vec<u64> = if flags.ranked.has_top() {
        ranking.shown().iter().map(|variant| variant.index).collect()
    } else {
        ranking.best().map(|variant| variant.index).into_iter().collect()
    };
    if best.is_empty() {
        return Err(CliError::Failed("no combination of this run has a result to rank".to_owned()));
    }
    Ok(best)
}

/// Runs a combination with everything recorded. Answers its result, unless it cannot be set up, and
/// whether reports were written.
fn rerun(
    open: &OpenSweep,
    stored: &Variant,
    parts: &Parts,
    folder: &Path,
    html: bool,
) -> Result<(Option<RunResult>, bool), CliError> {
    let started_ns = SystemClock.now_ns();
    let (mut spec, _, faults) = open.spec.run_spec(parts, std::iter::once(stored.index));
    if !faults.is_empty() {
        return Ok((None, false));
    }
    for container in &mut spec.containers {
        // The key is long; a name is what folders and tables show.
        container.name = format!("no. {}", stored.index + 1);
        (container.trace, container.retention) = (Trace::Full, Retention::Full);
    }
    spec.name = format!("{} no. {}", open.spec.name, stored.index + 1);
    let tap = PriceTap::new(Arc::clone(&spec.source), SYMBOLS_SHOWN_MAX);
    spec.source = Arc::clone(&tap) as _;
    let records = Records::start(folder, vec![RecordFormat::Parquet], &spec)?;
    let options =
        RunOptions { recorders: records.factory(), seed: open.spec.account.seed, ..RunOptions::default() };
    let instruments = spec.instruments.clone();
    let outcome = match barhive_actors::run(spec, parts, options) {
        Ok(outcome) => outcome,
        Err(error) => {
            records.discard();
            // Folders that this run made and that are empty again.
            let _ = fs::remove_dir(folder);
            return match error {
                RunError::Setup(_) => Ok((None, false)),
                other => Err(CliError::Failed(format!("no. {} cannot be run: {other}", stored.index + 1))),
            };
        }
    };
    drop(outcome.recorders);
    let result = outcome.result;
    let quarantined: Vec<_> = result.quarantined.iter().map(|one| one.container.clone()).collect();
    let recorded = records.finish(&quarantined);
    let manifest = open.run.manifest();
    let config = format!(
        "# Combination {number} of this sweep: barhive sweep config.yaml --jobs {number}\n{}",
        manifest.config,
        number = stored.index + 1,
    );
    let meta = RunMeta {
        name: format!("{} no. {}", open.spec.name, stored.index + 1),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ns: Some(started_ns),
        wall_ms: outcome.elapsed.as_secs_f64() * 1e3,
        config_text: config.clone(),
        config_path: Some(open.run.folder().join("config.yaml").display().to_string()),
        seed: open.spec.account.seed,
        ..RunMeta::default()
    };
    let prices = tap.prices();
    let input = ReportInput {
        result: &result,
        meta: &meta,
        instruments: &instruments,
        curves: &recorded.curves,
        prices: &prices,
        files: &recorded.files,
        faults: &recorded.faults,
    };
    write_folder(folder, &config, &input, html)?;
    Ok((Some(result), true))
}

/// What the run has in common with what the sweep keeps: the digest over equity, cash and positions of
/// every step, and every figure.
fn compare(stored: &Variant, result: Option<&RunResult>) -> Result<String, String> {
    let account = result.and_then(|result| result.accounts.first());
    match (&stored.outcome, account) {
        (VariantOutcome::Failed { reason, .. }, None) => Ok(format!("it failed: {reason}")),
        (VariantOutcome::Failed { reason, .. }, Some(_)) => Err(format!("it failed ({reason}), now it ran")),
        (VariantOutcome::Done(_), None) => Err("it ran, now it failed".to_owned()),
        (VariantOutcome::Done(then), Some(now)) => {
            let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            if then.digest != now.digest_bytes {
                return Err(format!("its digest was {}, now {}", hex(&then.digest), hex(&now.digest_bytes)));
            }
            let money =
                [("final equity", then.final_equity, now.final_equity), ("fees", then.fees, now.fees)];
            if let Some((name, then, now)) = money.into_iter().find(|(_, then, now)| then != now) {
                return Err(format!("its {name} was {then}, now {now}"));
            }
            let counts = [
                ("orders", then.orders, now.orders),
                ("fills", then.fills, now.fills),
                ("trades", then.trades, now.trades),
            ];
            if let Some((name, then, now)) = counts.into_iter().find(|(_, then, now)| then != now) {
                return Err(format!("it had {then} {name}, now {now}"));
            }
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            let (figures_then, figures_now) = (then.statistics.figures(), now.statistics.figures());
            for ((name, then), (_, now)) in figures_then.into_iter().zip(figures_now) {
                if bits(then) != bits(now) {
                    return Err(format!("its {name} was {then:?}, now {now:?}"));
                }
            }
            Ok(format!("digest {}, every figure", hex(&then.digest)))
        }
    }
}
