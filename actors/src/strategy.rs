//! The strategy actor: holds the deciding halves of a shard's containers and answers what their
//! accounts ask, step by step.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context as TaskContext, Poll},
};

use actix::Context;
use barhive_engine::{
    bus::{Offer, QueueReceiver, QueueSender},
    container::StrategyHalf,
};

use crate::{
    control::Control,
    pump::{self, Pumped, Slice, Works},
    round::Round,
    supervisor::{Part, Shell, guarded},
};

/// The strategies of a shard, kept outside of the actor: a failure of the actor itself must not touch
/// them.
pub(crate) struct Deciders {
    halves: Vec<Option<StrategyHalf>>,
    /// The number of the frame in hand.
    sequence: Option<u64>,
    /// The round in hand.
    round: Option<Round>,
}

impl Deciders {
    pub(crate) fn new(halves: Vec<StrategyHalf>) -> Self {
        Self { halves: halves.into_iter().map(Some).collect(), sequence: None, round: None }
    }

    /// Lets go of strategies; foreign code runs when they are dropped.
    fn drop_half(&mut self, seat: usize) {
        let half = self.halves[seat].take();
        if let Err(reason) = guarded(|| drop(half)) {
            tracing::warn!(seat, %reason, "strategies panicked while they were dropped");
        }
    }

    fn begin_frame(&mut self, round: &Round) {
        let Some(frame) = &round.frame else { return };
        if self.sequence == Some(frame.sequence) {
            return;
        }
        self.sequence = Some(frame.sequence);
        for half in self.halves.iter_mut().flatten() {
            half.begin_frame(frame);
        }
    }
}

/// What outlives a strategy part.
pub(crate) struct StrategyShared {
    pub(crate) deciders: Mutex<Deciders>,
    pub(crate) questions: QueueReceiver<Round>,
    pub(crate) answers: QueueSender<Round>,
    pub(crate) control: Arc<Control>,
}

/// Decides.
pub(crate) struct StrategyActor {
    shared: Arc<StrategyShared>,
}

impl StrategyActor {
    /// A part that goes on with the round in hand.
    pub(crate) fn new(shared: Arc<StrategyShared>) -> Self {
        Self { shared }
    }
}

impl Part for StrategyActor {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        pump::start(ctx);
    }
}

impl Works for StrategyActor {
    fn control(&self) -> &Control {
        &self.shared.control
    }

    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped {
        let shared = &*self.shared;
        let mut deciders = shared.deciders.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut round = match deciders.round.take() {
                Some(round) => round,
                None => match shared.questions.poll_recv(cx) {
                    Poll::Pending => return Pumped::Waiting,
                    Poll::Ready(None) => return Pumped::Done,
                    Poll::Ready(Some(mut round)) => {
                        for seat in round.gone.drain(..) {
                            deciders.drop_half(seat);
                        }
                        deciders.begin_frame(&round);
                        // Answered from the back; so that seats are asked in their order.
                        round.questions.reverse();
                        round
                    }
                },
            };
            let frame = round.frame.take();
            while let (Some(frame), Some((seat, question))) = (&frame, round.questions.pop()) {
                let Some(half) = &mut deciders.halves[seat] else { continue };
                let answer = guarded(|| half.answer(frame, question));
                if answer.is_err() {
                    deciders.drop_half(seat);
                }
                round.answers.push((seat, answer));
                if slice.is_over() {
                    break;
                }
            }
            round.frame = frame;
            if !round.questions.is_empty() {
                deciders.round = Some(round);
                return Pumped::More;
            }
            if let Offer::Full(_) | Offer::Closed(_) = shared.answers.offer(round) {
                // Only one round is under way: whoever asked has gone.
                return Pumped::Done;
            }
            if slice.is_over() {
                return Pumped::More;
            }
        }
    }
}
