//! Made-up markets and the sweeps that run on them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use barhive_config::{LoadOptions, LoadedSweep, load_sweep_str};
use barhive_engine::{
    data::{Pull, SeriesKind, SeriesRequest, Source},
    registry::Registry as Parts,
    timeframe::Timeframe,
};
use barhive_feeds::{SyntheticParams, SyntheticSource, import::InstrumentSpec};
use barhive_store::{Catalog, SeriesFacts};

use super::{BenchError, not_written};

/// A new folder that is removed when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder in `base`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn below(base: &Path) -> Result<Self, BenchError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Absolute, for workers that look for it from where they are.
        let base = base.canonicalize().map_err(|error| not_written(base, &error))?;
        loop {
            let number = NUMBER.fetch_add(1, Relaxed);
            let folder = base.join(format!("barhive-bench-{}-{number}", process::id()));
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(not_written(&folder, &error)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is told by the system to whoever looks there.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A catalog of so many one-minute bars of so many instruments in this folder, made unless it is there.
///
/// # Errors
/// When it cannot be written.
pub fn catalog(folder: &Path, instruments: u32, bars: u64) -> Result<(), BenchError> {
    let done = folder.join("done");
    if done.exists() {
        return Ok(());
    }
    let instrument = InstrumentSpec { price_scale: Some(6), ..InstrumentSpec::default() };
    let params = SyntheticParams { instruments, bars, instrument, ..SyntheticParams::default() };
    let source = SyntheticSource::new(params).map_err(BenchError::of)?;
    let catalog = Catalog::open_or_create(folder).map_err(BenchError::of)?;
    for instrument in source.instruments().map_err(BenchError::of)? {
        let request = SeriesRequest {
            symbol: instrument.symbol.clone(),
            kind: SeriesKind::BAR,
            timeframe: Timeframe::M1,
            from_ns: None,
            to_ns: None,
        };
        let mut feed = source.open(&request).map_err(BenchError::of)?;
        let facts = SeriesFacts { prices_on_scale: true, ..SeriesFacts::default() };
        let mut writer =
            catalog.writer(instrument, SeriesKind::BAR, Timeframe::M1, facts).map_err(BenchError::of)?;
        while let Pull::Rows(batch) = feed.pull(8_192, 0).map_err(BenchError::of)? {
            writer.append(&batch.columns).map_err(BenchError::of)?;
        }
        writer.finish().map_err(BenchError::of)?;
    }
    fs::write(&done, "").map_err(|error| not_written(&done, &error))
}

/// What a sweep reads.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// The folder of a catalog.
    pub catalog: &'a Path,
    /// Whether its files are mapped, or read.
    pub map: bool,
    /// How many of the first bars.
    pub bars: Option<u64>,
}

impl<'a> Data<'a> {
    /// All bars of a catalog, mapped.
    pub fn of(catalog: &'a Path) -> Self {
        Self { catalog, map: true, bars: None }
    }

    /// A sweep over these bars: an account of a million, a tenth of a per cent a fill, and these
    /// strategies, a line each.
    pub fn sweep_text(&self, strategies: &[String]) -> String {
        // JSON is YAML in flow style.
        let path = serde_json::Value::from(self.catalog.to_string_lossy());
        let bars = self.bars.map_or_else(String::new, |bars| format!("bars: {bars}\n"));
        let map = self.map;
        format!(
            "name: bench\n\
             feed: {{kind: catalog, params: {{path: {path}, map: {map}}}}}\n\
             account: {{cash: 1000000 USD}}\n\
             fees: {{rate: 0.1%}}\n\
             {bars}\
             strategies:\n{}",
            strategies.iter().map(|line| format!("  - {{{line}}}\n")).collect::<String>()
        )
    }

    /// The same as the engine takes it.
    ///
    /// # Errors
    /// When the catalog cannot be opened, or the strategies are not those of `parts`.
    pub fn sweep(&self, strategies: &[String], parts: &Parts) -> Result<LoadedSweep, BenchError> {
        load_sweep_str(&self.sweep_text(strategies), "bench", parts, &LoadOptions::default())
            .map_err(BenchError::of)
    }
}

/// A grid of at least so many pairs of averages that hold one unit, as a strategy of a sweep.
pub fn crosses(id: &str, at_least: u64) -> String {
    let slow = 60 + at_least.div_ceil(50).max(1) - 1;
    format!(
        "id: {id}, kind: sma_cross, params: {{fast: \"range(5, 54)\", slow: \"range(60, {slow})\"}}, \
         timeframe: 1m, sizing: {{fixed: 1}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn a_folder_is_gone_with_its_owner() {
        let base = tempfile::tempdir().expect("a folder");
        let one = Folder::below(base.path()).expect("a folder");
        let two = Folder::below(base.path()).expect("another");
        fs::write(one.path().join("file"), "").expect("a file");
        assert!(one.path().is_absolute() && one.path() != two.path());
        drop((one, two));
        assert_eq!(fs::read_dir(base.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_grid_has_what_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        catalog(folder.path(), 1, 100).expect("a catalog");
        catalog(folder.path(), 1, 100).expect("there already");
        for (at_least, variants) in [(1, 50), (50, 50), (51, 100), (1_000, 1_000)] {
            let data = Data { map: false, ..Data::of(folder.path()) };
            let sweep = data.sweep(&[crosses("a", at_least)], Registry::builtin().as_engine());
            assert_eq!(sweep.expect("a sweep").spec.variants(), variants);
        }
    }
}
