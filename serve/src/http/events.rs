//! What happens, told to everybody who listens: server-sent events.
//!
//! All listeners read one ring of events. Whoever is too slow for it is told how much it missed and gets the whole
//! picture again; nobody waits for it, and what it costs does not depend on how slow it is.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use barhive_engine::jobs::{Job, JobId};
use futures_util::stream::unfold;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{self, error::RecvError},
    watch,
};

use super::{Shared, machine::Moment, problem::Problem, tally::Tally};
use crate::{
    asks,
    runner::JobProgress,
    view::{JobView, Observer, ServerStatus},
};

/// Events that a listener may be behind. Some hundred bytes each.
const BEHIND_MAX: usize = 1_024;

/// Where a queue says what happens. A cheap handle.
#[derive(Clone)]
pub struct Events(Arc<Ring>);

struct Ring {
    frames: broadcast::Sender<Bytes>,
    tally: Mutex<Tally>,
    missed: AtomicU64,
}

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Ring {
            frames: broadcast::Sender::new(BEHIND_MAX),
            tally: Mutex::default(),
            missed: AtomicU64::new(0),
        }))
    }
}

impl Events {
    /// Hears a queue for all listeners.
    pub fn observer(&self) -> Box<dyn Observer> {
        Box::new(Tap(self.clone()))
    }

    /// Whether anybody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.0.frames.receiver_count() > 0
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.0.frames.receiver_count()
    }

    /// Events that slow listeners missed.
    pub(super) fn missed(&self) -> u64 {
        self.0.missed.load(Relaxed)
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody; costs nothing when there is nobody.
    pub(super) fn tell(&self, name: &str, data: &impl Serialize) {
        if self.is_heard() {
            // Whoever left meanwhile does not hear it.
            let _ = self.0.frames.send(frame(name, data));
        }
    }
}

/// An event as it is sent.
fn frame(name: &str, data: &impl Serialize) -> Bytes {
    // Nothing that is told can fail to be said in JSON, and JSON has no bare line breaks.
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

struct Tap(Events);

impl Observer for Tap {
    fn started(&mut self, job: &Job) {
        if job.starts == 1 {
            self.0.tally().waits.record(job.queued_ns);
        }
    }

    fn progress(&mut self, job: &Job, progress: &JobProgress) {
        if self.0.is_heard() {
            self.0.tell("progress", &ProgressEvent { job: job.id, progress: progress.clone() });
        }
    }

    fn ended(&mut self, job: &Job) {
        self.0.tally().runs.record(job.running_ns);
    }

    fn changed(&mut self, job: &Job) {
        if self.0.is_heard() {
            self.0.tell(
                "job",
                &JobView { job: job.clone(), progress: None, usage: None, place: None }.brief().hushed(),
            );
        }
    }
}

/// The whole picture: first of all, and again after something was missed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotEvent {
    /// How the server is doing.
    pub status: ServerStatus,
    /// All jobs, each with its last transition only.
    pub jobs: Vec<JobView>,
    /// What was measured in the last ten minutes, a moment a second.
    pub history: Vec<Moment>,
}

/// How far a job is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProgressEvent {
    /// Which.
    pub job: JobId,
    /// How far.
    pub progress: JobProgress,
}

/// The listener was too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissedEvent {
    /// So many events are lost to it; a snapshot follows.
    pub events: u64,
}

/// A listener.
struct Listener {
    shared: Arc<Shared>,
    frames: broadcast::Receiver<Bytes>,
    closing: watch::Receiver<bool>,
    next: Next,
    _seat: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Snapshot,
    Event,
    Nothing,
}

impl Listener {
    async fn frame(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let bytes = match self.next {
            Next::Nothing => return None,
            Next::Snapshot => {
                self.next = Next::Event;
                self.snapshot().await?
            }
            Next::Event => tokio::select! {
                biased;
                _ = self.closing.wait_for(|is_closing| *is_closing) => {
                    self.next = Next::Nothing;
                    frame("ending", &serde_json::json!({}))
                }
                heard = self.frames.recv() => match heard {
                    Ok(bytes) => bytes,
                    Err(RecvError::Lagged(events)) => {
                        self.shared.events.0.missed.fetch_add(events, Relaxed);
                        self.next = Next::Snapshot;
                        frame("missed", &MissedEvent { events })
                    }
                    Err(RecvError::Closed) => return None,
                },
            },
        };
        Some((Ok(bytes), self))
    }

    /// What is true now. Events from before it may follow: they say the same or less, and the next ones correct them.
    async fn snapshot(&self) -> Option<Bytes> {
        let manager = &self.shared.manager;
        let status = asks::status(manager).await.ok()?;
        let jobs = asks::jobs(manager).await.ok()?.into_iter().map(JobView::hushed).collect();
        Some(frame("snapshot", &SnapshotEvent { status, jobs, history: self.shared.minutes.moments() }))
    }
}

/// `GET /v1/events`.
pub(super) async fn listen(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let seat = Arc::clone(&shared.seats).try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{} listen already, and no more may: try again later", super::LISTENERS_MAX),
        )
    })?;
    let listener = Listener {
        frames: shared.events.0.frames.subscribe(),
        closing: shared.closing.clone(),
        next: Next::Snapshot,
        _seat: seat,
        shared,
    };
    let mut response = Response::new(Body::from_stream(unfold(listener, Listener::frame)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}
