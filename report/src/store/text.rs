//! CSV and JSON lines. Times are RFC 3339, decimals exact; in JSON decimals are strings.

use std::io::{self, Write};

use super::{
    place::GrowingFile,
    rows::{Cell, Names, Row},
};
use barhive_engine::{
    money::format_decimal,
    time::{NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, format_utc, utc_day},
};

/// Text is handed to the file in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// How a row is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Csv,
    JsonLines,
}

/// One growing text file.
pub(super) struct TextFile {
    file: GrowingFile,
    spelling: Spelling,
    dates: DateCache,
}

impl TextFile {
    pub(super) fn new<R: Row>(mut file: GrowingFile, spelling: Spelling) -> io::Result<Self> {
        if spelling == Spelling::Csv {
            let names: Vec<_> = R::COLUMNS.iter().map(|column| column.name).collect();
            file.write_all(format!("{}\n", names.join(",")).as_bytes())?;
        }
        Ok(Self { file, spelling, dates: DateCache::default() })
    }

    pub(super) fn write<R: Row>(&mut self, rows: &[R], names: &Names) -> io::Result<()> {
        let mut text = Vec::with_capacity(PIECE_BYTES + 1024);
        for row in rows {
            match self.spelling {
                Spelling::Csv => csv_row(row, names, &mut self.dates, &mut text)?,
                Spelling::JsonLines => json_row(row, names, &mut self.dates, &mut text)?,
            }
            if text.len() >= PIECE_BYTES {
                self.file.write_all(&text)?;
                text.clear();
            }
        }
        if text.is_empty() { Ok(()) } else { self.file.write_all(&text) }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.file.finish()
    }
}

fn csv_row<R: Row>(row: &R, names: &Names, dates: &mut DateCache, out: &mut Vec<u8>) -> io::Result<()> {
    for (place, column) in R::COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match (column.cell)(row, names) {
            Cell::Missing => {}
            Cell::Time(ts_ns) => dates.write(ts_ns, out)?,
            Cell::Real(value) => write!(out, "{value}")?,
            Cell::Whole(value) => write!(out, "{value}")?,
            Cell::Decimal(value, scale) => out.extend_from_slice(format_decimal(value, scale).as_bytes()),
            Cell::Text(text) if text.contains(['"', ',', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Cell::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
    out.push(b'\n');
    Ok(())
}

fn json_row<R: Row>(row: &R, names: &Names, dates: &mut DateCache, out: &mut Vec<u8>) -> io::Result<()> {
    for (place, column) in R::COLUMNS.iter().enumerate() {
        write!(out, "{}\"{}\":", if place == 0 { '{' } else { ',' }, column.name)?;
        match (column.cell)(row, names) {
            Cell::Time(ts_ns) => {
                out.push(b'"');
                dates.write(ts_ns, out)?;
                out.push(b'"');
            }
            Cell::Real(value) if value.is_finite() => write!(out, "{value}")?,
            Cell::Missing | Cell::Real(_) => out.extend_from_slice(b"null"),
            Cell::Whole(value) => write!(out, "{value}")?,
            Cell::Decimal(value, scale) => write!(out, "\"{}\"", format_decimal(value, scale))?,
            Cell::Text(text) => serde_json::to_writer(&mut *out, text)?,
        }
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// Spells stamps like [`format_utc`], and looks up the date once per day.
#[derive(Default)]
struct DateCache {
    day: Option<i64>,
    date: String,
}

impl DateCache {
    fn write(&mut self, ts_ns: i64, out: &mut Vec<u8>) -> io::Result<()> {
        let day = utc_day(ts_ns);
        if self.day != Some(day) {
            // `2020-01-01T` of `2020-01-01T00:00:00Z`.
            self.date = format_utc(ts_ns);
            let Some(end) = self.date.find('T') else {
                return Err(io::Error::other("a date without a time"));
            };
            self.date.truncate(end + 1);
            self.day = Some(day);
        }
        let within = ts_ns - day * NS_PER_DAY;
        let (hour, minute, second) =
            (within / NS_PER_HOUR, within / NS_PER_MINUTE % 60, within / NS_PER_SECOND % 60);
        out.extend_from_slice(self.date.as_bytes());
        write!(out, "{hour:02}:{minute:02}:{second:02}")?;
        match within % NS_PER_SECOND {
            0 => {}
            ns if ns % 1_000_000 == 0 => write!(out, ".{:03}", ns / 1_000_000)?,
            ns if ns % 1_000 == 0 => write!(out, ".{:06}", ns / 1_000)?,
            ns => write!(out, ".{ns:09}")?,
        }
        out.push(b'Z');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stamps_are_spelled_as_everywhere_else(
            ts_ns in -4_000_000_000_000_000_000i64..4_000_000_000_000_000_000,
            grain in prop::sample::select(vec![1i64, 1_000, 1_000_000, 1_000_000_000, 86_400_000_000_000]),
        ) {
            let ts_ns = ts_ns / grain * grain;
            let mut out = Vec::new();
            DateCache::default().write(ts_ns, &mut out).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), format_utc(ts_ns));
        }
    }
}
