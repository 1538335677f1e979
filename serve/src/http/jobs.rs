//! What is asked about jobs and done to them.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Path as InPath, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use barhive_engine::jobs::{JobId, JobPriority, JobState, PausedBy};
use http_body_util::LengthLimitError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Shared,
    desk::{JobResults, Submission},
    problem::Problem,
};
use crate::{
    asks,
    program::LOG,
    view::{JobChange, JobView, ServerStatus},
};

/// Longest body of a request, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 64 << 10;
/// How long a client may take to send one.
const BODY_MAX: Duration = Duration::from_secs(10);
/// Of a log no more than this is looked at, from its end.
const LOG_BYTES_MAX: u64 = 1 << 20;
const LOG_LINES: usize = 200;
const LOG_LINES_MAX: usize = 10_000;
const TOP: u32 = 10;
const TOP_MAX: u32 = 1_000;

/// A job that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Submitted {
    /// Its number.
    pub job: JobId,
    /// What it is called.
    pub name: String,
    /// How urgent it is.
    pub priority: JobPriority,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    state: Option<JobState>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    lines: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResultsQuery {
    top: Option<u32>,
}

/// A query that was read, or what is wrong with it.
type Asked<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

fn query<T>(asked: Asked<T>) -> Result<T, Problem> {
    asked.map(|Query(query)| query).map_err(|fault| Problem::bad(fault.body_text()))
}

fn number(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(Problem::bad)
}

fn within(name: &str, value: u64, max: u64) -> Result<(), Problem> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(Problem::bad(format!("{name}: expected a number from 1 to {max}, found {value}")))
}

/// A body as JSON.
pub(super) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected a body of JSON, with `Content-Type: application/json`",
        ));
    }
    let Ok(read) = tokio::time::timeout(BODY_MAX, to_bytes(body, BODY_BYTES_MAX)).await else {
        let detail = format!("the body took longer than {} s: send it at once", BODY_MAX.as_secs());
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
    };
    let bytes = read.map_err(|error| {
        let is_long = std::error::Error::source(&error).is_some_and(|source| source.is::<LengthLimitError>());
        match is_long {
            true => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {BODY_BYTES_MAX} bytes: shorten it"),
            ),
            false => Problem::bad(format!("the body cannot be read: {error}")),
        }
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::unfit(vec![format!("the body cannot be understood: {error}")]))
}

/// Does what waits for disks elsewhere, so that nobody else waits.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed here; the server's log says more")
    })
}

/// `GET /v1/status`.
pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Result<Json<ServerStatus>, Problem> {
    Ok(Json(asks::status(&shared.manager).await?))
}

/// `GET /v1/jobs`.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    asked: Asked<ListQuery>,
) -> Result<Json<Vec<JobView>>, Problem> {
    let only = query(asked)?.state;
    let mut jobs = asks::jobs(&shared.manager).await?;
    jobs.retain(|view| only.is_none_or(|only| view.job.state == only));
    Ok(Json(jobs.into_iter().map(JobView::hushed).collect()))
}

/// `POST /v1/jobs`.
pub(super) async fn submit(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let submission: Submission = read(&parts.headers, body).await?;
    let desk = Arc::clone(&shared.desk);
    let asked = aside(move || desk.request(&submission)).await?.map_err(Problem::unfit)?;
    let (name, priority) = (asked.name.clone(), asked.priority);
    let job = asks::submit(&shared.manager, asked).await?;
    let place = [(header::LOCATION, format!("/v1/jobs/{job}"))];
    Ok((StatusCode::CREATED, place, Json(Submitted { job, name, priority })).into_response())
}

/// `GET /v1/jobs/{job}`.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    InPath(job): InPath<String>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(asks::job(&shared.manager, number(&job)?).await?.hushed()))
}

/// `POST /v1/jobs/{job}/pause`.
pub(super) async fn pause(state: State<Arc<Shared>>, job: InPath<String>) -> Result<Json<JobView>, Problem> {
    change(state, job, JobChange::Pause(PausedBy::Owner), "paused by its owner").await
}

