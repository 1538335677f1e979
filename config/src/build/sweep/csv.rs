//! Points of a CSV file: the first line names the parameters, every other line is a point.

use crate::{
    fault::FaultLog,
    tree::{Entry, Key, Location, Node, Scalar, Value, quote},
};

/// Columns that a file may have.
const COLUMNS_MAX: usize = 256;

/// The rows of a file as mappings that know where each cell stands; an empty cell is left out.
///
/// Cells are separated by commas; a cell in double quotes may hold commas and, doubled, quotes, but no
/// line break.
pub(super) fn rows(text: &str, file: u32, log: &FaultLog) -> Vec<Node> {
    let mut names: Option<Vec<Key>> = None;
    let mut rows = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let at = Location { file, line: u32::try_from(index + 1).unwrap_or(u32::MAX), column: 1 };
        if log.is_full() {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let cells = match cells(line, at) {
            Ok(cells) => cells,
            Err((at, message)) => {
                log.add(at, "", message, None);
                continue;
            }
        };
        let Some(names) = &names else {
            names = Some(header(cells, log));
            if names.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
            continue;
        };
        if cells.len() != names.len() {
            let message =
                format!("expected {} cells as in the first line, found {}", names.len(), cells.len());
            log.add(at, "", message, None);
            continue;
        }
        let filled = names.iter().zip(cells).filter(|(_, (_, cell))| !cell.is_empty());
        let entries = filled.map(|(key, (at, cell))| Entry {
            key: key.clone(),
            value: Node { at, value: Value::Scalar(Scalar { text: cell.into(), quoted: false }) },
        });
        rows.push(Node { at, value: Value::Mapping(entries.collect()) });
    }
    rows
}

/// The names of the columns; none when they cannot be used.
fn header(cells: Vec<(Location, String)>, log: &FaultLog) -> Vec<Key> {
    let mut names: Vec<Key> = Vec::with_capacity(cells.len());
    if let Some((at, _)) = cells.get(COLUMNS_MAX) {
        log.add(*at, "", format!("more than {COLUMNS_MAX} columns"), None);
        return Vec::new();
    }
    for (at, name) in cells {
        let message = match names.iter().any(|known| *known.text == *name) {
            true => format!("the column {} is given twice", quote(&name)),
            false if name.is_empty() => "expected the name of a parameter, found nothing".to_owned(),
            false => {
                names.push(Key { text: name.into(), at });
                continue;
            }
        };
        log.add(at, "", message, None);
        return Vec::new();
    }
    names
}

/// The cells of a line with their places, blanks around them taken off.
fn cells(line: &str, start: Location) -> Result<Vec<(Location, String)>, (Location, String)> {
    let mut cells = Vec::new();
    let end = line.chars().count();
    let mut chars = line.chars().enumerate().peekable();
    let place = |index: usize| Location { column: index as u32 + 1, ..start };
    loop {
        while chars.next_if(|(_, c)| matches!(c, ' ' | '\t')).is_some() {}
        let at = place(chars.peek().map_or(end, |(index, _)| *index));
        let mut cell = String::new();
        if chars.next_if(|(_, c)| *c == '"').is_some() {
            loop {
                match chars.next() {
                    Some((_, '"')) if chars.next_if(|(_, c)| *c == '"').is_some() => cell.push('"'),
                    Some((_, '"')) => break,
                    Some((_, c)) => cell.push(c),
                    None => return Err((at, "expected a closing quotation mark in this line".into())),
                }
            }
            while chars.next_if(|(_, c)| matches!(c, ' ' | '\t')).is_some() {}
            if let Some((index, c)) = chars.peek().filter(|(_, c)| *c != ',') {
                return Err((place(*index), format!("expected a comma, found {}", quote(&c.to_string()))));
            }
        } else {
            while let Some((_, c)) = chars.next_if(|(_, c)| *c != ',') {
                cell.push(c);
            }
            cell.truncate(cell.trim_end().len());
        }
        cells.push((at, cell));
        if chars.next().is_none() {
            return Ok(cells);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, String) {
        let log = FaultLog::default();
        let file = log.add_source("points.csv".into(), text.into());
        let shown = |node: &Node| {
            let cell = |entry: &Entry| format!("{}={}", entry.key.text, entry.value.describe());
            node.entries().iter().map(cell).collect::<Vec<_>>().join(" ")
        };
        let rows = rows(text, file, &log).iter().map(shown).collect();
        (rows, log.finish().to_string())
    }

    #[test]
    fn cells_are_taken_as_they_stand() {
        let (rows, faults) = read("fast, slow ,side\r\n5,53,long\n\n6, ,\"a, \"\"b\"\"\" \n");
        assert_eq!(rows, ["fast=\"5\" slow=\"53\" side=\"long\"", "fast=\"6\" side=\"a, \\\"b\\\"\""]);
        assert_eq!(faults, "");
    }

    #[test]
    fn bad_lines_are_told_with_their_place() {
        let first = |text: &str| read(text).1.lines().next().unwrap_or_default().to_owned();
        assert!(first("fast,slow\n5\n").starts_with("points.csv:2:1: expected 2 cells"));
        assert!(first("fast,slow\n5,\"6\n").starts_with("points.csv:2:3: expected a closing"));
        assert!(first("fast,slow\n5,\"6\"7\n").starts_with("points.csv:2:6: expected a comma"));
        assert!(first("fast,fast\n5,6\n").starts_with("points.csv:1:6: the column \"fast\""));
        assert!(first("fast,\n5,6\n").starts_with("points.csv:1:6: expected the name"));
    }
}
