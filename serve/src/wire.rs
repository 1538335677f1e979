//! What goes over the socket: JSON lines, one request and one answer each.
//!
//! ```text
//! {"v":1,"ask":{"show":{"job":7}}}
//! {"v":1,"ok":{"job":{...}}}          or  {"v":1,"error":"there is no job 7: ..."}
//! ```

use barhive_engine::jobs::{ExecutionMode, JobId, JobRequest};
use barhive_machine::LiveReport;
use serde::{Deserialize, Serialize};

use crate::view::{JobView, ServerStatus};

/// Version of these lines. Another one is refused.
pub const PROTOCOL: u32 = 1;
/// Longest request, in bytes with its line's end.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Take a job in.
    Submit {
        /// What is asked for.
        request: JobRequest,
    },
    /// All jobs.
    List,
    /// One job.
    Show {
        /// Which.
        job: JobId,
    },
    /// Hold a job back.
    Pause {
        /// Which.
        job: JobId,
    },
    /// Let it go on.
    Resume {
        /// Which.
        job: JobId,
    },
    /// Call it off.
    Cancel {
        /// Which.
        job: JobId,
    },
    /// How the server is doing.
    Status,
    /// Share the machine differently from now on.
    Mode {
        /// How.
        mode: ExecutionMode,
    },
    /// Live work says how far it is behind.
    Live(LiveReport),
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The job was taken in.
    Submitted {
        /// Its number.
        job: JobId,
    },
    /// It is done and on disk.
    Done,
    /// All jobs, in order of submission.
    Jobs(Vec<JobView>),
    /// One job.
    Job(Box<JobView>),
    /// How the server is doing.
    Status(Box<ServerStatus>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<R> {
    v: u32,
    ask: R,
}

#[derive(Debug, Deserialize)]
struct Versioned {
    v: u32,
}

/// An answer's line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answered {
    v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A request as a line.
pub(crate) fn request_line(request: &Request) -> Result<String, String> {
    line(&Asked { v: PROTOCOL, ask: request })
}

/// An answer, or why there is none, as a line.
pub(crate) fn answer_line(answer: Result<Answer, String>) -> Result<String, String> {
    let (ok, error) = match answer {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(error)),
    };
    line(&Answered { v: PROTOCOL, ok, error })
}

fn line(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(|error| error.to_string())
}

/// Reads a request.
///
/// # Errors
/// What is wrong with it and what is right.
pub(crate) fn read_request(line: &[u8]) -> Result<Request, String> {
    let fault = |error: serde_json::Error| {
        format!(
            "the request cannot be understood: {error}; expected a line such as {{\"v\":{PROTOCOL},\"ask\":\"list\"}}"
        )
    };
    let Versioned { v } = serde_json::from_slice(line).map_err(fault)?;
    if v != PROTOCOL {
        return Err(format!(
            "the request is of version {v}, this server speaks version {PROTOCOL}: use a program of its version ({})",
            env!("CARGO_PKG_VERSION")
        ));
    }
    let Asked::<Request> { ask, .. } = serde_json::from_slice(line).map_err(fault)?;
    Ok(ask)
}

/// Reads an answer.
///
/// # Errors
/// What the server refused, or that it cannot be understood.
pub(crate) fn read_answer(line: &str) -> Result<Result<Answer, String>, String> {
    let answered: Answered = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match (answered.ok, answered.error) {
        (Some(answer), _) => Ok(Ok(answer)),
        (None, Some(error)) => Ok(Err(error)),
        (None, None) => Err("neither an answer nor an error".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_as_they_were_asked() {
        let requests = [
            Request::Submit { request: JobRequest::new("a", "b") },
            Request::List,
            Request::Show { job: JobId(7) },
            Request::Status,
            Request::Mode { mode: ExecutionMode::PriorityLive },
            Request::Live(LiveReport::new("paper", 12.5)),
        ];
        for request in requests {
            let line = request_line(&request).unwrap();
            assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "{line}");
            assert_eq!(read_request(line.as_bytes()), Ok(request));
        }
        assert_eq!(request_line(&Request::List).unwrap(), "{\"v\":1,\"ask\":\"list\"}\n");
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "EOF"),
            (b"list", "expected value"),
            (b"{\"v\":1}", "missing field `ask`"),
            (b"{\"ask\":\"list\"}", "missing field `v`"),
            (b"{\"v\":2,\"ask\":\"list\"}", "speaks version 1"),
            (b"{\"v\":2,\"ask\":{\"new\":1}}", "speaks version 1"),
            (b"{\"v\":1,\"ask\":\"lst\"}", "unknown variant `lst`"),
            (b"{\"v\":1,\"ask\":{\"show\":{\"job\":1,\"x\":2}}}", "unknown field `x`"),
            (b"{\"v\":1,\"ask\":\"list\",\"x\":2}", "unknown field `x`"),
            (b"{\"v\":1,\"ask\":{\"show\":{\"job\":-1}}}", "-1"),
            (b"\xff\xfe", "cannot be understood"),
        ];
        for (line, expected) in cases {
            let fault = read_request(line).unwrap_err();
            assert!(fault.contains(expected), "{}: {fault}", String::from_utf8_lossy(line));
        }
    }
}
