//! The execution actor: holds the accounts of a shard's containers, takes them through every frame
//! and asks the strategy actor what to do at every step. Step N + 1 begins when N was answered.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context as TaskContext, Poll},
};

use actix::Context;
use barhive_engine::{
    bus::{FramePool, Offer, QueueReceiver, QueueSender},
    container::{ContainerError, ExecutionHalf},
    frame::Frame,
    outcome::{Ended, Failure, finish_guarded},
};

use crate::{
    clock::Stopwatch,
    control::Control,
    pump::{self, Pumped, Slice, Works},
    round::Round,
    seat::{Seat, ShardShared},
    supervisor::{Part, Shell, guarded},
};

/// Where the accounts of a shard stand within the frame in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no frame.
    Idle,
    /// The accounts that were answered are to take their next step.
    Ask,
    /// The strategies are thinking.
    Wait,
}

/// The accounts of a shard, kept outside of the actor: a failure of the actor itself must not touch
/// them.
pub(crate) struct Accounts {
    seats: Vec<Seat<ExecutionHalf>>,
    phase: Phase,
    frame: Option<Arc<Frame>>,
    /// Since when the frame is in hand.
    since: Stopwatch,
    /// Whether the account still has steps in the frame in hand.
    is_in_frame: Vec<bool>,
    round: Round,
    /// The next seat to take its step.
    turn: usize,
    next: u64,
    /// The next seat to finish.
    finishing: usize,
}

impl Accounts {
    pub(crate) fn new(seats: Vec<Seat<ExecutionHalf>>) -> Self {
        Self {
            is_in_frame: vec![false; seats.len()],
            seats,
            phase: Phase::Idle,
            frame: None,
            since: Stopwatch::start(),
            round: Round::default(),
            turn: 0,
            next: 0,
            finishing: 0,
        }
    }

    fn begin_frame(&mut self, frame: Arc<Frame>) {
        debug_assert_eq!(frame.sequence, self.next, "no container skips data");
        self.next = frame.sequence + 1;
        for (seat, is_in_frame) in self.seats.iter_mut().zip(&mut self.is_in_frame) {
            let half = seat.held();
            *is_in_frame = half.is_some();
            if let Some(half) = half {
                half.begin_frame(&frame);
            }
        }
        self.frame = Some(frame);
        self.since = Stopwatch::start();
        self.phase = Phase::Ask;
    }

    /// Publishes what the frame brought; ready when nothing waits any more.
    fn poll_events(&self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let waiting = self.seats.iter().filter(|seat| seat.poll_events(cx).is_pending());
        if waiting.count() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ends a seat with a failure, and has its strategies let go of.
    fn fail(&mut self, index: usize, reason: String, shared: &ShardShared) {
        let seat = &mut self.seats[index];
        self.is_in_frame[index] = false;
        self.round.gone.push(index);
        if let Some((step, ts_ns)) = seat.held().map(|half| (half.steps(), half.last_ts_ns())) {
            seat.fail();
            shared.tell(seat.place, &seat.name(), Ended::Failed(Failure { step, ts_ns, reason }));
        }
    }

    /// Takes the answers in, and every account to its next step; answers whether all have had their
    /// turn. Where the slice ends before that, the next call goes on.
    fn step(&mut self, shared: &ShardShared, slice: &mut Slice) -> bool {
        let Some(frame) = self.frame.clone() else { return true };
        while let Some((index, answer)) = self.round.answers.pop() {
            let Some(half) = self.seats[index].held() else { continue };
            let taken = answer.and_then(|answer| flat(guarded(|| half.take(&frame, answer))));
            if let Err(reason) = taken {
                self.fail(index, reason, shared);
            }
            if slice.is_over_after_step() {
                return false;
            }
        }
        while self.turn < self.seats.len() {
            let index = self.turn;
            self.turn += 1;
            if !self.is_in_frame[index] {
                continue;
            }
            let Some(half) = self.seats[index].held() else { continue };
            match flat(guarded(|| half.ask(&frame))) {
                Ok(Some(question)) => self.round.questions.push((index, question)),
                Ok(None) => self.is_in_frame[index] = false,
                Err(reason) => self.fail(index, reason, shared),
            }
            if slice.is_over_after_step() {
                return false;
            }
        }
        self.turn = 0;
        true
    }
}

fn flat<T>(outcome: Result<Result<T, ContainerError>, String>) -> Result<T, String> {
    outcome.and_then(|result| result.map_err(|error| error.to_string()))
}

/// What outlives an execution part.
pub(crate) struct ExecutionShared {
    pub(crate) shard: ShardShared,
    pub(crate) accounts: Mutex<Accounts>,
    pub(crate) pool: FramePool,
    pub(crate) questions: QueueSender<Round>,
    pub(crate) answers: QueueReceiver<Round>,
}

/// Keeps accounts.
pub(crate) struct ExecutionActor {
    shared: Arc<ExecutionShared>,
}

impl ExecutionActor {
    /// A part that goes on where the accounts stand.
    pub(crate) fn new(shared: Arc<ExecutionShared>) -> Self {
        Self { shared }
    }
}

impl Part for ExecutionActor {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        let mut accounts = self.shared.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.seats.iter_mut().for_each(Seat::begin);
        pump::start(ctx);
    }
}

