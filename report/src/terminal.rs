//! The report on a terminal: at most 80 columns, and as readable in a log file.

use barhive_engine::result::{AccountResult, StrategyResult};
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::{
    ReportInput,
    format::{NOTHING, bytes, count, milliseconds, money, number, percent, short, span, stamp},
    input::plural,
    statistics::GROUPS,
    store::faults_in_words,
};

/// Columns that a report takes at most.
const WIDTH: u16 = 80;
/// Rows of a table before the rest is summed up.
const ROWS_MAX: usize = 10;
/// Characters of a name before it is cut.
const NAME_MAX: usize = 18;

/// One rule under the header.
const RULED: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('\u{2500}').junction('\u{2500}'));

/// How the terminal's report looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalStyle<'a> {
    /// Whether to colour; ask whether the output is a terminal and `NO_COLOR` is unset.
    pub color: bool,
    /// Where all rows are, for tables that show only some.
    pub see: Option<&'a str>,
}

/// The report as text. O(size of the result).
pub fn terminal(input: &ReportInput<'_>, style: TerminalStyle<'_>) -> String {
    let mut page = Page { text: String::new(), style };
    head(&mut page, input);
    accounts(&mut page, input);
    if let [account] = input.result.accounts.as_slice() {
        statistics(&mut page, account);
    }
    strategies(&mut page, input);
    open_positions(&mut page, input);
    data(&mut page, input);
    machinery(&mut page, input);
    troubles(&mut page, input);
    page.pair("result hash", &input.result.result_hash);
    page.text
}

struct Page<'a> {
    text: String,
    style: TerminalStyle<'a>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn painted(&mut self, code: &str, line: &str) {
        if self.style.color {
            self.line(&format!("\x1b[{code}m{line}\x1b[0m"));
        } else {
            self.line(line);
        }
    }

    fn heading(&mut self, heading: &str) {
        self.text.push('\n');
        self.painted("1", heading);
    }

    /// A name and a text that is wrapped beside it.
    fn pair(&mut self, name: &str, text: &str) {
        for (place, part) in wrapped(&clean(text), usize::from(WIDTH) - 14).iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            self.line(&format!("{name:<13} {part}"));
        }
    }

    /// One point of a list.
    fn point(&mut self, code: &str, mark: &str, text: &str) {
        for (place, part) in wrapped(&clean(text), usize::from(WIDTH) - 4).iter().enumerate() {
            let mark = if place == 0 { mark } else { "" };
            self.painted(code, &format!("{mark:>2}  {part}"));
        }
    }

    fn table(&mut self, header: &[&str], left: usize, rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        table
            .load_style(RULED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH)
            .set_header(header.to_vec());
        for row in rows {
            table.add_row(row);
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            column.set_padding((u16::from(place > 0), 1));
            column.set_cell_alignment(if place < left { CellAlignment::Left } else { CellAlignment::Right });
        }
        self.text.push_str(&table.trim_fmt());
        self.text.push('\n');
    }

    /// What a table of `shown` rows leaves out.
    fn more(&mut self, all: usize, shown: usize) {
        if all > shown {
            let place = self.style.see.map_or_else(String::new, |place| format!(": see {place}"));
            self.line(&format!("and {} more{place}", count((all - shown) as u64)));
        }
    }
}

fn head(page: &mut Page<'_>, input: &ReportInput<'_>) {
    let meta = input.meta;
    page.painted("1", &format!("{} (barhive {})", clean(&meta.name), clean(&meta.version)));
    let mut facts = Vec::new();
    if let Some(both) = input.result.span_ns {
        facts.push(span(both));
    }
    facts.push(format!("{} rows in {}", count(input.rows()), milliseconds(meta.wall_ms)));
    if let Some(rate) = input.rows_per_second() {
        facts.push(format!("{} rows/s", short(rate)));
    }
    page.line(&facts.join(", "));
}

fn accounts(page: &mut Page<'_>, input: &ReportInput<'_>) {
    let accounts = &input.result.accounts;
    page.heading("Accounts");
    let mut shown: Vec<&AccountResult> = accounts.iter().collect();
    if shown.len() > ROWS_MAX {
        page.line(&format!("the best {ROWS_MAX} of {} by total return", count(accounts.len() as u64)));
        shown.sort_by(|a, b| b.statistics.total_return.total_cmp(&a.statistics.total_return));
        shown.truncate(ROWS_MAX);
    }
    let rows = shown
        .iter()
        .map(|account| {
            let s = &account.statistics;
            vec![
                name(&account.name),
                format!("{} {}", money(account.final_equity, 2), account.currency),
                percent(s.total_return),
                percent(s.max_drawdown),
                s.sharpe.map_or_else(|| NOTHING.into(), |ratio| number(ratio, 2)),
                count(account.trades),
                money(account.fees, 2),
            ]
        })
        .collect();
    page.table(&["account", "final equity", "return", "drawdown", "Sharpe", "trades", "fees"], 1, rows);
    page.more(accounts.len(), shown.len());
}

