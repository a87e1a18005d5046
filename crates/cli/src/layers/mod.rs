//! Flags over `METRON_*` variables over a configuration file over defaults.
//!
//! Every layer is read as if it were a command line: a variable or a key is the flag of that name, so there is one
//! parser, one set of types, and one message for a bad value wherever it was written. A setting of a higher layer drops
//! the same setting, and those that contradict it, from every lower one; what contradicts itself within one layer is left
//! for `plan` to refuse.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, Command};

use crate::failure::{Failure, Place, of_clap};

mod cells;
mod environment;
mod file;
mod matrix;

pub(crate) use cells::sweep;

/// One setting as one layer gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    /// The flag's name, without the dashes.
    flag: String,
    /// Its values: none for a switch that is on, several for a list.
    values: Vec<OsString>,
    /// `false` for a switch that is turned off: it holds lower layers down, and says nothing else.
    on: bool,
    /// Where it stands.
    place: Place,
}

impl Given {
    /// As arguments of a command line.
    fn arguments(&self) -> Vec<OsString> {
        if !self.on {
            return Vec::new();
        }
        if self.values.is_empty() {
            return vec![format!("--{}", self.flag).into()];
        }
        let argument = |value: &OsString| {
            let mut argument = OsString::from(format!("--{}=", self.flag));
            argument.push(value);
            argument
        };
        self.values.iter().map(argument).collect()
    }
}

/// The settings of a subcommand from every layer, under `given` on the command line.
///
/// # Errors
/// A setting that is unknown or does not fit its type, with the place where it stands.
pub(crate) fn settle<F: Args>(
    given: &ArgMatches,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<F, Failure> {
    let command = command_of::<F>();
    let mut layers = vec![command_line(&command, given), environment::read(&command, environment)?];
    let config = layers.iter().flatten().find(|given| given.flag == "config").and_then(|given| given.values.first());
    if let Some(path) = config.cloned() {
        layers.push(file::read(&command, path.as_ref())?);
    }
    for given in layers.iter().flatten().filter(|given| given.place != Place::CommandLine) {
        parse::<F>(given.arguments()).map_err(|error| of_clap(&error, &given.place))?;
    }
    let arguments = stack(layers).iter().flat_map(Given::arguments).collect();
    parse(arguments).map_err(|error| of_clap(&error, &Place::CommandLine))
}

/// What to say of variables that are nearly settings, one line each.
pub(crate) fn doubts<'a, F: Args>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let slips = environment::slips(&command_of::<F>(), names);
    slips.into_iter().map(|(name, near)| format!("{name} is no setting and does nothing; {near} is one")).collect()
}

/// The flags of a subcommand as a command of their own.
fn command_of<F: Args>() -> Command {
    F::augment_args(Command::new("metron").no_binary_name(true).disable_help_flag(true))
}

fn parse<F: Args>(arguments: Vec<OsString>) -> Result<F, clap::Error> {
    F::from_arg_matches(&command_of::<F>().try_get_matches_from(arguments)?)
}

/// What stands on the command line itself, in the flags' own order.
fn command_line(command: &Command, given: &ArgMatches) -> Vec<Given> {
    let typed = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    let flags = command.get_arguments().filter(|flag| typed(flag.get_id().as_str()));
    flags
        .map(|flag| {
            let values = if is_switch(flag) { None } else { given.get_raw(flag.get_id().as_str()) };
            let values = values.into_iter().flatten().map(OsStr::to_owned).collect();
            Given { flag: long(flag), values, on: true, place: Place::CommandLine }
        })
        .collect()
}

/// The layers, highest first, as one: each setting once.
fn stack(layers: Vec<Vec<Given>>) -> Vec<Given> {
    let mut settled: Vec<Given> = Vec::new();
    for layer in layers {
        let kept: Vec<Given> = layer
            .into_iter()
            .filter(|lower| !settled.iter().any(|higher| higher.flag == lower.flag || displaces(higher, &lower.flag)))
            .collect();
        settled.extend(kept);
    }
    settled
}

