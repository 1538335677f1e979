//! Rows of bars out of CSV records.

use std::ops::Range;

use barhive_engine::data::FeedError;
use memchr::memchr;

use crate::{
    layout::Part,
    lines::{Lines, split},
    number::{decimal, integer, number},
    rows::{RawRow, RowReader, Shape, Side, Step, Symbols},
    stamp::Stamps,
};

/// How the cells of a record become a row.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub separator: u8,
    /// Columns to read, by place from 0, ascending.
    pub cells: Vec<(usize, Part)>,
    pub stamps: Stamps,
    pub price_only: bool,
    pub shape: Shape,
}

/// Reads rows of CSV.
pub(super) struct CsvReader {
    lines: Lines,
    plan: Plan,
    number: u64,
    symbols: Symbols,
    /// Prices and quantities of the current row, by [`Part::slot`].
    slots: [f64; 10],
    /// The date of the current row, and then its time, where they stand in two cells.
    joined: Vec<u8>,
    two_cells: bool,
    cells: Vec<Vec<u8>>,
}

/// What a record says beside its numbers.
struct Read {
    stamp: i64,
    close_stamp: Option<i64>,
    symbol: u32,
}

impl CsvReader {
    pub(super) fn new(lines: Lines, plan: Plan) -> Self {
        Self {
            lines,
            number: 0,
            symbols: Symbols::default(),
            slots: [0.0; 10],
            joined: Vec::new(),
            two_cells: plan.cells.iter().any(|(_, part)| *part == Part::TimeOfDay),
            cells: Vec::new(),
            plan,
        }
    }

    /// Reads a record without quotes in one go; `None` where anything is out of the ordinary.
    #[inline]
    fn plain(&mut self, span: Range<usize>) -> Option<Read> {
        let bytes = self.lines.buffer();
        let separator = self.plan.separator;
        let epoch = self.plan.stamps.format.is_epoch();
        let (mut at, mut column) = (span.start, 0);
        let (mut stamp, mut close_stamp, mut symbol, mut text) = (None, None, 0, None);
        for &(place, part) in &self.plan.cells {
            while column < place {
                at += memchr(separator, &bytes[at..span.end])? + 1;
                column += 1;
            }
            let ends = |end: usize| end == span.end || bytes[end] == separator;
            let cell_end = || memchr(separator, &bytes[at..span.end]).map_or(span.end, |length| at + length);
            let end = if let Some(slot) = part.slot() {
                match decimal(bytes, at) {
                    Some((value, end)) if ends(end) => {
                        self.slots[slot] = value;
                        end
                    }
                    _ => {
                        let end = cell_end();
                        self.slots[slot] = number(&bytes[at..end])?;
                        end
                    }
                }
            } else if part == Part::Symbol {
                let end = cell_end();
                symbol = self.symbols.index_of(bytes[at..end].trim_ascii())?;
                end
            } else if epoch {
                let (value, end) = integer(bytes, at)?;
                *(if part == Part::Time { &mut stamp } else { &mut close_stamp }) = Some(value);
                end
            } else {
                let end = cell_end();
                match part {
                    Part::Time if self.two_cells => {
                        self.joined.clear();
                        self.joined.extend_from_slice(&bytes[at..end]);
                    }
                    Part::TimeOfDay if text.is_none() && !self.joined.is_empty() => {
                        self.joined.push(b' ');
                        self.joined.extend_from_slice(&bytes[at..end]);
                        text = Some(0..0);
                    }
                    Part::Time => text = Some(at..end),
                    Part::CloseTime => close_stamp = Some(self.plan.stamps.read(&bytes[at..end], None).ok()?),
                    _ => return None,
                }
                end
            };
            if end == span.end {
                at = end;
            } else if ends(end) {
                at = end + 1;
                column += 1;
            } else {
                return None;
            }
        }
        if let Some(text) = text {
            let text = if self.two_cells { &self.joined[..] } else { &bytes[text] };
            stamp = Some(self.plan.stamps.read(text, Some(symbol)).ok()?);
        }
        Some(Read { stamp: stamp?, close_stamp, symbol })
    }

    /// Reads a record cell by cell, and says what is wrong with it.
    #[cold]
    fn careful(&mut self, span: Range<usize>) -> Result<Read, String> {
        let mut cells = std::mem::take(&mut self.cells);
        split(&self.lines.buffer()[span], self.plan.separator, &mut cells);
        let read = self.careful_cells(&cells);
        self.cells = cells;
        read.map_err(|fault| format!("{fault} (line {})", self.lines.line()))
    }

    fn careful_cells(&mut self, cells: &[Vec<u8>]) -> Result<Read, String> {
        let (mut time, mut time_of_day, mut close_stamp, mut symbol) = (None, None, None, 0);
        for &(place, part) in &self.plan.cells {
            let Some(cell) = cells.get(place) else {
                let (count, wanted) = (cells.len(), place + 1);
                return Err(format!("a row of {count} cells, where cell {wanted} is `{}`", part.name()));
            };
            let cell = cell.trim_ascii();
            if let Some(slot) = part.slot() {
                self.slots[slot] = number(cell).ok_or_else(|| {
                    format!("`{}` in column `{}`, which is no number", cell.escape_ascii(), part.name())
                })?;
                continue;
            }
            match part {
                Part::Symbol => {
                    let known = self.symbols.index_of(cell);
                    symbol = known.ok_or("more different symbols than a file of bars has")?;
                }
                Part::Time => time = Some(cell),
                Part::TimeOfDay => time_of_day = Some(cell),
                _ => close_stamp = Some(self.plan.stamps.read(cell, None)?),
            }
        }
        let text = match (time, time_of_day) {
            (Some(date), Some(time)) => &[date, time].join(&b' '),
            (Some(time), None) => time,
            (None, _) => return Err("no time stamp".into()),
        };
        Ok(Read { stamp: self.plan.stamps.read(text, Some(symbol))?, close_stamp, symbol })
    }
}

impl RowReader for CsvReader {
    fn shape(&self) -> &Shape {
        &self.plan.shape
    }

    #[inline]
    fn next(&mut self, row: &mut RawRow) -> Result<Step, FeedError> {
        let Some(record) = self.lines.next()? else {
            return Ok(Step::End);
        };
        self.number += 1;
        row.number = self.number;
        let plain = if record.quoted { None } else { self.plain(record.span.clone()) };
        let read = match plain {
            Some(read) => read,
            None => match self.careful(record.span) {
                Ok(read) => read,
                Err(fault) => return Ok(Step::Unreadable(fault)),
            },
        };
        let s = &self.slots;
        row.first = Side { open: s[0], high: s[1], low: s[2], close: s[3], volume: s[4] };
        if self.plan.price_only {
            row.first = Side { volume: s[4], ..Side::flat(s[0]) };
        }
        if self.plan.shape.quotes {
            row.ask = Side { open: s[5], high: s[6], low: s[7], close: s[8], volume: s[9] };
        }
        row.symbol = read.symbol;
        row.stamp = read.stamp;
        row.close_stamp = read.close_stamp;
        Ok(Step::Row)
    }

    fn symbols(&self) -> &[String] {
        self.symbols.names()
    }

    fn notes(&self) -> Vec<String> {
        self.plan.stamps.notes()
    }
}
