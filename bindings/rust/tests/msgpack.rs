//! The codec: one form written, every width read, nothing taken for something else.

use std::collections::BTreeMap;

use proofplane_rpc::msgpack::{DecodeError, Pack, Reader, Writer, from_bytes, to_bytes};
use proptest::prelude::*;

#[path = "../examples/echo/generated/mod.rs"]
mod echo;

use echo::types::{EchoBytes, Everything, Fail, Forget, Point, Sleep};

fn point() -> impl Strategy<Value = Point> {
    (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(x, y)| Point { x, y })
}

/// Integers of which each width is as likely as any other.
fn wide() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

prop_compose! {
    fn everything()(
        (small, medium, word, large, ratio, flag) in (any::<u8>(), any::<u16>(), any::<u32>(), wide(), any::<f64>(), any::<bool>()),
        (text, blob) in (".{0,40}", prop::collection::vec(any::<u8>(), 0..300)),
        (field, pair, nested) in (any::<[u8; 32]>(), any::<[[u8; 32]; 2]>(), point()),
        (maybe, maybe_point) in (any::<Option<u32>>(), prop::option::of(point())),
        numbers in prop::collection::vec(wide(), 0..40),
        state in prop::collection::btree_map(any::<u32>(), (any::<[u8; 32]>(), wide()), 0..20),
        points in prop::collection::vec(point(), 0..20),
    ) -> Everything {
        Everything {
            small, medium, word, large, ratio, flag, text, blob, field, maybe, numbers, pair, state, nested, points, maybe_point,
        }
    }
}

