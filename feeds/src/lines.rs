//! Records of a text stream, one at a time, in a buffer of bounded size.

use std::{
    io::{ErrorKind, Read},
    ops::Range,
};

use barhive_engine::data::FeedError;

use crate::number::SLACK;

const BUFFER_BYTES: usize = 1 << 18;
/// A record longer than this is no row of bars.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Cuts a stream into records at line ends; line ends inside quotes belong to their record.
pub(crate) struct Lines {
    origin: String,
    /// What holds line ends together; a line end where nothing does.
    quote: u8,
    read: Box<dyn Read + Send>,
    /// Bytes read and not yet handed out are `start..end`; [`SLACK`] bytes follow `end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    /// Line number of the record handed out last, from 1.
    line: u64,
    lines_next: u64,
}

/// A record: its place in the buffer, and whether it holds a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub span: Range<usize>,
    pub quoted: bool,
}

impl Lines {
    /// Records in which quotes hold line ends together.
    pub(crate) fn new(origin: &str, read: Box<dyn Read + Send>) -> Self {
        Self {
            origin: origin.to_owned(),
            quote: b'"',
            read,
            buffer: vec![0; BUFFER_BYTES + SLACK],
            start: 0,
            end: 0,
            at_end: false,
            line: 0,
            lines_next: 1,
        }
    }

    /// Records that are lines, whatever they hold.
    pub(crate) fn unquoted(origin: &str, read: Box<dyn Read + Send>) -> Self {
        Self { quote: b'\n', ..Self::new(origin, read) }
    }

    /// The buffer that the spans of records lie in.
    #[inline]
    pub(crate) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Line number of the record handed out last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next record that is not blank.
    ///
    /// # Errors
    /// When the stream cannot be read or a record has no end within reason.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Record>, FeedError> {
        loop {
            let seen = &self.buffer[self.start..self.end];
            let record = match memchr::memchr2(b'\n', self.quote, seen) {
                Some(at) if seen[at] == b'\n' => {
                    let span = self.start..self.start + at;
                    self.start += at + 1;
                    self.line = self.lines_next;
                    self.lines_next += 1;
                    Record { span, quoted: false }
                }
                Some(_) => match self.quoted()? {
                    Some(record) => record,
                    None => continue,
                },
                None if self.at_end => {
                    if self.start == self.end {
                        return Ok(None);
                    }
                    let span = self.start..self.end;
                    self.start = self.end;
                    self.line = self.lines_next;
                    Record { span, quoted: false }
                }
                None => {
                    self.fill()?;
                    continue;
                }
            };
            let record = self.without_return(record);
            if !record.span.is_empty() {
                return Ok(Some(record));
            }
        }
    }

    fn without_return(&self, mut record: Record) -> Record {
        if !record.span.is_empty() && self.buffer[record.span.end - 1] == b'\r' {
            record.span.end -= 1;
        }
        record
    }

    /// A record with a quote in it; `None` when more bytes were read first.
    #[cold]
    fn quoted(&mut self) -> Result<Option<Record>, FeedError> {
        let seen = &self.buffer[self.start..self.end];
        let (mut inside, mut breaks, mut length) = (false, 0, None);
        for (at, byte) in seen.iter().enumerate() {
            match byte {
                b'"' => inside = !inside,
                b'\n' if inside => breaks += 1,
                b'\n' => {
                    length = Some(at);
                    break;
                }
                _ => {}
            }
        }
        if length.is_none() && !self.at_end {
            self.fill()?;
            return Ok(None);
        }
        let whole = length.unwrap_or(seen.len());
        let span = self.start..self.start + whole;
        self.start = (span.end + 1).min(self.end);
        self.line = self.lines_next;
        self.lines_next += 1 + breaks;
        Ok(Some(Record { span, quoted: true }))
    }

    /// Reads more bytes behind those not yet handed out.
    fn fill(&mut self) -> Result<(), FeedError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end > RECORD_BYTES_MAX {
            return Err(FeedError::Data {
                origin: self.origin.clone(),
                row: None,
                expected: "rows of text that end in a line break".into(),
                found: format!(
                    "a record of more than {RECORD_BYTES_MAX} bytes that begins in line {}: an open quote, or \
                     no CSV at all",
                    self.lines_next
                ),
            });
        }
        let room = self.buffer.len() - SLACK;
        if self.end == room {
            self.buffer.resize(2 * room + SLACK, 0);
        }
        let room = self.buffer.len() - SLACK;
        let got = loop {
            match self.read.read(&mut self.buffer[self.end..room]) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => {
                    return Err(FeedError::Io { origin: self.origin.clone(), what: fault.to_string() });
                }
                Ok(got) => break got,
            }
        };
        self.at_end = got == 0;
        self.end += got;
        // What is left of earlier bytes behind the end must not pass for digits.
        self.buffer[self.end..].iter_mut().take(SLACK).for_each(|byte| *byte = 0);
        Ok(())
    }
}

/// Cuts a record into cells and takes off their quotes, as RFC 4180 has it: `""` inside quotes is one
/// quote. `cells` is emptied first.
pub(crate) fn split(record: &[u8], separator: u8, cells: &mut Vec<Vec<u8>>) {
    cells.clear();
    let (mut cell, mut inside) = (Vec::new(), false);
    let mut bytes = record.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if inside && bytes.peek() == Some(&b'"') => {
                bytes.next();
                cell.push(b'"');
            }
            b'"' => inside = !inside,
            _ if byte == separator && !inside => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(byte),
        }
    }
    cells.push(cell);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// Hands out a few bytes at a time, as a pipe does.
    struct Drip(Cursor<Vec<u8>>, usize);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let most = self.1.min(into.len());
            self.0.read(&mut into[..most])
        }
    }

    fn records(bytes: &[u8], step: usize) -> Vec<(String, u64)> {
        let mut lines = Lines::new("test", Box::new(Drip(Cursor::new(bytes.to_vec()), step)));
        let mut all = Vec::new();
        while let Some(record) = lines.next().unwrap() {
            let text = String::from_utf8_lossy(&lines.buffer()[record.span]).into_owned();
            all.push((text, lines.line()));
        }
        all
    }

    #[test]
    fn blank_lines_are_skipped_and_quotes_hold_lines_together() {
        let text = b"a,b\r\n\r\n\"x\ny\",2\n\nlast";
        for step in [1, 3, 100] {
            let expected = [("a,b".into(), 1), ("\"x\ny\",2".into(), 3), ("last".into(), 6)];
            assert_eq!(records(text, step), expected);
        }
    }

    #[test]
    fn a_record_without_end_is_refused_in_bounded_memory() {
        let endless = std::io::repeat(b'1');
        let mut lines = Lines::new("endless.csv", Box::new(endless));
        let fault = lines.next().unwrap_err().to_string();
        assert!(fault.contains("endless.csv") && fault.contains("line 1"), "{fault}");
        assert!(lines.buffer().len() < 4 * RECORD_BYTES_MAX);
    }

    #[test]
    fn cells_lose_their_quotes() {
        let mut cells = Vec::new();
        split(b"\"a,b\",c,\"d\"\"e\",", b',', &mut cells);
        assert_eq!(cells, [&b"a,b"[..], b"c", b"d\"e", b""]);
    }

    proptest! {
        #[test]
        fn however_bytes_arrive_the_records_are_the_same(
            bytes in prop::collection::vec(prop::sample::select(b"a1,\n\r\"".to_vec()), 0..200),
            step in 1usize..20,
        ) {
            prop_assert_eq!(records(&bytes, step), records(&bytes, 1000));
        }
    }
}
