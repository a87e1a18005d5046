//! What is looked at before the first request, so that a run that cannot succeed costs seconds: this host's limits, and a
//! first contact with the server. It sends nothing that a server counts as a request for an answer, but for the few tiny ones by
//! which [`template`] finds what the server adds to each prompt, where the model's own tokenizer is named.

mod contact;
mod descriptors;
mod ports;
mod template;

pub use contact::{ContactError, Found, contact};
pub use descriptors::{Descriptors, TooFewDescriptors, ensure_descriptors, ensure_most_descriptors};
pub use ports::{TooFewPorts, ensure_ports};
pub use template::{Template, template};
