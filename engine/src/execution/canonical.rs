//! What makes two runs equal: the digest over every step, and the canonical records under BLAKE3.

use crate::{
    money::Money,
    record::{Fill, OrderEvent},
};

/// Bytes of records that are hashed together.
const BUFFER_BYTES: usize = 16 * 1024;

/// Wrapping sums, and sums of sums, of equity, cash and positions over all steps.
///
/// Sums of sums make the order of steps count. Only wrapping adds, so that any way to run many
/// accounts side by side gives the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    steps: u64,
    equity: [u64; 2],
    cash: [u64; 2],
    positions: [u64; 2],
    cash_now: u64,
    positions_now: u64,
}

impl Digest {
    /// Takes a step.
    #[inline(always)]
    pub fn step(&mut self, equity: f64) {
        self.steps = self.steps.wrapping_add(1);
        add(&mut self.equity, equity.to_bits());
        add(&mut self.cash, self.cash_now);
        add(&mut self.positions, self.positions_now);
    }

    /// Cash is now this much.
    pub fn set_cash(&mut self, cash: Money) {
        // Folded, so that amounts beyond 64 bits count too.
        self.cash_now = (cash.0 as u64) ^ ((cash.0 >> 64) as u64).rotate_left(32);
    }

    /// A position moved by so many lots.
    pub fn move_position(&mut self, position: usize, lots: i64) {
        let weight = (position as u64).wrapping_mul(2).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.positions_now = self.positions_now.wrapping_add(weight.wrapping_mul(lots as u64));
    }

    /// Its bytes, little-endian.
    pub fn bytes(&self) -> [u8; 56] {
        let words = [
            self.steps,
            self.equity[0],
            self.equity[1],
            self.cash[0],
            self.cash[1],
            self.positions[0],
            self.positions[1],
        ];
        let mut bytes = [0; 56];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// A short form for reports: 128 bits in hexadecimal.
    pub fn to_hex(&self) -> String {
        blake3::hash(&self.bytes()).to_hex()[..32].to_owned()
    }
}

#[inline(always)]
fn add(sums: &mut [u64; 2], value: u64) {
    sums[0] = sums[0].wrapping_add(value);
    sums[1] = sums[1].wrapping_add(sums[0]);
}

/// The canonical records of a container, hashed as they come.
#[derive(Default)]
pub(super) struct Canonical {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    ts_ns: i64,
}

const TAG_TIME: u8 = 0;
const TAG_ORDER: u8 = 1;
const TAG_FILL: u8 = 2;
const TAG_CASH: u8 = 3;
const TAG_DIGEST: u8 = 4;

impl Canonical {
    pub(super) fn order(&mut self, event: &OrderEvent) {
        self.time(event.ts_ns);
        let mut bytes = [0u8; 35];
        bytes[0] = TAG_ORDER;
        bytes[1] = event.state as u8;
        bytes[2] = event.cause as u8;
        bytes[3..7].copy_from_slice(&event.order.0.to_le_bytes());
        bytes[7..11].copy_from_slice(&event.parent.map_or(0, |parent| parent.0).to_le_bytes());
        bytes[11..15].copy_from_slice(&event.strategy.to_le_bytes());
        // An instrument is named by its strategy's own numbering: other accounts must not change it.
        bytes[15..19].copy_from_slice(&event.position.to_le_bytes());
        bytes[19..27].copy_from_slice(&event.lots.to_le_bytes());
        bytes[27..35].copy_from_slice(&event.price.to_le_bytes());
        self.push(&bytes);
    }

    pub(super) fn fill(&mut self, fill: &Fill, cash: Money) {
        self.time(fill.ts_ns);
        let mut bytes = [0u8; 54];
        bytes[0] = TAG_FILL;
        bytes[1..5].copy_from_slice(&fill.order.0.to_le_bytes());
        bytes[5..13].copy_from_slice(&fill.lots.to_le_bytes());
        bytes[13..21].copy_from_slice(&fill.price.to_le_bytes());
        bytes[21..37].copy_from_slice(&fill.fee.0.to_le_bytes());
        bytes[37] = TAG_CASH;
        bytes[38..54].copy_from_slice(&cash.0.to_le_bytes());
        self.push(&bytes);
    }

    pub(super) fn finish(&mut self, digest: &Digest) -> blake3::Hash {
        self.push(&[TAG_DIGEST]);
        self.push(&digest.bytes());
        self.flush();
        self.hasher.finalize()
    }

    fn time(&mut self, ts_ns: i64) {
        if ts_ns != self.ts_ns {
            self.ts_ns = ts_ns;
            let mut bytes = [TAG_TIME; 9];
            bytes[1..].copy_from_slice(&ts_ns.to_le_bytes());
            self.push(&bytes);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush();
        }
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(BUFFER_BYTES);
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        self.buffer.clear();
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
            digest
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
            digest
        };
        assert_ne!(run(1), run(2));
    }
}
