//! JUnit XML: each objective is a test, and so is the client's own verdict. What is undecided is skipped, not passed.

use std::fmt::Write as _;

use metron_results::Summary;
use metron_results::summary::{Objective, Verdict};

use crate::figure;

/// The test report of a run.
#[must_use]
pub fn junit(summary: &Summary) -> String {
    let mut cases: Vec<Case> = summary.objectives.iter().map(of_objective).collect();
    cases.push(of_requests(summary));
    cases.extend(summary.instrument.as_ref().map(|instrument| {
        let outcome = match instrument.verdict {
            Verdict::Ok => Outcome::Passed,
            Verdict::Suspect => Outcome::Skipped(reasons(&instrument.reasons)),
            Verdict::Bottleneck => Outcome::Failed(reasons(&instrument.reasons)),
        };
        Case { name: "the client was not the bottleneck".to_owned(), outcome }
    }));
    let count = |of: fn(&Outcome) -> bool| cases.iter().filter(|case| of(&case.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let seconds = summary.run.duration_s.unwrap_or(0.0);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = safe(&summary.run.name);
    let head = format!(
        "<testsuites>\n<testsuite name=\"metron: {name}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{seconds:.3}\" timestamp=\"{}\">\n",
        cases.len(),
        safe(&summary.run.started_at)
    );
    xml.push_str(&head);
    for case in &cases {
        let name = safe(&case.name);
        let body = match &case.outcome {
            Outcome::Passed => String::new(),
            Outcome::Failed(why) => format!("<failure message=\"{}\"/>", safe(why)),
            Outcome::Skipped(why) => format!("<skipped message=\"{}\"/>", safe(why)),
        };
        writeln!(xml, "<testcase classname=\"metron\" name=\"{name}\">{body}</testcase>")
            .expect("a String takes everything");
    }
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

struct Case {
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

fn of_objective(objective: &Objective) -> Case {
    let shown = objective.value.map_or_else(|| "unknown".to_owned(), |value| figure::in_unit(value, &objective.unit));
    let outcome = match objective.held {
        Some(true) => Outcome::Passed,
        Some(false) => Outcome::Failed(format!("missed: {shown}")),
        None => Outcome::Skipped(format!("undecided: {shown}")),
    };
    Case { name: objective.expression.clone(), outcome }
}

/// A run of which every request failed is no test that passed, whatever was asked of it.
fn of_requests(summary: &Summary) -> Case {
    let requests = &summary.requests;
    let outcome = match requests.errors.iter().max_by_key(|(_, error)| error.count) {
        Some((class, error)) if requests.completed == 0 => {
            Outcome::Failed(format!("all {} failed, most with {class}: {}", requests.failed, error.example))
        }
        Some(_) | None => Outcome::Passed,
    };
    Case { name: "requests were answered".to_owned(), outcome }
}

fn reasons(reasons: &[String]) -> String {
    reasons.join("; ")
}

/// Text as an attribute's value; characters that XML has no place for are dropped.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' | '\r' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}
