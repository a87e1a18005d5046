//! `metron score FILE...`: deadline metrics of recorded token times.

use std::path::Path;
use std::sync::Arc;

use metron_metrics::Deadlines;
use metron_metrics::objective::Objective;
use metron_report::console;
use metron_results::foreign;
use metron_results::score::{FirstToken, ScoreOptions, ScoreReport, score};
use metron_runner::{Profiled, resolve};
use metron_units::Nanos;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{RecordedDeadlineFlags, ScoreFlags, TBT_DEADLINE, TTFT_DEADLINE};
use crate::speak;

/// What `--json` prints of several files.
#[derive(Serialize)]
struct Several<'a> {
    schema: &'static str,
    files: Vec<OfFile<'a>>,
}

#[derive(Serialize)]
struct OfFile<'a> {
    file: String,
    #[serde(flatten)]
    report: &'a ScoreReport,
}

/// Scores each file and prints what came out. Every file is read before anything is printed.
///
/// # Errors
/// If a file cannot be read or scored.
pub(super) fn run(flags: &ScoreFlags) -> Result<Exit, Failure> {
    let options = options(&flags.deadlines, flags.objectives.slo.clone())?;
    let scored = flags.files.iter().map(|path| of_file(path, &options).map(|report| (path.as_path(), report)));
    let scored = scored.collect::<Result<Vec<_>, _>>()?;
    if flags.json {
        print_json(&scored)?;
    } else {
        print_tables(&scored, flags)?;
    }
    let objectives = scored.iter().flat_map(|(_, report)| &report.objectives);
    Ok(Exit::first_of(objectives.filter(|objective| objective.held != Some(true)).map(|_| Exit::Missed)))
}

/// What recorded requests are held to.
///
/// # Errors
/// If there is a prefill profile that is none.
pub(super) fn options(flags: &RecordedDeadlineFlags, objectives: Vec<Objective>) -> Result<ScoreOptions, Failure> {
    let default = |text: &str| text.parse::<Nanos>().expect("the default is a duration");
    let profiled = flags.prefill_profile.as_ref().map(|path| {
        let profile = resolve::profile(path).map_err(|error| Failure::usage(&error, error.hint.clone()))?;
        let slack = flags.ttft_slack.unwrap_or_default();
        Ok(FirstToken::ByPrompt(Arc::new(Profiled { profile, slack })))
    });
    Ok(ScoreOptions {
        ttft_deadline: profiled.transpose()?.or(flags.ttft_deadline.map(FirstToken::Within)),
        tbt_deadline: flags.tbt_deadline,
        defaults: Deadlines { ttft: default(TTFT_DEADLINE), tbt: default(TBT_DEADLINE) },
        target_miss_rate: flags.target_miss_rate,
        objectives,
    })
}

fn of_file(path: &Path, options: &ScoreOptions) -> Result<ScoreReport, Failure> {
    let run = foreign::read(path).map_err(|error| Failure::usage(&error, error.hint.clone()))?;
    score(run, options).map_err(|error| Failure::usage(format_args!("`{}`: {error}", path.display()), ""))
}

fn print_json(scored: &[(&Path, ScoreReport)]) -> Result<(), Failure> {
    match scored {
        [(_, report)] => speak::json(report),
        several => {
            let files =
                several.iter().map(|(path, report)| OfFile { file: path.display().to_string(), report }).collect();
            speak::json(&Several { schema: "metron.scores/1", files })
        }
    }
}

fn print_tables(scored: &[(&Path, ScoreReport)], flags: &ScoreFlags) -> Result<(), Failure> {
    let style = speak::style_of_stdout();
    let tables = scored.iter().map(|(path, report)| {
        format!(
            "{}\n{}",
            style.strong(&speak::shown(path)),
            console::score_table(report, flags.deadlines.target_miss_rate, style)
        )
    });
    speak::result(&tables.collect::<Vec<_>>().join("\n"))
}
