//! Which database is meant.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use barhive_config::{DatabaseUrl, database_url};
use barhive_store::database::{Connect, Database, DatabaseError};
use clap::Args;

use crate::cli::outcome::CliError;

/// The database of a folder of results, unless another is named.
pub(in crate::cli) const FILE: &str = "results.sqlite";
/// How long a single answer is waited for.
const WAIT: Duration = Duration::from_secs(5);

/// Names the database of commands about runs.
#[derive(Args, Debug, Default)]
pub(in crate::cli) struct DatabaseFlags {
    /// The results database: none, sqlite:FILE or postgres://USER@HOST/NAME, with ${VARIABLE} from
    /// the environment [default: results.sqlite in the folder of results]
    #[arg(long = "database", value_name = "URL", value_parser = database_url)]
    url: Option<DatabaseUrl>,
}

/// A database that results are copied into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Target(DatabaseUrl);

impl DatabaseFlags {
    /// The database that is named, else the first file of the usual name in `folders` that is there. For
    /// commands that only look: none is made.
    ///
    /// # Errors
    /// When a file is named that is not there.
    pub(in crate::cli) fn existing(&self, folders: &[&Path]) -> Result<Option<Target>, CliError> {
        match self.url.clone() {
            Some(DatabaseUrl::Sqlite(path)) if !path.is_file() => Err(CliError::Usage(format!(
                "--database: there is no database {}; `barhive runs sync` makes one",
                path.display()
            ))),
            Some(url) => Ok(Target::of(url)),
            None => {
                let files = folders.iter().map(|folder| folder.join(FILE));
                Ok(files.into_iter().find(|file| file.is_file()).map(Target::file))
            }
        }
    }

    /// The database that is named.
    pub(in crate::cli) fn named(&self) -> Option<Target> {
        self.url.clone().and_then(Target::of)
    }

    /// The database that a run says it waits for, by the name it has there; a server only if it is named
    /// now, for what opens it is kept nowhere.
    ///
    /// # Errors
    /// What is to be done where it is not known how to open it.
    pub(in crate::cli) fn waited_for(&self, name: &str) -> Result<Target, String> {
        if let Some(named) = self.named().filter(|named| named.to_string() == name) {
            return Ok(named);
        }
        match name.parse() {
            Ok(DatabaseUrl::Sqlite(path)) => Ok(Target::file(path)),
            _ => Err("name it with --database".to_owned()),
        }
    }

    /// The database that is named, else a file in `folder`, made where it is missing.
    pub(in crate::cli) fn or_in(&self, folder: &Path) -> Option<Target> {
        match &self.url {
            Some(url) => Target::of(url.clone()),
            None => Some(Target::file(folder.join(FILE))),
        }
    }

    /// Whether no database is to be touched.
    pub(in crate::cli) fn is_none(&self) -> bool {
        self.url == Some(DatabaseUrl::Nowhere)
    }
}

impl Target {
    /// What a URL names; nothing for `none`.
    pub(in crate::cli) fn of(url: DatabaseUrl) -> Option<Self> {
        match url {
            DatabaseUrl::Nowhere => None,
            // Named the same from whatever folder a command is given in.
            DatabaseUrl::Sqlite(path) => Some(Self::file(path)),
            url => Some(Self(url)),
        }
    }

    /// A file of SQLite.
    pub(in crate::cli) fn file(path: PathBuf) -> Self {
        Self(DatabaseUrl::Sqlite(std::path::absolute(&path).unwrap_or(path)))
    }

    /// Opens it, making its tables where they are missing.
    ///
    /// # Errors
    /// When it is gone or refuses.
    pub(in crate::cli) fn open(&self) -> Result<Database, DatabaseError> {
        match &self.0 {
            DatabaseUrl::Postgres(url) => Database::open(url.expose(), WAIT),
            other => Database::open(&other.to_string(), WAIT),
        }
    }

    /// The same, as often as it is needed.
    pub(in crate::cli) fn connect(&self) -> Connect {
        let target = self.clone();
        Box::new(move || Ok(Box::new(target.open()?)))
    }
}

/// Without user and password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
