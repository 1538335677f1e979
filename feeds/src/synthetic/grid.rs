//! When synthetic bars open and close: around the clock, or inside the sessions of a calendar.

use std::sync::Arc;

use barhive_engine::{calendar::Calendar, timeframe::Timeframe};

/// Spans of bars, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    timeframe: Timeframe,
    calendar: Option<Arc<Calendar>>,
    next_open_ns: i64,
    /// Close of the session that `next_open_ns` lies in.
    session_close_ns: i64,
}

/// A bar's span, and for how long the market was closed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub open_ns: i64,
    pub close_ns: i64,
    pub closed_ns: i64,
}

impl Grid {
    pub(super) fn new(timeframe: Timeframe, calendar: Option<Arc<Calendar>>, start_ns: i64) -> Self {
        let session_close_ns = if calendar.is_some() { start_ns } else { i64::MAX };
        Self { timeframe, calendar, next_open_ns: start_ns, session_close_ns }
    }

    /// The next span; `None` at the end of the years that nanoseconds can tell, or where a calendar has no
    /// session within four weeks.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Span> {
        let open_ns = self.next_open_ns;
        let close_ns = open_ns.checked_add(self.timeframe.ns())?;
        if open_ns >= self.session_close_ns {
            return self.next_session();
        }
        // The last bar of a session ends with it.
        let close_ns = close_ns.min(self.session_close_ns);
        self.next_open_ns = close_ns;
        Some(Span { open_ns, close_ns, closed_ns: 0 })
    }

    #[cold]
    fn next_session(&mut self) -> Option<Span> {
        let calendar = self.calendar.as_ref()?;
        let before_ns = self.session_close_ns;
        let session = calendar.next_session(before_ns)?;
        let open_ns = session.open_ns.max(before_ns);
        self.session_close_ns = session.close_ns;
        let close_ns = if self.timeframe.is_daily() {
            session.close_ns
        } else {
            open_ns.checked_add(self.timeframe.ns())?.min(session.close_ns)
        };
        self.next_open_ns = close_ns;
        Some(Span { open_ns, close_ns, closed_ns: open_ns - before_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::time::{format_utc, parse_utc};
    use chrono::{NaiveTime, Weekday};

    #[test]
    fn bars_lie_inside_sessions_and_the_last_ends_with_its_session() {
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        let calendar = Calendar {
            name: "short".into(),
            zone: chrono_tz::America::New_York,
            open: time(9, 30),
            close: time(11, 0),
            days: vec![Weekday::Fri, Weekday::Mon],
            holidays: vec![],
            early_closes: Default::default(),
        };
        let start = parse_utc("2011-03-11").unwrap();
        let mut grid = Grid::new("1h".parse().unwrap(), Some(Arc::new(calendar)), start);
        let spans: Vec<_> = (0..3)
            .map(|_| grid.next().unwrap())
            .map(|span| (format_utc(span.open_ns), format_utc(span.close_ns), span.closed_ns > 0))
            .collect();
        let expected = [
            ("2011-03-11T14:30:00Z".into(), "2011-03-11T15:30:00Z".into(), true),
            ("2011-03-11T15:30:00Z".into(), "2011-03-11T16:00:00Z".into(), false),
            ("2011-03-14T13:30:00Z".into(), "2011-03-14T14:30:00Z".into(), true),
        ];
        assert_eq!(spans, expected);
    }

    #[test]
    fn around_the_clock_bars_touch_until_time_runs_out() {
        let mut grid = Grid::new(Timeframe::M1, None, i64::MAX - 2 * Timeframe::M1.ns() - 1);
        let spans: Vec<_> = std::iter::from_fn(|| grid.next()).collect();
        assert_eq!(spans.len(), 2);
        assert_eq!(spans[0].close_ns, spans[1].open_ns);
    }
}
