//! The future that polls one child and catches its unwinding.
//!
//! actix's own supervisor does not survive a panic, and an actor that is dropped while its thread
//! unwinds is polled once more: its `stopping` hook runs on broken state, and a second panic there
//! aborts the process. So the panic ends here, inside `poll`, before anything is dropped.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use actix::{ActorContext, Addr, Context, dev::ContextFut};
use barhive_engine::restart::{RestartHistory, RestartVerdict};
use tokio::time::{Instant, Sleep};

use super::{Part, Shell};

/// What a child reports to its supervisor.
pub(super) enum Report {
    Restarting { attempt: u32, reason: String },
    GaveUp { restarts: u32, reason: String },
    Stopped,
}

pub(super) struct Child<P: Part> {
    /// `None` once the child has ended.
    actor: Option<ContextFut<Shell<P>, Context<Shell<P>>>>,
    /// Keeps the mailbox open: a child ends when it stops or its thread does, not when the last
    /// address of it is dropped; actix refuses to restart an actor that nobody can reach.
    _address: Addr<Shell<P>>,
    history: RestartHistory,
    born: Instant,
    waiting: Option<Pin<Box<Sleep>>>,
    report: Box<dyn FnMut(Report)>,
}

impl<P: Part> Child<P> {
    pub(super) fn new(
        actor: ContextFut<Shell<P>, Context<Shell<P>>>,
        history: RestartHistory,
        report: impl FnMut(Report) + 'static,
    ) -> Self {
        Self {
            _address: actor.address(),
            actor: Some(actor),
            history,
            born: Instant::now(),
            waiting: None,
            report: Box::new(report),
        }
    }

    /// Ends the child without another look at the part's state.
    fn end(&mut self) {
        let Some(mut actor) = self.actor.take() else { return };
        // A terminated actor is not polled again by its destructor.
        actor.ctx().terminate();
        let _ = guarded(|| drop(actor));
    }

    /// Deals with a failure; whether the child lives on.
    fn failed(&mut self, reason: String) -> bool {
        match self.history.fail(self.born.elapsed()) {
            RestartVerdict::GiveUp => {
                self.end();
                (self.report)(Report::GaveUp { restarts: self.history.restarts(), reason });
                false
            }
            RestartVerdict::Restart { after } => {
                let attempt = self.history.restarts();
                // Tears down streams, timers and the part itself, all of which may panic once more
                // while being dropped; the slate is then still clean, because each is let go of first.
                let restarted = self.actor.as_mut().map(|actor| guarded(|| actor.restart()));
                match restarted {
                    Some(Ok(true)) => {}
                    Some(Err(again)) => return self.failed(format!("{reason}; then, tearing down: {again}")),
                    Some(Ok(false)) | None => {
                        self.end();
                        (self.report)(Report::GaveUp { restarts: attempt - 1, reason });
                        return false;
                    }
                }
                (self.report)(Report::Restarting { attempt, reason });
                self.waiting = (!after.is_zero()).then(|| Box::pin(tokio::time::sleep(after)));
                true
            }
        }
    }
}

impl<P: Part> Unpin for Child<P> {}

impl<P: Part> Future for Child<P> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if let Some(sleep) = &mut this.waiting {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.waiting = None;
            }
            let Some(actor) = &mut this.actor else { return Poll::Ready(()) };
            match guarded(|| Pin::new(actor).poll(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(())) => {
                    this.end();
                    (this.report)(Report::Stopped);
                    return Poll::Ready(());
                }
                Err(reason) => {
                    if !this.failed(reason) {
                        return Poll::Ready(());
                    }
                }
            }
            if this.waiting.is_none() {
                // A child that fails at once must not hold its thread: others have their turn first.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}

impl<P: Part> Drop for Child<P> {
    /// The thread is stopping. A child at rest is told so; one that waits for its restart, or whose
    /// thread unwinds, is let go of unseen.
    fn drop(&mut self) {
        if self.waiting.is_some() || std::thread::panicking() {
            self.end();
        } else if let Some(actor) = self.actor.take() {
            let _ = guarded(|| drop(actor));
        }
    }
}

/// Runs `work`; a panic becomes its message.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(message)
}

/// The message of a panic. The payload's own destructor may panic too, which must not count twice.
fn message(payload: Box<dyn Any + Send>) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    };
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    text
}
