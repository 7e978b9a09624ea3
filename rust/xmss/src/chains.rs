//! Walking hash chains sixteen at a time, whosever they are.
//!
//! Rules:
//!
//! 1. A lane takes the next walk as soon as its own has ended: chains have different lengths, and lanes that wait are lost.
//! 2. The longest walks go first, so that the lanes end together. Sixteen production signatures take exactly the 122 permutations of one.
//! 3. Values are read from and written back to one table, a column per key and slot; a walk of no steps leaves its value as it is.

use crate::field::{P, add, to_montgomery};
use crate::hash::{ZERO, add_lanes, column, set_column};
use crate::kernel::{Kernel, LANES, Lanes};
use crate::scheme::{DIGEST, PARAMETER, TWEAK};
use crate::tweak;

const WIDTH: usize = 16;

/// A stretch of one chain.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    /// The column of its value, parameter and slot.
    pub column: u8,
    /// The chain's number.
    pub chain: u8,
    /// The position where its value stands.
    pub from: u8,
    /// The position to reach.
    pub to: u8,
}

impl Walk {
    fn steps(&self) -> u8 {
        self.to - self.from
    }

    fn value<'a>(&self, values: &'a mut [Lanes]) -> &'a mut [Lanes; DIGEST] {
        let at = usize::from(self.chain) * DIGEST;
        (&mut values[at..at + DIGEST]).try_into().expect("a digest")
    }
}

/// What a column's chains have in common.
pub struct Columns<'a> {
    /// The slot of each column.
    pub slots: &'a [u32; LANES],
    /// The parameter of each column's key.
    pub parameter: &'a [Lanes; PARAMETER],
}

/// Advances all `walks`, which get sorted, in the table `values`: `DIGEST` rows per chain.
pub fn advance(kernel: Kernel, columns: &Columns, walks: &mut [Walk], values: &mut [Lanes]) {
    walks.sort_unstable_by_key(|walk| std::cmp::Reverse(walk.steps()));
    let mut waiting = walks.iter().copied().take_while(|walk| walk.steps() > 0);
    let mut walking: [Option<Walk>; LANES] = [None; LANES];
    let mut left = [0; LANES];
    let mut lanes = Steps::new();
    loop {
        for lane in 0..LANES {
            if left[lane] > 0 {
                continue;
            }
            if let Some(done) = walking[lane].take() {
                set_column(done.value(values), usize::from(done.column), column(&lanes.digest, lane));
            }
            if let Some(next) = waiting.next() {
                lanes.load(lane, columns, &next, column(next.value(values), usize::from(next.column)));
                left[lane] = next.steps();
                walking[lane] = Some(next);
            }
        }
        let Some(steps) = left.into_iter().filter(|&left| left > 0).min() else {
            break;
        };
        for _ in 0..steps {
            lanes.step(kernel);
        }
        left = left.map(|left| left.saturating_sub(steps));
    }
}

/// Sixteen chains on their way.
pub struct Steps {
    digest: [Lanes; DIGEST],
    parameter: [Lanes; PARAMETER],
    /// The last step's tweak.
    pub tweak: [Lanes; TWEAK],
    /// Its lower digit, canonical: the upper one grows when this passes p.
    lower: Lanes,
    /// One and the distance between two steps' tweaks, in Montgomery form.
    one: u32,
    next_step: u32,
}

impl Steps {
    /// No chains yet.
    pub fn new() -> Self {
        Self {
            digest: [ZERO; DIGEST],
            parameter: [ZERO; PARAMETER],
            tweak: [ZERO; TWEAK],
            lower: ZERO,
            one: to_montgomery(1),
            next_step: to_montgomery(tweak::NEXT_STEP),
        }
    }

    /// Puts a chain into a lane.
    pub fn load(&mut self, lane: usize, columns: &Columns, walk: &Walk, value: [u32; DIGEST]) {
        let of = usize::from(walk.column);
        let digits = tweak::digits(tweak::chain(columns.slots[of], walk.chain, walk.from));
        set_column(&mut self.digest, lane, value);
        set_column(&mut self.parameter, lane, column(columns.parameter, of));
        set_column(&mut self.tweak, lane, digits.map(to_montgomery));
        self.lower.0[lane] = digits[0];
    }

    fn step(&mut self, kernel: Kernel) {
        self.next_tweak();
        let mut state = [ZERO; WIDTH];
        state[..DIGEST].copy_from_slice(&self.digest);
        state[DIGEST..DIGEST + PARAMETER].copy_from_slice(&self.parameter);
        state[DIGEST + PARAMETER..DIGEST + PARAMETER + TWEAK].copy_from_slice(&self.tweak);
        (kernel.permute16)(&mut state);
        for (digest, state) in self.digest.iter_mut().zip(&state) {
            add_lanes(digest, state);
        }
    }

    /// Goes on to the next step's tweak in every lane.
    pub fn next_tweak(&mut self) {
        let [lower, upper] = &mut self.tweak;
        for lane in 0..LANES {
            let sum = self.lower.0[lane] + tweak::NEXT_STEP;
            let carry = sum >= P;
            self.lower.0[lane] = if carry { sum - P } else { sum };
            lower.0[lane] = add(lower.0[lane], self.next_step);
            upper.0[lane] = add(upper.0[lane], if carry { self.one } else { 0 });
        }
    }
}
