//! A container's seat on its shard, from its first frame to its end.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use barhive_engine::{
    bus::{ContainerId, QueueReceiver},
    frame::Frame,
    outcome::Ended,
};

use crate::{
    control::Control,
    indicator_hub::Hubbed,
    lifecycle::{Component, Components, Lifecycle},
    meters::PartMeter,
    progress::Progress,
    publish::{ContainerEvents, SystemEvents},
    stage::Stage,
};

/// What a seat holds of a container, as long as it stands.
struct Held<C> {
    name: String,
    container: Option<C>,
}

impl<C: Send> Component for Held<C> {
    fn name(&self) -> &str {
        &self.name
    }

    fn dispose(&mut self) -> Result<(), String> {
        // Strategies are foreign code: what their destructors do is caught by who calls this.
        self.container = None;
        Ok(())
    }
}

impl<C: Send> Components for Held<C> {
    fn component(&mut self, index: usize) -> Option<&mut dyn Component> {
        (index == 0).then_some(self as &mut dyn Component)
    }
}

/// A container, or a half of one, on its shard.
pub(crate) struct Seat<C: Send> {
    /// Its place in the set.
    pub(crate) place: usize,
    lifecycle: Lifecycle<Held<C>>,
    /// Its events on their way to the bus, when somebody listens.
    events: Option<ContainerEvents>,
}

impl<C: Send> Seat<C> {
    pub(crate) fn new(place: usize, name: &str, container: C, events: Option<ContainerEvents>) -> Self {
        let mut lifecycle = Lifecycle::new(Held { name: name.to_owned(), container: Some(container) });
        if let Err(fault) = lifecycle.initialise() {
            tracing::error!(%fault, "a container does not stand");
        }
        Self { place, lifecycle, events }
    }

    /// Its shard begins to work, perhaps not for the first time.
    pub(crate) fn begin(&mut self) {
        let _ = self.lifecycle.run();
    }

    /// The container's name.
    pub(crate) fn name(&mut self) -> String {
        self.lifecycle.components().name.clone()
    }

    /// What it holds, unless it has failed or finished.
    pub(crate) fn held(&mut self) -> Option<&mut C> {
        self.lifecycle.components().container.as_mut()
    }

    /// Publishes its events; ready when none waits any more.
    pub(crate) fn poll_events(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(events) = &self.events else { return Poll::Ready(()) };
        let published = ready!(events.poll(ContainerId(self.place as u32), cx));
        if let Err(violation) = published {
            // The bus has told whoever waits for the run: it ends there, with this as its error.
            tracing::error!(%violation, "a container is not isolated");
        }
        Poll::Ready(())
    }

    /// As [`Self::poll_events`], for the last time.
    pub(crate) fn poll_last_events(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_events(cx));
        if let Some(events) = self.events.take() {
            events.close();
        }
        Poll::Ready(())
    }

    /// Its container has failed.
    pub(crate) fn fail(&mut self) {
        let _ = self.lifecycle.fail();
        self.dispose();
    }

    /// The data have ended.
    pub(crate) fn finish(&mut self, finish: impl FnOnce(C) -> Ended) -> Option<Ended> {
        let container = self.lifecycle.components().container.take()?;
        let ended = finish(container);
        self.dispose();
        Some(ended)
    }

    fn dispose(&mut self) {
        for fault in self.lifecycle.dispose() {
            tracing::warn!(%fault, "while a container was disposed of");
        }
    }
}

/// What every kind of shard shares with the rest of the run.
pub(crate) struct ShardShared {
    pub(crate) number: usize,
    pub(crate) inbox: QueueReceiver<Arc<Frame>>,
    pub(crate) hub: Arc<Stage<Hubbed>>,
    pub(crate) stage: Arc<Stage<()>>,
    /// Has room for every container of the run.
    pub(crate) ended: flume::Sender<(usize, Ended)>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) system_events: SystemEvents,
    pub(crate) control: Arc<Control>,
    pub(crate) meter: Arc<PartMeter>,
}

impl ShardShared {
    /// Tells how a container ended; one that failed is rerun elsewhere at once.
    pub(crate) fn tell(&self, place: usize, name: &str, ended: Ended) {
        if let Ended::Failed(failure) = &ended {
            tracing::warn!(name, step = failure.step, reason = %failure.reason, "a container failed");
            self.system_events.failed(&format!("container {name}"), &failure.reason);
            self.progress.restarted();
        }
        if self.ended.try_send((place, ended)).is_err() {
            tracing::debug!(name, "nobody collects any more");
        }
    }
}
