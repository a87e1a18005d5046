//! Texts that tell again what was told before, whole or at the end: what is new in them.

use super::Transcript;
use crate::answer::Channel;
use crate::json::Raw;

impl Transcript {
    /// The whole text so far of a choice, whose other channels are silent: what it adds to the text before. Where the server
    /// has thought better of the last characters, what follows those that still stand is new. A text that has little in common
    /// with the one before is taken to be all new.
    pub(crate) fn text_so_far(&mut self, choice: u32, channel: Channel, text: Raw<'_>) {
        let whole = text.unescaped();
        let (common, before) = match self.revised.get(&choice) {
            Some(latest) => (common_prefix(&whole, latest), latest.len()),
            None => self.in_common(choice, &whole),
        };
        // A revision touches the end of a text, and another text differs from its beginning.
        if common < before && 2 * common < before {
            return self.text(choice, channel, text);
        }
        if common < before || self.revised.contains_key(&choice) {
            self.revised.insert(choice, whole.clone().into_owned());
        }
        if common < whole.len() {
            self.answer.text.push_str(&whole[common..]);
            self.end_piece(choice, channel);
        }
    }

    /// How much of a text is the beginning of what the choice has said, and how much that is.
    fn in_common(&self, choice: u32, whole: &str) -> (usize, usize) {
        let (mut common, mut before, mut start) = (0, 0, 0);
        for piece in &self.answer.pieces {
            let end = piece.text_end as usize;
            if piece.choice == choice {
                if common == before {
                    common += common_prefix(&whole[common..], &self.answer.text[start..end]);
                }
                before += end - start;
            }
            start = end;
        }
        (common, before)
    }

    /// Text that may have been told before, piece by piece: it is new unless the channel's text ends with it.
    pub(crate) fn text_at_last(&mut self, choice: u32, channel: Channel, text: Raw<'_>) {
        let whole = text.unescaped();
        let (mut rest, mut end) = (&*whole, self.answer.text.len());
        for index in (0..self.answer.pieces.len()).rev() {
            let piece = self.answer.pieces[index];
            let start = index.checked_sub(1).map_or(0, |before| self.answer.pieces[before].text_end as usize);
            if piece.choice == choice && piece.channel == channel {
                let told = &self.answer.text[start..end];
                match rest.strip_suffix(told) {
                    Some(before) => rest = before,
                    // The text begins within this piece, or it is another one.
                    None if told.ends_with(rest) => rest = "",
                    None => break,
                }
            }
            end = start;
            if rest.is_empty() {
                return;
            }
        }
        self.text(choice, channel, text);
    }
}

/// How many bytes two texts have in common at their beginnings, whole characters only.
fn common_prefix(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a.floor_char_boundary(same)
}
