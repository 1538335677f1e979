//! The project's manners, checked: file sizes, dead files, arrows between crates, names, unfinished
//! work, unexplained exceptions, who may print, and paths of one machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

const LINES_WARN: usize = 500;
const LINES_MAX: usize = 600;

/// What each crate may depend on within the workspace.
const ARROWS: &[(&str, &[&str])] = &[
    ("barhive-engine", &[]),
    ("barhive-strategies", &["barhive-engine"]),
    ("barhive-feeds", &["barhive-engine"]),
    ("barhive-config", &["barhive-engine"]),
    ("barhive-store", &["barhive-engine"]),
    ("barhive-report", &["barhive-engine"]),
    ("barhive-machine", &["barhive-engine"]),
    (
        "barhive-actors",
        &[
            "barhive-engine",
            "barhive-machine",
            "barhive-strategies",
            "barhive-feeds",
            "barhive-config",
            "barhive-store",
            "barhive-report",
        ],
    ),
    ("barhive-serve", &["barhive-engine", "barhive-machine"]),
    (
        "barhive",
        &[
            "barhive-engine",
            "barhive-strategies",
            "barhive-feeds",
            "barhive-config",
            "barhive-store",
            "barhive-report",
            "barhive-machine",
            "barhive-actors",
            "barhive-serve",
        ],
    ),
];

/// What the engine must not reach, however far down its dependencies.
const NOT_IN_ENGINE: &[&str] =
    &["actix", "actix-rt", "tokio", "mio", "memmap2", "rustix", "sysinfo", "reqwest", "tracing"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the tree that is not built, downloaded or produced.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            if path.is_dir() {
                let produced = name == "target" || name == ".git";
                let at_root = folder == root() && (name == "results" || name == "data");
                if !produced && !at_root {
                    folders.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Fails with all faults at once.
fn report(what: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

/// Lines of code: text between `//` and the end of a line does not count.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let code = line.trim_start();
        (!code.starts_with("//")).then_some((index + 1, line))
    })
}

#[test]
fn files_are_small() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            faults.push(format!("{}: {lines} lines", shown(&path)));
        } else if lines > LINES_WARN {
            println!("warning: {} has {lines} lines; does it still own one idea?", shown(&path));
        }
    }
    report(&format!("files above {LINES_MAX} lines"), faults);
}

#[test]
fn every_file_is_reached_by_a_mod() {
    let sources = rust_files();
    let texts: BTreeMap<_, _> = sources.iter().map(|(path, text)| (path.as_path(), text.as_str())).collect();
    let mut reached = BTreeSet::new();
    let mut pending: Vec<_> =
        texts.keys().filter(|path| is_crate_root(path)).map(|path| path.to_path_buf()).collect();
    let mut faults = Vec::new();
    while let Some(path) = pending.pop() {
        if !reached.insert(path.clone()) {
            continue;
        }
        let folder = child_folder(&path);
        for (line, name, explicit) in modules(texts[path.as_path()]) {
            let candidates = match explicit {
                Some(file) => vec![normal(&path.parent().unwrap().join(file))],
                None => vec![folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")],
            };
            match candidates.into_iter().find(|candidate| texts.contains_key(candidate.as_path())) {
                Some(child) => pending.push(child),
                None => faults.push(format!("{}:{line}: mod {name} has no file", shown(&path))),
            }
        }
    }
    faults.extend(texts.keys().filter(|path| !reached.contains(**path)).map(|path| shown(path)));
    report("files that no crate compiles", faults);
}

/// `lib.rs`, `main.rs`, `build.rs` and the files directly in `tests`, `benches`, `examples` and `src/bin`.
fn is_crate_root(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    let folder = path.parent().unwrap();
    let crate_folder = |folder: &Path| folder.join("Cargo.toml").exists();
    match folder.file_name().unwrap().to_str().unwrap() {
        "src" => matches!(name, "lib.rs" | "main.rs") && crate_folder(folder.parent().unwrap()),
        "tests" | "benches" | "examples" => crate_folder(folder.parent().unwrap()),
        "bin" => true,
        // A test, bench or example of several files.
        _ if name == "main.rs" => {
            let kind = folder.parent().unwrap();
            let names = ["tests", "benches", "examples"].map(|name| kind.ends_with(name));
            names.contains(&true) && crate_folder(kind.parent().unwrap())
        }
        _ => name == "build.rs" && crate_folder(folder),
    }
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
        path
    })
}

fn child_folder(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    if is_crate_root(path) || name == "mod.rs" {
        folder.to_path_buf()
    } else {
        folder.join(path.file_stem().unwrap())
    }
}

/// `mod name;` declarations with their line and `#[path]`.
fn modules(text: &str) -> Vec<(usize, &str, Option<&str>)> {
    let mut found = Vec::new();
    let mut explicit = None;
    for (line, code) in code_lines(text) {
        let code = code.trim();
        if let Some(rest) = code.strip_prefix("#[path = \"") {
            explicit = rest.split('"').next();
            continue;
        }
        let Some(declaration) = code.strip_suffix(';') else { continue };
        let words: Vec<_> = declaration.split_whitespace().collect();
        if let [visibility @ .., "mod", name] = words.as_slice()
            && visibility.iter().all(|word| word.starts_with("pub") || word.starts_with("in"))
        {
            found.push((line, *name, explicit.take()));
        }
    }
    found
}

