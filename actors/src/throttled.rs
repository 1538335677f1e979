//! Closures on threads that keep to a throttle.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use barhive_engine::governor::{SettingFaults, Throttle, ThrottleConfig};

use crate::{
    regulator::{Regulator, ThrottleListener},
    supervisor::guarded,
};

/// How often it is looked whether more or fewer may work.
const LOOK: Duration = Duration::from_millis(10);

/// Runs tasks on threads, no more of them and no longer than a [`ThrottleConfig`] allows: a CPU limit, a cool-down
/// between tasks, a thermal table. It is what holds sweeps to theirs, for work of your own.
///
/// A task that takes long calls [`Turn::pass`] between pieces of its work: there it waits while it is not its turn.
///
/// ```
/// use barhive_actors::ThrottledExecutor;
/// use barhive_engine::governor::ThrottleConfig;
///
/// let config = ThrottleConfig { cpu_limit: Some(80.0), ..ThrottleConfig::default() };
/// let executor = ThrottledExecutor::new(config, 2)?;
/// let squares = executor.run((0..10u64).map(|number| {
///     move |turn: &barhive_actors::Turn<'_>| {
///         turn.pass();
///         number * number
///     }
/// }));
/// let squares: Vec<u64> = squares.into_iter().map(Result::unwrap).collect();
/// assert_eq!(squares, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
/// # Ok::<(), barhive_engine::governor::SettingFaults>(())
/// ```
pub struct ThrottledExecutor {
    config: ThrottleConfig,
    workers: usize,
    listener: ThrottleListener,
}

/// Whose turn it is.
struct Turns {
    /// Workers below this number may work.
    allowed: AtomicUsize,
    changed: Mutex<()>,
    woken: Condvar,
}

impl Turns {
    fn set(&self, allowed: usize) {
        if self.allowed.swap(allowed, SeqCst) != allowed {
            // Whoever is about to wait has looked before, or hears this.
            drop(self.changed.lock().unwrap_or_else(PoisonError::into_inner));
            self.woken.notify_all();
        }
    }
}

/// A task's turn to work.
pub struct Turn<'t> {
    worker: usize,
    turns: &'t Turns,
}

