//! The hash of a sweep: its variants in grid order, however they were cut and wherever they ran.

use super::{Outcome, SweepSpec, Variant};

/// Takes the variants of a sweep in grid order.
///
/// Covered: the key, the digest, the exact results and the statistics of every variant that ran to its
/// end. A variant that failed for good is covered by its key and the word that it failed.
#[derive(Default)]
pub struct SweepHasher(blake3::Hasher);

impl SweepHasher {
    /// Nothing taken yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next variant.
    pub fn add(&mut self, spec: &SweepSpec, variant: &Variant) {
        let key = spec.variant(variant.index).map(|parts| spec.key(&parts)).unwrap_or_default();
        self.0.update(&(key.len() as u64).to_le_bytes());
        self.0.update(key.as_bytes());
        let Outcome::Done(done) = &variant.outcome else {
            self.0.update(b"failed");
            return;
        };
        let mut bytes = Vec::with_capacity(320);
        bytes.extend_from_slice(&done.digest);
        bytes.extend_from_slice(&done.final_equity.0.to_le_bytes());
        bytes.extend_from_slice(&done.fees.0.to_le_bytes());
        for count in [done.orders, done.fills, done.trades] {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        for (_, value) in done.statistics.figures() {
            // A figure that is not defined is told apart from every number.
            bytes.extend_from_slice(&[u8::from(value.is_some())]);
            bytes.extend_from_slice(&value.unwrap_or(0.0).to_bits().to_le_bytes());
        }
        self.0.update(&bytes);
    }

    /// The hash in hexadecimal.
    pub fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}
