//! The tables, step by step.

use super::{
    DatabaseError,
    connection::{Connection, Value, transaction},
};

const MIGRATIONS: &str = include_str!("migrations.sql");

/// Brings the tables up to date; several programs may do so at once.
pub(super) fn migrate(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    let steps = steps();
    transaction(connection, |connection| {
        connection.lock_tables()?;
        connection.batch("CREATE TABLE IF NOT EXISTS barhive_schema (step BIGINT PRIMARY KEY)")?;
        let done = connection.query("SELECT COALESCE(MAX(step), 0) FROM barhive_schema", &[])?;
        let done = done.first().and_then(|row| row[0].as_integer()).unwrap_or(0) as usize;
        if done > steps.len() {
            return Err(DatabaseError::Refused(format!(
                "its tables are of a newer program (step {done}, this one knows {}); use that, or another database",
                steps.len()
            )));
        }
        for (place, step) in steps.iter().enumerate().skip(done) {
            connection.batch(step)?;
            let number = Value::count(place as u64 + 1);
            connection.execute("INSERT INTO barhive_schema (step) VALUES ($1)", &[number])?;
        }
        Ok(())
    })
}

/// The SQL of each step.
fn steps() -> Vec<&'static str> {
    MIGRATIONS
        .split("-- step ")
        .skip(1)
        .map(|step| step.split_once('\n').map_or("", |(_, sql)| sql))
        .collect()
}

#[cfg(test)]
mod tests {
    use barhive_engine::result::Statistics;

    use super::*;

    #[test]
    fn steps_are_numbered_and_every_figure_has_its_column() {
        for (place, step) in MIGRATIONS.split("-- step ").skip(1).enumerate() {
            assert!(step.starts_with(&format!("{}\n", place + 1)), "step {}", place + 1);
        }
        assert!(steps().iter().all(|step| step.contains(';')));
        for (name, _) in Statistics::default().figures() {
            assert!(MIGRATIONS.contains(&format!("\n    {name} DOUBLE PRECISION")), "{name} needs a step");
        }
    }
}
