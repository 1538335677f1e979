//! What the server over HTTP does not know by itself: how files are checked, and what results say.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use barhive_actors::clock::SystemClock;
use barhive_config::{byte_size, time_span};
use barhive_engine::{jobs::JobRequest, registry::Registry as Parts, time::Clock};
use barhive_report::sweep::row_json;
use barhive_serve::{Desk, JobResults, JobView, RankedBy, Submission, Work, WorkKind};
use serde_json::{Map, Value as Json};

use crate::cli::{
    jobs::{Asked, deadline, local_zone},
    runs::OpenSweep,
    sweep::{RankFlags, read},
};

/// Most workers that a job may ask for.
const WORKERS_MAX: u32 = 256;

/// Checks files with the parts that the program has.
pub(super) struct FileDesk {
    parts: Parts,
    /// The folder of what may be submitted, as it was named.
    files: PathBuf,
    /// What was read last, and of which bytes: whoever looks often at a sweep that stands still reads it once.
    latest: Mutex<Option<(PathBuf, u64, u32, JobResults)>>,
}

impl FileDesk {
    pub(super) fn new(parts: Parts, files: PathBuf) -> Self {
        Self { parts, files, latest: Mutex::default() }
    }

    /// A file in the folder of what may be submitted, links followed.
    fn file(&self, named: &str) -> Result<(PathBuf, PathBuf), String> {
        let folder = fs::canonicalize(&self.files).map_err(|error| {
            format!("http.files: {}: {error}; name a folder that is there", self.files.display())
        })?;
        let file = fs::canonicalize(folder.join(named)).map_err(|error| {
            format!("file: {named}: {error}; expected a file in {} on the server's machine", folder.display())
        })?;
        if !file.starts_with(&folder) {
            return Err(format!(
                "file: {named} is not in {}: what is submitted over HTTP lies in the folder that `http.files` names",
                folder.display()
            ));
        }
        if !file.is_file() {
            return Err(format!("file: {named}: expected a file, found something else"));
        }
        Ok((file, folder))
    }

    fn sweep(&self, folder: &Path, top: u32) -> Result<Option<JobResults>, String> {
        if !folder.join("manifest.json").exists() {
            return Ok(None);
        }
        let bytes = ["results.log", "result.json"]
            .map(|name| fs::metadata(folder.join(name)).map_or(0, |facts| facts.len()));
        let bytes = bytes.iter().sum();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, len, best, results)) = &*latest
            && (of.as_path(), *len, *best) == (folder, bytes, top)
        {
            return Ok(Some(results.clone()));
        }
        let mut open = OpenSweep::open(folder, &self.parts).map_err(|fault| fault.to_string())?;
        open.settings.top = u64::from(top);
        let mut ranking = RankFlags::default().ranking(&open.settings).map_err(|fault| fault.to_string())?;
        let facts = read(&open.run, &mut ranking, &mut |_| {}).map_err(|fault| fault.to_string())?;
        let row = |variant| match row_json(&open.spec, variant) {
            Json::Object(row) => row,
            _ => Map::new(),
        };
        let ranked_by = ranking.objectives().iter().map(|objective| RankedBy {
            figure: objective.name().to_owned(),
            more_is_better: objective.more_is_better(),
        });
        let results = JobResults {
            done: facts.done,
            total: facts.selected,
            failed: facts.failed,
            is_finished: facts.result_hash.is_some(),
            ranked_by: ranked_by.collect(),
            top: ranking.shown().into_iter().map(row).collect(),
        };
        *latest = Some((folder.to_owned(), bytes, top, results.clone()));
        Ok(Some(results))
    }
}

impl Desk for FileDesk {
    fn request(&self, submission: &Submission) -> Result<JobRequest, Vec<String>> {
        let mut faults = Vec::new();
        let mut keep = |what: &str, fault: String| faults.push(format!("{what}{fault}"));
        let found = self.file(&submission.file).map_err(|fault| keep("", fault)).ok();
        let deadline_ns = submission.deadline.as_deref().and_then(|text| {
            deadline(text, SystemClock.now_ns(), local_zone()).map_err(|fault| keep("deadline: ", fault)).ok()
        });
        let timeout = submission.timeout.as_deref();
        let timeout = timeout.and_then(|text| time_span(text).map_err(|fault| keep("timeout: ", fault)).ok());
        let memory = submission.memory.as_deref();
        let memory = memory.and_then(|text| byte_size(text).map_err(|fault| keep("memory: ", fault)).ok());
        let workers = submission.workers.unwrap_or(1);
        if !(1..=WORKERS_MAX).contains(&workers) {
            keep("workers: ", format!("expected a number from 1 to {WORKERS_MAX}, found {workers}"));
        }
        let request = found.and_then(|(file, folder)| {
            let shown = file.clone();
            let asked = Asked {
                file,
                name: submission.name.clone(),
                priority: submission.priority.unwrap_or_default(),
                deadline_ns,
                timeout,
                retries: submission.retries.unwrap_or(0),
                memory_bytes: memory.unwrap_or(0),
                workers,
                results_dir: None,
                folder,
                notify: submission.notify.clone(),
            };
            asked.request(&shown, &self.parts).map_err(|fault| keep("", fault)).ok()
        });
        match request {
            Some(request) if faults.is_empty() => Ok(request),
            _ => Err(faults),
        }
    }

    fn results(&self, view: &JobView, top: u32) -> Result<Option<JobResults>, String> {
        let Some(place) = &view.place else { return Ok(None) };
        let work: Work = serde_json::from_str(&view.job.request.payload)
            .map_err(|error| format!("the job's payload is none of this program: {error}"))?;
        let folder = work.results(place);
        match work.kind {
            WorkKind::Sweep => self.sweep(&folder, top),
            WorkKind::Set => set(&folder.join("report.json"), top),
        }
    }
}

/// The accounts of a set that has ended.
fn set(report: &Path, top: u32) -> Result<Option<JobResults>, String> {
    let bytes = match fs::read(report) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", report.display())),
    };
    let report: Json =
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", report.display()))?;
    let accounts = report["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    // What an account did by the month and by the strategy is a report, not a row.
    let row = |account: &Json| -> Map<String, Json> {
        let fields = account.as_object().into_iter().flatten();
        let plain = fields.filter(|(_, value)| !value.is_array() && !value.is_object());
        plain.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let count = |value: &Json| value.as_array().map_or(0, |values| values.len() as u64);
    Ok(Some(JobResults {
        done: accounts.len() as u64,
        total: accounts.len() as u64 + count(&report["quarantined"]),
        failed: count(&report["quarantined"]),
        is_finished: true,
        ranked_by: Vec::new(),
        top: accounts.iter().take(top as usize).map(row).collect(),
    }))
}
