//! Iteration times as a user measured them. Knows the text of the table, not where it was stored.

use std::str::FromStr;

use super::Work;

/// Measured iterations over a grid of (prefill tokens, decoding sequences), with lines drawn between them.
///
/// CSV with the header `prefill_tokens,decode_seqs,ns` and one row for each cell of the grid, in any order; empty lines and
/// lines that start with `#` are skipped. Every pair of a `prefill_tokens` and a `decode_seqs` that occur must be there, but
/// for (0, 0), an empty iteration, which nobody can measure: it is drawn from its neighbours unless given. Between the
/// grid's points the time is bilinear; outside, the last segment goes on. A grid of one column does not depend on it.
///
/// ```text
/// prefill_tokens,decode_seqs,ns
/// 0,1,6100000
/// 0,64,9800000
/// 2048,0,52000000
/// 2048,1,52400000
/// 2048,64,56000000
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    prefill: Vec<f64>,
    decode: Vec<f64>,
    /// Row by row of `prefill`.
    ns: Vec<f64>,
}

/// A text that is no table of iteration times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The first line says something else.
    #[error("the first line is `{line}`, not `{HEADER}`")]
    Header {
        /// The line.
        line: String,
    },
    /// A row that is not three whole numbers.
    #[error("line {number} is not three whole numbers: `{line}`")]
    Row {
        /// Counted from 1.
        number: usize,
        /// The line.
        line: String,
    },
    /// A cell twice.
    #[error("line {number} measures {prefill} prefill tokens with {decode} decoding sequences a second time")]
    Twice {
        /// Counted from 1.
        number: usize,
        /// Its prefill tokens.
        prefill: u64,
        /// Its decoding sequences.
        decode: u64,
    },
    /// A hole in the grid.
    #[error("the grid lacks {prefill} prefill tokens with {decode} decoding sequences")]
    Hole {
        /// Its prefill tokens.
        prefill: u64,
        /// Its decoding sequences.
        decode: u64,
    },
    /// No row at all.
    #[error("the table has no rows")]
    Empty,
}

const HEADER: &str = "prefill_tokens,decode_seqs,ns";

#[derive(Clone, Copy)]
struct Row {
    prefill: u64,
    decode: u64,
    ns: u64,
}

impl Table {
    pub(super) fn ns(&self, work: &Work) -> f64 {
        let (row, down) = place(&self.prefill, work.prefill_tokens as f64);
        let (column, along) = place(&self.decode, work.decoding as f64);
        let cell = |row: usize, column: usize| {
            // A grid of one point along an axis is flat along it.
            self.ns[row.min(self.prefill.len() - 1) * self.decode.len() + column.min(self.decode.len() - 1)]
        };
        let upper = between(cell(row, column), cell(row, column + 1), along);
        let lower = between(cell(row + 1, column), cell(row + 1, column + 1), along);
        between(upper, lower, down).max(0.0)
    }
}

fn between(from: f64, to: f64, part: f64) -> f64 {
    from + (to - from) * part
}

/// The segment of `points` that holds `x` or lies nearest to it, and how far along it `x` is.
fn place(points: &[f64], x: f64) -> (usize, f64) {
    let segment = points.partition_point(|&point| point <= x).saturating_sub(1).min(points.len().saturating_sub(2));
    match points.get(segment + 1) {
        Some(next) => (segment, (x - points[segment]) / (next - points[segment])),
        None => (segment, 0.0),
    }
}

impl FromStr for Table {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Self, TableError> {
        let mut lines =
            (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        match lines.next() {
            None => return Err(TableError::Empty),
            Some((_, line)) if line.replace(' ', "") != HEADER => {
                return Err(TableError::Header { line: line.to_owned() });
            }
            Some(_) => {}
        }
        let rows =
            lines.map(|(number, line)| row(number, line).map(|row| (number, row))).collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Err(TableError::Empty);
        }
        let axis = |of: fn(&Row) -> u64| {
            let mut points: Vec<u64> = rows.iter().map(|(_, row)| of(row)).collect();
            points.sort_unstable();
            points.dedup();
            points
        };
        let (prefill, decode) = (axis(|row| row.prefill), axis(|row| row.decode));
        let ns = fill(&rows, &prefill, &decode)?;
        let floats = |points: Vec<u64>| points.into_iter().map(|point| point as f64).collect();
        Ok(Self { prefill: floats(prefill), decode: floats(decode), ns })
    }
}

