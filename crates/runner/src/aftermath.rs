//! What the user should know of a run that is over, found in its summary. Knows no figure but what it reads there.

use metron_results::Summary;
use metron_results::event::{Measured, Warning};
use metron_results::summary::{ClockSource, LoadCheck, Quantiles};
use metron_units::Share;

use crate::recorder::Observed;

/// One warning for each thing.
pub(crate) fn warnings(summary: &Summary, observed: &Observed) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let requests = &summary.requests;
    if observed.unstreamed > 0 && !summary.run.target.unstreamed {
        warnings.push(Warning::Unstreamed { count: observed.unstreamed, of: requests.completed });
    }
    if requests.unclean_end > 0 {
        warnings.push(Warning::UncleanEnd { count: requests.unclean_end });
    }
    let mismatch = summary.tokens.count_mismatch.filter(|&share| share > 0.0);
    if let Some(share) = mismatch.and_then(|share| Share::new(share).ok()) {
        warnings.push(Warning::CountMismatch { share });
    }
    let by_user = summary.instrument.as_ref().is_some_and(|instrument| instrument.clock == ClockSource::User);
    if by_user && observed.chunks > 0 {
        warnings.push(Warning::NoKernelStamps);
    }
    warnings.extend(Warning::bursts(summary));
    warnings.extend(Warning::moved(summary));
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
