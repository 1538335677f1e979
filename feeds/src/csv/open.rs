//! Opens a CSV stream: declared layout first, the file's head for what is not declared.

use std::io::{Cursor, Read};

use barhive_engine::data::FeedError;

use super::reader::{CsvReader, Plan};
use crate::{
    guess::{ROWS_SURVEYED, survey, time_format},
    layout::{Layout, Part, RowOrder, Separator},
    lines::{Lines, split},
    number::number,
    resolve::{layout_error, places, with_preset, zone},
    rows::{Remarks, RowReader, Shape},
    stamp::{Stamps, TimeFormat, WallClock},
};

/// Bytes of a file's head that are looked at before reading begins.
const HEAD_BYTES: u64 = 1 << 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens a stream of CSV.
///
/// # Errors
/// All that is wrong with the layout, or that there is nothing in the stream.
pub(crate) fn open(
    origin: &str,
    mut read: Box<dyn Read + Send>,
    layout: &Layout,
) -> Result<Box<dyn RowReader>, FeedError> {
    let io = |fault: std::io::Error| FeedError::Io { origin: origin.to_owned(), what: fault.to_string() };
    let mut head = Vec::new();
    read.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(io)?;
    if head.starts_with(BYTE_ORDER_MARK) {
        head.drain(..BYTE_ORDER_MARK.len());
    } else if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        let what = "the file is UTF-16: save it as UTF-8".to_owned();
        return Err(FeedError::Io { origin: origin.to_owned(), what });
    }
    let whole_rows = match head.iter().rposition(|byte| *byte == b'\n') {
        Some(at) if head.len() as u64 + 3 >= HEAD_BYTES => &head[..=at],
        _ => &head[..],
    };
    let sample = Sample::new(origin, whole_rows, layout)?;
    let (mut plan, header) = sample.plan(origin)?;

    // The head is read with the plan itself, so that what is seen there is what will be read.
    let mut lines = Lines::new(origin, Box::new(Cursor::new(whole_rows.to_vec())));
    skip_header(&mut lines, header)?;
    let seen = survey(&mut CsvReader::new(lines, plan.clone()))?;
    plan.shape.timeframe_ns = seen.timeframe_ns;
    let declared_order = with_preset(layout).map_err(|fault| layout_error(origin, &[fault]))?.order;
    if declared_order.is_none() && seen.order == RowOrder::NewestFirst {
        plan.shape.remarks.guesses.push("rows are newest first, by the look of the file's head".into());
        plan.shape.newest_first = true;
        plan.stamps.newest_first = true;
    }

    let mut lines = Lines::new(origin, Box::new(Cursor::new(head).chain(read)));
    skip_header(&mut lines, header)?;
    Ok(Box::new(CsvReader::new(lines, plan)))
}

fn skip_header(lines: &mut Lines, header: bool) -> Result<(), FeedError> {
    if header {
        lines.next()?;
    }
    Ok(())
}

/// The head of a file, cut into cells.
struct Sample {
    layout: Layout,
    separator: u8,
    /// The first row, where it is a header.
    names: Vec<String>,
    width: usize,
    rows: Vec<Vec<Vec<u8>>>,
    remarks: Remarks,
}

impl Sample {
    fn new(origin: &str, head: &[u8], layout: &Layout) -> Result<Self, FeedError> {
        let layout = with_preset(layout).map_err(|fault| layout_error(origin, &[fault]))?;
        let mut remarks = Remarks::default();
        let first = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        let Some(first) = first else {
            let what = "the file holds no row".to_owned();
            return Err(FeedError::Empty { origin: origin.to_owned(), what });
        };
        let separator = match layout.separator {
            Some(separator) => separator,
            None => {
                let separator = separator_of(first);
                if separator != Separator::COMMA {
                    remarks.guesses.push(format!("separator guessed: `{separator}`"));
                }
                separator
            }
        };
        let mut lines = Lines::new(origin, Box::new(Cursor::new(head.to_vec())));
        let mut rows = Vec::new();
        while rows.len() <= ROWS_SURVEYED
            && let Some(record) = lines.next()?
        {
            let mut cells = Vec::new();
            split(&lines.buffer()[record.span], separator.byte(), &mut cells);
            rows.push(cells);
        }
        let header = layout.header.unwrap_or_else(|| {
            let header = rows.first().is_some_and(|cells| looks_like_header(cells));
            let told = if header { "the first row is a header" } else { "the file has no header" };
            remarks.guesses.push(told.to_owned());
            header
        });
        let mut names = Vec::new();
        if header && !rows.is_empty() {
            let text = |cell: &Vec<u8>| String::from_utf8_lossy(cell.trim_ascii()).into_owned();
            names = rows.remove(0).iter().map(text).collect();
        }
        if rows.is_empty() {
            let what = "the file holds a header and no row of data".to_owned();
            return Err(FeedError::Empty { origin: origin.to_owned(), what });
        }
        let width = if header { names.len() } else { rows[0].len() };
        Ok(Self { layout, separator: separator.byte(), names, width, rows, remarks })
    }

