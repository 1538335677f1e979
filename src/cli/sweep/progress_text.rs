//! How far a sweep is, in one line: `quick: 45%|████▌     | 450/1000 [02:30<03:05, 2.96 backtest/s]`.

use std::io;

use barhive_actors::sweep::{SweepStatus, WorkerStatus};
use barhive_engine::sweep::VariantSet;
use serde_json::{Value as Json, json};

use super::sink::Best;

/// Cells of the bar, where there is room.
const CELLS: usize = 10;
/// Of a bar with fewer cells than these nothing is drawn.
const CELLS_MIN: usize = 2;
/// Columns of a terminal that does not say how many it has.
const WIDTH: usize = 80;

/// The line of the whole sweep, as wide as the terminal at most. What an earlier run did is counted in.
pub(super) fn line(label: &str, status: &SweepStatus, best: Option<Best>) -> String {
    fitted(label, status, best, terminal_width())
}

/// The line of one worker, as wide as the terminal at most.
pub(super) fn worker_line(number: usize, worker: &WorkerStatus) -> String {
    worker_fitted(number, worker, terminal_width())
}

/// Columns of the terminal behind standard error.
fn terminal_width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(WIDTH)
}

/// The line in `width` columns. The bar gets narrower first and then goes, then the label gets shorter; after
/// that the best goes, and at the end the time that has passed. How far it is, how long that takes and the
/// rate always stay.
fn fitted(label: &str, status: &SweepStatus, best: Option<Best>, width: usize) -> String {
    let (done, total, fraction) = reached(status);
    let (remaining, rate) = (clock(status.remaining_s), rate(status.per_s));
    let whole = format!(" {done}/{total} [{}<{remaining}, {rate} backtest/s]", clock(Some(status.elapsed_s)));
    let brief = format!(" {done}/{total} [<{remaining}, {rate}/s]");
    let best = best.map_or_else(String::new, |Best { variant, figure, value }| {
        format!(" best {figure} {} (no. {variant})", short(value))
    });
    let failed = match status.failed {
        0 => String::new(),
        failed => format!(" {failed} failed"),
    };
    let tails =
        [format!("{whole}{best}{failed}"), format!("{whole}{failed}"), format!("{brief}{failed}"), brief];
    let percent = format!("{:>3}%", (fraction * 100.0).floor());
    let room_beside = |tail: &String| width.checked_sub(chars(&percent) + chars(tail));
    let fits = tails.iter().find_map(|tail| Some((tail, room_beside(tail)?)));
    let (tail, room) = fits.unwrap_or((&tails[tails.len() - 1], 0));
    let label = shortened(label, room);
    let bar = bar(fraction, room - chars(&label));
    format!("{label}{percent}{bar}{tail}")
}

/// The label with what sets it apart, in so many columns at most.
fn shortened(label: &str, room: usize) -> String {
    /// With less than a letter, an ellipsis and what sets it apart there is none.
    const ROOM_MIN: usize = 4;
    if chars(label) + 2 <= room {
        format!("{label}: ")
    } else if room < ROOM_MIN {
        String::new()
    } else {
        let kept: String = label.chars().take(room - 3).collect();
        format!("{}\u{2026}: ", kept.trim_end())
    }
}

fn worker_fitted(number: usize, worker: &WorkerStatus, width: usize) -> String {
    let head = format!("  worker {}: ", number + 1);
    let restarts = match worker.restarts {
        0 => String::new(),
        1 => ", replaced once".to_owned(),
        restarts => format!(", replaced {restarts} times"),
    };
    let done = format!(", {} done{restarts}", worker.done);
    let Some(range) = worker.range else { return format!("{head}idle{done}") };
    let head = format!("{head}{:>3}%", (worker.fraction * 100.0).floor());
    let tail = format!(" {}{done}", VariantSet::from(range));
    let bar = bar(worker.fraction, width.saturating_sub(chars(&head) + chars(&tail)));
    format!("{head}{bar}{tail}")
}

