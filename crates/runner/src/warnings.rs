//! What the user should know of a run that is over, found in its summary: what its answers show, and what differs from what was asked.

use metron_results::Summary;
use metron_results::event::{Measured, Warning};
use metron_results::summary::{ClockSource, LoadCheck, Quantiles};

use crate::recorder::Observed;

/// One warning for each thing.
pub(crate) fn warnings(summary: &Summary, observed: &Observed) -> Vec<Warning> {
    let mut warnings = Warning::of_answers(summary);
    let by_user = summary.instrument.as_ref().is_some_and(|instrument| instrument.clock == ClockSource::User);
    if by_user && observed.chunks > 0 {
        warnings.push(Warning::NoKernelStamps);
    }
    warnings.extend(summary.load.iter().flat_map(not_as_asked));
    warnings
}

/// From this part on, what came differs notably from what was asked.
const NOTABLE: f64 = 0.05;

fn not_as_asked(load: &LoadCheck) -> impl Iterator<Item = Warning> {
    let LoadCheck { asked, achieved, clamped, .. } = load;
    let mean = |of: &Option<Quantiles>| of.and_then(|of| of.mean);
    let means = [
        (Measured::Rate, asked.rate, achieved.rate),
        (Measured::Prompts, mean(&asked.input_tokens), mean(&achieved.input_tokens)),
        (Measured::Answers, mean(&asked.output_tokens), mean(&achieved.output_tokens)),
    ];
    let differing = means.into_iter().filter_map(|(what, asked, achieved)| {
        let (asked, achieved) = (asked?, achieved?);
        ((achieved - asked).abs() > NOTABLE * asked).then_some(Warning::NotAsAsked { what, asked, achieved })
    });
    differing.chain((*clamped > 0).then_some(Warning::Clamped { count: *clamped }))
}
