//! What a person reads: console, progress, HTML. Text from outside passes [`escape`] on its way to a terminal, and maud's
//! escaping on its way into a page.
//!
//! - [`console::table`] shows a summary, [`console::score_table`] scores, [`console::compare_table`] what runs differ by.
//! - [`progress::Progress`] follows a run by its events.
//! - [`html::report`] is the page that a run leaves behind.
//! - [`plot::Plot`] draws: on the page, and as SVG and CSV files.
//!
//! This crate is handed figures that are settled; it computes none, opens no file and knows neither runner nor network.

#![forbid(unsafe_code)]

mod comparison;
pub mod console;
pub mod escape;
mod figure;
pub mod html;
mod parts;
pub mod plot;
pub mod progress;
mod reading;
#[cfg(test)]
mod samples;
pub mod style;

pub use style::Style;
