//! What the program says when it cannot go on: one message, a way out that can be typed, and the exit code it leads to.

use std::error::Error;
use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use metron_metrics::comparison::BoundError;
use metron_metrics::objective::ObjectiveError;
use metron_report::escape;
use metron_results::folder::InvalidName;
pub(crate) use metron_runner::chain;
use metron_sim::spec::SpecError;
use metron_units::ParseError;

use crate::exit::Exit;

/// The end of the program with something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the caller gets.
    pub(crate) exit: Exit,
    /// What is wrong, and where.
    pub(crate) message: String,
    /// What to do; empty if nobody knows.
    pub(crate) hint: String,
}

impl Failure {
    /// The user's input is wrong.
    pub(crate) fn usage(message: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, &message.to_string(), hint.into())
    }

    /// Something outside did not let us run.
    pub(crate) fn could_not_run(message: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::new(Exit::CouldNotRun, &message.to_string(), hint.into())
    }

    /// The user ended it before there was anything to keep.
    pub(crate) fn interrupted(message: impl fmt::Display) -> Self {
        Self::new(Exit::Interrupted, &message.to_string(), String::new())
    }

    /// Some errors carry their hint in their text, on a line of its own.
    fn new(exit: Exit, text: &str, hint: String) -> Self {
        match text.split_once("\n  hint: ") {
            Some((message, own)) if hint.is_empty() => Self { exit, message: message.to_owned(), hint: own.to_owned() },
            Some((message, _)) => Self { exit, message: message.to_owned(), hint },
            None => Self { exit, message: text.to_owned(), hint },
        }
    }
}

/// `error: ...` and, on a line of its own, `  hint: ...`. Safe for a terminal.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", escape::terminal(&self.message))?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n  hint: {}", escape::terminal(&self.hint)) }
    }
}

/// How a setting is written where it came from, so that a hint can be typed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the command line.
    CommandLine,
    /// In the environment.
    Environment,
    /// In a configuration file.
    File { path: String, line: u64 },
}

impl Place {
    /// The place and the setting's name there: `plan.yaml, line 3: ttft_deadline`.
    pub(crate) fn name(&self, flag: &str) -> String {
        match self {
            Self::CommandLine => format!("--{flag}"),
            Self::Environment => variable(flag),
            Self::File { path, line } => format!("{path}, line {line}: {}", key(flag)),
        }
    }

    /// The setting with a value, as it would be typed there.
    fn setting(&self, flag: &str, value: &str) -> String {
        match self {
            Self::CommandLine => format!("--{flag} {value}"),
            Self::Environment => format!("{}={value}", variable(flag)),
            Self::File { .. } => format!("{}: {value}", key(flag)),
        }
    }
}

/// The environment's name of a flag.
pub(crate) fn variable(flag: &str) -> String {
    format!("METRON_{}", flag.to_uppercase().replace('-', "_"))
}

/// A file's name of a flag.
pub(crate) fn key(flag: &str) -> String {
    flag.replace('-', "_")
}

/// The parser's refusal in our words. Help and version are no failures: the caller prints them.
pub(crate) fn of_clap(error: &clap::Error, place: &Place) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let flag = flag_of(&argument);
    let named = flag.map_or_else(|| argument.trim_matches(['<', '>', '[', ']']).to_owned(), |flag| place.name(flag));
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let hint = match context(ContextKind::SuggestedArg) {
                near if near.is_empty() => "metron --help".to_owned(),
                near => near,
            };
            Failure::usage(format!("unknown argument `{argument}`"), hint)
        }
        ErrorKind::InvalidSubcommand => {
            let typed = context(ContextKind::InvalidSubcommand);
            // Several may be near; clap names the least likely first.
            let hint = match nearest(&typed, context(ContextKind::SuggestedSubcommand).split(", ")) {
                Some(near) => format!("metron {near}"),
                None => "metron --help".to_owned(),
            };
            Failure::usage(format!("unknown command `{typed}`"), hint)
        }
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue).is_empty() => {
            Failure::usage(format!("{named} has no value"), format!("give one: {argument}"))
        }
        ErrorKind::InvalidValue => {
            let value = context(ContextKind::InvalidValue);
            let known = context(ContextKind::ValidValue);
            let near = nearest(&value, known.split(", "));
            let hint = near.map(|near| flag.map_or_else(|| near.to_owned(), |flag| place.setting(flag, near)));
            Failure::usage(format!("{named}: `{value}` is none of {known}"), hint.unwrap_or_default())
        }
        ErrorKind::ValueValidation => {
            let hint = |guess: String| flag.map_or_else(|| guess.clone(), |flag| place.setting(flag, &quoted(&guess)));
            refused_value(error, &named, &context(ContextKind::InvalidValue), hint)
        }
        ErrorKind::MissingRequiredArgument => Failure::usage(format!("missing {argument}"), "metron --help"),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Failure::usage(first, "metron --help")
        }
    }
}

/// The flag's name in clap's `--flag <VALUE>`; `None` for an argument that has its place and no name.
fn flag_of(argument: &str) -> Option<&str> {
    argument.strip_prefix("--").and_then(|rest| rest.split([' ', '=']).next())
}

/// A value that its type refused: the type knows why, and often what was meant.
fn refused_value(error: &clap::Error, named: &str, value: &str, hint: impl Fn(String) -> String) -> Failure {
    let Some(cause) = error.source() else {
        return Failure::usage(format!("{named}: `{value}` does not fit"), "");
    };
    let message = chain(cause);
    let message = if message.contains(value) { message } else { format!("`{value}`: {message}") };
    Failure::usage(format!("{named}: {message}"), meant(cause).map(hint).unwrap_or_default())
}

/// The value that was most likely meant, if the type that refused it has a guess.
fn meant(cause: &(dyn Error + 'static)) -> Option<String> {
    let quantity = cause.downcast_ref::<ParseError>().map(|refused| refused.hint.clone());
    let name = cause.downcast_ref::<InvalidName>().map(|refused| refused.hint.trim_start_matches("--name ").to_owned());
    let engine = cause.downcast_ref::<SpecError>().and_then(SpecError::hint);
    let objective = cause.downcast_ref::<ObjectiveError>().map(|refused| refused.hint.clone());
    let bound = cause.downcast_ref::<BoundError>().map(|refused| refused.hint.clone());
    quantity.or(name).or(engine).or(objective).or(bound).filter(|guess| !guess.is_empty())
}

/// As a shell takes it.
fn quoted(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:/%,+@=".contains(&b);
    if value.bytes().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

/// The known word that is most like the one that was typed, if any is.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (word, strsim::jaro_winkler(typed, word)))
        .filter(|(_, likeness)| *likeness > 0.8)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_typed_cannot_drive_the_terminal() {
        let failure = Failure::usage("name `\x1b[2J` is wrong", "--name run\n1");
        assert_eq!(failure.to_string(), "error: name `\\x1b[2J` is wrong\n  hint: --name run\\n1");
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("concurency", ["rate", "concurrency"]), Some("concurrency"));
        assert_eq!(nearest("zzz", ["rate", "concurrency"]), None);
    }
}
