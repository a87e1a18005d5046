//! Objectives with the figure they were judged by, and failures by class with what one of them said.

use metron_results::Summary;
use metron_results::summary::Objective;

use super::section;
use crate::style::Style;
use crate::{escape, figure};

pub(super) fn objectives(objectives: &[Objective], style: Style) -> Vec<String> {
    if objectives.is_empty() {
        return Vec::new();
    }
    let lines = objectives.iter().map(|objective| one(objective, style)).collect();
    section("Objectives", lines, style)
}

/// One objective and its verdict.
pub(super) fn one(objective: &Objective, style: Style) -> String {
    let verdict = match objective.held {
        Some(true) => style.good("held     "),
        Some(false) => style.bad("missed   "),
        None => style.doubtful("undecided"),
    };
    let value = objective.value.map_or_else(|| "no figure".to_owned(), |value| figure::in_unit(value, &objective.unit));
    let counts = match (objective.met, objective.of) {
        (Some(met), Some(of)) => format!(" (met by {met} of {of})"),
        (_, _) => String::new(),
    };
    format!("{verdict}  {}: {value}{counts}", escape::terminal(&objective.expression))
}

pub(super) fn errors(summary: &Summary, style: Style) -> Vec<String> {
    let errors = &summary.requests.errors;
    if errors.is_empty() {
        return Vec::new();
    }
    let mut classes: Vec<_> = errors.iter().collect();
    classes.sort_by_key(|(_, error)| std::cmp::Reverse(error.count));
    let width = classes.iter().map(|(class, _)| class.len()).max().unwrap_or(0);
    let lines = classes
        .into_iter()
        .map(|(class, error)| {
            let class = style.bad(&format!("{:<width$}", escape::terminal(class)));
            format!("{class}  {:>6}  {}", error.count, escape::terminal(&error.example))
        })
        .collect();
    section("Errors", lines, style)
}
