//! When the bars of a series open, from its first to its last: the one thing that is known ahead of a
//! row, and only to those who ask for it.

use crate::{
    data::{Feed, FeedError, Pull},
    time::utc_day,
};

/// Rows asked for at a time.
const ROWS: usize = 8_192;

/// How many bars of a series open in each ISO week (UTC, Monday to Sunday).
///
/// Counted in a pass over the open stamps alone when the series is opened; prices are never looked at.
/// Memory is one pair of numbers per week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timetable {
    /// Week and bars in it, by week.
    weeks: Vec<(i64, u64)>,
}

/// The ISO week in which a stamp lies, counted from that of 1970-01-01, which was a Thursday.
fn iso_week(ts_ns: i64) -> i64 {
    (utc_day(ts_ns) + 3).div_euclid(7)
}

impl Timetable {
    /// Counts the bars of `feed` (a series of `symbol`), the first `rows_max` of them.
    ///
    /// # Errors
    /// When the feed cannot be read, or has nothing at present: the end of its last week is not known.
    pub(super) fn read(mut feed: Box<dyn Feed>, symbol: &str, rows_max: u64) -> Result<Self, FeedError> {
        let mut timetable = Self::default();
        let mut left = rows_max;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(ROWS);
            match feed.pull(wanted, 0)? {
                Pull::Rows(batch) if !batch.is_empty() => {
                    let own = &batch.columns.ts_open_ns[batch.lead..];
                    // A feed may bring more than it was asked for.
                    let own = &own[..own.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
                    left -= own.len() as u64;
                    timetable.add(own);
                }
                Pull::Watermark(_) => {}
                Pull::Rows(_) | Pull::Pending => {
                    return Err(FeedError::Data {
                        origin: symbol.to_owned(),
                        row: None,
                        expected:
                            "a series with an end: a strategy asks which bars are the last of their week"
                                .to_owned(),
                        found: "a source that still waits for rows; record it first and run on the recording"
                            .to_owned(),
                    });
                }
                Pull::End => break,
            }
        }
        Ok(timetable)
    }

    fn add(&mut self, opens: &[i64]) {
        for opens in opens.chunk_by(|a, b| iso_week(*a) == iso_week(*b)) {
            let week = iso_week(opens[0]);
            let bars = opens.len() as u64;
            match self.weeks.last_mut() {
                Some(last) if last.0 == week => last.1 += bars,
                Some(last) if last.0 > week => match self.place(week) {
                    Ok(at) => self.weeks[at].1 += bars,
                    Err(at) => self.weeks.insert(at, (week, bars)),
                },
                _ => self.weeks.push((week, bars)),
            }
        }
    }

    fn place(&self, week: i64) -> Result<usize, usize> {
        self.weeks.binary_search_by_key(&week, |(week, _)| *week)
    }

    /// A column that is 1 at the first and last `edge` bars of every week, else 0.
    pub fn week_edges(&self, edge: usize) -> WeekEdges {
        let weeks = self.weeks.iter().map(|(week, bars)| Week { number: *week, bars: *bars, seen: 0 });
        WeekEdges { weeks: weeks.collect(), edge: edge as u64, at: 0 }
    }
}

/// Writes the column of [`Timetable::week_edges`], row by row as a series is read again.
#[derive(Clone, Debug)]
pub struct WeekEdges {
    weeks: Vec<Week>,
    edge: u64,
    /// The week of the newest row.
    at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Week {
    number: i64,
    bars: u64,
    /// How many of them have come.
    seen: u64,
}

impl WeekEdges {
    /// The next rows, by their open stamps.
    pub fn fill(&mut self, opens: &[i64], out: &mut [f64]) {
        for (ts_ns, out) in opens.iter().zip(out) {
            let number = iso_week(*ts_ns);
            if self.weeks.get(self.at).is_none_or(|week| week.number != number) {
                let found = self.weeks.binary_search_by_key(&number, |week| week.number);
                self.at = found.unwrap_or(usize::MAX);
            }
            // A bar that was not there when the series was opened lies behind the end of what was.
            *out = self.weeks.get_mut(self.at).map_or(1.0, |week| {
                let index = week.seen;
                week.seen += 1;
                f64::from(u8::from(index < self.edge || index + self.edge >= week.bars))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{NS_PER_HOUR, parse_utc};

    fn counted(opens: &[i64]) -> Timetable {
        let mut timetable = Timetable::default();
        timetable.add(opens);
        timetable
    }

    #[test]
    fn weeks_begin_on_monday_at_midnight_utc() {
        let week = |text: &str| iso_week(parse_utc(text).unwrap());
        assert_eq!(week("1970-01-01"), 0);
        assert_eq!(week("1970-01-04T23:59:59Z"), 0);
        assert_eq!(week("1970-01-05"), 1);
        assert_eq!(week("1969-12-29"), 0);
        assert_eq!(week("1969-12-28T23:59:59Z"), -1);
        // 2021-01-03 is the Sunday of the 53rd week of 2020.
        assert_eq!(week("2020-12-28"), week("2021-01-03"));
        assert_eq!(week("2021-01-03") + 1, week("2021-01-04"));
    }

    proptest! {
        #[test]
        fn edges_are_the_first_and_last_bars_of_each_week_however_rows_are_cut(
            steps in prop::collection::vec(1i64..60, 1..400),
            edge in 1usize..9,
            cut in 1usize..50,
        ) {
            let mut hour = -3_000;
            let opens: Vec<i64> = steps.iter().map(|step| { hour += step; hour * NS_PER_HOUR }).collect();
            let mut expected = vec![0.0; opens.len()];
            for row in 0..opens.len() {
                let week: Vec<usize> =
                    (0..opens.len()).filter(|other| iso_week(opens[*other]) == iso_week(opens[row])).collect();
                let index = week.iter().position(|other| *other == row).unwrap();
                if index < edge || index + edge >= week.len() {
                    expected[row] = 1.0;
                }
            }
            let mut edges = counted(&opens).week_edges(edge);
            let mut found = vec![f64::NAN; opens.len()];
            for (opens, out) in opens.chunks(cut).zip(found.chunks_mut(cut)) {
                edges.fill(opens, out);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
