//! Loading a set or a sweep: read, compose, build.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive_engine::{Registry, set::RunSpec};

use crate::{
    Faults, LoadedSweep, Origin, VariantSets,
    build::{Scene, build, build_sweep, make_absolute},
    compose::{Includer, apply_overrides},
    fault::FaultLog,
    kind::{Evidence, Kind, of_a_sweep},
    read::{Place, Reader},
    source::{Folder, read_named, take_text},
    tree::{Budget, Node, Value, parse, write},
};

/// Looks up an environment variable.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What is asked of a configuration beyond its files.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// Overrides such as `strategies[0].params.fast=12`, applied in order.
    pub sets: Vec<String>,
    /// Where `${NAME}` in secrets is looked up; the process's environment when `None`.
    pub environment: Option<Environment>,
    /// Whether strategies with faults are left out when the rest of the set is sound.
    pub keep_going: bool,
    /// Where relative paths start for a text that is not in a file.
    pub base_dir: PathBuf,
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions").field("sets", &self.sets).finish_non_exhaustive()
    }
}

/// What a report holds and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// The page's title; the set's name when `None`.
    pub title: Option<String>,
    /// The folder of results, relative to the folder of the configuration and never outside of it.
    pub dir: Option<PathBuf>,
    /// Whether an HTML page is written.
    pub html: bool,
    /// Whether trades, orders and equity are written as Parquet.
    pub parquet: bool,
    /// Whether trades, orders and equity are written as CSV.
    pub csv: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { title: None, dir: None, html: true, parquet: true, csv: false }
    }
}

/// A loaded set.
#[derive(Clone)]
pub struct Loaded {
    /// What the engine runs.
    pub spec: RunSpec,
    /// What the report holds.
    pub report: ReportOptions,
    /// The exact configuration, includes and overrides applied, secrets hidden.
    pub canonical_yaml: String,
    /// The same with absolute data paths: it gives the same result from whatever folder it is read.
    pub standalone_yaml: String,
    /// The combination of a sweep that it was made from, when it says so.
    pub origin: Option<Origin>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
    /// Faults of strategies that were left out ([`LoadOptions::keep_going`]).
    pub left_out: Option<Faults>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub enum Document {
    /// A strategy set.
    Set(Box<Loaded>),
    /// A sweep.
    Sweep(Box<LoadedSweep>),
}

/// Loads a set from a file. Includes and data paths are relative to its folder.
///
/// # Errors
/// Everything that is wrong with it; a file that is a sweep says so.
pub fn load(path: &Path, registry: &Registry, options: &LoadOptions) -> Result<Loaded, Faults> {
    match from_file(path, registry, options, Some(Kind::Set))? {
        Document::Set(set) => Ok(*set),
        Document::Sweep(_) => unreachable!("a set was asked for"),
    }
}

/// Loads a sweep from a file. Includes, data paths and files of points are relative to its folder.
///
/// # Errors
/// Everything that is wrong with it; a file that is a set says so.
pub fn load_sweep(path: &Path, registry: &Registry, options: &LoadOptions) -> Result<LoadedSweep, Faults> {
    match from_file(path, registry, options, Some(Kind::Sweep))? {
        Document::Sweep(sweep) => Ok(*sweep),
        Document::Set(_) => unreachable!("a sweep was asked for"),
    }
}

/// Loads a file, whichever it is. A sweep is what has a section `sweep`, or a strategy with `where`,
/// `points`, `timeframes` or a parameter with several values.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_any(path: &Path, registry: &Registry, options: &LoadOptions) -> Result<Document, Faults> {
    from_file(path, registry, options, None)
}

/// Loads a set from text; `origin` names it in faults.
///
/// # Errors
/// Everything that is wrong with it; a text that is a sweep says so.
pub fn load_str(
    text: &str,
    origin: &str,
    registry: &Registry,
    options: &LoadOptions,
) -> Result<Loaded, Faults> {
    match from_text(text, origin, registry, options, Kind::Set)? {
        Document::Set(set) => Ok(*set),
        Document::Sweep(_) => unreachable!("a set was asked for"),
    }
}

/// Loads a sweep from text; `origin` names it in faults.
///
/// # Errors
/// Everything that is wrong with it; a text that is a set says so.
pub fn load_sweep_str(
    text: &str,
    origin: &str,
    registry: &Registry,
    options: &LoadOptions,
) -> Result<LoadedSweep, Faults> {
    match from_text(text, origin, registry, options, Kind::Sweep)? {
        Document::Sweep(sweep) => Ok(*sweep),
        Document::Set(_) => unreachable!("a sweep was asked for"),
    }
}

fn from_file(
    path: &Path,
    registry: &Registry,
    options: &LoadOptions,
    asked: Option<Kind>,
) -> Result<Document, Faults> {
    let log = FaultLog::default();
    let dir = path.parent().unwrap_or(Path::new(""));
    let folder = Folder::new(dir.to_path_buf());
    let name = PathBuf::from(path.file_name().unwrap_or(path.as_os_str()));
    let bytes = match read_named(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("cannot be read: {error}");
            log.add_unreadable(path.to_string_lossy().into_owned(), message, None);
            return Err(log.finish());
        }
    };
    let Some((file, text)) = take_text(bytes, path.to_string_lossy().into_owned(), &log) else {
        return Err(log.finish());
    };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let source = Source { folder: &folder, dir, name: &name, file, text: &text, stem };
    load_source(&source, registry, options, asked, &log)
}

