//! From a sweep's file to its runs: each cell's settings laid over each other (load over workload over target over defaults),
//! parsed as a command line is, and checked, before anything is started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use metron_results::folder::RunName;
use metron_runner::RunConfig;
use metron_runner::resolve::Resolved;
use metron_runner::sweep::{Cell, EngineCommand, Measurement, Sweep, Target, check_url};
use metron_units::Nanos;

use super::file::Value;
use super::matrix::{self, Matrix, Section};
use super::{Given, command_of, parse, stack};
use crate::failure::{Failure, Place, of_clap};
use crate::flags::RunFlags;
use crate::run_config;

mod searches;

/// How long an engine may take to become ready, unless said otherwise: the time to load a large model from a slow disk.
const START_TIMEOUT: Nanos = Nanos::from_secs(300);
/// How long it may take to end.
const STOP_GRACE: Nanos = Nanos::from_secs(10);

/// The sweep in the file at `path`.
///
/// # Errors
/// What the user has to mend, with its line where it has one.
pub(crate) fn sweep(path: &Path) -> Result<Sweep, Failure> {
    let mut matrix = matrix::read(&command_of::<RunFlags>(), path)?;
    if matrix.targets.is_empty() {
        return Err(Failure::usage(format!("{} has no targets", matrix.path), "targets: [{name: a, url: sim:}]"));
    }
    for axis in [&mut matrix.workloads, &mut matrix.loads] {
        if axis.is_empty() {
            axis.push(Section::default());
        }
    }
    let name = match &matrix.name {
        Some((line, name)) => named(&matrix, *line, name)?,
        None => RunName::made_of(path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("sweep")).to_string(),
    };
    let names = [&matrix.targets, &matrix.workloads, &matrix.loads].map(|axis| names(&matrix, axis));
    let [targets, workloads, loads] = names;
    let (targets, workloads, loads) = (targets?, workloads?, loads?);
    let folder = path.parent().unwrap_or(Path::new(""));
    let target = |(section, name): (&Section, String)| {
        let mut cells = Vec::new();
        for (workload, its_name) in matrix.workloads.iter().zip(&workloads) {
            for (load, loads_name) in matrix.loads.iter().zip(&loads) {
                let mut measured = measured(&matrix, [load, workload, section])
                    .map_err(|failure| within(failure, &matrix.path, &format!("{name}, {its_name}, {loads_name}")))?;
                if ![load, workload].iter().any(|section| states_a_seed(section)) {
                    seed_of(&mut measured, cells.len() as u64);
                }
                cells.push(Cell { workload: its_name.clone(), load: loads_name.clone(), measured });
            }
        }
        let engine = engine(&matrix, section, folder)?;
        Ok(Target { name, engine, cells })
    };
    let targets = matrix.targets.iter().zip(targets).map(target).collect::<Result<_, Failure>>()?;
    Ok(Sweep { name, targets })
}

/// What a cell measures whose sections are these, the highest first.
fn measured(matrix: &Matrix, sections: [&Section; 3]) -> Result<Measurement, Failure> {
    let [load, ..] = sections;
    match (load.own("capacity"), load.own("prefill")) {
        (None, None) => run(matrix, sections),
        (Some(own), None) => searches::capacity(matrix, own, sections),
        (None, Some(own)) => searches::prefill(matrix, own, sections),
        (Some(_), Some((line, _))) => {
            let what = "a load is either a search for a capacity or a profile";
            Err(refused(matrix, line, "prefill", what, "a load of its own: - {name: prefill, prefill: {}}"))
        }
    }
}

fn states_a_seed(section: &Section) -> bool {
    section.settings.iter().any(|given| given.flag == "seed")
}

/// Gives each cell of a target prompts of its own: an engine that keeps what it computed would answer those of the cell before from its
/// memory. The same cell of another target has the same ones, so that the two are alike. A profile's are new each time anyway.
fn seed_of(measured: &mut Measurement, place: u64) {
    let config = match measured {
        Measurement::Run(config) => config,
        Measurement::Capacity(search) => &mut search.config,
        Measurement::Prefill(..) => return,
    };
    config.seed = config.seed.wrapping_add(place);
}

fn run(matrix: &Matrix, sections: [&Section; 3]) -> Result<Measurement, Failure> {
    let layers = sections.iter().map(|section| section.settings.clone()).chain([matrix.defaults.clone()]);
    let config = run_config::resolve(&settled(layers.collect())?)?;
    checked(&config)?;
    Ok(Measurement::Run(Box::new(config)))
}

/// The flags of layers, the highest first.
fn settled<F: clap::Args>(layers: Vec<Vec<Given>>) -> Result<F, Failure> {
    for given in layers.iter().flatten() {
        parse::<F>(given.arguments()).map_err(|error| of_clap(&error, &given.place))?;
    }
    let arguments = stack(layers).iter().flat_map(Given::arguments).collect();
    parse(arguments).map_err(|error| of_clap(&error, &Place::CommandLine))
}

fn checked(config: &RunConfig) -> Result<(), Failure> {
    let variables = |name: &str| std::env::var(name).ok();
    let resolved = Resolved::of(config, &variables);
    resolved.map(|_| ()).map_err(|error| Failure::usage(&error, error.hint.clone()))
}

