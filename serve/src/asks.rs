//! What is asked of the queue by those who may not stand still while it is busy.

use barhive_engine::jobs::{ExecutionMode, JobId, JobRequest};
use barhive_machine::LiveReport;

use crate::{
    execution::ExecutionManager,
    scheduler::Wish,
    view::{JobChange, JobView, ServeError, ServerStatus},
};

pub(crate) async fn submit(manager: &ExecutionManager, request: JobRequest) -> Result<JobId, ServeError> {
    manager.ask_later(|reply| Wish::Submit(Box::new(request), reply)).await?
}

pub(crate) async fn change(
    manager: &ExecutionManager,
    job: JobId,
    change: JobChange,
    reason: &str,
) -> Result<(), ServeError> {
    manager.ask_later(|reply| Wish::Change(job, change, reason.to_owned(), reply)).await?
}

pub(crate) async fn job(manager: &ExecutionManager, job: JobId) -> Result<JobView, ServeError> {
    manager.ask_later(|reply| Wish::Job(job, reply)).await?
}

/// All jobs, each with its last transition only.
pub(crate) async fn jobs(manager: &ExecutionManager) -> Result<Vec<JobView>, ServeError> {
    let jobs = manager.ask_later(Wish::Jobs).await?;
    Ok(jobs.into_iter().map(JobView::brief).collect())
}

pub(crate) async fn status(manager: &ExecutionManager) -> Result<ServerStatus, ServeError> {
    manager.ask_later(Wish::Status).await
}

pub(crate) async fn mode(manager: &ExecutionManager, mode: ExecutionMode) -> Result<(), ServeError> {
    manager.ask_later(|reply| Wish::Mode(mode, reply)).await?
}

pub(crate) async fn live(manager: &ExecutionManager, report: LiveReport) -> Result<(), ServeError> {
    manager.ask_later(|reply| Wish::Live(report, reply)).await?
}
