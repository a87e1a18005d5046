//! What build servers read of a run: JUnit XML for their test reports, Markdown for the summary of a GitHub job. The same
//! figures as on the console.

mod github;
mod junit;

pub use github::github;
pub use junit::junit;

#[cfg(test)]
mod tests;
