//! How many tokens the server adds to every prompt, by its chat template or its own first token: found by a few tiny requests
//! whose lengths are known. They are in no figure. Knows no plan.

use std::sync::Arc;

use metron_units::Tokens;
use metron_wire::{Answer, Client, Clock, Dialect, End, RequestShape, Target};
use metron_workload::Prompts;
use metron_workload::trace::Shared;

use crate::script::as_ids;

/// Lengths of the prompts that are sent.
const LENGTHS: [u64; 3] = [8, 21, 40];
/// Their ids, which no plan reaches: they share no beginning with its prompts.
const FIRST_ID: u64 = (1 << 40) - 8;

/// What the server adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// So many tokens to each prompt.
    Adds(u64),
    /// It does not say how many tokens a prompt had, or did not answer.
    Unsaid,
    /// What it says fits no fixed number: it counts by another tokenizer.
    Unsteady,
}

/// Asks a few times for one token. Within a runtime that has I/O and time enabled.
pub async fn template(target: Arc<Target>, model: &str, prompts: &Prompts) -> Template {
    let client = Client::new(Arc::clone(&target), Clock::start());
    let mut added = Vec::new();
    for (id, length) in (FIRST_ID..).zip(LENGTHS) {
        let Some(body) = body(target.endpoint().dialect(), model, prompts, id, Tokens::new(length)) else {
            return Template::Unsaid;
        };
        let mut answer = Answer::default();
        client.send(&target.prepare(body), &mut answer).await;
        match (answer.end, answer.usage.input) {
            (End::Complete, Some(counted)) if counted > 0 => added.push(counted.checked_sub(length)),
            _ => return Template::Unsaid,
        }
    }
    steady(&added)
}

/// A body whose prompt goes as the run's do: servers that begin a text with a token of their own leave ids as they are.
fn body(dialect: Dialect, model: &str, prompts: &Prompts, id: u64, length: Tokens) -> Option<Vec<u8>> {
    if prompts.are_ids() {
        let ids = as_ids(dialect, &prompts.ids(&Shared::Nothing, id, length));
        return Some(dialect.body(&RequestShape { extra: Some(&ids), ..RequestShape::text(model, "", 1) }));
    }
    let prompt = prompts.text(id, length).ok()?;
    Some(dialect.body(&RequestShape::text(model, &prompt, 1)))
}

fn steady(added: &[Option<u64>]) -> Template {
    match added {
        [Some(first), rest @ ..] if rest.iter().all(|more| *more == Some(*first)) => Template::Adds(*first),
        _ => Template::Unsteady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_number_for_all_is_a_template() {
        assert_eq!(steady(&[Some(11), Some(11), Some(11)]), Template::Adds(11));
        assert_eq!(steady(&[Some(0), Some(0), Some(0)]), Template::Adds(0));
        assert_eq!(steady(&[Some(11), Some(12), Some(11)]), Template::Unsteady);
        assert_eq!(steady(&[None, None, None]), Template::Unsteady);
    }
}
