//! The indicator-hub actor: fills in the indicator columns of every frame, once for everybody.

use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::Context;
use barhive_engine::{
    bus::{FrameOutbox, FramePool, FrameTopic, QueueReceiver},
    container::Progress,
    data::FeedError,
    frame::Frame,
    hub::Hub,
    merge::{Merge, Merged},
    result::HubCounters,
};

use crate::{
    blueprint::Blueprint,
    clock::Stopwatch,
    control::Control,
    market_data::Market,
    meters::PartMeter,
    pace::Pace,
    pump::{self, Pumped, Slice, Works},
    stage::Stage,
    supervisor::{Part, Shell},
};

/// What the hub actor leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Hubbed {
    pub(crate) counters: HubCounters,
    /// Values computed again because a hub failed.
    pub(crate) recomputed: u64,
    pub(crate) error: Option<FeedError>,
}

/// What outlives a hub part.
pub(crate) struct HubShared {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) inbox: QueueReceiver<Arc<Frame>>,
    pub(crate) topic: Arc<FrameTopic>,
    pub(crate) pool: FramePool,
    pub(crate) market: Arc<Stage<Market>>,
    pub(crate) stage: Arc<Stage<Hubbed>>,
    pub(crate) control: Arc<Control>,
    pub(crate) meter: Arc<PartMeter>,
}

/// Computes and publishes.
pub(crate) struct IndicatorHub {
    shared: Arc<HubShared>,
    /// `None` when the feeds could not be opened (again).
    hub: Option<Hub>,
    /// The number of the next frame that the hub has not seen.
    next: u64,
    /// Feeds of its own from which a hub that was built anew learns what went before.
    replay: Option<Merge>,
    /// A frame that came while earlier ones are still being caught up with.
    ahead: Option<Arc<Frame>>,
    /// The frame in hand, some of whose columns may be there.
    in_hand: Option<Arc<Frame>>,
    /// Since when it is there, and for how long of that it was worked on.
    since: Stopwatch,
    busy: Duration,
    pace: Pace,
    outbox: FrameOutbox,
    publishing: Option<u64>,
}

impl IndicatorHub {
    /// A part for the frames of the pass. After a failure it computes what it has lost from feeds of
    /// its own, up to the frame that was not delivered, and goes on from there.
    pub(crate) fn new(shared: Arc<HubShared>, first: Option<Hub>) -> Self {
        let outbox = FrameOutbox::new(Arc::clone(&shared.topic));
        let mut this = Self {
            shared,
            hub: first,
            next: 0,
            replay: None,
            ahead: None,
            in_hand: None,
            since: Stopwatch::start(),
            busy: Duration::ZERO,
            pace: Pace::default(),
            outbox,
            publishing: None,
        };
        if this.hub.is_none() {
            match this.shared.blueprint.open() {
                Ok(merge) => {
                    this.hub = Some(this.shared.blueprint.hub(&merge));
                    this.replay = Some(merge);
                }
                Err(error) => this.shared.stage.outcome().error = Some(error),
            }
        }
        this
    }

    /// The next frame to compute, wherever it comes from.
    fn next_frame(&mut self, cx: &mut TaskContext<'_>) -> Poll<Next> {
        loop {
            let due = self.shared.stage.next();
            if self.next >= due && self.ahead.is_none() {
                match self.shared.inbox.poll_recv(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(frame)) if frame.sequence < self.next => {
                        // The market-data part was built anew and repeats itself.
                        self.shared.pool.give(frame);
                        continue;
                    }
                    Poll::Ready(Some(frame)) => self.ahead = Some(frame),
                    Poll::Ready(None) if !self.shared.market.is_complete() => {
                        return Poll::Ready(Next::Broken);
                    }
                    // The frame on which a hub failed may have been the last.
                    Poll::Ready(None) if self.replay.is_none() => return Poll::Ready(Next::End),
                    Poll::Ready(None) => {}
                }
            }
            if let Some(frame) = self.ahead.take_if(|frame| frame.sequence == self.next) {
                self.replay = None;
                return Poll::Ready(Next::Frame(frame));
            }
            let Some(merge) = &mut self.replay else {
                unreachable!("only a hub that was built anew can have missed a frame")
            };
            let mut frame = self.shared.pool.take();
            let Some(own) = Arc::get_mut(&mut frame) else {
                unreachable!("a pooled frame is held by nobody")
            };
            return Poll::Ready(match merge.next_frame(own) {
                Ok(Merged::Frame) => Next::Frame(frame),
                Ok(Merged::Pending) => Next::Later,
                Ok(Merged::End) => Next::End,
                Err(error) => {
                    self.shared.stage.outcome().error = Some(error);
                    Next::Broken
                }
            });
        }
    }

    /// Goes on with the frame in hand for as long as it may between two looks at the clock.
    fn compute(&mut self, slice: &mut Slice) {
        let (Some(hub), Some(mut frame)) = (&mut self.hub, self.in_hand.take()) else { return };
        let stage = &self.shared.stage;
        slice.look();
        // Copies the frame's lists (never its rows) when somebody else listens to the market too.
        let Progress { work, is_done } = hub.compute_part(Arc::make_mut(&mut frame), self.pace.work());
        let took = slice.look();
        self.pace.learn(work, took);
        self.busy += took;
        if !is_done {
            self.in_hand = Some(frame);
            return;
        }
        let busy = std::mem::take(&mut self.busy);
        self.shared.meter.frame(frame.sequence, self.since.elapsed(), busy);
        debug_assert_eq!(frame.sequence, self.next);
        self.next += 1;
        if frame.sequence < stage.next() {
            if self.next == stage.next() {
                // Everything so far had been computed by an earlier life.
                stage.outcome().recomputed += hub.counters().computed;
            }
            self.shared.pool.give(frame);
        } else {
            self.publishing = Some(frame.sequence);
            self.outbox.publish(frame);
        }
    }
}

/// Where the next frame comes from, if there is one.
enum Next {
    Frame(Arc<Frame>),
    Later,
    End,
    Broken,
}

impl Part for IndicatorHub {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        pump::start(ctx);
    }
}

impl Works for IndicatorHub {
    fn control(&self) -> &Control {
        &self.shared.control
    }

    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped {
        loop {
            match self.outbox.poll_ready(cx) {
                Poll::Pending => return Pumped::Waiting,
                Poll::Ready(false) => return Pumped::Done,
                Poll::Ready(true) => {}
            }
            if let Some(sequence) = self.publishing.take() {
                self.shared.stage.delivered(sequence);
            }
            if slice.is_over_after_frame() || slice.was_over() {
                return Pumped::More;
            }
            if self.in_hand.is_some() {
                self.compute(slice);
                continue;
            }
            match self.next_frame(cx) {
                _ if self.hub.is_none() => return Pumped::Done,
                Poll::Pending => return Pumped::Waiting,
                Poll::Ready(Next::Later) => return Pumped::Later,
                Poll::Ready(Next::Broken) => return Pumped::Done,
                Poll::Ready(Next::Frame(frame)) => {
                    self.since = Stopwatch::start();
                    self.in_hand = Some(frame);
                }
                Poll::Ready(Next::End) => {
                    if let Some(hub) = &self.hub {
                        self.shared.stage.outcome().counters = hub.counters();
                    }
                    self.shared.stage.complete();
                    return Pumped::Done;
                }
            }
        }
    }
}