/// A refusal that has no line of its own says which cell it is about.
fn within(failure: Failure, path: &str, cell: &str) -> Failure {
    if failure.message.starts_with(path) {
        return failure;
    }
    Failure { message: format!("{path}, cell {cell}: {}", failure.message), ..failure }
}

/// A name for each section: its own, or one made of its settings; no two alike.
fn names(matrix: &Matrix, sections: &[Section]) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for section in sections {
        let name = match section.own("name") {
            Some((line, Value::Text(name))) => named(matrix, line, name)?,
            Some((line, _)) => return Err(refused(matrix, line, "name", "must be a text", "name: a")),
            None => made_of(section),
        };
        if names.contains(&name) {
            let message = format!("the name `{name}` stands twice");
            return Err(refused(matrix, section.line, "name", &message, &format!("name: {name}-2")));
        }
        names.push(name);
    }
    Ok(names)
}

fn named(matrix: &Matrix, line: u64, name: &str) -> Result<String, Failure> {
    let read: Result<RunName, _> = name.parse();
    read.map(|name| name.to_string()).map_err(|invalid| {
        let hint = format!("name: {}", invalid.hint.trim_start_matches("--name "));
        refused(matrix, line, "name", &invalid.to_string(), &hint)
    })
}

/// `concurrency-8`, `rate-2-duration-60s`; `default` where nothing is set.
fn made_of(section: &Section) -> String {
    let setting = |given: &Given| {
        let values: Vec<String> = given.values.iter().map(|value| value.to_string_lossy().into_owned()).collect();
        std::iter::once(given.flag.clone()).chain(values).collect::<Vec<_>>().join("-")
    };
    let searches = ["capacity", "prefill"].iter().filter(|key| section.own(key).is_some()).map(|key| (*key).to_owned());
    let settings: Vec<String> = searches.chain(section.settings.iter().map(setting)).collect();
    if settings.is_empty() { "default".to_owned() } else { RunName::made_of(&settings.join("-")).to_string() }
}

fn refused(matrix: &Matrix, line: u64, key: &str, what: &str, hint: &str) -> Failure {
    Failure::usage(format!("{}, line {line}: {key}: {what}", matrix.path), hint)
}

/// How the target's engine is started; `None` if it has no command.
fn engine(matrix: &Matrix, target: &Section, folder: &Path) -> Result<Option<EngineCommand>, Failure> {
    let Some((line, command)) = target.own("command") else {
        let lonely = ["health", "start_timeout", "stop_grace", "env", "cwd"].iter().find_map(|key| {
            target
                .own(key)
                .map(|(line, _)| refused(matrix, line, key, "it needs a command", "command: [engine, --port, 8080]"))
        });
        return lonely.map_or(Ok(None), Err);
    };
    let argv = match command {
        Value::Text(script) => ["sh", "-c", script.as_str()].map(str::to_owned).to_vec(),
        Value::List(argv) if !argv.is_empty() => argv.clone(),
        _ => {
            let what = "must be a list of a program and its arguments, or a text for the shell";
            return Err(refused(matrix, line, "command", what, "command: [engine, --port, 8080]"));
        }
    };
    let text = |key: &str| match target.own(key) {
        None => Ok(None),
        Some((line, Value::Text(text))) => Ok(Some((line, text.clone()))),
        Some((line, _)) => Err(refused(matrix, line, key, "must be a text", "")),
    };
    let example = "health: http://127.0.0.1:8080/health";
    let Some((health_line, health)) = text("health")? else {
        return Err(refused(
            matrix,
            line,
            "command",
            "it needs a health URL, which answers once the engine is ready",
            example,
        ));
    };
    check_url(&health)
        .map_err(|reason| refused(matrix, health_line, "health", &format!("`{health}`: {reason}"), example))?;
    let time = |key: &str, usual: Nanos| match text(key)? {
        None => Ok(usual),
        Some((line, text)) => text
            .parse::<Nanos>()
            .map_err(|error| refused(matrix, line, key, &error.to_string(), &format!("{key}: {}", error.hint))),
    };
    Ok(Some(EngineCommand {
        argv,
        env: environment(matrix, target)?,
        // As in a shell script, what is relative is relative to the file that says it.
        cwd: text("cwd")?.map(|(_, cwd)| folder.join(PathBuf::from(cwd))),
        health,
        start_timeout: time("start_timeout", START_TIMEOUT)?,
        stop_grace: time("stop_grace", STOP_GRACE)?,
    }))
}

fn environment(matrix: &Matrix, target: &Section) -> Result<BTreeMap<String, String>, Failure> {
    let (line, mapping) = match target.own("env") {
        None => return Ok(BTreeMap::new()),
        Some((line, Value::Mapping(mapping))) => (line, mapping),
        Some((line, _)) => return Err(refused(matrix, line, "env", "must be a mapping", "env: {OMP_NUM_THREADS: 1}")),
    };
    let variable = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => Ok((name.clone(), text.clone())),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) => Ok((name.clone(), value.to_string())),
        _ => Err(refused(matrix, line, "env", &format!("`{name}` must be a text"), &format!("{name}: text"))),
    };
    mapping.iter().map(variable).collect()
}
