//! A timeline: who worked on what, and when, as a trace that browsers open.
//!
//! It is bounded. A track that is full gives up half of its detail: neighbours become one span, which says how many
//! it stands for and for how much of its time there was work.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use serde_json::json;

use crate::clock::Stopwatch;

/// Spans that a track keeps at most.
const SPANS_MAX: usize = 8_192;

/// Tracks of spans over one time.
///
/// ```
/// use std::time::Duration;
///
/// use barhive_machine::timeline::Timeline;
///
/// let timeline = Timeline::new();
/// let worker = timeline.track("worker 1");
/// worker.record(|| "pass 1-10".to_owned(), Duration::ZERO, &[("market data", Duration::ZERO)]);
/// let mut trace = Vec::new();
/// timeline.write("sweep", &mut trace)?;
/// assert!(String::from_utf8(trace).unwrap().contains("\"name\":\"pass 1-10\""));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Timeline {
    watch: Stopwatch,
    tracks: Mutex<Vec<Arc<Track>>>,
}

/// The spans of one worker, thread or part, one after the other.
#[derive(Debug)]
pub struct Track {
    name: String,
    watch: Stopwatch,
    spans: Mutex<Spans>,
}

#[derive(Debug)]
struct Spans {
    spans: Vec<Span>,
    /// How many records make a span.
    per_span: u32,
}

