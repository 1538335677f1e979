//! Rows of bars out of a Parquet file.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use barhive_engine::{
    data::FeedError,
    time::{NS_PER_DAY, NS_PER_SECOND},
};
use chrono_tz::Tz;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
};

use super::column::{StampKind, counts, numbers, texts, texts_of};
use crate::{
    guess::{epoch_unit, survey, time_format},
    layout::{Layout, Part, RowOrder},
    resolve::{Places, layout_error, places, with_preset, zone},
    rows::{RawRow, Remarks, RowReader, Shape, Side, Step, Symbols},
    stamp::{Stamps, TimeFormat, WallClock},
};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// Opens a Parquet file.
///
/// # Errors
/// All that is wrong with the layout, or that the file is damaged or empty.
pub(crate) fn open(origin: &str, file: File, layout: &Layout) -> Result<Box<dyn RowReader>, FeedError> {
    let layout = with_preset(layout).map_err(|fault| layout_error(origin, &[fault]))?;
    let again = file.try_clone().map_err(|fault| damaged(origin, &fault.to_string()))?;
    let mut first = reader(origin, file, &layout, None)?;
    let seen = survey(&mut first)?;
    let mut shape = first.shape.clone();
    shape.timeframe_ns = seen.timeframe_ns;
    if layout.order.is_none() && seen.order == RowOrder::NewestFirst {
        shape.remarks.guesses.push("rows are newest first, by the look of the file's head".into());
        shape.newest_first = true;
    }
    Ok(Box::new(reader(origin, again, &layout, Some(shape))?))
}

/// Runs a step of the foreign decoder. It reports most damage as errors; where it panics on a damaged
/// file instead, the panic ends here and the decoder is not used again.
fn guarded<T>(
    origin: &str,
    step: impl FnOnce() -> Result<T, parquet::errors::ParquetError>,
) -> Result<T, FeedError> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done.map_err(|fault| damaged(origin, &fault.to_string())),
        Err(_) => Err(damaged(origin, "the decoder broke off")),
    }
}

fn damaged(origin: &str, what: &str) -> FeedError {
    let what = if what.contains("Disabled feature") {
        format!("its compression cannot be read here ({what}); write it with snappy, zstd or none")
    } else {
        format!("not a readable Parquet file: {what}; write it anew from its source")
    };
    FeedError::Io { origin: origin.to_owned(), what }
}

fn reader(
    origin: &str,
    file: File,
    layout: &Layout,
    known: Option<Shape>,
) -> Result<ParquetReader, FeedError> {
    let length = file.metadata().map_or(u64::MAX, |meta| meta.len());
    let builder = guarded(origin, || ParquetRecordBatchReaderBuilder::try_new(file))?;
    check_sizes(origin, &builder, length)?;
    let schema = builder.schema().clone();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut remarks = Remarks::default();
    let places = places(&layout.columns, &names, names.len(), &mut remarks)
        .map_err(|faults| layout_error(origin, &faults))?;
    let faults = type_faults(&places, &schema);
    if !faults.is_empty() {
        return Err(layout_error(origin, &faults));
    }
    let rows = builder.metadata().file_metadata().num_rows();
    if rows <= 0 {
        let what = "the file holds no row".to_owned();
        return Err(FeedError::Empty { origin: origin.to_owned(), what });
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), places.parts.iter().map(|(at, _)| *at));
    let batches = guarded(origin, || builder.with_projection(mask).with_batch_size(BATCH_ROWS).build())?;
    let time_at = places.place(Part::Time).unwrap_or_default();
    let kind = StampKind::of(schema.field(time_at).data_type()).unwrap_or(StampKind::Count);
    let mut reader = ParquetReader {
        shape: Shape {
            origin: origin.to_owned(),
            unit_ns: 1,
            epoch: false,
            quotes: places.quotes,
            has_symbol: places.has(Part::Symbol),
            newest_first: layout.order == Some(RowOrder::NewestFirst),
            stamped: layout.stamped.unwrap_or_default(),
            date_zone: layout.zone.unwrap_or(Tz::UTC),
            timeframe_ns: None,
            remarks,
        },
        batches,
        parts: places.parts.iter().map(|(_, part)| *part).collect(),
        price_only: places.price_only,
        kind,
        stamps: None,
        clock: None,
        before: Vec::new(),
        symbols: Symbols::default(),
        number: 0,
        at: 0,
        rows: Decoded::default(),
        ended: false,
    };
    reader.decode()?;
    reader.settle_stamps(layout, &names[time_at])?;
    if let Some(shape) = known {
        reader.shape = shape;
        if let Some(stamps) = &mut reader.stamps {
            stamps.newest_first = reader.shape.newest_first;
        }
    }
    Ok(reader)
}

