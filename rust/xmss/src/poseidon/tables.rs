//! The permutations' constants, derived from Plonky3's round constants and mixing matrix.

use std::collections::VecDeque;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField32};
use p3_koala_bear::{KOALABEAR_POSEIDON1_RC_16, KOALABEAR_POSEIDON1_RC_24, KoalaBear, MdsMatrixKoalaBear};
use p3_symmetric::Permutation;

use super::rows::{HALF, Tile, centred};
use crate::field::P;
use crate::kernel::lockstep::{MODULUS, REDUCIBLE};

/// Full rounds before the partial ones, and after them.
pub(super) const HALF_FULL_ROUNDS: usize = 4;

/// The size that the output of `cube_less_input` stays below, for an input below 0.52 P:
/// the square is between -P/2 and 0.64 P, the product below 0.34 P^2, and its reduction below P/2 + 0.17 P.
const CHANGE: u32 = (P as u64 * 67 / 100) as u32;

/// The size of a cube less `HALF`.
pub(super) const FACTOR: u32 = HALF.unsigned_abs();

/// What one permutation needs; see the module `kernel` for how the rounds are computed, `R` rows at once.
pub(super) struct Tables<const R: usize> {
    /// Round 1's constants, less P.
    pub(super) first: Vec<i32>,
    /// The matrix of each of the first full rounds but the last one, in its parts, with the next round's constants.
    pub(super) opening: Vec<Vec<Layer<R>>>,
    /// The partial rounds, `R` at a time.
    pub(super) partial: Vec<Group<R>>,
    /// From the fourth round's cubes and the partial rounds' changes to the fifth full round's input.
    pub(super) middle: Layer<R>,
    /// The matrices of the last full rounds.
    pub(super) closing: Vec<Vec<Layer<R>>>,
}

/// A matrix and a vector that is added to its products.
pub(super) struct Layer<const R: usize> {
    /// The matrix.
    pub(super) rows: Vec<Tile<R>>,
    /// The vector, times 2^32.
    pub(super) starts: Vec<[i64; R]>,
}

/// The inputs of the S-boxes of up to `R` partial rounds, as rows over what is known before the first of them.
pub(super) struct Group<const R: usize> {
    /// Rounds.
    pub(super) rounds: usize,
    /// The rows.
    pub(super) rows: Tile<R>,
    /// What the sums start from.
    pub(super) start: [i64; R],
    /// `corner[i][j]`: what the change by round i of the group weighs in the input of its round j > i.
    pub(super) corner: [[i32; R]; R],
}

/// The tables of width 16.
///
/// The matrix' entries are small. They stay so if neither the 2^32 of a reduction nor the halves of two splits come in; sums are never folded then.
pub(super) fn width16() -> Tables<4> {
    derive(&KOALABEAR_POSEIDON1_RC_16, KoalaBear::from_u32(4) / radix())
}

/// The tables of width 24.
pub(super) fn width24() -> Tables<3> {
    derive(&KOALABEAR_POSEIDON1_RC_24, KoalaBear::ONE)
}

/// The rounds' constants give the number of rounds.
///
/// The full rounds' matrix is multiplied by `scale`. A scaled input makes the cubes scaled too, by a known factor, so that all of it
/// goes into the constants: those of the middle layer join the factor of the first rounds to the one with which the last rounds end at 1.
fn derive<const W: usize, const R: usize>(constants: &[[KoalaBear; W]], scale: KoalaBear) -> Tables<R>
where
    MdsMatrixKoalaBear: Permutation<[KoalaBear; W]>,
{
    let matrix = Circulant::mixing();
    let (opening, rest) = constants.split_at(HALF_FULL_ROUNDS);
    let (partial, closing) = rest.split_at(rest.len() - HALF_FULL_ROUNDS);
    let scaled = matrix.0.map(|entry| entry * scale);
    let full = |constants: &[KoalaBear; W], factor| parts(&scaled, &constants.map(|constant| constant * factor));

    let mut before = KoalaBear::ONE;
    let mut opening_layers = Vec::new();
    for round in &opening[1..] {
        before = scale * before.cube();
        opening_layers.push(full(round, before));
    }
    let mut after = KoalaBear::ONE;
    let mut closing_layers = VecDeque::from([full(&[KoalaBear::ZERO; W], after)]);
    for round in closing[1..].iter().rev() {
        after = cube_root(after / scale);
        closing_layers.push_front(full(round, after));
    }
    let (inputs, outputs) = partial_rounds(&matrix, partial, &closing[0], before.cube().inverse(), cube_root(after / scale));
    let bounds: Vec<u32> = [vec![FACTOR; W], vec![CHANGE; partial.len()]].concat();
    Tables {
        first: opening[0]
            .map(|constant| (constant * radix()).as_canonical_u32().cast_signed() - MODULUS)
            .to_vec(),
        opening: opening_layers,
        partial: groups(&inputs, &bounds, W),
        middle: Layer::new(&outputs, &bounds),
        closing: closing_layers.into(),
    }
}

