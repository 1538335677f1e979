//! How long a combination takes on this machine, from running some of them on the first rows.

use std::time::{Duration, Instant};

use barhive_engine::{
    pass::RunError,
    plan::{MeasuredPace, planned_passes, planned_rows},
    registry::Registry as Parts,
    sweep::{CutOptions, SweepSpec, VariantRange, run_pass},
};

/// Passes that are tried, spread over the sweep.
const PASSES: usize = 4;
/// How long all of it may take.
const BUDGET: Duration = Duration::from_millis(600);
/// Rows of the first try.
const ROWS_MIN: u64 = 1 << 11;

/// Runs a few passes on their first rows and answers what a combination will take over all its rows;
/// `None` when they cannot be run, are too slow to be tried, or the number of rows is not known.
pub(super) fn measure(spec: &SweepSpec, parts: &Parts, options: CutOptions) -> Option<MeasuredPace> {
    let passes = planned_passes(spec, options);
    let longest = passes.iter().map(VariantRange::len).max()?;
    // The pass of samples and the last ones are not like the others.
    let usual: Vec<VariantRange> = passes.into_iter().filter(|pass| pass.len() * 2 >= longest).collect();
    let tried = usual.len().min(PASSES);
    let budget = BUDGET / tried as u32;
    let probes: Vec<Probe> = (0..tried)
        .map(|index| probe(spec, parts, usual[index * usual.len() / tried], budget))
        .collect::<Option<_>>()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mean = |of: fn(&Probe) -> f64| probes.iter().map(of).sum::<f64>() / tried as f64;
    Some(MeasuredPace {
        start_ns: probes.first()?.start_ns,
        pass_ns: mean(|probe| probe.pass_ns),
        variant_ns: mean(|probe| probe.variant_ns),
        cores,
    })
}

/// What was learned from one pass.
struct Probe {
    /// What the first run took longer than the same again.
    start_ns: f64,
    /// The pass over all its rows, however many variants it has.
    pass_ns: f64,
    /// One variant of it.
    variant_ns: f64,
}

fn probe(spec: &SweepSpec, parts: &Parts, mut range: VariantRange, budget: Duration) -> Option<Probe> {
    // The first run meets cold caches and data that are still to be made; it tells how many are too many.
    let first_ns = loop {
        if let Some((_, ns)) = timed(spec, ROWS_MIN, parts, range, now() + budget / 4)? {
            break ns;
        }
        if range.len() == 1 {
            return None;
        }
        (range, _) = range.split_at(range.len().div_ceil(8));
    };
    let (_, again_ns) = timed(spec, ROWS_MIN, parts, range, now() + budget)??;
    let start_ns = (first_ns - again_ns).max(0.0);
    let whole_ns = over_all_rows(spec, parts, range, budget * 2 / 3)?;
    let (few, _) = range.split_at(range.len().div_ceil(8));
    if few.len() == range.len() {
        return Some(Probe { start_ns, pass_ns: 0.0, variant_ns: whole_ns });
    }
    let few_ns = over_all_rows(spec, parts, few, budget / 3)?;
    // A disturbed pair of runs says nothing about the share of the pass.
    let further = (range.len() - few.len()) as f64;
    let variant_ns = ((whole_ns - few_ns) / further).clamp(0.0, whole_ns / range.len() as f64);
    Some(Probe { start_ns, pass_ns: whole_ns - variant_ns * range.len() as f64, variant_ns })
}

/// How long a pass takes over all its rows, from as many of the first as there is time for.
fn over_all_rows(spec: &SweepSpec, parts: &Parts, range: VariantRange, budget: Duration) -> Option<f64> {
    let ends = now() + budget;
    let all = planned_rows(spec, parts, range)? as f64;
    let mut rows_max = ROWS_MIN;
    let mut known: Vec<(f64, f64)> = Vec::new();
    loop {
        let began = now();
        let Some((rows, ns)) = timed(spec, rows_max, parts, range, ends + budget)? else { break };
        known.push((rows, ns));
        // The next takes twice as long.
        if rows >= all || now() + 2 * began.elapsed() > ends {
            break;
        }
        rows_max *= 2;
    }
    let (rows, ns) = *known.last()?;
    // What a further row takes, set-up left out; a disturbed pair of runs says nothing about it.
    let row_ns = match known.len().checked_sub(2).map(|before| known[before]) {
        Some((rows_before, ns_before)) if ns > ns_before && rows > rows_before => {
            ((ns - ns_before) / (rows - rows_before)).min(ns / rows)
        }
        _ => ns / rows,
    };
    Some(ns + row_ns * (all - rows).max(0.0))
}

/// Rows and duration of a pass; `Some(None)` when it was not done in time.
fn timed(
    spec: &SweepSpec,
    rows_max: u64,
    parts: &Parts,
    range: VariantRange,
    ends: Instant,
) -> Option<Option<(f64, f64)>> {
    let mut spec = spec.clone();
    spec.bars_max = Some(spec.bars_max.unwrap_or(u64::MAX).min(rows_max));
    let began = now();
    match run_pass(&spec, parts, range, &mut |_| now() < ends) {
        Ok(pass) if pass.work.rows > 0 => {
            Some(Some((pass.work.rows as f64, began.elapsed().as_nanos() as f64)))
        }
        Err(RunError::Cancelled) => Some(None),
        _ => None,
    }
}

#[allow(clippy::disallowed_methods, reason = "how long a combination takes is what is asked")]
fn now() -> Instant {
    Instant::now()
}
