//! How wide text will be, without a font: near enough for Helvetica and its kin, and rather too wide than too narrow.

/// The height of all text of a plot, in pixels.
pub(super) const FONT_SIZE: f64 = 12.0;

/// The width of `text` in pixels.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(ems).sum::<f64>() * FONT_SIZE
}

fn ems(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '|' | '\'' | '.' | ',' | ':' | ';' | ' ' | '!' => 0.30,
        'f' | 't' | 'r' | 'I' | '(' | ')' | '-' | '/' | '1' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.90,
        'A'..='Z' => 0.72,
        c if c.is_ascii() => 0.58,
        // Of other scripts the widest.
        _ => 1.0,
    }
}

/// `text` in lines that are no wider than `most` pixels, broken between words and behind hyphens; a longer word stays whole.
pub(super) fn wrap(text: &str, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in text.split_inclusive([' ', '-']) {
        match lines.last_mut() {
            Some(line) if width(line) + width(piece.trim_end()) <= most => line.push_str(piece),
            _ => lines.push(piece.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}
