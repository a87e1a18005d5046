//! A summary as the text of `summary.json`, and back.

use super::Summary;

impl Summary {
    /// The text of `summary.json`: indented, with a line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a summary is plain values with text keys");
        text.push('\n');
        text
    }

    /// Reads the text of `summary.json`.
    ///
    /// # Errors
    /// What is wrong with it, by line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
