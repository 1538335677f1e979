//! The machine: how it is shared, what live work says, and what was measured in the last minutes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    extract::{Request, State},
};
use barhive_engine::{governor::AlertLevel, jobs::ExecutionMode};
use barhive_machine::LiveReport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use super::{Shared, jobs::read, problem::Problem};
use crate::{asks, view::ServerStatus};

/// Between two moments.
const EVERY: Duration = Duration::from_secs(1);
/// Moments that are remembered: ten minutes.
const MOMENTS_MAX: usize = 600;

/// What was measured at a moment. Shares are percent of all cores, and of the machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    /// When, UTC nanoseconds.
    pub at_ns: i64,
    /// Use of all cores, by whatever runs.
    pub cpu_percent: f64,
    /// Of it, what the server's jobs used.
    pub workers_cpu_percent: f64,
    /// Memory of the machine in use.
    pub memory_percent: f64,
    /// How far live work is behind, milliseconds; `None` where there is none.
    pub live_latency_ms: Option<f64>,
    /// The highest level of all resources.
    pub alert_level: AlertLevel,
    /// Jobs that run.
    pub running: u64,
}

/// How the machine is to be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeRequest {
    /// How.
    pub mode: ExecutionMode,
}

/// The last minutes.
#[derive(Default)]
pub(super) struct Minutes(Mutex<VecDeque<Moment>>);

impl Minutes {
    pub(super) fn moments(&self) -> Vec<Moment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn note(&self, moment: Moment) {
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if moments.len() >= MOMENTS_MAX {
            moments.pop_front();
        }
        moments.push_back(moment);
    }
}

fn moment(status: &ServerStatus) -> Option<Moment> {
    // Before the first sample there is nothing to be said.
    let machine = status.machine.as_ref().filter(|machine| machine.at_ns > 0)?;
    Some(Moment {
        at_ns: machine.at_ns,
        cpu_percent: machine.sample.cpu_percent,
        workers_cpu_percent: machine.sample.workers_cpu_percent,
        memory_percent: machine.sample.memory_percent,
        live_latency_ms: machine.sample.live_latency_ms,
        alert_level: machine.alert_level,
        running: status.queue.running,
    })
}

/// Looks every second: remembers what was measured, and tells listeners how the server is doing.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(status) = asks::status(&shared.manager).await else { return };
        if let Some(moment) = moment(&status) {
            shared.minutes.note(moment);
        }
        shared.events.tell("status", &status);
    }
}

/// `GET /v1/history`.
pub(super) async fn history(State(shared): State<Arc<Shared>>) -> Json<Vec<Moment>> {
    Json(shared.minutes.moments())
}

/// `POST /v1/mode`.
pub(super) async fn set_mode(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<ServerStatus>, Problem> {
    let (parts, body) = request.into_parts();
    let ModeRequest { mode } = read(&parts.headers, body).await?;
    asks::mode(&shared.manager, mode).await?;
    Ok(Json(asks::status(&shared.manager).await?))
}

/// `POST /v1/live`.
pub(super) async fn report(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<LiveReport>, Problem> {
    let (parts, body) = request.into_parts();
    let report: LiveReport = read(&parts.headers, body).await?;
    asks::live(&shared.manager, report.clone()).await?;
    Ok(Json(report))
}
