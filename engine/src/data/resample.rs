//! Coarser timeframes out of finer ones: buckets on the UTC epoch, days on the venue's sessions.

use std::sync::Arc;

use chrono::{Datelike, Duration, NaiveDate};

use super::{Bar, BarColumns, BarColumnsBuilder};
use crate::{
    calendar::{Calendar, Session},
    math::CompensatedSum,
    time::NS_PER_DAY,
    timeframe::Timeframe,
};

/// Aggregates the bars of one series into coarser bars.
///
/// A row belongs to the bucket in which it closes, so that no coarse bar is older than a row in it.
/// Buckets are aligned to the UTC epoch; whole days follow the sessions of a calendar, where one is
/// set: such a bar opens with the first session of its days and closes with the last, and rows
/// outside every session belong to no bar (they are counted). A bucket without a row yields no bar.
///
/// A bar leaves as soon as its bucket has ended, which a row or a watermark at or after the bucket's
/// end tells; what has not ended when the data end never leaves. How the rows are cut into batches
/// changes nothing. Volumes are summed with compensation, in the order of the rows.
#[derive(Clone, Debug)]
pub struct Resampler {
    timeframe: Timeframe,
    calendar: Option<Arc<Calendar>>,
    bucket: Bucket,
    /// The last session that a row lay in.
    session: Session,
    partial: Option<Partial>,
    outside_session: u64,
}

/// The span (start, end]: a row that closes at `end` is its last.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Open time of its bar.
    open_ns: i64,
    /// Close time of its bar.
    close_ns: i64,
}

impl Bucket {
    const NONE: Self = Self { open_ns: i64::MAX, close_ns: i64::MAX };

    fn holds(&self, ts_close_ns: i64) -> bool {
        self.open_ns < ts_close_ns && ts_close_ns <= self.close_ns
    }
}

#[derive(Clone, Copy, Debug)]
struct Partial {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: CompensatedSum,
    open_ns: i64,
    close_ns: i64,
}

impl Resampler {
    /// Aggregates into bars of `timeframe`; `calendar` matters to whole days only.
    pub fn new(timeframe: Timeframe, calendar: Option<Arc<Calendar>>) -> Self {
        let calendar = calendar.filter(|_| timeframe.is_daily());
        Self {
            timeframe,
            calendar,
            bucket: Bucket::NONE,
            session: Session { open_ns: i64::MAX, close_ns: i64::MAX },
            partial: None,
            outside_session: 0,
        }
    }

    /// The timeframe of the bars that come out.
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// Rows that lay outside every session of the calendar.
    pub fn outside_session(&self) -> u64 {
        self.outside_session
    }

    /// Takes finer bars, which follow those taken before, and appends the bars that have ended to `out`.
    pub fn rows(&mut self, rows: &BarColumns, out: &mut BarColumnsBuilder) {
        for row in 0..rows.len() {
            let ts_close_ns = rows.ts_close_ns[row];
            if !self.in_session(ts_close_ns) {
                self.outside_session += 1;
                self.watermark(ts_close_ns, out);
                continue;
            }
            if self.partial.is_none_or(|partial| ts_close_ns > partial.close_ns) {
                self.flush(out);
                if !self.bucket.holds(ts_close_ns) {
                    self.bucket = self.bucket_of(ts_close_ns);
                }
            }
            let (high, low) = (rows.high[row], rows.low[row]);
            let partial = self.partial.get_or_insert(Partial {
                open: rows.open[row],
                high,
                low,
                close: 0.0,
                volume: CompensatedSum::default(),
                open_ns: self.bucket.open_ns,
                close_ns: self.bucket.close_ns,
            });
            partial.high = if high > partial.high { high } else { partial.high };
            partial.low = if low < partial.low { low } else { partial.low };
            partial.close = rows.close[row];
            partial.volume.add(rows.volume[row]);
            if ts_close_ns == partial.close_ns {
                self.flush(out);
            }
        }
    }

