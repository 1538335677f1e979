//! The largest or smallest of the last `n` values, by a monotone queue: each value enters and leaves it
//! once, so a row costs the same for every `n`.

#[derive(Clone, Debug)]
pub(super) struct Extreme<const HIGHEST: bool> {
    n: u64,
    /// A ring of candidates: a power of two at least as long as `n`.
    values: Box<[f64]>,
    rows: Box<[u64]>,
    /// Candidates are `first..end`, by position without wrapping, best first.
    first: usize,
    end: usize,
    row: u64,
}

impl<const HIGHEST: bool> Extreme<HIGHEST> {
    pub(super) fn new(n: usize) -> Self {
        let room = n.next_power_of_two();
        Self {
            n: n as u64,
            values: vec![0.0; room].into(),
            rows: vec![0; room].into(),
            first: 0,
            end: 0,
            row: 0,
        }
    }

    /// Writes the best of the last `n` values at each row; NaN while there are fewer.
    pub(super) fn update(&mut self, x: &[f64], out: &mut [f64]) {
        for (x, out) in x.iter().zip(out) {
            *out = self.step(*x);
        }
    }

    fn step(&mut self, x: f64) -> f64 {
        let mask = self.values.len() - 1;
        if self.first < self.end && self.rows[self.first & mask] + self.n <= self.row {
            self.first += 1;
        }
        while self.first < self.end && Self::beats(x, self.values[(self.end - 1) & mask]) {
            self.end -= 1;
        }
        self.values[self.end & mask] = x;
        self.rows[self.end & mask] = self.row;
        self.end += 1;
        self.row += 1;
        if self.row < self.n { f64::NAN } else { self.values[self.first & mask] }
    }

    /// An equal value replaces an older one: it stays longer.
    fn beats(x: f64, other: f64) -> bool {
        if HIGHEST { x >= other } else { x <= other }
    }
}
