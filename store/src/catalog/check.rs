//! Full verification of stored series: every byte of them, by our reader and by Arrow's.

use std::path::{Path, PathBuf};

use arrow_array::{
    Array,
    cast::AsArray,
    types::{Float64Type, TimestampNanosecondType},
};
use arrow_ipc::reader::FileReader;
use barhive_engine::instrument::Scales;

use super::{
    Catalog, SeriesEntry,
    checksum::{COLUMNS, TS_CLOSE, TS_OPEN, column_bytes},
    file::SeriesFile,
    is_series,
    order::RowOrder,
    sorted,
};
use crate::{StoreError, mapping::open_regular};

/// How many faults of one file are told in full.
const FAULTS_MAX: usize = 100;

/// What a full check of a file found.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckReport {
    /// The file.
    pub path: PathBuf,
    /// The series, where its metadata could be read.
    pub series: Option<SeriesEntry>,
    /// How many rows were read and found as they were written.
    pub rows_sound: u64,
    /// What is wrong, one sentence each; empty when nothing is.
    pub faults: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Catalog {
    /// Reads every row of every series of `symbols` (of all where none is named) and reports what is
    /// wrong: checksums, order, the claim that prices are on scale, and whether Arrow's own reader sees
    /// the same values.
    ///
    /// # Errors
    /// When the catalog's folder cannot be read. What is wrong with a file is in its report.
    pub fn check(&self, symbols: &[String]) -> Result<Vec<CheckReport>, StoreError> {
        let folders = if symbols.is_empty() {
            sorted(self.path(), |path| path.is_dir())?
        } else {
            let names = symbols.iter().map(|symbol| super::name::folder_name(symbol));
            names.map(|name| name.map(|name| self.path().join(name))).collect::<Result<_, _>>()?
        };
        let mut reports = Vec::new();
        for folder in folders {
            if !folder.is_dir() {
                let series = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Err(StoreError::Unknown { path: self.path().to_owned(), series });
            }
            for path in sorted(&folder, is_series)? {
                reports.push(self.check_file(&path));
            }
        }
        Ok(reports)
    }

    fn check_file(&self, path: &Path) -> CheckReport {
        let mut report =
            CheckReport { path: path.to_owned(), series: None, rows_sound: 0, faults: Vec::new() };
        match self.open_listed(path) {
            Ok(file) => {
                report.series = Some(SeriesEntry::of(&file));
                check_blocks(&file, &mut report);
                if report.is_sound() {
                    check_rows(&file, &mut report);
                    check_with_arrow(&file, &mut report);
                }
            }
            Err(error) => report.faults.push(error.to_string()),
        }
        report
    }
}

fn check_blocks(file: &SeriesFile, report: &mut CheckReport) {
    for block in 0..file.blocks() {
        let before = report.faults.len();
        for column in 0..COLUMNS.len() {
            if let Err(error) = file.verify(block, column) {
                report.faults.push(error.to_string());
            }
        }
        if report.faults.len() == before {
            report.rows_sound += file.block_range(block).len() as u64;
        }
        if report.faults.len() >= FAULTS_MAX {
            report.faults.push("and maybe more: the check stopped here".to_owned());
            return;
        }
    }
}

fn check_rows(file: &SeriesFile, report: &mut CheckReport) {
    let mut order = RowOrder::new(file.identity.label());
    let scales = file.instrument.scales();
    let mut off_scale = None;
    for segment in file.segments() {
        let first_row = order.rows();
        if let Err(error) = order.check(segment) {
            report.faults.push(error.to_string());
            return;
        }
        order.advance(segment);
        let prices = [&segment.open, &segment.high, &segment.low, &segment.close];
        off_scale = off_scale.or_else(|| {
            let row = (0..segment.len())
                .find(|row| prices.iter().any(|price| !is_on_scale(&scales, price[*row])))?;
            Some(first_row + row as u64 + 1)
        });
    }
    let span = (file.segments()[0].ts_close_ns[0], order.last_close_ns());
    if span != (file.meta.first_close_ns, Some(file.meta.last_close_ns)) {
        report
            .faults
            .push("the metadata name another span than the rows have; import the series again".to_owned());
    }
    if let Some(row) = off_scale.filter(|_| file.meta.facts.prices_on_scale) {
        report.faults.push(format!(
            "row {row}: expected prices of {} decimals, as the metadata say, found more; import the series again",
            file.instrument.price_scale
        ));
    }
}

/// Whether a price is the double nearest to a decimal on the scale.
pub(crate) fn is_on_scale(scales: &Scales, price: f64) -> bool {
    scales
        .price_from_f64(price)
        .is_some_and(|scaled| scales.price_to_f64(scaled).to_bits() == price.to_bits())
}

/// Reads the file as any Arrow program would, one record batch at a time.
fn check_with_arrow(file: &SeriesFile, report: &mut CheckReport) {
    let compare = || -> Result<Option<String>, String> {
        let (input, _) = open_regular(&file.path).map_err(|error| error.to_string())?;
        let mut reader = FileReader::try_new(input, None).map_err(|error| error.to_string())?;
        for (segment, columns) in file.segments().iter().enumerate() {
            let Some(batch) = reader.next() else { return Ok(Some("fewer record batches".to_owned())) };
            let batch = batch.map_err(|error| error.to_string())?;
            for (column, name) in COLUMNS.iter().enumerate() {
                let array = batch.column(column);
                let bytes = if column == TS_OPEN || column == TS_CLOSE {
                    array
                        .as_primitive_opt::<TimestampNanosecondType>()
                        .map(|array| array.values().inner().as_slice())
                } else {
                    array.as_primitive_opt::<Float64Type>().map(|array| array.values().inner().as_slice())
                };
                if array.null_count() != 0 || bytes != Some(column_bytes(columns, column)) {
                    return Ok(Some(format!("other values in column {name} of record batch {segment}")));
                }
            }
        }
        Ok(reader.next().map(|_| "more record batches".to_owned()))
    };
    match compare() {
        Ok(None) => {}
        Ok(Some(difference)) => report
            .faults
            .push(format!("other Arrow programs would see {difference}; import the series again")),
        Err(error) => report.faults.push(format!("other Arrow programs cannot read it: {error}")),
    }
}
