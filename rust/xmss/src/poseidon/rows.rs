//! Rows of a constant matrix, laid out so that four of them at a time are multiplied with a vector of states.

use crate::field::P;
use crate::kernel::lockstep::{FOLDED, Lockstep, MODULUS};

/// Rows that are computed together: each factor is read once for all of them, and AVX2 has registers for no more.
pub(super) const ROWS: usize = 4;

/// Half of the modulus, rounded down: no centred constant or factor is larger in size.
pub(super) const HALF: i32 = MODULUS / 2;

/// One constant for each of the rows.
pub(super) type Column = [i32; ROWS];

/// Four rows of a matrix.
pub(super) struct Tile {
    /// The columns in order, cut into runs whose products add up to less than 2^63; between two runs the sums are folded.
    runs: Vec<Vec<Column>>,
    /// The largest size that a sum can have at the end.
    pub(super) bound: u64,
}

impl Tile {
    /// Cuts `columns` into runs.
    ///
    /// `bounds` are the largest sizes of the columns' factors; the sums start from `HALF` at most.
    pub(super) fn new(columns: &[Column], bounds: &[u32]) -> Self {
        let (mut runs, mut run, mut sums) = (Vec::new(), Vec::new(), [u64::from(HALF.unsigned_abs()); ROWS]);
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
        Self { runs, bound: sums.into_iter().max().unwrap_or(0) }
    }

    /// The rows' products with `factors`, added to `start`, not folded at the end.
    #[inline(always)]
    pub(super) fn multiply<S: Lockstep>(&self, s: S, start: &[i64; ROWS], factors: &[S::Factor]) -> [S::Wide; ROWS] {
        let mut sums = [s.wide(start[0]), s.wide(start[1]), s.wide(start[2]), s.wide(start[3])];
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
                for row in 0..ROWS {
                    sums[row] = s.accumulate(sums[row], factor, column[row]);
                }
            }
        }
        sums
    }
}

/// The residue of `value` that is nearest to zero.
pub(super) fn centred(value: u32) -> i32 {
    if value > P / 2 { value.cast_signed() - MODULUS } else { value.cast_signed() }
}
