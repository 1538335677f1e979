//! What requests ask of the queue, without standing still while it is busy.

use barhive_engine::jobs::{ExecutionMode, JobId, JobRequest};
use barhive_machine::LiveReport;

use crate::{
    execution::ExecutionManager,
    scheduler::Wish,
    view::{JobChange, JobView, ServeError, ServerStatus},
};

pub(super) async fn submit(manager: &ExecutionManager, request: JobRequest) -> Result<JobId, ServeError> {
    manager.ask_later(|reply| Wish::Submit(Box::new(request), reply)).await?
}

pub(super) async fn change(
    manager: &ExecutionManager,
    job: JobId,
    change: JobChange,
    reason: &str,
) -> Result<(), ServeError> {
    manager.ask_later(|reply| Wish::Change(job, change, reason.to_owned(), reply)).await?
}

pub(super) async fn job(manager: &ExecutionManager, job: JobId) -> Result<JobView, ServeError> {
    manager.ask_later(|reply| Wish::Job(job, reply)).await?
}

/// All jobs, each with its last transition only.
pub(super) async fn jobs(manager: &ExecutionManager) -> Result<Vec<JobView>, ServeError> {
    let jobs = manager.ask_later(Wish::Jobs).await?;
    Ok(jobs.into_iter().map(JobView::brief).collect())
}

pub(super) async fn status(manager: &ExecutionManager) -> Result<ServerStatus, ServeError> {
    manager.ask_later(Wish::Status).await
}

pub(super) async fn mode(manager: &ExecutionManager, mode: ExecutionMode) -> Result<(), ServeError> {
    manager.ask_later(|reply| Wish::Mode(mode, reply)).await?
}

pub(super) async fn live(manager: &ExecutionManager, report: LiveReport) -> Result<(), ServeError> {
    manager.ask_later(|reply| Wish::Live(report, reply)).await?
}
