//! The event loop: sockets, the timer, and whose turn it is. Knows no HTTP and no engine.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use metron_units::Nanos;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{self, Errno};
use rustix::net::sockopt::set_tcp_nodelay;
use rustix::net::{SocketFlags, acceptfrom_with};

use super::alarm::Alarm;
use super::clock;
use super::connection::{Connection, Input, Look, Phase};
use super::desk::Desk;
use super::outbox::Flushed;
use super::slab::{Key, Slab};
use crate::engine::GivenOut;
use crate::schedule::Given;

const LISTENER: u64 = u64::MAX;
const ALARM: u64 = u64::MAX - 1;
const STOP: u64 = u64::MAX - 2;

/// Events taken from the kernel at a time.
const EVENTS: usize = 64;
/// Connections accepted before others have their turn again.
const ACCEPTED_AT_ONCE: usize = 16;
/// So long before a token is due the loop sleeps no more, but looks at the clock and at its sockets in turns: a timer's alarm ends a
/// core's sleep some 50 to 90 us late on a virtual machine.
const AWAKE: Nanos = Nanos::from_micros(100);
/// How long accepting rests when there are no descriptors left.
const ACCEPT_PAUSE: Nanos = Nanos::from_millis(20);
/// How long a client may take to end its side of a connection that we have ended.
const DRAIN: Nanos = Nanos::from_secs(2);

pub(super) struct Reactor {
    epoll: OwnedFd,
    listener: OwnedFd,
    alarm: Alarm,
    connections: Slab<Connection>,
    desk: Desk,
    /// Tokens that are being written; kept for its room.
    due: Vec<Given>,
    /// Connections with more to read than one turn took.
    unread: VecDeque<Key>,
    /// Connections that drain, and until when; in order of time.
    draining: VecDeque<(Nanos, Key)>,
    /// Connections whose bytes are held back, and until when.
    held: BTreeSet<(Nanos, u64)>,
    /// When accepting goes on, if it rests.
    accept_at: Option<Nanos>,
    scratch: Vec<u8>,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    GoOn,
    Stop,
}

