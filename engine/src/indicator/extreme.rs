//! The largest or smallest of the last `n` values (M. van Herk, 1992; J. Gil and M. Werman, 1993).
//!
//! Blocks of `n` rows are counted from the origin. A window is the tail of one block and the head of the
//! next, so three comparisons a row do for every `n`, and none of them is a branch that prices decide.

#[derive(Clone, Debug)]
pub(super) struct Extreme<const HIGHEST: bool> {
    /// Up to `filled` the values of the running block; from there on the best of the block before,
    /// from each place to its end.
    block: Box<[f64]>,
    filled: usize,
    /// The best of the running block.
    head: f64,
    /// Rows that still have no full window.
    missing: usize,
}

impl<const HIGHEST: bool> Extreme<HIGHEST> {
    /// What any value beats.
    const WORST: f64 = if HIGHEST { f64::NEG_INFINITY } else { f64::INFINITY };

    pub(super) fn new(n: usize) -> Self {
        Self { block: vec![Self::WORST; n].into(), filled: 0, head: Self::WORST, missing: n - 1 }
    }

    /// Writes the best of the last `n` values at each row; NaN while there are fewer.
    pub(super) fn update(&mut self, x: &[f64], out: &mut [f64]) {
        let (mut x_rest, mut out_rest) = (x, &mut *out);
        while !x_rest.is_empty() {
            let rows = x_rest.len().min(self.block.len() - self.filled);
            let (x, out);
            (x, x_rest) = x_rest.split_at(rows);
            (out, out_rest) = out_rest.split_at_mut(rows);
            self.fill(x, out);
        }
        let unknown = self.missing.min(out.len());
        out[..unknown].fill(f64::NAN);
        self.missing -= unknown;
    }

    /// Takes in rows that fit into the running block.
    fn fill(&mut self, x: &[f64], out: &mut [f64]) {
        let end = self.filled + x.len();
        let mut head = self.head;
        for (x, out) in x.iter().zip(&mut *out) {
            head = Self::best(*x, head);
            *out = head;
        }
        // The tail that goes with a row starts one place after it; the last row of a block has none.
        let tails = &self.block[(self.filled + 1).min(end)..];
        for (out, tail) in out.iter_mut().zip(tails) {
            *out = Self::best(*tail, *out);
        }
        self.block[self.filled..end].copy_from_slice(x);
        (self.filled, self.head) = (end, head);
        if end == self.block.len() {
            let mut tail = Self::WORST;
            for value in self.block.iter_mut().rev() {
                tail = Self::best(*value, tail);
                *value = tail;
            }
            (self.filled, self.head) = (0, Self::WORST);
        }
    }

    fn best(a: f64, b: f64) -> f64 {
        let a_wins = if HIGHEST { a > b } else { a < b };
        if a_wins { a } else { b }
    }
}
