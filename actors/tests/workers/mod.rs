//! A strategy that harms its process, the program that is its worker, and somebody who kills workers.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use barhive_actors::sweep::{ProcessSpec, SweepOptions, SweepOutcome, run_sweep, serve_worker, worker_pipes};
use barhive_engine::{
    Registry,
    data::Source,
    indicator::{IndicatorSpec, builtin},
    instrument::{Currency, InstrumentId},
    money::Money,
    order::Side,
    set::{ContainerSpec, Limits, Machinery, Retention, Trace},
    strategy::{Bars, Context, Setup, SetupError, Sizing, Strategy, Value},
    sweep::{Axis, Definition, Grid, PassBlock, SweepHasher, SweepSpec, Variant},
    timeframe::Timeframe,
};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::kit;

/// Set for the processes that are workers.
pub const WORKER: &str = "BARHIVE_TEST_WORKER";
/// Set for the process that is a coordinator.
pub const COORDINATOR: &str = "BARHIVE_TEST_COORDINATOR";

/// What a strategy does to its process at its hundredth bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing: sixteen variants; every other fault has one.
    None,
    /// Nothing, in one variant.
    Calm,
    Panic,
    Exit,
    Abort,
    Overflow,
    Hang,
    Stop,
    Hog,
    /// Takes 96 MB.
    Large,
    Print,
}

#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
struct Params {
    fast: u32,
    slow: u32,
    fault: Fault,
}

struct Harmful {
    fast: Value,
    slow: Value,
    long: Option<bool>,
    bars: u32,
    fault: Fault,
    held: Vec<u8>,
}

impl Harmful {
    fn new(params: Params, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let bars = setup.bars(setup.instrument());
        let average = |period: u32| IndicatorSpec::new("sma").with("period", period);
        let fast = setup.indicator(bars, average(params.fast))?;
        let slow = setup.indicator(bars, average(params.slow))?;
        Ok(Self { fast, slow, long: None, bars: 0, fault: params.fault, held: Vec::new() })
    }
}

impl Strategy for Harmful {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.bars += 1;
        if self.bars == 100 {
            self.held = harm(self.fault);
        }
        let (fast, slow) = (ctx.value(self.fast), ctx.value(self.slow));
        if slow.is_nan() || self.long == Some(fast > slow) {
            return;
        }
        self.long = Some(fast > slow);
        ctx.enter(bars.instrument(), if fast > slow { Side::Buy } else { Side::Sell });
    }
}

/// Does it.
fn harm(fault: Fault) -> Vec<u8> {
    match fault {
        Fault::None | Fault::Calm => {}
        Fault::Panic => panic!("made to panic"),
        Fault::Exit => std::process::exit(3),
        Fault::Abort => std::process::abort(),
        Fault::Overflow => drop(deep(&[0; 512])),
        Fault::Hang => loop {
            std::thread::yield_now();
        },
        Fault::Stop => {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::STOP).expect("it may");
        }
        Fault::Hog => {
            let mut taken = Vec::new();
            loop {
                taken.push(vec![1u8; 1 << 20]);
            }
        }
        Fault::Large => return vec![1; 96 << 20],
        Fault::Print => {
            println!("what has this to do with it?");
            print!("{}", "bhw\u{1}".repeat(1_000));
        }
    }
    Vec::new()
}

#[allow(unconditional_recursion, reason = "overflows the stack")]
fn deep(bytes: &[u8; 512]) -> [u8; 512] {
    let mut more = *bytes;
    more[0] = more[0].wrapping_add(1);
    std::hint::black_box(deep(std::hint::black_box(&more)))
}

pub fn registry() -> Arc<Registry> {
    let parts = builtin().into_iter().fold(Registry::empty(), Registry::indicator);
    Arc::new(parts.strategy("harmful", Harmful::new))
}