impl Reactor {
    /// Ready to run on `listener`, which does not block; `stop` becoming readable ends it.
    pub(super) fn new(listener: OwnedFd, stop: &OwnedFd, desk: Desk) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let alarm = Alarm::new()?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, alarm.as_fd(), EventData::new_u64(ALARM), EventFlags::IN | EventFlags::ET)?;
        epoll::add(&epoll, stop, EventData::new_u64(STOP), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            alarm,
            connections: Slab::new(),
            desk,
            due: Vec::new(),
            unread: VecDeque::new(),
            draining: VecDeque::new(),
            held: BTreeSet::new(),
            accept_at: None,
            scratch: vec![0; 64 * 1024],
        })
    }

    /// Serves until told to stop. Gives the desk back, with its ledger, however it ended.
    pub(super) fn run(mut self) -> (Desk, io::Result<()>) {
        let mut events = Vec::with_capacity(EVENTS);
        let ended = loop {
            match self.turn(&mut events) {
                Ok(Turn::GoOn) => {}
                Ok(Turn::Stop) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        (self.desk, ended)
    }

    fn turn(&mut self, events: &mut Vec<epoll::Event>) -> io::Result<Turn> {
        self.write_due();
        self.send_held();
        self.end_overdue();
        self.resume_accepting()?;
        self.desk.ledger.hand_over();
        self.wait(events)?;
        for event in events.drain(..) {
            match event.data.u64() {
                STOP => return Ok(Turn::Stop),
                ALARM => {}
                LISTENER => self.accept()?,
                number => self.ready(Key::from_number(number), look(event.flags)),
            }
            // Tokens do not wait for the rest of a crowd of events.
            self.write_due();
        }
        for _ in 0..self.unread.len() {
            let key = self.unread.pop_front().expect("as many as there were");
            self.ready(key, Look::Thorough);
        }
        Ok(Turn::GoOn)
    }

    /// Waits for an event or for the next thing that is due, and for a token not quite so long.
    fn wait(&mut self, events: &mut Vec<epoll::Event>) -> io::Result<()> {
        let next = [
            self.desk.next().map(|due| due.saturating_sub(AWAKE)),
            self.draining.front().map(|&(until, _)| until),
            self.held.first().map(|&(until, _)| until),
            self.accept_at,
        ];
        let next = next.into_iter().flatten().min();
        let at_once = !self.unread.is_empty() || next.is_some_and(|next| next <= clock::monotonic());
        let timeout = at_once.then(|| clock::timespec(Nanos::ZERO));
        if !at_once {
            self.alarm.set(next)?;
        }
        match epoll::wait(&self.epoll, spare_capacity(events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes every token that is due.
    fn write_due(&mut self) {
        let now = clock::monotonic();
        if self.desk.next().is_none_or(|next| next > now) {
            return;
        }
        while self.write_some(now) == GivenOut::Part {}
        self.desk.go_on(now);
    }

    /// Writes some of the tokens that are due at `now`.
    fn write_some(&mut self, now: Nanos) -> GivenOut {
        let mut due = std::mem::take(&mut self.due);
        let given_out = self.desk.collect(now, &mut due);
        for (place, token) in due.iter().enumerate() {
            let Some(key) = self.desk.connection_of(token.request) else { continue };
            let connection = self.connections.get_mut(key).expect("an answer in flight has its connection");
            self.desk.give(connection, token);
            // Tokens of one answer that are due together leave together, each as an event of its own.
            let more = due.get(place + 1).is_some_and(|next| next.request == token.request);
            // Unless a fault has ended it meanwhile.
            if more && self.desk.connection_of(token.request).is_some() {
                continue;
            }
            if connection.inbox.len() > 0 && matches!(connection.phase, Phase::Listening) {
                self.ready(key, Look::Thorough);
            } else {
                self.send(key);
            }
        }
        due.clear();
        self.due = due;
        given_out
    }

    /// A connection has something to read, or room for what is to be sent.
    fn ready(&mut self, key: Key, look: Look) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let input = connection.receive(look, &mut self.scratch);
        self.desk.serve(key, connection, clock::monotonic());
        match input {
            Input::Empty => self.send(key),
            Input::Left => {
                // One that is being answered is read again when its answer ends.
                if matches!(connection.phase, Phase::Listening | Phase::Draining) {
                    self.unread.push_back(key);
                }
                self.send(key);
            }
            Input::Ended => {
                self.send(key);
                self.drop_connection(key);
            }
        }
    }

    /// Sends what waits, and ends the connection if that was its last.
    fn send(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match (connection.send(&mut self.desk.ledger), &connection.phase) {
            (Err(_), _) => self.drop_connection(key),
            (Ok(Flushed::All), Phase::Closing) => match connection.end() {
                Ok(()) => {
                    self.draining.push_back((clock::monotonic() + DRAIN, key));
                    self.unread.push_back(key);
                }
                Err(_) => self.drop_connection(key),
            },
            (Ok(Flushed::All), Phase::Resetting) => {
                connection.reset_when_dropped();
                self.drop_connection(key);
            }
            (Ok(Flushed::Held(until)), _) => {
                self.held.insert((until, key.number()));
            }
            (Ok(Flushed::All | Flushed::Part), _) => {}
        }
    }

    fn drop_connection(&mut self, key: Key) {
        if let Some(connection) = self.connections.remove(key) {
            self.desk.give_up(&connection);
        }
    }

    /// Sends what was held back until now.
    fn send_held(&mut self) {
        while let Some(&(until, number)) = self.held.first().filter(|&&(until, _)| until <= clock::monotonic()) {
            self.held.remove(&(until, number));
            self.send(Key::from_number(number));
        }
    }

    fn end_overdue(&mut self) {
        while let Some(&(until, key)) = self.draining.front() {
            if until > clock::monotonic() {
                return;
            }
            self.draining.pop_front();
            self.drop_connection(key);
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        for _ in 0..ACCEPTED_AT_ONCE {
            match acceptfrom_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((socket, from)) => {
                    let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                    self.connect(socket, from.map_or(0, |from| from.port()));
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    // The listener stays readable: polling it would spin until some connection ends.
                    self.accept_at = Some(clock::monotonic() + ACCEPT_PAUSE);
                    return epoll::delete(&self.epoll, &self.listener);
                }
                // Whatever befell one connection before it was accepted.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn resume_accepting(&mut self) -> io::Result<()> {
        if self.accept_at.is_some_and(|at| at <= clock::monotonic()) {
            self.accept_at = None;
            epoll::add(&self.epoll, &self.listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        }
        Ok(())
    }

    /// A connection that cannot be set up is dropped: its client sees that, and others do not suffer.
    fn connect(&mut self, socket: OwnedFd, port: u16) {
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        if set_tcp_nodelay(&socket, true).is_err() {
            return;
        }
        let key = self.connections.insert(Connection::new(socket, port));
        let connection = self.connections.get_mut(key).expect("just inserted");
        match epoll::add(&self.epoll, connection, EventData::new_u64(key.number()), interest) {
            Ok(()) => self.desk.ledger.connected(),
            Err(_) => drop(self.connections.remove(key)),
        }
    }
}

fn look(flags: EventFlags) -> Look {
    match flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
        true => Look::Thorough,
        false => Look::Quick,
    }
}
