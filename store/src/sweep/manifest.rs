//! What a run folder is made from: enough to go on with it, and to run any of its variants again.

use std::{fs, io::Write, path::Path};

use barhive_engine::sweep::VariantSet;
use serde::{Deserialize, Serialize};

use super::SweepError;
use crate::catalog::Draft;

/// The version of the folder's files.
pub(super) const FORMAT: u32 = 1;
/// The manifest's file.
pub(super) const MANIFEST: &str = "manifest.json";

/// What a sweep is made from, written once when its folder is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepManifest {
    /// Version of the program that made it.
    pub program: String,
    /// The sweep's name.
    pub sweep: String,
    /// The composed configuration, as text that can be run again.
    pub config: String,
    /// The data that it reads, sorted by series.
    pub data: Vec<DataUse>,
    /// Root of its randomness.
    pub seed: u64,
    /// How many variants its grid has.
    pub variants: u64,
    /// Those that are to be run.
    pub selected: VariantSet,
    /// When it was made, UTC nanoseconds.
    pub created_ns: i64,
}

/// A series that a sweep reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataUse {
    /// Symbol, kind and timeframe.
    pub series: String,
    /// Hash of its rows, where the source keeps one.
    pub hash: Option<String>,
}

impl DataUse {
    /// Hash over series: their names and hashes, in hexadecimal.
    pub fn hash_of(series: &[Self]) -> String {
        let mut hasher = blake3::Hasher::new();
        for data in series {
            for text in [data.series.as_str(), data.hash.as_deref().unwrap_or("")] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format: u32,
    manifest: T,
}

/// Read first: what is not of this version is not looked at further.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl SweepManifest {
    /// Hash over the data: names and hashes of all series, in hexadecimal.
    pub fn data_hash(&self) -> String {
        DataUse::hash_of(&self.data)
    }

    /// Hash of the configuration's text, in hexadecimal.
    pub fn config_hash(&self) -> String {
        blake3::hash(self.config.as_bytes()).to_hex().to_string()
    }

    /// What must be the same for results to belong together, as far as it differs: one sentence each,
    /// `self` being what the folder holds. When it was made does not matter.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, stored: String, wanted: String| {
            if stored != wanted {
                differences.push(format!("{what}: the run has {stored}, now {wanted}"));
            }
        };
        compare("program version", self.program.clone(), wanted.program.clone());
        compare("sweep", self.sweep.clone(), wanted.sweep.clone());
        compare("seed", self.seed.to_string(), wanted.seed.to_string());
        compare("variants of the grid", self.variants.to_string(), wanted.variants.to_string());
        compare("selected variants", self.selected.to_string(), wanted.selected.to_string());
        let series = |manifest: &Self| -> Vec<_> { manifest.data.iter().map(|d| d.series.clone()).collect() };
        compare("series", series(self).join(", "), series(wanted).join(", "));
        for (stored, wanted) in self.data.iter().zip(&wanted.data) {
            let shown = |data: &DataUse| data.hash.clone().unwrap_or_else(|| "no hash".to_owned());
            if stored.series == wanted.series {
                compare(&format!("data of {}", stored.series), shown(stored), shown(wanted));
            }
        }
        if let Some(line) = first_difference(&self.config, &wanted.config) {
            differences.push(line);
        }
        differences
    }

    /// Reads the manifest of a run folder; `None` when there is none, so that the folder is no run.
    pub(super) fn read(folder: &Path) -> Result<Option<(Self, u64)>, SweepError> {
        let path = folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SweepError::io(&path, "read the manifest")(error)),
        };
        let wrong = |found: String| SweepError::Format {
            path: path.clone(),
            expected: format!("the manifest of a sweep, format {FORMAT}"),
            found,
        };
        let Version { format } = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if format != FORMAT {
            return Err(wrong(format!("format {format}, of another version of the program")));
        }
        let Versioned { manifest, .. } =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        Ok(Some((manifest, identity(&bytes))))
    }

    /// Its bytes on disk, and what tells this run from others.
    pub(super) fn encode(&self) -> Result<(Vec<u8>, u64), SweepError> {
        let mut bytes = serde_json::to_vec_pretty(&Versioned { format: FORMAT, manifest: self })
            .map_err(|error| SweepError::Refused { subject: self.sweep.clone(), what: error.to_string() })?;
        bytes.push(b'\n');
        let identity = identity(&bytes);
        Ok((bytes, identity))
    }

    /// Faults that make it no manifest.
    pub(super) fn check(&self) -> Result<(), SweepError> {
        let refused = |what: String| SweepError::Refused { subject: format!("sweep {}", self.sweep), what };
        if self.selected.is_empty() {
            return Err(refused("no variant is selected".to_owned()));
        }
        match self.selected.ranges().last() {
            Some(last) if last.end > self.variants => Err(refused(format!(
                "expected variants 1 to {}, found {} among the selected",
                self.variants, last.end
            ))),
            _ => Ok(()),
        }
    }
}

fn identity(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

fn first_difference(stored: &str, wanted: &str) -> Option<String> {
    if stored == wanted {
        return None;
    }
    let (mut old, mut new) = (stored.lines(), wanted.lines());
    let mut line = 0;
    loop {
        line += 1;
        match (old.next(), new.next()) {
            (None, None) => return Some("configuration: other line ends".to_owned()),
            (old, new) if old == new => {}
            (old, new) => {
                let shown =
                    |text: Option<&str>| text.map_or("nothing".to_owned(), |t| format!("`{}`", t.trim()));
                return Some(format!(
                    "configuration, line {line}: the run has {}, now {}",
                    shown(old),
                    shown(new)
                ));
            }
        }
    }
}

/// Puts a small file in place, whole and durable.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SweepError> {
    let mut draft = Draft::create(path)?;
    draft.write_all(bytes).map_err(SweepError::io(path, "write the file"))?;
    Ok(draft.commit()?)
}
