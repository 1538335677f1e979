//! `run`: a strategy set from its YAML file to its report.

mod flags;
mod perf;
mod records;
mod watch;

use std::{
    io::{IsTerminal, Write},
    path::Path,
    sync::Arc,
};

use barhive_actors::{RunOptions, RunOutcome, clock::SystemClock};
use barhive_config::Loaded;
use barhive_engine::{pass::RunError, set::RunSpec, time::Clock};
use barhive_report::{
    ReportInput, Resources, RunMeta, TerminalStyle, curve::PriceTap, store::write_whole, terminal, write_json,
};

pub(super) use self::{
    flags::RunFlags,
    perf::{PERF, RunPerf},
    records::Records,
};
use super::{
    control,
    logging::LogFlags,
    outcome::{CliError, Done, Outcome},
    output::Format,
    progress::ProgressWord,
    results_dir::{self, ResultsDir},
    signals,
};
use crate::Registry;

/// Symbols whose prices the page shows.
const SYMBOLS_SHOWN_MAX: usize = 24;

pub(super) fn run(flags: &RunFlags, logs: &LogFlags, registry: &Registry, out: &mut dyn Write) -> Outcome {
    let started_ns = SystemClock.now_ns();
    let interrupt = signals::interrupt_flag()
        .map_err(|error| CliError::Failed(format!("cannot listen to signals: {error}")))?;
    let is_controlled = flags.control.begin()?;
    let loaded = flags.config.load(registry.as_engine(), flags.keep_going)?;
    let profile = flags.profile.begin()?;
    let mut spec = loaded.spec.clone();
    flags.narrow(&mut spec);
    let html = loaded.report.html && !flags.no_html;
    let tap = html.then(|| PriceTap::new(Arc::clone(&spec.source), SYMBOLS_SHOWN_MAX));
    if let Some(tap) = &tap {
        spec.source = Arc::clone(tap) as _;
    }

    let folder = results_folder(flags, &loaded, &spec, started_ns)?;
    let records = Records::start(folder.path(), flags.formats(&loaded.report), &spec)?;
    let watch = watch::Watch::start(Arc::clone(&interrupt), shown(flags, logs));
    if is_controlled {
        control::listen(watch.control(), interrupt);
    }
    let options = RunOptions {
        recorders: records.factory(),
        progress: Some(watch.progress()),
        control: Some(watch.control()),
        seed: spec.containers.first().map_or(0, |container| container.seed),
        timeline: profile.timeline(),
        ..RunOptions::default()
    };
    let instruments = spec.instruments.clone();
    let meta = RunMeta {
        name: spec.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ns: Some(started_ns),
        config_text: loaded.canonical_yaml.clone(),
        config_path: Some(flags.config.set.display().to_string()),
        overrides: flags.changes(),
        seed: options.seed,
        ..RunMeta::default()
    };
    let ran = barhive_actors::run(spec, registry.as_engine(), options);
    watch.stop();
    let RunOutcome { result, recorders, resources, elapsed, parts, pool } = match ran {
        Ok(outcome) => outcome,
        Err(error) => {
            records.discard();
            folder.remove_if_empty();
            return Err(failure(error));
        }
    };
    drop(recorders);

    let quarantined: Vec<_> = result.quarantined.iter().map(|one| one.container.clone()).collect();
    let recorded = records.finish(&quarantined);
    let prices = tap.map(|tap| tap.prices()).unwrap_or_default();
    let meta = RunMeta {
        wall_ms: elapsed.as_secs_f64() * 1e3,
        resources: Resources {
            cores: std::thread::available_parallelism()
                .ok()
                .and_then(|cores| u32::try_from(cores.get()).ok()),
            resident_bytes_peak: Some(resources.process_rss_bytes_peak).filter(|bytes| *bytes > 0),
            ..Resources::default()
        },
        ..meta
    };
    let input = ReportInput {
        result: &result,
        meta: &meta,
        instruments: &instruments,
        curves: &recorded.curves,
        prices: &prices,
        files: &recorded.files,
        faults: &recorded.faults,
    };
    let perf = RunPerf::new(&result, elapsed, resources, parts, pool);
    let written = perf.write(folder.path());
    let written = written.and_then(|()| write_folder(folder.path(), &loaded.standalone_yaml, &input, html));
    if written.is_err() {
        // The result is printed all the same: it may have taken hours.
        folder.abandon();
    }
    let files = if written.is_ok() { recorded.files.as_slice() } else { &[] };
    let input = ReportInput { files, ..input };
    match flags.format {
        Format::Json => write_json(&input, &mut *out)?,
        Format::Table => {
            let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let place = folder.path().display().to_string();
            out.write_all(
                terminal(&input, TerminalStyle { color, see: written.is_ok().then_some(place.as_str()) })
                    .as_bytes(),
            )?;
        }
    }
    out.flush()?;
    written?;
    profile.finish(&format!("barhive run {}", meta.name))?;
    if let Some(faults) = &loaded.left_out {
        tracing::error!("left out:\n{faults}");
        return Ok(Done::WithFaults);
    }
    let failed = !quarantined.is_empty() || !recorded.faults.is_empty();
    Ok(if failed { Done::WithFailures } else { Done::All })
}

