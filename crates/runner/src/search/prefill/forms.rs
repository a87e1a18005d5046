//! Fitting one form to medians, each weighted so that relative errors count. Knows no choice between forms.

use super::curve::{Curve, Kind};

/// A median to fit: prompt tokens, seconds, and the samples behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Median {
    pub(super) tokens: f64,
    pub(super) seconds: f64,
    pub(super) samples: f64,
}

impl Median {
    /// The weight of a squared error, so that its root is relative.
    fn weight(&self) -> f64 {
        self.samples / (self.seconds * self.seconds)
    }
}

/// `kind` through `medians`, by rising tokens; `None` if they are too few or the curve would fall.
pub(super) fn form(kind: Kind, medians: &[Median]) -> Option<Curve> {
    let (first, last) = (medians.first()?, medians.last()?);
    let curve = match kind {
        Kind::Linear => polynomial::<2>(medians).map(Curve::Linear),
        Kind::Quadratic => polynomial::<3>(medians).map(Curve::Quadratic),
        Kind::Piecewise => (medians.len() > 1).then(|| Curve::Piecewise(isotonic(medians))),
    }?;
    curve.rises(first.tokens, last.tokens).then_some(curve)
}

/// Weighted least squares by Gaussian elimination with pivots, in tokens over the longest length so that powers stay near 1.
fn polynomial<const N: usize>(medians: &[Median]) -> Option<[f64; N]> {
    if medians.len() < N {
        return None;
    }
    let scale = medians.last()?.tokens;
    let (mut matrix, mut right) = ([[0.0; N]; N], [0.0; N]);
    for median in medians {
        let basis: [f64; N] = std::array::from_fn(|power| (median.tokens / scale).powi(power as i32));
        for i in 0..N {
            right[i] += median.weight() * basis[i] * median.seconds;
            for j in 0..N {
                matrix[i][j] += median.weight() * basis[i] * basis[j];
            }
        }
    }
    let solved = eliminate(matrix, right)?;
    Some(std::array::from_fn(|power| solved[power] / scale.powi(power as i32)))
}

fn eliminate<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        if matrix[column][column].abs() <= f64::MIN_POSITIVE {
            return None;
        }
        for row in column + 1..N {
            let factor = matrix[row][column] / matrix[column][column];
            let above = matrix[column];
            matrix[row].iter_mut().zip(above).for_each(|(own, above)| *own -= factor * above);
            right[row] -= factor * right[column];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

/// The medians made to rise by pooling neighbours that fall (pool adjacent violators).
fn isotonic(medians: &[Median]) -> Vec<(f64, f64)> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for median in medians {
        let mut block = (median.seconds, median.weight(), 1);
        while let Some((seconds, weight, length)) = blocks.pop_if(|before| before.0 > block.0) {
            let sum = weight + block.1;
            block = ((seconds * weight + block.0 * block.1) / sum, sum, length + block.2);
        }
        blocks.push(block);
    }
    let heights = blocks.iter().flat_map(|&(seconds, _, length)| std::iter::repeat_n(seconds, length));
    medians.iter().map(|median| median.tokens).zip(heights).collect()
}
