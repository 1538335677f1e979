//! `sweep`: every combination of a sweep from its YAML file to its ranking.

mod data;
mod facts;
mod flags;
mod folder;
mod memory;
mod progress_text;
mod ranked;
mod series;
mod sink;
mod throttle;
mod watch;

use std::{
    io::{self, Write},
    sync::{Arc, atomic::AtomicBool},
};

use barhive_actors::{
    clock::SystemClock,
    sweep::{Isolation, SweepError, SweepOptions, SweepOutcome, run_sweep},
};
use barhive_config::LoadedSweep;
use barhive_engine::{registry::Registry as Parts, time::Clock};
use barhive_machine::counters::CounterSummary;
use barhive_report::sweep::{Ranking, SweepFacts, SweepReport, SweepTook, sweep_json, sweep_terminal};
use barhive_store::sweep::{SweepSession, TimeSpread, append_session};
use serde_json::json;

use self::{
    facts::facts,
    folder::{Folder, base, manifest},
    memory::MemoryPeak,
    sink::Sink,
    throttle::{banner, is_worth_a_word, stand_back},
    watch::{Shown, Watch},
};
pub(super) use self::{
    facts::read,
    flags::{RankFlags, SweepFlags, sweep_workers},
    folder::failure,
    ranked::as_ranked,
    series::{Wanted, series, series_of_run},
    throttle::NICE,
};
use super::{
    control,
    database::{Copied, Finished, Keeper, Target, bring, mark},
    logging::LogFlags,
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
    progress::{ProgressWord, say},
    runs::{OpenSweep, variant},
    signals,
};
use crate::Registry;

pub(super) fn run(flags: &SweepFlags, logs: &LogFlags, registry: &Registry, out: &mut dyn Write) -> Outcome {
    let started_ns = SystemClock.now_ns();
    let interrupt = signals::interrupt_flag()
        .map_err(|error| CliError::Failed(format!("cannot listen to signals: {error}")))?;
    let is_controlled = flags.control.begin()?;
    let mut loaded = flags.load(registry.as_engine())?;
    let isolation = flags.isolation(&loaded, logs)?;
    let throttle = flags.throttle(&loaded.settings)?;
    let workers = flags.workers(&loaded.settings, &throttle)?;
    flags.ranking(&loaded.settings)?;
    let manifest = manifest(&loaded, flags.selected(&loaded)?, started_ns)?;
    let mut folder = Folder::open(flags, &loaded, &manifest)?;
    if flags.resume {
        as_ranked(folder.path(), &mut loaded.settings);
    }
    flags.rank_as_asked(&mut loaded.settings);
    let mut ranking = flags.ranking(&loaded.settings)?;
    if folder.store.run().result().map_err(failure)?.is_some() {
        let machine = (registry.as_engine(), &*interrupt);
        return show_again(flags, &loaded, &folder, ranking, machine, out);
    }
    if let Err(fault) = ranked::keep(folder.path(), &loaded.settings) {
        // It says where to look first, and is no result.
        tracing::warn!("later commands rank as the sweep's file says: {fault}");
    }

    let profile = flags.profile.begin()?;
    let watch = Watch::start(&loaded.spec.name, Arc::clone(&interrupt), shown(flags, logs), logs.is_quiet());
    if is_controlled {
        control::listen(watch.control(), Arc::clone(&interrupt));
    }
    let options = SweepOptions {
        workers,
        chunk: flags.chunk(&loaded.settings),
        batch: flags.batch(&loaded.settings),
        selected: Some(manifest.selected.clone()),
        done: folder.store.done().clone(),
        control: watch.control(),
        progress: watch.progress(),
        throttle,
        throttle_listener: watch.notices().listener(),
        timeline: profile.timeline(),
        ..SweepOptions::default()
    };
    let is_process = matches!(isolation, Isolation::Process(_));
    let options = SweepOptions { isolation, ..options };
    let nice = flags.nice(&loaded.settings, &options.throttle);
    begin(flags, logs, &folder, &options, nice);
    if !is_process {
        stand_back(nice);
    }
    let spec = Arc::new(loaded.spec.clone());
    let keeper = target(flags, &loaded, &folder);
    let keeper = keeper.and_then(|target| Keeper::start(target, folder.path(), &spec));
    let mut sink =
        Sink::new(&mut folder.store, &mut ranking, watch.best(), keeper.as_ref()).map_err(failure)?;
    let ran = run_sweep(&spec, &Arc::new(registry.as_engine().clone()), options, &mut sink);
    let failures = sink.failures();
    let outcome = match ran {
        Ok(outcome) => outcome,
        Err(error) => {
            watch.stop();
            if let Some(keeper) = keeper {
                keeper.leave();
            }
            return Err(given_up(error, flags, folder));
        }
    };
    let is_finished = folder.store.run().left().is_empty();
    let mut saved = Ok(());
    if is_finished {
        folder.store.finish(&spec, SystemClock.now_ns()).map_err(failure)?;
        saved = save_best(&folder, &loaded, &ranking);
    }
    let memory = watch.stop();
    let session = session(&outcome, started_ns, is_process, memory);
    if let Err(fault) = append_session(folder.path(), &session) {
        // It says how results came about, and is none.
        tracing::warn!("what this took is not kept: {fault}");
    }
    let facts = facts(folder.store.run(), failures).map_err(failure)?;
    let report = SweepReport { spec: &spec, ranking: &ranking, facts: &facts, took: Some(took(&outcome)) };
    print(flags.format, &report, Some(memory), out)?;
    out.flush()?;
    // Whoever waits for results has them; the database may take its time.
    let copied = keeper.map_or(Copied::Whole, |keeper| match is_finished {
        true => {
            let run = folder.store.run();
            let base = flags.results_dir.is_none().then(|| base(flags, &loaded));
            let (base, parts) = (base.as_deref(), registry.as_engine());
            keeper.finish(&Finished { run, spec: &spec, ranking: &ranking, parts, base }, &interrupt)
        }
        false => {
            keeper.leave();
            Copied::Later
        }
    });
    if !is_finished {
        interrupted(flags, shown(flags, logs), folder, &facts);
    }
    last_line(flags, logs, memory);
    profile.finish(&format!("barhive sweep {}", loaded.spec.name))?;
    saved?;
    let is_good = is_finished && facts.failed == 0 && copied != Copied::Refused;
    Ok(if is_good { Done::All } else { Done::WithFailures })
}

