//! Sums that tell runs apart: wrapping, so that any way to run many accounts side by side gives the same.

/// A wrapping sum, and the sum of its sums, over all steps.
///
/// Sums of sums make the order of steps count. Only wrapping adds, so that any way to run many
/// accounts side by side gives the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums([u64; 2]);

impl Sums {
    /// Sums that stand here.
    pub fn of(sums: [u64; 2]) -> Self {
        Self(sums)
    }

    /// The sum, and the sum of sums.
    pub fn get(self) -> [u64; 2] {
        self.0
    }

    /// Adds the value of a step.
    #[inline(always)]
    pub fn add(&mut self, value: u64) {
        self.0[0] = self.0[0].wrapping_add(value);
        self.0[1] = self.0[1].wrapping_add(self.0[0]);
    }

    /// Adds the same value at `steps` steps at once.
    pub fn add_repeated(&mut self, value: u64, steps: u64) {
        let [sum, sums] = self.0;
        // 1 + 2 + ... + steps, halved where it is even so that nothing is lost to wrapping.
        let triangle = if steps.is_multiple_of(2) {
            (steps / 2).wrapping_mul(steps.wrapping_add(1))
        } else {
            steps.wrapping_mul(steps.wrapping_add(1) / 2)
        };
        self.0[0] = sum.wrapping_add(value.wrapping_mul(steps));
        self.0[1] = sums.wrapping_add(sum.wrapping_mul(steps)).wrapping_add(value.wrapping_mul(triangle));
    }

    /// Adds the values of `rows` steps that were summed `W` at a time: place `j` has the sum over the
    /// steps `j`, `j + W`, ... and the sum of its sums. `rows` is a multiple of `W`.
    #[inline(always)]
    pub(super) fn add_rows<const W: usize>(&mut self, rows: u64, sum: &[u64; W], sum_of_sums: &[u64; W]) {
        let [before, mut sums] = self.0;
        sums = sums.wrapping_add(before.wrapping_mul(rows));
        let mut total = before;
        for place in 0..W {
            total = total.wrapping_add(sum[place]);
            // A step is counted once for itself and every step behind it: `W` times for every later group,
            // less those of its own group that come before it.
            let counted = sum_of_sums[place].wrapping_mul(W as u64);
            sums = sums.wrapping_add(counted.wrapping_sub(sum[place].wrapping_mul(place as u64)));
        }
        self.0 = [total, sums];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_a_value_many_times_at_once_is_adding_it_many_times() {
        for steps in [0u64, 1, 2, 3, 10, 1001] {
            let (mut one_by_one, mut at_once) = (Sums::of([3, u64::MAX]), Sums::of([3, u64::MAX]));
            (0..steps).for_each(|_| one_by_one.add(u64::MAX / 3));
            at_once.add_repeated(u64::MAX / 3, steps);
            assert_eq!(one_by_one, at_once);
        }
    }
}
