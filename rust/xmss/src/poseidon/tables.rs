//! The permutations' constants, derived from Plonky3's round constants and mixing matrix.

use std::collections::VecDeque;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField32};
use p3_koala_bear::{KOALABEAR_POSEIDON1_RC_16, KOALABEAR_POSEIDON1_RC_24, KoalaBear, MdsMatrixKoalaBear};
use p3_symmetric::Permutation;

use super::rows::{Column, HALF, ROWS, Tile, centred};
use crate::field::P;
use crate::kernel::lockstep::{MODULUS, REDUCIBLE};

/// Full rounds before the partial ones, and after them.
const HALF_FULL_ROUNDS: usize = 4;

/// The size that the output of `cube_less_input` stays below, for an input below 0.52 P:
/// the square is between -P/2 and 0.64 P, the product below 0.34 P^2, and its reduction below P/2 + 0.17 P.
const CHANGE: u32 = (P as u64 * 67 / 100) as u32;

/// The size of a cube less `HALF`.
const FACTOR: u32 = HALF.unsigned_abs();

/// What one permutation needs; see the module `kernel` for how the rounds are computed.
pub(super) struct Tables {
    /// Round 1's constants, less P.
    pub(super) first: Vec<i32>,
    /// Each of the first full rounds' matrices but the last one's, with the next round's constants.
    pub(super) opening: Vec<Layer>,
    /// The partial rounds, four at a time.
    pub(super) partial: Vec<Group>,
    /// From the fourth round's cubes and the partial rounds' changes to the fifth full round's input.
    pub(super) middle: Layer,
    /// The last full rounds' matrices.
    pub(super) closing: Vec<Layer>,
}

/// A matrix and a vector that is added to its products.
pub(super) struct Layer {
    /// The matrix.
    pub(super) rows: Vec<Tile>,
    /// The vector, times 2^32.
    pub(super) starts: Vec<[i64; ROWS]>,
    /// Whether the sums can be too large to be reduced as they are.
    pub(super) fold: bool,
}

/// The inputs of the S-boxes of up to four partial rounds, as rows over what is known before the first of them.
pub(super) struct Group {
    /// Rounds.
    pub(super) rounds: usize,
    /// The rows.
    pub(super) rows: Tile,
    /// What the sums start from.
    pub(super) start: [i64; ROWS],
    /// `corner[i][j]`: what the change by round i of the group weighs in the input of its round j > i.
    pub(super) corner: [Column; ROWS],
}

/// The tables of width 16.
///
/// The matrix' entries are small; unscaled they need no reduction inside a sum.
pub(super) fn width16() -> Tables {
    let scale = KoalaBear::from_u64(1 << 32).inverse();
    derive(&KOALABEAR_POSEIDON1_RC_16, scale)
}

/// The tables of width 24.
pub(super) fn width24() -> Tables {
    derive(&KOALABEAR_POSEIDON1_RC_24, KoalaBear::ONE)
}

/// The rounds' constants give the number of rounds; `scale` is what the full rounds' matrix is multiplied by.
fn derive<const W: usize>(constants: &[[KoalaBear; W]], scale: KoalaBear) -> Tables
where
    MdsMatrixKoalaBear: Permutation<[KoalaBear; W]>,
{
    let matrix = Circulant(MdsMatrixKoalaBear::default().permute(Circulant::<W>::identity().0));
    let (opening, rest) = constants.split_at(HALF_FULL_ROUNDS);
    let (partial, closing) = rest.split_at(rest.len() - HALF_FULL_ROUNDS);
    let scaled = matrix.scaled(scale);
    let full = |constants: &[KoalaBear; W], factor| Layer::new(&scaled.rows(&constants.map(|constant| constant * factor)), &[FACTOR; W]);

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
        first: opening[0].map(|constant| integer(constant * radix()).cast_signed() - MODULUS).to_vec(),
        opening: opening_layers,
        partial: groups(&inputs, &bounds, W),
        middle: Layer::new(&outputs, &bounds),
        closing: closing_layers.into(),
    }
}

