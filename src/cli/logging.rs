//! Logs: on standard error, to a file, as text or JSON. Results never pass through here.

use std::{fs::File, io, path::PathBuf, sync::Mutex};

use clap::Args;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use super::outcome::CliError;

/// The variable that sets levels part by part.
pub(super) const LEVELS: &str = "BARHIVE_LOG";

/// Flags about logs, good for every command.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(super) struct LogFlags {
    /// Say more on standard error: -v for progress of the parts, -vv for details, -vvv for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Write logs to this file too (at least at the level of -vv)
    #[arg(long, global = true, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Write logs as JSON, one object a line
    #[arg(long, global = true)]
    log_json: bool,
}

impl LogFlags {
    /// Whether only errors are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether more than warnings is wanted.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// The same for another process of this program. A file is not shared: what that process says on
    /// standard error is this one's to pass on.
    pub(super) fn as_arguments(&self) -> Vec<&'static str> {
        let mut arguments = vec!["--verbose"; usize::from(self.verbose)];
        arguments.extend(self.quiet.then_some("--quiet"));
        arguments.extend(self.log_json.then_some("--log-json"));
        arguments
    }

    fn level(&self) -> LevelFilter {
        match (self.quiet, self.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::INFO,
            (false, 2) => LevelFilter::DEBUG,
            (false, _) => LevelFilter::TRACE,
        }
    }

    /// Installs the subscriber of this program. `BARHIVE_LOG` (as in
    /// `warn,barhive_actors=debug`) overrides the levels of standard error.
    ///
    /// # Errors
    /// When the log file cannot be written or the variable cannot be read.
    pub(super) fn install(&self) -> Result<(), CliError> {
        // Standard error that was closed is no place to complain about it.
        let mut layers =
            vec![layer(self.log_json, io::stderr, false).with_filter(self.stderr_filter()?).boxed()];
        if let Some(path) = &self.log_file {
            let file = File::create(path).map_err(|error| {
                CliError::Usage(format!("--log-file: cannot write {}: {error}", path.display()))
            })?;
            let level = self.level().max(LevelFilter::DEBUG);
            layers.push(layer(self.log_json, Mutex::new(file), true).with_filter(level).boxed());
        }
        // An embedding program that has its own subscriber keeps it.
        let _ = tracing_subscriber::registry().with(layers).try_init();
        Ok(())
    }

    fn stderr_filter(&self) -> Result<Targets, CliError> {
        match std::env::var(LEVELS) {
            Ok(text) => text.parse().map_err(|error| {
                CliError::Usage(format!(
                    "{LEVELS}: {error}; expected levels such as `warn,barhive_actors=debug`"
                ))
            }),
            Err(_) => Ok(Targets::new().with_default(self.level())),
        }
    }
}

/// One line an event: time, level, part, message and fields. `complains` says whether a failure to write
/// one is told on standard error.
fn layer<W>(
    json: bool,
    writer: W,
    complains: bool,
) -> Box<dyn Layer<tracing_subscriber::Registry> + Send + Sync>
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let layer =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).log_internal_errors(complains);
    if json { layer.json().boxed() } else { layer.boxed() }
}
