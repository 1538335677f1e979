//! Progress: a bar, only on a terminal and only for what takes over a second, or JSON lines.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value as Json;

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressWord {
    #[default]
    Bar,
    Json,
}

/// One JSON line on standard error; whoever closed that does not want to hear it.
pub(super) fn say(event: &Json) {
    let _ = writeln!(io::stderr(), "{event}");
}

/// How long a run may take before a bar appears.
const QUIET_MS: u64 = 1_000;

/// A bar over rows, or nothing at all.
pub(super) struct ProgressLine {
    bar: Option<ProgressBar>,
}

impl ProgressLine {
    /// A bar if `wanted` and standard error is a terminal.
    pub(super) fn new(wanted: bool) -> Self {
        Self { bar: (wanted && io::stderr().is_terminal()).then(ProgressBar::hidden) }
    }

    /// Shows how far the run is. `elapsed` since its start decides whether the bar is seen yet.
    pub(super) fn show(&self, rows_done: u64, rows_total: Option<u64>, elapsed: Duration) {
        let Some(bar) = &self.bar else { return };
        if bar.is_hidden() && elapsed >= Duration::from_millis(QUIET_MS) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.reset_elapsed();
            bar.set_style(style(rows_total.is_some()));
        }
        if let Some(total) = rows_total {
            bar.set_length(total);
        }
        bar.set_position(rows_done);
        bar.set_message(rate(rows_done, elapsed));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(with_total: bool) -> ProgressStyle {
    let template = if with_total {
        "{wide_bar} {human_pos}/{human_len} bars, {msg}, {eta} left"
    } else {
        "{spinner} {human_pos} bars, {msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Bars per second since the start.
fn rate(rows: u64, elapsed: Duration) -> String {
    let per_second = rows as f64 / elapsed.as_secs_f64().max(1e-3);
    match per_second {
        rate if rate >= 1e6 => format!("{:.1} M/s", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.0} k/s", rate / 1e3),
        rate => format!("{rate:.0} /s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_in_three_digits() {
        assert_eq!(rate(3_000_000, Duration::from_secs(2)), "1.5 M/s");
        assert_eq!(rate(3_000, Duration::from_secs(2)), "2 k/s");
        assert_eq!(rate(0, Duration::ZERO), "0 /s");
    }
}
