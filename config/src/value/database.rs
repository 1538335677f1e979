//! The database that results are copied into.

use std::{fmt, path::PathBuf, str::FromStr};

use barhive_engine::secret::Secret;

use crate::{read::with_environment, tree::quote};

/// How URLs of PostgreSQL begin.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where the results of sweeps are copied to, beside their folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// Nowhere: `none`.
    Nowhere,
    /// A file of SQLite: `sqlite:results.sqlite`.
    Sqlite(PathBuf),
    /// A PostgreSQL server: `postgres://user@host/database`.
    Postgres(Secret),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sqlite:") {
            _ if text == "none" => Ok(Self::Nowhere),
            Some("") => Err("expected the path of a file behind sqlite:".to_owned()),
            Some(path) => Ok(Self::Sqlite(path.into())),
            None if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) => {
                Ok(Self::Postgres(Secret::new(text)))
            }
            // What was written may be a password in the wrong place: it is not repeated.
            None => Err("expected none, sqlite:FILE or postgres://USER@HOST/DATABASE".to_owned()),
        }
    }
}

/// Without user, password and options.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("none"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let (_, rest) = url.expose().split_once("://").unwrap_or_default();
                let rest = rest.split('?').next().unwrap_or_default();
                write!(f, "postgres://{}", rest.rsplit('@').next().unwrap_or_default())
            }
        }
    }
}

/// A database as a flag names it: `${NAME}` stands for an environment variable, so that no password need
/// be on a command line.
///
/// # Errors
/// When it is none, or a variable is not set.
pub fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    let lookup = |name: &str| std::env::var(name).ok();
    with_environment(text, &lookup).map_err(|error| error.to_string())?.parse()
}

/// What is wrong with a database as a file names it: a password that is not in the environment.
pub(crate) fn plain_password(written: &str) -> Option<String> {
    let (_, rest) = written.split_once("://")?;
    let (user, _) = rest.rsplit_once('@').unwrap_or_default();
    let in_user = user.split_once(':').map(|(_, password)| password);
    let in_options = rest.split(['?', '&']).find_map(|option| option.strip_prefix("password="));
    let is_plain = |password: &str| !password.is_empty() && !password.contains("${");
    let found = [in_user, in_options].into_iter().flatten().any(is_plain);
    found.then(|| {
        format!(
            "expected a password from the environment, as in {}",
            quote("postgres://me:${PASSWORD}@host/db")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_what_opens_it() {
        let shown = |text: &str| text.parse::<DatabaseUrl>().map(|url| url.to_string());
        assert_eq!(shown("none").as_deref(), Ok("none"));
        assert_eq!(shown("sqlite:a/b.sqlite").as_deref(), Ok("sqlite:a/b.sqlite"));
        let url = "postgresql://me:p@ss@db.example:5433/bars?password=x&sslmode=disable";
        assert_eq!(shown(url).as_deref(), Ok("postgres://db.example:5433/bars"));
        assert!(!format!("{:?}", url.parse::<DatabaseUrl>()).contains("p@ss"));
        for wrong in ["", "sqlite:", "mysql://x", "hunter2"] {
            let fault = shown(wrong).unwrap_err();
            assert!(fault.starts_with("expected ") && !fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn a_password_in_a_file_is_noticed() {
        for plain in ["postgres://me:secret@host/db", "postgres://host/db?sslmode=disable&password=secret"] {
            assert!(plain_password(plain).is_some_and(|fault| !fault.contains("secret")), "{plain}");
        }
        for sound in ["postgres://me:${PW}@host/db", "postgres://me@host/db", "${DB}", "sqlite:a", "none"] {
            assert_eq!(plain_password(sound), None, "{sound}");
        }
    }
}
