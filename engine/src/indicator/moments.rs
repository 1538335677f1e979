//! Mean and spread of a sliding window by merging aggregates, for numbers of which no unit is known.

/// Mean and sum of squared deviations of a run of values.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// With one more value (Welford, 1962).
    fn with(self, x: f64) -> Self {
        let count = self.count + 1.0;
        let delta = x - self.mean;
        let mean = self.mean + delta / count;
        Self { count, mean, squares: self.squares + delta * (x - mean) }
    }

    /// Of both runs together (Chan, Golub and LeVeque, 1979).
    fn and(self, other: Self) -> Self {
        if self.count == 0.0 {
            return other;
        }
        let count = self.count + other.count;
        let delta = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * other.count / count,
            squares: self.squares + other.squares + delta * delta * (self.count * other.count / count),
        }
    }
}

/// The last `n` values as the tail of one block and the head of the next.
///
/// Blocks of `n` rows are counted from the origin. Nothing is ever taken away from an aggregate, so
/// errors do not grow with time and a flat window has a spread of exactly 0. Values are kept as
/// distances from the last value of the block before, so that a large offset costs no digits.
#[derive(Clone, Debug)]
pub(super) struct SlidingMoments {
    /// Values of the running block.
    block: Box<[f64]>,
    /// How many of them there are.
    filled: usize,
    /// `tails[i]` covers the block before from its value `i` on.
    tails: Box<[Moments]>,
    head: Moments,
    reference: f64,
    started: bool,
}

impl SlidingMoments {
    pub(super) fn new(n: usize) -> Self {
        Self {
            block: vec![0.0; n].into(),
            filled: 0,
            tails: vec![Moments::default(); n + 1].into(),
            head: Moments::default(),
            reference: 0.0,
            started: false,
        }
    }

    /// Takes in a value; answers how far it lies from the window's mean, and the window's variance
    /// (population). Both cover as many values as there are until the window is full.
    pub(super) fn step(&mut self, x: f64) -> (f64, f64) {
        if !self.started {
            self.started = true;
            self.reference = x;
        }
        let distance = x - self.reference;
        self.head = self.head.with(distance);
        self.block[self.filled] = x;
        self.filled += 1;
        let window = self.tails[self.filled].and(self.head);
        if self.filled == self.block.len() {
            self.close_block(x);
        }
        (distance - window.mean, (window.squares / window.count).max(0.0))
    }

    fn close_block(&mut self, last: f64) {
        self.reference = last;
        self.filled = 0;
        self.head = Moments::default();
        let mut tail = Moments::default();
        for (value, slot) in self.block.iter().zip(&mut self.tails[..self.block.len()]).rev() {
            tail = tail.with(value - last);
            *slot = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_window_after_a_jump_has_no_spread_at_all() {
        let mut moments = SlidingMoments::new(7);
        let spreads: Vec<f64> =
            (0..40).map(|row| moments.step(if row < 10 { 1.1 } else { 1e6 / 3.0 }).1).collect();
        assert!(spreads[..10].iter().chain(&spreads[16..]).all(|spread| *spread == 0.0), "{spreads:?}");
        assert!(spreads[10..16].iter().all(|spread| *spread > 0.0));
    }
}
