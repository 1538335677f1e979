//! PostgreSQL, with a bound on how long every answer may take.

use std::{collections::HashMap, error::Error as _, time::Duration};

use bytes::BytesMut;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{
    Client, Config, Error, NoTls, Statement,
    config::SslMode,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    DatabaseError,
    connection::{Connection, Value},
};

/// The lock under which tables are changed, any number that nobody else takes.
const TABLES_LOCK: &str = "SELECT pg_advisory_xact_lock(7164501938427)";

pub(super) struct Postgres {
    /// Taken out when it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: HashMap<String, Statement>,
    wait: Duration,
}

impl Postgres {
    /// Connects; neither this nor any answer takes longer than `wait`.
    pub(super) fn connect(url: &str, wait: Duration) -> Result<Self, DatabaseError> {
        let mut config: Config =
            url.parse().map_err(|error: Error| DatabaseError::Refused(text_of(&error)))?;
        if config.get_ssl_mode() == SslMode::Require {
            let what =
                "sslmode=require, but this program has no TLS for databases; use a local socket or a tunnel";
            return Err(DatabaseError::Refused(what.to_owned()));
        }
        config.connect_timeout(wait);
        if config.get_application_name().is_none() {
            config.application_name("barhive");
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| DatabaseError::Refused(format!("no runtime for the connection: {error}")))?;
        let connecting = async { tokio::time::timeout(wait, config.connect(NoTls)).await };
        let connected = match runtime.block_on(connecting) {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) => Err(fault(&error)),
            Err(_) => Err(late(wait)),
        };
        let (client, connection) = match connected {
            Ok(connected) => connected,
            Err(error) => {
                // A name that is still being looked up must not be waited for.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        runtime.spawn(async move {
            // Its end shows in the next answer.
            let _ = connection.await;
        });
        Ok(Self { runtime: Some(runtime), client, statements: HashMap::new(), wait })
    }

    /// Waits for an answer, but not for ever.
    fn ask<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, DatabaseError> {
        let Some(runtime) = &self.runtime else {
            return Err(DatabaseError::Gone("the connection is closed".to_owned()));
        };
        let bounded = async { tokio::time::timeout(self.wait, answer).await };
        match runtime.block_on(bounded) {
            Ok(answer) => answer.map_err(|error| fault(&error)),
            Err(_) => Err(late(self.wait)),
        }
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, DatabaseError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(self.client.prepare(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Connection for Postgres {
    fn batch(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.ask(self.client.batch_execute(sql))
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DatabaseError> {
        let statement = self.statement(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        self.ask(self.client.execute(&statement, &params))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError> {
        let statement = self.statement(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        let rows = self.ask(self.client.query(&statement, &params))?;
        let values = rows.iter().map(|row| (0..row.len()).map(|column| row.try_get(column)).collect());
        values.collect::<Result<_, Error>>().map_err(|error| fault(&error))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.batch("BEGIN")
    }

    fn lock_tables(&mut self) -> Result<(), DatabaseError> {
        self.batch(TABLES_LOCK)
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) => integer.to_sql(kind, out),
            Self::Real(real) => real.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT].contains(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Integer),
            Type::FLOAT8 => f64::from_sql(kind, raw).map(Self::Real),
            _ => String::from_sql(kind, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT].contains(kind)
    }
}

fn late(wait: Duration) -> DatabaseError {
    DatabaseError::Gone(format!("no answer in {} s", wait.as_secs_f64()))
}

/// What the server said, with what lies beneath it; never the URL, which may hold a password.
fn text_of(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

fn fault(error: &Error) -> DatabaseError {
    // Connections, resources, operators, deadlocks: what may be over when it is tried again. An error
    // that is not the server's is the connection's, unless a value could not be turned.
    let may_pass = match error.code() {
        Some(code) => ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.code().starts_with(class)),
        None => !error.to_string().contains("serializing") && !error.to_string().contains("deserializing"),
    };
    let what = text_of(error);
    if may_pass { DatabaseError::Gone(what) } else { DatabaseError::Refused(what) }
}
