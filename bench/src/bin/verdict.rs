//! The live turn of the verdict: a client that is starved must say `bottleneck` and leave with code 4; the same client with a
//! core of its own must say `ok`.
//!
//! `cargo run --release -p metron-bench --bin verdict [STREAMS]` (1024 unless named). The engine runs on core 0, the client on core
//! 1: alone; beside threads that spin on the same core; and within a tenth of the core, by a quota of its own control group
//! (version 1), where that can be made. Prints a table; ends with code 1 if a verdict is not what it must be.

#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use metron_bench::bed::{CLIENT_CORE, SUMMARY_ALONE, client, engine, metron_beside_us};
use metron_bench::child::{self, on_core};
use serde_json::Value;

/// How many spin beside the client: it gets a fifth of the core, less than a thousand streams take.
const SPINNING: usize = 4;
/// What the quota leaves of the core, in microseconds of [`PERIOD_US`].
const QUOTA_US: u64 = 10_000;
const PERIOD_US: u64 = 100_000;
/// The kernel's control groups of processor time, version 1.
const GROUPS: &str = "/sys/fs/cgroup/cpu";

/// What takes the processor from the client.
enum Starved {
    Not,
    BySpinning,
    ByQuota(Group),
}

/// Processes that spin on the client's core until this is dropped.
struct Spinning(Vec<Child>);

impl Spinning {
    fn start() -> io::Result<Self> {
        let mut spinning = Self(Vec::new());
        for _ in 0..SPINNING {
            let mut command = on_core(CLIENT_CORE, "sh");
            spinning.0.push(command.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn()?);
        }
        Ok(spinning)
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _gone = child.kill();
            let _collected = child.wait();
        }
    }
}

/// A control group of this program's own, removed when it is dropped.
struct Group(PathBuf);

impl Group {
    fn make() -> io::Result<Self> {
        let path = Path::new(GROUPS).join(format!("metron-bench-{}", std::process::id()));
        fs::create_dir(&path)?;
        let group = Self(path);
        fs::write(group.0.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
        fs::write(group.0.join("cpu.cfs_quota_us"), QUOTA_US.to_string())?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _gone = fs::remove_dir(&self.0);
    }
}

impl Starved {
    /// What starts the client on its core.
    fn command(&self, metron: &Path) -> Command {
        let Self::ByQuota(group) = self else { return on_core(CLIENT_CORE, metron) };
        let mut command = on_core(CLIENT_CORE, "sh");
        command.args(["-c", r#"echo $$ > "$0/tasks" && exec "$@""#]).arg(&group.0).arg(metron);
        command
    }

    /// The verdict and exit code that there must be.
    fn expected(&self) -> (&'static str, i32) {
        match self {
            Self::Not => ("ok", 0),
            Self::BySpinning | Self::ByQuota(_) => ("bottleneck", 4),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Not => "a core of its own",
            Self::BySpinning => "four spin beside it",
            Self::ByQuota(_) => "a tenth of a core",
        }
    }
}

/// What a client said of itself.
struct Said {
    verdict: String,
    code: Option<i32>,
    busy: f64,
    reasons: Vec<String>,
}

fn run(metron: &Path, folder: &Path, streams: u64, starved: &Starved) -> io::Result<Said> {
    let engine = engine(metron, None)?;
    let mut command = client(starved.command(metron), engine.address(), streams, streams * 2, &folder.join("run"));
    let spinning = matches!(starved, Starved::BySpinning).then(Spinning::start).transpose()?;
    let finished = child::run(command.args(SUMMARY_ALONE));
    drop(spinning);
    engine.stop()?;
    let finished = finished?;
    let summary: Value = serde_json::from_str(&finished.stdout).map_err(io::Error::other)?;
    let instrument = &summary["instrument"];
    let reasons = instrument["reasons"].as_array().into_iter().flatten();
    Ok(Said {
        verdict: instrument["verdict"].as_str().unwrap_or_default().to_owned(),
        code: finished.code,
        busy: instrument["workers"][0]["busy_share"].as_f64().unwrap_or(f64::NAN),
        reasons: reasons.filter_map(|reason| reason.as_str().map(str::to_owned)).collect(),
    })
}

#[expect(clippy::print_stdout, reason = "a program's own output")]
fn show_all(streams: u64) -> io::Result<bool> {
    let metron = metron_beside_us()?;
    let folder = std::env::temp_dir().join(format!("metron-verdict-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut ways = vec![Starved::Not, Starved::BySpinning];
    match Group::make() {
        Ok(group) => ways.push(Starved::ByQuota(group)),
        Err(error) => println!("no quota is tried: no control group can be made in {GROUPS}: {error}"),
    }
    println!("{streams} streams with   verdict     exit  busy    as it must be");
    let mut all_well = true;
    for starved in &ways {
        let said = run(&metron, &folder, streams, starved)?;
        let (verdict, code) = starved.expected();
        let well = said.verdict == verdict && said.code == Some(code);
        let exit = said.code.map_or("-".to_owned(), |code| code.to_string());
        let answer = if well { "yes" } else { "NO" };
        println!("{:<19}  {:<10}  {exit:>4}  {:>5.1} %  {answer}", starved.name(), said.verdict, said.busy * 100.0);
        said.reasons.iter().for_each(|reason| println!("    {reason}"));
        all_well &= well;
    }
    fs::remove_dir_all(&folder)?;
    Ok(all_well)
}

#[expect(clippy::print_stderr, reason = "a program's own output")]
fn main() -> ExitCode {
    let streams = match std::env::args().nth(1).map_or(Ok(1_024), |text| text.parse()) {
        Ok(streams) => streams,
        Err(error) => {
            eprintln!("error: a number of streams, please: {error}");
            return ExitCode::from(2);
        }
    };
    match show_all(streams) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error} (build first: cargo build --release)");
            ExitCode::FAILURE
        }
    }
}
