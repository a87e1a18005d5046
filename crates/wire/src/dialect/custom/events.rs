//! What the events of a custom dialect say: the values at its file's paths, found in one walk over an event's text (two where
//! some depend on another field). It builds no tree.

use super::path::{Path, Step};
use crate::answer::{Channel, Usage};
use crate::dialect::event::{Frame, length, message};
use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

/// As many paths as there are bits in a set of them.
pub(super) const PATHS: usize = 64;

/// A set of paths, or of conditions: bits by index.
type Set = u64;

/// What a value at a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Text of a channel.
    Text(Channel),
    /// All of the answer's text so far.
    TextSoFar,
    /// How many tokens the event carries: a number, or a list with one element each.
    Tokens,
    /// Prompt tokens so far.
    InputTokens,
    /// Completion tokens so far.
    OutputTokens,
    /// Their reasoning part.
    ReasoningTokens,
    /// The finish reason; `true` is one without a name.
    Finish,
    /// The request has failed, unless it is `null` or `false`.
    Error,
}

/// A path, what its value means, and when.
#[derive(Debug, Clone, PartialEq)]
struct Sought {
    path: Path,
    meaning: Meaning,
    /// The conditions that must all be met.
    when: Set,
}

/// Another field's value that decides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) path: Path,
    /// What it must be; `None`: anything but `null` and `false`.
    pub(super) equals: Option<serde_json::Value>,
}

/// All that is looked for in an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Events {
    sought: Vec<Sought>,
    conditions: Vec<Condition>,
    /// The condition under which an event is the last one.
    last: Option<usize>,
    /// Whether a value that is told may itself decide what its event means: then what one event means tells nothing of the
    /// next one like it.
    decides_by_text: bool,
}

impl Events {
    /// Looks for a value, under these conditions.
    pub(super) fn seek(&mut self, path: Path, meaning: Meaning, when: impl IntoIterator<Item = Condition>) {
        let when = when.into_iter().fold(0, |all, condition| all | bit(self.condition(condition)));
        self.decides_by_text |= self.conditions.iter().any(|condition| condition.path.meets(&path));
        self.sought.push(Sought { path, meaning, when });
    }

    /// Takes an event that meets this condition for the last one.
    pub(super) fn end_with(&mut self, condition: Condition) {
        self.decides_by_text |= self.sought.iter().any(|sought| sought.path.meets(&condition.path));
        self.last = Some(self.condition(condition));
    }

    /// Whether there are more paths or conditions than can be looked for.
    pub(super) fn is_too_much(&self) -> bool {
        self.sought.len() > PATHS || self.conditions.len() > PATHS
    }

    /// The place of a condition among the others, added unless it is there already.
    fn condition(&mut self, condition: Condition) -> usize {
        let known = self.conditions.iter().position(|known| *known == condition);
        known.unwrap_or_else(|| {
            self.conditions.push(condition);
            self.conditions.len() - 1
        })
    }

    /// Reads one event, or a whole answer.
    pub(super) fn read(&self, text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
        let met = self.met(text)?;
        let mut reader = Reader::new(text);
        let (mut frame, mut usage) = (Frame::Other, Usage::default());
        walk(&self.sought, |sought| &sought.path, &mut reader, &mut |sought, value| {
            if sought.when & !met == 0 {
                tell(sought.meaning, value, &mut frame, &mut usage, into)?;
            }
            Ok(())
        })?;
        reader.end()?;
        into.usage(usage);
        if self.decides_by_text {
            into.stands_alone();
        }
        Ok(if self.last.is_some_and(|last| met & bit(last) != 0) { Frame::Final } else { frame })
    }

    /// The conditions that an event meets.
    fn met(&self, text: &str) -> Result<Set, JsonError> {
        let mut met = 0;
        if !self.conditions.is_empty() {
            walk(&self.conditions, |condition| &condition.path, &mut Reader::new(text), &mut |condition, value| {
                if condition.holds(value) {
                    let at = self.conditions.iter().position(|known| std::ptr::eq(known, condition));
                    met |= bit(at.expect("it is one of them"));
                }
                Ok(())
            })?;
        }
        Ok(met)
    }
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        match &self.equals {
            Some(expected) => serde_json::from_str::<serde_json::Value>(value).is_ok_and(|value| value == *expected),
            None => says(value),
        }
    }
}

/// Whether a value is more than `null` or `false`.
fn says(value: &str) -> bool {
    !matches!(value, "null" | "false")
}