proptest! {
    #[test]
    fn every_value_comes_back_from_its_bytes(value in everything()) {
        prop_assert_eq!(from_bytes::<Everything>(&to_bytes(&value)), Ok(value));
    }

    #[test]
    fn bytes_cut_anywhere_are_refused(value in everything(), cut in any::<prop::sample::Index>()) {
        let bytes = to_bytes(&value);
        prop_assert!(from_bytes::<Everything>(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn bytes_after_a_value_are_refused(value in everything(), rest in prop::collection::vec(any::<u8>(), 1..9)) {
        let mut bytes = to_bytes(&value);
        bytes.extend_from_slice(&rest);
        prop_assert_eq!(from_bytes::<Everything>(&bytes), Err(DecodeError::Trailing(rest.len())));
    }

    #[test]
    fn no_change_of_a_byte_makes_the_reader_fail(value in everything(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = to_bytes(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = from_bytes::<Everything>(&bytes) {
            // Compared as bytes: a changed float may be no number, which equals nothing.
            let anew = to_bytes(&read);
            prop_assert_eq!(to_bytes(&from_bytes::<Everything>(&anew).unwrap()), anew);
        }
    }

    #[test]
    fn skipping_takes_exactly_one_value_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut reader = Reader::new(&bytes);
        if reader.skip().is_ok() {
            let left = reader.finish().map_or_else(|error| if let DecodeError::Trailing(left) = error { left } else { 0 }, |()| 0);
            let taken = &bytes[..bytes.len() - left];
            let mut alone = Reader::new(taken);
            prop_assert_eq!(alone.skip(), Ok(()));
            prop_assert_eq!(alone.finish(), Ok(()));
            prop_assert_eq!(Reader::new(&taken[..taken.len() - 1]).skip(), Err(DecodeError::Truncated));
        }
    }
}

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer);
    writer.into_bytes()
}

#[test]
fn integers_take_the_fewest_bytes() {
    let sizes = [
        (0x7f, 1),
        (0x80, 2),
        (0xff, 2),
        (0x100, 3),
        (0xffff, 3),
        (0x1_0000, 5),
        (0xffff_ffff, 5),
        (0x1_0000_0000, 9),
    ];
    for (value, bytes) in sizes {
        assert_eq!(written(|writer| writer.u64(&value)).len(), bytes, "{value:#x}");
    }
}

#[test]
fn a_float_takes_nine_bytes_though_it_is_whole() {
    assert_eq!(written(|writer| writer.f64(&1.0)), [0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn lengths_take_the_fewest_bytes_that_their_kind_has() {
    let head = |bytes: Vec<u8>| bytes[0];
    let text = |size| head(written(|writer| writer.string(&"x".repeat(size))));
    assert_eq!(
        [0, 31, 32, 255, 256, 65_535, 65_536].map(text),
        [0xa0, 0xbf, 0xd9, 0xd9, 0xda, 0xda, 0xdb]
    );
    let blob = |size| head(written(|writer| writer.bytes(&vec![0; size])));
    assert_eq!([0, 255, 256, 65_535, 65_536].map(blob), [0xc4, 0xc4, 0xc5, 0xc5, 0xc6]);
    let list = |size| head(written(|writer| writer.list(&vec![0; size], Writer::u8)));
    assert_eq!([0, 15, 16, 65_535, 65_536].map(list), [0x90, 0x9f, 0xdc, 0xdc, 0xdd]);
    let map = |size| {
        head(written(|writer| {
            writer.map(&(0..size).map(|key| (key, 0)).collect(), Writer::u32, Writer::u8)
        }))
    };
    assert_eq!([0, 15, 16, 65_535, 65_536].map(map), [0x80, 0x8f, 0xde, 0xde, 0xdf]);
}

#[test]
fn nil_stands_for_an_absent_value_and_its_key_stays() {
    let mut reader = Reader::new(&[0xc0]);
    assert_eq!(reader.optional(Reader::u8), Ok(None));
    assert_eq!(written(|writer| writer.optional(&None, Writer::u8)), [0xc0]);
}

fn refusal(bytes: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Option<DecodeError>) -> &'static str {
    read(&mut Reader::new(bytes)).map_or("taken", |error| error.reason())
}

#[test]
fn nothing_is_taken_for_something_else() {
    let text_for_bytes = refusal(b"\xa1x", |reader| reader.bytes().err());
    let text_for_fixed = refusal(b"\xa1x", |reader| reader.fixed::<1>().err());
    let list_for_bytes = refusal(&[0x91, 1], |reader| reader.bytes().err());
    let bytes_for_text = refusal(&[0xc4, 1, b'x'], |reader| reader.string().err());
    let float_for_integer = refusal(&[0xca, 0x3f, 0x80, 0, 0], |reader| reader.u8().err());
    let integer_for_bool = refusal(&[1], |reader| reader.bool().err());
    let list_for_struct = refusal(&[0x91, 0xc4, 0], |reader| reader.value::<EchoBytes>().err());
    let nil_for_integer = refusal(&[0xc0], |reader| reader.u8().err());
    for refused in [
        text_for_bytes,
        text_for_fixed,
        list_for_bytes,
        bytes_for_text,
        float_for_integer,
        integer_for_bool,
        list_for_struct,
        nil_for_integer,
    ] {
        assert_eq!(refused, "wrong_type");
    }
}

#[test]
fn a_field_given_twice_counts_as_given_last_and_an_unknown_one_is_passed_over() {
    let bytes = written(|writer| {
        writer.entries(3);
        writer.string("message");
        writer.string("first");
        writer.string("unknown");
        writer.list(&[vec![1, 2], vec![3]], |w, v| w.list(v, Writer::u64));
        writer.string("message");
        writer.string("last");
    });
    assert_eq!(from_bytes(&bytes), Ok(Fail { message: "last".into() }));
}

#[test]
fn a_missing_field_is_named() {
    let bytes = written(|writer| {
        writer.entries(1);
        writer.string("milliseconds");
        writer.u8(&1);
    });
    assert_eq!(
        from_bytes::<Sleep>(&bytes).map_err(|error| error.to_string()),
        Err("missing field token".into())
    );
    assert_eq!(from_bytes(&[0x80]), Ok(Forget {}));
}

#[test]
fn maps_leave_with_ascending_keys_and_arrive_in_any_order() {
    let map = BTreeMap::from([(300_u32, 1_u8), (2, 9)]);
    assert_eq!(
        written(|writer| writer.map(&map, Writer::u32, Writer::u8)),
        [0x82, 2, 9, 0xcd, 1, 0x2c, 1]
    );
    let mut reader = Reader::new(&[0x82, 0xcd, 1, 0x2c, 1, 2, 9]);
    assert_eq!(reader.map(Reader::u32, Reader::u8), Ok(map));
}

#[test]
fn a_head_that_announces_more_than_there_is_costs_nothing() {
    for head in [
        [0xdd, 0xff, 0xff, 0xff, 0xff, 1],
        [0xdf, 0xff, 0xff, 0xff, 0xff, 1],
        [0xc6, 0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let mut reader = Reader::new(&head);
        assert_eq!(reader.skip(), Err(DecodeError::Truncated));
    }
    assert_eq!(
        refusal(&[0xdd, 0xff, 0xff, 0xff, 0xff, 1], |reader| reader.list(Reader::u8).err()),
        "truncated"
    );
}

#[test]
fn nesting_costs_the_reader_no_stack() {
    let deep = [vec![0x91; 1_000_000], vec![0xc0]].concat();
    assert_eq!(Reader::new(&deep).skip(), Ok(()));
}

#[test]
fn a_packed_value_must_fill_its_bytes() {
    let inside = to_bytes(&Forget {});
    let packed = written(|writer| writer.packed(&Forget {}, |w, v| v.pack(w)));
    assert_eq!(packed, [vec![0xc4, 1], inside].concat());
    assert_eq!(
        refusal(&[0xc4, 2, 0x80, 0x80], |reader| reader.packed(Reader::value::<Forget>).err()),
        "trailing"
    );
}
