//! Many accounts on one stream.

use barhive_engine::{
    registry::Registry as Parts,
    set::Machinery,
    sweep::{SweepSpec, VariantRange, run_pass},
};
use barhive_machine::smaps;
use serde::Serialize;

use super::{BenchError, ensure, median, timed};

/// What accounts on one stream take.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Portfolios {
    /// Accounts.
    pub portfolios: u64,
    /// Bars that each of them saw.
    pub bars: u64,
    /// Accounts stepped and sampled per second, on one core.
    pub updates_per_s: f64,
    /// Memory of an account; 0 where the system does not tell.
    pub bytes_each: u64,
}

/// Runs the first `portfolios` variants of a sweep as containers, all fed from one read of the data; the
/// median of `rounds`.
///
/// # Errors
/// When they cannot be run.
pub fn measure(
    spec: &SweepSpec,
    parts: &Parts,
    portfolios: u64,
    rounds: usize,
) -> Result<Portfolios, BenchError> {
    let spec = SweepSpec { machinery: Machinery { lanes: false, ..spec.machinery.clone() }, ..spec.clone() };
    let range = VariantRange { start: 0, end: portfolios };
    let process = std::process::id();
    let (before, mut peak) = (smaps::anonymous(process), 0);
    let (mut bars, mut updates_per_s) = (0, Vec::with_capacity(rounds));
    for round in 0..=rounds {
        let mut looks = 0u64;
        let mut look = |fed: u64| {
            looks += 1;
            // The first round warms up, and may be disturbed by being looked at.
            if round == 0 && fed > 0 && looks.is_multiple_of(portfolios) {
                peak = peak.max(smaps::anonymous(process));
            }
            true
        };
        let (time, block) = timed(|| run_pass(&spec, parts, range, &mut look));
        let work = block.map_err(BenchError::of)?.work;
        ensure((work.containers, work.steps) == (portfolios, portfolios * work.rows), || {
            format!("expected {portfolios} accounts sampled at every bar, found {work:?}")
        })?;
        bars = work.rows;
        if round > 0 {
            updates_per_s.push(work.steps as f64 / time.as_secs_f64());
        }
    }
    let bytes_each = peak.saturating_sub(before) / portfolios.max(1);
    Ok(Portfolios { portfolios, bars, updates_per_s: median(updates_per_s), bytes_each })
}
