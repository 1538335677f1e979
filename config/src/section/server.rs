//! What the file of a server may say. The comments here are the reference that users read.

use barhive_engine::governor::BreakerConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{HttpSection, LiveSection, TelegramSection};
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
    /// How jobs and live work share the machine. Default: `concurrent`.
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
    /// Where the alert levels of each resource begin.
    pub(crate) thresholds: Option<Captured<ThresholdsSection>>,
    /// When jobs are held, paused and refused because others load the machine.
    pub(crate) breaker: Option<Captured<BreakerConfig>>,
    /// How the server is reached over HTTP.
    pub(crate) http: Option<Captured<HttpSection>>,
    /// What is kept for live work, and which live processes the server looks after.
    pub(crate) live: Option<Captured<LiveSection>>,
    /// The bot that tells a chat when jobs have ended. Default: none.
    pub(crate) telegram: Option<Captured<TelegramSection>>,
}

/// Where the alert levels of each resource begin.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Thresholds")]
pub(crate) struct ThresholdsSection {
    /// Use of all cores by what is not the server's own jobs, percent. Default: 70, 85, 95.
    pub(crate) cpu_percent: Option<LevelsSection>,
    /// Memory of the machine in use, percent. Default: 75, 90, 95.
    pub(crate) memory_percent: Option<LevelsSection>,
    /// Read from and written to disks, 1e6 bytes a second. Default: 50, 100, 200.
    pub(crate) disk_mb_per_s: Option<LevelsSection>,
    /// Received and sent over networks, 1e6 bytes a second. Default: 10, 50, 100.
    pub(crate) network_mb_per_s: Option<LevelsSection>,
    /// How far live work is behind, milliseconds. Default: 500, 1000, 2000.
    pub(crate) live_latency_ms: Option<LevelsSection>,
}

/// Where the levels of one resource begin, inclusive.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "AlertLevels")]
pub(crate) struct LevelsSection {
    /// Worth a look.
    pub(crate) yellow: Option<f64>,
    /// Nothing should be added.
    pub(crate) orange: Option<f64>,
    /// Too much.
    pub(crate) red: Option<f64>,
}

/// How jobs and live work share the machine.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ServerMode")]
pub(crate) enum ServerModeSection {
    /// One job at a time, and live work is not heeded.
    Standalone,
    /// As many jobs at a time as fit; while live work is far behind, the least urgent stand back.
    Concurrent,
    /// The same, but while live work lags at all, every job stands back.
    PriorityLive,
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
    /// Jobs that have ended and are remembered; the folder of one that is forgotten goes. Default: 1000.
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
