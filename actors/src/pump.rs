//! The pump: polls a part's work in slices, so that no part holds its thread for long.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::{ActorContext, AsyncContext, Context, fut::ActorFuture};

use crate::{
    clock::Stopwatch,
    control::{Control, Order},
    supervisor::{Part, Shell},
};

/// How long a part may work before others on its thread have their turn.
pub(crate) const SLICE: Duration = Duration::from_millis(1);

/// What became of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// There is more to do at once.
    More,
    /// It waits for something and has left its waker there.
    Waiting,
    /// All is done.
    Done,
}

/// A part that works through data.
pub(crate) trait Works: Part {
    /// Works until `slice` says that it is over, or until it must wait.
    fn work(&mut self, slice: Slice, cx: &mut TaskContext<'_>) -> Pumped;

    /// The switch of its run.
    fn control(&self) -> &Control;
}

/// The time that a part may work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice(Stopwatch);

impl Slice {
    pub(crate) fn is_over(self) -> bool {
        self.0.elapsed() >= SLICE
    }
}

struct Pump;

impl<P: Works> ActorFuture<Shell<P>> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        shell: &mut Shell<P>,
        ctx: &mut Context<Shell<P>>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let part = shell.part();
        if part.control().order() == Order::Pause {
            part.control().sleep(cx.waker());
        }
        // Looked at again: it may have changed before the waker was left.
        match part.control().order() {
            Order::Pause => return Poll::Pending,
            Order::Cancel => {
                ctx.stop();
                return Poll::Ready(());
            }
            Order::Work => {}
        }
        match part.work(Slice(Stopwatch::start()), cx) {
            Pumped::More => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Pumped::Waiting => {
                // Cancelling must reach a part whose data have stopped to come.
                part.control().sleep(cx.waker());
                if part.control().order() == Order::Cancel {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Pumped::Done => {
                ctx.stop();
                Poll::Ready(())
            }
        }
    }
}

/// Lets the part of this actor work until it is done; then the actor stops.
pub(crate) fn start<P: Works>(ctx: &mut Context<Shell<P>>) {
    ctx.spawn(Pump);
}