    /// Learns that no row that closes up to and including `ts_ns` will come any more, and appends the
    /// bar that has ended by it, if one has.
    pub fn watermark(&mut self, ts_ns: i64, out: &mut BarColumnsBuilder) {
        if self.partial.is_some_and(|partial| partial.close_ns <= ts_ns) {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut BarColumnsBuilder) {
        if let Some(partial) = self.partial.take() {
            out.push(&Bar {
                ts_open_ns: partial.open_ns,
                ts_close_ns: partial.close_ns,
                open: partial.open,
                high: partial.high,
                low: partial.low,
                close: partial.close,
                volume: partial.volume.value(),
            });
        }
    }

    /// Whether a row that closes at `ts_close_ns` lies in a session; without a calendar every row does.
    fn in_session(&mut self, ts_close_ns: i64) -> bool {
        let Some(calendar) = &self.calendar else { return true };
        if self.session.open_ns < ts_close_ns && ts_close_ns <= self.session.close_ns {
            return true;
        }
        match calendar.session_at(ts_close_ns.saturating_sub(1)) {
            Some(session) => self.session = session,
            None => return false,
        }
        true
    }

    fn bucket_of(&self, ts_close_ns: i64) -> Bucket {
        let Some(calendar) = &self.calendar else {
            let open_ns = self.timeframe.bucket_start(ts_close_ns.saturating_sub(1));
            return Bucket { open_ns, close_ns: open_ns.saturating_add(self.timeframe.ns()) };
        };
        let date = calendar.local_date(self.session.close_ns);
        let (open_ns, close_ns) = session_span(calendar, date, self.timeframe.ns() / NS_PER_DAY);
        Bucket { open_ns: open_ns.min(self.session.open_ns), close_ns: close_ns.max(self.session.close_ns) }
    }
}

/// First open and last close among the sessions of the `days`-day block, counted from 1970-01-01, that
/// `date` lies in.
fn session_span(calendar: &Calendar, date: NaiveDate, days: i64) -> (i64, i64) {
    let number = i64::from(date.num_days_from_ce()) - UNIX_EPOCH_DAY_CE;
    let first = number.div_euclid(days) * days;
    let sessions = (first..first + days)
        .filter_map(|day| date.checked_add_signed(Duration::days(day - number)))
        .filter_map(|day| calendar.session_on(day));
    sessions.fold((i64::MAX, i64::MIN), |(open, close), session| {
        (open.min(session.open_ns), close.max(session.close_ns))
    })
}

/// 1970-01-01 in days of the common era, as chrono counts them.
const UNIX_EPOCH_DAY_CE: i64 = 719_163;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{NS_PER_HOUR, NS_PER_MINUTE, format_utc, parse_utc};
    use proptest::prelude::*;

    fn minute_bar(minute: i64, price: f64) -> Bar {
        Bar {
            ts_open_ns: minute * NS_PER_MINUTE,
            ts_close_ns: (minute + 1) * NS_PER_MINUTE,
            open: price,
            high: price + 1.0,
            low: price - 1.0,
            close: price + 0.5,
            volume: 0.25,
        }
    }

    fn resample(resampler: &mut Resampler, bars: &[Bar]) -> BarColumns {
        let mut out = BarColumnsBuilder::default();
        resampler.rows(&BarColumns::from_bars(bars), &mut out);
        out.finish()
    }

    fn new_york() -> Arc<Calendar> {
        Arc::new(Calendar {
            name: "xnys".into(),
            zone: chrono_tz::America::New_York,
            open: chrono::NaiveTime::from_hms_opt(9, 30, 0).unwrap(),
            close: chrono::NaiveTime::from_hms_opt(16, 0, 0).unwrap(),
            days: vec![
                chrono::Weekday::Mon,
                chrono::Weekday::Tue,
                chrono::Weekday::Wed,
                chrono::Weekday::Thu,
                chrono::Weekday::Fri,
            ],
            holidays: vec![],
            early_closes: Default::default(),
        })
    }

    #[test]
    fn a_bar_leaves_when_its_bucket_ends_and_a_partial_one_never() {
        let mut resampler = Resampler::new("5m".parse().unwrap(), None);
        assert!(resample(&mut resampler, &[minute_bar(0, 10.0), minute_bar(3, 12.0)]).is_empty());
        let out = resample(&mut resampler, &[minute_bar(4, 11.0), minute_bar(5, 9.0)]);
        assert_eq!(out.len(), 1);
        let bar = out.bar(0);
        assert_eq!((bar.ts_open_ns, bar.ts_close_ns), (0, 5 * NS_PER_MINUTE));
        assert_eq!((bar.open, bar.high, bar.low, bar.close), (10.0, 13.0, 9.0, 11.5));
        assert_eq!(bar.volume, 0.75);
    }

    #[test]
    fn a_row_after_the_bucket_or_a_watermark_at_its_end_completes_a_bar() {
        let mut resampler = Resampler::new("5m".parse().unwrap(), None);
        let out = resample(&mut resampler, &[minute_bar(1, 10.0), minute_bar(17, 10.0)]);
        assert_eq!(out.len(), 1, "empty buckets are skipped");
        let mut out = BarColumnsBuilder::default();
        resampler.watermark(20 * NS_PER_MINUTE - 1, &mut out);
        assert!(out.is_empty());
        resampler.watermark(20 * NS_PER_MINUTE, &mut out);
        resampler.watermark(25 * NS_PER_MINUTE, &mut out);
        assert_eq!(out.ts_close_ns, [20 * NS_PER_MINUTE]);
    }

