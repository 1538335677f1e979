//! The shard actor: owns many containers and takes each through every frame, one after the other,
//! each behind an unwind boundary of its own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context as TaskContext, Poll},
};

use actix::Context;
use barhive_engine::{
    bus::{FramePool, QueueReceiver},
    container::Container,
    frame::Frame,
    outcome::{Ended, finish_guarded, run_guarded},
};

use crate::{
    control::Control,
    indicator_hub::Hubbed,
    lifecycle::{Component, Components, Lifecycle},
    progress::Progress,
    pump::{self, Pumped, Slice, Works},
    stage::Stage,
    supervisor::{Part, Shell},
};

/// A container's account and strategies, as long as they stand.
pub(crate) struct Account {
    name: String,
    container: Option<Container>,
}

impl Component for Account {
    fn name(&self) -> &str {
        &self.name
    }

    fn dispose(&mut self) -> Result<(), String> {
        // Strategies are foreign code: what their destructors do is caught by who calls this.
        self.container = None;
        Ok(())
    }
}

impl Components for Account {
    fn component(&mut self, index: usize) -> Option<&mut dyn Component> {
        (index == 0).then_some(self as &mut dyn Component)
    }
}

/// A container on its shard.
struct Seat {
    /// Its place in the set.
    place: usize,
    lifecycle: Lifecycle<Account>,
}

impl Seat {
    fn new(place: usize, container: Container) -> Self {
        let name = container.name().to_owned();
        let mut lifecycle = Lifecycle::new(Account { name, container: Some(container) });
        if let Err(fault) = lifecycle.initialise() {
            tracing::error!(%fault, "a container does not stand");
        }
        Self { place, lifecycle }
    }

    /// Takes the container through `frame`; a failure ends it here.
    fn run(&mut self, frame: &Frame) -> Option<Ended> {
        let container = self.lifecycle.components().container.as_mut()?;
        let failure = run_guarded(container, frame).err()?;
        let _ = self.lifecycle.fail();
        self.dispose();
        Some(Ended::Failed(failure))
    }

    /// The data have ended.
    fn finish(&mut self) -> Option<Ended> {
        let container = self.lifecycle.components().container.take()?;
        let ended = finish_guarded(container);
        self.dispose();
        Some(ended)
    }

    fn dispose(&mut self) {
        for fault in self.lifecycle.dispose() {
            tracing::warn!(%fault, "while a container was disposed of");
        }
    }
}

/// The containers of a shard and where they stand in the stream. It is kept outside of the actor: a
/// failure of the shard itself must not touch any container.
pub(crate) struct Seats {
    seats: Vec<Seat>,
    /// The frame in hand.
    frame: Option<Arc<Frame>>,
    /// The next seat to take it.
    turn: usize,
    /// The number of the next frame.
    next: u64,
}

impl Seats {
    /// Containers with their places in the set.
    pub(crate) fn new(containers: impl IntoIterator<Item = (usize, Container)>) -> Self {
        let seats = containers.into_iter().map(|(place, container)| Seat::new(place, container)).collect();
        Self { seats, frame: None, turn: 0, next: 0 }
    }

    fn begin(&mut self) {
        for seat in &mut self.seats {
            // Already running when the shard itself was restarted.
            let _ = seat.lifecycle.run();
        }
    }
}

/// What outlives a shard part.
pub(crate) struct ShardShared {
    pub(crate) number: usize,
    pub(crate) seats: Mutex<Seats>,
    pub(crate) inbox: QueueReceiver<Arc<Frame>>,
    pub(crate) pool: FramePool,
    pub(crate) hub: Arc<Stage<Hubbed>>,
    pub(crate) stage: Arc<Stage<()>>,
    /// Has room for every container of the run.
    pub(crate) ended: flume::Sender<(usize, Ended)>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) control: Arc<Control>,
}

impl ShardShared {
    fn tell(&self, place: usize, ended: Ended) {
        if let Ended::Failed(failure) = &ended {
            tracing::warn!(place, step = failure.step, reason = %failure.reason, "a container failed");
            self.progress.restarted();
        }
        if self.ended.try_send((place, ended)).is_err() {
            tracing::debug!(place, "nobody collects any more");
        }
    }
}

/// Steps containers.
pub(crate) struct Shard {
    shared: Arc<ShardShared>,
}

impl Shard {
    /// A part that goes on where the shard's containers stand.
    pub(crate) fn new(shared: Arc<ShardShared>) -> Self {
        Self { shared }
    }
}

impl Part for Shard {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        self.shared.seats.lock().unwrap_or_else(PoisonError::into_inner).begin();
        pump::start(ctx);
    }
}

impl Works for Shard {
    fn control(&self) -> &Control {
        &self.shared.control
    }

    fn work(&mut self, slice: Slice, cx: &mut TaskContext<'_>) -> Pumped {
        let shared = &*self.shared;
        let mut seats = shared.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let Seats { seats, frame, turn, next } = &mut *seats;
        loop {
            if let Some(current) = frame {
                while let Some(seat) = seats.get_mut(*turn) {
                    // Counted first: a container is never given the same rows twice.
                    *turn += 1;
                    if let Some(ended) = seat.run(current) {
                        shared.tell(seat.place, ended);
                    }
                    if slice.is_over() {
                        return Pumped::More;
                    }
                }
                shared.progress.rows(shared.number, current.rows() as u64);
                *next = current.sequence + 1;
                *turn = 0;
                if let Some(done) = frame.take() {
                    shared.pool.give(done);
                }
            }
            match shared.inbox.poll_recv(cx) {
                Poll::Pending => return Pumped::Waiting,
                // The hub was built anew and repeats itself.
                Poll::Ready(Some(again)) if again.sequence < *next => shared.pool.give(again),
                Poll::Ready(Some(new)) => {
                    debug_assert_eq!(new.sequence, *next, "no container skips data");
                    *frame = Some(new);
                }
                Poll::Ready(None) if !shared.hub.is_complete() => return Pumped::Done,
                Poll::Ready(None) => break,
            }
            if slice.is_over() {
                return Pumped::More;
            }
        }
        while let Some(seat) = seats.get_mut(*turn) {
            *turn += 1;
            if let Some(ended) = seat.finish() {
                shared.tell(seat.place, ended);
            }
            if slice.is_over() {
                return Pumped::More;
            }
        }
        shared.stage.complete();
        Pumped::Done
    }
}
