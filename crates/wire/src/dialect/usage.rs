//! Usage as most APIs tell it: an object with a field for each count, of whatever names.

use super::event::if_object;
use crate::answer::Usage;
use crate::json::{JsonError, Next, Reader};

/// What the counts are called.
pub(super) struct Names {
    /// Prompt tokens; where a cache has counts of its own, those that no cache held and none will hold.
    pub(super) input: &'static str,
    /// Prompt tokens that a cache gave, and those that it took, where `input` leaves them out.
    pub(super) cached: &'static [&'static str],
    /// Tokens of the answer.
    pub(super) output: &'static str,
    /// The object that parts these, where one does: its `reasoning_tokens`, which may stand beside it, too.
    pub(super) details: Option<&'static str>,
}

impl Names {
    /// Reads an object of usage; the prompt is the sum of its parts.
    pub(super) fn read(&self, reader: &mut Reader<'_>) -> Result<Usage, JsonError> {
        let (mut usage, mut cached) = (Usage::default(), 0_u64);
        reader.object(|reader, name| {
            if name == self.input {
                usage.input = reader.count_or_skip()?;
            } else if name == self.output {
                usage.output = reader.count_or_skip()?;
            } else if self.cached.contains(&name) {
                cached = cached.saturating_add(reader.count_or_skip()?.unwrap_or(0));
            } else if name == REASONING && self.details.is_some() {
                usage.reasoning = reader.count_or_skip()?.or(usage.reasoning);
            } else if self.details == Some(name) {
                if_object(reader, |reader| {
                    reader.field(REASONING, Next::Number, |reader| {
                        usage.reasoning = reader.count_or_skip()?.or(usage.reasoning);
                        Ok(())
                    })
                })?;
            }
            Ok(())
        })?;
        usage.input = usage.input.map(|input| input.saturating_add(cached));
        Ok(usage)
    }
}

const REASONING: &str = "reasoning_tokens";