fn bit(at: usize) -> Set {
    // Beyond the last bit there is none: a file with so many is refused before it reads anything.
    1_u64.checked_shl(u32::try_from(at).unwrap_or(u32::MAX)).unwrap_or(0)
}

/// Tells the transcript of a value at a path.
fn tell(
    meaning: Meaning,
    value: &str,
    frame: &mut Frame,
    usage: &mut Usage,
    into: &mut Transcript,
) -> Result<(), JsonError> {
    let mut reader = Reader::new(value);
    let kind = reader.peek()?;
    match (meaning, kind) {
        (Meaning::Text(channel), Next::String) => {
            *frame = Frame::Choices;
            into.text(0, channel, reader.string()?);
        }
        (Meaning::TextSoFar, Next::String) => {
            *frame = Frame::Choices;
            into.text_so_far(0, Channel::Answer, reader.string()?);
        }
        (Meaning::Tokens, Next::Array) => into.listed(length(&mut reader)?.unwrap_or(0)),
        (Meaning::Tokens, _) => into.listed(reader.count_or_skip()?),
        (Meaning::InputTokens, _) => usage.input = reader.count_or_skip()?,
        (Meaning::OutputTokens, _) => usage.output = reader.count_or_skip()?,
        (Meaning::ReasoningTokens, _) => usage.reasoning = reader.count_or_skip()?,
        (Meaning::Finish, Next::String) => into.finish(0, reader.string()?),
        (Meaning::Finish, Next::Bool) if value == "true" => into.finish(0, Raw::plain("stop")),
        (Meaning::Error, _) if says(value) => into.error(message(value)),
        (Meaning::Text(_) | Meaning::TextSoFar | Meaning::Finish | Meaning::Error, _) => {}
    }
    Ok(())
}

/// Goes once through a value and calls `found` with what stands at the end of each path.
fn walk<'a, 'p, T>(
    sought: &'p [T],
    path: fn(&T) -> &Path,
    reader: &mut Reader<'a>,
    found: &mut dyn FnMut(&'p T, &'a str) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    debug_assert!(sought.len() <= PATHS, "the file's reader bounds them");
    let all = (0..sought.len()).fold(0, |all, at| all | bit(at));
    Walk { sought, path }.within(reader, 0, all, found)
}

struct Walk<'p, T> {
    sought: &'p [T],
    path: fn(&T) -> &Path,
}

impl<'p, T> Walk<'p, T> {
    /// Those of `active` whose step behind `taken` others fits.
    fn taking(&self, active: Set, taken: usize, fits: impl Fn(&Step) -> bool) -> Set {
        let next = |at: &usize| (self.path)(&self.sought[*at]).step(taken).is_some_and(&fits);
        indices(active).filter(next).fold(0, |all, at| all | bit(at))
    }

    /// Looks at what is within a value, to which the `active` paths have taken so many steps.
    fn within<'a>(
        &self,
        reader: &mut Reader<'a>,
        taken: usize,
        active: Set,
        found: &mut dyn FnMut(&'p T, &'a str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        match reader.peek()? {
            Next::Object => reader.object(|reader, name| {
                let next = self.taking(active, taken, |step| matches!(step, Step::Field(field) if field == name));
                self.at_value(reader, taken + 1, next, found)
            }),
            Next::Array => {
                let mut element = 0;
                reader.array(|reader| {
                    let fits = |step: &Step| matches!(step, Step::Each) || *step == Step::Element(element);
                    let next = self.taking(active, taken, fits);
                    element += 1;
                    self.at_value(reader, taken + 1, next, found)
                })
            }
            Next::String | Next::Number | Next::Bool | Next::Null => reader.skip().map(drop),
        }
    }

    /// Tells of a value at which paths end, and goes on into it for the others.
    fn at_value<'a>(
        &self,
        reader: &mut Reader<'a>,
        taken: usize,
        active: Set,
        found: &mut dyn FnMut(&'p T, &'a str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        let ends = indices(active).filter(|&at| (self.path)(&self.sought[at]).length() == taken);
        let ends = ends.fold(0, |all, at| all | bit(at));
        match (ends, active & !ends) {
            (0, 0) => reader.skip().map(drop),
            (0, further) => self.within(reader, taken, further, found),
            (ends, further) => {
                let value = reader.skip()?;
                indices(ends).try_for_each(|at| found(&self.sought[at], value))?;
                match further {
                    0 => Ok(()),
                    further => self.within(&mut Reader::new(value), taken, further, found),
                }
            }
        }
    }
}

/// The members of a set.
fn indices(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(at)
    })
}