    /// The plan to read by, and whether there is a header to skip.
    fn plan(mut self, origin: &str) -> Result<(Plan, bool), FeedError> {
        let layout = &self.layout;
        let places = places(&layout.columns, &self.names, self.width, &mut self.remarks)
            .map_err(|faults| layout_error(origin, &faults))?;
        let stamps = self.stamps(places.place(Part::Time), places.place(Part::TimeOfDay));
        let first = stamps.first().cloned().unwrap_or_default();
        let mut faults = Vec::new();
        let time_format = match &layout.time_format {
            Some(format) => format.clone(),
            None => {
                let name = places.place(Part::Time).and_then(|at| self.names.get(at));
                let guess = time_format(name.map(String::as_str), &stamps);
                let format = guess.unwrap_or_else(|fault| {
                    faults.push(fault);
                    TimeFormat::Iso
                });
                self.remarks.guesses.push(format!("time format guessed: {format}"));
                format
            }
        };
        if time_format.is_epoch() && places.has(Part::TimeOfDay) {
            faults.push("time_of_day belongs to a textual time_format, not to an epoch count".into());
        }
        let wall = time_format.wall(first.as_bytes());
        if wall.is_none() && !time_format.is_epoch() && faults.is_empty() {
            faults
                .push(format!("the first stamp is `{first}`, which is no time of the format {time_format}"));
        }
        // Stamps that name their offset need no zone, and then a stamp without one is a fault of its row.
        let (offset, date_only) =
            wall.map_or((time_format.is_epoch(), false), |wall| (wall.offset.is_some(), wall.date_only));
        let found = zone(layout.zone, &first, offset, date_only, places.price_only, &mut self.remarks);
        let clock_known = layout.zone.is_some() || !offset;
        let date_zone = found.unwrap_or_else(|fault| {
            if faults.is_empty() {
                faults.push(fault);
            }
            chrono_tz::Tz::UTC
        });
        if !faults.is_empty() {
            return Err(layout_error(origin, &faults));
        }
        let newest_first = layout.order == Some(RowOrder::NewestFirst);
        let shape = Shape {
            origin: origin.to_owned(),
            unit_ns: time_format.unit_ns(),
            epoch: time_format.is_epoch(),
            quotes: places.quotes,
            has_symbol: places.has(Part::Symbol),
            newest_first,
            stamped: layout.stamped.unwrap_or_default(),
            date_zone,
            timeframe_ns: None,
            remarks: self.remarks,
        };
        let clock = clock_known.then(|| WallClock::new(date_zone));
        let plan = Plan {
            separator: self.separator,
            cells: places.parts,
            stamps: Stamps::new(time_format, clock, newest_first),
            price_only: places.price_only,
            shape,
        };
        Ok((plan, !self.names.is_empty()))
    }

    fn stamps(&self, time: Option<usize>, time_of_day: Option<usize>) -> Vec<String> {
        let text = |cells: &Vec<Vec<u8>>, at: usize| {
            cells.get(at).map(|cell| String::from_utf8_lossy(cell.trim_ascii()).into_owned())
        };
        self.rows
            .iter()
            .filter_map(|cells| {
                let date = text(cells, time?)?;
                match time_of_day {
                    Some(at) => Some(format!("{date} {}", text(cells, at)?)),
                    None => Some(date),
                }
            })
            .filter(|stamp| !stamp.is_empty())
            .collect()
    }
}

/// The separator that cuts the first row into most cells; a comma where none cuts it.
fn separator_of(first: &[u8]) -> Separator {
    let count = |separator: u8| {
        let mut cells = Vec::new();
        split(first, separator, &mut cells);
        cells.len()
    };
    let best = [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|separator| count(*separator));
    best.and_then(|byte| Separator::new(byte).ok()).unwrap_or(Separator::COMMA)
}

/// A header has a cell that begins with a letter and is no missing value.
fn looks_like_header(cells: &[Vec<u8>]) -> bool {
    let is_word = |cell: &Vec<u8>| {
        let cell = cell.trim_ascii();
        let starts = cell.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"<_#".contains(byte));
        starts && number(cell).is_none()
    };
    // A symbol is a word too: in a row of data most cells are numbers.
    cells.iter().filter(|cell| is_word(cell)).count() * 2 > cells.len()
        || cells.len() < 2 && cells.iter().all(is_word)
}