    #[test]
    fn days_follow_the_session_across_a_clock_change() {
        let mut resampler = Resampler::new(Timeframe::D1, Some(new_york()));
        let at = |text: &str| parse_utc(text).unwrap();
        // 2011-03-11 is a Friday in winter time, 2011-03-14 the Monday in summer time.
        let stamps = ["2011-03-11T14:30:00Z", "2011-03-11T20:59:00Z", "2011-03-11T21:30:00Z"];
        let later = ["2011-03-14T13:29:00Z", "2011-03-14T13:30:00Z", "2011-03-14T19:59:00Z"];
        let bars: Vec<Bar> = stamps
            .iter()
            .chain(&later)
            .map(|text| minute_bar(at(text) / NS_PER_MINUTE, at(text) as f64 / 1e18))
            .collect();
        let out = resample(&mut resampler, &bars);
        let spans: Vec<_> =
            out.bars().map(|bar| (format_utc(bar.ts_open_ns), format_utc(bar.ts_close_ns))).collect();
        let expected = [
            ("2011-03-11T14:30:00Z".into(), "2011-03-11T21:00:00Z".into()),
            ("2011-03-14T13:30:00Z".into(), "2011-03-14T20:00:00Z".into()),
        ];
        assert_eq!(spans, expected);
        assert_eq!(resampler.outside_session(), 2);
        assert_eq!(out.open[1], bars[4].open);
    }

    #[test]
    fn weeks_end_with_the_last_session_of_their_days() {
        let mut resampler = Resampler::new("1w".parse().unwrap(), Some(new_york()));
        // The epoch is a Thursday: its week ends on Wednesday 1970-01-07.
        let thursday = parse_utc("1970-01-01T15:00:00Z").unwrap() / NS_PER_MINUTE;
        let wednesday = parse_utc("1970-01-07T20:59:00Z").unwrap() / NS_PER_MINUTE;
        let night = minute_bar(thursday + 12 * 60, 99.0);
        let bars = [minute_bar(thursday, 5.0), night, minute_bar(wednesday, 6.0)];
        let out = resample(&mut resampler, &bars);
        assert_eq!((out.high[0], resampler.outside_session()), (7.0, 1), "nights belong to no day");
        assert_eq!(format_utc(out.ts_open_ns[0]), "1970-01-01T14:30:00Z");
        assert_eq!(format_utc(out.ts_close_ns[0]), "1970-01-07T21:00:00Z");
    }

    #[test]
    fn a_row_across_a_border_counts_where_it_closes() {
        let mut resampler = Resampler::new("4h".parse().unwrap(), None);
        let half_past = Bar {
            ts_open_ns: 3 * NS_PER_HOUR + NS_PER_HOUR / 2,
            ts_close_ns: 4 * NS_PER_HOUR + NS_PER_HOUR / 2,
            ..minute_bar(0, 7.0)
        };
        assert!(resample(&mut resampler, &[half_past]).is_empty());
        let mut out = BarColumnsBuilder::default();
        resampler.watermark(8 * NS_PER_HOUR, &mut out);
        assert_eq!((out.ts_open_ns[0], out.ts_close_ns[0]), (4 * NS_PER_HOUR, 8 * NS_PER_HOUR));
    }

    proptest! {
        #[test]
        fn every_cut_of_the_rows_gives_the_same_bars(
            steps in prop::collection::vec((1i64..400, 1.0f64..100.0), 1..300),
            cuts in prop::collection::vec(1usize..40, 1..50),
            timeframe in prop::sample::select(vec!["5m", "1h", "1d", "3d"]),
            sessions in any::<bool>(),
        ) {
            let mut minute = 700_000;
            let bars: Vec<Bar> = steps
                .iter()
                .map(|&(step, price)| {
                    minute += step;
                    minute_bar(minute, price)
                })
                .collect();
            let calendar = sessions.then(new_york);
            let timeframe: Timeframe = timeframe.parse().unwrap();
            let whole = resample(&mut Resampler::new(timeframe, calendar.clone()), &bars);
            let mut resampler = Resampler::new(timeframe, calendar);
            let (mut out, mut rest, mut cut) = (BarColumnsBuilder::default(), &bars[..], 0);
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts[cut % cuts.len()].min(rest.len()));
                resampler.rows(&BarColumns::from_bars(now), &mut out);
                // What the source knows anyway changes nothing either.
                resampler.watermark(now[now.len() - 1].ts_close_ns, &mut out);
                (rest, cut) = (later, cut + 1);
            }
            prop_assert_eq!(&out.finish(), &whole);
            prop_assert!(whole.ts_close_ns.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(whole.bars().all(|bar| bar.ts_open_ns < bar.ts_close_ns));
        }
    }
}
