//! Verification of a chunk, up to sixteen signatures in lockstep: the message's hash, its digits, the chains, the leaf, the path, the root.
//!
//! The chains of a chunk are packed into the lanes whosever they are; everything else has one signature a lane.
//!
//! A signature that does not decode, or whose message does not encode, ends the chunk before it: what comes later cannot be the first failure.

use crate::chains::{self, Columns, Walk};
use crate::encoding;
use crate::hash::{Domain, Hasher, ZERO, column, set_column};
use crate::kernel::{LANES, Lanes};
use crate::scheme::{BASE, DIGEST, MESSAGE, MESSAGE_SIZE, PARAMETER, PUBLIC_KEY_SIZE, RANDOMNESS};
use crate::signature::{PublicKey, Signature};
use crate::tweak;

/// What is claimed: this key signed this message for this slot. Nothing about it is checked yet.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The public key.
    pub key: &'a [u8; PUBLIC_KEY_SIZE],
    /// The slot, the one-time index; none that the key has not is valid.
    pub slot: u64,
    /// The message.
    pub message: &'a [u8; MESSAGE_SIZE],
    /// The signature, of any length.
    pub signature: &'a [u8],
}

/// A claim whose parts are well formed.
struct Candidate<'a> {
    key: PublicKey,
    slot: u32,
    message: &'a [u8; MESSAGE_SIZE],
    signature: Signature<'a>,
}

/// The room that a thread needs to verify one chunk after the other.
pub struct Verifier {
    hasher: Hasher,
    /// How many columns, the first ones, have a claim; the others have whatever an earlier chunk left there.
    columns: usize,
    /// The slot of each column.
    slots: [u32; LANES],
    parameter: [Lanes; PARAMETER],
    /// Released values, then chain ends.
    values: Vec<Lanes>,
    siblings: Vec<Lanes>,
    walks: Vec<Walk>,
    digits: Vec<u8>,
}

impl Verifier {
    /// Room for chunks of the hasher's scheme: about 45 KB in production.
    pub fn new(hasher: Hasher) -> Self {
        let scheme = hasher.scheme;
        Self {
            hasher,
            columns: 0,
            slots: [0; LANES],
            parameter: [ZERO; PARAMETER],
            values: vec![ZERO; scheme.dimension * DIGEST],
            siblings: vec![ZERO; scheme.log_lifetime * DIGEST],
            walks: Vec::with_capacity(scheme.dimension * LANES),
            digits: Vec::with_capacity(scheme.encoding_elements() * encoding::DIGITS_PER_ELEMENT),
        }
    }

    /// The first of at most `LANES` claims that is not true; panics if there are more.
    pub fn first_failure(&mut self, claims: &[Claim]) -> Option<usize> {
        let mut candidates: Vec<_> = claims.iter().map_while(|claim| self.decode(claim)).collect();
        self.load(&candidates);
        let hash = self.message_hash(&candidates);
        self.columns = self.plan(&hash);
        candidates.truncate(self.columns);
        if !candidates.is_empty() {
            let columns = Columns {
                slots: &self.slots,
                parameter: &self.parameter,
            };
            chains::advance(self.hasher.kernel, &columns, &mut self.walks, &mut self.values);
            let root = self.root();
            let wrong = |(lane, candidate): (usize, &Candidate)| column(&root, lane) != candidate.key.root;
            if let Some(failed) = candidates.iter().enumerate().position(wrong) {
                return Some(failed);
            }
        }
        (candidates.len() < claims.len()).then_some(candidates.len())
    }

