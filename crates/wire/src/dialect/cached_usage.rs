//! Usage whose prompt is told in parts: what no cache held and none will hold, and what a cache gave or took. Anthropic counts so,
//! and Bedrock after it.

use crate::answer::Usage;
use crate::json::{JsonError, Reader};

/// What the parts are called.
pub(super) struct Names {
    /// Prompt tokens that no cache held and none will hold.
    pub(super) input: &'static str,
    /// Prompt tokens that a cache gave, and those that it took.
    pub(super) cached: [&'static str; 2],
    /// Tokens of the answer.
    pub(super) output: &'static str,
}

impl Names {
    /// Reads an object of usage; the prompt is the sum of its parts.
    pub(super) fn read(&self, reader: &mut Reader<'_>) -> Result<Usage, JsonError> {
        let (mut usage, mut cached) = (Usage::default(), 0_u64);
        reader.object(|reader, name| {
            if name == self.input {
                usage.input = reader.count_or_skip()?;
            } else if self.cached.contains(&name) {
                cached = cached.saturating_add(reader.count_or_skip()?.unwrap_or(0));
            } else if name == self.output {
                usage.output = reader.count_or_skip()?;
            } else {
                reader.skip()?;
            }
            Ok(())
        })?;
        usage.input = usage.input.map(|input| input.saturating_add(cached));
        Ok(usage)
    }
}
