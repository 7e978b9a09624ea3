//! Poseidon1 over KoalaBear, widths 16 and 24, written once for every kernel; the module `kernel` says how and why.

mod rows;
mod single;
mod tables;

use std::sync::LazyLock;

use crate::field::to_montgomery;
use crate::kernel::lockstep::{Lockstep, MODULUS};
use crate::kernel::{LANES, Lanes};
use rows::HALF;
use single::Single;
use tables::{Layer, Tables};

static TABLES16: LazyLock<Tables<4>> = LazyLock::new(tables::width16);
static TABLES24: LazyLock<Tables<3>> = LazyLock::new(tables::width24);
static SINGLE: LazyLock<Single> = LazyLock::new(Single::new);

/// Permutes the state of every lane.
#[inline(always)]
pub(crate) fn permute16_with<S: Lockstep>(s: S, state: &mut [Lanes; 16]) {
    let tables = &*TABLES16;
    for first in (0..LANES).step_by(S::WIDTH) {
        permute::<S, 16, 36, 4>(s, tables, state, first);
    }
}

/// Permutes the state of every lane.
#[inline(always)]
pub(crate) fn permute24_with<S: Lockstep>(s: S, state: &mut [Lanes; 24]) {
    let tables = &*TABLES24;
    for first in (0..LANES).step_by(S::WIDTH) {
        permute::<S, 24, 47, 3>(s, tables, state, first);
    }
}

/// Permutes one state with `V` vectors for each twelve elements.
#[inline(always)]
pub(crate) fn permute24_one_with<S: Lockstep, const V: usize>(s: S, state: &mut [u32; 24]) {
    SINGLE.permute::<S, V>(s, state);
}

/// Permutes one state as one of the lanes.
#[inline(always)]
pub(crate) fn permute24_lane_with<S: Lockstep>(s: S, state: &mut [u32; 24]) {
    let mut lanes = state.map(|element| Lanes([element; LANES]));
    permute::<S, 24, 47, 3>(s, &TABLES24, &mut lanes, 0);
    *state = lanes.map(|element| element.0[0]);
}

/// Permutes the `S::WIDTH` states from lane `first` on.
///
/// `T` is the width `W` and the number of partial rounds together; `R` rows are computed at once.
#[inline(always)]
fn permute<S: Lockstep, const W: usize, const T: usize, const R: usize>(s: S, tables: &Tables<R>, lanes: &mut [Lanes; W], first: usize) {
    let mut state = [s.narrow(0); W];
    for i in 0..W {
        state[i] = s.add(s.load(&lanes[i], first), s.narrow(tables.first[i]));
    }
    for matrix in &tables.opening {
        full_round(s, matrix, &mut state);
    }
    partial_rounds::<S, W, T, R>(s, tables, &mut state);
    for matrix in &tables.closing {
        full_round(s, matrix, &mut state);
    }
    for i in 0..W {
        s.store(s.canonical(state[i]), &mut lanes[i], first);
    }
}

/// Cubes, the circulant matrix and the next round's constants: between -P and P before and after.
///
/// x^2n - 1 is (x^n - 1)(x^n + 1), so half of a cyclic product is a cyclic product of sums, and half a negacyclic one of differences.
/// `state[..n]` becomes the sums, `state[n..]` the differences, until `R` sums are left; afterwards each pair is put together again.
#[inline(always)]
fn full_round<S: Lockstep, const W: usize, const R: usize>(s: S, matrix: &[Layer<R>], state: &mut [S::Narrow; W]) {
    cube(s, state);
    let mut size = W;
    while size > R {
        size /= 2;
        for i in 0..size {
            let (left, right) = (state[i], state[i + size]);
            state[i] = s.canonical(sum_less_modulus(s, left, right));
            state[i + size] = s.canonical(s.sub(left, right));
        }
    }
    let factors = factors(s, state);
    let mut from = 0;
    for part in matrix {
        let to = from + part.rows.len() * R;
        multiply(s, part, &factors[from..to], &mut state[from..to]);
        from = to;
    }
    while size < W {
        for i in 0..size {
            let (left, right) = (s.canonical(state[i]), s.canonical(state[i + size]));
            state[i] = sum_less_modulus(s, left, right);
            state[i + size] = s.sub(left, right);
        }
        size *= 2;
    }
}

/// From the last full round's input before the partial rounds to the first full round's after them.
#[inline(always)]
fn partial_rounds<S: Lockstep, const W: usize, const T: usize, const R: usize>(s: S, tables: &Tables<R>, state: &mut [S::Narrow; W]) {
    cube(s, state);
    let mut known = [s.factor(s.narrow(0)); T];
    known[..W].copy_from_slice(&factors(s, state));
    let mut count = W;
    for group in &tables.partial {
        let mut sums = group.rows.multiply(s, &group.start, &known[..count]);
        for round in 0..group.rounds {
            let input = s.reduce(s.fold(sums[round]));
            let change = s.factor(cube_less_input(s, input));
            known[count] = change;
            count += 1;
            for (sum, &weight) in sums.iter_mut().zip(&group.corner[round]).skip(round + 1) {
                *sum = s.accumulate(*sum, change, weight);
            }
        }
    }
    multiply(s, &tables.middle, &known, state);
}

/// The rows' products with the factors, reduced.
#[inline(always)]
fn multiply<S: Lockstep, const R: usize>(s: S, layer: &Layer<R>, factors: &[S::Factor], state: &mut [S::Narrow]) {
    for ((rows, start), elements) in layer.rows.iter().zip(&layer.starts).zip(state.chunks_exact_mut(R)) {
        let sums = rows.multiply(s, start, factors);
        for (element, sum) in elements.iter_mut().zip(sums) {
            *element = s.reduce(sum);
        }
    }
}

/// Canonical values less `HALF`, which the layers' starts make up for: factors nearest to zero allow the longest sums.
#[inline(always)]
fn factors<S: Lockstep, const W: usize>(s: S, state: &[S::Narrow; W]) -> [S::Factor; W] {
    let mut factors = [s.factor(s.narrow(0)); W];
    for i in 0..W {
        factors[i] = s.factor(s.sub(state[i], s.narrow(HALF)));
    }
    factors
}

/// The cubes, canonical.
#[inline(always)]
fn cube<S: Lockstep, const W: usize>(s: S, state: &mut [S::Narrow; W]) {
    for element in state {
        let input = s.factor(*element);
        let square = s.factor(s.reduce(s.product(input, input)));
        *element = s.canonical(s.reduce(s.product(square, input)));
    }
}

/// u^3 - u = u * (u^2 - 1): what a partial round's S-box changes.
#[inline(always)]
fn cube_less_input<S: Lockstep>(s: S, input: S::Narrow) -> S::Narrow {
    let factor = s.factor(input);
    let square = s.reduce(s.product(factor, factor));
    let less = s.factor(s.sub(square, s.narrow(to_montgomery(1).cast_signed())));
    s.reduce(s.product(less, factor))
}

/// The sum of two canonical elements, less P: between -P and P.
#[inline(always)]
fn sum_less_modulus<S: Lockstep>(s: S, left: S::Narrow, right: S::Narrow) -> S::Narrow {
    s.add(s.sub(left, s.narrow(MODULUS)), right)
}
