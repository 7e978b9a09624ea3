//! Spare byte buffers of one driver, so that a busy connection allocates nothing and an idle one holds nothing.

/// Spare buffers kept. Few connections are between two halves of a frame or of a reply at the same moment.
const MOST_SPARE: usize = 16;
/// Largest buffer kept, bytes: a batch of 64 KiB replies fits; 16 of them are the most that a driver sits on.
const MOST_CAPACITY: usize = 4 << 20;

/// The spare buffers.
pub(crate) struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// Makes sure that `buffer` has memory behind it, spare memory if there is some.
    #[inline]
    pub(crate) fn lend(&mut self, buffer: &mut Vec<u8>) {
        if buffer.capacity() == 0 {
            *buffer = self.0.pop().unwrap_or_default();
        }
    }

    /// Takes the memory of a buffer that is done with.
    #[inline]
    pub(crate) fn reclaim(&mut self, buffer: &mut Vec<u8>) {
        let mut buffer = std::mem::take(buffer);
        if self.0.len() < MOST_SPARE && buffer.capacity() != 0 && buffer.capacity() <= MOST_CAPACITY {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

/// Bytes that are added at the end and used up from the front.
#[derive(Default)]
pub(crate) struct Pile {
    bytes: Vec<u8>,
    used: usize,
}

impl Pile {
    /// What is there and not used up.
    #[inline]
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.used..]
    }

    /// Bytes there and not used up.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.used
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Room at the end: the vector to append to. What was used up is moved out of the way when it is the larger part,
    /// so that each byte is moved at most once for each that was used up.
    #[inline]
    pub(crate) fn end(&mut self, buffers: &mut Buffers) -> &mut Vec<u8> {
        buffers.lend(&mut self.bytes);
        if self.used > self.bytes.len() / 2 {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        &mut self.bytes
    }

    /// Uses up `count` bytes of the front; an empty pile gives its memory back.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize, buffers: &mut Buffers) {
        self.used += count;
        debug_assert!(self.used <= self.bytes.len(), "no more than there is");
        if self.is_empty() {
            self.clear(buffers);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self, buffers: &mut Buffers) {
        self.used = 0;
        buffers.reclaim(&mut self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn memory_of_an_empty_pile_serves_the_next() {
        let (mut buffers, mut pile, mut other) = (Buffers::new(), Pile::default(), Pile::default());
        pile.end(&mut buffers).extend_from_slice(&[7; 1000]);
        let memory = pile.rest().as_ptr();
        pile.advance(1000, &mut buffers);
        other.end(&mut buffers).push(1);
        assert_eq!(other.rest().as_ptr(), memory);
    }

    #[test]
    fn a_giant_buffer_is_not_kept() {
        let mut buffers = Buffers::new();
        buffers.reclaim(&mut Vec::with_capacity(MOST_CAPACITY + 1));
        assert!(buffers.0.is_empty());
    }

    proptest! {
        #[test]
        fn a_pile_is_a_queue_of_bytes(steps in prop::collection::vec((0usize..40, 0usize..40), 1..80)) {
            let (mut buffers, mut pile, mut model) = (Buffers::new(), Pile::default(), Vec::new());
            for (step, (add, take)) in steps.into_iter().enumerate() {
                let bytes = vec![step as u8; add];
                pile.end(&mut buffers).extend_from_slice(&bytes);
                model.extend_from_slice(&bytes);
                let take = take.min(model.len());
                pile.advance(take, &mut buffers);
                model.drain(..take);
                prop_assert_eq!(pile.rest(), &model[..]);
                prop_assert_eq!((pile.len(), pile.is_empty()), (model.len(), model.is_empty()));
            }
        }
    }
}
