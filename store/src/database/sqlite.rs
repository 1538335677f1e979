//! SQLite, embedded.

use std::{path::Path, time::Duration};

use rusqlite::{
    Error, ErrorCode, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    DatabaseError,
    connection::{Connection, Value},
};

/// Between two tries where SQLite does not wait by itself.
const TRY_AGAIN: Duration = Duration::from_millis(10);

pub(super) struct Sqlite(rusqlite::Connection);

impl Sqlite {
    /// Opens or makes a file; waits no longer than `wait` for others that write it.
    pub(super) fn open(path: &Path, wait: Duration) -> Result<Self, DatabaseError> {
        let connection = rusqlite::Connection::open(path).map_err(fault)?;
        // Readers do not stop the writer. A power cut may lose the last passes: they come again.
        let journal = || connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
        // Several programs that make a file at once: SQLite does not wait for the others here by itself.
        connection.busy_timeout(Duration::ZERO).map_err(fault)?;
        let mut tries = wait.as_millis() / TRY_AGAIN.as_millis();
        let mut made = journal();
        while tries > 0
            && made.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
        {
            std::thread::sleep(TRY_AGAIN);
            tries -= 1;
            made = journal();
        }
        made.map_err(fault)?;
        connection.busy_timeout(wait).map_err(fault)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self(connection))
    }
}

impl Connection for Sqlite {
    fn batch(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.0.execute_batch(sql).map_err(fault)
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DatabaseError> {
        let mut statement = self.0.prepare_cached(sql).map_err(fault)?;
        statement.execute(params_from_iter(params)).map(|rows| rows as u64).map_err(fault)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError> {
        let mut statement = self.0.prepare_cached(sql).map_err(fault)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params)).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(match row.get_ref(column).map_err(fault)? {
                    ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                    ValueRef::Integer(integer) => Value::Integer(integer),
                    ValueRef::Real(real) => Value::Real(real),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                });
            }
            found.push(values);
        }
        Ok(found)
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn lock_tables(&mut self) -> Result<(), DatabaseError> {
        // There is one writing transaction at a time.
        Ok(())
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn fault(error: Error) -> DatabaseError {
    let may_pass = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
        )
    );
    if may_pass { DatabaseError::Gone(error.to_string()) } else { DatabaseError::Refused(error.to_string()) }
}
