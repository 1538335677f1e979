//! A plan for the terminal, within 80 columns.

use std::{collections::BTreeMap, fmt};

use super::{Plan, PlannedSeries};

/// Lines of series or indicators that are shown.
const LINES_MAX: usize = 12;
/// Columns of a terminal.
const WIDTH: usize = 80;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.parts;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, text: &str| {
            writeln!(f, "{}", cut(&format!("  {name:<12}{text}")))
        };
        writeln!(f, "{}", cut(&format!("Plan of {}", self.name)))?;
        let accounts = count(parts.accounts, "account");
        line(f, "parts", &format!("{}: market data, hub, {accounts}, execution", grouped(parts.total)))?;
        line(
            f,
            "strategies",
            &format!("{} on {}", grouped(self.strategies), count(self.instruments, "instrument")),
        )?;
        let asked = count(self.subscriptions, "subscription");
        line(f, "indicators", &format!("{} distinct for {asked}", grouped(self.indicators.len() as u64)))?;
        let bars = |bars: Option<u64>| bars.map_or("unknown".to_owned(), grouped);
        line(f, "bars", &format!("{} in {} series", bars(self.bars), self.series.len()))?;
        line(f, "calls", &format!("{} strategy-bars", bars(self.strategy_bars)))?;
        line(f, "memory", &format!("about {}", bytes(self.memory.total_bytes)))?;
        line(f, "time", &self.time_ms.map_or("unknown".to_owned(), |ms| format!("about {}", time(ms))))?;
        writeln!(f, "\nSeries")?;
        list(f, self.series.iter().map(series_line))?;
        if !self.indicators.is_empty() {
            writeln!(f, "\nIndicators, each computed once")?;
            let mut on: BTreeMap<&str, (usize, String)> = BTreeMap::new();
            for indicator in &self.indicators {
                let place = format!("{} {}", indicator.symbol, indicator.timeframe);
                on.entry(&indicator.indicator).or_insert((0, place)).0 += 1;
            }
            list(
                f,
                on.into_iter().map(|(indicator, (places, first))| match places {
                    1 => format!("{indicator:<44} on {first}"),
                    _ => format!("{indicator:<44} on {places} series"),
                }),
            )?;
        }
        Ok(())
    }
}

/// A series in one line.
pub(super) fn series_line(series: &PlannedSeries) -> String {
    let from = series.aggregated_from.as_ref().map(|from| format!(" (from {from})"));
    let rows = series.rows.map_or("unknown".to_owned(), grouped);
    format!("{:<14} {:<6} {rows:>14} bars{}", series.symbol, series.timeframe, from.unwrap_or_default())
}

pub(super) fn list(f: &mut fmt::Formatter<'_>, lines: impl Iterator<Item = String>) -> fmt::Result {
    let lines: Vec<String> = lines.collect();
    let shown = if lines.len() > LINES_MAX { LINES_MAX - 1 } else { lines.len() };
    for line in &lines[..shown] {
        writeln!(f, "{}", cut(&format!("  {line}")))?;
    }
    if shown < lines.len() {
        writeln!(f, "  and {} more", lines.len() - shown)?;
    }
    Ok(())
}

pub(super) fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.trim_end().to_owned();
    }
    let mut cut: String = line.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}

pub(super) fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1048576.0 => format!("{:.0} KiB", b / 1024.0),
        b if b < 1073741824.0 => format!("{:.1} MiB", b / 1048576.0),
        b => format!("{:.1} GiB", b / 1073741824.0),
    }
}

pub(super) fn time(ms: f64) -> String {
    match ms {
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 120_000.0 => format!("{:.1} s", ms / 1000.0),
        ms if ms < 7_200_000.0 => format!("{:.0} min", ms / 60_000.0),
        ms => format!("{:.1} h", ms / 3_600_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_scaled() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(bytes(1 << 20), "1.0 MiB");
        assert_eq!(time(250.4), "250 ms");
        assert_eq!(time(3_600_000.0), "60 min");
        assert_eq!(cut(&"x".repeat(100)).chars().count(), 80);
    }
}
