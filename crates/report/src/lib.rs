//! What a person reads: console, progress, HTML. Text from outside passes [`escape`] on its way to a terminal, and maud's
//! escaping on its way into a page.
//!
//! - [`console::table`] shows a summary, [`console::score_table`] scores, [`console::compare_table`] what runs differ by.
//! - [`progress::Progress`] follows a run by its events, line by line; [`live::follow`] on a whole screen,
//!   [`exposition`] for Prometheus.
//! - [`course::Course`] looks at a run's rows for what is drawn; [`ci`] is what build servers read.
//! - [`html::report`] is the page that a run leaves behind.
//! - [`plot::Plot`] draws: on the page, and as SVG and CSV files.
//!
//! This crate is handed figures that are settled; it computes none, opens no file and knows neither runner nor network.

#![forbid(unsafe_code)]

pub mod ci;
mod comparison;
pub mod console;
pub mod course;
pub mod escape;
pub mod exposition;
mod figure;
pub mod html;
pub mod live;
mod parts;
pub mod plot;
pub mod progress;
mod ranking;
mod reading;
#[cfg(test)]
mod samples;
pub mod style;

pub use style::Style;
