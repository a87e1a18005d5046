//! The HTTP/2 connections of one worker, each with room for many requests. It opens none, but knows whether one is being
//! opened: requests that come meanwhile wait for it in place of opening one each.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::watch;

use crate::connect::Refusal;
use crate::http2::Link;

/// The links, and the one that is being opened.
#[derive(Default)]
pub(super) struct Links {
    links: RefCell<Vec<Rc<Link>>>,
    opening: RefCell<Option<watch::Receiver<Option<Refusal>>>>,
    /// The server was found to speak HTTP/1.1.
    has_none: Cell<bool>,
}

/// A link that is being opened. Whoever waits looks again when this is dropped.
pub(super) struct Opening<'a> {
    links: &'a Links,
    tell: watch::Sender<Option<Refusal>>,
}

impl Links {
    /// A link that takes another request; links that take none any more are let go of.
    pub(super) fn with_room(&self) -> Option<Rc<Link>> {
        let mut links = self.links.borrow_mut();
        links.retain(|link| !link.is_closed());
        links.iter().find(|link| link.has_room()).cloned()
    }

    pub(super) fn keep(&self, link: Rc<Link>) {
        self.links.borrow_mut().push(link);
    }

    /// How many requests all links take at once.
    pub(super) fn room(&self) -> usize {
        self.links.borrow().iter().fold(0, |room, link| room.saturating_add(link.room()))
    }

    /// The server speaks HTTP/1.1: nobody has to wait for another's connection.
    pub(super) fn has_none(&self) {
        self.has_none.set(true);
    }

    /// Waits until a link that is being opened is, and tells whether there was one.
    ///
    /// # Errors
    /// If it could not be opened: then no other one can.
    pub(super) async fn wait(&self) -> Result<bool, Refusal> {
        let opening = self.opening.borrow().clone().filter(|_| !self.has_none.get());
        let Some(mut opening) = opening else { return Ok(false) };
        match opening.changed().await {
            Ok(()) => Err(opening.borrow().clone().expect("only a refusal is told")),
            Err(_) => Ok(true),
        }
    }

    /// A link is being opened from now on.
    pub(super) fn begin(&self) -> Opening<'_> {
        let (tell, told) = watch::channel(None);
        *self.opening.borrow_mut() = Some(told);
        Opening { links: self, tell }
    }
}

impl Opening<'_> {
    /// Tells whoever waits that there will be none.
    pub(super) fn fails(self, refusal: &Refusal) {
        self.tell.send_replace(Some(refusal.clone()));
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        *self.links.opening.borrow_mut() = None;
    }
}
