//! What was found, and what helps.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    /// Something to put right.
    Wrong,
    /// It could be better, and works.
    Note,
    /// It was looked at, and is as it should be.
    Well,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wrong => "WRONG",
            Self::Note => "note",
            Self::Well => "well",
        })
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What was looked at.
    pub(super) subject: String,
    /// What was found, with its number.
    pub(super) what: String,
    /// What to do.
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn wrong(subject: impl Into<String>, what: String, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, subject: subject.into(), what, remedy: Some(remedy.into()) }
    }

    pub(super) fn note(subject: impl Into<String>, what: String, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::wrong(subject, what, remedy) }
    }

    pub(super) fn well(subject: impl Into<String>, what: String) -> Self {
        Self { severity: Severity::Well, subject: subject.into(), what, remedy: None }
    }
}

/// Longest that a part may work at a time, in milliseconds: beyond it others wait noticeably.
pub(super) const SLOW_MS: f64 = 100.0;
/// Use of memory beyond which the machine is short of it, percent.
pub(super) const MEMORY_PERCENT: f64 = 80.0;
/// Entries of a queue beyond which it does not keep up.
pub(super) const QUEUE: u64 = 1_000;
