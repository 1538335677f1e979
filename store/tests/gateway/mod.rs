//! A way to a database server that can be cut and frozen.

use std::{
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
};

/// The name that PostgreSQL gives its socket.
const SOCKET: &str = ".s.PGSQL.5432";

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Bytes stay where they are.
    Frozen,
    /// Connections are closed as soon as they are made.
    Cut,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    streams: Mutex<Vec<UnixStream>>,
}

/// A socket of its own before that of a server.
pub struct Gateway {
    url: String,
    shared: Arc<Shared>,
    _folder: tempfile::TempDir,
}

impl Gateway {
    /// A gateway to the server whose URL has the folder of its socket as host.
    pub fn to(url: &str) -> Self {
        let (user, rest) = url.split_once('@').unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let server = PathBuf::from(host.replace("%2F", "/")).join(SOCKET);
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().to_str().unwrap().replace('/', "%2F");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
            streams: Mutex::new(Vec::new()),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if *serving.state.lock().unwrap() == State::Cut {
                    continue;
                }
                let server = UnixStream::connect(&server).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    serving.streams.lock().unwrap().push(from.try_clone().unwrap());
                    let shared = Arc::clone(&serving);
                    std::thread::spawn(move || shared.carry(from, to));
                }
            }
        });
        Self { url: format!("{user}@{own}/{database}"), shared, _folder: folder }
    }

    /// The URL of the server by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Bytes go their way.
    pub fn open(&self) {
        self.shared.turn(State::Open);
    }

    /// No byte comes through, and no connection ends.
    pub fn freeze(&self) {
        self.shared.turn(State::Frozen);
    }

    /// All connections end, and new ones at once.
    pub fn cut(&self) {
        self.shared.turn(State::Cut);
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn turn(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    fn carry(&self, mut from: UnixStream, mut to: UnixStream) {
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = from.read(&mut bytes) {
            let mut state = self.state.lock().unwrap();
            while *state == State::Frozen {
                state = self.changed.wait(state).unwrap();
            }
            drop(state);
            if to.write_all(&bytes[..len]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}
