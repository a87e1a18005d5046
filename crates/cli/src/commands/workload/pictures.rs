//! Counts drawn as text: a line of columns over time, bars by length. Knows no trace.

/// Columns of a line.
const COLUMNS: usize = 64;
/// Characters of the longest bar.
const LONGEST: usize = 40;
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One column for each stretch of counts, neighbours put together where there are too many. Some is never shown as none.
pub(super) fn line(counts: &[u64]) -> String {
    let width = counts.len().div_ceil(COLUMNS).max(1);
    let sums: Vec<u64> = counts.chunks(width).map(|stretch| stretch.iter().sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    sums.iter().map(|&sum| LEVELS[usize::try_from((sum * 8).div_ceil(most)).unwrap_or(8).min(8)]).collect()
}

/// A bar as long as its part of `most`. Some is never shown as none.
pub(super) fn bar(count: u64, most: u64) -> String {
    let length = (u128::from(count) * LONGEST as u128).div_ceil(u128::from(most.max(1)));
    "█".repeat(usize::try_from(length).unwrap_or(LONGEST).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_column_is_full_and_some_is_never_none() {
        assert_eq!(line(&[0, 1, 500, 1000]), " ▁▄█");
        assert_eq!(line(&[]), "");
        let long = line(&vec![1; 512]);
        assert_eq!((long.chars().count(), long.chars().next()), (COLUMNS, Some('█')));
    }

    #[test]
    fn the_longest_bar_has_its_length_and_some_is_never_none() {
        let length = |count, most| bar(count, most).chars().count();
        assert_eq!([length(0, 9), length(1, 1_000_000), length(9, 9), length(0, 0)], [0, 1, LONGEST, 0]);
    }
}
