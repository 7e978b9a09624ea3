//! The permutation of width 24 on one state, for when there are too few states to fill the lanes: here its elements do.
//!
//! The rounds are those of the module above, over the same arithmetic; what differs is the layout.
//!
//! 1. A lane has one row. Rows come by twelve, which a vector of sixteen lanes holds: the others are zeros, and so are their constants.
//! 2. A column of a matrix is a vector, and what it is multiplied with is one number, the same for all lanes.
//! 3. The state is two vectors, elements 0 to 11 and 12 to 23, so that x^24 - 1 = (x^12 - 1)(x^12 + 1) splits a full round in place.
//! 4. The partial rounds' S-boxes, which wait for each other, are plain integers. Once in twelve rounds vectors bring the inputs up to
//!    date; what these rounds change in each other's inputs is added as it becomes known.

use p3_field::PrimeCharacteristicRing;
use p3_koala_bear::{KOALABEAR_POSEIDON1_RC_24, KoalaBear};

use super::rows::HALF;
use super::tables::{Circulant, FACTOR, HALF_FULL_ROUNDS, Row, constant, halves, partial_rounds, wrapped};
use super::{cube, cube_less_input, sum_less_modulus};
use crate::field::P;
use crate::hash::ZERO;
use crate::kernel::lockstep::{FOLDED, Lockstep, MODULUS, RADIX};
use crate::kernel::portable::Scalar;
use crate::kernel::{LANES, Lanes};

/// Elements of a state.
const WIDTH: usize = 24;
/// Rows of one block.
const ROWS: usize = WIDTH / 2;
/// Partial rounds.
const PARTIAL: usize = 23;

/// The size that a change stays below. The input is reduced from a folded sum and one product with a change, and so is below 0.7 P;
/// the square is between -P/2 and 0.75 P, the product below 0.53 P^2, and its reduction below P/2 + 0.27 P.
const CHANGE: u32 = (P as u64 * 77 / 100) as u32;
/// How many products with cubes, and with changes, can be added to a folded sum.
const CUBES: usize = run(FACTOR);
const CHANGES: usize = run(CHANGE);

/// `LANES` elements in `V` vectors, of which the first `ROWS` count.
///
/// Loops, not `array::map`: what the standard library does not inline is compiled without the kernel's instructions.
type Block<S, const V: usize> = [<S as Lockstep>::Narrow; V];

/// What the permutation needs.
pub(super) struct Single {
    /// Round 1's constants, less P.
    first: [Lanes; 2],
    /// The full rounds' matrix: the cyclic part, then the negacyclic one.
    matrix: [Vec<Lanes>; 2],
    /// What the parts' sums start from, in each of the first full rounds but the last one, and in each of the last ones.
    opening: Vec<[Lanes; 2]>,
    closing: Vec<[Lanes; 2]>,
    /// The S-box inputs of the partial rounds, twelve at a time.
    groups: Vec<Group>,
    /// From the cubes and the changes to the next full round's input.
    middle: [Rows; 2],
}

/// Twelve rows over what is known.
struct Rows {
    start: Lanes,
    columns: Vec<Lanes>,
}

/// The rows of twelve rounds over what is known before the first of them.
struct Group {
    rows: Rows,
    rounds: usize,
    /// `corner[i][j]`: what the change by round j of the group weighs in the input of its round i > j.
    corner: [[i32; ROWS]; ROWS],
}

impl Single {
    pub(super) fn new() -> Self {
        let matrix = Circulant::<WIDTH>::mixing();
        let (opening, rest) = KOALABEAR_POSEIDON1_RC_24.split_at(HALF_FULL_ROUNDS);
        let (partial, closing) = rest.split_at(PARTIAL);
        let parts = |constants: &[KoalaBear; WIDTH]| {
            let ((sums, differences), (added_sums, added_differences)) = (halves(&matrix.0), halves(constants));
            [
                Rows::new(&wrapped(&sums, &added_sums, KoalaBear::ONE)),
                Rows::new(&wrapped(&differences, &added_differences, KoalaBear::NEG_ONE)),
            ]
        };
        let starts = |constants| parts(constants).map(|part| part.start);
        let (inputs, outputs) = partial_rounds(&matrix, partial, &closing[0], KoalaBear::ONE, KoalaBear::ONE);
        let none = [KoalaBear::ZERO; WIDTH];
        Self {
            first: blocks(|element| constant(opening[0][element]).rem_euclid(MODULUS) - MODULUS),
            matrix: parts(&none).map(|part| part.columns),
            opening: opening[1..].iter().map(starts).collect(),
            closing: closing[1..].iter().chain([&none]).map(starts).collect(),
            groups: inputs
                .chunks(ROWS)
                .enumerate()
                .map(|(number, rows)| Group::new(number, rows))
                .collect(),
            middle: [Rows::new(&outputs[..ROWS]), Rows::new(&outputs[ROWS..])],
        }
    }

