//! `data convert`: a file of bars into another format, with size and read time of both.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use barhive_actors::clock::SystemClock;
use barhive_engine::{
    data::{BarColumns, FeedError, SeriesInfo, SeriesKind},
    instrument::Instrument,
    time::Clock,
    timeframe::Timeframe,
};
use barhive_feeds::{
    import::{Format as FileFormat, ImportReport, ImportSink, ImportSpec, import_file},
    layout::{Column, Columns, Layout},
};
use clap::Args;
use serde_json::json;

use super::{bar_file::BarFile, failed, file_flags::FileFlags};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
    table,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ConvertFlags {
    /// The file to read
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The file to write; its extension says how: .csv, .parquet or .jsonl
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    file: FileFlags,
}

/// A file, measured.
struct Measured {
    path: PathBuf,
    bytes: u64,
    read_ms: f64,
}

pub(super) fn run(flags: &ConvertFlags, out: &mut dyn Write) -> Outcome {
    let format = FileFormat::of_path(&flags.to).ok_or_else(|| {
        CliError::Usage(format!("{}: expected the extension .csv, .parquet or .jsonl", flags.to.display()))
    })?;
    if flags.to.canonicalize().is_ok_and(|to| flags.from.canonicalize().is_ok_and(|from| from == to)) {
        return Err(CliError::Usage(format!(
            "{}: is read and written; name another file",
            flags.to.display()
        )));
    }
    let spec = flags.file.spec(SystemClock.now_ns()).map_err(CliError::Usage)?;
    let mut sink = FileSink { file: Some(BarFile::create(&flags.to, format).map_err(failed)?), begun: None };
    let report = import_file(&flags.from, &spec, &mut sink).map_err(failed)?;
    sink.file.take().map_or(Ok(()), BarFile::finish).map_err(failed)?;
    let written = ImportSpec {
        timeframe: report.series.first().map(|series| series.timeframe),
        layout: written_layout(format),
        ..ImportSpec::default()
    };
    let files = [measure(&flags.from, &spec)?, measure(&flags.to, &written)?];
    match flags.format {
        Format::Json => {
            output::json(out, &json!({ "import": report, "files": files.each_ref().map(to_json) }))?
        }
        Format::Table => tell(&report, &files, out)?,
    }
    Ok(Done::All)
}

/// How this program lays out what it writes.
fn written_layout(format: FileFormat) -> Layout {
    if format != FileFormat::Parquet {
        return Layout { preset: Some("barhive_full".to_owned()), ..Layout::default() };
    }
    let column = |name: &str| Some(Column::from(name));
    let columns = Columns {
        time: column("ts_open"),
        close_time: column("ts_close"),
        open: column("open"),
        high: column("high"),
        low: column("low"),
        close: column("close"),
        volume: column("volume"),
        ..Columns::default()
    };
    Layout { columns, ..Layout::default() }
}

fn tell(report: &ImportReport, files: &[Measured; 2], out: &mut dyn Write) -> std::io::Result<()> {
    for line in report.lines() {
        write!(out, "{}", output::wrapped(&line))?;
    }
    let [from, to] = files;
    let mut rows = table::table(&["file", "bytes", "size", "read ms", "speed"]);
    for file in files {
        rows.add_row([
            file.path.display().to_string(),
            file.bytes.to_string(),
            format!("{:.0} %", 100.0 * file.bytes as f64 / from.bytes.max(1) as f64),
            format!("{:.1}", file.read_ms),
            format!("{:.1}x", from.read_ms / file.read_ms.max(1e-6)),
        ]);
    }
    write!(out, "\n{}", table::lines(rows))?;
    let saved = 100.0 * (1.0 - to.bytes as f64 / from.bytes.max(1) as f64);
    writeln!(
        out,
        "disk {:+.0} %, all columns read {:.1}x as fast",
        -saved,
        from.read_ms / to.read_ms.max(1e-6)
    )
}

/// Reads a file whole and looks at the watch.
fn measure(path: &Path, spec: &ImportSpec) -> Result<Measured, CliError> {
    let bytes = fs::metadata(path).map_err(|error| failed(format!("{}: {error}", path.display())))?.len();
    #[allow(clippy::disallowed_methods, reason = "the time that reading takes is the result")]
    let start = Instant::now();
    import_file(path, spec, &mut Nowhere).map_err(failed)?;
    Ok(Measured { path: path.to_owned(), bytes, read_ms: start.elapsed().as_secs_f64() * 1e3 })
}

fn to_json(file: &Measured) -> serde_json::Value {
    json!({ "path": file.path, "bytes": file.bytes, "read_ms": file.read_ms })
}

/// Writes the bars of the one instrument of a file.
struct FileSink {
    file: Option<BarFile>,
    begun: Option<String>,
}

impl ImportSink for FileSink {
    fn begin(&mut self, symbol: &str, _: Timeframe, _: &[SeriesKind]) -> Result<(), FeedError> {
        match self.begun.replace(symbol.to_owned()) {
            None => Ok(()),
            Some(earlier) => Err(FeedError::Data {
                origin: "convert".to_owned(),
                row: None,
                expected: format!("a file of one instrument; choose with --symbols {earlier}"),
                found: format!("{earlier} and {symbol}"),
            }),
        }
    }

    fn rows(&mut self, kind: SeriesKind, rows: &BarColumns) -> Result<(), FeedError> {
        match &mut self.file {
            // Of a quoted market the file shows the side that was asked for.
            Some(file) if kind == SeriesKind::BAR => file.rows(rows),
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: &Instrument, _: &[SeriesInfo]) -> Result<(), FeedError> {
        Ok(())
    }
}

/// Takes rows and keeps none.
struct Nowhere;

impl ImportSink for Nowhere {
    fn begin(&mut self, _: &str, _: Timeframe, _: &[SeriesKind]) -> Result<(), FeedError> {
        Ok(())
    }
    fn rows(&mut self, _: SeriesKind, _: &BarColumns) -> Result<(), FeedError> {
        Ok(())
    }
    fn end(&mut self, _: &Instrument, _: &[SeriesInfo]) -> Result<(), FeedError> {
        Ok(())
    }
}
