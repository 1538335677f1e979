//! `jobs watch`: a job's changes as they come, until it ends.

use std::{io::Write, thread::sleep, time::Duration};

use barhive_engine::jobs::JobState;

use super::{OneFlags, list::done};
use crate::cli::{
    outcome::{Done, Outcome},
    output::Format,
};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(flags: &OneFlags, out: &mut dyn Write) -> Outcome {
    let mut server = flags.server.connect()?;
    let mut last = None;
    loop {
        let view = server.job(flags.job)?;
        let job = &view.job;
        let now = (job.state, job.starts, job.reason().to_owned(), done(&view));
        if last.as_ref() != Some(&now) {
            match flags.server.format {
                Format::Table => {
                    let words = [now.0.as_str(), &now.3, &now.2];
                    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
                    writeln!(out, "job {}: {}", job.id, words.join(", "))?;
                }
                Format::Json => {
                    writeln!(out, "{}", serde_json::to_string(&view).map_err(std::io::Error::from)?)?
                }
            }
            out.flush()?;
            last = Some(now);
        }
        if job.state.is_ended() {
            return Ok(if job.state == JobState::Completed { Done::All } else { Done::WithFailures });
        }
        sleep(EVERY);
    }
}
