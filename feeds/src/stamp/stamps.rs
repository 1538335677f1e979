//! The stamps of one file, read in its order.

use barhive_engine::time::NS_PER_SECOND;

use super::{TimeFormat, WallClock};

/// Turns the text of stamps into counts of the shape's units.
#[derive(Clone, Debug)]
pub(crate) struct Stamps {
    pub format: TimeFormat,
    /// The wall clock of stamps that name no offset; `None` where no zone is known.
    pub clock: Option<WallClock>,
    pub newest_first: bool,
    /// UTC second of the last stamp, by symbol: on it depends which of two equal wall-clock times is meant.
    before: Vec<Option<i64>>,
}

impl Stamps {
    pub(crate) fn new(format: TimeFormat, clock: Option<WallClock>, newest_first: bool) -> Self {
        Self { format, clock, newest_first, before: Vec::new() }
    }

    /// What a report should say about clock changes.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.clock.as_ref().map(WallClock::notes).unwrap_or_default()
    }

    /// Reads a stamp; `symbol` says after whose last stamp it comes, and a close stamp comes after none.
    #[inline]
    pub(crate) fn read(&mut self, text: &[u8], symbol: Option<u32>) -> Result<i64, String> {
        if self.format.is_epoch() {
            return count(text);
        }
        let Some(wall) = self.format.wall(text) else {
            return Err(format!("`{}`, which is no time of the format {}", text.escape_ascii(), self.format));
        };
        let symbol = symbol.map(|symbol| symbol as usize);
        let seconds = match (wall.offset, &mut self.clock) {
            (Some(offset), _) => Some(wall.seconds - offset),
            (None, Some(clock)) => {
                let before = symbol.and_then(|symbol| self.before.get(symbol).copied().flatten());
                clock.utc_of(wall.seconds, before, self.newest_first)
            }
            (None, None) => {
                return Err(format!("`{}`, a wall-clock time, but no zone is declared", text.escape_ascii()));
            }
        };
        if let Some(symbol) = symbol {
            if self.before.len() <= symbol {
                self.before.resize(symbol + 1, None);
            }
            self.before[symbol] = seconds;
        }
        seconds
            .and_then(|seconds| seconds.checked_mul(NS_PER_SECOND)?.checked_add(wall.nanos))
            .ok_or_else(|| format!("`{}`, which is outside the years 1678 to 2261", text.escape_ascii()))
    }
}

/// A count of time units: an integer, or a decimal without a fraction.
fn count(text: &[u8]) -> Result<i64, String> {
    let whole = std::str::from_utf8(text).ok().and_then(|text| {
        text.parse().ok().or_else(|| {
            let value: f64 = text.parse().ok()?;
            (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
        })
    });
    whole.ok_or_else(|| format!("`{}`, which is no count of time units", text.escape_ascii()))
}