/// `POST /v1/jobs/{job}/resume`.
pub(super) async fn resume(state: State<Arc<Shared>>, job: InPath<String>) -> Result<Json<JobView>, Problem> {
    change(state, job, JobChange::Resume(PausedBy::Owner), "resumed by its owner").await
}

/// `POST /v1/jobs/{job}/cancel`.
pub(super) async fn cancel(state: State<Arc<Shared>>, job: InPath<String>) -> Result<Json<JobView>, Problem> {
    change(state, job, JobChange::Cancel, "cancelled by its owner").await
}

async fn change(
    State(shared): State<Arc<Shared>>,
    InPath(job): InPath<String>,
    change: JobChange,
    reason: &str,
) -> Result<Json<JobView>, Problem> {
    let job = number(&job)?;
    asks::change(&shared.manager, job, change, reason).await?;
    Ok(Json(asks::job(&shared.manager, job).await?.hushed()))
}

/// `GET /v1/jobs/{job}/log`.
pub(super) async fn log(
    State(shared): State<Arc<Shared>>,
    InPath(job): InPath<String>,
    asked: Asked<LogQuery>,
) -> Result<Response, Problem> {
    let lines = query(asked)?.lines.unwrap_or(LOG_LINES);
    within("lines", lines as u64, LOG_LINES_MAX as u64)?;
    let view = asks::job(&shared.manager, number(&job)?).await?;
    let none = || {
        let detail = format!("job {} has not been started: it has no log", view.job.id);
        Problem::new(StatusCode::NOT_FOUND, detail)
    };
    let path = view.place.as_ref().ok_or_else(none)?.join(LOG);
    match aside(move || tail(&path, lines)).await? {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(none()),
        Err(error) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the log of job {} cannot be read: {error}", view.job.id),
        )),
    }
}

/// The last lines of a file.
fn tail(path: &Path, lines: usize) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(LOG_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // What was begun before the cut is no line.
    let whole = if start > 0 { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    let cut = whole.trim_end_matches('\n').rmatch_indices('\n').nth(lines - 1).map_or(0, |(at, _)| at + 1);
    Ok(whole[cut..].to_owned())
}

/// `GET /v1/jobs/{job}/results`.
pub(super) async fn results(
    State(shared): State<Arc<Shared>>,
    InPath(job): InPath<String>,
    asked: Asked<ResultsQuery>,
) -> Result<Json<JobResults>, Problem> {
    let top = query(asked)?.top.unwrap_or(TOP);
    within("top", u64::from(top), u64::from(TOP_MAX))?;
    let view = asks::job(&shared.manager, number(&job)?).await?;
    let id = view.job.id;
    // Results may be many: one reader at a time.
    let Ok(_turn) = shared.reading.acquire().await else {
        return Err(crate::view::ServeError::Ending.into());
    };
    let desk = Arc::clone(&shared.desk);
    match aside(move || desk.results(&view, top)).await? {
        Ok(Some(results)) => Ok(Json(results)),
        Ok(None) => Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("job {id} has no results yet: ask again when it has run for a while"),
        )),
        Err(why) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_tail_of_a_log_is_its_last_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "a\nb\nc\n").unwrap();
        assert_eq!(tail(&path, 2).unwrap(), "b\nc\n");
        assert_eq!(tail(&path, 3).unwrap(), "a\nb\nc\n");
        assert_eq!(tail(&path, 9).unwrap(), "a\nb\nc\n");
        fs::write(&path, "a\nb").unwrap();
        assert_eq!(tail(&path, 1).unwrap(), "b");
        fs::write(&path, "").unwrap();
        assert_eq!(tail(&path, 1).unwrap(), "");
        let long = format!("{}\n{}", "x".repeat(LOG_BYTES_MAX as usize), "y\n".repeat(3));
        fs::write(&path, long).unwrap();
        assert_eq!(tail(&path, 9).unwrap(), "y\ny\ny\n");
        assert_eq!(tail(&folder.path().join("none"), 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