#[test]
fn arrows_between_crates_point_one_way() {
    let mut faults = Vec::new();
    for (name, allowed) in ARROWS {
        let folder = name.strip_prefix("barhive-").unwrap_or(".");
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        for dependency in section(&manifest, "[dependencies]") {
            if dependency.starts_with("barhive") && !allowed.contains(&dependency) {
                faults.push(format!("{name} -> {dependency}"));
            }
        }
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for member in workspace.lines().find(|line| line.starts_with("members")).unwrap().split('"') {
        let is_name = !member.is_empty() && member.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_name && !ARROWS.iter().any(|(name, _)| name.strip_prefix("barhive-") == Some(member)) {
            faults.push(format!("crate {member} is in no line of ARROWS"));
        }
    }
    report("arrows that ARCHITECTURE.md does not show", faults);
}

/// Names of the keys in a section of a manifest.
fn section<'a>(manifest: &'a str, title: &str) -> Vec<&'a str> {
    let lines = manifest.lines().skip_while(|line| line.trim() != title).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect()
}

#[test]
fn the_engine_knows_no_runtime_however_far_down() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut graph: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = package.split("name = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let list = package.split("dependencies = [").nth(1).and_then(|rest| rest.split(']').next());
        let names = list.unwrap_or_default().lines().filter_map(|line| {
            let dependency = line.trim().trim_matches([',', '"']);
            dependency.split(' ').next().filter(|name| !name.is_empty())
        });
        graph.entry(name).or_default().extend(names);
    }
    // The lock file lists development dependencies of workspace members too; start from the real ones.
    let manifest = fs::read_to_string(root().join("engine/Cargo.toml")).unwrap();
    let mut pending = section(&manifest, "[dependencies]");
    let mut seen = BTreeSet::new();
    while let Some(name) = pending.pop() {
        if seen.insert(name) {
            pending.extend(graph.get(name).into_iter().flatten());
        }
    }
    let faults = NOT_IN_ENGINE.iter().filter(|name| seen.contains(**name)).map(|name| (*name).to_owned());
    report("the engine depends on", faults.collect());
}

#[test]
fn names_tell_their_story() {
    const BANNED: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc", "manager", "core"];
    let mut faults = Vec::new();
    for (path, _) in rust_files() {
        let relative = path.strip_prefix(root()).unwrap();
        for part in relative.iter().filter_map(|part| part.to_str()) {
            if BANNED.contains(&part.trim_end_matches(".rs")) {
                faults.push(shown(&path));
            }
        }
    }
    report("names that say nothing", faults);
}

#[test]
fn no_work_is_left_unfinished() {
    let marks =
        [concat!("to", "do!("), concat!("un", "implemented!("), concat!("FIX", "ME"), concat!("TO", "DO")];
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        for (index, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                faults.push(format!("{}:{}: {}", shown(&path), index + 1, line.trim()));
            }
        }
    }
    report("unfinished work", faults);
}

#[test]
fn every_exception_has_its_reason() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        for (line, code) in code_lines(&text) {
            let code = code.trim_start();
            let exception = code.strip_prefix("#[").or_else(|| code.strip_prefix("#!["));
            let is_exception = exception.is_some_and(|code| {
                ["allow(", "expect(", "ignore"].iter().any(|start| code.starts_with(start))
            });
            if !is_exception {
                continue;
            }
            let attribute: String =
                text.lines().skip(line - 1).take(6).scan(false, until_closed).collect::<Vec<_>>().join(" ");
            if !attribute.contains("reason =") && !attribute.contains("#[ignore =") {
                faults.push(format!("{}:{line}: {code}", shown(&path)));
            }
            let unsafe_code = attribute.contains("unsafe_code");
            if unsafe_code && !path.starts_with(root().join("store/src")) {
                faults
                    .push(format!("{}:{line}: only the mapping module of store may be unsafe", shown(&path)));
            }
        }
    }
    report("exceptions without a reason", faults);
}

/// Passes lines on until one closes the attribute.
fn until_closed<'a>(closed: &mut bool, line: &'a str) -> Option<&'a str> {
    if *closed {
        return None;
    }
    *closed = line.trim_end().ends_with(']');
    Some(line)
}

#[test]
fn only_the_program_prints_or_exits() {
    let marks = ["println!(", "print!(", "process::exit(", "process::abort("];
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let relative = shown(&path);
        let is_library = relative.contains("src/") && !relative.starts_with("src/");
        if !is_library || relative.contains("/tests/") {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (line, code) in code_lines(code) {
            if marks.iter().any(|mark| code.contains(mark)) {
                faults.push(format!("{relative}:{line}: {}", code.trim()));
            }
        }
    }
    report("a library prints or exits", faults);
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let marks =
        [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!(".cargo/", "registry")];
    let mut faults = Vec::new();
    for path in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (index, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                faults.push(format!("{}:{}", shown(&path), index + 1));
            }
        }
    }
    report("paths of one machine", faults);
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let faults = files()
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .filter(|path| {
            let manifest = fs::read_to_string(path).unwrap();
            !manifest.contains("[lints]\nworkspace = true") && !manifest.contains("[lints.rust]")
        })
        .map(|path| shown(&path))
        .collect();
    report("crates without the lints of the workspace", faults);
}
