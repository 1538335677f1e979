//! Opens a file of any known format for reading rows.

use std::{fs::File, path::Path};

use barhive_engine::data::FeedError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{csv, jsonl, layout::Layout, parquet, rows::RowReader};

/// A format of files of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Separated text: `.csv`, `.txt`, `.tsv`.
    Csv,
    /// Apache Parquet: `.parquet`.
    Parquet,
    /// One JSON object a line: `.jsonl`, `.ndjson`.
    JsonLines,
}

impl Format {
    /// The format that a file's extension tells.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "txt" | "tsv" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// Opens a file for reading rows.
pub(crate) fn open_rows(
    path: &Path,
    format: Option<Format>,
    layout: &Layout,
) -> Result<Box<dyn RowReader>, FeedError> {
    let origin = path.display().to_string();
    let io = |what: String| FeedError::Io { origin: origin.clone(), what };
    if path.is_dir() {
        return Err(io("it is a folder: name the files in it".to_owned()));
    }
    let Some(format) = format.or_else(|| Format::of_path(path)) else {
        let what =
            "the extension tells no format: name it csv, txt, tsv, parquet or jsonl, or declare format";
        return Err(io(what.to_owned()));
    };
    let file = File::open(path).map_err(|fault| io(format!("cannot be read: {fault}")))?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) && format == Format::Parquet {
        return Err(io("it is no regular file, which Parquet needs to be".to_owned()));
    }
    match format {
        Format::Csv => csv::open(&origin, Box::new(file), layout),
        Format::JsonLines => jsonl::open(&origin, Box::new(file), layout),
        Format::Parquet => parquet::open(&origin, file, layout),
    }
}
