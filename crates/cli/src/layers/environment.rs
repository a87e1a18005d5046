//! `METRON_*` variables as settings. Lists (`METRON_SLO`, `METRON_HEADER`) hold one value a line; switches `true` or
//! `false`. Variables of other names belong to the user (an API key may live in one) and are left alone.

use std::ffi::OsString;

use clap::Command;

use super::{Given, is_list, is_switch, long};
use crate::failure::{Failure, Place, variable};

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
