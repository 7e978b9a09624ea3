//! Values under keys that are never reused: a slot's number below, the slot's generation above, so that a lookup is one index and one compare.
//!
//! Invariants
//! 1. A key is given out once. When a slot's generations are used up (nearly 2^40) the slot is retired, not begun anew.
//! 2. A key of a removed value finds nothing.

/// Bits of a key that number the slot: 16 million values at once, more than any bound of a server lets in.
const INDEX_BITS: u32 = 24;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
/// Less than fits, so that the highest 2^40 numbers are no keys: `poll` names other things by them.
const LAST_GENERATION: u64 = (u64::MAX >> INDEX_BITS) - (1 << 16);

/// Most values at once.
pub(crate) const CAPACITY: usize = 1 << INDEX_BITS;

struct Slot<T> {
    generation: u64,
    value: Option<T>,
}

/// The values.
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a value in; whoever inserts keeps below `CAPACITY`.
    pub(crate) fn insert(&mut self, value: T) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            assert!(
                self.slots.len() < CAPACITY,
                "a server's bounds keep fewer values than a slab has room for"
            );
            self.slots.push(Slot {
                generation: 0,
                value: None,
            });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        self.len += 1;
        slot.generation << INDEX_BITS | u64::from(index)
    }

    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        let slot = self.slots.get((key & INDEX_MASK) as usize)?;
        if slot.generation == key >> INDEX_BITS {
            slot.value.as_ref()
        } else {
            None
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        let slot = self.slots.get_mut((key & INDEX_MASK) as usize)?;
        if slot.generation == key >> INDEX_BITS {
            slot.value.as_mut()
        } else {
            None
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: u64) -> Option<T> {
        let index = (key & INDEX_MASK) as usize;
        let slot = self.slots.get_mut(index)?;
        if slot.generation != key >> INDEX_BITS {
            return None;
        }
        let value = slot.value.take()?;
        self.len -= 1;
        if slot.generation < LAST_GENERATION {
            slot.generation += 1;
            self.free.push(index as u32);
        }
        Some(value)
    }

    /// Every key, in no particular order.
    pub(crate) fn keys(&self) -> Vec<u64> {
        let keyed = |(index, slot): (usize, &Slot<T>)| slot.value.as_ref().map(|_| slot.generation << INDEX_BITS | index as u64);
        self.slots.iter().enumerate().filter_map(keyed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut slab = Slab::new();
        let key = slab.insert('a');
        slab.slots[0].generation = LAST_GENERATION;
        let last = LAST_GENERATION << INDEX_BITS;
        assert_eq!(slab.get(key), None);
        assert_eq!(slab.remove(last), Some('a'));
        assert_eq!(slab.insert('b') & INDEX_MASK, 1);
        assert_eq!(slab.get(last), None);
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_map_whose_keys_are_never_reused(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200)) {
            let (mut slab, mut model, mut ever) = (Slab::new(), BTreeMap::new(), BTreeSet::new());
            for (number, (inserts, which)) in steps.into_iter().enumerate() {
                if inserts || ever.is_empty() {
                    let key = slab.insert(number);
                    prop_assert!(ever.insert(key));
                    model.insert(key, number);
                } else {
                    let key = *which.get(&ever.iter().copied().collect::<Vec<_>>());
                    prop_assert_eq!(slab.remove(key), model.remove(&key));
                }
                for key in &ever {
                    prop_assert_eq!(slab.get(*key), model.get(key));
                    prop_assert_eq!(slab.get_mut(*key).copied(), model.get(key).copied());
                }
                let mut keys = slab.keys();
                keys.sort_unstable();
                prop_assert_eq!(keys, model.keys().copied().collect::<Vec<_>>());
                prop_assert_eq!(slab.len(), model.len());
            }
        }
    }
}
