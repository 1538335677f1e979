//! The report of a sweep on a terminal: at most 80 columns.

use barhive_engine::sweep::{Evaluation, PassWork, Variant};

use super::{
    Naming, SweepReport,
    table::{Figures, table},
};
use crate::{
    format::{NOTHING, count, duration, milliseconds, money, number, percent, short},
    input::plural,
    ranking::Objective,
};

/// Columns that a report takes at most.
const WIDTH: u16 = 80;
/// Failed variants that are named.
const FAILURES_SHOWN: usize = 5;
/// Rank figures that get a column of their own.
const EXTRA_COLUMNS: usize = 2;
/// Figures that are shown as percentages.
const FRACTIONS: [&str; 6] =
    ["total_return", "annual_return", "max_drawdown", "annual_volatility", "exposure", "win_rate"];
/// Figures that are numbers of things.
const COUNTS: [&str; 2] = ["orders", "fills"];

/// A figure that every table has, where it fits.
struct Usual {
    name: &'static str,
    head: &'static str,
    /// Of those that nothing is ranked by, the one with the largest number goes first.
    goes: Option<u8>,
    text: fn(&Evaluation) -> String,
}

const USUAL: [Usual; 5] = [
    Usual {
        name: "final_equity",
        head: "final equity",
        goes: Some(1),
        text: |one| money(one.final_equity, 2),
    },
    Usual {
        name: "total_return",
        head: "return",
        goes: Some(4),
        text: |one| percent(one.statistics.total_return),
    },
    Usual {
        name: "max_drawdown",
        head: "drawdown",
        goes: Some(2),
        text: |one| percent(one.statistics.max_drawdown),
    },
    Usual {
        name: "sharpe",
        head: "Sharpe",
        goes: Some(3),
        text: |one| one.statistics.sharpe.map_or_else(|| NOTHING.into(), |ratio| number(ratio, 2)),
    },
    Usual { name: "trades", head: "trades", goes: Some(5), text: |one| count(one.trades) },
];

/// The report as text.
pub fn sweep_terminal(report: &SweepReport<'_>) -> String {
    let mut text = String::new();
    let mut line = |words: String| wrap(&words, &mut text);
    let facts = report.facts;
    line(format!("{} (barhive {})", facts.name, facts.program));
    line(progress(report));
    if let Some(took) = report.took {
        line(format!(
            "{} {}, {} at a time, {} {}; {} in {}, {} backtests/s",
            count(took.workers as u64),
            plural(took.workers as u64, "worker"),
            count(took.chunk),
            count(facts.passes),
            if facts.passes == 1 { "pass" } else { "passes" },
            count(took.run),
            milliseconds(took.elapsed_s * 1e3),
            short(took.per_s()),
        ));
        if took.worker_failures > 0 {
            let times = plural(took.worker_failures, "time");
            line(format!("a worker failed {} {times} and was replaced", count(took.worker_failures)));
        }
    }
    line(ways(&facts.work));
    line(hub(&facts.work));
    text.push('\n');
    ranking(report, &mut text);
    let mut line = |words: String| wrap(&words, &mut text);
    if facts.failed > 0 {
        line(String::new());
        line(format!("{} {} failed:", count(facts.failed), plural(facts.failed, "combination")));
        for (number, reason) in facts.failures.iter().take(FAILURES_SHOWN) {
            line(format!("  {number}: {}", one_line(reason)));
        }
        let shown = facts.failures.len().min(FAILURES_SHOWN) as u64;
        if facts.failed > shown {
            line(format!(
                "  and {} more: see the column `reason` of results.parquet",
                count(facts.failed - shown)
            ));
        }
    }
    line(String::new());
    line(format!("results      {}", facts.folder));
    if let Some(hash) = &facts.result_hash {
        line(format!("result hash  {hash}"));
    }
    text
}

fn progress(report: &SweepReport<'_>) -> String {
    let facts = report.facts;
    let selected = if facts.selected < facts.variants {
        format!("{} selected of {} combinations", count(facts.selected), count(facts.variants))
    } else {
        format!("{} {}", count(facts.variants), plural(facts.variants, "combination"))
    };
    if facts.done < facts.selected {
        format!("{selected}, {} done: not finished", count(facts.done))
    } else {
        selected
    }
}