#[derive(Debug)]
struct Span {
    from: Duration,
    to: Duration,
    /// Of it there was work.
    busy: Duration,
    records: u32,
    /// What it is called; of several the track's name will do.
    label: Option<String>,
    parts: Vec<(&'static str, Duration)>,
}

impl Span {
    /// Becomes one with the span behind it.
    fn join(&mut self, next: Self) {
        self.to = next.to;
        self.busy += next.busy;
        self.records += next.records;
        self.label = None;
        for (name, time) in next.parts {
            match self.parts.iter_mut().find(|(own, _)| *own == name) {
                Some((_, own)) => *own += time,
                None => self.parts.push((name, time)),
            }
        }
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    /// A timeline that begins now.
    pub fn new() -> Self {
        Self { watch: Stopwatch::start(), tracks: Mutex::default() }
    }

    /// A further track.
    pub fn track(&self, name: impl Into<String>) -> Arc<Track> {
        let spans = Mutex::new(Spans { spans: Vec::new(), per_span: 1 });
        let track = Arc::new(Track { name: name.into(), watch: self.watch, spans });
        self.lock().push(Arc::clone(&track));
        track
    }

    /// Writes all tracks in the Trace Event Format, as Perfetto and `chrome://tracing` read it. The parts of a span,
    /// which may have taken turns in it, stand in it one after the other.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, title: &str, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")?;
        let process = Event {
            name: "process_name",
            ph: "M",
            pid: 1,
            tid: 0,
            ts: 0.0,
            dur: None,
            args: json!({"name": title}),
        };
        serde_json::to_writer(&mut *out, &process)?;
        for (place, track) in self.lock().iter().enumerate() {
            track.write(place + 1, out)?;
        }
        out.write_all(b"\n]}\n")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Track>>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Track {
    /// Records work that ends now and took so long, and what parts it had. Where there is no room for detail, nobody
    /// asks for the label.
    pub fn record(&self, label: impl FnOnce() -> String, took: Duration, parts: &[(&'static str, Duration)]) {
        self.record_busy(label, took, took, parts);
    }

    /// The same for work that was interrupted: `busy` of the time that it took.
    pub fn record_busy(
        &self,
        label: impl FnOnce() -> String,
        took: Duration,
        busy: Duration,
        parts: &[(&'static str, Duration)],
    ) {
        let to = self.watch.elapsed();
        let from = to.saturating_sub(took);
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let Spans { spans, per_span } = &mut *spans;
        let parts = parts.to_vec();
        if *per_span > 1 {
            let span = Span { from, to, busy, records: 1, label: None, parts };
            match spans.last_mut() {
                Some(last) if last.records < *per_span => last.join(span),
                _ => spans.push(span),
            }
        } else {
            spans.push(Span { from, to, busy, records: 1, label: Some(label()), parts });
        }
        if spans.len() >= SPANS_MAX {
            let mut halved: Vec<Span> = Vec::with_capacity(SPANS_MAX);
            for (place, span) in spans.drain(..).enumerate() {
                match halved.last_mut() {
                    Some(last) if place % 2 == 1 => last.join(span),
                    _ => halved.push(span),
                }
            }
            *spans = halved;
            *per_span = per_span.saturating_mul(2);
        }
    }

    fn write(&self, tid: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut event = |name: &str, ph, from: Duration, dur: Option<Duration>, args| {
            let us = |time: Duration| time.as_nanos() as f64 / 1e3;
            let event = Event { name, ph, pid: 1, tid, ts: us(from), dur: dur.map(us), args };
            out.write_all(b",\n")?;
            serde_json::to_writer(&mut *out, &event).map_err(io::Error::from)
        };
        event("thread_name", "M", Duration::ZERO, None, json!({"name": self.name}))?;
        event("thread_sort_index", "M", Duration::ZERO, None, json!({"sort_index": tid}))?;
        for span in &self.spans.lock().unwrap_or_else(PoisonError::into_inner).spans {
            let took = span.to - span.from;
            let share = if took.is_zero() { 1.0 } else { span.busy.as_secs_f64() / took.as_secs_f64() };
            let name = span.label.as_deref().unwrap_or(&self.name);
            let args = json!({"count": span.records, "busy_percent": (share * 1e4).round() / 100.0});
            event(name, "X", span.from, Some(took), args)?;
            let mut from = span.from;
            for (part, time) in &span.parts {
                // Clocks that differ by a little must not let a part stand out of its span.
                let time = (*time).min(span.to.saturating_sub(from));
                if !time.is_zero() {
                    event(part, "X", from, Some(time), json!({}))?;
                }
                from += time;
            }
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    ph: &'a str,
    pid: u32,
    tid: usize,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    args: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn trace(timeline: &Timeline) -> Vec<Value> {
        let mut out = Vec::new();
        timeline.write("run", &mut out).unwrap();
        let trace: Value = serde_json::from_slice(&out).unwrap();
        trace["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn spans_stand_on_their_tracks_with_their_parts_inside() {
        let timeline = Timeline::new();
        let (one, two) = (timeline.track("one"), timeline.track("two"));
        std::thread::sleep(Duration::from_millis(12));
        let ms = Duration::from_millis;
        one.record_busy(|| "work".to_owned(), ms(10), ms(5), &[("read", ms(4)), ("count", ms(100))]);
        two.record(|| "rest".to_owned(), ms(1), &[]);
        let events = trace(&timeline);
        let named = |name: &str| events.iter().find(|event| event["name"] == name).unwrap();
        let (work, read, count) = (named("work"), named("read"), named("count"));
        assert_eq!((work["dur"].as_f64(), work["args"]["busy_percent"].as_f64()), (Some(1e4), Some(50.0)));
        assert_eq!((read["ts"].as_f64(), read["dur"].as_f64()), (work["ts"].as_f64(), Some(4e3)));
        let end = |event: &Value| event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap();
        assert!((end(count) - end(work)).abs() < 0.01, "no part stands out: {count} in {work}");
        assert_ne!(named("rest")["tid"], work["tid"]);
    }

    #[test]
    fn a_full_track_gives_up_detail_and_neither_work_nor_its_bound() {
        let timeline = Timeline::new();
        let track = timeline.track("busy");
        let records = 5 * SPANS_MAX as u32 + 3;
        for number in 0..records {
            track.record(|| number.to_string(), Duration::ZERO, &[("part", Duration::from_nanos(1))]);
        }
        let spans = track.spans.lock().unwrap();
        assert!(spans.spans.len() < SPANS_MAX && spans.spans.len() > SPANS_MAX / 4, "{}", spans.spans.len());
        assert_eq!(spans.spans.iter().map(|span| span.records).sum::<u32>(), records);
        let parts: Duration = spans.spans.iter().flat_map(|span| &span.parts).map(|(_, time)| *time).sum();
        assert_eq!(parts, Duration::from_nanos(u64::from(records)));
        assert!(spans.spans.windows(2).all(|pair| pair[0].to <= pair[1].to));
        drop(spans);
        assert!(trace(&timeline).len() < 2 * SPANS_MAX + 4);
    }
}