fn row(number: usize, line: &str) -> Result<Row, TableError> {
    let numbers: Option<Vec<u64>> = line.split(',').map(|field| field.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[prefill, decode, ns]) => Ok(Row { prefill, decode, ns }),
        Some(_) | None => Err(TableError::Row { number, line: line.to_owned() }),
    }
}

fn fill(rows: &[(usize, Row)], prefill: &[u64], decode: &[u64]) -> Result<Vec<f64>, TableError> {
    let mut cells: Vec<Option<f64>> = vec![None; prefill.len() * decode.len()];
    for &(number, Row { prefill: p, decode: d, ns }) in rows {
        let at = |points: &[u64], x| points.binary_search(&x).expect("the axes were made from these rows");
        let cell = &mut cells[at(prefill, p) * decode.len() + at(decode, d)];
        if cell.replace(ns as f64).is_some() {
            return Err(TableError::Twice { number, prefill: p, decode: d });
        }
    }
    let corner_is_empty_iteration = prefill[0] == 0 && decode[0] == 0 && cells[0].is_none();
    if corner_is_empty_iteration && prefill.len() > 1 && decode.len() > 1 {
        let (right, below, across) = (cells[1], cells[decode.len()], cells[decode.len() + 1]);
        cells[0] = right.zip(below).zip(across).map(|((right, below), across)| (right + below - across).max(0.0));
    }
    let hole = cells.iter().position(Option::is_none);
    match hole {
        Some(i) => Err(TableError::Hole { prefill: prefill[i / decode.len()], decode: decode[i % decode.len()] }),
        None => Ok(cells.into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: &str = "# measured on a Tuesday\nprefill_tokens,decode_seqs,ns\n0,10,1100\n0,20,1300\n\n100,0,2000\n100,10,2200\n100,20,2500\n";

    fn check(text: &str, prefill: u64, decoding: u64, ns: f64) {
        let mut work = Work::default();
        if prefill > 0 {
            work.last_chunk(prefill, 0);
        }
        (0..decoding).for_each(|_| work.decode(100));
        assert_eq!(text.parse::<Table>().unwrap().ns(&work), ns, "{prefill} prefill tokens, {decoding} decoding");
    }

    #[test]
    fn measured_cells_are_given_as_they_were_measured() {
        check(GRID, 0, 10, 1100.0);
        check(GRID, 100, 20, 2500.0);
        check(GRID, 100, 0, 2000.0);
    }

    #[test]
    fn between_cells_and_beyond_them_lines_are_drawn() {
        check(GRID, 0, 15, 1200.0);
        check(GRID, 50, 10, 1650.0);
        check(GRID, 0, 30, 1500.0);
        check(GRID, 200, 10, 3300.0);
        check(GRID, 0, 5, 1000.0);
        check("prefill_tokens,decode_seqs,ns\n0,1,7\n", 400, 3, 7.0);
    }

    #[test]
    fn a_table_with_a_fault_is_refused_by_line_and_cell() {
        let head = "prefill_tokens,decode_seqs,ns\n";
        for (text, message) in [
            (String::new(), "the table has no rows"),
            (head.to_owned(), "the table has no rows"),
            ("a,b,c\n1,2,3\n".to_owned(), "the first line is `a,b,c`, not `prefill_tokens,decode_seqs,ns`"),
            (format!("{head}1,2\n"), "line 2 is not three whole numbers: `1,2`"),
            (format!("{head}1,2,-3\n"), "line 2 is not three whole numbers: `1,2,-3`"),
            (
                format!("{head}0,1,5\n0,1,6\n"),
                "line 3 measures 0 prefill tokens with 1 decoding sequences a second time",
            ),
            (format!("{head}0,1,5\n0,2,6\n9,1,7\n"), "the grid lacks 9 prefill tokens with 2 decoding sequences"),
            (format!("{head}0,1,5\n9,0,6\n"), "the grid lacks 0 prefill tokens with 0 decoding sequences"),
        ] {
            assert_eq!(text.parse::<Table>().unwrap_err().to_string(), message);
        }
    }
}
