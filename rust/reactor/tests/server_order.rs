//! The order of replies, and the replies that the reactor makes itself.

mod rig;

use proofplane_reactor::envelope::{EnvelopeError, read_request};
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::Reply;
use rig::{Got, Rig, error, framed, got, message};

#[test]
fn plain_replies_leave_in_arrival_order_and_replies_with_ids_at_once_on_one_connection() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    client.send(Some(70), "Work", b"\x02");
    client.send(None, "Echo", b"\x03");
    client.send(Some(5), "Echo", b"\x04");
    let [first, second, third, fourth] = rig.take();
    assert_eq!(
        [&first, &second, &third, &fourth].map(|taken| (taken.method, taken.payload[0])),
        [(1, 1), (1, 2), (0, 3), (0, 4)]
    );
    rig.answer(&fourth, b"d");
    rig.answer(&third, b"c");
    rig.answer(&second, b"b");
    assert_eq!(client.read(), got(Some(5), "EchoResponse", b"d"));
    assert_eq!(client.read(), got(Some(70), "WorkResponse", b"b"));
    assert!(client.is_silent());
    rig.answer(&first, b"a");
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    assert_eq!(client.read(), got(None, "EchoResponse", b"c"));
}

#[test]
fn an_error_of_the_reactor_takes_its_place_in_the_order() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    client.bytes(&framed(b""));
    client.bytes(&framed(b"\xc0"));
    client.send(None, "Nope", b"\x80");
    client.send(None, "Work", b"\x02");
    let [first, last] = rig.take();
    rig.answer(&last, b"z");
    assert!(client.is_silent());
    rig.answer(&first, b"a");
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    assert_eq!(client.read(), error(None, &EnvelopeError::Empty.to_string()));
    assert_eq!(client.read(), error(None, &EnvelopeError::NotAnEnvelope.to_string()));
    assert_eq!(client.read(), error(None, "there is no command \"Nope\" here"));
    assert_eq!(client.read(), got(None, "WorkResponse", b"z"));
    assert_eq!(rig.driver.stats().refused, 3);
}

#[test]
fn every_odd_envelope_gets_an_error_and_the_connection_goes_on() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    let odd: [&[u8]; 12] = [
        b"",
        b"\xc1",
        b"\x90",
        b"\x93\x01\x02\x03",
        b"\x92\xa1N\x80",
        b"\x92\x00\x92\xa1N\x80",
        b"\x91\x80",
        b"\x91\x91\xa1N",
        b"\x91\x92\x05\x80",
        b"\x91\x92\xa1\xff\x80",
        b"\x91\x92\xdb\xff\xff\xff\xff\x80",
        b"\x91\x92\xa4Ec",
    ];
    for body in odd {
        client.bytes(&framed(body));
        rig.settle();
        assert_eq!(client.read(), error(None, &read_request(body).unwrap_err().to_string()));
    }
    client.send(None, "Echo", b"\x01");
    let [taken] = rig.take();
    rig.answer(&taken, b"\x02");
    assert_eq!(client.read(), got(None, "EchoResponse", b"\x02"));
}

#[test]
fn a_bad_envelope_with_a_readable_id_is_answered_under_it_and_out_of_order() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    client.bytes(&framed(b"\x92\x07\x91\xa1N"));
    client.send(Some(8), "Nope", b"\x80");
    rig.take::<1>();
    rig.settle();
    assert_eq!(client.read(), error(Some(7), &EnvelopeError::NotAPair.to_string()));
    assert_eq!(client.read(), error(Some(8), "there is no command \"Nope\" here"));
}

#[test]
fn a_duplicate_id_gets_an_error_and_the_first_request_keeps_its_answer() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    for id in [9, 4, 9, 4] {
        client.send(Some(id), "Work", b"\x01");
    }
    let [nine, four] = rig.take();
    rig.settle();
    for id in [9, 4] {
        let refused = client.read();
        assert_eq!(refused.id, Some(id));
        assert!(message(&refused).contains("in flight already"));
    }
    rig.answer(&four, b"d");
    rig.answer(&nine, b"i");
    assert_eq!(
        [client.read(), client.read()],
        [got(Some(4), "WorkResponse", b"d"), got(Some(9), "WorkResponse", b"i")]
    );
    client.send(Some(9), "Work", b"\x02");
    let [again] = rig.take();
    rig.answer(&again, b"j");
    assert_eq!(client.read(), got(Some(9), "WorkResponse", b"j"));
}

#[test]
fn hello_is_answered_by_the_reactor_whatever_it_holds() {
    let mut rig = Rig::new(Limits {
        max_frame: 600,
        ..Limits::default()
    });
    let mut client = rig.connect();
    client.send(None, "Hello", b"\xc1");
    client.send(Some(3), "Hello", b"\x80");
    rig.settle();
    let payload = [
        b"\x83\xabschema_hash\xc4\x20",
        &[9; 32][..],
        b"\xa3ids\xc3\xa9max_frame\xcd\x02\x58",
    ]
    .concat();
    let answers: [Got; 2] = [client.read(), client.read()];
    assert_eq!(
        answers,
        [got(None, "HelloResponse", &payload), got(Some(3), "HelloResponse", &payload)]
    );
    assert_eq!((rig.driver.stats().requests, rig.driver.stats().refused), (0, 0));
}

#[test]
fn a_ticket_is_answered_once() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    let [taken] = rig.take();
    assert!(rig.answer(&taken, b"a"));
    assert!(!rig.answer(&taken, b"b"));
    assert!(!rig.driver.complete(taken.ticket, Reply::Error("c".into())));
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    assert!(client.is_silent());
    assert_eq!(rig.driver.stats().orphaned, 0);
}

#[test]
fn a_reply_larger_than_the_limit_becomes_an_error_in_its_place() {
    let mut rig = Rig::new(Limits {
        max_frame: 1000,
        ..Limits::default()
    });
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    client.send(Some(2), "Work", b"\x01");
    let [plain, with_id] = rig.take();
    rig.answer(&plain, &[0; 1000]);
    rig.answer(&with_id, &[0; 1000]);
    for id in [None, Some(2)] {
        let refused = client.read();
        assert_eq!(refused.id, id);
        assert!(message(&refused).contains("carries at most 1000"));
    }
}

#[test]
fn a_long_error_message_is_cut_to_what_a_frame_carries() {
    let mut rig = Rig::new(Limits {
        max_frame: 1000,
        ..Limits::default()
    });
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    let [taken] = rig.take();
    rig.driver.complete(taken.ticket, Reply::Error("x".repeat(5000)));
    rig.driver.flush().unwrap();
    assert!(message(&client.read()).ends_with(&"x".repeat(900)));
}
