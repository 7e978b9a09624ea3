//! Tests of envelopes: round trips, every width of every header, every reason code, and that no bytes make the reader fail.

use std::collections::BTreeSet;

use super::{EnvelopeError, Head, read_reply, read_request, request_id};
use proptest::prelude::*;

fn request(id: Option<u64>, name: &str, payload: &[u8]) -> Vec<u8> {
    [Head::request(id, name).unwrap().as_bytes(), payload].concat()
}

fn reply(id: Option<u64>, name: &str, payload: &[u8]) -> Vec<u8> {
    [Head::reply(id, name).unwrap().as_bytes(), payload].concat()
}

#[test]
fn the_shapes_on_the_wire_are_those_of_the_peers() {
    assert_eq!(request(None, "Ab", &[0x80]), b"\x91\x92\xa2Ab\x80");
    assert_eq!(request(Some(300), "Ab", &[0x80]), b"\x92\xcd\x01\x2c\x92\xa2Ab\x80");
    assert_eq!(reply(None, "Ab", &[0x80]), b"\x92\xa2Ab\x80");
    assert_eq!(reply(Some(1), "Ab", &[0x80]), b"\x92\x01\x92\xa2Ab\x80");
}

#[test]
fn a_name_of_255_bytes_passes_and_a_longer_one_does_not() {
    let longest = "n".repeat(255);
    assert_eq!(read_request(&request(Some(u64::MAX), &longest, &[0x80])).unwrap().name, longest);
    assert_eq!(Head::request(None, &"n".repeat(256)).unwrap_err(), EnvelopeError::BadName);
}

#[test]
fn every_width_of_every_header_is_accepted() {
    let arrays = |count: u8| [vec![0x90 | count], vec![0xdc, 0, count], vec![0xdd, 0, 0, 0, count]];
    let names = [
        b"\xa1N".to_vec(),
        b"\xd9\x01N".to_vec(),
        b"\xda\x00\x01N".to_vec(),
        b"\xdb\x00\x00\x00\x01N".to_vec(),
    ];
    let ids: [&[u8]; 9] = [
        &[7],
        &[0xcc, 7],
        &[0xcd, 0, 7],
        &[0xce, 0, 0, 0, 7],
        &[0xcf, 0, 0, 0, 0, 0, 0, 0, 7],
        &[0xd0, 7],
        &[0xd1, 0, 7],
        &[0xd2, 0, 0, 0, 7],
        &[0xd3, 0, 0, 0, 0, 0, 0, 0, 7],
    ];
    for pair in arrays(2) {
        for name in &names {
            for outer in arrays(1) {
                let body = [&outer[..], &pair, name, &[0x80]].concat();
                assert_eq!(read_request(&body).unwrap().id, None);
            }
            for outer in arrays(2) {
                for id in ids {
                    let body = [&outer[..], id, &pair, name, &[0x80]].concat();
                    assert_eq!(read_request(&body).unwrap().id, Some(7));
                    assert_eq!(read_reply(&body).unwrap().name, "N");
                }
            }
        }
    }
}

#[test]
fn each_reason_is_reached_by_a_request() {
    let cases: [(&[u8], EnvelopeError); 20] = [
        (b"", EnvelopeError::Empty),
        (b"\xc0", EnvelopeError::NotAnEnvelope),
        (b"\x80", EnvelopeError::NotAnEnvelope),
        (b"\x90", EnvelopeError::NotAnEnvelope),
        (b"\x93\x01\x02\x03", EnvelopeError::NotAnEnvelope),
        (b"\x92\xa1N\x80", EnvelopeError::IdNotAnInteger),
        (b"\x92\xff\x92\xa1N\x80", EnvelopeError::IdNotAnInteger),
        (b"\x92\xd0\x80\x92\xa1N\x80", EnvelopeError::IdNotAnInteger),
        (b"\x92\xcb\x3f\xf0\0\0\0\0\0\0\x92\xa1N\x80", EnvelopeError::IdNotAnInteger),
        (b"\x92\x00\x92\xa1N\x80", EnvelopeError::IdZero),
        (b"\x91\x80", EnvelopeError::NotAPair),
        (b"\x91\x91\xa1N", EnvelopeError::NotAPair),
        (b"\x91\x93\xa1N\x80\x80", EnvelopeError::NotAPair),
        (b"\x92\x05\xa1N", EnvelopeError::NotAPair),
        (b"\x91\x92\x05\x80", EnvelopeError::BadName),
        (b"\x91\x92\xc4\x01N\x80", EnvelopeError::BadName),
        (b"\x91\x92\xda\x01\x00N\x80", EnvelopeError::BadName),
        (b"\x91\x92\xa1\xff\x80", EnvelopeError::NameNotUtf8),
        (b"\x91\x92\xa2N", EnvelopeError::Truncated),
        (b"\x91\x92\xa1N", EnvelopeError::Truncated),
    ];
    for (body, reason) in cases {
        assert_eq!(read_request(body), Err(reason), "{body:?}");
    }
    let reached: BTreeSet<_> = cases.iter().map(|case| case.1).collect();
    assert_eq!(reached, EnvelopeError::ALL.into_iter().collect());
}

