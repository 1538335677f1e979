//! What is said.

use barhive_engine::time::NS_PER_SECOND;
use hyper::Uri;
use serde_json::json;

use super::{Target, TelegramBot};
use crate::view::JobView;

/// Where a message goes and what it says; `None` for a bot that there is not.
pub(super) fn message(
    view: &JobView,
    place: usize,
    target: &Target,
    bot: Option<&TelegramBot>,
) -> Option<(Uri, Vec<u8>)> {
    let job = &view.job;
    let seconds = job.running_ns / NS_PER_SECOND;
    let text = format!(
        "barhive: job {} \"{}\" is {} after {seconds} s: {}",
        job.id,
        job.request.name,
        job.state,
        job.reason()
    );
    let (url, body) = match target {
        Target::Telegram => {
            let bot = bot?;
            let url = format!("{}/bot{}/sendMessage", bot.url, bot.token.expose());
            (url.parse().ok()?, json!({ "chat_id": bot.chat, "text": text }))
        }
        Target::Webhook(url) => {
            let body = json!({
                "event": "job-ended",
                // The same however often it is said.
                "notice": format!("{}-{place}", job.id),
                "text": text,
                "job": job.id,
                "name": job.request.name,
                "state": job.state,
                "reason": job.reason(),
                "submitted_ns": job.submitted_ns,
                "ended_ns": job.state_since_ns,
                "queued_ns": job.queued_ns,
                "running_ns": job.running_ns,
                "starts": job.starts,
                "failures": job.failures,
            });
            (url.clone(), body)
        }
    };
    Some((url, body.to_string().into_bytes()))
}
