//! `jobs show`: one job.

use std::io::{self, Write};

use barhive_actors::clock::SystemClock;
use barhive_engine::{
    jobs::JobState,
    time::{Clock, format_utc},
};
use barhive_report::format::bytes;
use barhive_serve::{JobUsage, JobView, LOG, Work};

use super::{OneFlags, list::done, span};
use crate::cli::{
    outcome::{Done, Outcome},
    output::{self, Format, wrapped},
};

pub(super) fn run(flags: &OneFlags, out: &mut dyn Write) -> Outcome {
    let view = flags.server.connect()?.job(flags.job)?;
    match flags.server.format {
        Format::Json => output::json(out, &view)?,
        Format::Table => show(&view, SystemClock.now_ns(), out)?,
    }
    Ok(Done::All)
}

fn show(view: &JobView, now_ns: i64, out: &mut dyn Write) -> io::Result<()> {
    let (job, request) = (&view.job, &view.job.request);
    let mut lines = vec![
        ("job", format!("{} {}", job.id, request.name)),
        ("state", format!("{} for {}", job.state, span(now_ns.saturating_sub(job.state_since_ns)))),
        ("why", job.reason().to_owned()),
        ("priority", priority(view)),
    ];
    let mut line = |name, value: Option<String>| lines.extend(value.map(|value| (name, value)));
    line("progress", Some(progress(view)).filter(|text| !text.is_empty()));
    line("deadline", request.deadline_ns.map(format_utc));
    line("timeout", request.timeout_ns.map(span));
    let retries = format!("{} of {} used", job.failures.min(request.retries), request.retries);
    line("retries", (request.retries > 0).then_some(retries));
    let memory = match request.resources.memory_bytes {
        0 => String::new(),
        bytes => format!(", {:.1} MiB", bytes as f64 / f64::from(1u32 << 20)),
    };
    line(
        "asks for",
        Some(format!("{}{memory}", output::count(request.resources.workers as usize, "worker"))),
    );
    let running_ns = match job.state {
        JobState::Running => job.running_ns.saturating_add(now_ns.saturating_sub(job.state_since_ns)),
        _ => job.running_ns,
    };
    line("has run", Some(format!("{}, {}", span(running_ns), output::count(job.starts as usize, "start"))));
    line("used", view.usage.as_ref().map(used));
    let work: Option<Work> = serde_json::from_str(&request.payload).ok();
    line("file", work.as_ref().map(|work| work.file.display().to_string()));
    let results = work.and_then(|work| work.results_dir);
    let results = results.or_else(|| view.place.as_ref().map(|place| place.join("results")));
    line("results", results.map(|folder| folder.display().to_string()));
    line("log", view.place.as_ref().map(|place| place.join(LOG).display().to_string()));
    for (name, value) in lines {
        writeln!(out, "{name:<9} {value}")?;
    }
    writeln!(out, "history")?;
    for (place, step) in job.history.iter().enumerate() {
        if place == 1 && job.forgotten > 0 {
            writeln!(out, "  ... {} more", job.forgotten)?;
        }
        let text = format!(
            "  {} {} {}",
            format_utc(step.at_ns / 1_000_000_000 * 1_000_000_000),
            step.state,
            step.reason
        );
        out.write_all(wrapped(&text).as_bytes())?;
    }
    Ok(())
}

/// The most memory and the mean use of the processor.
fn used(usage: &JobUsage) -> String {
    let JobUsage { memory_peak_bytes, cpu_percent_mean, cpu_s, .. } = usage;
    let cores = format!("{cpu_percent_mean:.0} % of a core on average, {cpu_s:.1} s on cores");
    match *memory_peak_bytes {
        // It ended before anybody looked.
        0 => cores,
        peak => format!("{} at most, {cores}", bytes(peak)),
    }
}

fn priority(view: &JobView) -> String {
    let (priority, standing) = (view.job.request.priority.to_string(), view.job.standing.to_string());
    if priority == standing { priority } else { format!("{priority}, stands at {standing}") }
}

fn progress(view: &JobView) -> String {
    let mut text = done(view);
    let Some(progress) = &view.progress else { return text };
    if let (Some(done), Some(total)) = (progress.done, progress.total) {
        text.push_str(&format!(", {done} of {total}"));
    }
    if let Some(left_s) = progress.remaining_s.filter(|left_s| left_s.is_finite()) {
        text.push_str(&format!(", {} left", span((left_s * 1e9) as i64)));
    }
    text
}
