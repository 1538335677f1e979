//! A ranking as a table for a terminal. Numbers and the words of heads are never broken: where the width
//! does not hold all columns, names wrap first, then columns that nothing is ranked by go.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};

/// One rule under the header.
const RULED: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('\u{2500}').junction('\u{2500}'));
/// Columns that names take at least, before columns of figures go, and when none is left that may go.
const NAME_WIDTHS: [usize; 2] = [22, 12];

/// A column of figures.
pub(super) struct Figures {
    /// What stands over it; broken between words only.
    pub(super) head: String,
    /// The text of every row.
    pub(super) cells: Vec<String>,
    /// Where space is short, the column with the largest number goes first; one without a number stays as
    /// long as there is any with one.
    pub(super) goes: Option<u8>,
}

impl Figures {
    /// Columns of the terminal that it takes with its head broken between words.
    fn width(&self) -> usize {
        self.head.split(' ').chain(self.cells.iter().map(String::as_str)).map(chars).max().unwrap_or(0)
    }
}

/// The table, in `width` columns: `lead` to the left of the names, figures to the right.
pub(super) fn table(lead: Vec<Figures>, names: &[String], figures: Vec<Figures>, width: usize) -> String {
    let (mut figures, mut name_width) = fitted(&lead, names, figures, width);
    // Names take no more than what they need for as few lines; heads stand in one line where that leaves room.
    let drawn = lines(names, name_width);
    let least = (1..=name_width).find(|less| *less >= words_max(names) && lines(names, *less) == drawn);
    let mut spare = name_width - least.unwrap_or(name_width);
    name_width -= spare;
    for one in &mut figures {
        let more = chars(&one.head).saturating_sub(one.width());
        if more <= spare {
            one.head = unbroken(&one.head);
            spare -= more;
        }
    }
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    let heads = |columns: &[Figures]| columns.iter().map(|one| one.head.clone()).collect::<Vec<_>>();
    table.set_header([heads(&lead), vec!["combination".to_owned()], heads(&figures)].concat());
    for (place, name) in names.iter().enumerate() {
        let cells = |columns: &[Figures]| {
            columns
                .iter()
                .map(|one| one.cells.get(place).map_or_else(String::new, |cell| unbroken(cell)))
                .collect::<Vec<_>>()
        };
        table.add_row([cells(&lead), vec![name.clone()], cells(&figures)].concat());
    }
    let widths =
        lead.iter().map(Figures::width).chain([name_width]).chain(figures.iter().map(Figures::width));
    for ((place, column), width) in table.column_iter_mut().enumerate().zip(widths) {
        column.set_padding((0, 0));
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(
            u16::try_from(width).unwrap_or(u16::MAX),
        )));
        column.set_cell_alignment(if place == lead.len() {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
    }
    table.trim_fmt().replace(NO_BREAK, " ")
}

/// The columns that find room, and the room that is left for names.
fn fitted(
    lead: &[Figures],
    names: &[String],
    mut figures: Vec<Figures>,
    width: usize,
) -> (Vec<Figures>, usize) {
    let whole = names.iter().map(|name| chars(name)).chain(["combination".len()]).max().unwrap_or(0);
    let word = words_max(names);
    for least in NAME_WIDTHS {
        let least = least.max(word).min(whole);
        loop {
            // One between two columns.
            let taken: usize = lead.iter().chain(&figures).map(|one| one.width() + 1).sum();
            let room = width.saturating_sub(taken);
            if room >= least {
                return (figures, room.min(whole));
            }
            let goes = (0..figures.len())
                .filter(|at| figures[*at].goes.is_some())
                .max_by_key(|at| figures[*at].goes);
            match goes {
                Some(at) => drop(figures.remove(at)),
                None => break,
            }
        }
    }
    // Names of one endless word: what is ranked by last goes, and at the end the word is broken.
    while figures.len() > 1 {
        let taken: usize = lead.iter().chain(&figures).map(|one| one.width() + 1).sum();
        if taken + NAME_WIDTHS[1] <= width {
            return (figures, (width - taken).min(whole));
        }
        figures.pop();
    }
    let taken: usize = lead.iter().chain(&figures).map(|one| one.width() + 1).sum();
    (figures, width.saturating_sub(taken).clamp(1, whole.max(1)))
}

/// A figure is one word, the sign of percent included.
fn unbroken(cell: &str) -> String {
    cell.replace(' ', &NO_BREAK.to_string())
}

const NO_BREAK: char = '\u{a0}';

/// Lines that names take, all of them added up.
fn lines(names: &[String], width: usize) -> usize {
    let of_one = |name: &String| {
        let (mut lines, mut column) = (1, 0);
        for word in name.split(' ').map(chars) {
            if column > 0 && column + 1 + word > width {
                (lines, column) = (lines + 1, word);
            } else {
                column += word + usize::from(column > 0);
            }
        }
        lines
    };
    names.iter().map(of_one).sum()
}

/// The length of the longest word.
fn words_max(names: &[String]) -> usize {
    names.iter().flat_map(|name| name.split(' ')).map(chars).max().unwrap_or(0)
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(head: &str, cell: &str, goes: Option<u8>) -> Figures {
        Figures { head: head.into(), cells: vec![cell.into(); 2], goes }
    }

    fn usual() -> Vec<Figures> {
        vec![
            column("final equity", "248,766.94", None),
            column("return", "148.77 %", Some(3)),
            column("drawdown", "22.73 %", None),
            column("Sharpe", "2.66", None),
            column("trades", "186", Some(4)),
        ]
    }

    fn drawn(more: Vec<Figures>, name: &str, width: usize) -> String {
        let lead = vec![column("", "10", None), column("no.", "112,840", None)];
        let mut figures = usual();
        figures.extend(more);
        let text = table(lead, &[name.to_owned(), name.to_owned()], figures, width);
        for line in text.lines() {
            assert!(chars(line) <= width, "{line:?} of\n{text}");
        }
        text
    }

    const NAME: &str = "sma_cross ALPHA fast=15 slow=50 direction=both";

    #[test]
    fn no_number_is_broken_however_many_columns_there_are() {
        let mut more = Vec::new();
        for extra in ["win rate", "annual volatility"] {
            more.push(column(extra, "-43.55 %", None));
            let text =
                drawn(more.iter().map(|one| column(&one.head, &one.cells[0], None)).collect(), NAME, 80);
            for whole in ["248,766.94", "22.73 %", "2.66", "-43.55 %", "drawdown"] {
                assert!(text.contains(whole), "{whole} in\n{text}");
            }
            for word in NAME.split(' ') {
                assert!(text.contains(word), "{word} in\n{text}");
            }
        }
    }

    #[test]
    fn what_nothing_is_ranked_by_goes_first_and_only_where_it_must() {
        let text = drawn(Vec::new(), "fast=15 slow=50", 80);
        assert!(text.contains("trades") && text.contains("148.77 %"), "{text}");
        let text = drawn(vec![column("win rate", "43.55 %", None)], NAME, 80);
        assert!(drawn(Vec::new(), NAME, 80).contains("final equity"), "there is room for the head");
        assert!(!text.contains("trades") && text.contains("43.55 %"), "{text}");
        assert!(text.contains("148.77 %"), "{text}");
    }

    #[test]
    fn a_name_of_one_endless_word_still_fits() {
        let text = drawn(vec![column("win rate", "43.55 %", None)], &"x".repeat(120), 80);
        assert!(text.contains("248,766.94"), "{text}");
        drawn(Vec::new(), NAME, 40);
    }
}