/// A circulant matrix, by its first column, and what is added to its products, in the parts that `full_round` makes:
/// one cyclic part of size `R`, then the negacyclic ones of sizes `R`, `2 R`, ... Each is halved as often as it is put together.
fn parts<const R: usize>(column: &[KoalaBear], constants: &[KoalaBear]) -> Vec<Layer<R>> {
    let (mut cyclic, mut added) = (column.to_vec(), constants.to_vec());
    let layer = |rows: Vec<Row>| Layer::new(&rows, &vec![FACTOR; rows.len()]);
    let mut parts = VecDeque::new();
    while cyclic.len() > R {
        let (sums, differences) = halves(&cyclic);
        let (added_sums, added_differences) = halves(&added);
        parts.push_front(layer(wrapped(&differences, &added_differences, KoalaBear::NEG_ONE)));
        (cyclic, added) = (sums, added_sums);
    }
    parts.push_front(layer(wrapped(&cyclic, &added, KoalaBear::ONE)));
    parts.into()
}

/// Half the sums, and half the differences, of the elements half the length apart.
pub(super) fn halves(elements: &[KoalaBear]) -> (Vec<KoalaBear>, Vec<KoalaBear>) {
    let (left, right) = elements.split_at(elements.len() / 2);
    left.iter()
        .zip(right)
        .map(|(&left, &right)| ((left + right).halve(), (left - right).halve()))
        .unzip()
}

/// Multiplication modulo x^n - `sign` by the polynomial with these coefficients.
pub(super) fn wrapped(coefficients: &[KoalaBear], constants: &[KoalaBear], sign: KoalaBear) -> Vec<Row> {
    let size = coefficients.len();
    let entry = |row: usize, column: usize| {
        if row >= column {
            coefficients[row - column]
        } else {
            sign * coefficients[row + size - column]
        }
    };
    let row = |row| Row {
        weights: (0..size).map(|column| entry(row, column)).collect(),
        constant: constants[row],
        halved: size,
    };
    (0..size).map(row).collect()
}

/// The partial rounds as linear functions of the cubes before them and of the changes by their own S-boxes.
///
/// Each round is x -> M(x + change * e0) + constants, so that after r of them only powers of M stand before the cubes and the changes.
/// Returns the rows of the rounds' S-box inputs (round r knows r changes) and those of the next full round's input.
/// The cubes are worth `cubes` each, and the input is scaled by `scale`.
pub(super) fn partial_rounds<const W: usize>(
    matrix: &Circulant<W>,
    constants: &[[KoalaBear; W]],
    next: &[KoalaBear; W],
    cubes: KoalaBear,
    scale: KoalaBear,
) -> (Vec<Row>, Vec<Row>) {
    let mut powers = vec![Circulant::identity()];
    for exponent in 0..=constants.len() {
        powers.push(Circulant(matrix.apply(&powers[exponent].0)));
    }
    let row = |round: usize, element: usize, constant| Row {
        weights: (0..W)
            .map(|column| powers[round + 1].entry(element, column) * cubes)
            .chain((0..round).map(|change| powers[round - change].entry(element, 0)))
            .collect(),
        constant,
        halved: W,
    };
    let mut inputs = Vec::new();
    let mut sum = [KoalaBear::ZERO; W];
    for (round, added) in constants.iter().enumerate() {
        let mixed = if round == 0 { sum } else { matrix.apply(&sum) };
        sum = std::array::from_fn(|i| mixed[i] + added[i]);
        inputs.push(row(round, 0, sum[0]));
    }
    let mixed = matrix.apply(&sum);
    let outputs = (0..W).map(|element| row(constants.len(), element, mixed[element] + next[element]).scaled(scale));
    (inputs, outputs.collect())
}

