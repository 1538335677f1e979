//! Spawns the program in a folder of its own, and compares what it says with what it said.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A folder with the program in it.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What the program answered.
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The folders of runs below `results`.
    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("results")).expect("results");
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect()
    }

    /// The program with arguments, not started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barhive"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).env_remove("BARHIVE_LOG");
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Answer {
        Answer::of(self.command(args).output().expect("the program starts"))
    }

    /// Runs the program; it must succeed.
    pub fn succeed(&self, args: &[&str]) -> Answer {
        let answer = self.run(args);
        assert_eq!(answer.code, Some(0), "{args:?}: {}", answer.stderr);
        answer
    }

    /// Runs the program; it must refuse its arguments or configuration.
    pub fn refuse(&self, args: &[&str]) -> Answer {
        let answer = self.run(args);
        assert_eq!(answer.code, Some(2), "{args:?}: {}{}", answer.stdout, answer.stderr);
        assert_eq!(answer.stdout, "", "{args:?}");
        answer
    }
}

impl Answer {
    pub fn of(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("results are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("diagnostics are UTF-8"),
            code: output.status.code(),
        }
    }

    /// Fails when a line is wider than a plain terminal.
    pub fn fits_80_columns(&self) -> &Self {
        for line in self.stdout.lines().chain(self.stderr.lines()) {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
        self
    }
}

/// Compares with `tests/snapshots/<name>.txt`; `BARHIVE_BLESS=1` writes it anew.
pub fn snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("BARHIVE_BLESS").is_some() {
        fs::write(&path, found).expect("a snapshot");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == found,
        "{} differs; read what is new, then bless it with BARHIVE_BLESS=1\n--- kept\n{kept}\n--- found\n{found}",
        path.display()
    );
}
