//! How a server is reached over HTTP, from what its file and flags say.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive_actors::clock::SystemClock;
use barhive_config::{HttpListen, HttpSettings};
use barhive_engine::registry::Registry as Parts;
use barhive_report::store::write_whole;
use barhive_serve::{Events, ExecutionManager, HttpError, HttpLimits, HttpOptions, HttpServer, TlsFiles};
use serde::{Deserialize, Serialize};

use super::desk::FileDesk;
use crate::cli::outcome::CliError;

/// Where a server listens unless it is told otherwise.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);
/// In the server's folder: where it is reached.
const REACHED: &str = "http.json";

/// Where a running server is reached.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Reached {
    pub(in crate::cli) url: String,
    pub(in crate::cli) token_file: PathBuf,
}

impl Reached {
    /// Where the server of a folder is reached.
    ///
    /// # Errors
    /// It is not, or does not run.
    pub(in crate::cli) fn read(state: &Path) -> Result<Self, CliError> {
        let path = state.join(REACHED);
        let read = std::fs::read(&path).map_err(|error| error.to_string());
        read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())).map_err(|why| {
            CliError::Failed(format!(
                "no server of {} is reached over HTTP ({}: {why}); start one with `barhive serve`, or name its folder \
                 with --state",
                state.display(),
                path.display()
            ))
        })
    }
}

/// A server that is reached until this is dropped.
pub(super) struct Reach {
    server: HttpServer,
    file: PathBuf,
}

impl Reach {
    /// Has the server reached as `settings` say; `None` where it is not to be. Where it usually is, but cannot be,
    /// that is no fault: jobs run without a page.
    pub(super) fn open(
        settings: HttpSettings,
        state: &Path,
        parts: &Parts,
        manager: &Arc<ExecutionManager>,
        events: &Events,
    ) -> Result<Option<Self>, CliError> {
        let listen = match settings.listen {
            HttpListen::Nowhere => return Ok(None),
            HttpListen::Usual => USUAL,
            HttpListen::At(address) => address,
        };
        let token_file = settings.token_file.unwrap_or_else(|| state.join("token"));
        let options = HttpOptions {
            listen,
            token_file: token_file.clone(),
            tls: settings.tls.map(|(cert, key)| TlsFiles { cert, key }),
            hosts: settings.hosts,
            limits: HttpLimits::default(),
        };
        let files = settings.files.unwrap_or_else(|| PathBuf::from("."));
        let files = std::path::absolute(&files).unwrap_or(files);
        let desk = Arc::new(FileDesk::new(parts.clone(), files));
        let server =
            HttpServer::start(options, Arc::clone(manager), desk, events.clone(), Arc::new(SystemClock));
        let server = match server {
            Ok(server) => server,
            Err(HttpError::Listen { address, error })
                if settings.listen == HttpListen::Usual && error.kind() == io::ErrorKind::AddrInUse =>
            {
                let _ = writeln!(
                    io::stderr(),
                    "note: {address} is taken, so there is no page; --http 127.0.0.1:0 takes a free port"
                );
                return Ok(None);
            }
            Err(fault) => return Err(CliError::Failed(fault.to_string())),
        };
        let file = state.join(REACHED);
        let reached = Reached { url: server.url().to_owned(), token_file };
        let written = serde_json::to_vec(&reached).map_err(io::Error::from);
        let written = written.and_then(|bytes| write_whole(&file, &bytes));
        written.map_err(|error| CliError::Failed(format!("cannot write {}: {error}", file.display())))?;
        Ok(Some(Self { server, file }))
    }

    /// Where the page is.
    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    /// Tells listeners that the server ends.
    pub(super) fn close(&self) {
        self.server.close();
    }
}

impl Drop for Reach {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.file));
    }
}
