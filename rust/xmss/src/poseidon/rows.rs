//! Rows of a constant matrix, laid out so that a few of them at a time are multiplied with a vector of states.

use crate::field::P;
use crate::kernel::lockstep::{FOLDED, Lockstep, MODULUS};

/// Half of the modulus, rounded down: no centred constant or factor is larger in size.
pub(super) const HALF: i32 = MODULUS / 2;

/// `R` rows of a matrix, with one constant each in a column.
///
/// They are computed together because a factor is then read once for all of them; AVX2 has registers for four.
pub(super) struct Tile<const R: usize> {
    /// The columns in order, cut into runs whose products add up to less than 2^63; between two runs the sums are folded.
    runs: Vec<Vec<[i32; R]>>,
    /// Whether the sums are folded at the end too.
    fold: bool,
}

impl<const R: usize> Tile<R> {
    /// Cuts `columns` into runs.
    ///
    /// `bounds` are the largest sizes of the columns' factors, `limit` is that of the sums at the end; they start from `HALF` at most.
    pub(super) fn new(columns: &[[i32; R]], bounds: &[u32], limit: u64) -> Self {
        let (mut runs, mut run, mut sums) = (Vec::new(), Vec::new(), [u64::from(HALF.unsigned_abs()); R]);
        for (column, &bound) in columns.iter().zip(bounds) {
            let mut grown = sums;
            for (sum, constant) in grown.iter_mut().zip(column) {
                *sum += u64::from(constant.unsigned_abs()) * u64::from(bound);
            }
            if grown.iter().any(|&sum| sum > i64::MAX.unsigned_abs()) {
                runs.push(std::mem::take(&mut run));
                for (grown, sum) in grown.iter_mut().zip(sums) {
                    *grown = *grown - sum + FOLDED;
                }
            }
            run.push(*column);
            sums = grown;
        }
        runs.push(run);
        Self {
            runs,
            fold: sums.into_iter().any(|sum| sum > limit),
        }
    }

    /// The rows' products with `factors`, added to `start`: modulo P, and at most the limit in size.
    #[inline(always)]
    pub(super) fn multiply<S: Lockstep>(&self, s: S, start: &[i64; R], factors: &[S::Factor]) -> [S::Wide; R] {
        let mut sums = [s.wide(0); R];
        for row in 0..R {
            sums[row] = s.wide(start[row]);
        }
        let mut rest = factors;
        for (number, run) in self.runs.iter().enumerate() {
            if number > 0 {
                for sum in &mut sums {
                    *sum = s.fold(*sum);
                }
            }
            let (these, after) = rest.split_at(run.len());
            rest = after;
            for (column, &factor) in run.iter().zip(these) {
                for row in 0..R {
                    sums[row] = s.accumulate(sums[row], factor, column[row]);
                }
            }
        }
        if self.fold {
            for sum in &mut sums {
                *sum = s.fold(*sum);
            }
        }
        sums
    }
}

/// The residue of `value` that is nearest to zero.
pub(super) fn centred(value: u32) -> i32 {
    if value > P / 2 {
        value.cast_signed() - MODULUS
    } else {
        value.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::{HALF, Tile, centred};
    use crate::field::P;
    use crate::kernel::portable::Scalar;

    #[test]
    fn sums_of_the_largest_products_neither_overflow_nor_exceed_their_limit() {
        let columns = [[HALF, -HALF, 1]; 40];
        for limit in [1 << 57, 1 << 62, i64::MAX.unsigned_abs()] {
            let tile = Tile::new(&columns, &[HALF.unsigned_abs(); 40], limit);
            for factor in [HALF, -HALF] {
                let start = [i64::from(HALF), -i64::from(HALF), 0];
                let sums = tile.multiply(Scalar, &start, &[i64::from(factor); 40]);
                for (row, sum) in sums.into_iter().enumerate() {
                    let exact = i128::from(start[row]) + 40 * i128::from(columns[0][row]) * i128::from(factor);
                    assert!(sum.unsigned_abs() <= limit);
                    assert_eq!((exact - i128::from(sum)) % i128::from(P), 0);
                }
            }
        }
    }

    #[test]
    fn the_nearest_residue_is_at_most_half_of_the_modulus_in_size() {
        for value in [0, 1, P / 2, P / 2 + 1, P - 1] {
            let near = centred(value);
            assert!(near.unsigned_abs() <= HALF.unsigned_abs());
            assert_eq!(i64::from(near).rem_euclid(i64::from(P)), i64::from(value));
        }
    }
}