/// Refuses a file whose footer claims more bytes than there are, before memory is laid out for them.
fn check_sizes(
    origin: &str,
    builder: &ParquetRecordBatchReaderBuilder<File>,
    length: u64,
) -> Result<(), FeedError> {
    for group in builder.metadata().row_groups() {
        for column in group.columns() {
            let claimed = u64::try_from(column.compressed_size()).unwrap_or(u64::MAX);
            if claimed > length {
                return Err(damaged(origin, "its footer claims more bytes than the file has"));
            }
        }
    }
    Ok(())
}

fn type_faults(places: &Places, schema: &Schema) -> Vec<String> {
    let wrong = |part: Part, data_type: &DataType| match part {
        Part::Time | Part::CloseTime => StampKind::of(data_type).is_none(),
        Part::TimeOfDay => true,
        Part::Symbol => !texts_of(data_type),
        _ => !matches!(
            data_type,
            DataType::Float64
                | DataType::Float32
                | DataType::Int64
                | DataType::Int32
                | DataType::UInt64
                | DataType::UInt32
                | DataType::Decimal128(_, _)
        ),
    };
    let parts = places.parts.iter().map(|(at, part)| (schema.field(*at), *part));
    parts
        .filter(|(field, part)| wrong(*part, field.data_type()))
        .map(|(field, part)| {
            format!(
                "column `{}` is of type {}, which is no `{}`",
                field.name(),
                field.data_type(),
                part.name()
            )
        })
        .collect()
}

/// The rows of one batch, decoded.
#[derive(Default)]
struct Decoded {
    rows: usize,
    slots: [Vec<f64>; 10],
    times: Vec<Option<i64>>,
    closes: Vec<Option<i64>>,
    time_texts: Vec<Option<String>>,
    symbols: Vec<Option<u32>>,
}

struct ParquetReader {
    shape: Shape,
    batches: ParquetRecordBatchReader,
    /// What the decoded columns are, in their order.
    parts: Vec<Part>,
    price_only: bool,
    kind: StampKind,
    /// For stamps in text.
    stamps: Option<Stamps>,
    /// For stamps and dates on the clock of a zone.
    clock: Option<WallClock>,
    /// UTC second of the last stamp, by symbol.
    before: Vec<Option<i64>>,
    symbols: Symbols,
    number: u64,
    at: usize,
    rows: Decoded,
    ended: bool,
}

