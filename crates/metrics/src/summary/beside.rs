//! Two pieces of work at once, as far as the machine lets them. What comes of them does not depend on that.

use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// Does both, `aside` on a thread of its own where there is one to be had.
pub(super) fn beside<A: Send, B>(aside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    scope(|scope| {
        let begun = Builder::new().spawn_scoped(scope, &aside);
        let here = here();
        let aside = match begun {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => aside(),
        };
        (aside, here)
    })
}
