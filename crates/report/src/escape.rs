//! The one way by which text from outside reaches a terminal: error bodies, model names, headers, file names.
//!
//! What could move the cursor, write to the clipboard, forge a link, reverse the reading order or hide itself is shown as
//! a visible escape (`\x1b`, `\n`, `\u{202e}`). HTML has an escaper of its own (maud's); this one knows terminals only.

use std::fmt::Write as _;

/// As many characters of one text from outside as a person is shown (RELIABILITY: error texts are capped).
pub const LONGEST: usize = 500;

/// `text` without any byte that a terminal would act on, on one line, at most [`LONGEST`] characters of it.
///
/// ```
/// assert_eq!(metron_report::escape::terminal("\x1b[31mred\nnext"), r"\x1b[31mred\nnext");
/// ```
#[must_use]
pub fn terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(LONGEST));
    let mut rest = text.chars();
    for c in rest.by_ref().take(LONGEST) {
        push(&mut safe, c);
    }
    let left = rest.count();
    if left > 0 {
        write!(safe, "... ({left} more characters)").expect("a String takes everything");
    }
    safe
}

fn push(safe: &mut String, c: char) {
    match c {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        c if c.is_control() && (c as u32) < 0x80 => {
            write!(safe, "\\x{:02x}", c as u32).expect("a String takes everything")
        }
        c if c.is_control() || is_unseen(c) => {
            write!(safe, "\\u{{{:x}}}", c as u32).expect("a String takes everything");
        }
        c => safe.push(c),
    }
}

/// Characters that change how others are read, or that nobody sees: marks of direction, separators that break lines,
/// joiners, annotations, tags. (Unicode's format characters, as far as a terminal or a reader could be fooled by them.)
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, safe: &str) {
        assert_eq!(terminal(text), safe, "{text:?}");
    }

    #[test]
    fn nothing_that_a_terminal_acts_on_passes() {
        check("\x1b[2J", r"\x1b[2J");
        check("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07");
        check("\x1b]8;;http://x\x1b\\link", r"\x1b]8;;http://x\x1b\link");
        check("\u{9b}31m", r"\u{9b}31m");
        check("a\0b\x7fc", r"a\x00b\x7fc");
        check("\u{202e}gpj.exe", r"\u{202e}gpj.exe");
        check("\u{2066}x\u{2069}", r"\u{2066}x\u{2069}");
        check("line\u{2028}line", r"line\u{2028}line");
    }

    #[test]
    fn no_control_character_at_all_passes() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| c.is_control() || is_unseen(*c)) {
            let safe = terminal(&c.to_string());
            assert!(safe.is_ascii() && safe.starts_with('\\') && !safe.bytes().any(|b| b < 0x20), "{safe:?}");
        }
    }

    #[test]
    fn a_line_end_is_seen_and_breaks_nothing() {
        check("first\r\nsecond\tthird", r"first\r\nsecond\tthird");
    }

    #[test]
    fn plain_text_of_any_script_is_left_as_it_is() {
        check("{\"error\": \"Größe 日本語 🦀\"}", "{\"error\": \"Größe 日本語 🦀\"}");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        check(&"x".repeat(LONGEST), &"x".repeat(LONGEST));
        let cut = terminal(&"é".repeat(LONGEST + 3));
        assert!(cut.starts_with(&"é".repeat(LONGEST)) && cut.ends_with("... (3 more characters)"), "{cut}");
    }
}
