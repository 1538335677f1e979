//! When the passes of a sweep will be done: the schedule itself, at a pace that was measured.

use crate::sweep::{CutOptions, Lease, PassTime, Schedule, SweepSpec, VariantRange, VariantSet};

/// What was measured on the machine that asks, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredPace {
    /// What happens once: data that are made or read for the first time.
    pub start_ns: f64,
    /// A pass, however many combinations it has.
    pub pass_ns: f64,
    /// One combination of a pass.
    pub variant_ns: f64,
    /// Processors that the workers share.
    pub cores: usize,
}

/// The passes of a sweep, and when they are done.
pub(super) struct Timetable {
    pub(super) passes: Vec<VariantRange>,
    /// All workers together.
    pub(super) worker_ns: f64,
    /// When the last worker is done.
    pub(super) last_ns: f64,
}

/// The passes of a sweep, as its schedule cuts them.
pub fn planned_passes(spec: &SweepSpec, options: CutOptions) -> Vec<VariantRange> {
    timetable(spec, options, None).passes
}

/// Has the schedule cut a sweep for workers that take what there is as soon as they are free.
pub(super) fn timetable(spec: &SweepSpec, options: CutOptions, pace: Option<MeasuredPace>) -> Timetable {
    // In step where nothing is known, so that workers take turns.
    let unknown = MeasuredPace { start_ns: 0.0, pass_ns: 1.0, variant_ns: 0.0, cores: options.workers };
    let pace = pace.unwrap_or(unknown);
    // Workers beyond the cores get their share of them.
    let slower = (options.workers.max(1) as f64 / pace.cores.max(1) as f64).max(1.0);
    let all = VariantSet::from(spec.all());
    let mut schedule = Schedule::new(spec, &all, &VariantSet::new(), options);
    let mut table = Timetable { passes: Vec::new(), worker_ns: 0.0, last_ns: 0.0 };
    let mut at_work: Vec<(f64, Option<Lease>)> = vec![(pace.start_ns, None); options.workers.max(1)];
    loop {
        for (worker, (free_ns, lease)) in at_work.iter_mut().enumerate() {
            if lease.is_none()
                && let Some(next) = schedule.next(worker, *free_ns as u64)
            {
                let took_ns = pace.pass_ns + pace.variant_ns * next.range.len() as f64;
                table.worker_ns += took_ns;
                table.passes.push(next.range);
                *free_ns += took_ns * slower;
                *lease = Some(next);
            }
        }
        let first =
            at_work.iter_mut().filter(|(_, lease)| lease.is_some()).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((done_ns, lease)) = first else { break };
        let (now_ns, lease) = (*done_ns, lease.take());
        let Some(lease) = lease else { break };
        let took_ns = pace.pass_ns + pace.variant_ns * lease.range.len() as f64;
        let time = PassTime { elapsed_ns: took_ns as u64, shared_ns: pace.pass_ns as u64 };
        if !schedule.complete(lease.id, time) {
            break;
        }
        table.last_ns = now_ns;
        for (free_ns, lease) in &mut at_work {
            if lease.is_none() {
                *free_ns = now_ns;
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::tests::spec_of;

    const PACE: MeasuredPace = MeasuredPace { start_ns: 5.0, pass_ns: 20.0, variant_ns: 1.0, cores: 2 };

    #[test]
    fn workers_share_the_passes_and_the_cores() {
        let options = CutOptions { workers: 2, chunk: Some(50), batch: 50 };
        let on = |cores: usize| timetable(&spec_of(&[100]), options, Some(MeasuredPace { cores, ..PACE }));
        let lens: Vec<_> = on(2).passes.iter().map(VariantRange::len).collect();
        assert_eq!(lens, [50, 50]);
        assert_eq!((on(2).worker_ns, on(2).last_ns), (140.0, 5.0 + 70.0));
        assert_eq!((on(1).worker_ns, on(1).last_ns), (140.0, 5.0 + 140.0));
    }

    #[test]
    fn samples_come_first_and_no_worker_idles_for_long() {
        let options = CutOptions { workers: 2, chunk: None, batch: 1_000 };
        let table = timetable(&spec_of(&[210]), options, Some(PACE));
        assert_eq!(table.passes[0].len(), 10);
        assert_eq!(table.passes.iter().map(VariantRange::len).sum::<u64>(), 210);
        let shared_ns = table.worker_ns / 2.0;
        assert!((shared_ns..shared_ns * 1.2).contains(&(table.last_ns - 5.0)), "{}", table.last_ns);
    }
}
