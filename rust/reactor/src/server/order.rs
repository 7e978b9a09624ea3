//! The order of one connection's plain replies, pure: places are taken as requests come, filled in any order, and left in the order taken.
//!
//! Invariants
//! 1. What leaves is a prefix of the places taken, in the order taken.
//! 2. A place is filled once. A filled place leaves as soon as every place before it has left.

use std::collections::VecDeque;

/// Places not yet left; each holds its reply once it is there.
pub(crate) struct Order<T> {
    /// Number of the first place not yet left.
    first: u64,
    waiting: VecDeque<Option<T>>,
}

impl<T> Order<T> {
    pub(crate) fn new() -> Self {
        Self {
            first: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Takes the next place.
    #[inline]
    pub(crate) fn take(&mut self) -> u64 {
        self.waiting.push_back(None);
        self.first + self.waiting.len() as u64 - 1
    }

    /// Whether this place is the next to leave, so that its reply need not be held.
    #[inline]
    pub(crate) fn is_next(&self, place: u64) -> bool {
        place == self.first && !self.waiting.is_empty()
    }

    /// The next place leaves, its reply having gone another way.
    #[inline]
    pub(crate) fn pass(&mut self) {
        let held = self.waiting.pop_front();
        debug_assert!(matches!(held, Some(None)), "only a place that was taken and not filled is passed");
        self.first += 1;
    }

    /// Fills a place that cannot leave yet.
    pub(crate) fn fill(&mut self, place: u64, reply: T) {
        let index = usize::try_from(place - self.first).expect("a place not yet left");
        debug_assert!(self.waiting[index].is_none(), "a place is filled once");
        self.waiting[index] = Some(reply);
    }

    /// The next reply that may leave, if it is there.
    #[inline]
    pub(crate) fn leave(&mut self) -> Option<T> {
        let reply = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.first += 1;
        Some(reply)
    }

    /// Places taken and not left.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The naive model: every place ever, with its reply; how many have left.
    #[derive(Default)]
    struct Model {
        places: Vec<Option<u32>>,
        left: usize,
    }

    impl Model {
        fn leave(&mut self) -> Option<u32> {
            let reply = (*self.places.get(self.left)?)?;
            self.left += 1;
            Some(reply)
        }
    }

    #[test]
    fn a_reply_made_early_waits_for_those_before_it() {
        let mut order = Order::new();
        let (first, second) = (order.take(), order.take());
        assert!(order.is_next(first) && !order.is_next(second));
        order.fill(second, 'b');
        assert_eq!(order.leave(), None);
        order.pass();
        assert_eq!((order.leave(), order.leave(), order.len()), (Some('b'), None, 0));
    }

    #[test]
    fn nothing_is_next_when_no_place_is_taken() {
        assert!(!Order::<()>::new().is_next(0));
    }

    proptest! {
        #[test]
        fn it_behaves_as_the_naive_model(steps in prop::collection::vec((0u8..3, any::<prop::sample::Index>()), 1..200)) {
            let (mut order, mut model, mut open) = (Order::new(), Model::default(), Vec::new());
            for (number, (step, which)) in steps.into_iter().enumerate() {
                match step {
                    0 => {
                        let place = order.take();
                        prop_assert_eq!(place, model.places.len() as u64);
                        model.places.push(None);
                        open.push(place);
                    }
                    1 if !open.is_empty() => {
                        let place = open.swap_remove(which.index(open.len()));
                        let reply = number as u32;
                        model.places[place as usize] = Some(reply);
                        prop_assert_eq!(order.is_next(place), place as usize == model.left);
                        if order.is_next(place) {
                            order.pass();
                            prop_assert_eq!(model.leave(), Some(reply));
                        } else {
                            order.fill(place, reply);
                        }
                    }
                    _ => prop_assert_eq!(order.leave(), model.leave()),
                }
                prop_assert_eq!(order.len(), model.places.len() - model.left);
            }
        }
    }
}