impl Turn<'_> {
    /// Waits while it is not this worker's turn.
    pub fn pass(&self) {
        let is_due = || self.turns.allowed.load(SeqCst) > self.worker;
        // Asked often, and as a rule it is: no lock is shared for that.
        if is_due() {
            return;
        }
        let mut lock = self.turns.changed.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_due() {
            lock = self.turns.woken.wait(lock).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Which worker the task is on, from 0.
    pub fn worker(&self) -> usize {
        self.worker
    }
}

impl ThrottledExecutor {
    /// An executor with so many threads at most; 0 takes one per core that is allowed.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn new(config: ThrottleConfig, workers: usize) -> Result<Self, SettingFaults> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = if workers == 0 { cores } else { workers };
        Throttle::new(&config, Some(workers), cores, 0)?;
        Ok(Self { config, workers, listener: ThrottleListener::default() })
    }

    /// Tells `listener` what the throttle does and why; by default it is logged.
    #[must_use]
    pub fn with_listener(self, listener: ThrottleListener) -> Self {
        Self { listener, ..self }
    }

    /// Runs all tasks and waits for them, on threads that have ended when this returns. Answers stand in the
    /// order of the tasks; of one that panics, what it said.
    pub fn run<T, F>(&self, tasks: impl IntoIterator<Item = F>) -> Vec<Result<T, String>>
    where
        T: Send,
        F: FnOnce(&Turn<'_>) -> T + Send,
    {
        let tasks: Vec<F> = tasks.into_iter().collect();
        let count = tasks.len();
        let workers = self.workers.min(count.max(1));
        // It was checked when this was made.
        let mut regulator = Regulator::new(&self.config, workers, self.listener.clone()).ok().flatten();
        let allowed = AtomicUsize::new(if regulator.is_some() { 0 } else { usize::MAX });
        let turns = Turns { allowed, changed: Mutex::default(), woken: Condvar::new() };
        let queue = Mutex::new(tasks.into_iter().enumerate());
        let (tell, ends) = flume::bounded(workers);
        let mut answers: Vec<Option<Result<T, String>>> = (0..count).map(|_| None).collect();
        thread::scope(|scope| {
            for worker in 0..workers {
                let (tell, queue, turn) = (tell.clone(), &queue, Turn { worker, turns: &turns });
                scope.spawn(move || {
                    loop {
                        turn.pass();
                        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((place, task)) = next else { return };
                        let turn = &turn;
                        // As with any thread, what a task shares with others and leaves half done is theirs to mind.
                        let answer = guarded(AssertUnwindSafe(move || task(turn)));
                        if tell.send((place, answer)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(tell);
            let mut left = count;
            while left > 0 {
                if let Some(regulator) = &mut regulator {
                    regulator.look();
                    turns.set(regulator.allowed());
                }
                match ends.recv_timeout(LOOK) {
                    Ok((place, answer)) => {
                        answers[place] = Some(answer);
                        left -= 1;
                        // Nobody rests after the last.
                        if let Some(regulator) = regulator.as_mut().filter(|_| left > 0) {
                            regulator.pass_done(1);
                        }
                    }
                    Err(flume::RecvTimeoutError::Timeout) => {}
                    Err(flume::RecvTimeoutError::Disconnected) => break,
                }
            }
            // Whoever waits for his turn finds nothing left to do.
            turns.set(usize::MAX);
        });
        let lost = || Err("its thread was lost".to_owned());
        answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64},
    };

    use barhive_engine::governor::ThrottleEvent;

    use super::*;
    use crate::clock::Stopwatch;

    #[test]
    fn a_task_that_panics_is_told_and_touches_no_other() {
        let executor = ThrottledExecutor::new(ThrottleConfig::default(), 3).unwrap();
        let tasks = (0..20).map(|number| {
            move |_: &Turn<'_>| {
                assert_ne!(number, 7, "made to fail");
                number
            }
        });
        let answers = executor.run(tasks);
        for (number, answer) in answers.iter().enumerate() {
            match answer {
                Ok(value) => assert_eq!(*value, number),
                Err(why) => assert!(number == 7 && why.contains("made to fail"), "{number}: {why}"),
            }
        }
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
        assert_eq!(executor.run(Vec::<fn(&Turn<'_>)>::new()), []);
    }

    #[test]
    fn no_more_tasks_run_at_once_than_there_are_workers_and_settings_that_make_no_sense_are_refused() {
        let (now, most) = (AtomicU32::new(0), AtomicU32::new(0));
        let executor = ThrottledExecutor::new(ThrottleConfig::default(), 2).unwrap();
        let (now, most) = (&now, &most);
        executor.run((0..40).map(|_| {
            move |_: &Turn<'_>| {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                thread::sleep(Duration::from_millis(1));
                now.fetch_sub(1, SeqCst);
            }
        }));
        assert_eq!(most.load(SeqCst), 2);
        let senseless = ThrottleConfig { cpu_limit: Some(-5.0), ..ThrottleConfig::default() };
        assert!(ThrottledExecutor::new(senseless, 2).is_err());
    }

    #[test]
    fn everybody_rests_between_two_tasks_with_a_cool_down_and_nobody_after_the_last() {
        let config = ThrottleConfig { cooldown_seconds: 0.05, ..ThrottleConfig::default() };
        let rests = Arc::new(AtomicU64::new(0));
        let heard = Arc::clone(&rests);
        let listener = ThrottleListener::new(move |_: &ThrottleEvent| {
            heard.fetch_add(1, SeqCst);
        });
        let executor = ThrottledExecutor::new(config, 1).unwrap().with_listener(listener);
        let watch = Stopwatch::start();
        let answers = executor.run((0..4).map(|number| move |turn: &Turn<'_>| (turn.worker(), number)));
        assert_eq!(answers, [Ok((0, 0)), Ok((0, 1)), Ok((0, 2)), Ok((0, 3))]);
        assert!(rests.load(SeqCst) >= 1);
        // A bound from below is no matter of how busy the machine is.
        assert!(watch.elapsed() >= Duration::from_millis(50), "{:?}", watch.elapsed());
    }
}
