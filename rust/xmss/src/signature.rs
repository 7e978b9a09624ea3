//! Signatures and public keys as bytes: their layout, and that they are canonical.
//!
//! A signature is an SSZ container whose lists have pinned lengths, so every offset has one right value.
//!
//! | offset | bytes | content |
//! | --- | --- | --- |
//! | 0 | 4 | 36, the offset of the path |
//! | 4 | 28 | randomness |
//! | 32 | 4 | 40 + 32 L, the offset of the chain values |
//! | 36 | 4 | 4, the offset of the siblings inside the path |
//! | 40 | 32 L | siblings, from the leaves upwards |
//! | 40 + 32 L | 32 per chain | released chain values |

use crate::field::{P, from_montgomery, to_montgomery};
use crate::scheme::{DIGEST, ELEMENT_SIZE, PARAMETER, PUBLIC_KEY_SIZE, RANDOMNESS, Scheme};

/// Bytes of an SSZ offset.
const OFFSET: usize = 4;
const RANDOMNESS_OFFSET: usize = OFFSET;
const HASHES_FIELD: usize = RANDOMNESS_OFFSET + RANDOMNESS * ELEMENT_SIZE;
const PATH: usize = HASHES_FIELD + OFFSET;
/// Where a signature's siblings begin, bytes.
pub const SIBLINGS_OFFSET: usize = PATH + OFFSET;

/// A public key, in Montgomery form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    /// The tree's root.
    pub root: [u32; DIGEST],
    /// What makes this key's hashes its own.
    pub parameter: [u32; PARAMETER],
}

impl PublicKey {
    /// Reads a key; None if an element is not canonical.
    pub fn decode(bytes: &[u8; PUBLIC_KEY_SIZE]) -> Option<Self> {
        let (root, parameter) = bytes.split_at(DIGEST * ELEMENT_SIZE);
        (canonical(root) && canonical(parameter)).then(|| Self {
            root: array(root),
            parameter: array(parameter),
        })
    }

    /// The key's bytes.
    pub fn encode(&self) -> [u8; PUBLIC_KEY_SIZE] {
        let mut bytes = [0; PUBLIC_KEY_SIZE];
        let elements = self.root.iter().chain(&self.parameter);
        for (bytes, &element) in bytes.chunks_exact_mut(ELEMENT_SIZE).zip(elements) {
            bytes.copy_from_slice(&from_montgomery(element).to_le_bytes());
        }
        bytes
    }
}

/// A well-formed signature; its parts are still bytes, of elements that are below the modulus.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    randomness: &'a [u8],
    siblings: &'a [u8],
    hashes: &'a [u8],
}

impl<'a> Signature<'a> {
    /// Reads a signature; None if its length or an offset is not the scheme's, or an element is not canonical.
    pub fn decode(scheme: &Scheme, bytes: &'a [u8]) -> Option<Self> {
        let hashes = scheme.hashes_offset();
        if bytes.len() != scheme.signature_size() {
            return None;
        }
        let offsets = [(0, PATH), (HASHES_FIELD, hashes), (PATH, OFFSET)];
        if offsets.iter().any(|&(at, value)| word(&bytes[at..at + OFFSET]) as usize != value) {
            return None;
        }
        let signature = Self {
            randomness: &bytes[RANDOMNESS_OFFSET..HASHES_FIELD],
            siblings: &bytes[SIBLINGS_OFFSET..hashes],
            hashes: &bytes[hashes..],
        };
        let parts = [signature.randomness, signature.siblings, signature.hashes];
        parts.into_iter().all(canonical).then_some(signature)
    }

    /// The randomness, in Montgomery form.
    pub fn randomness(&self) -> [u32; RANDOMNESS] {
        array(self.randomness)
    }

    /// The siblings' elements from the leaves upwards, in Montgomery form.
    pub fn siblings(&self) -> impl Iterator<Item = u32> {
        elements(self.siblings)
    }

    /// The elements of the released chain values, in Montgomery form.
    pub fn hashes(&self) -> impl Iterator<Item = u32> {
        elements(self.hashes)
    }
}

/// Writes a signature; all elements in Montgomery form, siblings from the leaves upwards.
pub fn encode(
    scheme: &Scheme,
    randomness: &[u32; RANDOMNESS],
    siblings: impl Iterator<Item = u32>,
    hashes: impl Iterator<Item = u32>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(scheme.signature_size());
    let mut put = |value: u32| bytes.extend_from_slice(&value.to_le_bytes());
    put(PATH as u32);
    randomness.iter().copied().map(from_montgomery).for_each(&mut put);
    put(scheme.hashes_offset() as u32);
    put(OFFSET as u32);
    siblings.chain(hashes).map(from_montgomery).for_each(&mut put);
    debug_assert_eq!(bytes.len(), scheme.signature_size());
    bytes
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

fn canonical(bytes: &[u8]) -> bool {
    // No early end: without it the loop becomes vector instructions.
    bytes
        .chunks_exact(ELEMENT_SIZE)
        .fold(true, |so_far, element| so_far & (word(element) < P))
}

fn elements(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(ELEMENT_SIZE).map(|element| to_montgomery(word(element)))
}

fn array<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut array = [0; N];
    array.iter_mut().zip(elements(bytes)).for_each(|(to, from)| *to = from);
    array
}
