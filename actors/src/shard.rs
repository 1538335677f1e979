//! The shard actor: owns many containers and takes each through every frame, one after the other,
//! each behind an unwind boundary of its own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context as TaskContext, Poll},
};

use actix::Context;
use barhive_engine::{
    bus::FramePool,
    container::Container,
    frame::Frame,
    outcome::{Ended, finish_guarded, run_guarded},
};

use crate::{
    control::Control,
    pump::{self, Pumped, Slice, Works},
    seat::{Seat, ShardShared},
    supervisor::{Part, Shell},
};

/// The containers of a shard and where they stand in the stream. It is kept outside of the actor: a
/// failure of the shard itself must not touch any container.
pub(crate) struct Seats {
    seats: Vec<Seat<Container>>,
    /// The frame in hand.
    frame: Option<Arc<Frame>>,
    /// The next seat to take it.
    turn: usize,
    /// The number of the next frame.
    next: u64,
}

impl Seats {
    pub(crate) fn new(seats: Vec<Seat<Container>>) -> Self {
        Self { seats, frame: None, turn: 0, next: 0 }
    }
}

/// Takes a container through a frame; a failure ends it here.
fn run(seat: &mut Seat<Container>, frame: &Frame) -> Option<Ended> {
    let failure = run_guarded(seat.held()?, frame).err()?;
    seat.fail();
    Some(Ended::Failed(failure))
}

/// What outlives a shard part.
pub(crate) struct FusedShared {
    pub(crate) shard: ShardShared,
    pub(crate) seats: Mutex<Seats>,
    pub(crate) pool: FramePool,
}

/// Steps containers.
pub(crate) struct Shard {
    shared: Arc<FusedShared>,
}

impl Shard {
    /// A part that goes on where the shard's containers stand.
    pub(crate) fn new(shared: Arc<FusedShared>) -> Self {
        Self { shared }
    }
}

impl Part for Shard {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        let mut seats = self.shared.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.seats.iter_mut().for_each(Seat::begin);
        pump::start(ctx);
    }
}

impl Works for Shard {
    fn control(&self) -> &Control {
        &self.shared.shard.control
    }

    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped {
        let FusedShared { shard, pool, .. } = &*self.shared;
        let mut seats = self.shared.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let Seats { seats, frame, turn, next } = &mut *seats;
        loop {
            if let Some(current) = frame {
                // Whoever listens to the last container must have room before the next has its turn.
                let last = turn.checked_sub(1).and_then(|last| seats.get(last));
                if last.is_some_and(|seat| seat.poll_events(cx).is_pending()) {
                    return Pumped::Waiting;
                }
                while let Some(seat) = seats.get_mut(*turn) {
                    // Counted first: a container is never given the same rows twice.
                    *turn += 1;
                    if let Some(ended) = run(seat, current) {
                        shard.tell(seat.place, &seat.name(), ended);
                    }
                    if seat.poll_events(cx).is_pending() {
                        return Pumped::Waiting;
                    }
                    // The last one's look is the frame's, below.
                    if *turn < seats.len() && slice.is_over() {
                        return Pumped::More;
                    }
                }
                shard.progress.rows(shard.number, current.rows() as u64);
                *next = current.sequence + 1;
                *turn = 0;
                if let Some(done) = frame.take() {
                    pool.give(done);
                }
                if slice.is_over() {
                    return Pumped::More;
                }
            }
            match shard.inbox.poll_recv(cx) {
                Poll::Pending => return Pumped::Waiting,
                // The hub was built anew and repeats itself.
                Poll::Ready(Some(again)) if again.sequence < *next => pool.give(again),
                Poll::Ready(Some(new)) => {
                    debug_assert_eq!(new.sequence, *next, "no container skips data");
                    *frame = Some(new);
                }
                Poll::Ready(None) if !shard.hub.is_complete() => return Pumped::Done,
                Poll::Ready(None) => break,
            }
        }
        while let Some(seat) = seats.get_mut(*turn) {
            // Nothing is left to finish when this is a second look, for the events' sake.
            if let Some(ended) = seat.finish(finish_guarded) {
                shard.tell(seat.place, &seat.name(), ended);
            }
            if seat.poll_last_events(cx).is_pending() {
                return Pumped::Waiting;
            }
            *turn += 1;
            if slice.is_over() {
                return Pumped::More;
            }
        }
        shard.stage.complete();
        Pumped::Done
    }
}
