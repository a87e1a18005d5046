//! Quantities with their units: [`Nanos`], [`Rate`], [`Share`] and [`Tokens`], each with one parser and one way to show it.
//!
//! Every other room speaks in these types. This crate knows nothing of requests, figures or files.
//!
//! ```
//! use metron_units::{Nanos, Share};
//! assert_eq!("1.5s".parse(), Ok(Nanos::from_millis(1_500)));
//! assert_eq!(Nanos::from_micros(20_500).to_string(), "20.5 ms");
//! assert!("300".parse::<Nanos>().unwrap_err().to_string().contains("has no unit"));
//! assert_eq!("99%".parse(), Share::new(0.99));
//! ```

#![forbid(unsafe_code)]

mod error;
mod nanos;
mod rate;
mod share;
mod tokens;

pub use error::ParseError;
pub use nanos::Nanos;
pub use rate::Rate;
pub use share::Share;
pub use tokens::Tokens;
