//! What makes two runs equal: the digest over every step, and the canonical records under BLAKE3.

use crate::{
    money::Money,
    portfolio::Sums,
    record::{Fill, OrderEvent},
};

/// Bytes of records that are hashed together: a power of two, so that the hash's tree is built from
/// whole, wide pieces.
const BUFFER_BYTES: usize = 32 * 1024;

/// Sums over equity, cash and positions at every step of a container.
#[derive(Clone, Copy, Debug, Default)]
pub struct Digest {
    steps: u64,
    equity: Sums,
    cash: Sums,
    positions: Sums,
    cash_now: u64,
    positions_now: u64,
    /// Steps whose cash and positions are in the sums; those since then had the present ones.
    settled: u64,
}

impl Digest {
    /// Takes a step.
    #[inline(always)]
    pub fn step(&mut self, equity: f64) {
        self.steps = self.steps.wrapping_add(1);
        self.equity.add(equity.to_bits());
    }

    /// The sums over equity, to add a run of steps to; [`Self::put_equity`] puts them back.
    pub(crate) fn take_equity(&self) -> Sums {
        self.equity
    }

    /// Puts back sums to which `steps` steps were added.
    pub(crate) fn put_equity(&mut self, sums: Sums, steps: u64) {
        self.equity = sums;
        self.steps = self.steps.wrapping_add(steps);
    }

    /// Steps have passed whose equity is added later, with [`Self::put_equity`] and 0 steps.
    #[inline(always)]
    pub(crate) fn pass_steps(&mut self, steps: u64) {
        self.steps = self.steps.wrapping_add(steps);
    }

    /// Cash is this much from the next step on.
    pub fn set_cash(&mut self, cash: Money) {
        self.settle();
        // Folded, so that amounts beyond 64 bits count too.
        self.cash_now = (cash.0 as u64) ^ ((cash.0 >> 64) as u64).rotate_left(32);
    }

    /// A position is so many lots more from the next step on.
    pub fn move_position(&mut self, position: usize, lots: i64) {
        self.settle();
        let weight = (position as u64).wrapping_mul(2).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.positions_now = self.positions_now.wrapping_add(weight.wrapping_mul(lots as u64));
    }

    fn settle(&mut self) {
        let steps = self.steps - self.settled;
        if steps > 0 {
            self.cash.add_repeated(self.cash_now, steps);
            self.positions.add_repeated(self.positions_now, steps);
            self.settled = self.steps;
        }
    }

    /// Takes back the steps since `before` was copied; cash and positions stay what they are now.
    pub(super) fn restore(&mut self, before: &Self) {
        let mut before = *before;
        before.settle();
        *self = Self { cash_now: self.cash_now, positions_now: self.positions_now, ..before };
    }

    /// Its bytes, little-endian.
    pub fn bytes(&self) -> [u8; 56] {
        let mut settled = *self;
        settled.settle();
        let Self { steps, equity, cash, positions, .. } = settled;
        let [equity, cash, positions] = [equity, cash, positions].map(Sums::get);
        let words = [steps, equity[0], equity[1], cash[0], cash[1], positions[0], positions[1]];
        let mut bytes = [0; 56];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// A short form: 128 bits of BLAKE3 over its bytes.
    pub fn short(&self) -> [u8; 16] {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(&self.bytes()).as_bytes()[..16]);
        short
    }

