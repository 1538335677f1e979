//! A client's end of the socket.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use thiserror::Error;

use crate::{
    state::StateFolder,
    wire::{Answer, Request, read_answer, request_line},
};

/// How long a server may take to answer: its disk may be slow.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Why a server did not do what it was asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no server works on {}; start one with `barhive serve`, or name its folder with --state", path.display())]
    Nobody {
        /// The folder.
        path: PathBuf,
    },
    /// It refuses, and says what to do.
    #[error("{0}")]
    Refused(String),
    /// It cannot be talked to.
    #[error("the server at {} cannot be talked to: {why}", path.display())]
    Broken {
        /// The folder.
        path: PathBuf,
        /// What happened.
        why: String,
    },
}

/// A connection to a server. Requests are answered in order.
pub struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the server of a folder.
    ///
    /// # Errors
    /// Nobody works there, or the system refuses.
    pub fn connect(state: &Path) -> Result<Self, ClientError> {
        let path = state.to_owned();
        let stream = match UnixStream::connect(StateFolder::socket(state)) {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Err(ClientError::Nobody { path });
            }
            Err(error) => return Err(ClientError::Broken { path, why: error.to_string() }),
        };
        stream
            .set_read_timeout(Some(ANSWER_MAX))
            .map_err(|error| ClientError::Broken { path: path.clone(), why: error.to_string() })?;
        Ok(Self { path, stream: BufReader::new(stream) })
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The server refuses, or is gone.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, ClientError> {
        let path = self.path.clone();
        let broken = |why: String| ClientError::Broken { path, why };
        let line = match request_line(request) {
            Ok(line) => line,
            Err(why) => return Err(broken(why)),
        };
        let mut answer = String::new();
        let talked = self
            .stream
            .get_mut()
            .write_all(line.as_bytes())
            .and_then(|()| self.stream.read_line(&mut answer));
        match talked {
            Ok(0) => return Err(broken("it has ended".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(broken(error.to_string())),
        }
        match read_answer(&answer) {
            Ok(answered) => answered.map_err(ClientError::Refused),
            Err(why) => Err(broken(format!("its answer cannot be understood: {why}"))),
        }
    }
}