/// Whether a setting of a higher layer leaves no sense to the setting `lower` of a layer below it.
fn displaces(higher: &Given, lower: &str) -> bool {
    match higher.flag.as_str() {
        "concurrency" => matches!(lower, "rate" | "arrivals" | "burstiness" | "max-in-flight"),
        "rate" => lower == "concurrency",
        "trace" => {
            matches!(lower, "rate" | "arrivals" | "burstiness" | "concurrency" | "think-time" | "dataset" | "lengths")
        }
        "dataset" => matches!(lower, "trace" | "speed" | "lengths"),
        "lengths" => matches!(lower, "trace" | "speed" | "dataset"),
        "prefix" => lower == "prefix-cache",
        "prefix-cache" => lower == "prefix",
        "arrivals" => lower == "burstiness" && higher.values.first().is_some_and(|process| process != "gamma"),
        "burstiness" => lower == "arrivals",
        "ttft-deadline" => matches!(lower, "prefill-profile" | "ttft-slack"),
        "warmup" => lower == "warmup-requests",
        "warmup-requests" => lower == "warmup",
        _ => false,
    }
}

fn long(flag: &clap::Arg) -> String {
    flag.get_long().expect("a flag of a run has a long name").to_owned()
}

fn is_switch(flag: &clap::Arg) -> bool {
    matches!(flag.get_action(), ArgAction::SetTrue)
}

fn is_list(flag: &clap::Arg) -> bool {
    matches!(flag.get_action(), ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::RunFlags;

    /// The flags that stand when `file` lies under `variables` under `typed`.
    fn settled(typed: &[&str], variables: &[(&str, &str)], file: &str) -> Result<RunFlags, Failure> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("plan.yaml");
        std::fs::write(&path, file).expect("the file is written");
        let config = format!("--config={}", path.display());
        let typed = typed.iter().copied().chain([config.as_str()]);
        let given = command_of::<RunFlags>().try_get_matches_from(typed).expect("a valid command line");
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        settle(&given, variables)
    }

    #[test]
    fn a_flag_outranks_a_variable_which_outranks_a_file() {
        let variables = [("METRON_SEED", "2"), ("METRON_MODEL", "variable")];
        let flags = settled(&["--seed=3"], &variables, "seed: 1\nmodel: file\ntokenizer: file\n").expect("settled");
        assert_eq!(flags.workload.seed, 3);
        assert_eq!(flags.target.server.model.as_deref(), Some("variable"));
        assert_eq!(flags.workload.tokenizer, "file");
    }

    #[test]
    fn a_higher_layer_displaces_what_contradicts_it() {
        let file = "rate: 4\narrivals: gamma\nburstiness: 0.5\nwarmup: 3s\n";
        let flags = settled(&["--concurrency=2", "--warmup-requests=1"], &[], file).expect("settled");
        assert_eq!(flags.load.concurrency, Some(2));
        assert_eq!((flags.load.rate, flags.load.arrivals, flags.load.burstiness), (None, None, None));
        assert_eq!((flags.load.warmup, flags.load.warmup_requests), (None, Some(1)));
    }

    #[test]
    fn a_switch_can_be_turned_off_above_a_file() {
        let on = settled(&[], &[], "insecure: true\n").expect("settled");
        assert!(on.target.server.insecure);
        let off = settled(&[], &[("METRON_INSECURE", "false")], "insecure: true\n").expect("settled");
        assert!(!off.target.server.insecure);
    }

    #[test]
    fn a_higher_list_replaces_a_lower_one() {
        let file = "slo: ['p99 ttft <= 1s', 'error_rate <= 1%']\n";
        assert_eq!(settled(&[], &[], file).expect("settled").objectives.slo.len(), 2);
        assert_eq!(settled(&["--slo=p50 ttft <= 1s"], &[], file).expect("settled").objectives.slo.len(), 1);
    }

    #[test]
    fn a_bad_value_is_refused_with_its_place() {
        let message = |variables: &[(&str, &str)], file: &str| {
            let failure = settled(&[], variables, file).expect_err("refused");
            assert_eq!(failure.exit, crate::exit::Exit::Usage);
            let message = failure.message.rsplit('/').next().map(str::to_owned).unwrap_or_default();
            (message, failure.hint)
        };
        let refused = |message: &str, hint: &str| (message.to_owned(), hint.to_owned());
        assert_eq!(
            message(&[("METRON_TIMEOUT", "300")], ""),
            refused("METRON_TIMEOUT: duration `300` has no unit", "METRON_TIMEOUT=300ms")
        );
        assert_eq!(
            message(&[], "seed: 1\nttft_deadline: 300\n"),
            refused("plan.yaml, line 2: ttft_deadline: duration `300` has no unit", "ttft_deadline: 300ms")
        );
    }
}
