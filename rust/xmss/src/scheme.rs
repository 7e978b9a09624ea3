//! The two parameter sets, as values: everything else takes the scheme that it works for.

/// Elements of a digest: a node of the tree, a position of a chain.
pub const DIGEST: usize = 8;
/// Elements of a public key's own parameter.
pub const PARAMETER: usize = 5;
/// Elements of a signature's randomness.
pub const RANDOMNESS: usize = 7;
/// Elements of an encoded tweak.
pub const TWEAK: usize = 2;
/// Elements of an encoded message.
pub const MESSAGE: usize = 9;
/// Elements at the front of the leaf sponge's state that no input touches.
pub const CAPACITY: usize = 9;
/// Digits go from 0 to BASE - 1, and so do the positions of a chain.
pub const BASE: u8 = 8;
/// Bytes of one element in a key or a signature.
pub const ELEMENT_SIZE: usize = 4;
/// Bytes of a message.
pub const MESSAGE_SIZE: usize = 32;
/// Bytes of a public key: the root, then the parameter.
pub const PUBLIC_KEY_SIZE: usize = (DIGEST + PARAMETER) * ELEMENT_SIZE;

/// One set of parameters of the signature scheme (leanSpec 43246bd6, `xmss/constants.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// `prod` or `test`.
    pub name: &'static str,
    /// The tree's height: a key has 2^this slots.
    pub log_lifetime: usize,
    /// Chains of a signature.
    pub dimension: usize,
    /// What the digits of an encoded message sum to.
    pub target_sum: u32,
}

/// The parameters of the networks.
pub const PROD: Scheme = Scheme {
    name: "prod",
    log_lifetime: 32,
    dimension: 46,
    target_sum: 200,
};

/// Small parameters, without security, for tests.
pub const TEST: Scheme = Scheme {
    name: "test",
    log_lifetime: 8,
    dimension: 4,
    target_sum: 6,
};

impl Scheme {
    /// The scheme of that name.
    pub fn named(name: &str) -> Option<Self> {
        [PROD, TEST].into_iter().find(|scheme| scheme.name == name)
    }

    /// Slots of a key.
    pub const fn lifetime(&self) -> u64 {
        1 << self.log_lifetime
    }

    /// Bytes of a signature.
    pub const fn signature_size(&self) -> usize {
        self.hashes_offset() + self.dimension * DIGEST * ELEMENT_SIZE
    }

    /// Where a signature's released chain values begin, bytes.
    pub const fn hashes_offset(&self) -> usize {
        crate::signature::SIBLINGS_OFFSET + self.log_lifetime * DIGEST * ELEMENT_SIZE
    }

    /// Elements of a message's hash: eight digits come out of each.
    pub const fn encoding_elements(&self) -> usize {
        self.dimension.div_ceil(crate::encoding::DIGITS_PER_ELEMENT)
    }

    /// Permutations of width 16 and of width 24 that one verification takes.
    pub const fn permutations(&self) -> (usize, usize) {
        let steps = self.dimension * (BASE as usize - 1) - self.target_sum as usize;
        (steps, 1 + crate::hash::leaf_blocks(self) + self.log_lifetime)
    }
}
