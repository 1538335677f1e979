//! `bench scale`: what a second worker is worth.

use std::{io::Write, sync::Arc};

use barhive_actors::sweep::{Isolation, SweepOptions};
use barhive_config::LoadedSweep;
use barhive_engine::{
    registry::Registry as Parts,
    sweep::{SweepSpec, VariantRange, VariantSet},
};
use barhive_report::format::{count, number, percent};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Bench, PlaceFlags, Report, failed, figures};
use crate::{
    bench::{
        BenchError, Place,
        market::{self, Data},
        median,
        scale::{Ran, even_passes, loops, sweep},
    },
    cli::outcome::{CliError, Outcome},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ScaleFlags {
    /// Backtests
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: u64,
    /// Numbers of workers; the first is what the others are compared with
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [1u16, 2],
          value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Vec<u16>,
    /// Bars of each backtest
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..))]
    bars: u64,
    /// What workers are: thread or process
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    isolation: IsolationWord,
    /// How often all of it is measured, in turns; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    /// How many times over the sweep has its backtests [default: until it takes the first a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    times: Option<u16>,
    #[command(flatten)]
    place: PlaceFlags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum IsolationWord {
    #[default]
    Thread,
    Process,
}

/// What is run by so many workers.
struct Work {
    sweep: LoadedSweep,
    spec: Arc<SweepSpec>,
    parts: Arc<Parts>,
    isolation: Isolation,
    selected: VariantRange,
}

impl Work {
    fn new(flags: &ScaleFlags, place: &Place, parts: &Parts, times: u64) -> Result<Self, BenchError> {
        let catalog = place.folder.join("bars");
        market::catalog(&catalog, 1, flags.bars)?;
        let strategies: Vec<_> =
            (0..times).map(|number| market::crosses(&format!("cross{number}"), flags.runs)).collect();
        let sweep = Data::of(&catalog).sweep(&strategies, parts)?;
        let isolation = match flags.isolation {
            IsolationWord::Thread => Isolation::Thread,
            IsolationWord::Process => Isolation::Process(Box::new(place.workers(&sweep)?)),
        };
        let spec = Arc::new(sweep.spec.clone());
        let selected = VariantRange { start: 0, end: flags.runs * times };
        Ok(Self { sweep, spec, parts: Arc::new(parts.clone()), isolation, selected })
    }

    fn run(&self, workers: usize) -> Result<Ran, BenchError> {
        let options = SweepOptions {
            workers,
            isolation: self.isolation.clone(),
            selected: Some(VariantSet::from(self.selected)),
            ..SweepOptions::default()
        };
        sweep(&self.spec, &self.parts, options)
    }

    fn loops(&self, threads: usize) -> Result<f64, BenchError> {
        let specs = vec![self.sweep.spec.clone(); threads];
        let len = (self.selected.len() / (4 * threads as u64)).clamp(1, 500);
        Ok(loops(&specs, &self.parts, &even_passes(self.selected.len(), len))?.as_secs_f64())
    }
}

/// What so many workers took, and as many loops.
struct Row {
    workers: usize,
    seconds: Vec<f64>,
    loops: Vec<f64>,
    idle: Vec<f64>,
}

pub(super) fn run(flags: &ScaleFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let bench = Bench::begin(&flags.place)?;
    let base = usize::from(flags.workers.first().copied().unwrap_or(1));
    let times = match flags.times {
        Some(times) => u64::from(times),
        None => bench.part(|place| {
            let once = Work::new(flags, place, parts, 1)?;
            once.run(base)?;
            Ok((1.0 / once.run(base)?.elapsed.as_secs_f64()).ceil().clamp(1.0, 1_000.0) as u64)
        })?,
    };
    let work = bench.part(|place| Work::new(flags, place, parts, times))?;
    let mut rows: Vec<Row> = flags
        .workers
        .iter()
        .map(|workers| Row {
            workers: usize::from(*workers),
            seconds: Vec::new(),
            loops: Vec::new(),
            idle: Vec::new(),
        })
        .collect();
    let mut hash = None;
    for _ in 0..flags.rounds {
        // In turns: what disturbs one disturbs all.
        for row in &mut rows {
            let ran = bench.part(|_| work.run(row.workers))?;
            if *hash.get_or_insert_with(|| ran.hash.clone()) != ran.hash {
                return Err(CliError::Failed(format!("{} workers have another result", row.workers)));
            }
            row.seconds.push(ran.elapsed.as_secs_f64());
            row.idle.push(ran.idle.as_secs_f64() / (ran.elapsed.as_secs_f64() * row.workers as f64));
        }
        for row in &mut rows {
            row.loops.push(work.loops(row.workers).map_err(failed)?);
        }
    }
    bench.end(report(flags, times, &rows, &hash.unwrap_or_default()), out)
}

fn report(flags: &ScaleFlags, times: u64, rows: &[Row], hash: &str) -> Report {
    let mut table = figures(&[
        "workers",
        "seconds",
        "backtests/s",
        "times",
        "efficiency",
        "loops",
        "of the loops",
        "idle",
    ]);
    let mut json_rows = Vec::new();
    for row in rows {
        let first = &rows[0];
        let against =
            |own: &[f64], first: &[f64]| median(first.iter().zip(own).map(|(a, b)| a / b).collect());
        let seconds = median(row.seconds.clone()) / times as f64;
        let (speedup, of_loops) = (against(&row.seconds, &first.seconds), against(&row.loops, &first.loops));
        let efficiency = speedup * first.workers as f64 / row.workers as f64;
        let per_s = flags.runs as f64 / seconds;
        let idle = median(row.idle.clone());
        table.add_row([
            row.workers.to_string(),
            number(seconds, 4),
            count(per_s as u64),
            number(speedup, 2),
            percent(efficiency),
            number(of_loops, 2),
            percent(speedup / of_loops),
            percent(idle),
        ]);
        json_rows.push(json!({
            "workers": row.workers,
            "seconds": seconds,
            "backtests_per_s": per_s,
            "speedup": speedup,
            "efficiency": efficiency,
            "loops_speedup": of_loops,
            "of_loops": speedup / of_loops,
            "idle_at_end": idle,
        }));
    }
    let (runs, bars) = (count(flags.runs), count(flags.bars));
    let over = if times == 1 { String::new() } else { format!(", {times} times over in one sweep") };
    let what = match flags.isolation {
        IsolationWord::Thread => "threads",
        IsolationWord::Process => "processes, their start counted",
    };
    Report {
        name: "scale",
        title: format!("{runs} backtests of {bars} bars{over}; workers are {what}; medians of {}", flags.rounds),
        table,
        notes: vec![
            "loops: as many threads with the same passes and nothing in common: what this machine's cores give. \
             idle: what workers wait at the end. Goal: an efficiency of 94 %, 89 % at least; the reference \
             says 94 to 95 %."
                .to_owned(),
            format!("every run has the result hash {hash}"),
        ],
        json: json!({
            "runs": flags.runs,
            "bars": flags.bars,
            "times": times,
            "isolation": format!("{:?}", flags.isolation).to_lowercase(),
            "result_hash": hash,
            "rows": json_rows,
        }),
    }
}
