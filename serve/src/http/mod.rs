//! The server over HTTP: an interface for programs, events, numbers for Prometheus, and a page.
//!
//! One thread with a runtime of its own serves all connections; it asks the queue and never stands still for it.
//! On the loopback a token is enough; beyond it there is TLS, too, or nothing. What a request has to pass is in
//! `access.rs`, what can be asked in `routes.rs`.

mod access;
mod connections;
mod desk;
mod events;
mod jobs;
mod machine;
mod metrics;
mod openapi;
mod page;
mod patient;
mod problem;
mod routes;
mod session;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod token;

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use barhive_engine::time::Clock;
use thiserror::Error;
use tokio::sync::{Semaphore, watch};

pub use self::{
    desk::{Desk, JobResults, RankedBy, Submission},
    events::{Events, MissedEvent, ProgressEvent, SnapshotEvent},
    jobs::Submitted,
    machine::{ModeRequest, Moment},
    problem::Problem,
    routes::Health,
    session::{Session, SessionRequest},
    tls::TlsFiles,
    token::{Grant, Token, TokenError},
};
use crate::execution::ExecutionManager;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 1_024;
/// Of them, those that listen to events.
const LISTENERS_MAX: usize = 256;
/// Threads for what waits for disks.
const DISK_THREADS: usize = 4;

/// How the server is reached.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Where it listens; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// The file of the token; it is made where it is missing.
    pub token_file: PathBuf,
    /// What it proves itself with; needed beyond the loopback.
    pub tls: Option<TlsFiles>,
    /// Names that it answers to besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// How long clients may take.
    pub limits: HttpLimits,
}

/// How long clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// For the head of a request, and between two requests: 5 s.
    pub head_max: Duration,
    /// Without reading anything of an answer: 30 s.
    pub stall_max: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { head_max: Duration::from_secs(5), stall_max: Duration::from_secs(30) }
    }
}

/// Why it cannot be reached.
#[derive(Debug, Error)]
pub enum HttpError {
    /// Nobody may listen beyond the loopback without TLS.
    #[error(
        "http.listen: {0} is beyond the loopback, where everybody could read the token: name a certificate under \
         `http.tls`, or listen at 127.0.0.1 and use a tunnel"
    )]
    Plain(SocketAddr),
    /// The address cannot be had.
    #[error("http.listen: cannot listen at {address}: {error}; name another address")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The token cannot be used.
    #[error("http.token_file: {0}")]
    Token(#[from] TokenError),
    /// The certificate or its key cannot be used.
    #[error("http.tls: {}", .0.join("; "))]
    Tls(Vec<String>),
    /// The system gives no thread.
    #[error("no thread for HTTP: {0}")]
    Thread(io::Error),
}

/// What all requests share.
struct Shared {
    manager: Arc<ExecutionManager>,
    desk: Arc<dyn Desk>,
    events: Events,
    minutes: machine::Minutes,
    token: Token,
    failures: access::Failures,
    clock: Arc<dyn Clock>,
    hosts: Vec<String>,
    is_tls: bool,
    closing: watch::Receiver<bool>,
    /// One for each connection.
    chairs: Arc<Semaphore>,
    /// One for each listener.
    seats: Arc<Semaphore>,
    /// Whose turn it is to read results.
    reading: Semaphore,
}

impl Shared {
    /// Whether a name in a Host header is this server's. An address is: what makes a browser send foreign pages here
    /// is a name.
    fn answers_to(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_named = |name: &String| name.eq_ignore_ascii_case(host);
        bare.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(is_named)
    }

    /// Connections that are open.
    fn connections(&self) -> usize {
        CONNECTIONS_MAX - self.chairs.available_permits()
    }
}

/// A server that answers until it is dropped.
pub struct HttpServer {
    address: SocketAddr,
    url: String,
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens. `events` hears the queue of `manager`.
    ///
    /// # Errors
    /// All that keeps it from being reached, or would make it unsafe.
    pub fn start(
        options: HttpOptions,
        manager: Arc<ExecutionManager>,
        desk: Arc<dyn Desk>,
        events: Events,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HttpError> {
        let address = options.listen;
        if !address.ip().is_loopback() && options.tls.is_none() {
            return Err(HttpError::Plain(address));
        }
        let tls = options.tls.as_ref().map(tls::acceptor).transpose().map_err(HttpError::Tls)?;
        let token = Token::open(&options.token_file)?;
        let refused = |error| HttpError::Listen { address, error };
        let listener = TcpListener::bind(address).map_err(refused)?;
        // As many may knock at once as may sit.
        rustix::net::listen(&listener, CONNECTIONS_MAX as i32).map_err(|error| refused(error.into()))?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(DISK_THREADS)
            .thread_name("barhive-disk")
            .build()
            .map_err(HttpError::Thread)?;
        let (closing, closes) = watch::channel(false);
        let is_tls = tls.is_some();
        let url = url(address, is_tls, &options.hosts);
        let shared = Arc::new(Shared {
            manager,
            desk,
            events,
            minutes: machine::Minutes::default(),
            token,
            failures: access::Failures::default(),
            clock,
            hosts: options.hosts,
            is_tls,
            closing: closes,
            chairs: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            seats: Arc::new(Semaphore::new(LISTENERS_MAX)),
            reading: Semaphore::new(1),
        });
        let serve = move || {
            runtime.block_on(async {
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return tracing::error!("HTTP cannot be served: {error}"),
                };
                tokio::spawn(machine::watch(Arc::clone(&shared)));
                let router = routes::router(&shared);
                connections::accept(listener, tls, router, shared, options.limits).await;
            });
            // Whoever still waits for a disk is not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("barhive-http".to_owned()).spawn(serve);
        Ok(Self { address, url, closing, thread: Some(thread.map_err(HttpError::Thread)?) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the page is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes nothing more in and tells listeners that the server ends; returns at once.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

/// Where a browser finds a server: one that listens everywhere has a name, or is here.
fn url(address: SocketAddr, is_tls: bool, hosts: &[String]) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    if !address.ip().is_unspecified() {
        return format!("{scheme}://{address}/");
    }
    let name = hosts.first().map_or("localhost", String::as_str);
    format!("{scheme}://{name}:{}/", address.port())
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
