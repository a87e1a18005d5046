//! How long the requests of a plan are: drawn apart or together, or as a trace says.

use metron_units::Tokens;

use super::Plan;
use super::pattern::LengthSource;
use crate::dist::{Dist, Drawn, Quantity};
use crate::random::{Stream, generator};

/// The lengths of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Of its prompt.
    pub input_tokens: Tokens,
    /// Of the answer it asks for.
    pub output_tokens: Tokens,
    /// How many of the two were drawn outside 1 to 10,000,000 tokens and moved to the nearer end: 0, 1 or 2.
    pub clamped: u32,
}

impl Plan {
    /// The lengths of request `k`, where each stands alone, or of what turn `k` adds to its session if it is of no class: a
    /// function of the seed, where lengths come from, and k alone, in constant time.
    #[must_use]
    pub fn lengths(&self, k: u64) -> Lengths {
        let class = if self.pattern.sessions.is_none() { self.class_of_arrival(k) } else { None };
        self.lengths_in(class, k, [None; 2])
    }

    pub(super) fn lengths_in(&self, class: Option<usize>, k: u64, recorded: [Option<Tokens>; 2]) -> Lengths {
        let class = class.and_then(|class| self.classes.get(class));
        let [input, output] = match &self.pattern.lengths {
            LengthSource::Separate => [None, None],
            LengthSource::Together(joint) => {
                joint.sample(&mut generator(self.config.seed, Stream::BothTokens, k)).map(Some)
            }
            LengthSource::Recorded => recorded.map(|length| length.map(held)),
        };
        // What a class says of its own stands above what the plan says of all.
        let own = |dist: Option<&Dist>, stream| dist.map(|dist| self.draw(dist, stream, k));
        let input = own(class.and_then(|class| class.input_tokens.as_ref()), Stream::InputTokens).or(input);
        let output = own(class.and_then(|class| class.output_tokens.as_ref()), Stream::OutputTokens).or(output);
        let input = input.unwrap_or_else(|| self.draw(&self.config.input_tokens, Stream::InputTokens, k));
        let output = output.unwrap_or_else(|| self.draw(&self.config.output_tokens, Stream::OutputTokens, k));
        Lengths {
            input_tokens: input.value,
            output_tokens: output.value,
            clamped: u32::from(input.clamped) + u32::from(output.clamped),
        }
    }

    fn draw(&self, dist: &Dist, stream: Stream, k: u64) -> Drawn<Tokens> {
        match dist.constant() {
            Some(value) => Drawn { value, clamped: false },
            None => dist.sample(&mut generator(self.config.seed, stream, k)),
        }
    }
}

/// A recorded length, moved into the range of lengths.
fn held(tokens: Tokens) -> Drawn<Tokens> {
    let value = Tokens::new(tokens.get().clamp(Tokens::LEAST, Tokens::MOST));
    Drawn { value, clamped: value != tokens }
}