#[test]
fn a_reply_is_no_request_and_the_other_way_round() {
    assert_eq!(read_request(&reply(None, "N", &[0x80])), Err(EnvelopeError::IdNotAnInteger));
    assert_eq!(read_reply(&request(None, "N", &[0x80])), Err(EnvelopeError::NotAnEnvelope));
    assert_eq!(read_reply(b"\x92\x80\x80"), Err(EnvelopeError::IdNotAnInteger));
    assert_eq!(read_reply(b"\x92\x00\x80"), Err(EnvelopeError::IdZero));
    assert_eq!(read_reply(b"\x92\x01\x80"), Err(EnvelopeError::NotAPair));
}

#[test]
fn the_id_of_a_bad_envelope_is_found_if_it_is_readable() {
    assert_eq!(request_id(b"\x92\x05\x91\xa1N"), Some(5));
    assert_eq!(request_id(b"\x92\x05\x92\xa1\xff\x80"), Some(5));
    assert_eq!(request_id(b"\x92\x00\x92\xa1N\x80"), None);
    assert_eq!(request_id(b"\x91\x92\x05\x80"), None);
    assert_eq!(request_id(b"\x92\xcd\x01"), None);
    assert_eq!(request_id(b""), None);
}

#[test]
fn each_reason_has_its_own_code_and_sentence() {
    let codes: BTreeSet<_> = EnvelopeError::ALL.iter().map(|reason| reason.code()).collect();
    let texts: BTreeSet<_> = EnvelopeError::ALL.iter().map(ToString::to_string).collect();
    assert_eq!((codes.len(), texts.len()), (EnvelopeError::ALL.len(), EnvelopeError::ALL.len()));
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let valid = (
        prop::option::of(any::<u64>()),
        "[a-zA-Z]{0,40}",
        prop::collection::vec(any::<u8>(), 0..8),
        any::<bool>(),
    )
        .prop_map(|(id, name, payload, asks)| {
            if asks {
                request(id, &name, &payload)
            } else {
                reply(id, &name, &payload)
            }
        });
    (
        valid,
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(mut body, edits, cut, shorten)| {
            for (at, byte) in edits {
                let at = at.index(body.len());
                body[at] = byte;
            }
            if shorten {
                body.truncate(cut.index(body.len()));
            }
            body
        })
}

proptest! {
    #[test]
    fn what_is_packed_is_read_back(id in prop::option::of(1u64..), name in "\\PC{0,60}", payload in prop::collection::vec(any::<u8>(), 1..50)) {
        let body = request(id, &name, &payload);
        let read = read_request(&body).unwrap();
        prop_assert_eq!((read.id, read.name, read.payload), (id, &name[..], &payload[..]));
        prop_assert_eq!(request_id(&body), id);
        let body = reply(id, &name, &payload);
        let read = read_reply(&body).unwrap();
        prop_assert_eq!((read.id, read.name, read.payload), (id, &name[..], &payload[..]));
    }

    #[test]
    fn mutated_bytes_are_read_or_refused_and_never_more(body in mutated()) {
        for payload in [read_request(&body).map(|read| read.payload), read_reply(&body).map(|read| read.payload)].into_iter().flatten() {
            prop_assert!(!payload.is_empty() && body.ends_with(payload));
        }
        if let Ok(read) = read_request(&body) {
            prop_assert_eq!(request_id(&body), read.id);
        }
    }
}