impl Works for ExecutionActor {
    fn control(&self) -> &Control {
        &self.shared.shard.control
    }

    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped {
        let ExecutionShared { shard, pool, questions, answers, .. } = &*self.shared;
        let mut accounts = self.shared.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match accounts.phase {
                Phase::Idle => match shard.inbox.poll_recv(cx) {
                    Poll::Pending => return Pumped::Waiting,
                    Poll::Ready(Some(again)) if again.sequence < accounts.next => pool.give(again),
                    Poll::Ready(Some(frame)) => accounts.begin_frame(frame),
                    Poll::Ready(None) if !shard.hub.is_complete() => return Pumped::Done,
                    Poll::Ready(None) => break,
                },
                Phase::Ask => {
                    if !accounts.step(shard, slice) {
                        return Pumped::More;
                    }
                    if accounts.round.questions.is_empty() {
                        if accounts.poll_events(cx).is_pending() {
                            return Pumped::Waiting;
                        }
                        if let Some(frame) = accounts.frame.take() {
                            shard.progress.rows(shard.number, frame.rows() as u64);
                            // Its strategies' time included, which it has waited for.
                            let took = accounts.since.elapsed();
                            shard.meter.frame(frame.sequence, took, took);
                            pool.give(frame);
                        }
                        accounts.phase = Phase::Idle;
                    } else {
                        accounts.phase = Phase::Wait;
                        let frame = accounts.frame.clone();
                        let round = Round { frame, ..std::mem::take(&mut accounts.round) };
                        if let Offer::Full(_) | Offer::Closed(_) = questions.offer(round) {
                            return Pumped::Done;
                        }
                    }
                }
                Phase::Wait => match answers.poll_recv(cx) {
                    Poll::Pending => return Pumped::Waiting,
                    Poll::Ready(None) => return Pumped::Done,
                    Poll::Ready(Some(mut round)) => {
                        round.frame = None;
                        // Taken in from the back; so that seats have their turn in their order.
                        round.answers.reverse();
                        accounts.round = round;
                        accounts.phase = Phase::Ask;
                    }
                },
            }
            if slice.is_over() {
                return Pumped::More;
            }
        }
        loop {
            let finishing = accounts.finishing;
            let Some(seat) = accounts.seats.get_mut(finishing) else { break };
            let ended = seat.finish(|half| finish_guarded(half.into_container()));
            if let Some(ended) = ended {
                shard.tell(seat.place, &seat.name(), ended);
            }
            if seat.poll_last_events(cx).is_pending() {
                return Pumped::Waiting;
            }
            accounts.finishing += 1;
            if slice.is_over() {
                return Pumped::More;
            }
        }
        shard.stage.complete();
        Pumped::Done
    }
}
