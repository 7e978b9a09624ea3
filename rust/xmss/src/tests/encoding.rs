//! Numbers as field elements, hashes as digits.

use super::canonical;
use crate::encoding::{decode, limbs, message};
use crate::field::{P, from_montgomery, to_montgomery};
use crate::hash::Hasher;
use crate::kernel::available;
use crate::scheme::{DIGEST, PROD, Scheme, TEST};

fn hash_of(elements: &[u32]) -> [u32; DIGEST] {
    std::array::from_fn(|at| elements.get(at).map_or(0, |&element| to_montgomery(element)))
}

/// The least element with these digits, least significant first.
fn element(digits: [u32; 8]) -> u32 {
    digits.iter().rev().fold(0, |number, digit| number * 8 + digit) * 127
}

#[test]
fn limbs_are_the_digits_in_base_p_least_significant_first() {
    // 3 + 2 p + p^2
    let number = 3 + 2 * u128::from(P) + u128::from(P) * u128::from(P);
    let mut words: [u32; 4] = std::array::from_fn(|at| (number >> (32 * at)) as u32);
    assert_eq!(limbs(&mut words), [3, 2, 1, 0]);
    assert_eq!(words, [0; 4]);
}

#[test]
fn the_largest_message_fits_nine_elements() {
    let elements = message(&[0xff; 32]).map(from_montgomery);
    // Horner's scheme modulo a prime that is not p.
    let modulus = (1_u64 << 31) - 1;
    let value = elements
        .iter()
        .rev()
        .fold(0, |value, &element| (value * u64::from(P) + u64::from(element)) % modulus);
    // 2^256 - 1 = 2^(31 * 8 + 8) - 1
    assert_eq!(value, (1 << 8) - 1);
}

#[test]
fn digits_are_base_eight_of_the_quotient_and_must_sum_to_the_target() {
    let mut digits = Vec::new();
    assert!(decode(&TEST, &hash_of(&[element([0, 3, 0, 3, 7, 7, 7, 7])]), &mut digits));
    assert_eq!(digits, [0, 3, 0, 3]);
    assert!(decode(&TEST, &hash_of(&[element([0, 3, 0, 3, 7, 7, 7, 7]) + 126]), &mut digits));
    assert!(!decode(&TEST, &hash_of(&[element([0, 3, 0, 4, 0, 0, 0, 0])]), &mut digits));
    assert!(!decode(&TEST, &hash_of(&[element([0, 3, 0, 2, 1, 0, 0, 0])]), &mut digits));
}

#[test]
fn an_element_of_p_minus_one_encodes_nothing() {
    // Its quotient would be 8^8: eight digits of zero. With a target of zero only the rule itself refuses it.
    let scheme = Scheme { target_sum: 0, ..TEST };
    let mut digits = Vec::new();
    assert!(decode(&scheme, &hash_of(&[126]), &mut digits));
    assert!(!decode(&scheme, &hash_of(&[P - 1]), &mut digits));
}

#[test]
fn elements_beyond_those_that_make_digits_are_not_looked_at() {
    let mut hash = [P - 1; DIGEST];
    hash[0] = element([0, 3, 0, 3, 0, 0, 0, 0]);
    assert!(decode(&TEST, &hash.map(to_montgomery), &mut Vec::new()));
}

/// Source: leanSpec 43246bd6, the constants of both sets.
#[test]
fn the_capacity_values_are_the_specifications() {
    let test = [
        627826400, 1244476188, 370678638, 978729783, 1996000804, 1380088873, 1753334201, 433326939, 1294775677,
    ];
    let prod = [
        2060061975, 916902315, 229801915, 83751504, 2093549181, 1743125625, 721042244, 1252069948, 1192880636,
    ];
    for kernel in available() {
        for (scheme, capacity) in [(TEST, test), (PROD, prod)] {
            assert_eq!(canonical(&Hasher::new(scheme, kernel).capacity, 15), capacity, "{}", kernel.name);
        }
    }
}

#[test]
fn the_sizes_follow_from_the_parameters() {
    assert_eq!((PROD.signature_size(), TEST.signature_size()), (2_536, 424));
    assert_eq!((PROD.permutations(), TEST.permutations()), ((122, 58), (22, 12)));
}
