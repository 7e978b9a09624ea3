//! Every kernel against Plonky3's scalar permutation, lane by lane.

use p3_field::PrimeField32;
use p3_koala_bear::{KoalaBear, default_koalabear_poseidon1_16, default_koalabear_poseidon1_24};
use p3_symmetric::Permutation;
use proofplane_xmss::field::{P, from_montgomery, to_montgomery};
use proofplane_xmss::kernel::{Kernel, LANES, Lanes, available, best};

/// Sixteen canonical states of one width.
type States<const W: usize> = [[u32; W]; LANES];

/// Splitmix64: a fixed sequence of states that needs no dependency.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An element; one in eight is next to an end or to the middle of the field, where a wrong bound of a kernel shows.
    fn element(&mut self) -> u32 {
        const EDGES: [u32; 8] = [0, 1, 2, P / 2, P / 2 + 1, P - 3, P - 2, P - 1];
        let drawn = self.next();
        if drawn.is_multiple_of(8) {
            EDGES[(drawn >> 8) as usize % 8]
        } else {
            ((drawn >> 8) % u64::from(P)) as u32
        }
    }

    fn states<const W: usize>(&mut self) -> States<W> {
        std::array::from_fn(|_| std::array::from_fn(|_| self.element()))
    }
}

/// The states after one permutation by a kernel.
fn permuted<const W: usize>(states: &States<W>, permute: fn(&mut [Lanes; W])) -> States<W> {
    let mut lanes: [Lanes; W] = std::array::from_fn(|i| Lanes(std::array::from_fn(|lane| to_montgomery(states[lane][i]))));
    permute(&mut lanes);
    assert!(
        lanes.iter().flat_map(|element| element.0).all(|value| value < P),
        "an element is not reduced"
    );
    std::array::from_fn(|lane| std::array::from_fn(|i| from_montgomery(lanes[i].0[lane])))
}

/// The states after one permutation each by a kernel.
fn one_by_one<const W: usize>(states: &States<W>, permute: fn(&mut [u32; W])) -> States<W> {
    states.map(|state| {
        let mut elements = state.map(to_montgomery);
        permute(&mut elements);
        assert!(elements.iter().all(|&value| value < P), "an element is not reduced");
        elements.map(from_montgomery)
    })
}

fn expected<const W: usize>(states: &States<W>, oracle: &impl Permutation<[KoalaBear; W]>) -> States<W> {
    states.map(|state| oracle.permute(state.map(KoalaBear::new)).map(|element| element.as_canonical_u32()))
}

fn counting<const W: usize>() -> States<W> {
    [std::array::from_fn(|i| i as u32); LANES]
}

#[test]
fn counting_up_is_permuted_to_the_check_values() {
    for Kernel {
        name,
        permute16,
        permute24,
        permute24_one,
        ..
    } in available()
    {
        for lane in permuted(&counting::<16>(), permute16) {
            assert_eq!(lane[..4], [610_090_613, 935_319_874, 1_893_335_292, 796_792_199], "{name}");
        }
        for lane in [permuted(&counting(), permute24), one_by_one(&counting(), permute24_one)].concat() {
            assert_eq!(lane[..4], [511_672_087, 215_882_318, 237_782_537, 740_528_428], "{name}");
        }
    }
}

#[test]
fn every_lane_of_every_kernel_is_the_scalar_permutation() {
    let (oracle16, oracle24) = (default_koalabear_poseidon1_16(), default_koalabear_poseidon1_24());
    let mut sequence = Sequence(4);
    for _ in 0..40 {
        let (states16, states24) = (sequence.states::<16>(), sequence.states::<24>());
        let (expected16, expected24) = (expected(&states16, &oracle16), expected(&states24, &oracle24));
        for Kernel {
            name,
            permute16,
            permute24,
            permute24_one,
            ..
        } in available()
        {
            assert_eq!(permuted(&states16, permute16), expected16, "{name}");
            assert_eq!(permuted(&states24, permute24), expected24, "{name}");
            assert_eq!(one_by_one(&states24, permute24_one), expected24, "{name}, one state");
        }
    }
}

#[test]
fn states_of_one_value_only_are_permuted_rightly_at_the_ends_of_the_field() {
    let (oracle16, oracle24) = (default_koalabear_poseidon1_16(), default_koalabear_poseidon1_24());
    for value in [0, 1, P / 2, P / 2 + 1, P - 1] {
        for Kernel {
            name,
            permute16,
            permute24,
            permute24_one,
            ..
        } in available()
        {
            let (states16, states24) = ([[value; 16]; LANES], [[value; 24]; LANES]);
            assert_eq!(permuted(&states16, permute16), expected(&states16, &oracle16), "{name}: {value}");
            let expected24 = expected(&states24, &oracle24);
            assert_eq!(permuted(&states24, permute24), expected24, "{name}: {value}");
            assert_eq!(one_by_one(&states24, permute24_one), expected24, "{name}, one state: {value}");
        }
    }
}

#[test]
fn the_portable_kernel_is_always_there_and_the_best_one_comes_first() {
    let names: Vec<_> = available().iter().map(|kernel| kernel.name).collect();
    assert_eq!(names.last(), Some(&"portable"));
    assert_eq!(names.first(), Some(&best().name));
}
