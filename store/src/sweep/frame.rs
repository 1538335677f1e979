//! The log's frames: a header that says which variants follow, and checksums over it and over them.
//!
//! Every frame starts at a multiple of [`PAGE`] bytes, so that nothing that happens while one is written
//! can touch the sectors of the one before it. A frame is in the log when both of its checksums hold;
//! its header is its entry in the index.

use std::{fs::File, io, os::unix::fs::FileExt};

use barhive_engine::sweep::VariantRange;

use crate::catalog::checksum::crc;

/// Frames start at multiples of this.
pub(super) const PAGE: u64 = 4096;
/// Bytes before a frame's payload.
pub(super) const HEADER: usize = 48;
const MAGIC: [u8; 8] = *b"BHPASS\0\x01";
const LOG_MAGIC: [u8; 8] = *b"BHSWEEP\x01";

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its variants.
    pub range: VariantRange,
    /// Bytes of its payload.
    pub len: u64,
    /// Checksum of its payload.
    pub sum: u32,
}

impl Frame {
    /// Bytes from this frame to the next.
    pub(super) fn span(&self) -> u64 {
        (HEADER as u64 + self.len).next_multiple_of(PAGE)
    }

    /// The header of a payload, for the run `identity`.
    pub(super) fn header(range: VariantRange, payload: &[u8], identity: u64) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        let words = [identity, range.start, range.end, payload.len() as u64];
        for (place, word) in words.into_iter().enumerate() {
            header[8 + place * 8..16 + place * 8].copy_from_slice(&word.to_le_bytes());
        }
        header[40..44].copy_from_slice(&crc(payload).to_le_bytes());
        let sum = crc(&header[..44]);
        header[44..].copy_from_slice(&sum.to_le_bytes());
        header
    }

    /// Reads a header; `None` when this is none of the run `identity`.
    pub(super) fn read(header: &[u8; HEADER], identity: u64) -> Option<Self> {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| header[at + byte]));
        let half = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| header[at + byte]));
        let is_frame = header[..8] == MAGIC && half(44) == crc(&header[..44]) && word(8) == identity;
        let range = VariantRange { start: word(16), end: word(24) };
        (is_frame && !range.is_empty()).then(|| Self { range, len: word(32), sum: half(40) })
    }

    /// Reads the payload of the frame at `at`; `None` when it is not the one that was written.
    pub(super) fn payload(&self, file: &File, at: u64) -> io::Result<Option<Vec<u8>>> {
        let Ok(len) = usize::try_from(self.len) else { return Ok(None) };
        let mut payload = vec![0; len];
        file.read_exact_at(&mut payload, at + HEADER as u64)?;
        Ok((crc(&payload) == self.sum).then_some(payload))
    }
}

/// The first page of a log, which says whose it is.
pub(super) fn log_header(identity: u64) -> Vec<u8> {
    let mut page = vec![0; PAGE as usize];
    page[..8].copy_from_slice(&LOG_MAGIC);
    page[8..16].copy_from_slice(&identity.to_le_bytes());
    page
}
