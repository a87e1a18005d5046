//! All answers that a client is reading, and who reads them. It knows nothing of what they say.
//!
//! A request's own future can read its answer, woken by each arrival. Where thousands are read at a time that wake costs more than
//! the token: a task taken from a queue, polled down to the one place that waits, and the first touch of memory all the way. So a
//! client can be *driven*: whoever runs it reads whatever has arrived, one answer after the other in one loop, and a request's
//! future is woken when its answer is over.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use metron_units::Nanos;

use super::deadline::Deadline;
use super::exchange::overdue;
use super::hearing::{Hearing, Over};
use crate::answer::Answer;
use crate::connection::Scratch;
use crate::reception::BodyEnd;
use crate::transcript::Reading;

/// How many answers are read before others have their turn: a request whose instant has come waits for no more than these.
const AT_A_TIME: usize = 64;
/// How often one answer is read before the next one: a stream that never ends must not keep the others waiting.
const IN_A_ROW: usize = 8;

/// The answers that a client is reading.
#[derive(Default)]
pub(super) struct Listening {
    places: RefCell<Vec<Place>>,
    /// Places without an answer.
    free: RefCell<Vec<usize>>,
    arrived: Arc<Arrived>,
    is_driven: Cell<bool>,
}

/// Where an answer is read.
struct Place {
    /// Called when something arrives for it.
    bell: Waker,
    hearing: Option<Box<Hearing>>,
}

/// The places for which something has arrived, and who is to be told of the next.
#[derive(Default)]
struct Arrived(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    places: VecDeque<usize>,
    driver: Option<Waker>,
}

/// Puts its place into the queue.
struct Bell {
    place: usize,
    arrived: Arc<Arrived>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(driver) = self.arrived.add(self.place) {
            driver.wake();
        }
    }
}

impl Arrived {
    /// Adds a place; whom to wake, if nobody has been woken since the queue was empty.
    fn add(&self, place: usize) -> Option<Waker> {
        let mut queue = self.lock();
        queue.places.push_back(place);
        queue.driver.take()
    }

    /// The next place; if there is none, `cx` is woken once there is.
    fn next(&self, cx: &Context<'_>) -> Option<usize> {
        let mut queue = self.lock();
        let next = queue.places.pop_front();
        if next.is_none() {
            queue.driver = Some(cx.waker().clone());
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics between taking the lock and leaving it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// Takes a place for an answer that begins; `answer` gets what is known of it when the place is left.
    pub(super) fn sit_down<'a>(&'a self, hearing: Hearing, answer: &'a mut Answer) -> Seat<'a> {
        let mut places = self.places.borrow_mut();
        let place = self.free.borrow_mut().pop().unwrap_or_else(|| {
            let place = places.len();
            let bell = Arc::new(Bell { place, arrived: Arc::clone(&self.arrived) });
            places.push(Place { bell: bell.into(), hearing: None });
            place
        });
        places[place].hearing = Some(Box::new(hearing));
        Seat { listening: self, place, answer }
    }

    /// Reads what has arrived, for some answers; `cx` is woken when there is more to do.
    pub(super) fn drive(&self, cx: &Context<'_>, scratch: &mut Scratch) {
        self.is_driven.set(true);
        let mut places = self.places.borrow_mut();
        for _ in 0..AT_A_TIME {
            let Some(at) = self.arrived.next(cx) else { return };
            // Whoever sat here may have left since.
            let Place { bell, hearing: Some(hearing) } = &mut places[at] else { continue };
            let mut bell = Context::from_waker(bell);
            let mut reads = 0;
            while !hearing.is_over() && hearing.poll_read(&mut bell, scratch).is_ready() {
                reads += 1;
                if reads == IN_A_ROW {
                    bell.waker().wake_by_ref();
                    break;
                }
            }
            if hearing.is_over()
                && let Some(task) = hearing.task.take()
            {
                task.wake();
            }
        }
        cx.waker().wake_by_ref();
    }
}

/// A request's place. When it is dropped, what is known of the answer goes to the request, and the connection is closed.
pub(super) struct Seat<'a> {
    listening: &'a Listening,
    place: usize,
    answer: &'a mut Answer,
}

impl Seat<'_> {
    /// Ready once the answer is over, or has been waited for too long.
    pub(super) fn poll_over(
        &mut self,
        cx: &mut Context<'_>,
        deadline: &mut Deadline,
        scratch: &RefCell<Scratch>,
    ) -> Poll<Over> {
        let (is_driven, scratch) = (self.listening.is_driven.get(), &mut *scratch.borrow_mut());
        let last = self.with(|Place { bell, hearing }| {
            let hearing = hearing.as_mut().expect("it is there until the seat is left");
            let mut reader = Context::from_waker(if is_driven { bell } else { cx.waker() });
            loop {
                if let Some(over) = hearing.over() {
                    return Err(over);
                }
                if hearing.poll_read(&mut reader, scratch).is_pending() {
                    break;
                }
                let last = hearing.reception.last_arrival();
                // Where there is always more to read, the timer is never asked.
                let late = hearing.read_at().and_then(|now| deadline.passed(last, now));
                if let Some((kind, waited)) = late.filter(|_| !hearing.is_over()) {
                    return Err(Over::Ended(Reading::Broke(kind, overdue(kind, waited)), BodyEnd::Unusable));
                }
            }
            if is_driven && !hearing.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                hearing.task = Some(cx.waker().clone());
            }
            Ok::<Option<Nanos>, Over>(hearing.reception.last_arrival())
        });
        match last {
            Err(over) => Poll::Ready(over),
            Ok(last) => deadline
                .poll(cx, last)
                .map(|(kind, waited)| Over::Ended(Reading::Broke(kind, overdue(kind, waited)), BodyEnd::Unusable)),
        }
    }

    /// What the request's own future does with its connection meanwhile.
    pub(super) fn hearing<T>(&mut self, act: impl FnOnce(&mut Hearing) -> T) -> T {
        self.with(|place| act(place.hearing.as_mut().expect("it is there until the seat is left")))
    }

    /// Leaves with the connection and all that has come over it, and where the answer belongs.
    pub(super) fn leave(mut self) -> Box<Hearing> {
        self.vacate().expect("it is there until the seat is left")
    }

    fn with<T>(&self, act: impl FnOnce(&mut Place) -> T) -> T {
        act(&mut self.listening.places.borrow_mut()[self.place])
    }

    fn vacate(&mut self) -> Option<Box<Hearing>> {
        let hearing = self.with(|place| place.hearing.take());
        if hearing.is_some() {
            self.listening.free.borrow_mut().push(self.place);
        }
        hearing
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(hearing) = self.vacate() {
            *self.answer = hearing.into_answer();
        }
    }
}
