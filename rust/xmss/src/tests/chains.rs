//! Chains advance alike, however they are packed into lanes.

use super::{canonical, everywhere};
use crate::chains::{Columns, Steps, Walk, advance};
use crate::field::P;
use crate::hash::ZERO;
use crate::kernel::{LANES, Lanes, best};
use crate::scheme::{BASE, DIGEST, PROD};
use crate::tweak;

const SLOTS: [u32; LANES] = [0, 1, 7, 7, 7, 300, 1 << 16, 1 << 31, u32::MAX, 5, 6, 8, 9, 10, 11, 12];

fn table() -> Vec<Lanes> {
    (0..PROD.dimension * DIGEST)
        .map(|row| Lanes(std::array::from_fn(|lane| (row * LANES + lane) as u32 * 77_777)))
        .collect()
}

fn advanced(mut walks: Vec<Walk>, values: &mut [Lanes]) {
    let columns = Columns {
        slots: &SLOTS,
        parameter: &everywhere([1, 2, 3, 4, 5]),
    };
    advance(best(), &columns, &mut walks, values);
}

fn walk(column: usize, chain: usize, from: u8, to: u8) -> Walk {
    Walk {
        column: column as u8,
        chain: chain as u8,
        from,
        to,
    }
}

#[test]
fn walks_of_all_lengths_together_end_where_each_ends_alone() {
    let walks: Vec<_> = (0..LANES * PROD.dimension)
        .map(|number| walk(number % LANES, number / LANES, (number * 5 % 8) as u8, BASE - 1))
        .collect();
    let mut together = table();
    advanced(walks.clone(), &mut together);
    let mut alone = table();
    for walk in walks {
        advanced(vec![walk], &mut alone);
    }
    assert_eq!(together, alone);
}

#[test]
fn a_chain_walked_in_two_parts_ends_where_it_ends_in_one() {
    let mut once = table();
    advanced(vec![walk(3, 7, 0, 7)], &mut once);
    let mut twice = table();
    advanced(vec![walk(3, 7, 0, 4)], &mut twice);
    assert_ne!(once, twice);
    advanced(vec![walk(3, 7, 4, 7)], &mut twice);
    assert_eq!(once, twice);
}

#[test]
fn a_walk_of_no_steps_changes_nothing() {
    let mut values = table();
    advanced(vec![walk(0, 0, 7, 7)], &mut values);
    assert_eq!(values, table());
}

/// Numbers k p - r whose low sixteen bits, those of the step, are zero: p is 1 modulo 2^16, so r = k modulo 2^16 does it.
#[test]
fn tweaks_that_pass_a_multiple_of_p_on_the_way_carry_into_the_upper_digit() {
    let mut met = 0;
    for rest in (1..7 * u64::from(tweak::NEXT_STEP)).step_by(97) {
        for multiple in (rest..1 << 25).step_by(1 << 16) {
            let number = multiple * u64::from(P) - rest;
            let (slot, chain) = ((number >> 24) as u32, (number >> 16 & 0xff) as u8);
            if usize::from(chain) >= PROD.dimension || number >> 56 > 0 {
                continue;
            }
            met += 1;
            let slots = [slot; LANES];
            let columns = Columns {
                slots: &slots,
                parameter: &[ZERO; 5],
            };
            let mut lanes = Steps::new();
            lanes.load(9, &columns, &walk(0, usize::from(chain), 0, 7), [0; DIGEST]);
            for step in 1..BASE {
                lanes.next_tweak();
                assert_eq!(canonical(&lanes.tweak, 9), tweak::digits(tweak::chain(slot, chain, step)));
            }
        }
    }
    assert!(met > 100, "only {met} cases");
}