impl ParquetReader {
    /// Decodes the next batch that holds a row.
    fn decode(&mut self) -> Result<(), FeedError> {
        self.at = 0;
        self.rows.rows = 0;
        while self.rows.rows == 0 && !self.ended {
            let origin = self.shape.origin.clone();
            let batches = &mut self.batches;
            let next = guarded(&origin, || batches.next().transpose().map_err(Into::into));
            match next {
                Ok(Some(batch)) => self.take(&batch)?,
                Ok(None) => self.ended = true,
                Err(fault) => {
                    self.ended = true;
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), FeedError> {
        let rows = &mut self.rows;
        rows.slots.iter_mut().for_each(Vec::clear);
        rows.times.clear();
        rows.closes.clear();
        rows.time_texts.clear();
        rows.symbols.clear();
        rows.rows = batch.num_rows();
        let mut too_many = false;
        for (part, column) in self.parts.iter().zip(batch.columns()) {
            let taken = match (part, part.slot()) {
                (_, Some(slot)) => numbers(column, &mut rows.slots[slot]),
                (Part::Symbol, _) => texts(column, &mut |text| {
                    let symbol = self.symbols.index_of(text.unwrap_or_default().as_bytes());
                    too_many |= symbol.is_none();
                    rows.symbols.push(symbol);
                }),
                (Part::Time, _) if self.kind == StampKind::Text => {
                    texts(column, &mut |text| rows.time_texts.push(text.map(str::to_owned)))
                }
                (Part::Time, _) => counts(column, &mut rows.times),
                _ => counts(column, &mut rows.closes),
            };
            taken.map_err(|what| damaged(&self.shape.origin, &format!("`{}`: {what}", part.name())))?;
        }
        if too_many {
            return Err(damaged(&self.shape.origin, "more different symbols than a file of bars has"));
        }
        Ok(())
    }

    /// Works out how stamps are read, now that some are there.
    fn settle_stamps(&mut self, layout: &Layout, name: &str) -> Result<(), FeedError> {
        let origin = self.shape.origin.clone();
        let fault = |fault: String| layout_error(&origin, &[fault]);
        match self.kind {
            StampKind::Instant(unit_ns) => (self.shape.unit_ns, self.shape.epoch) = (unit_ns, true),
            StampKind::Wall(unit_ns) => {
                if layout.zone.is_none() {
                    let note = format!("`{name}` names no zone: its stamps are taken as UTC");
                    self.shape.remarks.notes.push(note);
                    (self.shape.unit_ns, self.shape.epoch) = (unit_ns, true);
                    self.kind = StampKind::Instant(unit_ns);
                } else {
                    self.clock = Some(WallClock::new(self.shape.date_zone));
                }
            }
            StampKind::Date => {
                let zone = zone(layout.zone, name, false, true, self.price_only, &mut self.shape.remarks);
                self.clock = Some(WallClock::new(zone.map_err(fault)?));
            }
            StampKind::Count => {
                let first = self.rows.times.iter().flatten().next().copied().unwrap_or_default();
                self.shape.unit_ns = match &layout.time_format {
                    Some(TimeFormat::Epoch { unit_ns }) => *unit_ns,
                    Some(other) => {
                        let told = format!("`{name}` holds integers, where the time format is {other}");
                        return Err(fault(told));
                    }
                    None => {
                        let unit_ns = epoch_unit(name, &first.to_string());
                        let format = TimeFormat::Epoch { unit_ns };
                        self.shape.remarks.guesses.push(format!("time format guessed: {format}"));
                        unit_ns
                    }
                };
                self.shape.epoch = true;
            }
            StampKind::Text => {
                let sample: Vec<String> = self.rows.time_texts.iter().flatten().cloned().collect();
                let format = match &layout.time_format {
                    Some(format) => format.clone(),
                    None => {
                        let format = time_format(Some(name), &sample).map_err(fault)?;
                        self.shape.remarks.guesses.push(format!("time format guessed: {format}"));
                        format
                    }
                };
                let first = sample.first().cloned().unwrap_or_default();
                let wall = format.wall(first.as_bytes());
                let (offset, date_only) =
                    wall.map_or((format.is_epoch(), false), |wall| (wall.offset.is_some(), wall.date_only));
                let remarks = &mut self.shape.remarks;
                let zone =
                    zone(layout.zone, &first, offset, date_only, self.price_only, remarks).map_err(fault)?;
                (self.shape.unit_ns, self.shape.epoch) = (format.unit_ns(), format.is_epoch());
                self.shape.date_zone = zone;
                let clock = (layout.zone.is_some() || !offset).then(|| WallClock::new(zone));
                self.stamps = Some(Stamps::new(format, clock, self.shape.newest_first));
            }
        }
        Ok(())
    }

    /// The stamp of row `at` of the batch.
    fn stamp(&mut self, at: usize, symbol: u32) -> Result<i64, String> {
        if let Some(stamps) = &mut self.stamps {
            let text = self.rows.time_texts.get(at).and_then(Option::as_deref).unwrap_or_default();
            return stamps.read(text.as_bytes(), Some(symbol));
        }
        let count = self.rows.times.get(at).copied().flatten().ok_or("no time stamp")?;
        let (seconds, nanos) = match self.kind {
            StampKind::Wall(unit_ns) => {
                let ns = count.checked_mul(unit_ns).ok_or("a stamp outside the years 1678 to 2261")?;
                (ns.div_euclid(NS_PER_SECOND), ns.rem_euclid(NS_PER_SECOND))
            }
            StampKind::Date => (count * (NS_PER_DAY / NS_PER_SECOND), 0),
            _ => return Ok(count),
        };
        let Some(clock) = &mut self.clock else { return Ok(count) };
        let symbol = symbol as usize;
        if self.before.len() <= symbol {
            self.before.resize(symbol + 1, None);
        }
        let utc = clock.utc_of(seconds, self.before[symbol], self.shape.newest_first);
        self.before[symbol] = utc;
        utc.and_then(|seconds| seconds.checked_mul(NS_PER_SECOND)?.checked_add(nanos))
            .ok_or_else(|| "a stamp outside the years 1678 to 2261".to_owned())
    }
}

impl RowReader for ParquetReader {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn next(&mut self, row: &mut RawRow) -> Result<Step, FeedError> {
        if self.at >= self.rows.rows {
            self.decode()?;
            if self.rows.rows == 0 {
                return Ok(Step::End);
            }
        }
        let at = self.at;
        self.at += 1;
        self.number += 1;
        row.number = self.number;
        row.symbol = self.rows.symbols.get(at).copied().flatten().unwrap_or_default();
        row.stamp = match self.stamp(at, row.symbol) {
            Ok(stamp) => stamp,
            Err(fault) => return Ok(Step::Unreadable(fault)),
        };
        row.close_stamp = self.rows.closes.get(at).copied().flatten();
        let value = |slot: usize| self.rows.slots[slot].get(at).copied().unwrap_or_default();
        row.first = Side { open: value(0), high: value(1), low: value(2), close: value(3), volume: value(4) };
        if self.price_only {
            row.first = Side { volume: value(4), ..Side::flat(value(0)) };
        }
        if self.shape.quotes {
            row.ask =
                Side { open: value(5), high: value(6), low: value(7), close: value(8), volume: value(9) };
        }
        Ok(Step::Row)
    }

    fn symbols(&self) -> &[String] {
        self.symbols.names()
    }

    fn notes(&self) -> Vec<String> {
        let clock = self.clock.as_ref().map(WallClock::notes).unwrap_or_default();
        let stamps = self.stamps.as_ref().map(Stamps::notes).unwrap_or_default();
        clock.into_iter().chain(stamps).collect()
    }
}
