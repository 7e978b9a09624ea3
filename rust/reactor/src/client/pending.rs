//! Calls in flight: the plain ones in their order, the others by id; numbers are shared and never reused.
//!
//! Invariants: `plain` and `ids` are ascending and disjoint, and everything in them is below `next`.

use std::collections::VecDeque;

use super::connection::Call;

/// Who asked, and was not answered yet. Bounded by the bytes that the server has taken and the outbox holds.
pub(super) struct Pending {
    next: Call,
    plain: VecDeque<Call>,
    ids: VecDeque<Call>,
}

impl Pending {
    /// Nothing in flight; numbers begin with 1, as 0 is no request id.
    pub(super) fn new() -> Self {
        Self {
            next: 1,
            plain: VecDeque::new(),
            ids: VecDeque::new(),
        }
    }

    /// The number of the next call.
    pub(super) fn next(&self) -> Call {
        self.next
    }

    /// Takes the next number into flight.
    pub(super) fn admit(&mut self, with_id: bool) -> Call {
        let call = self.next;
        self.next += 1;
        if with_id {
            self.ids.push_back(call)
        } else {
            self.plain.push_back(call)
        }
        call
    }

    /// Whose reply this is: the oldest plain call's, or that of the call with this id. `None`: nobody asked.
    pub(super) fn answered(&mut self, id: Option<u64>) -> Option<Call> {
        let Some(id) = id else { return self.plain.pop_front() };
        // Ascending, and a server answers few out of order at a time: the front is the usual hit, else the removal moves little.
        if self.ids.front() == Some(&id) {
            return self.ids.pop_front();
        }
        let place = self.ids.binary_search(&id).ok()?;
        self.ids.remove(place)
    }

    /// How many are in flight.
    pub(super) fn len(&self) -> usize {
        self.plain.len() + self.ids.len()
    }

    /// The connection is over: nobody will be answered.
    pub(super) fn clear(&mut self) {
        self.plain.clear();
        self.ids.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Pending;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn plain_replies_come_in_order_and_ids_are_looked_up_between_them() {
        let mut pending = Pending::new();
        assert_eq!(pending.next(), 1);
        let calls: Vec<u64> = [false, true, true, false].map(|ids| pending.admit(ids)).to_vec();
        assert_eq!(calls, [1, 2, 3, 4]);
        assert_eq!(pending.answered(Some(3)), Some(3));
        assert_eq!(pending.answered(None), Some(1));
        assert_eq!(pending.answered(None), Some(4));
        assert_eq!(pending.answered(Some(2)), Some(2));
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_reply_that_nobody_asked_for_has_no_call() {
        let mut pending = Pending::new();
        assert_eq!(pending.answered(None), None);
        assert_eq!(pending.answered(Some(1)), None);
        pending.admit(true);
        assert_eq!(pending.answered(None), None, "a plain reply does not answer a call with an id");
        assert_eq!(pending.answered(Some(1)), Some(1));
        assert_eq!(pending.answered(Some(1)), None, "an id is answered once");
        pending.admit(false);
        assert_eq!(pending.answered(Some(2)), None, "an id does not answer a plain call");
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_queue_and_a_set(steps in prop::collection::vec((0u8..4, any::<prop::sample::Index>()), 0..200)) {
            let mut pending = Pending::new();
            let (mut plain, mut ids, mut next) = (Vec::new(), BTreeSet::new(), 1u64);
            for (step, index) in steps {
                match step {
                    0 | 1 => {
                        prop_assert_eq!(pending.admit(step == 1), next);
                        if step == 1 { ids.insert(next); } else { plain.push(next); }
                        next += 1;
                    }
                    2 => {
                        let expected = if plain.is_empty() { None } else { Some(plain.remove(0)) };
                        prop_assert_eq!(pending.answered(None), expected);
                    }
                    _ => {
                        let id = index.index(next as usize + 1) as u64;
                        prop_assert_eq!(pending.answered(Some(id)), ids.take(&id));
                    }
                }
                prop_assert_eq!(pending.len(), plain.len() + ids.len());
            }
        }
    }
}