fn statistics(page: &mut Page<'_>, account: &AccountResult) {
    page.heading("Statistics");
    let all: Vec<_> = GROUPS.iter().flat_map(|group| group.statistics).collect();
    let half = all.len().div_ceil(2);
    for place in 0..half {
        let cell = |at: usize| {
            all.get(at).map_or_else(String::new, |s| format!("{:<19}{:>18}", s.name, s.text(account)))
        };
        page.line(&format!("{}    {}", cell(place), cell(place + half)));
    }
    let rejected: Vec<_> =
        account.rejected.iter().map(|(cause, orders)| format!("{} ({cause})", count(*orders))).collect();
    if !rejected.is_empty() {
        page.pair("rejected", &rejected.join(", "));
    }
}

fn strategies(page: &mut Page<'_>, input: &ReportInput<'_>) {
    let all: Vec<(&AccountResult, &StrategyResult)> = input
        .result
        .accounts
        .iter()
        .flat_map(|account| account.strategies.iter().map(move |strategy| (account, strategy)))
        .collect();
    if all.is_empty() {
        return;
    }
    page.heading("Strategies");
    let pnl = |strategy: &StrategyResult| strategy.realized_pnl.0.saturating_add(strategy.open_pnl.0);
    let mut shown = all.clone();
    if all.len() > ROWS_MAX {
        page.line(&format!("the best {ROWS_MAX} of {} by profit", count(all.len() as u64)));
        shown.sort_by_key(|(_, strategy)| std::cmp::Reverse(pnl(strategy)));
        shown.truncate(ROWS_MAX);
    }
    let rows = shown
        .iter()
        .map(|(account, strategy)| {
            let won = strategy.winners as f64 / strategy.trades as f64;
            vec![
                {
                    let id = without_symbol(&strategy.id, &strategy.instruments);
                    if input.result.accounts.len() == 1 || account.name == id || account.name == strategy.id {
                        name(id)
                    } else {
                        name(&format!("{}/{id}", account.name))
                    }
                },
                match strategy.instruments.as_slice() {
                    [one] => name(one),
                    many => format!("{} symbols", many.len()),
                },
                clean(&strategy.timeframe),
                count(strategy.trades),
                percent(won),
                // Whole units: cents would break across lines in eight columns.
                money(strategy.fees, 0),
                money(strategy.realized_pnl, 0),
                money(strategy.open_pnl, 0),
            ]
        })
        .collect();
    page.table(&["strategy", "on", "bars", "trades", "won", "fees", "closed P/L", "open P/L"], 3, rows);
    page.more(all.len(), shown.len());
}

/// An instance's id without the symbol that stands in the column beside it.
fn without_symbol<'i>(id: &'i str, instruments: &[String]) -> &'i str {
    let [symbol] = instruments else { return id };
    id.strip_suffix(symbol.as_str())
        .and_then(|id| id.strip_suffix('/'))
        .filter(|id| !id.is_empty())
        .unwrap_or(id)
}

fn open_positions(page: &mut Page<'_>, input: &ReportInput<'_>) {
    let open: Vec<_> = input.result.accounts.iter().flat_map(|account| &account.open_positions).collect();
    if open.is_empty() {
        return;
    }
    page.heading("Open positions");
    let shown = open.len().min(ROWS_MAX);
    let rows = open[..shown]
        .iter()
        .map(|position| {
            vec![
                name(without_symbol(&position.strategy, std::slice::from_ref(&position.symbol))),
                name(&position.symbol),
                clean(&position.quantity),
                number(position.average_price, 4),
                number(position.last_price, 4),
                money(position.value, 2),
            ]
        })
        .collect();
    page.table(&["strategy", "symbol", "quantity", "average price", "last price", "value"], 2, rows);
    page.more(open.len(), shown);
}

