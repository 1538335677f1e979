//! How long a worker process that was killed is missing: for reports, never for results.

use std::{sync::Arc, time::Duration};

use super::{
    coordinator::SweepError,
    crew::{Crew, Means, Worth},
    process::ProcessSpec,
    progress::SweepProgress,
    worker::{What, Word},
};
use crate::clock::Stopwatch;

/// Kills a worker process (SIGKILL) so many times, and measures each time until the one in its place is
/// ready for work.
///
/// # Errors
/// When no worker can be started, or the sweep cannot be loaded.
pub fn restart_times(process: &ProcessSpec, kills: usize) -> Result<Vec<Duration>, SweepError> {
    let (words, inbox) = flume::bounded(4);
    let progress = Arc::<SweepProgress>::default();
    let patience = process.patience.start_max;
    let spec = Arc::new(process.clone());
    let mut crew = Crew::new(Means::Processes { spec, words, progress }, 1);
    let measured = measure(&mut crew, &inbox, patience, kills);
    crew.end(&inbox);
    measured
}

fn measure(
    crew: &mut Crew,
    inbox: &flume::Receiver<Word>,
    patience: Duration,
    kills: usize,
) -> Result<Vec<Duration>, SweepError> {
    let failed = |reason: String| SweepError::Worker(reason);
    let start = |crew: &mut Crew| crew.start(0).map_err(|error| failed(error.to_string()));
    let mut times = Vec::with_capacity(kills);
    let mut watch = None;
    start(crew)?;
    loop {
        let word = inbox.recv_timeout(patience).map_err(|_| failed("it does not get ready".to_owned()))?;
        if crew.hear(&word) != Worth::Heard {
            continue;
        }
        match word.what {
            What::Ready => {
                crew.rest(0);
                times.extend(watch.map(Stopwatch::elapsed));
                if times.len() == kills {
                    return Ok(times);
                }
                watch = Some(Stopwatch::start());
                crew.kill(0);
            }
            What::Gone { broke } => {
                let loss = crew.bury(0, broke);
                if loss.at_start {
                    return Err(failed(loss.reason));
                }
                start(crew)?;
            }
            What::Fatal { reason } => return Err(SweepError::Run(reason)),
            _ => {}
        }
    }
}
