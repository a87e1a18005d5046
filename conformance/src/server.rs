//! Serves the cases over loopback, a thread a connection, and keeps what it did for whoever asks.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::case::{Case, cases};
use crate::play::{After, Manner, Time, play};
use crate::request::{self, Request};

/// One request that was answered. Instants are nanoseconds of the wall clock since 1970.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Served {
    /// Which connection it came on, from 0.
    pub connection: usize,
    /// When its last byte was read.
    pub received: u64,
    /// When each event with a data field was handed to the kernel.
    pub events: Vec<u64>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    cases: HashMap<String, Case>,
    served: Mutex<HashMap<String, Vec<Served>>>,
}

/// The wall clock. This file is the set's only reader of it.
pub(crate) fn unix_nanos() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this is the clock's own file")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl Server {
    /// Serves all cases on 127.0.0.1 at `port`; 0 picks a free one. Runs until the process ends.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            cases: cases().into_iter().map(|case| (case.name.clone(), case)).collect(),
            served: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for (number, connection) in listener.incoming().flatten().enumerate() {
                let state = Arc::clone(&shared);
                // A client that hangs up ends its thread; there is nobody to tell.
                std::thread::spawn(move || serve(&state, connection, number).ok());
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has been served of the case so far, in order of the requests; of an answer under way, the events so far.
    #[must_use]
    pub fn served(&self, name: &str) -> Vec<Served> {
        self.state.of(name)
    }
}

impl State {
    fn of(&self, name: &str) -> Vec<Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    /// A request that is about to be answered; what this returns notes that an event of its answer leaves.
    fn begin<'a>(&'a self, name: &'a str, served: Served) -> impl Fn() + 'a {
        let mut all = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let of_case = all.entry(name.to_owned()).or_default();
        of_case.push(served);
        let place = of_case.len() - 1;
        move || {
            let mut all = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            all.get_mut(name).expect("it has begun")[place].events.push(unix_nanos());
        }
    }
}

fn serve(state: &State, connection: TcpStream, number: usize) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut to = connection.try_clone()?;
    let mut from = BufReader::new(connection);
    let mut before = HashSet::new();
    while let Some(request) = request::read(&mut from)? {
        let Some((case, pace)) = target(state, &request) else {
            plain(state, &mut to, &request)?;
            continue;
        };
        let served = Served { connection: number, received: unix_nanos(), events: Vec::new() };
        let left = state.begin(&case.name, served);
        let manner = Manner { time: Time::Paced(pace), reused: !before.insert(case.name.clone()) };
        match play(case, &mut to, &manner, &left)? {
            After::Open => {}
            After::Close => return Ok(()),
            After::Reset => return reset(&to),
        }
    }
    Ok(())
}

/// `/case/NAME` or `/case/NAME/pace=50` with anything behind it.
fn target<'a>(state: &'a State, request: &Request) -> Option<(&'a Case, Duration)> {
    if request.method != "POST" {
        return None;
    }
    let mut parts = request.path.strip_prefix("/case/")?.split('/');
    let case = state.cases.get(parts.next()?)?;
    let pace = parts.next().and_then(|part| part.strip_prefix("pace=")).and_then(|ms| ms.parse().ok()).unwrap_or(0);
    Some((case, Duration::from_millis(pace)))
}

/// Whatever is no case: the names, what was served, a model for those that ask, else 404.
fn plain(state: &State, to: &mut TcpStream, request: &Request) -> io::Result<()> {
    let path = request.path.as_str();
    let (status, body) = if path == "/cases" {
        let mut names: Vec<_> = state.cases.keys().collect();
        names.sort();
        ("200 OK", serde_json::json!(names))
    } else if let Some(name) = path.strip_prefix("/served/") {
        ("200 OK", serde_json::json!(state.of(name)))
    } else if request.method == "GET" && path.ends_with("/v1/models") {
        ("200 OK", serde_json::json!({"object": "list", "data": [{"id": "sparrow-2b", "object": "model"}]}))
    } else {
        ("404 Not Found", serde_json::json!({"error": {"message": "there is no such case"}}))
    };
    let body = body.to_string();
    let length = body.len();
    write!(to, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Makes the close a reset: what the client has sent and we have not read does that, and so does a linger of zero.
fn reset(connection: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(connection, Some(Duration::ZERO))?;
    Ok(())
}
