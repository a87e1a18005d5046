//! An engine in virtual time: from event to event without waiting. Knows no clock.

use super::Engine;
use super::event::Event;
use super::request::Request;

/// Runs `requests`, which come in order of arrival, to the end of the last one and hands every event to `on_event`.
///
/// Requests are taken from the iterator as their instants come, so a day of them need not be in memory.
///
/// # Panics
/// If two requests in flight have one id.
pub fn run_virtual(engine: &mut Engine, requests: impl IntoIterator<Item = Request>, mut on_event: impl FnMut(&Event)) {
    let mut requests = requests.into_iter().peekable();
    let mut events = Vec::new();
    loop {
        let next = engine.next_event();
        let arrives = requests.peek().map(|request| request.arrival);
        // Whoever arrives at the instant of an event must be there before it.
        if arrives.is_some_and(|arrival| next.is_none_or(|at| arrival <= at)) {
            requests.next().into_iter().for_each(|request| engine.submit(&request));
            continue;
        }
        let Some(at) = next else { break };
        engine.advance(at, &mut events);
        events.drain(..).for_each(|event| on_event(&event));
    }
}
