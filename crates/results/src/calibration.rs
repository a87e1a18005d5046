//! `calibration.json`: how right this client is on this machine, and up to which load. Written by `metron calibrate`, read by
//! later runs. Computes no figure; knows no run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::{Host, Verdict};

/// The value of [`Calibration::schema`].
pub const CALIBRATION_SCHEMA: &str = "metron.calibration/1";

/// What this client measured of a server whose every send was logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// `metron.calibration/1`.
    pub schema: String,
    /// When (RFC 3339).
    pub measured_at: String,
    /// The version of the program.
    pub metron_version: String,
    /// The machine.
    pub host: Host,
    /// The simulated engine that sent.
    pub engine: String,
    /// Whether the engine had a core of its own. Where it had not, it took part of the client's.
    pub own_core: bool,
    /// By streams, rising.
    pub points: Vec<Point>,
    /// Where the verdict on this client turns.
    pub turns: Turns,
}

/// One load, and how far what was reported lies from what was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Streams at once, in a closed loop.
    pub streams: u32,
    /// Requests that were answered in full.
    pub requests: u64,
    /// Tokens of them.
    pub tokens: u64,
    /// Output tokens per second, as reported.
    pub tokens_per_s: Option<f64>,
    /// Of what the engine would have sent in that time, had client and engine cost nothing: 0 to 1.
    pub share_of_ideal: Option<f64>,
    /// Processor time of this process, its files included, in seconds.
    pub cpu_s_per_million_tokens: Option<f64>,
    /// Of TTFT.
    pub ttft: Errors,
    /// Of the gaps between tokens.
    pub gaps: Errors,
    /// Share of chunks that came in one read with another chunk of their stream.
    pub shared_read_share: Option<f64>,
    /// What the run said of itself.
    pub verdict: Verdict,
    /// Why, if that is not `ok`.
    pub reasons: Vec<String>,
}

/// Reported less true, sample by sample, without its sign; in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Errors {
    /// How many samples were laid beside each other.
    pub count: u64,
    /// The 99th percentile that was reported.
    pub reported_p99: Option<f64>,
    /// The true one.
    pub true_p99: Option<f64>,
    /// The median of the errors.
    pub p50: Option<f64>,
    /// Their 99th percentile.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// Between which loads the verdict turns.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Turns {
    /// The highest load with verdict `ok` below every load without; null if there was none.
    pub holds: Option<Load>,
    /// The lowest load above it whose verdict is another; null if there was none.
    pub fails: Option<Load>,
}

/// A load that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// Streams at once.
    pub streams: u32,
    /// Output tokens per second.
    pub tokens_per_s: Option<f64>,
}

/// A load that lies beyond the highest one that was measured and found `ok`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beyond {
    /// What the run had.
    pub load: Load,
    /// What was found `ok`.
    pub holds: Load,
}

impl Calibration {
    /// The text of `calibration.json`: indented, with a line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a calibration is plain values with text keys");
        text.push('\n');
        text
    }

    /// Reads the text of `calibration.json`.
    ///
    /// # Errors
    /// What is wrong with it, by line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether it was made on this machine, by a program that measures alike.
    #[must_use]
    pub fn is_of(&self, host: &Host, version: &str) -> bool {
        self.schema == CALIBRATION_SCHEMA && self.host == *host && self.metron_version == version
    }

    /// Whether a load lies beyond what was found `ok`: more streams, or more tokens a second. `None` if it does not, or if no
    /// load was found `ok`.
    #[must_use]
    pub fn beyond(&self, load: Load) -> Option<Beyond> {
        /// A rate that is measured again differs a little.
        const SLACK: f64 = 1.05;
        let holds = self.turns.holds?;
        let faster = load.tokens_per_s.zip(holds.tokens_per_s).is_some_and(|(this, held)| this > held * SLACK);
        (load.streams > holds.streams || faster).then_some(Beyond { load, holds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(holds: Option<Load>) -> Calibration {
        Calibration {
            schema: CALIBRATION_SCHEMA.to_owned(),
            measured_at: "2026-01-01T00:00:00Z".to_owned(),
            metron_version: "0.1.0".to_owned(),
            host: Host::default(),
            engine: "sim:fixed".to_owned(),
            own_core: true,
            points: Vec::new(),
            turns: Turns { holds, fails: None },
        }
    }

    fn load(streams: u32, tokens_per_s: f64) -> Load {
        Load { streams, tokens_per_s: Some(tokens_per_s) }
    }

    #[test]
    fn a_load_is_beyond_by_streams_or_by_tokens() {
        let calibration = calibration(Some(load(1_024, 50_000.0)));
        assert_eq!(calibration.beyond(load(1_024, 52_000.0)), None);
        assert!(calibration.beyond(load(1_025, 10.0)).is_some());
        assert!(calibration.beyond(load(8, 60_000.0)).is_some());
        assert_eq!(calibration.beyond(Load { streams: 8, tokens_per_s: None }), None);
    }

    #[test]
    fn where_nothing_was_found_ok_nothing_is_compared() {
        assert_eq!(calibration(None).beyond(load(1, 1.0)), None);
    }

    #[test]
    fn another_machine_or_another_version_has_none() {
        let calibration = calibration(None);
        assert!(calibration.is_of(&Host::default(), "0.1.0"));
        assert!(!calibration.is_of(&Host { cores: 64, ..Host::default() }, "0.1.0"));
        assert!(!calibration.is_of(&Host::default(), "0.2.0"));
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        let calibration = calibration(Some(load(64, 3_000.5)));
        assert_eq!(Calibration::from_json(&calibration.to_json()).expect("its own text"), calibration);
    }
}