fn from_text(
    text: &str,
    origin: &str,
    registry: &Registry,
    options: &LoadOptions,
    asked: Kind,
) -> Result<Document, Faults> {
    let log = FaultLog::default();
    let file = log.add_source(origin.to_owned(), text.to_owned());
    let folder = Folder::new(options.base_dir.clone());
    let stem = Path::new(origin).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = Path::new("");
    let source = Source { folder: &folder, dir: &options.base_dir, name, file, text, stem };
    load_source(&source, registry, options, Some(asked), &log)
}

/// The first text of a configuration.
struct Source<'a> {
    folder: &'a Folder,
    dir: &'a Path,
    name: &'a Path,
    file: u32,
    text: &'a str,
    stem: Option<String>,
}

fn load_source(
    source: &Source<'_>,
    registry: &Registry,
    options: &LoadOptions,
    asked: Option<Kind>,
    log: &FaultLog,
) -> Result<Document, Faults> {
    let root = compose(source, options, log)?;
    let evidence = of_a_sweep(&root, registry);
    let kind = asked.unwrap_or(if evidence.is_some() { Kind::Sweep } else { Kind::Set });
    match (kind, evidence) {
        (Kind::Set, Some(Evidence { at, path })) => {
            let hint = "run it with `barhive sweep`, or give every parameter one value";
            log.add(at, &path, "this makes the file a sweep".into(), Some(hint.into()));
            return Err(log.finish());
        }
        (Kind::Sweep, None) if log.is_empty() => {
            let hint = "run it with `barhive run`, or give a parameter several values: fast: [5, 10]";
            log.add(root.at, "", "this is a set: nothing in it is varied".into(), Some(hint.into()));
            return Err(log.finish());
        }
        _ => {}
    }
    let environment = |name: &str| match &options.environment {
        Some(environment) => environment(name),
        None => std::env::var(name).ok(),
    };
    let reader = Reader::new(log, &environment);
    let scene = Scene {
        reader: &reader,
        registry,
        base_dir: source.dir,
        default_name: source.stem.as_deref().unwrap_or(kind.name()),
        root: Place::root(&root),
    };
    match kind {
        Kind::Set => set(&scene, options, log).map(|set| Document::Set(Box::new(set))),
        Kind::Sweep => sweep(&scene, log).map(|sweep| Document::Sweep(Box::new(sweep))),
    }
}

/// One tree from the first text, its includes and the overrides.
fn compose(source: &Source<'_>, options: &LoadOptions, log: &FaultLog) -> Result<Node, Faults> {
    let mut includer = Includer::new(source.folder, source.dir, log);
    let Some(mut root) = includer.parse(source.name, source.file, source.text) else {
        return Err(log.finish());
    };
    apply_overrides(&mut root, &options.sets, log);
    let budget = Budget::default();
    if root.depth() > budget.depth_max || root.size() > budget.nodes_max {
        let message = format!(
            "with its includes the file is more than {} levels deep or has more than {} values",
            budget.depth_max, budget.nodes_max
        );
        log.add(root.at, "", message, None);
        return Err(log.finish());
    }
    Ok(root)
}

fn set(scene: &Scene<'_, '_>, options: &LoadOptions, log: &FaultLog) -> Result<Loaded, Faults> {
    let built = build(scene);
    let sound = log.is_empty();
    let Some(built) = built else { return Err(not_understood(scene, log)) };
    let rest_is_sound =
        options.keep_going && log.all_within("strategies") && !built.spec.containers.is_empty();
    if !sound && !rest_is_sound {
        return Err(log.finish());
    }
    let canonical_yaml = canonical(scene);
    Ok(Loaded {
        spec: built.spec,
        report: built.report,
        standalone_yaml: standalone(&canonical_yaml, scene.base_dir),
        canonical_yaml,
        origin: built.origin,
        warnings: built.warnings,
        left_out: (!sound).then(|| log.finish()),
    })
}

fn sweep(scene: &Scene<'_, '_>, log: &FaultLog) -> Result<LoadedSweep, Faults> {
    let built = build_sweep(scene);
    match built {
        None => Err(not_understood(scene, log)),
        Some(_) if !log.is_empty() => Err(log.finish()),
        Some((built, extent)) => {
            let canonical_yaml = canonical(scene);
            let standalone_yaml = standalone(&canonical_yaml, scene.base_dir);
            Ok(LoadedSweep {
                spec: built.spec,
                settings: extent.settings,
                report: built.report,
                sets: VariantSets::new(standalone_yaml.clone(), extent.entries),
                standalone_yaml,
                canonical_yaml,
                files: extent.files,
                warnings: built.warnings,
            })
        }
    }
}

fn not_understood(scene: &Scene<'_, '_>, log: &FaultLog) -> Faults {
    if log.is_empty() {
        log.add(scene.root.at, "", "the file could not be understood".into(), None);
    }
    log.finish()
}

fn canonical(scene: &Scene<'_, '_>) -> String {
    write(scene.root.node, &|node| scene.reader.is_secret(node))
}

/// What was written of a file, with the data paths made absolute, and without the database: results do not
/// depend on where they are copied to, and a secret of today says nothing tomorrow.
fn standalone(canonical_yaml: &str, base_dir: &Path) -> String {
    let log = FaultLog::default();
    let file = log.add_source(String::new(), canonical_yaml.to_owned());
    match parse(canonical_yaml, file, Budget::default(), &log) {
        Some(mut root) => {
            make_absolute(&mut root, base_dir);
            if let Some(Value::Mapping(fields)) = root.get_mut("sweep").map(|sweep| &mut sweep.value) {
                fields.retain(|field| &*field.key.text != "database");
            }
            write(&root, &|_| false)
        }
        None => canonical_yaml.to_owned(),
    }
}
