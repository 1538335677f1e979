//! `GET /metrics`: the server in numbers, in the text format of Prometheus.

use std::{
    fmt::{Display, Write},
    fs,
    sync::Arc,
};

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use barhive_engine::{governor::BreakerState, jobs::ExecutionMode};
use barhive_machine::{MachineStatus, counters::CounterSummary};

use super::{Shared, problem::Problem, tally::Histogram};
use crate::{asks, view::ServerStatus};

/// Version 0.0.4 of the text format.
pub(super) const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Lines of the format: every family with what it is.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{value}\"", if place == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        self.sample(name, &[], value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        for (bound, count) in histogram.within() {
            let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            self.sample(&format!("{name}_bucket"), &[("le", &bound)], count);
        }
        self.sample(&format!("{name}_sum"), &[], histogram.sum_s());
        self.sample(&format!("{name}_count"), &[], histogram.count());
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let status = asks::status(&shared.manager).await?;
    let mut page = Page::default();
    queue(&mut page, &status);
    {
        let tally = shared.events.tally();
        page.histogram(
            "barhive_queue_wait_seconds",
            "How long jobs had waited when they started for the first time, pauses not counted.",
            &tally.waits,
        );
        page.histogram(
            "barhive_job_run_seconds",
            "How long jobs had run when they ended, over all attempts.",
            &tally.runs,
        );
    }
    page.gauge("barhive_http_connections", "Connections that are open.", shared.connections());
    page.gauge("barhive_event_listeners", "Clients that listen to events.", shared.events.listeners());
    page.counter("barhive_events_missed_total", "Events that slow listeners missed.", shared.events.missed());
    if let Some(machine) = &status.machine {
        measured(&mut page, machine);
    }
    counters(&mut page, &status.counters);
    process(&mut page);
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA))], page.0).into_response())
}

fn queue(page: &mut Page, status: &ServerStatus) {
    let queue = &status.queue;
    page.family("barhive_info", "gauge", "The program that serves.");
    page.sample("barhive_info", &[("version", &status.version)], 1);
    page.family("barhive_jobs", "gauge", "Jobs that have not ended, by state.");
    for (state, count) in [("queued", queue.queued), ("running", queue.running), ("paused", queue.paused)] {
        page.sample("barhive_jobs", &[("state", state)], count);
    }
    page.counter("barhive_jobs_submitted_total", "Jobs that were taken in.", queue.submitted);
    page.family("barhive_jobs_ended_total", "counter", "Jobs that have ended, by state.");
    let ended = [
        ("completed", queue.completed),
        ("failed", queue.failed),
        ("timeout", queue.timed_out),
        ("cancelled", queue.cancelled),
    ];
    for (state, count) in ended {
        page.sample("barhive_jobs_ended_total", &[("state", state)], count);
    }
    page.counter("barhive_jobs_retried_total", "Attempts that went wrong and were retried.", queue.retried);
    page.gauge("barhive_jobs_held", "Runs that are held in memory: paused, or made to yield.", status.held);
    page.gauge("barhive_jobs_running_max", "Jobs that may run at the same time.", status.running_max);
    page.gauge("barhive_workers_in_use", "Workers that running jobs asked for.", status.in_use.workers);
    page.gauge(
        "barhive_memory_asked_bytes",
        "Memory that running jobs asked for.",
        status.in_use.memory_bytes,
    );
    if let Some(capacity) = status.capacity {
        page.gauge("barhive_workers", "Workers of all running jobs together.", capacity.workers);
        page.gauge(
            "barhive_memory_bytes",
            "Memory that all running jobs together may ask for.",
            capacity.memory_bytes,
        );
    }
    let fault = u8::from(status.journal_fault.is_some());
    page.gauge("barhive_journal_fault", "1 while the journal cannot be written.", fault);
}

