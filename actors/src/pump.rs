//! The pump: polls a part's work in slices, so that no part holds its thread for long.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use actix::{ActorContext, AsyncContext, Context, fut::ActorFuture};

use crate::{
    clock::Stopwatch,
    control::{Control, Order},
    supervisor::{Part, Shell},
};

/// How long a part may work before others on its thread have their turn.
const SLICE: Duration = Duration::from_millis(1);

/// How long a part may work between two looks at the watch.
pub(crate) const LOOK: Duration = SLICE.checked_div(4).expect("4 is not 0");

/// What became of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// There is more to do at once.
    More,
    /// It waits for something and has left its waker there.
    Waiting,
    /// There is nothing to do at present, and nobody to say when there is: look again soon.
    Later,
    /// All is done.
    Done,
}

/// A part that works through data.
pub(crate) trait Works: Part {
    /// Works until `slice` says that it is over, or until it must wait.
    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped;

    /// The switch of its run.
    fn control(&self) -> &Control;
}

/// The time that a part may work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    watch: Stopwatch,
    /// What the watch showed at the last look.
    at: Duration,
    /// Small pieces of work since then.
    pieces: u32,
}

/// Frames that are so quickly dealt with that looking at a watch for each would show.
const FRAMES_PER_LOOK: u32 = 4;
/// As [`FRAMES_PER_LOOK`], of single steps of single accounts.
const STEPS_PER_LOOK: u32 = 16;

impl Slice {
    pub(crate) fn start() -> Self {
        Self { watch: Stopwatch::start(), at: Duration::ZERO, pieces: 0 }
    }

    /// Looks at the watch: how long since the last look?
    pub(crate) fn look(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.at, self.watch.elapsed());
        self.at - before
    }

    /// Whether it was over at the last look: what is done until the next would not fit.
    pub(crate) fn was_over(&self) -> bool {
        self.at + LOOK > SLICE
    }

    /// Whether it is over.
    pub(crate) fn is_over(&mut self) -> bool {
        self.look();
        self.was_over()
    }

    /// As [`Self::is_over`], asked once per frame by a part that needs microseconds for each.
    pub(crate) fn is_over_after_frame(&mut self) -> bool {
        self.is_over_after(FRAMES_PER_LOOK)
    }

    /// As [`Self::is_over`], asked once per step and account.
    pub(crate) fn is_over_after_step(&mut self) -> bool {
        self.is_over_after(STEPS_PER_LOOK)
    }

    fn is_over_after(&mut self, pieces: u32) -> bool {
        self.pieces += 1;
        self.pieces.is_multiple_of(pieces) && self.is_over()
    }
}

/// How long a part naps before it looks again for something that nobody announces.
const NAP: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Pump {
    nap: Option<Pin<Box<Sleep>>>,
}

impl<P: Works> ActorFuture<Shell<P>> for Pump {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
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
        if let Some(nap) = &mut self.nap {
            if nap.as_mut().poll(cx).is_pending() {
                part.control().sleep(cx.waker());
                return Poll::Pending;
            }
            self.nap = None;
        }
        match part.work(&mut Slice::start(), cx) {
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
            Pumped::Later => {
                self.nap = Some(Box::pin(sleep(NAP)));
                cx.waker().wake_by_ref();
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
    ctx.spawn(Pump::default());
}
