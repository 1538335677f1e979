//! Worker processes that hold still to be looked at: for reports on memory, never for results.

use std::{sync::Arc, time::Duration};

use barhive_engine::sweep::{Lease, PassBlock, VariantRange};

use super::{
    coordinator::SweepError,
    crew::{Crew, Means, Worth},
    process::ProcessSpec,
    progress::SweepProgress,
    worker::{What, Word},
};
use crate::control::Order;

/// Starts worker processes and lets every one of them run every pass of `passes`, one after the other.
///
/// When all are ready, and again whenever all have done a pass, `look` is handed the number of passes
/// done and the processes' numbers; all of them are there then, with nothing in hand. Answers the
/// results, pass by pass, those of the workers as they came.
///
/// # Errors
/// When a worker cannot be started, ends, or cannot run a pass.
pub fn inspect_workers(
    process: &ProcessSpec,
    workers: usize,
    passes: &[VariantRange],
    look: &mut dyn FnMut(usize, &[u32]),
) -> Result<Vec<PassBlock>, SweepError> {
    let (words, inbox) = flume::bounded(workers.max(1) * 4);
    let progress = Arc::<SweepProgress>::default();
    let means = Means::Processes { spec: Arc::new(process.clone()), words, progress };
    let mut still = Still { crew: Crew::new(means, workers) };
    let ended = still.run(&inbox, passes, look);
    still.crew.end(&inbox);
    ended
}

/// How often it is asked whether workers beat.
const LOOK: Duration = Duration::from_millis(50);

struct Still {
    crew: Crew,
}

impl Still {
    fn run(
        &mut self,
        inbox: &flume::Receiver<Word>,
        passes: &[VariantRange],
        look: &mut dyn FnMut(usize, &[u32]),
    ) -> Result<Vec<PassBlock>, SweepError> {
        for worker in 0..self.crew.len() {
            self.crew.start(worker).map_err(|error| SweepError::Worker(error.to_string()))?;
        }
        let mut blocks = Vec::with_capacity(passes.len() * self.crew.len());
        self.all_rest(inbox, &mut blocks)?;
        let processes: Vec<u32> =
            (0..self.crew.len()).filter_map(|worker| self.crew.process(worker)).collect();
        look(0, &processes);
        for (done, range) in passes.iter().enumerate() {
            for worker in 0..self.crew.len() {
                let id = (done * self.crew.len() + worker) as u64;
                self.crew.give(worker, Lease { id, range: *range, failures: 0 });
            }
            self.all_rest(inbox, &mut blocks)?;
            look(done + 1, &processes);
        }
        Ok(blocks)
    }

    /// Until every worker has nothing in hand.
    fn all_rest(
        &mut self,
        inbox: &flume::Receiver<Word>,
        blocks: &mut Vec<PassBlock>,
    ) -> Result<(), SweepError> {
        let ended = |reason: String| SweepError::Worker(reason);
        while (0..self.crew.len()).any(|worker| !self.crew.is_idle(worker)) {
            let Ok(word) = inbox.recv_timeout(LOOK) else {
                match self.crew.look(Order::Work).into_iter().next() {
                    Some(loss) => return Err(ended(loss.reason)),
                    None => continue,
                }
            };
            match (self.crew.hear(&word), word.what) {
                (Worth::Heard, What::Ready) => {}
                (Worth::Heard, What::Done { block, .. }) => blocks.push(*block),
                (Worth::Heard, What::Fatal { reason }) => return Err(SweepError::Run(reason)),
                (_, What::Gone { broke }) => return Err(ended(self.crew.bury(word.worker, broke).reason)),
                (_, what) => return Err(ended(format!("it says what was not expected: {what:?}"))),
            }
            self.crew.rest(word.worker);
        }
        Ok(())
    }
}