/// Cuts the rounds' inputs into groups.
fn groups<const R: usize>(inputs: &[Row], bounds: &[u32], width: usize) -> Vec<Group<R>> {
    let limit = i64::MAX.unsigned_abs() - R as u64 * u64::from(FACTOR) * u64::from(CHANGE);
    let cut = inputs.chunks(R).enumerate().map(|(number, rows)| {
        let known = width + number * R;
        let mut corner = [[0; R]; R];
        for (column, weights) in corner.iter_mut().enumerate() {
            for (weight, row) in weights.iter_mut().zip(rows) {
                *weight = row.weights.get(known + column).map_or(0, |&weight| constant(weight));
            }
        }
        let (rows_known, start) = tile(rows, &bounds[..known], limit);
        Group {
            rounds: rows.len(),
            rows: rows_known,
            start,
            corner,
        }
    });
    cut.collect()
}

impl<const R: usize> Layer<R> {
    fn new(rows: &[Row], bounds: &[u32]) -> Self {
        let (rows, starts) = rows.chunks(R).map(|rows| tile(rows, bounds, REDUCIBLE)).unzip();
        Self { rows, starts }
    }
}

/// One element as a linear function: the weights of what is known, and a constant.
pub(super) struct Row {
    pub(super) weights: Vec<KoalaBear>,
    constant: KoalaBear,
    /// Of how many factors, the first ones, `HALF` was subtracted.
    halved: usize,
}

impl Row {
    fn scaled(self, scale: KoalaBear) -> Self {
        Self {
            weights: self.weights.iter().map(|&weight| weight * scale).collect(),
            constant: self.constant * scale,
            ..self
        }
    }

    pub(super) fn start(&self) -> i32 {
        let subtracted = self.weights[..self.halved].iter().copied().sum::<KoalaBear>() * KoalaBear::from_i32(HALF);
        constant(self.constant * radix() + subtracted)
    }
}

/// Up to `R` rows over the factors that have these bounds, and what their sums start from.
fn tile<const R: usize>(rows: &[Row], bounds: &[u32], limit: u64) -> (Tile<R>, [i64; R]) {
    let column = |number: usize| std::array::from_fn(|row| rows.get(row).map_or(0, |row| constant(row.weights[number])));
    let columns: Vec<[i32; R]> = (0..bounds.len()).map(column).collect();
    (
        Tile::new(&columns, bounds, limit),
        std::array::from_fn(|row| rows.get(row).map_or(0, |row| row.start().into())),
    )
}

/// A circulant matrix, by its first column: element i of its product with x is the sum of column[i - j] * x[j].
pub(super) struct Circulant<const W: usize>(pub(super) [KoalaBear; W]);

impl<const W: usize> Circulant<W> {
    /// The permutation's own matrix.
    pub(super) fn mixing() -> Self
    where
        MdsMatrixKoalaBear: Permutation<[KoalaBear; W]>,
    {
        Self(MdsMatrixKoalaBear::default().permute(Self::identity().0))
    }

    fn identity() -> Self {
        Self(std::array::from_fn(|i| if i == 0 { KoalaBear::ONE } else { KoalaBear::ZERO }))
    }

    fn entry(&self, row: usize, column: usize) -> KoalaBear {
        self.0[(row + W - column) % W]
    }

    fn apply(&self, vector: &[KoalaBear; W]) -> [KoalaBear; W] {
        std::array::from_fn(|row| (0..W).map(|column| self.entry(row, column) * vector[column]).sum())
    }
}

/// A weight as a constant of a sum: times 2^32, which `reduce` takes away again, and nearest to zero.
pub(super) fn constant(weight: KoalaBear) -> i32 {
    centred((weight * radix()).as_canonical_u32())
}

/// 2^32 modulo P.
fn radix() -> KoalaBear {
    KoalaBear::from_u64(1 << 32)
}

/// The element whose cube this is: 3 does not divide P - 1, so that there is one.
fn cube_root(element: KoalaBear) -> KoalaBear {
    // 3 * (2 * (P - 1) + 1) / 3 = 2 * (P - 1) + 1, since P - 1 is 1 modulo 3.
    element.exp_u64((2 * (u64::from(P) - 1) + 1) / 3)
}
