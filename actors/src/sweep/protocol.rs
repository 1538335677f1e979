//! What a coordinator and a worker process write into each other's pipes.
//!
//! A frame is `bhw`, one byte of version, the length and the CRC-32C of the body (both little-endian,
//! 32 bits), and the body: one message in postcard's encoding. Both ends are the same program, so a
//! version that differs, like every other surprise, ends the conversation: the worker is replaced.

use std::io::{self, ErrorKind, Read, Write};

use barhive_engine::sweep::{PassWork, Variant, VariantRange};
use barhive_machine::process::Affinity;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::times::PassTimes;

const MAGIC: [u8; 3] = *b"bhw";
/// Raised whenever a message changes.
const VERSION: u8 = 3;
/// Magic, version, length, checksum.
const HEAD: usize = 12;
/// Bytes of a body at most: what a sweep is told in must fit, and results are sent in parts.
pub(super) const BODY_MAX: usize = 64 << 20;
/// Variants in one part of a pass's results at most.
pub(super) const PART: usize = 1_024;

/// What a coordinator says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    /// The first word: which sweep, and how to behave.
    Hello(Hello),
    /// Run a pass, with so many bytes beyond what the worker had when it was ready.
    Run { lease: u64, range: VariantRange, memory_max: u64 },
    /// Hold still, and go on beating.
    Pause,
    /// Go on.
    Resume,
    /// Give the pass up.
    Cancel,
    /// Nothing is left to do.
    Stop,
}

/// The first word to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Which worker it is, counted from 0.
    pub(super) worker: u64,
    /// Where it may run.
    pub(super) affinity: Affinity,
    /// How far it stands back behind others; 0 leaves it as it is.
    pub(super) nice: i32,
    /// Which sweep, in the program's own words.
    pub(super) payload: Vec<u8>,
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It has read the sweep and has nothing in hand.
    Ready,
    /// It works: rows that its variants were fed so far, each variant counted.
    Beat { fed: u64 },
    /// The next of a pass's results.
    Part { lease: u64, variants: Vec<Variant> },
    /// All parts of a pass were sent.
    Done { lease: u64, range: VariantRange, work: PassWork, times: PassTimes },
    /// A pass was given up because it was told to.
    Cancelled,
    /// It failed at a pass; it is as good as new.
    Failed { lease: u64, reason: String },
    /// The sweep cannot be read, or its data cannot: no worker could do it.
    Fatal { reason: String },
}

/// Why a frame cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The pipe is broken.
    #[error(transparent)]
    Pipe(#[from] io::Error),
    /// It ended within a frame.
    #[error("the words end in the middle of one")]
    Torn,
    /// What is there is no frame.
    #[error("expected a frame, found other bytes")]
    Foreign,
    /// The other end is another program.
    #[error("expected version {VERSION} of the protocol, found {0}")]
    Version(u8),
    /// Longer than any frame.
    #[error("expected at most {BODY_MAX} bytes, found {0}")]
    TooLong(u64),
    /// The checksum is another.
    #[error("a word was damaged on its way")]
    Damaged,
    /// The body is no message.
    #[error("a word cannot be understood: {0}")]
    Body(postcard::Error),
}

/// Writes one message and flushes.
pub(super) fn write_frame<T: Serialize>(pipe: &mut impl Write, message: &T) -> Result<(), FrameError> {
    let mut frame = postcard::to_extend(message, vec![0; HEAD]).map_err(FrameError::Body)?;
    let body = frame.len() - HEAD;
    if body > BODY_MAX {
        return Err(FrameError::TooLong(body as u64));
    }
    let sum = crc32c::crc32c(&frame[HEAD..]);
    frame[..3].copy_from_slice(&MAGIC);
    frame[3] = VERSION;
    frame[4..8].copy_from_slice(&(body as u32).to_le_bytes());
    frame[8..HEAD].copy_from_slice(&sum.to_le_bytes());
    pipe.write_all(&frame)?;
    Ok(pipe.flush()?)
}