    /// Permutes the state; `V` times the vector's lanes is `LANES`.
    #[inline(always)]
    pub(super) fn permute<S: Lockstep, const V: usize>(&self, s: S, elements: &mut [u32; WIDTH]) {
        const { assert!(V * S::WIDTH == LANES) };
        let input = blocks(|element| elements[element].cast_signed());
        let mut state = [load::<S, V>(s, &input[0]), load(s, &input[1])];
        for (half, first) in state.iter_mut().zip(&self.first) {
            for (element, first) in half.iter_mut().zip(load::<S, V>(s, first)) {
                *element = s.add(*element, first);
            }
        }
        for starts in &self.opening {
            self.full_round(s, starts, &mut state);
        }
        self.partial_rounds(s, &mut state);
        for starts in &self.closing {
            self.full_round(s, starts, &mut state);
        }
        for (half, elements) in state.into_iter().zip(elements.chunks_exact_mut(ROWS)) {
            elements.copy_from_slice(&store(s, canonical::<S, V>(s, half)).0[..ROWS]);
        }
    }

    #[inline(always)]
    fn full_round<S: Lockstep, const V: usize>(&self, s: S, starts: &[Lanes; 2], state: &mut [Block<S, V>; 2]) {
        let [mut left, mut right] = *state;
        cube(s, &mut left);
        cube(s, &mut right);
        for i in 0..V {
            let (l, r) = (left[i], right[i]);
            left[i] = s.canonical(sum_less_modulus(s, l, r));
            right[i] = s.canonical(s.sub(l, r));
        }
        let sums = products::<S, V>(s, &starts[0], &self.matrix[0], &near_zero(s, left));
        let differences = products::<S, V>(s, &starts[1], &self.matrix[1], &near_zero(s, right));
        let (left, right) = (canonical::<S, V>(s, sums), canonical::<S, V>(s, differences));
        for i in 0..V {
            state[0][i] = sum_less_modulus(s, left[i], right[i]);
            state[1][i] = s.sub(left[i], right[i]);
        }
    }

    #[inline(always)]
    fn partial_rounds<S: Lockstep, const V: usize>(&self, s: S, state: &mut [Block<S, V>; 2]) {
        let mut known = [0; WIDTH + PARTIAL];
        for (half, known) in state.iter_mut().zip(known.chunks_exact_mut(ROWS)) {
            cube(s, half);
            known.copy_from_slice(&near_zero::<S, V>(s, *half));
        }
        let mut count = WIDTH;
        for group in &self.groups {
            let inputs = products::<S, V>(s, &group.rows.start, &group.rows.columns, &known[..count]);
            group.changes(&store(s, inputs), &mut known[count..count + group.rounds]);
            count += group.rounds;
        }
        for (half, rows) in state.iter_mut().zip(&self.middle) {
            *half = products::<S, V>(s, &rows.start, &rows.columns, &known);
        }
    }
}

impl Rows {
    /// At most twelve rows, by the weights that the first one has: later rounds know more, but that is their group's corner.
    fn new(rows: &[Row]) -> Self {
        let columns = rows[0].weights.len();
        Self {
            start: block(|row| rows.get(row).map_or(0, |row| row.start())),
            columns: (0..columns)
                .map(|column| block(|row| rows.get(row).map_or(0, |row| constant(row.weights[column]))))
                .collect(),
        }
    }
}

impl Group {
    fn new(number: usize, rows: &[Row]) -> Self {
        let known = WIDTH + number * ROWS;
        let weight = |row: &Row, column: usize| row.weights.get(known + column).map_or(0, |&weight| constant(weight));
        Self {
            rows: Rows::new(rows),
            rounds: rows.len(),
            corner: std::array::from_fn(|row| std::array::from_fn(|column| rows.get(row).map_or(0, |row| weight(row, column)))),
        }
    }

    /// What the rounds' S-boxes change, from their inputs without the changes by the group itself.
    #[inline(always)]
    fn changes(&self, inputs: &Lanes, changes: &mut [i32]) {
        let s = Scalar;
        for (round, weights) in self.corner.iter().enumerate().take(changes.len()) {
            // Times 2^32 modulo P, as sums of products are.
            let mut sum = i64::from(inputs.0[round].cast_signed()) * i64::from(RADIX);
            for (&change, &weight) in changes[..round].iter().zip(weights) {
                sum = s.accumulate(s.fold(sum), i64::from(change), weight);
            }
            changes[round] = cube_less_input(s, s.reduce(sum));
        }
    }
}

