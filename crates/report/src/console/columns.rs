//! Rows of cells, aligned: the first column to the left, the others to the right, and a text that runs on behind them.
//! Cells are plain text: colour would count as width.

/// Rows that share their columns.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    text: String,
}

/// Between two columns.
const GUTTER: &str = "  ";

impl Columns {
    /// One more row; rows may be of different lengths.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.push_with_text(cells, String::new());
    }

    /// One more row, with a text behind its cells that is aligned with nothing.
    pub(crate) fn push_with_text(&mut self, cells: impl IntoIterator<Item = String>, text: String) {
        self.rows.push(Row { cells: cells.into_iter().collect(), text });
    }

    /// The rows as lines, without trailing blanks.
    pub(crate) fn lines(&self) -> Vec<String> {
        let count = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(width).collect();
        self.rows.iter().map(|row| row.line(&widths)).collect()
    }
}

impl Row {
    fn line(&self, widths: &[usize]) -> String {
        let mut parts: Vec<String> = Vec::with_capacity(self.cells.len() + 1);
        for (column, (cell, &width)) in self.cells.iter().zip(widths).enumerate() {
            parts.push(if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        }
        parts.push(self.text.clone());
        parts.join(GUTTER).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lie_left_and_figures_right() {
        let mut rows = Columns::default();
        rows.push(["", "p50", "max"].map(str::to_owned));
        rows.push(["TTFT", "100.0", "9"].map(str::to_owned));
        rows.push_with_text(["a longer name", "1"].map(str::to_owned), "and a text".to_owned());
        assert_eq!(
            rows.lines(),
            ["                 p50  max", "TTFT           100.0    9", "a longer name      1  and a text"]
        );
    }
}