fn shown(flags: &RunFlags, logs: &LogFlags) -> watch::Shown {
    match flags.progress {
        _ if flags.no_progress => watch::Shown::Nothing,
        ProgressWord::Json => watch::Shown::Json,
        ProgressWord::Bar if logs.is_quiet() => watch::Shown::Nothing,
        ProgressWord::Bar => watch::Shown::Bar,
    }
}

/// Where this run writes: as the flag says, else a new folder where the set or the program keep results.
fn results_folder(
    flags: &RunFlags,
    loaded: &Loaded,
    spec: &RunSpec,
    started_ns: i64,
) -> Result<ResultsDir, CliError> {
    let base = match &loaded.report.dir {
        Some(dir) => flags.config.set.parent().unwrap_or(Path::new("")).join(dir),
        None => results_dir::BASE.into(),
    };
    let identity = format!("{}{:?}", loaded.canonical_yaml, flags.changes());
    let hash = blake3::hash(identity.as_bytes()).to_hex();
    ResultsDir::create(flags.results_dir.as_deref(), &flags.config.set, &base, &spec.name, started_ns, &hash)
}

/// The reports and the exact configuration; each file is whole or not there, and `report.json` comes last:
/// where it is, everything is.
pub(super) fn write_folder(
    folder: &Path,
    config: &str,
    input: &ReportInput<'_>,
    html: bool,
) -> Result<(), CliError> {
    let mut json = Vec::new();
    write_json(input, &mut json)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        write_whole(&path, bytes)
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display())))
    };
    write("config.yaml", config.as_bytes())?;
    if html {
        write("report.html", barhive_report::html(input).as_bytes())?;
    }
    write("report.json", &json)
}

fn failure(error: RunError) -> CliError {
    match error {
        RunError::Cancelled => CliError::Failed("interrupted; nothing was kept of the run".to_owned()),
        RunError::Machinery { .. } => CliError::GaveUp(error.to_string()),
        RunError::Empty | RunError::Setup(_) | RunError::Instruments(_) => CliError::Usage(error.to_string()),
        RunError::Feed(_) | RunError::NoData | RunError::Isolation { .. } => {
            CliError::Failed(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use barhive_engine::bus::{ContainerId, EventKind, Foreign, IsolationViolation, SourceId};

    use super::*;
    use crate::cli::outcome::exit_code;

    #[test]
    fn a_run_ends_with_the_exit_code_of_what_ended_it() {
        let violation = IsolationViolation {
            kind: EventKind::Fill,
            publisher: SourceId(1),
            expected: ContainerId(0),
            found: ContainerId(1),
            foreign: Foreign::Event,
        };
        let (expected, found) = ("trend".to_owned(), "mean".to_owned());
        let machinery = RunError::Machinery { part: "shard 0".to_owned(), what: "it broke".to_owned() };
        for (error, code) in [
            (RunError::Isolation { violation, expected, found }, 1),
            (RunError::NoData, 1),
            (RunError::Cancelled, 1),
            (RunError::Empty, 2),
            (machinery, 70),
        ] {
            let told = error.to_string();
            let ended = exit_code(Err(failure(error)));
            assert_eq!(format!("{ended:?}"), format!("{:?}", std::process::ExitCode::from(code)), "{told}");
        }
    }
}