    fn decode<'a>(&self, claim: &Claim<'a>) -> Option<Candidate<'a>> {
        let scheme = &self.hasher.scheme;
        (claim.slot < scheme.lifetime()).then_some(())?;
        Some(Candidate {
            key: PublicKey::decode(claim.key)?,
            slot: claim.slot as u32,
            message: claim.message,
            signature: Signature::decode(scheme, claim.signature)?,
        })
    }

    fn load(&mut self, candidates: &[Candidate]) {
        self.columns = candidates.len();
        for (lane, candidate) in candidates.iter().enumerate() {
            self.slots[lane] = candidate.slot;
            set_column(&mut self.parameter, lane, candidate.key.parameter);
            for (lanes, element) in self.values.iter_mut().zip(candidate.signature.hashes()) {
                lanes.0[lane] = element;
            }
            for (lanes, element) in self.siblings.iter_mut().zip(candidate.signature.siblings()) {
                lanes.0[lane] = element;
            }
        }
    }

    fn message_hash(&self, candidates: &[Candidate]) -> [Lanes; DIGEST] {
        let mut message = [ZERO; MESSAGE];
        let mut randomness = [ZERO; RANDOMNESS];
        for (lane, candidate) in candidates.iter().enumerate() {
            let same = lane > 0 && candidate.message == candidates[lane - 1].message;
            let elements = if same {
                column(&message, lane - 1)
            } else {
                encoding::message(candidate.message)
            };
            set_column(&mut message, lane, elements);
            set_column(&mut randomness, lane, candidate.signature.randomness());
        }
        self.hasher.message(&message, &self.domain(tweak::message), &randomness)
    }

    /// Plans the walks of the claims up to the first whose hash encodes nothing; how many are planned.
    fn plan(&mut self, hash: &[Lanes; DIGEST]) -> usize {
        self.walks.clear();
        for lane in 0..self.columns {
            if !encoding::decode(&self.hasher.scheme, &column(hash, lane), &mut self.digits) {
                return lane;
            }
            let walks = self.digits.iter().enumerate().map(|(chain, &digit)| Walk {
                column: lane as u8,
                chain: chain as u8,
                from: digit,
                to: BASE - 1,
            });
            self.walks.extend(walks);
        }
        self.columns
    }

    /// From the chain ends to the tree's root.
    fn root(&self) -> [Lanes; DIGEST] {
        let leaf = self.hasher.leaf(&self.domain(|slot| tweak::tree(0, slot)), &self.values);
        (1..=self.hasher.scheme.log_lifetime).fold(leaf, |node, level| self.parents(&node, level))
    }

    /// The nodes at that level, from those below it.
    fn parents(&self, node: &[Lanes; DIGEST], level: usize) -> [Lanes; DIGEST] {
        let (mut left, mut right) = (*node, [ZERO; DIGEST]);
        right.copy_from_slice(&self.siblings[(level - 1) * DIGEST..][..DIGEST]);
        let swap = self.slots.map(|slot| slot >> (level - 1) & 1 == 1);
        for (left, right) in left.iter_mut().zip(&mut right) {
            swap_lanes(&swap, left, right);
        }
        let domain = self.domain(|slot| tweak::tree(level, (u64::from(slot) >> level) as u32));
        self.hasher.node(&domain, &left, &right)
    }

    fn domain(&self, tweak_of: impl Fn(u32) -> [u32; 2]) -> Domain {
        let mut tweak = [ZERO; 2];
        let mut last = tweak_of(self.slots[0]);
        for (lane, &slot) in self.slots.iter().enumerate().take(self.columns) {
            // Most batches are votes for one slot.
            if lane > 0 && slot != self.slots[lane - 1] {
                last = tweak_of(slot);
            }
            set_column(&mut tweak, lane, last);
        }
        Domain {
            parameter: self.parameter,
            tweak,
            columns: self.columns,
        }
    }
}

fn swap_lanes(swap: &[bool; LANES], left: &mut Lanes, right: &mut Lanes) {
    for ((&swap, left), right) in swap.iter().zip(&mut left.0).zip(&mut right.0) {
        (*left, *right) = if swap { (*right, *left) } else { (*left, *right) };
    }
}

#[cfg(test)]
#[path = "tests/worked.rs"]
mod worked;
