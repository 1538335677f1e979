//! Frames: a length and a checksum in front of a value as JSON.

use serde::Serialize;

/// Bytes before a frame's payload: mark, length, checksum of both and of the payload.
const HEADER: usize = 12;
const MARK: [u8; 4] = *b"BHJ\x01";

/// A value as a frame.
pub(super) fn frame(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    // Memory takes all that is written, and nothing in these values can fail to be said in JSON.
    let said = serde_json::to_writer(&mut bytes, value);
    debug_assert!(said.is_ok());
    let len = (bytes.len() - HEADER) as u32;
    bytes[..4].copy_from_slice(&MARK);
    bytes[4..8].copy_from_slice(&len.to_le_bytes());
    let sum = sum(&bytes[..8], &bytes[HEADER..]);
    bytes[8..HEADER].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn sum(head: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), payload)
}

/// The payloads of whole frames, up to the first that is none.
pub(super) struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Scan<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes of the frames so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Bytes of the first frame.
    pub(super) fn head(mut self) -> u64 {
        self.next();
        self.at as u64
    }

    /// Where a whole frame begins behind bytes that are none.
    pub(super) fn sound_again(&self) -> Option<usize> {
        let rest = self.at + 1..self.bytes.len();
        rest.into_iter().find(|at| self.bytes[*at..].starts_with(&MARK) && payload(self.bytes, *at).is_some())
    }
}

impl<'b> Iterator for Scan<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let payload = payload(self.bytes, self.at)?;
        self.at += HEADER + payload.len();
        Some(payload)
    }
}

fn payload(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let (header, rest) = bytes[at..].split_at_checked(HEADER)?;
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| header[at + byte]));
    let payload = rest.get(..word(4) as usize)?;
    (header[..4] == MARK && word(8) == sum(&header[..8], payload)).then_some(payload)
}