/// A definition for each of the faults.
pub fn spec(faults: &[Fault], minutes: i64) -> Arc<SweepSpec> {
    let source = kit::market(minutes);
    let instruments = source.instruments().expect("the market has instruments");
    let numbers =
        |name: &str, values: &[u64]| Axis::new(name, values.iter().map(|value| Json::from(*value)).collect());
    let definitions = faults.iter().enumerate().map(|(place, fault)| {
        let (fast, slow): (&[u64], &[u64]) = match fault {
            Fault::None => (&[2, 3, 5, 8], &[11, 20, 30, 40]),
            _ => (&[4], &[15]),
        };
        let fault = serde_json::to_value(fault).expect("JSON");
        let fixed = Map::from_iter([("fault".to_owned(), fault)]);
        let axes = vec![numbers("fast", fast), numbers("slow", slow)];
        Definition {
            id: format!("follow{place}"),
            kind: "harmful".into(),
            instruments: vec![vec![InstrumentId(0)]],
            timeframes: vec![Timeframe::M1],
            sizing: Sizing::Lots(10),
            limits: Limits::default(),
            grid: Grid::new(fixed, axes, &[]).expect("a grid"),
        }
    });
    Arc::new(SweepSpec {
        name: "test".into(),
        instruments,
        source: Arc::new(source),
        account: ContainerSpec {
            trace: Trace::Minimal,
            retention: Retention::Minimal,
            ..ContainerSpec::new(
                "account",
                Money::from_units(1_000_000),
                Currency::new("USD").expect("a currency"),
            )
        },
        definitions: definitions.collect(),
        bars_max: None,
        machinery: Machinery::default(),
    })
}

/// The processes for [`spec`] of the same arguments.
pub fn process(faults: &[Fault], minutes: i64) -> ProcessSpec {
    let payload = serde_json::to_vec(&(faults, minutes)).expect("JSON");
    let mut process = ProcessSpec::new(std::env::current_exe().expect("a program"), payload);
    process.env = vec![(WORKER.into(), "1".into())];
    process
}

/// Is a worker.
pub fn serve() -> ExitCode {
    let (input, output) = worker_pipes().expect("pipes");
    let served = serve_worker(input, output, |payload| {
        let (faults, minutes): (Vec<Fault>, i64) =
            serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        let spec = spec(&faults, minutes);
        Ok((SweepSpec::clone(&spec), Registry::clone(&registry())))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub fn run(spec: &Arc<SweepSpec>, options: SweepOptions) -> (SweepOutcome, Vec<Variant>) {
    run_slowly(spec, options, Duration::ZERO)
}

/// Runs a sweep whose results take so long to be kept, pass by pass.
pub fn run_slowly(
    spec: &Arc<SweepSpec>,
    options: SweepOptions,
    slow: Duration,
) -> (SweepOutcome, Vec<Variant>) {
    let mut variants: Vec<Variant> = Vec::new();
    let mut sink = |block: &PassBlock| {
        variants.extend(block.variants.iter().cloned());
        std::thread::sleep(slow);
        Ok(())
    };
    let outcome = run_sweep(spec, &registry(), options, &mut sink).expect("the sweep runs");
    variants.sort_by_key(|variant| variant.index);
    assert!(variants.is_sorted_by(|a, b| a.index < b.index), "a variant was delivered twice");
    (outcome, variants)
}

pub fn hash(spec: &SweepSpec, variants: &[Variant]) -> String {
    let mut hasher = SweepHasher::new();
    variants.iter().for_each(|variant| hasher.add(spec, variant));
    hasher.finish()
}

/// The processes that `parent` has started and not waited for.
pub fn children_of(parent: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The processes that this one has started and not waited for.
pub fn children() -> Vec<u32> {
    children_of(std::process::id())
}

/// Threads of this process.
pub fn threads() -> usize {
    entries("/proc/self/task")
}

/// Open descriptors of this process.
pub fn descriptors() -> usize {
    entries("/proc/self/fd")
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

/// Whether a process is there, and has not merely not been waited for.
pub fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits for something that must come soon.
#[allow(clippy::disallowed_methods, reason = "bounds how long a test may take")]
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does something to random workers at random moments.
pub struct Chaos {
    thread: JoinHandle<u64>,
    ended: Arc<AtomicBool>,
}

impl Chaos {
    /// `act` answers whether it did it.
    pub fn start(seed: u64, mut act: impl FnMut(Pid) -> bool + Send + 'static) -> Self {
        let ended = Arc::<AtomicBool>::default();
        let end = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let (mut state, mut acts) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, 0);
            while !end.load(SeqCst) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                std::thread::sleep(Duration::from_millis(20 + state % 60));
                let workers = children();
                if workers.is_empty() {
                    continue;
                }
                let victim = workers[(state >> 32) as usize % workers.len()];
                acts += u64::from(Pid::from_raw(victim as i32).is_some_and(&mut act));
            }
            acts
        });
        Self { thread, ended }
    }

    /// How often it acted.
    pub fn end(self) -> u64 {
        self.ended.store(true, SeqCst);
        self.thread.join().expect("it does no harm to itself")
    }
}
