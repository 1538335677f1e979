//! A part that breaks again and again: the root supervisor gives up, and the program leaves with 70.
//!
//! This test is its own program: it starts itself anew as a trading program with a feed of its own,
//! so that exit code and streams are those of a real process.

use std::{
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use barhive::{
    engine::data::{Feed, Pull, SeriesInfo, SeriesRequest, Source},
    engine::instrument::Instrument,
    feeds::{SyntheticParams, SyntheticSource},
    prelude::*,
};

/// Set for the process that is the program.
const PROGRAM: &str = "BARHIVE_TEST_PROGRAM";

const SET: &str = "
name: broken
feed: {kind: vendor, params: {breaks: BREAKS}}
account: {cash: 100000 USD}
strategies:
  - {id: hold, kind: buy_and_hold, timeframe: 1h, sizing: {fixed: 1}}
report: {html: false}
";

/// A vendor's library that breaks.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "barhive::serde")]
#[schemars(crate = "barhive::schemars")]
struct VendorParams {
    /// How often, over all its lives.
    breaks: u32,
}

struct Vendor {
    rows: SyntheticSource,
    breaks_left: Arc<AtomicU32>,
}

fn vendor(params: VendorParams, _: &FeedContext) -> Result<Vendor, FeedError> {
    let symbols = vec!["X".to_owned()];
    let rows = SyntheticParams { symbols, bars: 100, timeframe: Timeframe::H1, ..SyntheticParams::default() };
    Ok(Vendor { rows: SyntheticSource::new(rows)?, breaks_left: Arc::new(AtomicU32::new(params.breaks)) })
}

impl Source for Vendor {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.rows.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.rows.series(symbol)
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let rows = self.rows.open(request)?;
        Ok(Box::new(VendorFeed { rows, breaks_left: Arc::clone(&self.breaks_left) }))
    }
}

struct VendorFeed {
    rows: Box<dyn Feed>,
    breaks_left: Arc<AtomicU32>,
}

impl Feed for VendorFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        let breaks = self.breaks_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        assert!(breaks.is_err(), "the vendor's library broke");
        self.rows.pull(rows_max, lead)
    }
}

struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program on a feed that breaks so often.
fn answer(breaks: u32) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    let set = folder.path().join("set.yaml");
    std::fs::write(&set, SET.replace("BREAKS", &breaks.to_string())).expect("a file");
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    program.args(["run", "set.yaml", "--results-dir", "results", "--format", "json"]);
    let output = program.env(PROGRAM, "1").env_remove("BARHIVE_LOG").current_dir(&folder).output();
    let output = output.expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Answer { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn a_part_that_breaks_within_the_restart_policy_is_restarted_and_the_run_is_done() {
    let Answer { code, stdout, stderr } = answer(3);
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let restarts = report["restarts"].as_array().expect("restarts");
    assert_eq!(restarts.len(), 3, "{restarts:?}");
    assert!(restarts.iter().all(|restart| restart["part"] == "market data"), "{restarts:?}");
}

fn a_part_that_breaks_beyond_it_ends_the_program_with_70_and_says_which_and_why() {
    for breaks in [4, u32::MAX] {
        let Answer { code, stdout, stderr } = answer(breaks);
        assert_eq!(code, Some(70), "{stderr}");
        assert_eq!(stdout, "");
        let last = stderr.lines().last();
        assert_eq!(last, Some("error: market data failed: the vendor's library broke"), "{stderr}");
        assert_eq!(stderr.matches("restarting").count(), 3, "{stderr}");
    }
}

fn main() -> ExitCode {
    if std::env::var_os(PROGRAM).is_some() {
        return barhive::cli::run(Registry::builtin().feed("vendor", vendor));
    }
    let tests: [(&str, fn()); 2] = [
        (
            "a_part_that_breaks_within_the_restart_policy_is_restarted_and_the_run_is_done",
            a_part_that_breaks_within_the_restart_policy_is_restarted_and_the_run_is_done,
        ),
        (
            "a_part_that_breaks_beyond_it_ends_the_program_with_70_and_says_which_and_why",
            a_part_that_breaks_beyond_it_ends_the_program_with_70_and_says_which_and_why,
        ),
    ];
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for (name, test) in tests {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted)) {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}
