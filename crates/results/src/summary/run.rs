//! The summary's `run`: what was run, where and when. Knows no figure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was run, where and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Differs from run to run.
    pub id: String,
    /// The name it was given, or was made for it.
    pub name: String,
    /// The wall clock at the run's epoch (RFC 3339).
    pub started_at: String,
    /// The version of the program.
    pub metron_version: String,
    /// The seed of every draw.
    pub seed: u64,
    /// From the run's epoch to the end of its last request, in seconds.
    pub duration_s: Option<f64>,
    /// What was measured.
    pub target: Target,
    /// How requests were released.
    pub load: Load,
    /// The command line, secrets left out.
    #[serde(default)]
    pub command: Vec<String>,
    /// The machine that measured.
    pub host: Host,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The whole URL that requests went to, secrets left out.
    pub url: String,
    /// The API dialect.
    pub endpoint: String,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Whether any certificate was accepted (`--insecure`).
    #[serde(default)]
    pub insecure: bool,
    /// Whether whole answers were asked for in place of streams (`--no-stream`, embeddings, reranking).
    #[serde(default)]
    pub unstreamed: bool,
}

/// How requests were released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum Load {
    /// At instants of their own, whatever the server did.
    Open {
        /// Requests per second in the mean; null where a trace gave the instants.
        rate: Option<f64>,
        /// How the gaps were drawn.
        arrivals: String,
        /// Whether the rate was to stay the same from start to end: false of a trace's instants and of a rate that follows a curve; null
        /// in files of versions that did not tell.
        #[serde(default)]
        steady: Option<bool>,
        /// The most requests that were in flight at once; null if unbounded.
        max_in_flight: Option<u32>,
    },
    /// Each of so many users sent its next request when its last one was answered.
    Closed {
        /// The number of users.
        concurrency: u32,
        /// The most requests that were in flight at once; null if unbounded.
        max_in_flight: Option<u32>,
    },
}

impl Load {
    /// Whether it is known to have been one that was to stay the same from start to end.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { steady, .. } => *steady == Some(true),
        }
    }
}

/// The machine that measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The operating system.
    pub os: String,
    /// Its kernel's release.
    pub kernel: Option<String>,
    /// The processor's name.
    pub cpu: Option<String>,
    /// The cores that this program may use.
    pub cores: u32,
}