/// Reads one message; `None` where the other end has closed the pipe between two.
pub(super) fn read_frame<T: DeserializeOwned>(pipe: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match pipe.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Torn),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [m0, m1, m2, version, l0, l1, l2, l3, s0, s1, s2, s3] = head;
    if [m0, m1, m2] != MAGIC {
        return Err(FrameError::Foreign);
    }
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if len > BODY_MAX as u64 {
        return Err(FrameError::TooLong(len));
    }
    // Grows with what arrives, so that a length that lies costs nothing.
    let mut body = Vec::new();
    if pipe.take(len).read_to_end(&mut body)? as u64 != len {
        return Err(FrameError::Torn);
    }
    if crc32c::crc32c(&body) != u32::from_le_bytes([s0, s1, s2, s3]) {
        return Err(FrameError::Damaged);
    }
    match postcard::take_from_bytes(&body) {
        Ok((message, [])) => Ok(Some(message)),
        Ok(_) => Err(FrameError::Body(postcard::Error::DeserializeBadEncoding)),
        Err(error) => Err(FrameError::Body(error)),
    }
}

#[cfg(test)]
mod tests {
    use barhive_engine::sweep::{Evaluation, Outcome};
    use proptest::prelude::*;

    use super::*;

    fn replies() -> Vec<Reply> {
        let range = VariantRange { start: 3, end: 5 };
        let json = serde_json::json!({
            "digest": vec![7; 16], "final_equity": "1.5", "fees": "0", "orders": 1, "fills": 2, "trades": 3,
            "statistics": serde_json::to_value(barhive_engine::result::Statistics::default()).expect("JSON"),
        });
        let mut done: Evaluation = serde_json::from_value(json).expect("an evaluation");
        done.statistics.total_return = f64::NAN;
        let failed = Outcome::Failed { step: 1, ts_ns: -4, reason: "why".into() };
        vec![
            Reply::Ready,
            Reply::Beat { fed: u64::MAX },
            Reply::Part {
                lease: 9,
                variants: vec![
                    Variant { index: 3, outcome: failed },
                    Variant { index: 4, outcome: Outcome::Done(Box::new(done)) },
                ],
            },
            Reply::Done {
                lease: 9,
                range,
                work: PassWork { lanes: 2, ..PassWork::default() },
                times: PassTimes { held_ns: 3, ..PassTimes::default() },
            },
            Reply::Failed { lease: 10, reason: "why".into() },
        ]
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        for reply in replies() {
            write_frame(&mut bytes, &reply).expect("it fits");
        }
        bytes
    }

    /// What is read up to the end or the first fault, as text: numbers that are none are equal in it.
    fn read_all(mut bytes: &[u8]) -> (Vec<String>, Option<FrameError>) {
        let mut read = Vec::new();
        loop {
            match read_frame::<Reply>(&mut bytes) {
                Ok(Some(reply)) => read.push(format!("{reply:?}")),
                Ok(None) => return (read, None),
                Err(error) => return (read, Some(error)),
            }
        }
    }

    #[test]
    fn words_arrive_as_they_were_said() {
        let (read, error) = read_all(&written());
        let said: Vec<_> = replies().iter().map(|reply| format!("{reply:?}")).collect();
        assert_eq!(read, said);
        assert!(error.is_none());
    }

    #[test]
    fn strangers_and_other_versions_are_told_apart() {
        let (_, error) = read_all(b"hello, this is a log line");
        assert_eq!(
            error.map(|error| error.to_string()).as_deref(),
            Some("expected a frame, found other bytes")
        );
        let mut other = written();
        other[3] = 7;
        let (_, error) = read_all(&other);
        let expected = "expected version 3 of the protocol, found 7";
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
        let mut long = written();
        long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read_all(&long).1, Some(FrameError::TooLong(len)) if len == u64::from(u32::MAX)));
    }

    proptest! {
        #[test]
        fn damage_and_cuts_never_change_a_word(place: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index) {
            let whole = written();
            let (said, _) = read_all(&whole);
            let mut damaged = whole.clone();
            damaged[place.index(whole.len())] ^= 1 << bit;
            let (read, error) = read_all(&damaged);
            prop_assert!(error.is_some());
            prop_assert_eq!(&said[..read.len()], &read[..]);
            let (read, _) = read_all(&whole[..cut.index(whole.len())]);
            prop_assert_eq!(&said[..read.len()], &read[..]);
        }
    }
}
