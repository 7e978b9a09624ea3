//! Poseidon1 over KoalaBear, widths 16 and 24, written once for every kernel.

mod rows;
mod tables;

use std::sync::LazyLock;

use crate::kernel::Lanes;
use crate::kernel::lockstep::Lockstep;
use rows::{HALF, ROWS};
use tables::{Layer, Tables};

static TABLES16: LazyLock<Tables> = LazyLock::new(tables::width16);
static TABLES24: LazyLock<Tables> = LazyLock::new(tables::width24);

/// Permutes the `S::WIDTH` states from lane `first` on.
#[inline(always)]
pub(crate) fn permute16_with<S: Lockstep>(s: S, state: &mut [Lanes; 16], first: usize) {
    permute::<S, 16, 36>(s, &TABLES16, state, first);
}

/// Permutes the `S::WIDTH` states from lane `first` on.
#[inline(always)]
pub(crate) fn permute24_with<S: Lockstep>(s: S, state: &mut [Lanes; 24], first: usize) {
    permute::<S, 24, 47>(s, &TABLES24, state, first);
}

/// `T` is the width and the number of partial rounds together.
#[inline(always)]
fn permute<S: Lockstep, const W: usize, const T: usize>(s: S, tables: &Tables, lanes: &mut [Lanes; W], first: usize) {
    let mut state = [s.narrow(0); W];
    for i in 0..W {
        state[i] = s.add(s.load(&lanes[i], first), s.narrow(tables.first[i]));
    }
    for layer in &tables.opening {
        let factors = cubes(s, &state);
        multiply(s, layer, &factors, &mut state);
    }
    let mut factors = [s.factor(s.narrow(0)); T];
    factors[..W].copy_from_slice(&cubes(s, &state));
    let mut known = W;
    for group in &tables.partial {
        let mut sums = group.rows.multiply(s, &group.start, &factors[..known]);
        for sum in &mut sums {
            *sum = s.fold(*sum);
        }
        for round in 0..group.rounds {
            let input = s.reduce(s.fold(sums[round]));
            let added = s.factor(cube_less_input(s, input));
            factors[known] = added;
            known += 1;
            for row in round + 1..ROWS {
                sums[row] = s.accumulate(sums[row], added, group.corner[round][row]);
            }
        }
    }
    multiply(s, &tables.middle, &factors, &mut state);
    for layer in &tables.closing {
        let factors = cubes(s, &state);
        multiply(s, layer, &factors, &mut state);
    }
    for i in 0..W {
        s.store(s.canonical(state[i]), &mut lanes[i], first);
    }
}

#[inline(always)]
fn multiply<S: Lockstep, const W: usize>(s: S, layer: &Layer, factors: &[S::Factor], state: &mut [S::Narrow; W]) {
    for (tile, (rows, start)) in layer.rows.iter().zip(&layer.starts).enumerate() {
        let sums = rows.multiply(s, start, factors);
        for row in 0..ROWS {
            let sum = if layer.fold { s.fold(sums[row]) } else { sums[row] };
            state[tile * ROWS + row] = s.reduce(sum);
        }
    }
}

/// The cubes, less `HALF`, which the layers' starts make up for: factors nearest to zero allow the longest sums.
#[inline(always)]
fn cubes<S: Lockstep, const W: usize>(s: S, state: &[S::Narrow; W]) -> [S::Factor; W] {
    let mut factors = [s.factor(s.narrow(0)); W];
    for i in 0..W {
        let input = s.factor(state[i]);
        let square = s.factor(s.reduce(s.product(input, input)));
        let cube = s.reduce(s.product(square, input));
        factors[i] = s.factor(s.sub(s.canonical(cube), s.narrow(HALF)));
    }
    factors
}

/// u^3 - u = u * (u^2 - 1): what a partial round's S-box changes.
#[inline(always)]
fn cube_less_input<S: Lockstep>(s: S, input: S::Narrow) -> S::Narrow {
    let factor = s.factor(input);
    let square = s.reduce(s.product(factor, factor));
    let less = s.factor(s.sub(square, s.narrow(crate::field::to_montgomery(1).cast_signed())));
    s.reduce(s.product(less, factor))
}
