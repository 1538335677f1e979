//! What the SQL needs from a database.

use super::DatabaseError;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

impl Value {
    /// A text as every database takes it.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Text(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text })
    }

    /// A count; those beyond 63 bits cannot be.
    pub(super) fn count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A figure; what is not a number is not defined.
    pub(super) fn real(figure: Option<f64>) -> Self {
        figure.filter(|figure| !figure.is_nan()).map_or(Self::Null, Self::Real)
    }

    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    pub(super) fn as_real(&self) -> Option<f64> {
        match self {
            Self::Real(real) => Some(*real),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// An open database. Parameters are `$1`, `$2`, …, in the order in which they first appear.
pub(super) trait Connection: Send {
    /// Runs statements without parameters.
    fn batch(&mut self, sql: &str) -> Result<(), DatabaseError>;

    /// Runs a statement; answers how many rows it wrote.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DatabaseError>;

    /// Asks for rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError>;

    /// Begins a transaction that will write.
    fn begin(&mut self) -> Result<(), DatabaseError>;

    /// Keeps others from changing the tables until the transaction ends.
    fn lock_tables(&mut self) -> Result<(), DatabaseError>;
}

/// Runs `work` as one transaction: all of it is in the database afterwards, or nothing.
pub(super) fn transaction<T>(
    connection: &mut dyn Connection,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    connection.begin()?;
    let done = work(connection).and_then(|done| connection.batch("COMMIT").map(|()| done));
    if done.is_err() {
        // A connection that is gone has rolled back already.
        let _ = connection.batch("ROLLBACK");
    }
    done
}
