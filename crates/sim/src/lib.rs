//! A simulated inference engine: schedulers over a cost model, in virtual time or behind HTTP.
//!
//! [`Spec`] says which engine, and [`server::Server`] puts it behind a real socket on a thread of its own. This crate knows
//! nothing of the client that measures it, and shares no code with it.

#![forbid(unsafe_code)]

pub mod server;
pub mod spec;

pub use server::Server;
pub use spec::Spec;