/// A run that is finished already: it is shown again, and the database gets what it has missed.
fn show_again(
    flags: &SweepFlags,
    loaded: &LoadedSweep,
    folder: &Folder,
    mut ranking: Ranking,
    (parts, stop): (&Parts, &AtomicBool),
    out: &mut dyn Write,
) -> Outcome {
    let run = folder.store.run();
    tracing::warn!("{} is finished already: nothing is run", folder.path().display());
    let facts = read(run, &mut ranking, &mut |_| {}).map_err(failure)?;
    let report = SweepReport { spec: &loaded.spec, ranking: &ranking, facts: &facts, took: None };
    print(flags.format, &report, None, out)?;
    out.flush()?;
    if let Some(target) = target(flags, loaded, folder) {
        mark(folder.path(), &target);
        let brought = bring(&OpenSweep::open(folder.path(), parts)?, &target, parts, stop);
        if let Err(fault) = brought {
            tracing::warn!("{target} has not got all results: {fault}");
        }
    }
    Ok(if facts.failed > 0 { Done::WithFailures } else { Done::All })
}

/// The database that this run is copied into.
fn target(flags: &SweepFlags, loaded: &LoadedSweep, folder: &Folder) -> Option<Target> {
    match &flags.results_dir {
        Some(_) => flags.database(&loaded.settings, folder.path()),
        None => flags.database(&loaded.settings, &base(flags, loaded)),
    }
}

/// The best combination as a set that runs on its own.
fn save_best(folder: &Folder, loaded: &LoadedSweep, ranking: &Ranking) -> Result<(), CliError> {
    let Some(best) = ranking.best() else { return Ok(()) };
    folder.write(variant::BEST, &variant::text(folder.store.run(), &loaded.spec, &loaded.sets, best)?)
}

fn shown(flags: &SweepFlags, logs: &LogFlags) -> Shown {
    match flags.progress {
        _ if flags.no_progress => Shown::Nothing,
        ProgressWord::Json => Shown::Json,
        ProgressWord::Bar if logs.is_quiet() => Shown::Nothing,
        ProgressWord::Bar => Shown::Bar { per_worker: flags.per_worker || logs.is_verbose() },
    }
}

