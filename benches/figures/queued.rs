//! Ten instruments and fifty strategies through the queue: columnar files against JSON lines, two workers against
//! one.

use std::{fs, path::PathBuf, thread, time::Duration};

use barhive::{
    bench::machine::Machine,
    engine::{
        data::{Pull, SeriesKind, SeriesRequest},
        jobs::JobState,
        timeframe::Timeframe,
    },
    feeds::{import::Format, write::writer},
};

use crate::{
    fixtures,
    measure::{Figures, median, pin_to_one_core, unpin},
    server::{Server, quoted},
};

const INSTRUMENTS: u32 = 10;
const BARS: u64 = 200_000;
const STRATEGIES: usize = 50;
/// How often each is run.
const RUNS: usize = 3;
/// Workers of larger machines, for which there are only projections here.
const PROJECTED: [u32; 3] = [4, 8, 16];

pub fn figures(figures: &mut Figures) {
    let names = [
        "c500_speedup_2",
        "c500_tuned_speedup_2",
        "c500_utilisation_2_pct",
        "c500_jsonl_speedup_2",
        "c500_columnar_vs_jsonl",
        "c500_s",
    ];
    if !figures.wants(&names) {
        return;
    }
    let cores = unpin();
    assert!(cores >= 2, "two workers need two cores");
    let workload = fixtures::synthetic("c500", INSTRUMENTS, BARS);
    let columnar = sweep(&format!("kind: catalog, params: {{path: {}}}", quoted(&workload.catalog)));
    let lines = sweep(&format!(
        "kind: json_lines, params: {{path: {}, timeframe: 1m, layout: {{preset: barhive_full}}, \
         instrument: {{price_scale: 6}}}}",
        quoted(&json_lines())
    ));
    // What else runs here disturbs the figure, and is not to keep it from being taken.
    let settings = "workers: 2\nhttp: {listen: none}\nbreaker: {enabled: false}\n";
    let mut server = Server::start(settings);
    // Fifty strategies of five kinds differ much in what they take: small chunks even that out. And no copy of the
    // results into a database, which one core does alone.
    let tuned = format!("{columnar}sweep: {{chunk: 25, database: none}}\n");
    let mut ran = [const { Vec::new() }; 6];
    for _ in 0..RUNS {
        for (input, sweep) in [&columnar, &lines, &tuned].into_iter().enumerate() {
            for workers in [1, 2] {
                ran[input * 2 + workers as usize - 1].push(run(&mut server, sweep, workers));
            }
        }
    }
    let seconds = |which: usize| median(ran[which].iter().map(|ran| ran.seconds).collect());
    let used = |which: usize| median(ran[which].iter().map(|ran| ran.utilisation).collect());
    let machine = Machine::this();
    println!(
        "# {}, {} of {} cores, {}, load {:.1}; {INSTRUMENTS} instruments x {STRATEGIES} strategies x {BARS} bars",
        machine.cpu, machine.cores, machine.cores_online, machine.kernel, machine.load
    );
    let names = ["columnar_1", "columnar_2", "jsonl_1", "jsonl_2", "tuned_1", "tuned_2"];
    for (which, name) in names.iter().enumerate() {
        figures.print(&format!("c500_s_{name}"), seconds(which), "s");
    }
    figures.print("c500_speedup_2", seconds(0) / seconds(1), "times");
    figures.print("c500_tuned_speedup_2", seconds(4) / seconds(5), "times");
    figures.print("c500_tuned_utilisation_2_pct", used(5), "%");
    figures.print("c500_jsonl_speedup_2", seconds(2) / seconds(3), "times");
    figures.print("c500_columnar_vs_jsonl", seconds(2) / seconds(0), "times");
    figures.print("c500_utilisation_2_pct", used(1), "%");
    figures.print("c500_jsonl_utilisation_2_pct", used(3), "%");
    // What does not get faster with a second worker stays (Amdahl), as far as two workers show it.
    let serial = (2.0 * seconds(1) / seconds(0) - 1.0).clamp(0.0, 1.0);
    for workers in PROJECTED {
        let time = seconds(0) * (serial + (1.0 - serial) / f64::from(workers));
        println!(
            "# projected, not measured: {workers} workers {time:.2} s, {:.1} times one, by Amdahl's law with \
             {:.1} % that one worker does alone",
            seconds(0) / time,
            serial * 100.0
        );
    }
    pin_to_one_core();
}

/// Fifty strategies of five kinds on every instrument.
fn sweep(feed: &str) -> String {
    let strategies = [
        "kind: sma_cross, params: {fast: \"range(5, 14)\", slow: 50}",
        "kind: ema_cross, params: {fast: \"range(5, 14)\", slow: 50}",
        "kind: rsi_reversion, params: {period: \"range(7, 16)\"}",
        "kind: bollinger, params: {period: \"range(15, 24)\"}",
        "kind: macd, params: {fast: \"range(6, 15)\", slow: 26, signal: 9}",
    ];
    let strategies = strategies.iter().enumerate();
    let strategies = strategies.map(|(number, kind)| {
        format!("  - {{id: s{number}, {kind}, timeframe: 1m, sizing: {{fixed: 1}}}}\n")
    });
    format!(
        "name: c500\nfeed: {{{feed}}}\naccount: {{cash: 1000000 USD}}\nfees: {{rate: 0.1%}}\nstrategies:\n{}",
        strategies.collect::<String>()
    )
}

/// The same bars as JSON lines, a file an instrument.
fn json_lines() -> PathBuf {
    let workload = fixtures::synthetic("c500", INSTRUMENTS, BARS);
    let folder = fixtures::cache().join("c500_jsonl");
    if folder.join("done").exists() {
        return folder.join("bars");
    }
    let bars = folder.join("bars");
    fs::create_dir_all(&bars).expect("the target folder can be written");
    let set = fixtures::set(&workload);
    for instrument in &set.instruments {
        let request = SeriesRequest {
            symbol: instrument.symbol.clone(),
            kind: SeriesKind::BAR,
            timeframe: Timeframe::M1,
            from_ns: None,
            to_ns: None,
        };
        let path = bars.join(format!("{}.jsonl", instrument.symbol));
        let file = fs::File::create(&path).expect("the target folder can be written");
        let out = Box::new(std::io::BufWriter::new(file));
        let mut writer = writer(&path, Format::JsonLines, out).expect("it begins");
        let mut feed = set.source.open(&request).expect("the catalog has it");
        while let Pull::Rows(batch) = feed.pull(8_192, 0).expect("it is read") {
            writer.rows(&batch.columns).expect("there is room");
        }
        writer.finish().expect("there is room");
    }
    fs::write(folder.join("done"), "").expect("the target folder can be written");
    bars
}

struct Ran {
    /// From its start to its end, as the queue has it.
    seconds: f64,
    /// Time on cores, percent of that of its workers.
    utilisation: f64,
}

fn run(server: &mut Server, sweep: &str, workers: u32) -> Ran {
    let job = server.submit("c500", sweep, workers);
    let view = loop {
        let view = server.job(job);
        if view.job.state.is_ended() {
            break view;
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(view.job.state, JobState::Completed, "{:?}", view.job.history);
    let seconds = view.job.running_ns as f64 / 1e9;
    // What it used is written a moment later.
    thread::sleep(Duration::from_millis(1_500));
    let usage = server.job(job).usage.expect("what it used is known");
    assert!(usage.cpu_s > 0.0, "{usage:?}");
    Ran { seconds, utilisation: usage.cpu_s / (seconds * f64::from(workers)) * 100.0 }
}