fn data(page: &mut Page<'_>, input: &ReportInput<'_>) {
    page.heading("Data");
    let series = &input.result.series;
    for series in series.iter().take(ROWS_MAX) {
        let built =
            series.aggregated_from.as_ref().map_or_else(String::new, |from| format!(" built from {from}"));
        let when = series.span_ns.map_or_else(String::new, |both| format!(", {}", span(both)));
        let text = format!("{} {}{built}: {} rows{when}", series.timeframe, series.kind, count(series.rows));
        page.pair(&cut(&series.symbol, 13), &text);
    }
    page.more(series.len(), ROWS_MAX);
    let notes = series.iter().flat_map(|s| s.notes.iter().map(move |note| format!("{}: {note}", s.symbol)));
    let mut notes: Vec<_> = input.result.warnings.iter().cloned().chain(notes).collect();
    // Series of one instrument at several timeframes carry the same notes.
    let mut seen = std::collections::BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    let shown = notes.len().min(ROWS_MAX);
    notes[..shown].iter().for_each(|note| page.point("33", "!", note));
    page.more(notes.len(), shown);
}

fn machinery(page: &mut Page<'_>, input: &ReportInput<'_>) {
    page.heading("Run");
    page.pair("indicators", &input.hub_proof());
    let used = &input.meta.resources;
    let mut facts = Vec::new();
    if let Some(shards) = used.shards {
        facts.push(format!("{shards} {}", plural(u64::from(shards), "shard")));
    }
    if let Some(cores) = used.cores {
        facts.push(format!("{cores} {}", plural(u64::from(cores), "core")));
    }
    if let Some(ms) = used.cpu_ms {
        facts.push(format!("{} processor time", milliseconds(ms)));
    }
    if let Some(peak) = used.private_bytes_peak {
        facts.push(format!("{} private memory at most", bytes(peak)));
    }
    if !facts.is_empty() {
        page.pair("resources", &facts.join(", "));
    }
    page.pair("seed", &input.meta.seed.to_string());
    if let Some(first) = input.files.first() {
        let folder = first.ancestors().nth(3).unwrap_or(first);
        let files = input.files.len() as u64;
        page.pair("records", &format!("{} {} in {}", count(files), plural(files, "file"), folder.display()));
    }
}

fn troubles(page: &mut Page<'_>, input: &ReportInput<'_>) {
    let result = input.result;
    let halted: Vec<_> = result.accounts.iter().filter_map(|a| Some((a, a.halted_ts_ns?))).collect();
    let lost = faults_in_words(input.faults);
    if result.restarts.is_empty() && result.quarantined.is_empty() && halted.is_empty() && lost.is_none() {
        page.pair("restarts", "none");
        return;
    }
    page.heading("Attention");
    for quarantine in &result.quarantined {
        let text = format!(
            "{} is quarantined and left out of the result: {} (twice at step {}, {})",
            quarantine.container,
            quarantine.reason,
            count(quarantine.step),
            stamp(quarantine.ts_ns)
        );
        page.point("31", "x", &text);
    }
    for (account, ts_ns) in halted {
        page.point(
            "33",
            "!",
            &format!("{} stopped trading at {} (drawdown limit)", account.name, stamp(ts_ns)),
        );
    }
    for restart in &result.restarts {
        let text =
            format!("{} was restarted (attempt {}): {}", restart.part, restart.attempt, restart.reason);
        page.point("33", "!", &text);
    }
    if let Some(lost) = lost {
        page.point("31", "x", &lost);
    }
}

/// A user's name, cut in its middle to fit: endings tell names apart.
fn name(text: &str) -> String {
    cut(text, NAME_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= chars_max {
        return text;
    }
    let (all, tail) = (text.chars().count(), chars_max / 3);
    let head = text.chars().take(chars_max - 1 - tail);
    head.chain(['\u{2026}']).chain(text.chars().skip(all - tail)).collect()
}

/// Text without control characters: a symbol must not steer the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Words in lines of at most `width` characters; a longer word stands alone, cut into pieces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut rest: Vec<char> = word.chars().collect();
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + rest.len() > width {
            lines.push(String::new());
        } else if last > 0
            && let Some(line) = lines.last_mut()
        {
            line.push(' ');
        }
        while rest.len() > width {
            let tail = rest.split_off(width);
            if let Some(line) = lines.last_mut() {
                line.extend(&rest);
            }
            lines.push(String::new());
            rest = tail;
        }
        if let Some(line) = lines.last_mut() {
            line.extend(&rest);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_monsters_are_cut() {
        assert_eq!(wrapped("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrapped("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(name("a\x1b[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(name(&"x".repeat(99)).chars().count(), NAME_MAX);
    }
}