/// The partial rounds as linear functions of the cubes before them and of the changes by their own S-boxes.
///
/// Each round is x -> M(x + change * e0) + constants, so that after r of them only powers of M stand before the cubes and the changes.
/// Returns the rows of the rounds' S-box inputs (round r knows r changes) and those of the next full round's input.
/// The cubes are worth `cubes` each, and the input is scaled by `scale`.
fn partial_rounds<const W: usize>(
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
fn groups(inputs: &[Row], bounds: &[u32], width: usize) -> Vec<Group> {
    let cut = inputs.chunks(ROWS).enumerate().map(|(number, rows)| {
        let known = width + number * ROWS;
        let mut corner = [[0; ROWS]; ROWS];
        for (column, weights) in corner.iter_mut().enumerate() {
            for (weight, row) in weights.iter_mut().zip(rows) {
                *weight = row.weights.get(known + column).map_or(0, |&weight| constant(weight));
            }
        }
        let (rows_known, start) = tile(rows, &bounds[..known]);
        Group { rounds: rows.len(), rows: rows_known, start, corner }
    });
    cut.collect()
}

impl Layer {
    fn new(rows: &[Row], bounds: &[u32]) -> Self {
        let (rows, starts): (Vec<_>, _) = rows.chunks(ROWS).map(|rows| tile(rows, bounds)).unzip();
        let fold = rows.iter().any(|tile| tile.bound > REDUCIBLE);
        Self { rows, starts, fold }
    }
}

/// One element as a linear function: the weights of what is known, and a constant.
struct Row {
    weights: Vec<KoalaBear>,
    constant: KoalaBear,
    /// Of how many factors, the first ones, `HALF` was subtracted.
    halved: usize,
}

impl Row {
    fn scaled(self, scale: KoalaBear) -> Self {
        Self { weights: self.weights.iter().map(|&weight| weight * scale).collect(), constant: self.constant * scale, ..self }
    }

    fn start(&self) -> i64 {
        let subtracted = self.weights[..self.halved].iter().copied().sum::<KoalaBear>() * KoalaBear::from_i32(HALF);
        i64::from(constant(self.constant * radix() + subtracted))
    }
}

/// Up to four rows over the factors that have these bounds, and what their sums start from.
fn tile(rows: &[Row], bounds: &[u32]) -> (Tile, [i64; ROWS]) {
    let column = |number: usize| std::array::from_fn(|row| rows.get(row).map_or(0, |row| constant(row.weights[number])));
    let columns: Vec<Column> = (0..bounds.len()).map(column).collect();
    (Tile::new(&columns, bounds), std::array::from_fn(|row| rows.get(row).map_or(0, Row::start)))
}

/// A circulant matrix, by its first column: element i of its product with x is the sum of column[i - j] * x[j].
struct Circulant<const W: usize>([KoalaBear; W]);

impl<const W: usize> Circulant<W> {
    fn identity() -> Self {
        Self(std::array::from_fn(|i| if i == 0 { KoalaBear::ONE } else { KoalaBear::ZERO }))
    }

    fn scaled(&self, scale: KoalaBear) -> Self {
        Self(self.0.map(|entry| entry * scale))
    }

    fn entry(&self, row: usize, column: usize) -> KoalaBear {
        self.0[(row + W - column) % W]
    }

    fn apply(&self, vector: &[KoalaBear; W]) -> [KoalaBear; W] {
        std::array::from_fn(|row| (0..W).map(|column| self.entry(row, column) * vector[column]).sum())
    }

    fn rows(&self, constants: &[KoalaBear; W]) -> Vec<Row> {
        let row = |row| Row { weights: (0..W).map(|column| self.entry(row, column)).collect(), constant: constants[row], halved: W };
        (0..W).map(row).collect()
    }
}

/// A weight as a constant of a sum: times 2^32, which `reduce` takes away again, and nearest to zero.
fn constant(weight: KoalaBear) -> i32 {
    centred(integer(weight * radix()))
}

fn integer(element: KoalaBear) -> u32 {
    element.as_canonical_u32()
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
