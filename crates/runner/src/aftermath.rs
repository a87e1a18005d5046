//! What the user should know of a run that is over, found in its summary. Knows no figure but what it reads there.

use metron_results::Summary;
use metron_results::event::Warning;
use metron_results::summary::ClockSource;
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
    if let Some(instrument) = &summary.instrument {
        if instrument.clock == ClockSource::User && observed.chunks > 0 {
            warnings.push(Warning::NoKernelStamps);
        }
    }
    warnings.extend(Warning::bursts(summary));
    warnings
}
