//! A simulated inference engine: schedulers over a cost model, in virtual time or behind HTTP.
//!
//! [`Spec`] says which engine, [`schedule`] when its tokens are due, [`server`] puts it behind a real socket on a thread of
//! its own, and [`truth`] tells what that server really did. This crate knows nothing of the client that measures it, and
//! shares no code with it.

#![forbid(unsafe_code)]

pub mod engine;
pub mod schedule;
pub mod server;
pub mod spec;
pub mod truth;
pub mod words;

pub use server::Server;
pub use spec::Spec;
