//! `METRON_*` variables as settings. Lists (`METRON_SLO`, `METRON_HEADER`) hold one value a line; switches `true` or
//! `false`. Variables of other names belong to the user (an API key may live in one) and are left alone; one that looks like
//! a slip of the pen is named.

use std::ffi::OsString;

use clap::Command;

use super::{Given, is_list, is_switch, long};
use crate::failure::{Failure, Place, variable};

/// What every setting's variable begins with.
const PREFIX: &str = "METRON_";
/// How many strokes a slip of the pen changes at most.
const SLIP: usize = 2;

/// The settings among `variables`.
///
/// # Errors
/// A switch that is neither on nor off, or a list that is no text.
pub(super) fn read(
    command: &Command,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<Given>, Failure> {
    let mut settings = Vec::new();
    for (name, value) in variables {
        // An empty variable is one that was cleared.
        let flag = command.get_arguments().find(|flag| name == OsString::from(variable(&long(flag))));
        if let Some(flag) = flag.filter(|_| !value.is_empty()) {
            settings.push(setting(flag, value)?);
        }
    }
    Ok(settings)
}

/// The variables that name no setting, but nearly do: each with the one that was probably meant.
pub(super) fn slips<'a>(command: &Command, names: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let known: Vec<String> = command.get_arguments().map(|flag| variable(&long(flag))).collect();
    let slip = |name: &'a str| {
        let distance = |known: &String| strsim::damerau_levenshtein(name, known);
        let near =
            known.iter().filter(|known| (1..=SLIP).contains(&distance(known))).min_by_key(|known| distance(known));
        near.map(|near| (name, near.clone()))
    };
    let foreign = names.into_iter().filter(|name| name.starts_with(PREFIX) && !known.iter().any(|known| known == name));
    foreign.filter_map(slip).collect()
}

fn setting(flag: &clap::Arg, value: OsString) -> Result<Given, Failure> {
    let name = long(flag);
    let given = |values, on| Given { flag: name.clone(), values, on, place: Place::Environment };
    if is_switch(flag) {
        return match value.to_str() {
            Some("true" | "1" | "yes" | "on") => Ok(given(Vec::new(), true)),
            Some("false" | "0" | "no" | "off") => Ok(given(Vec::new(), false)),
            Some(_) | None => {
                let message = format!("{}: `{}` is neither true nor false", variable(&name), value.to_string_lossy());
                Err(Failure::usage(message, format!("{}=true", variable(&name))))
            }
        };
    }
    if is_list(flag) {
        let text = value.to_str().ok_or_else(|| Failure::usage(format!("{}: is no text", variable(&name)), ""))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        return Ok(given(lines.map(OsString::from).collect(), true));
    }
    Ok(given(vec![value], true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_a_slip_and_others_are_the_users() {
        let command = super::super::command_of::<crate::flags::RunFlags>();
        let names = [
            "METRON_REQESTS",
            "METRON_RATE",
            "METRON_API_KEY",
            "METRON_HEADER_COOKIE",
            "METRO_RATE",
            "METRON_TTFT_DEADLIN",
        ];
        let slips = slips(&command, names);
        let slips: Vec<(&str, &str)> = slips.iter().map(|(name, near)| (*name, near.as_str())).collect();
        assert_eq!(slips, [("METRON_REQESTS", "METRON_REQUESTS"), ("METRON_TTFT_DEADLIN", "METRON_TTFT_DEADLINE")]);
    }
}
