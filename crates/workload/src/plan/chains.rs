//! Requests that name the one before them become turns of one session. Knows no format.
//!
//! Where a file names no session but each request's parent (Bailian's chats), a request joins the session of the one that it
//! follows, if no other has followed that before it; a second branch begins a session of its own. Remembered are the last
//! [`MOST`] requests that nothing has followed yet.

use std::collections::{HashMap, VecDeque};

use crate::trace::TraceRequest;

/// How many requests that nothing has followed are remembered.
const MOST: usize = 1 << 18;

/// The sessions that may go on.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// By its last request's name: the session's own.
    last: HashMap<String, String>,
    /// The names in `last`, the oldest first, and some that were followed.
    names: VecDeque<String>,
}

impl Chains {
    /// Names the session of a request that has none but tells what it follows.
    pub(super) fn join(&mut self, request: &mut TraceRequest) {
        let (None, Some(id), Some(_)) = (&request.session, &request.id, request.turn) else { return };
        let session = request.parent.as_ref().and_then(|parent| self.last.remove(parent)).unwrap_or_else(|| id.clone());
        self.last.insert(id.clone(), session.clone());
        self.names.push_back(id.clone());
        if self.names.len() > MOST
            && let Some(oldest) = self.names.pop_front()
        {
            self.last.remove(&oldest);
        }
        request.session = Some(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_on_from_its_parent_and_a_second_branch_stands_alone() {
        let mut chains = Chains::default();
        let mut session = |id: &str, parent: Option<&str>| {
            let mut request = TraceRequest {
                id: Some(id.to_owned()),
                parent: parent.map(str::to_owned),
                turn: Some(1),
                ..TraceRequest::default()
            };
            chains.join(&mut request);
            request.session.unwrap()
        };
        let of = [session("a", None), session("b", Some("a")), session("c", Some("a")), session("d", Some("b"))];
        assert_eq!(of, ["a", "a", "c", "a"]);
        assert_eq!(session("e", Some("unknown")), "e");
    }

    #[test]
    fn what_names_its_session_keeps_it() {
        let mut chains = Chains::default();
        let named = TraceRequest {
            session: Some("s".to_owned()),
            id: Some("a".to_owned()),
            turn: Some(0),
            ..TraceRequest::default()
        };
        let mut request = named.clone();
        chains.join(&mut request);
        assert_eq!(request, named);
        assert!(chains.last.is_empty());
    }
}
