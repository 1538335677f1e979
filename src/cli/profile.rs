//! `--profile FILE`: a trace of who worked on what, and when.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use barhive_machine::timeline::Timeline;
use clap::Args;

use super::outcome::CliError;

#[derive(Args, Debug, Default)]
pub(super) struct ProfileFlags {
    /// Write a trace of who worked on what, and when, for ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
}

/// A trace that is being made, or none.
pub(super) struct Profile(Option<Trace>);

struct Trace {
    path: PathBuf,
    file: File,
    timeline: Arc<Timeline>,
}

impl ProfileFlags {
    /// Begins the trace that was asked for.
    ///
    /// # Errors
    /// When its file cannot be written: better before the run than after it.
    pub(super) fn begin(&self) -> Result<Profile, CliError> {
        let Some(path) = &self.profile else { return Ok(Profile(None)) };
        let file = File::create(path).map_err(|error| cannot(path, &error))?;
        Ok(Profile(Some(Trace { path: path.clone(), file, timeline: Arc::default() })))
    }
}

impl Profile {
    /// Where spans are recorded.
    pub(super) fn timeline(&self) -> Option<Arc<Timeline>> {
        self.0.as_ref().map(|trace| Arc::clone(&trace.timeline))
    }

    /// Writes the trace of whatever `title` names.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(self, title: &str) -> Result<(), CliError> {
        let Some(Trace { path, file, timeline }) = self.0 else { return Ok(()) };
        let mut out = BufWriter::new(file);
        timeline.write(title, &mut out).and_then(|()| out.flush()).map_err(|error| cannot(&path, &error))
    }
}

fn cannot(path: &std::path::Path, error: &std::io::Error) -> CliError {
    CliError::Failed(format!("--profile: cannot write {}: {error}", path.display()))
}
