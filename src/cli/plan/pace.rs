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
    let passes = planned_passes(spec, options, None);
    let longest = passes.iter().map(VariantRange::len).max()?;
    // The pass of samples and the last ones are not like the others.
    let usual: Vec<VariantRange> = passes.into_iter().filter(|pass| pass.len() * 2 >= longest).collect();
    let tried = usual.len().min(PASSES);
    let budget = BUDGET / tried as u32;
    let probes: Vec<Probe> = (0..tried)
        .map(|index| probe(spec, parts, usual[index * usual.len() / tried], budget))
        .collect::<Option<_>>()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let variants: u64 = probes.iter().map(|probe| probe.variants).sum();
    let pass_ns: f64 = probes.iter().map(|probe| probe.pass_ns).sum();
    Some(MeasuredPace { start_ns: probes.first()?.start_ns, variant_ns: pass_ns / variants as f64, cores })
}

/// What was learned from one pass.
struct Probe {
    /// Variants that were tried.
    variants: u64,
    /// How long they would take over all rows.
    pass_ns: f64,
    /// What the first run took longer than the same again.
    start_ns: f64,
}

fn probe(spec: &SweepSpec, parts: &Parts, mut range: VariantRange, budget: Duration) -> Option<Probe> {
    let ends = Instant::now() + budget;
    // The first run meets cold caches and data that are still to be made; it tells how many are too many.
    let mut first = spec.clone();
    first.bars_max = Some(spec.bars_max.unwrap_or(u64::MAX).min(ROWS_MIN));
    let first_ns = loop {
        if let Some((_, ns)) = timed(&first, parts, range, Instant::now() + budget / 4)? {
            break ns;
        }
        if range.len() == 1 {
            return None;
        }
        (range, _) = range.split_at(range.len().div_ceil(8));
    };
    let all = planned_rows(spec, parts, range)? as f64;
    let mut rows_max = ROWS_MIN;
    let mut known: Vec<(f64, f64)> = Vec::new();
    loop {
        let mut short = spec.clone();
        short.bars_max = Some(spec.bars_max.unwrap_or(u64::MAX).min(rows_max));
        let began = Instant::now();
        let Some((rows, ns)) = timed(&short, parts, range, ends + budget)? else { break };
        known.push((rows, ns));
        // The next takes twice as long.
        if rows >= all || Instant::now() + 2 * began.elapsed() > ends {
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
    let start_ns = (first_ns - known[0].1).max(0.0);
    Some(Probe { variants: range.len(), pass_ns: ns + row_ns * (all - rows).max(0.0), start_ns })
}

/// Rows and duration of a pass; `Some(None)` when it was not done in time.
fn timed(spec: &SweepSpec, parts: &Parts, range: VariantRange, ends: Instant) -> Option<Option<(f64, f64)>> {
    let began = Instant::now();
    match run_pass(spec, parts, range, &mut |_| Instant::now() < ends) {
        Ok(pass) if pass.work.rows > 0 => {
            Some(Some((pass.work.rows as f64, began.elapsed().as_nanos() as f64)))
        }
        Err(RunError::Cancelled) => Some(None),
        _ => None,
    }
}
