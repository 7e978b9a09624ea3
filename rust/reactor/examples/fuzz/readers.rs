//! Bytes through the frame and envelope readers; and the bodies that the driver gets too.

use proofplane_reactor::envelope::{EnvelopeError, Head, StableFront, read_reply, read_request, request_id};
use proofplane_reactor::frame::{Front, PREFIX_BYTES, front, prefix};

use crate::random::Random;
use crate::{Counts, MAX_FRAME};

/// A body: half of them valid envelopes with a few changes, half of them bytes.
pub fn body(random: &mut Random) -> Vec<u8> {
    if random.below(2) == 0 {
        return random.bytes(48);
    }
    let name = random.pick(&["Echo", "Work", "Hello", "Nobody", "\u{e9}", ""]);
    let id = (random.below(2) == 0).then(|| random.pick(&[1, 2, 127, 128, 256, 65_536, 1 << 32, u64::MAX]));
    let head = if random.below(8) == 0 {
        Head::reply(id, name)
    } else {
        Head::request(id, name)
    };
    let mut body = [head.expect("a short name").as_bytes(), b"\x81\xa5token\xce\0\0\0\0"].concat();
    random.mutate(&mut body);
    body
}

fn count<T>(counts: &mut Counts, result: &Result<T, EnvelopeError>) {
    *counts
        .entry(result.as_ref().map_or_else(|error| error.code(), |_| "read"))
        .or_default() += 1;
}

/// Bytes through the frame and envelope readers.
pub fn readers(inputs: usize, random: &mut Random) -> Counts {
    let mut counts = Counts::new();
    for _ in 0..inputs {
        let body = body(random);
        let mut framed = [&prefix(body.len())[..], &body].concat();
        framed.extend(random.bytes(8));
        match front(&framed, MAX_FRAME) {
            Front::Frame { body: found, rest } => assert!(found == body && rest == &framed[PREFIX_BYTES + body.len()..]),
            _ => panic!("a whole frame is a frame"),
        }
        random.mutate(&mut framed);
        match front(&framed, MAX_FRAME) {
            Front::Frame { body, rest } => assert_eq!(PREFIX_BYTES + body.len() + rest.len(), framed.len()),
            Front::Partial { total } => assert!(total > framed.len()),
            Front::TooLarge { body } => assert!(body > MAX_FRAME),
        }
        let (request, reply) = (read_request(&body), read_reply(&body));
        let stable = StableFront::of(&body);
        assert_eq!(read_request(stable.bytes()), request);
        assert_eq!(read_reply(stable.bytes()), reply);
        if let Ok(request) = &request {
            assert!(body.ends_with(request.payload) && request.id == request_id(&body));
        }
        count(&mut counts, &request);
        count(&mut counts, &reply);
    }
    counts
}
