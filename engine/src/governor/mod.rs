//! The governor: what may start, what must stand back, and how many workers work.
//!
//! Pure rules over measurements. Nothing here reads a clock, a counter or a file: whoever measures hands a
//! [`ResourceSample`] in, with the monotonic time at which it was taken, and acts on the answers.
//!
//! - [`ResourceThresholds`] turn a sample into alert levels.
//! - [`CircuitBreaker`] protects the machine from *others'* load: it holds, refuses and sheds jobs.
//! - [`LiveGuard`] lets jobs stand back while live work lags.
//! - [`Throttle`] bounds *our own* load: it says how many workers work, and which part of the time.
//! - [`Forecast`] says how long a resource will last if it goes on like this.
//!
//! Every decision comes with a sentence that gives value, limit and duration.

mod alert;
mod breaker;
mod fault;
mod forecast;
mod live;
mod sample;
mod thresholds;
mod throttle;

pub use alert::{AlertLevel, UnknownAlertLevel};
pub use breaker::{
    Admission, BreakerConfig, BreakerEvent, BreakerEventKind, BreakerState, CircuitBreaker, Shed,
};
pub use fault::{SettingFault, SettingFaults};
pub use forecast::{Forecast, Trend};
pub use live::LiveGuard;
pub use sample::{Assessment, Reading, Resource, ResourceSample};
pub use thresholds::{AlertLimits, ResourceThresholds};
pub use throttle::{
    Preset, ThermalStep, ThermalTable, Throttle, ThrottleConfig, ThrottleEvent, ThrottleEventKind,
    UnknownPreset, WorkPlan,
};

use crate::time::NS_PER_SECOND;

/// Seconds of a setting as nanoseconds; settings are checked before they come here.
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * NS_PER_SECOND as f64) as u64
}

/// Nanoseconds as the seconds of a sentence.
fn seconds(ns: u64) -> f64 {
    ns as f64 / NS_PER_SECOND as f64
}
