//! The market-data actor: pulls the feeds, merges their rows and publishes them as frames.

use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use actix::Context;
use barhive_engine::{
    bus::{FrameOutbox, FramePool, FrameTopic},
    data::FeedError,
    merge::{Merge, Merged},
    result::SeriesUse,
};

use crate::{
    blueprint::Blueprint,
    control::Control,
    pump::{self, Pumped, Slice, Works},
    stage::Stage,
    supervisor::{Part, Shell},
};

/// What the market-data actor leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Market {
    pub(crate) series: Vec<SeriesUse>,
    pub(crate) error: Option<FeedError>,
}

/// What outlives a market-data part.
pub(crate) struct MarketShared {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) topic: Arc<FrameTopic>,
    pub(crate) pool: FramePool,
    pub(crate) stage: Arc<Stage<Market>>,
    pub(crate) control: Arc<Control>,
}

/// Pulls, merges and publishes.
pub(crate) struct MarketData {
    shared: Arc<MarketShared>,
    /// The feeds, or why they could not be opened again.
    merge: Result<Merge, Option<FeedError>>,
    outbox: FrameOutbox,
    /// The frame in the outbox.
    publishing: Option<u64>,
}

impl MarketData {
    /// A part that starts with `opened`, or (after a failure) with feeds opened anew: frames that were
    /// delivered before are then read again and passed over.
    pub(crate) fn new(shared: Arc<MarketShared>, opened: Option<Merge>) -> Self {
        let merge = opened.map_or_else(|| shared.blueprint.open().map_err(Some), Ok);
        let outbox = FrameOutbox::new(Arc::clone(&shared.topic));
        Self { shared, merge, outbox, publishing: None }
    }

    fn fail(&mut self, error: Option<FeedError>) -> Pumped {
        self.shared.stage.outcome().error = error;
        Pumped::Done
    }
}

impl Part for MarketData {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        pump::start(ctx);
    }
}

impl Works for MarketData {
    fn control(&self) -> &Control {
        &self.shared.control
    }

    fn work(&mut self, slice: Slice, cx: &mut TaskContext<'_>) -> Pumped {
        loop {
            match self.outbox.poll_ready(cx) {
                Poll::Pending => return Pumped::Waiting,
                Poll::Ready(false) => return Pumped::Done,
                Poll::Ready(true) => {}
            }
            let stage = &self.shared.stage;
            if let Some(sequence) = self.publishing.take() {
                stage.delivered(sequence);
            }
            if slice.is_over() {
                return Pumped::More;
            }
            let merge = match &mut self.merge {
                Ok(merge) => merge,
                Err(error) => {
                    let error = error.take();
                    return self.fail(error);
                }
            };
            let mut frame = self.shared.pool.take();
            let Some(own) = Arc::get_mut(&mut frame) else {
                unreachable!("a pooled frame is held by nobody")
            };
            match merge.next_frame(own) {
                Ok(Merged::Frame) if own.sequence < stage.next() => self.shared.pool.give(frame),
                Ok(Merged::Frame) => {
                    self.publishing = Some(own.sequence);
                    self.outbox.publish(frame);
                }
                Ok(Merged::Pending) => {
                    // A source of a backtest has its rows at hand; what it does not have yet it is
                    // asked for again when everybody else on this thread has had a turn.
                    self.shared.pool.give(frame);
                    return Pumped::More;
                }
                Ok(Merged::End) => {
                    stage.outcome().series = merge.uses();
                    stage.complete();
                    return Pumped::Done;
                }
                Err(error) => return self.fail(Some(error)),
            }
        }
    }
}
