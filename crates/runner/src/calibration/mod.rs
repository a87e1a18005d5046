//! How right this client is on this machine: a closed loop against a simulated engine that logs what it sends, at rising
//! numbers of streams, what was reported laid beside what was sent; and between which loads the verdict on itself turns.
//!
//! The engine is a process of its own and, where there are two cores, has one of them for itself; the client has the others.

mod cores;
mod engine;
mod measure;
pub mod truth;
mod turn;

use std::io;
use std::path::PathBuf;

use metron_results::calibration::{CALIBRATION_SCHEMA, Calibration, Point};
use metron_results::summary::Host;

use crate::stop::{Asked, Stop};
use crate::{RunConfig, RunError};
use cores::Cores;
pub use engine::Engine;
use measure::Bench;
use turn::{between, turns};

/// The engine: TTFT 100 ms, gaps of 20 ms, 128 tokens.
pub const ENGINE: &str = "sim:fixed?ttft=100ms&tbt=20ms&tokens=128";
/// Tokens of each of its answers.
pub const TOKENS: u64 = 128;
/// From a request to its last token, in seconds, if nothing cost time.
pub const ANSWER_S: f64 = 0.1 + 0.02 * 127.0;

/// Loads that are tried between the last that holds and the first that does not.
const NARROWING: usize = 3;

/// What a calibration is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The metron binary, for the engine.
    pub program: PathBuf,
    /// Numbers of streams to measure at.
    pub streams: Vec<u32>,
    /// Requests of each stream.
    pub rounds: u32,
    /// How the client runs. Target, load and lengths are the calibration's own.
    pub client: RunConfig,
}

/// How a calibration goes.
#[derive(Debug)]
pub enum Told<'a> {
    /// A load is measured next.
    Measuring {
        /// How many streams.
        streams: u32,
    },
    /// A load was measured.
    Measured(&'a Point),
    /// A load cannot be had on this machine.
    Skipped {
        /// How many streams.
        streams: u32,
        /// Why.
        why: &'a RunError,
    },
}

/// Why there is no calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The engine, its log, or a temporary folder.
    #[error("cannot calibrate at {streams} streams")]
    System {
        /// At which load.
        streams: u32,
        /// What the system refused.
        #[source]
        source: io::Error,
    },
    /// The client's own run.
    #[error("the client's run at {streams} streams failed")]
    Run {
        /// At which load.
        streams: u32,
        /// Why.
        #[source]
        source: Box<RunError>,
    },
    /// No load could be had.
    #[error("this machine carries none of the loads; the least was refused")]
    Nothing(#[source] Box<RunError>),
    /// It was asked to end.
    #[error("interrupted; nothing was saved")]
    Interrupted,
}

/// Calibrates. Takes about 11 s for each load at four rounds.
///
/// # Errors
/// If a load could not be measured for another reason than this machine's limits, or `stop` was asked.
pub fn calibrate(
    settings: &Settings,
    stop: &Stop,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<Calibration, CalibrationError> {
    let system = |source| CalibrationError::System { streams: 0, source };
    // Before the cores are dealt out: a later run will have them all.
    let host = this_host();
    let cores = Cores::deal().map_err(system)?;
    let bench = Bench::new(settings, &cores, stop).map_err(system)?;
    let mut points = Vec::new();
    let mut refused = None;
    let mut measure = |streams: u32, points: &mut Vec<Point>| {
        told(Told::Measuring { streams });
        match bench.at(streams) {
            Ok(point) => {
                told(Told::Measured(&point));
                points.push(point);
                points.sort_by_key(|point| point.streams);
                Ok(())
            }
            Err(CalibrationError::Run { source, .. }) if is_a_limit(&source) => {
                told(Told::Skipped { streams, why: &source });
                refused.get_or_insert(source);
                Ok(())
            }
            Err(error) => Err(error),
        }
    };
    let mut streams = settings.streams.clone();
    streams.sort_unstable();
    streams.dedup();
    for streams in streams {
        measure(streams, &mut points)?;
    }
    for _ in 0..NARROWING {
        let Some(streams) = between(&turns(&points)) else { break };
        measure(streams, &mut points)?;
    }
    if let (true, Some(refused)) = (points.is_empty(), refused) {
        return Err(CalibrationError::Nothing(refused));
    }
    Ok(Calibration {
        schema: CALIBRATION_SCHEMA.to_owned(),
        measured_at: now(),
        metron_version: VERSION.to_owned(),
        host,
        engine: ENGINE.to_owned(),
        own_core: cores.are_enough(),
        turns: turns(&points),
        points,
    })
}

/// The wall clock, for people.
fn now() -> String {
    let unix_ns = metron_wire::Clock::start().started_at_unix_ns();
    jiff::Timestamp::from_nanosecond(unix_ns.into()).expect("u64 nanoseconds end in 2554").to_string()
}

/// The version whose calibrations are comparable.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The machine, as calibrations and runs name it: with all cores that this process may use.
#[must_use]
pub fn this_host() -> Host {
    crate::host::host()
}

/// This machine cannot carry the load; another load it may.
fn is_a_limit(error: &RunError) -> bool {
    matches!(error, RunError::Descriptors(_) | RunError::Ports(_))
}

fn ended_early(stop: &Stop) -> bool {
    stop.asked() > Asked::Nothing
}
