//! Frames: a u32 little-endian body length, then the body; decoded incrementally, never trusted.

/// Bytes of the length prefix.
pub const PREFIX_BYTES: usize = 4;

/// What the front of some received bytes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front<'a> {
    /// A whole frame: its body, and what follows it.
    Frame {
        /// Without the prefix.
        body: &'a [u8],
        /// The bytes after the frame.
        rest: &'a [u8],
    },
    /// Not whole yet. `total` is the frame's length with its prefix; it is `PREFIX_BYTES` while the prefix itself is not whole.
    Partial {
        /// Bytes, always more than there are.
        total: usize,
    },
    /// The prefix announces a body over the limit; nothing after it can be made sense of.
    TooLarge {
        /// The length that it announces, bytes.
        body: u32,
    },
}

/// The prefix of a body of `len` bytes. A body is at most `max_frame`, a u32, so that the length always fits; a longer one is a bug.
#[inline]
pub fn prefix(len: usize) -> [u8; PREFIX_BYTES] {
    u32::try_from(len).expect("a frame's body is bounded by max_frame").to_le_bytes()
}

/// Looks at the front of `bytes`. It reserves no memory and reads nothing beyond them, whatever the prefix says.
#[inline]
pub fn front(bytes: &[u8], max_frame: u32) -> Front<'_> {
    let Some((prefix, after)) = bytes.split_first_chunk::<PREFIX_BYTES>() else {
        return Front::Partial { total: PREFIX_BYTES };
    };
    let body = u32::from_le_bytes(*prefix);
    if body > max_frame {
        return Front::TooLarge { body };
    }
    match after.split_at_checked(body as usize) {
        Some((body, rest)) => Front::Frame { body, rest },
        None => Front::Partial {
            total: PREFIX_BYTES + body as usize,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_that_is_not_whole_wants_four_bytes() {
        for len in 0..PREFIX_BYTES {
            assert_eq!(front(&[1, 0, 0, 0][..len], 10), Front::Partial { total: PREFIX_BYTES });
        }
    }

    #[test]
    fn a_body_at_the_limit_passes_and_one_byte_more_does_not() {
        assert_eq!(front(&[2, 0, 0, 0, 7, 8, 9], 2), Front::Frame { body: &[7, 8], rest: &[9] });
        assert_eq!(front(&[3, 0, 0, 0], 2), Front::TooLarge { body: 3 });
        assert_eq!(front(&[3, 0, 0, 0, 1], 3), Front::Partial { total: 7 });
    }

    #[test]
    fn a_zero_length_frame_is_a_frame() {
        assert_eq!(front(&[0, 0, 0, 0], 0), Front::Frame { body: &[], rest: &[] });
    }

    proptest! {
        #[test]
        fn any_cut_of_a_stream_gives_the_same_bodies(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20), cut in 1usize..50) {
            let mut stream = Vec::new();
            for body in &bodies {
                stream.extend_from_slice(&prefix(body.len()));
                stream.extend_from_slice(body);
            }
            let (mut held, mut seen) = (Vec::new(), Vec::new());
            for chunk in stream.chunks(cut) {
                held.extend_from_slice(chunk);
                let mut bytes = held.as_slice();
                loop {
                    match front(bytes, 40) {
                        Front::Frame { body, rest } => {
                            seen.push(body.to_vec());
                            bytes = rest;
                        }
                        Front::Partial { total } => {
                            prop_assert!(total > bytes.len());
                            break;
                        }
                        Front::TooLarge { body } => prop_assert!(false, "{body} is within the limit"),
                    }
                }
                let left = bytes.len();
                held.drain(..held.len() - left);
            }
            prop_assert_eq!(seen, bodies);
            prop_assert!(held.is_empty());
        }
    }
}
