//! Supervision: a factory per child, panics caught, restarts bounded, everybody else unaffected.
//!
//! A child that panics is dropped and built anew behind the same address; what waits in its mailbox
//! and in its data queues is kept. The message that it failed on is lost to its caller, who is told
//! so (`MailboxError::Closed`). A child that stops by itself is done: that is final.
//!
//! The library sets no panic hook: whether panics are printed is the program's choice.

mod child;
mod shell;

#[cfg(test)]
mod tests;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use actix::{Addr, Context, dev::channel};
use actix_rt::ArbiterHandle;
use barhive_engine::{restart::RestartHistory, result::Restart};

pub use barhive_engine::restart::{GiveUp, RestartPolicy};
pub use shell::{Life, Part, Shell};

pub(crate) use child::guarded;

use child::{Child, Report};

/// Messages that wait in a mailbox: control is rare, data go another way.
const MAILBOX: usize = 16;

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its name.
    pub part: Arc<str>,
    /// How.
    pub how: ExitKind,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// By itself: its work is done.
    Stopped,
    /// It failed too often and is left out; everything else goes on.
    Quarantined {
        /// The last failure.
        reason: String,
    },
    /// It failed too often, and its parent must fail with it.
    Escalated {
        /// The last failure.
        reason: String,
    },
}

/// Why a child could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} cannot start: its thread has stopped")]
pub struct StartError {
    /// Its name.
    pub part: String,
}

/// Starts children and hears what becomes of them. A cheap handle.
#[derive(Clone, Debug)]
pub struct Supervisor {
    restarts: Arc<Mutex<Vec<Restart>>>,
    exits: flume::Sender<Exit>,
    seed: u64,
}

impl Supervisor {
    /// A supervisor, and where it tells how its children end. `children_max` ends can wait there;
    /// `seed` draws the jitter of restarts.
    pub fn new(children_max: usize, seed: u64) -> (Self, flume::Receiver<Exit>) {
        let (exits, heard) = flume::bounded(children_max.max(1));
        (Self { restarts: Arc::default(), exits, seed }, heard)
    }

    /// Starts a child on `arbiter`'s thread.
    ///
    /// `factory` builds the part, at first and after every failure; what the part must take up where
    /// it was left (its queue's receiver, its place in the data) is what the factory captures.
    ///
    /// # Errors
    /// When the thread has stopped.
    pub fn start<P: Part>(
        &self,
        arbiter: &ArbiterHandle,
        name: &str,
        policy: RestartPolicy,
        factory: impl FnMut(Life) -> P + Send + 'static,
    ) -> Result<Addr<Shell<P>>, StartError> {
        let (tx, rx) = channel::channel(MAILBOX);
        let history = RestartHistory::new(policy, self.seed_of(name));
        let report = self.reporter(name.into(), policy.give_up);
        let spawned = arbiter.spawn_fn(move || {
            let actor = Context::with_receiver(rx).into_future(Shell::new(MAILBOX, factory));
            actix_rt::spawn(Child::new(actor, history, report));
        });
        if spawned { Ok(Addr::new(tx)) } else { Err(StartError { part: name.to_owned() }) }
    }

    /// All restarts so far, in the order in which they happened.
    pub fn restarts(&self) -> Vec<Restart> {
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records a restart that another mechanism made: a container that is run again.
    pub fn record(&self, restart: Restart) {
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner).push(restart);
    }

    fn reporter(&self, part: Arc<str>, give_up: GiveUp) -> impl FnMut(Report) + Send + 'static {
        let (this, part) = (self.clone(), part);
        move |report| {
            let how = match report {
                Report::Restarting { attempt, reason } => {
                    tracing::warn!(%part, attempt, %reason, "restarting");
                    this.record(Restart { part: part.to_string(), attempt, reason });
                    return;
                }
                Report::GaveUp { restarts, reason } => {
                    tracing::error!(%part, restarts, %reason, "gave up");
                    match give_up {
                        GiveUp::Quarantine => ExitKind::Quarantined { reason },
                        GiveUp::Escalate => ExitKind::Escalated { reason },
                    }
                }
                Report::Stopped => ExitKind::Stopped,
            };
            if this.exits.try_send(Exit { part: Arc::clone(&part), how }).is_err() {
                tracing::debug!(%part, "nobody hears how it ended");
            }
        }
    }

    fn seed_of(&self, name: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, name).hash(&mut hasher);
        hasher.finish()
    }
}
