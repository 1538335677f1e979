//! What the file of a server may say. The comments here are the reference that users read.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    read::{Captured, Located},
    value::{ByteSize, Span},
};

/// A server that runs queued jobs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Server")]
pub(crate) struct ServerSection {
    /// The folder of everything that the server keeps: journal, socket, logs and results of jobs. Relative to
    /// this file. Default: `barhive-state` in the current folder.
    pub(crate) state: Option<Located<String>>,
    /// How the machine is shared. Default: `concurrent`.
    pub(crate) mode: Option<ServerModeSection>,
    /// Workers of all running jobs together. Default: as many as cores are allowed.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) workers: Option<Located<u64>>,
    /// Memory that all running jobs together may ask for. Default: 8GiB.
    pub(crate) memory: Option<Located<ByteSize>>,
    /// Jobs that run at the same time. Default: 4.
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) running_max: Option<Located<u64>>,
    /// How the queue is limited and paced.
    pub(crate) queue: Option<Captured<ServerQueueSection>>,
}

/// How the machine is shared.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ServerMode")]
pub(crate) enum ServerModeSection {
    /// One job at a time.
    Standalone,
    /// As many at a time as fit.
    Concurrent,
}

/// How the queue is limited and paced.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ServerQueue")]
pub(crate) struct ServerQueueSection {
    /// Jobs that have not ended, of all priorities. Default: 1000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) total_max: Option<Located<u64>>,
    /// Jobs that have not ended, by priority. Default: 100, 150, 400, 150, 200.
    pub(crate) jobs_max: Option<Captured<JobsMaxSection>>,
    /// How long a job waits at a level before it stands a level higher. Default: 1m, 5m, 30m, 60m, 120m.
    pub(crate) ageing: Option<Captured<AgeingSection>>,
    /// How often a job that does not fit is passed by smaller ones before room is kept for it. Default: 8.
    pub(crate) passes_max: Option<Located<u64>>,
    /// Jobs that have ended and are remembered. Default: 1000.
    pub(crate) ended_max: Option<Located<u64>>,
}

/// A number of jobs for each priority.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "JobsMax")]
pub(crate) struct JobsMaxSection {
    /// Critical ones.
    pub(crate) critical: Option<Located<u64>>,
    /// High ones.
    pub(crate) high: Option<Located<u64>>,
    /// Normal ones.
    pub(crate) normal: Option<Located<u64>>,
    /// Low ones.
    pub(crate) low: Option<Located<u64>>,
    /// Bulk.
    pub(crate) bulk: Option<Located<u64>>,
}

/// A span of time for each priority.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Ageing")]
pub(crate) struct AgeingSection {
    /// Critical ones.
    pub(crate) critical: Option<Located<Span>>,
    /// High ones.
    pub(crate) high: Option<Located<Span>>,
    /// Normal ones.
    pub(crate) normal: Option<Located<Span>>,
    /// Low ones.
    pub(crate) low: Option<Located<Span>>,
    /// Bulk.
    pub(crate) bulk: Option<Located<Span>>,
}