    /// The short form in hexadecimal, for reports.
    pub fn to_hex(&self) -> String {
        self.short().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The canonical records of a container, hashed as they come.
#[derive(Default)]
pub(super) struct Canonical {
    hasher: blake3::Hasher,
    /// Empty until the first record; then what is hashed together, and room for one that does not fit.
    buffer: Vec<u8>,
    /// Bytes of it that are written.
    written: usize,
    ts_ns: i64,
    /// Whether records are left out, and the hash covers the digest only.
    is_off: bool,
}

/// No record is longer.
const RECORD_BYTES_MAX: usize = 64;

const TAG_TIME: u8 = 0;
const TAG_SUBMITTED: u8 = 1;
const TAG_TRANSITION: u8 = 2;
const TAG_FILL: u8 = 3;
const TAG_DIGEST: u8 = 4;

impl Canonical {
    /// Leaves records out: a sweep tells its containers by their digests.
    pub(super) fn turn_off(&mut self) {
        self.is_off = true;
    }

    /// An order's first transition, with everything that it is; an order is told once.
    pub(super) fn submitted(&mut self, event: &OrderEvent) {
        if self.is_off {
            return;
        }
        self.time(event.ts_ns);
        self.record(|bytes: &mut [u8; 31]| {
            bytes[0] = TAG_SUBMITTED;
            bytes[1] = event.state as u8;
            bytes[2] = event.cause as u8;
            bytes[3..7].copy_from_slice(&event.order.0.to_le_bytes());
            bytes[7..11].copy_from_slice(&event.parent.map_or(0, |parent| parent.0).to_le_bytes());
            // Names strategy and instrument by the container's own numbering: other accounts do not
            // change it.
            bytes[11..15].copy_from_slice(&event.position.to_le_bytes());
            bytes[15..23].copy_from_slice(&event.lots.to_le_bytes());
            bytes[23..31].copy_from_slice(&event.price.to_le_bytes());
        });
    }

    /// Any later transition.
    pub(super) fn transition(&mut self, event: &OrderEvent) {
        if self.is_off {
            return;
        }
        self.time(event.ts_ns);
        self.record(|bytes: &mut [u8; 7]| {
            bytes[0] = TAG_TRANSITION;
            bytes[1] = event.state as u8;
            bytes[2] = event.cause as u8;
            bytes[3..7].copy_from_slice(&event.order.0.to_le_bytes());
        });
    }

    /// A fill, and the cash that it left.
    pub(super) fn fill(&mut self, fill: &Fill, cash: Money) {
        if self.is_off {
            return;
        }
        self.time(fill.ts_ns);
        self.record(|bytes: &mut [u8; 53]| {
            bytes[0] = TAG_FILL;
            bytes[1..5].copy_from_slice(&fill.order.0.to_le_bytes());
            bytes[5..13].copy_from_slice(&fill.lots.to_le_bytes());
            bytes[13..21].copy_from_slice(&fill.price.to_le_bytes());
            bytes[21..37].copy_from_slice(&fill.fee.0.to_le_bytes());
            bytes[37..53].copy_from_slice(&cash.0.to_le_bytes());
        });
    }

    pub(super) fn finish(&mut self, digest: &Digest) -> blake3::Hash {
        self.hasher.update(&self.buffer[..self.written]);
        self.written = 0;
        self.hasher.update(&[TAG_DIGEST]);
        self.hasher.update(&digest.bytes());
        self.hasher.finalize()
    }

    #[inline]
    fn time(&mut self, ts_ns: i64) {
        if ts_ns != self.ts_ns {
            self.ts_ns = ts_ns;
            self.record(|bytes: &mut [u8; 9]| {
                bytes[0] = TAG_TIME;
                bytes[1..].copy_from_slice(&ts_ns.to_le_bytes());
            });
        }
    }

    /// Has a record written where it is hashed: one that is put together elsewhere and copied at once
    /// would have to wait until its pieces have arrived there.
    #[inline]
    fn record<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N])) {
        const { assert!(N <= RECORD_BYTES_MAX) };
        if self.written >= self.buffer.len().saturating_sub(RECORD_BYTES_MAX) {
            self.make_room();
        }
        let room = self.buffer[self.written..].first_chunk_mut();
        write(room.unwrap_or_else(|| unreachable!("room was made for the longest record")));
        self.written += N;
    }

    /// Hashes a buffer that is full, and starts the next with what went beyond it.
    #[cold]
    fn make_room(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER_BYTES + RECORD_BYTES_MAX];
            return;
        }
        self.hasher.update(&self.buffer[..BUFFER_BYTES]);
        self.buffer.copy_within(BUFFER_BYTES..self.written, 0);
        self.written -= BUFFER_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_steps_counts() {
        let run = |values: [f64; 3]| {
            let mut digest = Digest::default();
            values.into_iter().for_each(|equity| digest.step(equity));
            digest.bytes()
        };
        assert_ne!(run([1.0, 2.0, 3.0]), run([2.0, 1.0, 3.0]));
        assert_eq!(run([1.0, 2.0, 3.0]), run([1.0, 2.0, 3.0]));
    }

    #[test]
    fn cash_and_positions_count_at_the_step_at_which_they_change() {
        let run = |change_at: usize| {
            let mut digest = Digest::default();
            for step in 0..4 {
                if step == change_at {
                    digest.set_cash(Money(5));
                    digest.move_position(3, 1);
                }
                digest.step(1.0);
            }
            digest.bytes()
        };
        assert_ne!(run(1), run(2));
    }
}
