//! How far a sweep is, in one line: `quick: 45%|████▌     | 450/1000 [02:30<03:05, 2.96 backtest/s]`.

use barhive_actors::sweep::{SweepStatus, WorkerStatus};
use barhive_engine::sweep::VariantSet;
use serde_json::{Value as Json, json};

use super::sink::Best;

/// Cells of the bar.
const CELLS: usize = 10;

/// The line of the whole sweep. What an earlier run did is counted in.
pub(super) fn line(label: &str, status: &SweepStatus, best: Option<Best>) -> String {
    let (done, total, fraction) = reached(status);
    let mut line = format!(
        "{label}: {:>3}%|{}| {done}/{total} [{}<{}, {} backtest/s]",
        (fraction * 100.0).floor(),
        bar(fraction),
        clock(Some(status.elapsed_s)),
        clock(status.remaining_s),
        rate(status.per_s),
    );
    if let Some(Best { variant, figure, value }) = best {
        line.push_str(&format!(" best {figure} {} (no. {variant})", short(value)));
    }
    if status.failed > 0 {
        line.push_str(&format!(" {} failed", status.failed));
    }
    line
}

/// The line of one worker.
pub(super) fn worker_line(number: usize, worker: &WorkerStatus) -> String {
    let doing = match worker.range {
        Some(range) => format!(
            "{:>3}%|{}| {}",
            (worker.fraction * 100.0).floor(),
            bar(worker.fraction),
            VariantSet::from(range)
        ),
        None => "idle".to_owned(),
    };
    let restarts = match worker.restarts {
        0 => String::new(),
        restarts => format!(", replaced {restarts} times"),
    };
    format!("  worker {}: {doing}, {} done{restarts}", number + 1, worker.done)
}

/// The same as one JSON object.
pub(super) fn json(status: &SweepStatus, best: Option<Best>) -> Json {
    let (done, total, fraction) = reached(status);
    let workers = status.workers.iter().enumerate().map(|(number, worker)| {
        json!({
            "worker": number + 1,
            "jobs": worker.range.map(|range| VariantSet::from(range).to_string()),
            "fraction": worker.fraction,
            "done": worker.done,
            "restarts": worker.restarts,
        })
    });
    json!({
        "event": "progress",
        "done": done,
        "total": total,
        "failed": status.failed,
        "fraction": fraction,
        "elapsed_s": status.elapsed_s,
        "remaining_s": status.remaining_s,
        "per_s": status.per_s,
        "best": best,
        "workers": workers.collect::<Vec<_>>(),
    })
}

/// Done, total and the fraction with all runs of this sweep counted.
fn reached(status: &SweepStatus) -> (u64, u64, f64) {
    let (done, total) = (status.done + status.done_before, status.total + status.done_before);
    if total == 0 {
        return (0, 0, 0.0);
    }
    let fraction = (status.fraction * status.total as f64 + status.done_before as f64) / total as f64;
    (done, total, fraction.clamp(0.0, 1.0))
}

/// A bar with eighths of a cell.
fn bar(fraction: f64) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (fraction.clamp(0.0, 1.0) * (CELLS * 8) as f64) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if eighths < CELLS * 8 {
        bar.push(EIGHTHS[eighths % 8]);
        bar.push_str(&" ".repeat(CELLS - eighths / 8 - 1));
    }
    bar
}

/// Minutes and seconds, and hours where there are some.
fn clock(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds.filter(|seconds| seconds.is_finite()) else { return "?".to_owned() };
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// Three digits of a rate.
fn rate(per_s: f64) -> String {
    match per_s {
        rate if rate >= 1e4 => format!("{:.1}k", rate / 1e3),
        rate if rate >= 100.0 => format!("{rate:.0}"),
        rate if rate >= 10.0 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

/// About five digits of a figure.
fn short(value: f64) -> String {
    if value.abs() >= 1e4 { format!("{value:.0}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use barhive_engine::sweep::VariantRange;

    use super::*;

    fn status() -> SweepStatus {
        SweepStatus {
            total: 1000,
            done: 450,
            fraction: 0.45,
            elapsed_s: 150.0,
            remaining_s: Some(185.0),
            per_s: 2.96,
            ..SweepStatus::default()
        }
    }

    #[test]
    fn the_line_has_the_fields_that_people_know() {
        let expected = "Optimization Progress:  45%|████▌     | 450/1000 [02:30<03:05, 2.96 backtest/s]";
        assert_eq!(line("Optimization Progress", &status(), None), expected);
        let best = Best { variant: 7, figure: "sharpe", value: 1.25 };
        assert!(line("x", &status(), Some(best)).ends_with("] best sharpe 1.2500 (no. 7)"));
    }

    #[test]
    fn what_an_earlier_run_did_counts() {
        let half = SweepStatus { total: 500, done: 0, done_before: 500, fraction: 0.0, ..status() };
        assert!(line("x", &half, None).contains(" 50%|█████     | 500/1000 ["));
        let done = SweepStatus { done: 500, fraction: 1.0, ..half };
        assert!(line("x", &done, None).contains("100%|██████████| 1000/1000 ["));
        assert_eq!(json(&done, None)["fraction"], 1.0);
        assert_eq!(json(&SweepStatus::default(), None)["total"], 0);
    }

    #[test]
    fn a_worker_says_what_it_has_in_hand() {
        let worker = WorkerStatus {
            range: Some(VariantRange { start: 10, end: 20 }),
            fraction: 0.25,
            done: 10,
            restarts: 0,
        };
        assert_eq!(worker_line(0, &worker), "  worker 1:  25%|██▌       | 11-20, 10 done");
        assert_eq!(worker_line(1, &WorkerStatus::default()), "  worker 2: idle, 0 done");
    }

    #[test]
    fn hours_and_large_rates_stay_short() {
        assert_eq!(clock(Some(3_725.4)), "1:02:05");
        assert_eq!(clock(None), "?");
        assert_eq!(
            (rate(33_333.0).as_str(), rate(812.4).as_str(), rate(0.0).as_str()),
            ("33.3k", "812", "0.00")
        );
    }
}