/// The machine and what follows from its use.
fn measured(page: &mut Page, machine: &MachineStatus) {
    let sample = &machine.sample;
    page.gauge("barhive_cpu_percent", "Use of all cores, by whatever runs.", sample.cpu_percent);
    page.gauge("barhive_workers_cpu_percent", "Of it, what jobs used.", sample.workers_cpu_percent);
    page.gauge("barhive_memory_percent", "Memory of the machine in use.", sample.memory_percent);
    if let Some(lag_ms) = sample.live_latency_ms {
        page.gauge("barhive_live_latency_seconds", "How far live work is behind.", lag_ms / 1_000.0);
    }
    page.family("barhive_alert_level", "gauge", "How bad the use of a resource is: 0 green to 3 red.");
    for (resource, reading) in machine.levels.readings() {
        page.sample("barhive_alert_level", &[("resource", &resource.to_string())], reading.level as u8);
    }
    page.family("barhive_breaker_state", "gauge", "1 for the state that the breaker is in.");
    for state in [BreakerState::Closed, BreakerState::HalfOpen, BreakerState::Open] {
        page.sample(
            "barhive_breaker_state",
            &[("state", &state.to_string())],
            u8::from(state == machine.breaker),
        );
    }
    page.family("barhive_mode", "gauge", "1 for the mode that the machine is shared in.");
    for mode in ExecutionMode::ALL {
        page.sample("barhive_mode", &[("mode", mode.as_str())], u8::from(*mode == machine.mode));
    }
    page.gauge(
        "barhive_shed_levels",
        "Priorities that are paused, counted from BULK.",
        machine.shed.levels(),
    );
    page.gauge("barhive_holding", "1 while no job starts.", u8::from(machine.hold.is_some()));
}

/// What the server takes for its own work, as summaries: times in seconds, all else in the unit of the counter.
fn counters(page: &mut Page, counters: &[CounterSummary]) {
    let families = [
        ("barhive_server_seconds", "How long the server takes for its own work.", true),
        ("barhive_server_counts", "How much the server does at a time.", false),
    ];
    for (family, help, is_time) in families {
        let of = counters.iter().filter(|counter| counter.is_time() == is_time).collect::<Vec<_>>();
        if of.is_empty() {
            continue;
        }
        let scale = if is_time { 1e-9 } else { 1.0 };
        page.family(family, "summary", help);
        for counter in of {
            let quantiles = [
                ("0.5", counter.p50),
                ("0.9", counter.p90),
                ("0.95", counter.p95),
                ("0.99", counter.p99),
                ("0.999", counter.p999),
            ];
            for (quantile, value) in quantiles {
                let labels = [("what", counter.name.as_str()), ("quantile", quantile)];
                page.sample(family, &labels, value as f64 * scale);
            }
            let labels = [("what", counter.name.as_str())];
            page.sample(&format!("{family}_sum"), &labels, counter.sum as f64 * scale);
            page.sample(&format!("{family}_count"), &labels, counter.count);
        }
    }
}

/// The server's own process, by the names that Prometheus's clients use.
fn process(page: &mut Page) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may hold anything; the state is the first behind it.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
    let field = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
    if let (Some(user), Some(system)) = (field(11), field(12)) {
        let seconds = (user + system) as f64 / rustix::param::clock_ticks_per_second() as f64;
        page.counter("process_cpu_seconds_total", "Processor time of the server itself.", seconds);
    }
    if let Some(pages) = field(21) {
        let bytes = pages * rustix::param::page_size() as u64;
        page.gauge("process_resident_memory_bytes", "Resident memory of the server itself.", bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_every_family_is_explained() {
        let mut page = Page::default();
        page.family("a", "gauge", "An a.");
        page.sample("a", &[("x", "q\"\\\n"), ("y", "1")], 2.5);
        page.counter("b_total", "Bs.", 3);
        let expected = "# HELP a An a.\n# TYPE a gauge\na{x=\"q\\\"\\\\\\n\",y=\"1\"} 2.5\n\
                        # HELP b_total Bs.\n# TYPE b_total counter\nb_total 3\n";
        assert_eq!(page.0, expected);
    }

    #[test]
    fn the_process_is_measured() {
        let mut page = Page::default();
        process(&mut page);
        let value = |name: &str| -> f64 {
            let line = page.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap().parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6 && value("process_cpu_seconds_total") >= 0.0);
    }
}
