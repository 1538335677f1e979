//! Moving full segments of a tail into the catalog.

use std::{fs, io, path::Path};

use barhive_engine::data::BarColumns;

use super::{
    segment::{Segment, segment_numbers, segment_path},
    writer::LOCK,
};
use crate::{
    Catalog, SeriesFacts, StoreError,
    catalog::{check::is_on_scale, draft_of, file::SeriesFile, sync_folder},
};

/// What sealing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Segments that are in the catalog now and no longer in the tail.
    pub segments: u64,
    /// Rows that the catalog has gained.
    pub rows_added: u64,
    /// Rows that close no later than the catalog's last row, which were left out.
    pub rows_known: u64,
}

/// Moves every full segment of the tail in `folder` into `catalog`, and the last one too when the tail is
/// closed, which then is gone.
///
/// The catalog's file is written anew with the rows added and replaced at once; only then are the
/// segments removed. A crash in between leaves rows in both places, and sealing again tidies up. The
/// writer may go on meanwhile, also in another process. Memory stays bounded; the time grows with the
/// series.
///
/// # Errors
/// When a stored row is damaged, the catalog holds the series with other instrument data, somebody else
/// is writing it, or the disk refuses. The tail is then as it was.
pub fn seal(folder: &Path, catalog: &Catalog) -> Result<Sealed, StoreError> {
    let mut numbers = segment_numbers(folder)?.unwrap_or_default();
    let Some(last) = numbers.last().copied() else { return Ok(Sealed::default()) };
    let closed = Segment::open(folder, last)?.is_some_and(|segment| segment.is_closed());
    if !closed {
        numbers.pop();
    }
    let mut segments = Vec::with_capacity(numbers.len());
    for number in &numbers {
        segments.extend(Segment::open(folder, *number)?);
    }
    let mut sealed = add(&segments, catalog)?;
    for segment in &segments {
        remove(&segment.path)?;
        sealed.segments += 1;
    }
    if closed {
        remove(&folder.join(LOCK))?;
        // What a crash left of the segment that would have come next.
        remove(&draft_of(&segment_path(folder, last + 1)))?;
        fs::remove_dir(folder).map_err(StoreError::io(folder, "remove the tail"))?;
    } else if !segments.is_empty() {
        sync_folder(folder)?;
    }
    Ok(sealed)
}

/// Writes the series anew with the rows of `segments` after those that it has.
fn add(segments: &[Segment], catalog: &Catalog) -> Result<Sealed, StoreError> {
    let mut sealed = Sealed::default();
    let Some(first) = segments.first() else { return Ok(sealed) };
    let identity = &first.header.identity;
    let stored = match catalog.open_series(&identity.symbol, identity.kind, identity.timeframe) {
        Ok(file) => Some(file),
        Err(StoreError::Unknown { .. }) => None,
        Err(error) => return Err(error),
    };
    let known_until = stored.as_ref().map(|file| file.meta.last_close_ns);
    let mut parts = Vec::with_capacity(segments.len());
    for segment in segments {
        let rows = sound_rows(segment)?;
        let known = known_until.map_or(0, |last| rows.ts_close_ns.partition_point(|close| *close <= last));
        sealed.rows_known += known as u64;
        sealed.rows_added += (rows.len() - known) as u64;
        parts.push(rows.slice(known, rows.len() - known));
    }
    if sealed.rows_added == 0 {
        return Ok(sealed);
    }
    let facts = facts(first, stored.as_ref(), &parts)?;
    let mut writer =
        catalog.writer(first.header.instrument.clone(), identity.kind, identity.timeframe, facts)?;
    if let Some(file) = &stored {
        for block in 0..file.blocks() {
            file.verify_block(block)?;
        }
        for segment in file.segments() {
            writer.append(segment)?;
        }
    }
    for part in &parts {
        writer.append(part)?;
    }
    writer.finish()?;
    Ok(sealed)
}

/// All published rows of a segment, checked.
fn sound_rows(segment: &Segment) -> Result<BarColumns, StoreError> {
    let published = segment.published()?;
    let sound = segment.sound_rows(published)?;
    if sound == published {
        return Ok(segment.rows(0..published));
    }
    Err(StoreError::Format {
        path: segment.path.clone(),
        expected: format!("{published} rows as they were appended"),
        found: format!("a checksum mismatch in row {}", sound + 1),
    })
}

fn facts(
    first: &Segment,
    stored: Option<&SeriesFile>,
    parts: &[BarColumns],
) -> Result<SeriesFacts, StoreError> {
    let scales = first.header.instrument.scales();
    let on_scale = |price: &f64| is_on_scale(&scales, *price);
    let prices_on_scale = parts.iter().all(|rows| {
        [&rows.open, &rows.high, &rows.low, &rows.close].iter().all(|column| column.iter().all(on_scale))
    });
    let Some(file) = stored else {
        return Ok(SeriesFacts {
            prices_on_scale,
            notes: Vec::new(),
            import: serde_json::json!({"source": "tail"}),
        });
    };
    if file.instrument != first.header.instrument {
        return Err(StoreError::Refused {
            subject: first.header.identity.label(),
            what: format!(
                "the catalog holds it with other instrument data than the tail; compare {} with the configuration",
                file.path.display()
            ),
        });
    }
    let mut facts = file.meta.facts.clone();
    facts.prices_on_scale &= prices_on_scale;
    Ok(facts)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io(path, "remove the file")(error))
        }
        _ => Ok(()),
    }
}
