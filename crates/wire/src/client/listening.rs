//! All answers that a client is reading, and who reads them. It knows nothing of what they say.
//!
//! A request's own future can read its answer, woken by each arrival. Where thousands are read at a time that wake costs more than
//! the token: a task taken from a queue, polled down to the one place that waits, and the first touch of memory all the way. So a
//! client can be *driven*: whoever runs it reads whatever has arrived, one answer after the other in one loop, and a request's
//! future is woken when its answer is over. What has arrived is told by a set of the client's own ([`PollSet`]); where there can
//! be none, each future reads.

use std::cell::{OnceCell, RefCell};
use std::hint::black_box;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::deadline::Deadline;
use super::exchange::overdue;
use super::hearing::{Hearing, Over};
use crate::answer::Answer;
use crate::connection::Scratch;
use crate::reception::BodyEnd;
use crate::socket::{Arrivals, PollSet};
use crate::transcript::Reading;

/// The answers that a client is reading.
#[derive(Default)]
pub(super) struct Listening {
    /// Where each is read.
    places: RefCell<Vec<Option<Box<Hearing>>>>,
    /// Places without an answer.
    free: RefCell<Vec<usize>>,
    /// Once the client is driven: what tells of arrivals, if there can be such a thing.
    set: OnceCell<Option<Rc<PollSet>>>,
    arrivals: RefCell<Arrivals>,
    /// Places where there is something to read.
    unread: RefCell<Vec<usize>>,
}

impl Listening {
    /// Takes a place for an answer that begins; `answer` gets what is known of it when the place is left.
    pub(super) fn sit_down<'a>(&'a self, hearing: Hearing, answer: &'a mut Answer) -> Seat<'a> {
        let mut places = self.places.borrow_mut();
        let place = self.free.borrow_mut().pop().unwrap_or_else(|| {
            places.push(None);
            places.len() - 1
        });
        places[place] = Some(Box::new(hearing));
        Seat { listening: self, place, answer }
    }

    /// Reads what has arrived, for some answers; `cx` is woken when there is more to do.
    pub(super) fn drive(&self, cx: &mut Context<'_>, scratch: &mut Scratch) {
        let Some(set) = self.set.get_or_init(|| PollSet::new().ok().map(Rc::new)) else { return };
        let (mut places, mut unread) = (self.places.borrow_mut(), self.unread.borrow_mut());
        let mut arrivals = self.arrivals.borrow_mut();
        let has_arrivals = set.poll(cx, &mut arrivals).is_ready();
        for (place, news) in arrivals.iter() {
            // Whoever sat here may have left since.
            if let Some(hearing) = &mut places[place] {
                hearing.connection.told(news);
                unread.push(place);
            }
        }
        // What an answer needs of memory is seldom in the cache. Asked for here, all of it comes at once; asked for by the
        // reading of one after the other, it is waited for each time.
        black_box(
            unread.iter().filter_map(|&place| places[place].as_ref()).map(|hearing| hearing.touch()).sum::<usize>(),
        );
        unread.retain(|&place| places[place].as_mut().is_some_and(|hearing| hearing.read_on(scratch)));
        if has_arrivals || !unread.is_empty() {
            cx.waker().wake_by_ref();
        }
    }
}

/// A request's place. When it is dropped, what is known of the answer goes to the request, and the connection is closed.
pub(super) struct Seat<'a> {
    listening: &'a Listening,
    place: usize,
    answer: &'a mut Answer,
}

impl Seat<'_> {
    /// Leaves the reading to whoever drives the client, if anybody does. The request is sent: the rest is arrivals.
    pub(super) fn hand_over(&mut self) {
        let Seat { listening, place, .. } = *self;
        if let Some(Some(set)) = listening.set.get() {
            // Where the system has no room in the set, the request reads for itself.
            let _refused = self.hearing(|hearing| hearing.connection.enter(set, place));
        }
    }

    /// Ready once the answer is over, or has been waited for too long.
    pub(super) fn poll_over(
        &mut self,
        cx: &mut Context<'_>,
        deadline: &mut Deadline,
        scratch: &RefCell<Scratch>,
    ) -> Poll<Over> {
        let overdue = |(kind, waited)| Over::Ended(Reading::Broke(kind, overdue(kind, waited)), BodyEnd::Unusable);
        let last = self.hearing(|hearing| {
            loop {
                if let Some(over) = hearing.over() {
                    return Err(over);
                }
                let last = hearing.reception.last_arrival();
                if hearing.connection.is_member() {
                    hearing.wakes(cx.waker());
                    return Ok(last);
                }
                if hearing.poll_read(cx, &mut scratch.borrow_mut()).is_pending() {
                    return Ok(last);
                }
                let last = hearing.reception.last_arrival();
                // Where there is always more to read, the timer is never asked.
                let late = hearing.read_at().and_then(|now| deadline.passed(last, now));
                if let Some(late) = late.filter(|_| !hearing.is_over()) {
                    return Err(overdue(late));
                }
            }
        });
        match last {
            Err(over) => Poll::Ready(over),
            Ok(last) => deadline.poll(cx, last).map(overdue),
        }
    }

    /// What the request's own future does with its connection meanwhile.
    pub(super) fn hearing<T>(&mut self, act: impl FnOnce(&mut Hearing) -> T) -> T {
        let mut places = self.listening.places.borrow_mut();
        act(places[self.place].as_mut().expect("it is there until the seat is left"))
    }

    /// Leaves with the connection and all that has come over it, and where the answer belongs.
    pub(super) fn leave(mut self) -> Box<Hearing> {
        self.vacate().expect("it is there until the seat is left")
    }

    fn vacate(&mut self) -> Option<Box<Hearing>> {
        let hearing = self.listening.places.borrow_mut()[self.place].take();
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
