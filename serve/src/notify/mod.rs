//! Tells others when jobs have ended: a webhook, a chat.
//!
//! Who is to be told stands in a job's payload, and so in the journal; who was told, in a list beside it. What is in
//! the one and not in the other is said again when a server starts: at least once, each time under the same name.
//! The queue only drops a number into a box and never waits.

mod message;
mod post;
mod target;
mod told;

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use barhive_engine::{
    jobs::{Job, JobId},
    secret::Secret,
};
use tokio::{
    sync::{Semaphore, watch},
    time::sleep,
};

pub(crate) use self::target::TARGETS_MAX;
pub use self::target::Target;
use self::{message::message, post::Poster, told::Told};
use crate::{
    asks,
    execution::ExecutionManager,
    program::Work,
    view::{JobView, Observer},
};

/// Numbers in the box. Where it is full, all jobs are looked through instead.
const BOX_MAX: usize = 1_024;
/// Messages on their way at the same time.
const POSTS_MAX: usize = 8;
/// The longest rest between two tries.
const REST_MAX: Duration = Duration::from_secs(3_600);

/// A bot of Telegram and whom it tells.
#[derive(Clone, Debug)]
pub struct TelegramBot {
    /// The bot's token.
    pub token: Secret,
    /// The chat.
    pub chat: String,
    /// Where Telegram is: `https://api.telegram.org`.
    pub url: String,
}

/// How others are told.
#[derive(Clone, Debug)]
pub struct NotifyOptions {
    /// The bot that `telegram` means, if there is one.
    pub telegram: Option<TelegramBot>,
    /// The rest after the first try; each one after is three times as long, up to an hour: 1 s.
    pub rest: Duration,
    /// How often it is tried: 10 times, over some two hours.
    pub tries_max: u32,
    /// How long a try may take: 10 s.
    pub try_max: Duration,
}

impl Default for NotifyOptions {
    fn default() -> Self {
        Self { telegram: None, rest: Duration::from_secs(1), tries_max: 10, try_max: Duration::from_secs(10) }
    }
}

/// Where a queue drops the numbers of jobs that have ended.
pub struct Notices {
    sender: flume::Sender<JobId>,
    receiver: flume::Receiver<JobId>,
    has_overflowed: Arc<AtomicBool>,
}

impl Default for Notices {
    fn default() -> Self {
        let (sender, receiver) = flume::bounded(BOX_MAX);
        Self { sender, receiver, has_overflowed: Arc::default() }
    }
}

impl Notices {
    /// Hears a queue.
    pub fn observer(&self) -> Box<dyn Observer> {
        Box::new(Slot { sender: self.sender.clone(), has_overflowed: Arc::clone(&self.has_overflowed) })
    }
}

struct Slot {
    sender: flume::Sender<JobId>,
    has_overflowed: Arc<AtomicBool>,
}

impl Observer for Slot {
    fn ended(&mut self, job: &Job) {
        if Work::may_notify(&job.request.payload) && self.sender.try_send(job.id).is_err() {
            self.has_overflowed.store(true, Relaxed);
        }
    }
}

/// Tells others on a thread of its own until it is dropped.
pub struct Notifier {
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    manager: Arc<ExecutionManager>,
    told: std::sync::Mutex<Told>,
    poster: Poster,
    options: NotifyOptions,
    posts: Semaphore,
    /// Messages that somebody takes care of.
    in_hand: std::sync::Mutex<BTreeSet<(JobId, usize)>>,
}

impl Notifier {
    /// Begins with what an earlier server did not come to. The list of who was told lies in `folder`.
    ///
    /// # Errors
    /// The list cannot be read, or the system gives no thread.
    pub fn start(
        folder: &Path,
        options: NotifyOptions,
        notices: &Notices,
        manager: Arc<ExecutionManager>,
    ) -> io::Result<Self> {
        let told = Told::open(folder)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .thread_name("barhive-resolve")
            .build()?;
        let (closing, mut closes) = watch::channel(false);
        let shared = Arc::new(Shared {
            manager,
            told: told.into(),
            poster: Poster::new(options.try_max),
            options,
            posts: Semaphore::new(POSTS_MAX),
            in_hand: Default::default(),
        });
        let (numbers, has_overflowed) = (notices.receiver.clone(), Arc::clone(&notices.has_overflowed));
        let work = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = closes.wait_for(|is_closing| *is_closing) => {}
                    () = shared.tell_all(numbers, &has_overflowed) => {}
                }
            });
            // What is on its way is said again by the next server.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("barhive-notify".to_owned()).spawn(work)?;
        Ok(Self { closing, thread: Some(thread) })
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    async fn tell_all(self: &Arc<Self>, numbers: flume::Receiver<JobId>, has_overflowed: &AtomicBool) {
        has_overflowed.store(true, Relaxed);
        loop {
            if has_overflowed.swap(false, Relaxed) {
                let Ok(jobs) = asks::jobs(&self.manager).await else { return };
                self.told().forget_all_but(jobs.iter().map(|view| view.job.id));
                jobs.into_iter().filter(|view| view.job.state.is_ended()).for_each(|view| self.tell(&view));
            }
            let Ok(job) = numbers.recv_async().await else { return };
            // One that is not remembered any more cannot be told of.
            if let Ok(view) = asks::job(&self.manager, job).await {
                self.tell(&view);
            }
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_hand(&self) -> std::sync::MutexGuard<'_, BTreeSet<(JobId, usize)>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that everybody is told of a job, who was not.
    fn tell(self: &Arc<Self>, view: &JobView) {
        if !Work::may_notify(&view.job.request.payload) {
            return;
        }
        let Ok(work) = serde_json::from_str::<Work>(&view.job.request.payload) else { return };
        for (place, target) in work.notify.iter().enumerate() {
            let notice = (view.job.id, place);
            let Ok(target) = target.parse::<Target>() else { continue };
            if self.told().has(notice) || !self.in_hand().insert(notice) {
                continue;
            }
            let (shared, view) = (Arc::clone(self), view.clone());
            tokio::spawn(async move {
                shared.insist(&view, place, &target).await;
                shared.in_hand().remove(&notice);
            });
        }
    }

    /// Tries until it is said, is refused, or was tried often enough.
    async fn insist(&self, view: &JobView, place: usize, target: &Target) {
        let job = view.job.id;
        let Some((url, body)) = message(view, place, target, self.options.telegram.as_ref()) else {
            tracing::warn!(%job, "nobody is told at {target}: the server's file names no bot");
            return;
        };
        let mut rest = self.options.rest;
        for tries in 1.. {
            let posted = {
                let Ok(_turn) = self.posts.acquire().await else { return };
                self.poster.post(&url, body.clone()).await
            };
            let (why, is_final) = match posted {
                Ok(200..=299) => {
                    tracing::info!(%job, "told {target}");
                    return self.keep((job, place), "told");
                }
                Ok(status @ (408 | 429 | 500..)) => (format!("it answers {status}"), false),
                Ok(status) => (format!("it answers {status}"), true),
                Err(why) => (why, false),
            };
            if is_final || tries >= self.options.tries_max {
                tracing::warn!(%job, "{target} is not told, tried {tries} times: {why}");
                return self.keep((job, place), &format!("given up: {why}"));
            }
            tracing::debug!(%job, "{target} is tried again in {rest:?}: {why}");
            sleep(rest).await;
            rest = (rest * 3).min(REST_MAX);
        }
    }

    fn keep(&self, notice: (JobId, usize), how: &str) {
        if let Err(error) = self.told().add(notice, how) {
            tracing::warn!(job = %notice.0, "may be told again when the server starts again: {error}");
        }
    }
}
