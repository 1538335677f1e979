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
    clock::Stopwatch,
    control::Control,
    meters::PartMeter,
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
    pub(crate) meter: Arc<PartMeter>,
}

/// Pulls, merges and publishes.
pub(crate) struct MarketData {
    shared: Arc<MarketShared>,
    /// The feeds, or why they could not be opened again.
    merge: Result<Merge, Option<FeedError>>,
    outbox: FrameOutbox,
    /// The frame in the outbox.
    publishing: Option<u64>,
    /// How often in a row the feeds had nothing.
    silences: u32,
}

/// So often in a row feeds may have nothing before they are asked less often.
const SILENCES_MAX: u32 = 16;

impl MarketData {
    /// A part that starts with `opened`, or (after a failure) with feeds opened anew: frames that were
    /// delivered before are then read again and passed over.
    pub(crate) fn new(shared: Arc<MarketShared>, opened: Option<Merge>) -> Self {
        let merge = opened.map_or_else(|| shared.blueprint.open().map_err(Some), Ok);
        let outbox = FrameOutbox::new(Arc::clone(&shared.topic));
        Self { shared, merge, outbox, publishing: None, silences: 0 }
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

    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped {
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
            if slice.is_over_after_frame() {
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
            let watch = Stopwatch::start();
            match merge.next_frame(own) {
                Ok(Merged::Frame) if own.sequence < stage.next() => self.shared.pool.give(frame),
                Ok(Merged::Frame) => {
                    self.silences = 0;
                    let took = watch.elapsed();
                    self.shared.meter.frame(own.sequence, took, took);
                    self.publishing = Some(own.sequence);
                    self.outbox.publish(frame);
                }
                Ok(Merged::Pending) => {
                    self.shared.pool.give(frame);
                    self.silences += 1;
                    // Most sources have their rows at hand, and one that has not is asked again when
                    // everybody else on this thread has had a turn; one that stays silent, rarely.
                    return if self.silences < SILENCES_MAX { Pumped::More } else { Pumped::Later };
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
