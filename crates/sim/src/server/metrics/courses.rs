//! How far each request in flight is: what a latency is measured from. Knows no histogram.

use std::collections::HashMap;

use metron_units::{Nanos, Tokens};

/// What was asked, and when.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Asked {
    pub(in crate::server) arrived: Nanos,
    pub(in crate::server) prompt: Tokens,
    /// How many tokens the answer is to have.
    pub(in crate::server) output: Tokens,
    /// The most that the request allows.
    pub(in crate::server) most: Option<Tokens>,
}

/// A request's course so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) asked: Asked,
    pub(super) admitted: Option<Nanos>,
    /// Tokens of its prompt that were in memory then.
    pub(super) cached: Tokens,
    pub(super) first: Option<Nanos>,
    /// Its last token so far; its arrival, if it has none.
    pub(super) last: Nanos,
}

/// What a token is to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    First { since_arrival: Nanos, prompt: Tokens },
    Next { since_last: Nanos },
}

/// The requests in flight.
#[derive(Debug, Default)]
pub(super) struct Courses(HashMap<u64, Course>);

impl Courses {
    pub(super) fn begin(&mut self, request: u64, asked: Asked) {
        self.0.insert(
            request,
            Course { asked, admitted: None, cached: Tokens::new(0), first: None, last: asked.arrived },
        );
    }

    /// It is computed from now on; its prompt's length if it never was before.
    pub(super) fn admitted(&mut self, request: u64, at: Nanos, cached: Tokens) -> Option<Tokens> {
        let course = self.0.get_mut(&request).filter(|course| course.admitted.is_none())?;
        (course.admitted, course.cached) = (Some(at), cached);
        Some(course.asked.prompt)
    }

    /// What was in memory of its prompt when it was first let in; `None` if it is not in flight.
    pub(super) fn cached(&self, request: u64) -> Option<Tokens> {
        self.0.get(&request).map(|course| course.cached)
    }

    /// It was given a token; `None` if it is not in flight.
    pub(super) fn token(&mut self, request: u64, at: Nanos) -> Option<Step> {
        let course = self.0.get_mut(&request)?;
        let since_last = at.saturating_sub(course.last);
        course.last = at;
        if course.first.is_some() {
            return Some(Step::Next { since_last });
        }
        course.first = Some(at);
        Some(Step::First { since_arrival: since_last, prompt: course.asked.prompt })
    }

    /// It is over; `None` if it was before.
    pub(super) fn end(&mut self, request: u64) -> Option<Course> {
        self.0.remove(&request)
    }
}