fn chars(text: &str) -> usize {
    text.chars().count()
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

/// A bar with eighths of a cell between its edges, in so many columns at most.
fn bar(fraction: f64, room: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let cells = CELLS.min(room.saturating_sub(2));
    if cells < CELLS_MIN {
        return String::new();
    }
    let eighths = (fraction.clamp(0.0, 1.0) * (cells * 8) as f64) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if eighths < cells * 8 {
        bar.push(EIGHTHS[eighths % 8]);
        bar.push_str(&" ".repeat(cells - eighths / 8 - 1));
    }
    format!("|{bar}|")
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

    const BEST: Best = Best { variant: 7, figure: "sharpe", value: 1.25 };

    #[test]
    fn the_line_has_the_fields_that_people_know() {
        let expected = "Optimization Progress:  45%|████▌     | 450/1000 [02:30<03:05, 2.96 backtest/s]";
        assert_eq!(fitted("Optimization Progress", &status(), None, 80), expected);
        assert!(fitted("x", &status(), Some(BEST), 120).ends_with("] best sharpe 1.2500 (no. 7)"));
    }

    #[test]
    fn a_narrow_terminal_takes_the_bar_then_the_label_then_the_best() {
        let at = |width| fitted("sweep-quickstart", &status(), Some(BEST), width);
        let tail = " 450/1000 [02:30<03:05, 2.96 backtest/s]";
        let best = " best sharpe 1.2500 (no. 7)";
        assert_eq!(at(101), format!("sweep-quickstart:  45%|████▌     |{tail}{best}"));
        assert_eq!(at(95), format!("sweep-quickstart:  45%|█▊  |{tail}{best}"));
        assert_eq!(at(90), format!("sweep-quickstart:  45%{tail}{best}"));
        assert_eq!(at(80), format!("sweep-\u{2026}:  45%{tail}{best}"));
        assert_eq!(at(70), format!("sweep-quickstart:  45%|██▋   |{tail}"));
        assert_eq!(at(44), format!(" 45%{tail}"));
        assert_eq!(at(40), "sweep-q\u{2026}:  45% 450/1000 [<03:05, 2.96/s]");
    }

    #[test]
    fn what_matters_is_there_at_every_width() {
        let long = SweepStatus {
            total: 112_840,
            done: 112_000,
            failed: 1_234,
            elapsed_s: 36_000.0,
            remaining_s: Some(3_725.0),
            per_s: 33_333.0,
            fraction: 0.99,
            ..SweepStatus::default()
        };
        for width in 40..130 {
            let text = fitted("a label of some length", &long, Some(BEST), width);
            assert!(chars(&text) <= width, "{width}: {text}");
            for part in ["99%", "112000/112840", "<1:02:05, 33.3k"] {
                assert!(text.contains(part), "{width}: {part} in {text}");
            }
        }
        assert!(fitted("x", &long, None, 10).contains("99% 112000/112840"), "nothing panics");
    }

    #[test]
    fn what_an_earlier_run_did_counts() {
        let half = SweepStatus { total: 500, done: 0, done_before: 500, fraction: 0.0, ..status() };
        assert!(fitted("x", &half, None, 80).contains(" 50%|█████     | 500/1000 ["));
        let done = SweepStatus { done: 500, fraction: 1.0, ..half };
        assert!(fitted("x", &done, None, 80).contains("100%|██████████| 1000/1000 ["));
        assert_eq!(json(&done, None)["fraction"], 1.0);
        assert_eq!(json(&SweepStatus::default(), None)["total"], 0);
    }

    #[test]
    fn a_worker_says_what_it_has_in_hand() {
        let worker = WorkerStatus {
            range: Some(VariantRange { start: 10, end: 20 }),
            fraction: 0.25,
            done: 10,
            restarts: 1,
        };
        let text = "  worker 1:  25%|██▌       | 11-20, 10 done, replaced once";
        assert_eq!(worker_fitted(0, &worker, 80), text);
        assert_eq!(worker_fitted(0, &worker, 45), "  worker 1:  25% 11-20, 10 done, replaced once");
        assert_eq!(worker_fitted(1, &WorkerStatus::default(), 40), "  worker 2: idle, 0 done");
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