/// Says what is about to be done, for whoever waits.
fn begin(flags: &SweepFlags, logs: &LogFlags, folder: &Folder, options: &SweepOptions, nice: i32) {
    let run = folder.store.run();
    let workers = match options.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let (left, done) = (run.left().len(), run.done().len());
    if shown(flags, logs) == Shown::Json {
        say(&json!({
            "event": "begin",
            "sweep": run.manifest().sweep,
            "folder": run.folder(),
            "workers": workers,
            "total": left,
            "done_before": done,
        }));
    } else if !logs.is_quiet() {
        let before = if done > 0 { format!(", {done} done before") } else { String::new() };
        let combinations = output::count(left as usize, "combination");
        let on = output::count(workers, "worker");
        // Whoever closed standard error does not want to hear it.
        let _ = writeln!(io::stderr(), "{}: {combinations} on {on}{before}", run.manifest().sweep);
        if is_worth_a_word(&options.throttle) || nice > 0 {
            let _ = write!(io::stderr(), "{}", banner(&options.throttle, workers, nice));
        }
    }
}

fn took(outcome: &SweepOutcome) -> SweepTook {
    SweepTook {
        workers: outcome.workers,
        chunk: outcome.chunk,
        run: outcome.finished,
        worker_failures: outcome.worker_failures,
        elapsed_s: outcome.elapsed.as_secs_f64(),
    }
}

fn session(outcome: &SweepOutcome, started_ns: i64, is_process: bool, memory: MemoryPeak) -> SweepSession {
    let ns = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let [private_bytes_max, proportional_bytes_max] = memory.bytes();
    SweepSession {
        started_ns,
        elapsed_ns: ns(outcome.elapsed),
        workers: outcome.workers as u64,
        isolation: if is_process { "process" } else { "thread" }.to_owned(),
        variants: outcome.finished,
        passes: outcome.passes,
        worker_failures: outcome.worker_failures,
        idle_ns: ns(outcome.idle),
        private_bytes_max,
        proportional_bytes_max,
        parts_ns: outcome.times.named().map(|(part, time)| (part.to_owned(), ns(time))).collect(),
        pass: spread(&outcome.counters.passes),
        keeping: spread(&outcome.counters.keeping),
    }
}

fn spread(times: &CounterSummary) -> TimeSpread {
    TimeSpread { p50_ns: times.p50, p99_ns: times.p99, max_ns: times.max }
}

/// The report on standard output.
pub(super) fn print_report(format: Format, report: &SweepReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    print(format, report, None, out)
}

fn print(
    format: Format,
    report: &SweepReport<'_>,
    memory: Option<MemoryPeak>,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(sweep_terminal(report).as_bytes()),
        Format::Json => {
            let mut json = sweep_json(report);
            if let Some([private, proportional]) = memory.map(MemoryPeak::bytes) {
                json["private_bytes_peak"] = private.into();
                json["proportional_bytes_peak"] = proportional.into();
            }
            output::json(out, &json)
        }
    }
}

/// Says how an interrupted sweep goes on.
fn interrupted(flags: &SweepFlags, shown: Shown, folder: Folder, facts: &SweepFacts) {
    let path = folder.path().to_owned();
    let words = if folder.abandon_if_empty() {
        "interrupted before the first result: nothing was kept".to_owned()
    } else {
        let (done, selected) = (facts.done, facts.selected);
        if shown == Shown::Json {
            say(&json!({ "event": "interrupted", "done": done, "selected": selected, "folder": path }));
            return;
        }
        let path = path.display();
        format!(
            "interrupted: {done} of {selected} are done and kept in {path}; go on with: {}",
            flags.to_resume()
        )
    };
    let _ = writeln!(io::stderr(), "{words}");
}

/// What a sweep took of the machine's memory, as the last word.
fn last_line(flags: &SweepFlags, logs: &LogFlags, memory: MemoryPeak) {
    if shown(flags, logs) == Shown::Json {
        let [private, proportional] = memory.bytes();
        say(
            &json!({ "event": "end", "private_bytes_peak": private, "proportional_bytes_peak": proportional }),
        );
    } else if let Some(words) = memory.in_words().filter(|_| !logs.is_quiet()) {
        let _ = writeln!(io::stderr(), "{words}");
    }
}

/// What became of a sweep that could not go on; results that are there stay.
fn given_up(error: SweepError, flags: &SweepFlags, folder: Folder) -> CliError {
    let resume = format!("{error}; results so far are kept: go on with {}", flags.to_resume());
    let is_usage = matches!(error, SweepError::Empty(_));
    let kept = !folder.store.done().is_empty();
    folder.abandon_if_empty();
    match (is_usage, kept) {
        (true, _) => CliError::Usage(error.to_string()),
        (false, true) => CliError::Failed(resume),
        (false, false) => CliError::Failed(error.to_string()),
    }
}
