//! What a run leaves its caller: the summary, the folder, and the facts on which an exit code hangs. Decides no exit code.

use std::path::PathBuf;

use metron_results::Summary;
use metron_results::folder::RunFile;
use metron_results::recorder::Settled;
use metron_results::summary::Verdict;
use metron_workload::PlanDigest;

/// A run that came to its end, as planned or as asked.
#[derive(Debug)]
pub struct Finished {
    /// What it found.
    pub summary: Summary,
    /// Its folder, rows and summary written. The caller adds what it makes of them, such as the report, and then calls
    /// [`Settled::finish`]; until then the journal is still there. `None` if nothing was to be kept.
    pub folder: Option<Settled>,
    /// Whether it was asked to end before its plan did.
    pub interrupted: bool,
    /// Of the requests that were planned, with their prompts; `None` if the run ended before its plan was walked to its end, and of one in
    /// virtual time that leaves no folder.
    pub plan_digest: Option<PlanDigest>,
}

/// No request succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllFailed {
    /// The class of most of the failures.
    pub class: String,
    /// How many requests failed, in all classes.
    pub count: u64,
    /// What one of that class said. From outside: not safe for a terminal.
    pub example: String,
}

/// The objectives of a run, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objectives {
    /// None were stated, or each was held.
    Held,
    /// At least one was missed.
    Missed,
    /// None was missed, and at least one cannot be decided.
    Undecided,
}

impl Finished {
    /// Where its rows are.
    #[must_use]
    pub fn rows_path(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.path().join(RunFile::Rows.name()))
    }

    /// Whether every request failed, and why.
    #[must_use]
    pub fn all_failed(&self) -> Option<AllFailed> {
        all_failed(&self.summary)
    }

    /// Whether its objectives were held.
    #[must_use]
    pub fn objectives(&self) -> Objectives {
        objectives(&self.summary)
    }

    /// Whether this client was the bottleneck.
    #[must_use]
    pub fn client_bound(&self) -> bool {
        self.summary.instrument.as_ref().is_some_and(|instrument| instrument.verdict == Verdict::Bottleneck)
    }
}

fn all_failed(summary: &Summary) -> Option<AllFailed> {
    let requests = &summary.requests;
    if requests.completed > 0 || requests.failed == 0 {
        return None;
    }
    let (class, most) = requests.errors.iter().max_by_key(|(_, error)| error.count)?;
    Some(AllFailed { class: class.clone(), count: requests.failed, example: most.example.clone() })
}

fn objectives(summary: &Summary) -> Objectives {
    let of_classes = summary.classes.values().flat_map(|class| &class.objectives);
    let held: Vec<Option<bool>> = summary.objectives.iter().chain(of_classes).map(|objective| objective.held).collect();
    if held.contains(&Some(false)) {
        Objectives::Missed
    } else if held.contains(&None) {
        Objectives::Undecided
    } else {
        Objectives::Held
    }
}
