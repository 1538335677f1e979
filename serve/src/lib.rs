//! The job server: a [`JobQueue`](barhive_engine::jobs::JobQueue) that survives `kill -9`, jobs as processes, and a
//! local socket through which the command line asks.
//!
//! - [`ExecutionManager`] owns the queue and its journal and runs jobs through a [`JobRunner`]. One thread does
//!   all of it, batch by batch: what everybody wants is decided, written as one frame, synchronised, and only
//!   then told and acted upon.
//! - [`ProgramRunner`] is the runner that starts programs.
//! - [`Socket`] serves it to other processes, [`Client`] asks.
//! - [`HttpServer`] serves it to programs and browsers; [`Notifier`] tells others when jobs have ended.

mod admission;
mod asks;
mod client;
mod config;
mod execution;
mod handing_out;
mod http;
mod journal;
mod measured;
mod notify;
mod program;
mod runner;
mod runs;
mod scheduler;
mod socket;
mod state;
mod usage;
mod view;
mod wire;

pub use admission::{Admission, Allowance, FixedCapacity, GovernedAdmission, Pressure, WatchedRun};
pub use client::{Client, ClientError};
pub use config::ExecutionConfig;
pub use execution::{ExecutionManager, ManagerOptions, StartError};
pub use http::{
    Desk, Events, Grant, Health, HttpError, HttpLimits, HttpOptions, HttpServer, JobResults, MissedEvent,
    ModeRequest, Moment, Problem, ProgressEvent, RankedBy, Session, SessionRequest, SnapshotEvent,
    Submission, Submitted, TlsFiles, Token, TokenError,
};
pub use journal::{Journal, JournalError};
pub use notify::{Notices, Notifier, NotifyOptions, Target, TelegramBot};
pub use program::{LOG, ProgramRunner, Work, WorkKind};
pub use runner::{BestPart, BriefRun, JobProgress, JobRunner, Report, RunEnd, RunningJob, WorkerProgress};
pub use socket::Socket;
pub use state::{StateFolder, StateFolderError};
pub use usage::{JobUsage, USAGE};
pub use view::{JobChange, JobView, Observer, ServeError, ServerStatus};
pub use wire::{Answer, LINE_BYTES_MAX, PROTOCOL, Request};
