//! Panics of this program: one line in the log, with the backtrace where it is asked for.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic,
};

/// Reports panics through the log. What caught the panic decides what becomes of it; its message is in
/// the report of the run as well.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        let message = panic.payload_as_str().unwrap_or("no message");
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => tracing::error!("panic{place}: {message}\n{backtrace}"),
            _ => tracing::error!("panic{place}: {message}"),
        }
    }));
}
