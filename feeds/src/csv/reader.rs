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
    /// The cells of the plan as the short path takes them; empty where it does not apply.
    plain_cells: Vec<(usize, PlainCell)>,
    cells: Vec<Vec<u8>>,
}

/// What the short path does with a cell.
#[derive(Clone, Copy)]
enum PlainCell {
    Number(u8),
    Stamp,
    CloseStamp,
    StampText,
    CloseText,
    Date,
    TimeOfDay,
    Symbol,
}

impl PlainCell {
    fn of(part: Part, epoch: bool, two_cells: bool) -> Self {
        match (part, part.slot()) {
            (_, Some(slot)) => Self::Number(slot as u8),
            (Part::Symbol, _) => Self::Symbol,
            (Part::TimeOfDay, _) => Self::TimeOfDay,
            (Part::Time, _) if two_cells => Self::Date,
            (Part::Time, _) if epoch => Self::Stamp,
            (Part::Time, _) => Self::StampText,
            _ if epoch => Self::CloseStamp,
            _ => Self::CloseText,
        }
    }
}

/// What a record says beside its numbers.
struct Read {
    stamp: i64,
    close_stamp: Option<i64>,
    symbol: u32,
}

impl CsvReader {
    pub(super) fn new(lines: Lines, plan: Plan) -> Self {
        let place = |part| plan.cells.iter().find(|(_, p)| *p == part).map(|(place, _)| *place);
        let (date, time) = (place(Part::Time), place(Part::TimeOfDay));
        let epoch = plan.stamps.format.is_epoch();
        let plain_cell = |&(place, part)| (place, PlainCell::of(part, epoch, time.is_some()));
        // A time of day before its date is left to the careful path.
        let in_order = time.is_none() || date < time;
        let plain_cells = plan.cells.iter().map(plain_cell).filter(|_| in_order).collect();
        Self {
            lines,
            number: 0,
            symbols: Symbols::default(),
            slots: [0.0; 10],
            joined: Vec::new(),
            plain_cells,
            cells: Vec::new(),
            plan,
        }
    }

    /// Reads a record without quotes in one go; `None` where anything is out of the ordinary.
    #[inline]
    fn plain(&mut self, span: Range<usize>) -> Option<Read> {
        let bytes = self.lines.buffer();
        let separator = self.plan.separator;
        let (mut at, mut column) = (span.start, 0);
        let (mut stamp, mut close_stamp, mut symbol, mut text) = (None, None, 0, None);
        for &(place, cell) in &self.plain_cells {
            while column < place {
                at += memchr(separator, &bytes[at..span.end])? + 1;
                column += 1;
            }
            let ends = |end: usize| end == span.end || bytes[end] == separator;
            let cell_end = || memchr(separator, &bytes[at..span.end]).map_or(span.end, |length| at + length);
            let end = match cell {
                PlainCell::Number(slot) => match decimal(bytes, at) {
                    Some((value, end)) if ends(end) => {
                        self.slots[usize::from(slot)] = value;
                        end
                    }
                    _ => {
                        let end = cell_end();
                        self.slots[usize::from(slot)] = number(&bytes[at..end])?;
                        end
                    }
                },
                PlainCell::Stamp => {
                    let (value, end) = integer(bytes, at)?;
                    stamp = Some(value);
                    end
                }
                PlainCell::CloseStamp => {
                    let (value, end) = integer(bytes, at)?;
                    close_stamp = Some(value);
                    end
                }
                PlainCell::Symbol => {
                    let end = cell_end();
                    symbol = self.symbols.index_of(bytes[at..end].trim_ascii())?;
                    end
                }
                PlainCell::StampText => {
                    let end = cell_end();
                    text = Some(at..end);
                    end
                }
                PlainCell::CloseText => {
                    let end = cell_end();
                    close_stamp = Some(self.plan.stamps.read(&bytes[at..end], None).ok()?);
                    end
                }
                PlainCell::Date => {
                    let end = cell_end();
                    self.joined.clear();
                    self.joined.extend_from_slice(&bytes[at..end]);
                    end
                }
                PlainCell::TimeOfDay => {
                    let end = cell_end();
                    self.joined.push(b' ');
                    self.joined.extend_from_slice(&bytes[at..end]);
                    text = Some(0..0);
                    end
                }
            };
            if end == span.end {
                at = end;
            } else if bytes[end] == separator {
                at = end + 1;
                column += 1;
            } else {
                return None;
            }
        }
        if let Some(text) = text {
            let text = if text.is_empty() { &self.joined[..] } else { &bytes[text] };
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