/// Which way variants went.
pub(super) fn ways(work: &PassWork) -> String {
    let mut words =
        format!("{} as lanes, {} as containers of their own", count(work.lanes), count(work.containers));
    if work.reruns > 0 {
        words.push_str(&format!(", {} run again alone after a failure", count(work.reruns)));
    }
    words
}

/// What the hub did.
pub(super) fn hub(work: &PassWork) -> String {
    let hub = &work.hub;
    if hub.subscriptions == 0 {
        return "no indicator was asked for".to_owned();
    }
    let share = 1.0 - hub.keys as f64 / hub.subscriptions as f64;
    format!(
        "indicators: {} subscriptions, {} computed ({} values), {} shared",
        count(hub.subscriptions),
        count(hub.keys),
        short(hub.computed as f64),
        percent(share),
    )
}

fn ranking(report: &SweepReport<'_>, text: &mut String) {
    let ranking = report.ranking;
    let shown = ranking.shown();
    let title = match ranking.front() {
        Some(front) => {
            let members = front.members().len() as u64;
            let mut title = format!("the front by {}", ranking.in_words());
            if members > shown.len() as u64 {
                title.push_str(&format!(": the first {} of {}", count(shown.len() as u64), count(members)));
            }
            title
        }
        None => format!("the best {} by {}", count(shown.len() as u64), ranking.in_words()),
    };
    wrap(&title, text);
    if shown.is_empty() {
        wrap("none: no combination has the figures that it would be ranked by", text);
        return;
    }
    let extra: Vec<Objective> = ranking
        .objectives()
        .iter()
        .copied()
        .filter(|objective| USUAL.iter().all(|usual| usual.name != objective.name()))
        .take(EXTRA_COLUMNS)
        .collect();
    let naming = Naming::of(report.spec);
    let done: Vec<(&Variant, &Evaluation)> =
        shown.iter().filter_map(|variant| Some((*variant, variant.evaluation()?))).collect();
    let names: Vec<String> =
        done.iter().map(|(variant, _)| naming.words_of(report.spec, variant.index)).collect();
    let lead = |head: &str, cells: Vec<String>| Figures { head: head.into(), cells, goes: None };
    let lead = vec![
        lead("", (1..=done.len()).map(|rank| rank.to_string()).collect()),
        lead("no.", done.iter().map(|(variant, _)| (variant.index + 1).to_string()).collect()),
    ];
    let evaluations = || done.iter().map(|(_, evaluation)| *evaluation);
    let ranked = |name: &str| ranking.objectives().iter().any(|objective| objective.name() == name);
    let usual = USUAL.iter().map(|one| Figures {
        head: one.head.into(),
        cells: evaluations().map(one.text).collect(),
        goes: one.goes.filter(|_| !ranked(one.name)),
    });
    let extra = extra.iter().map(|objective| Figures {
        head: objective.name().trim_end_matches("_ns").replace('_', " "),
        cells: evaluations().map(|done| figure(objective.name(), objective.value(done))).collect(),
        goes: None,
    });
    text.push_str(&table(lead, &names, usual.chain(extra).collect(), usize::from(WIDTH)));
    text.push('\n');
}

/// A figure that is no usual one.
fn figure(name: &str, value: Option<f64>) -> String {
    match value {
        None => NOTHING.into(),
        Some(value) if FRACTIONS.contains(&name) => percent(value),
        Some(value) if name.ends_with("_ns") => duration(value as i64),
        Some(value) if COUNTS.contains(&name) || value.abs() >= 1e5 => number(value, 0),
        Some(value) => number(value, 4),
    }
}

/// A reason's first line, bounded: panics may carry whole dumps.
fn one_line(reason: &str) -> String {
    const CHARS_MAX: usize = 300;
    let line = reason.lines().next().unwrap_or_default();
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Adds a line broken between words; what follows stands two columns further in. Control characters
/// of names do not reach the terminal.
fn wrap(line: &str, text: &mut String) {
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let indent = clean.len() - clean.trim_start().len();
    let mut column = 0;
    for (place, word) in clean.split(' ').enumerate() {
        let width = word.chars().count();
        if place > 0 && column + 1 + width > usize::from(WIDTH) && column > indent + 2 {
            text.push('\n');
            text.push_str(&" ".repeat(indent + 2));
            column = indent + 2;
        } else if place > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}
