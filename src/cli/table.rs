//! Tables of the listing commands: plain text that fits 80 columns.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

/// How wide a table may become.
const WIDTH: u16 = 80;

/// A table with these column titles, or without any.
pub(super) fn table(titles: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH);
    if !titles.is_empty() {
        table.set_header(titles);
    }
    table
}

/// The table as lines without trailing blanks.
pub(super) fn lines(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