/// The columns' products with the factors, added to `start` and reduced. Factors after the first `WIDTH` are changes.
#[inline(always)]
fn products<S: Lockstep, const V: usize>(s: S, start: &Lanes, columns: &[Lanes], factors: &[i32]) -> Block<S, V> {
    let mut sums = [s.wide(0); V];
    add_products::<S, V>(s, &mut sums, std::slice::from_ref(start), &[1]);
    let (cubes, changes) = factors.split_at(factors.len().min(WIDTH));
    let (columns, later) = columns.split_at(cubes.len());
    for (columns, factors) in columns.chunks(CUBES).zip(cubes.chunks(CUBES)) {
        add_products::<S, V>(s, &mut sums, columns, factors);
        fold::<S, V>(s, &mut sums);
    }
    for (columns, factors) in later.chunks(CHANGES).zip(changes.chunks(CHANGES)) {
        add_products::<S, V>(s, &mut sums, columns, factors);
        fold::<S, V>(s, &mut sums);
    }
    let mut block = [s.narrow(0); V];
    for (element, sum) in block.iter_mut().zip(sums) {
        *element = s.reduce(sum);
    }
    block
}

#[inline(always)]
fn add_products<S: Lockstep, const V: usize>(s: S, sums: &mut [S::Wide; V], columns: &[Lanes], factors: &[i32]) {
    for (column, &factor) in columns.iter().zip(factors) {
        for (sum, column) in sums.iter_mut().zip(load::<S, V>(s, column)) {
            *sum = s.accumulate(*sum, s.factor(column), factor);
        }
    }
}

#[inline(always)]
fn fold<S: Lockstep, const V: usize>(s: S, sums: &mut [S::Wide; V]) {
    for sum in sums {
        *sum = s.fold(*sum);
    }
}

#[inline(always)]
fn canonical<S: Lockstep, const V: usize>(s: S, mut block: Block<S, V>) -> Block<S, V> {
    for element in &mut block {
        *element = s.canonical(*element);
    }
    block
}

/// Canonical values less `HALF`, which the sums' starts make up for.
#[inline(always)]
fn near_zero<S: Lockstep, const V: usize>(s: S, mut block: Block<S, V>) -> [i32; ROWS] {
    for element in &mut block {
        *element = s.sub(*element, s.narrow(HALF));
    }
    let lanes = store::<S, V>(s, block);
    let mut elements = [0; ROWS];
    for (element, lane) in elements.iter_mut().zip(lanes.0) {
        *element = lane.cast_signed();
    }
    elements
}

#[inline(always)]
fn load<S: Lockstep, const V: usize>(s: S, lanes: &Lanes) -> Block<S, V> {
    let mut block = [s.narrow(0); V];
    for (i, element) in block.iter_mut().enumerate() {
        *element = s.load(lanes, i * S::WIDTH);
    }
    block
}

#[inline(always)]
fn store<S: Lockstep, const V: usize>(s: S, block: Block<S, V>) -> Lanes {
    let mut lanes = ZERO;
    for (i, element) in block.into_iter().enumerate() {
        s.store(element, &mut lanes, i * S::WIDTH);
    }
    lanes
}

/// Twelve numbers, then zeros.
#[inline(always)]
fn block(number: impl Fn(usize) -> i32) -> Lanes {
    Lanes(std::array::from_fn(|row| if row < ROWS { number(row).cast_unsigned() } else { 0 }))
}

/// The two blocks of a state.
#[inline(always)]
fn blocks(element: impl Fn(usize) -> i32) -> [Lanes; 2] {
    [block(&element), block(|row| element(ROWS + row))]
}

/// How many products of a constant with a factor of that size can be added to a folded sum.
const fn run(bound: u32) -> usize {
    ((i64::MAX as u64 - FOLDED) / (FACTOR as u64 * bound as u64)) as usize
}

#[cfg(test)]
mod tests {
    use super::{CHANGE, HALF, PARTIAL, WIDTH, block, products};
    use crate::field::P;
    use crate::kernel::LANES;
    use crate::kernel::portable::Scalar;

    #[test]
    fn sums_of_the_largest_products_do_not_overflow() {
        for constant in [HALF, -HALF] {
            let column = block(|_| constant);
            let factors = [[HALF; WIDTH].as_slice(), &[CHANGE.cast_signed(); PARTIAL]].concat();
            let reduced = products::<Scalar, LANES>(Scalar, &column, &[column; WIDTH + PARTIAL], &factors)[0];
            let exact = i128::from(constant) * (1 + factors.into_iter().map(i128::from).sum::<i128>());
            assert_eq!((exact - (i128::from(reduced) << 32)) % i128::from(P), 0);
        }
    }
}
