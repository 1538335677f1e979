//! Inserting rows, several per statement.

use std::fmt::Write;

use super::{
    DatabaseError,
    connection::{Connection, Value},
};

/// Rows of a statement: enough to hide the way to a server, few enough to be prepared quickly.
const ROWS: usize = 16;

/// Inserts rows of `columns.len()` values each, leaving out those whose key is there already; answers how
/// many were inserted.
pub(super) fn insert(
    connection: &mut dyn Connection,
    table: &str,
    columns: &[&str],
    values: &[Value],
) -> Result<u64, DatabaseError> {
    let mut inserted = 0;
    for chunk in values.chunks(ROWS * columns.len()) {
        inserted += connection.execute(&statement(table, columns, chunk.len() / columns.len()), chunk)?;
    }
    Ok(inserted)
}

fn statement(table: &str, columns: &[&str], rows: usize) -> String {
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { "), (" });
        for column in 0..columns.len() {
            let comma = if column == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(sql, "{comma}${}", row * columns.len() + column + 1);
        }
    }
    sql.push_str(") ON CONFLICT DO NOTHING");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_over_all_rows() {
        assert_eq!(
            statement("t", &["a", "b"], 2),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING"
        );
    }
}
