//! How long passes take: what every pass costs, whatever it holds, and what each variant adds.

use super::PassTime;

/// Learnt from the passes that are done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    passes: u64,
    variants: u64,
    all: PassTime,
    /// The length and time of the latest pass.
    latest: (u64, PassTime),
}

impl Pace {
    /// A pass over so many variants took so long.
    pub(super) fn learn(&mut self, variants: u64, time: PassTime) {
        self.passes += 1;
        self.variants += variants;
        self.all.elapsed_ns = self.all.elapsed_ns.saturating_add(time.elapsed_ns);
        self.all.shared_ns = self.all.shared_ns.saturating_add(time.shared_ns);
        self.latest = (variants, time);
    }

    /// What a pass takes besides its variants. Short ones share less: the latest, or the mean if that
    /// is more.
    pub(super) fn shared_ns(&self) -> u64 {
        (self.all.shared_ns / self.passes.max(1)).max(self.latest.1.shared_ns)
    }

    /// What a variant adds. Where they take longer and longer, the latest know more than all of them.
    fn variant_ns(&self) -> u64 {
        let each =
            |variants: u64, time: PassTime| time.elapsed_ns.saturating_sub(time.shared_ns) / variants.max(1);
        each(self.variants, self.all).max(each(self.latest.0, self.latest.1)).max(1)
    }

    /// What a pass over so many variants takes, as far as that is known.
    pub(super) fn pass_ns(&self, variants: u64) -> u64 {
        self.variant_ns().saturating_mul(variants).saturating_add(self.shared_ns())
    }

    /// So many variants take no longer than `ns`; any number while nothing is known.
    pub(super) fn len_of(&self, ns: u64) -> u64 {
        if self.passes == 0 { u64::MAX } else { ns / self.variant_ns() }
    }

    /// What a worker that begins now takes of `left` variants if all workers are to end at the same
    /// time; `ends_ns` says from when on each of the others can take a pass.
    pub(super) fn share(&self, left: u64, ends_ns: &mut [u64]) -> u64 {
        let (variant_ns, shared_ns) = (self.variant_ns() as f64, self.shared_ns() as f64);
        ends_ns.sort_unstable();
        // Those who are free first share all that is left, until the next would still have to work then.
        let (mut end, mut begun) = (0.0, 0.0);
        for (members, next) in ends_ns.iter().enumerate() {
            let next = *next as f64 + shared_ns;
            if members > 0 && next >= end {
                break;
            }
            begun += next;
            end = (begun + left as f64 * variant_ns) / (members + 1) as f64;
        }
        let share = ((end - shared_ns) / variant_ns).ceil();
        (share as u64).clamp(1, left.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes over so many variants, of which each takes 2 and the pass 100.
    fn learnt(lens: &[u64]) -> Pace {
        let mut pace = Pace::default();
        for len in lens {
            pace.learn(*len, PassTime { elapsed_ns: 100 + 2 * len, shared_ns: 100 });
        }
        pace
    }

    #[test]
    fn a_pass_takes_what_it_shares_and_what_each_variant_adds() {
        let pace = learnt(&[10, 500]);
        assert_eq!((pace.shared_ns(), pace.pass_ns(1_000), pace.len_of(400)), (100, 2_100, 200));
        assert_eq!(learnt(&[]).len_of(1), u64::MAX);
    }

    #[test]
    fn whoever_begins_takes_what_lets_all_end_at_once() {
        let pace = learnt(&[10, 500]);
        // Two that begin now.
        assert_eq!(pace.share(1_000, &mut [0, 0]), 500);
        // The other is busy for as long as 600 variants take: 200 for him, 800 here.
        assert_eq!(pace.share(1_000, &mut [1_200, 0]), 800);
        // Longer than all that is left takes: all of it.
        assert_eq!(pace.share(1_000, &mut [9_000, 0]), 1_000);
        assert_eq!(pace.share(1, &mut [0, 0, 0]), 1);
    }
}
