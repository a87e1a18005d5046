//! What a simulated engine did over the run, on the page.

use maud::{Markup, html};

use super::charts::charts;
use crate::course::EngineCourse;
use crate::figure;

/// The section; empty without an engine that was seen at work.
pub(super) fn course(engine: Option<&EngineCourse>) -> Markup {
    let Some(engine) = engine.filter(|engine| engine.iterations > 0) else { return html! {} };
    html! {
        h2 { "The simulated engine" }
        p {
            (figure::count(engine.iterations, "iteration")) ", "
            (figure::count(engine.prefill, "prompt token")) " computed, "
            (figure::count(engine.given, "token")) " given, "
            (figure::count(engine.preemptions, "preemption")) "."
        }
        p.faint {
            "Means over the iterations of each stretch of time, weighted by how long they took; 0 where it was idle. An iteration's tokens \
             are spread over its time."
        }
        (charts(&engine.plots()))
    }
}

#[cfg(test)]
mod tests {
    use metron_results::timeline::Iteration;
    use metron_units::{Nanos, Tokens};

    use super::*;

    #[test]
    fn the_section_is_there_where_an_engine_was() {
        let mut engine = EngineCourse::default();
        assert!(course(Some(&engine)).into_string().is_empty() && course(None).into_string().is_empty());
        engine.see(&Iteration { duration: Nanos::from_millis(5), prefill: Tokens::new(7), ..Iteration::default() });
        let section = course(Some(&engine)).into_string();
        assert!(
            section.contains("1 iteration, 7 prompt tokens computed") && section.matches("<figcaption").count() == 4
        );
    }
}
