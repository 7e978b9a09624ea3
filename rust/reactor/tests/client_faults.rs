//! A client over a socket, against servers that end, lie or send nonsense: every call in flight fails at once, with the reason.

mod client_raw;

use client_raw::{connect, connected, frame, id_reply, plain_reply, read_frame, until_lost, write};
use proofplane_reactor::client::{Connection, Lost, SubmitError};
use proofplane_reactor::limits::Limits;
use std::os::unix::net::UnixListener;

/// The end of a client with one plain call in flight, whose server answers with exactly these bytes and then waits for its end.
fn end_after(bytes: Vec<u8>) -> (Connection, usize, Lost) {
    let limits = Limits {
        max_frame: 1000,
        ..Limits::default()
    };
    let (_directory, mut client, server) = connected(limits, move |mut stream| {
        read_frame(&mut stream);
        write(&mut stream, &bytes);
        // Until the client has closed: only then is it known that it did not wait for more.
        read_frame(&mut stream)
    });
    client.submit("A", b"\x80").unwrap();
    let (replies, lost) = until_lost(&mut client);
    assert_eq!(server.join().unwrap(), None);
    (client, replies.len(), lost)
}

fn broken(bytes: Vec<u8>, replies: usize, reason: &str) {
    let (mut client, delivered, lost) = end_after(bytes);
    assert_eq!(delivered, replies);
    assert!(
        matches!(&lost, Lost::Broken(why) if why.contains(reason)),
        "{lost:?} does not say {reason}"
    );
    assert_eq!(client.in_flight(), 0);
    assert_eq!(client.submit("A", b"\x80"), Err(SubmitError::Lost(lost.clone())));
    assert_eq!(client.flush(), Err(lost.clone()));
    assert_eq!(client.turn(false, &mut |_, _, _| {}), Err(lost.clone()));
    assert_eq!(client.wait(None, &mut |_, _, _| {}), Err(lost));
}

#[test]
fn a_reply_over_the_limit_breaks_the_connection_before_its_bytes_come() {
    broken(1001u32.to_le_bytes().into(), 0, "1001 bytes; this connection takes 1000");
    broken(u32::MAX.to_le_bytes().into(), 0, "4294967295 bytes");
}

#[test]
fn a_zero_length_reply_breaks_the_connection_and_is_not_skipped() {
    broken(frame(b""), 0, "cannot be read: empty");
}

#[test]
fn an_unreadable_reply_breaks_the_connection() {
    broken(frame(b"\xc0"), 0, "cannot be read");
    broken(frame(b"GET / HTTP/1.1\r\n\r\n"), 0, "cannot be read");
    broken(frame(b"\x92\xa1"), 0, "cannot be read: truncated");
    broken(frame(b"\x92\xa1\xff\x80"), 0, "cannot be read: name_not_utf8");
}

#[test]
fn a_reply_that_nobody_asked_for_breaks_the_connection() {
    broken(frame(&id_reply(1, b"\x80")), 0, "with id 1, which no call");
    broken(
        [frame(&plain_reply(b"\x80")), frame(&plain_reply(b"\x80"))].concat(),
        1,
        "with no id, which no call",
    );
}

#[test]
fn the_end_of_the_server_fails_every_call_in_flight() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        (0..5).for_each(|_| drop(read_frame(&mut stream)));
        write(&mut stream, &[frame(&plain_reply(b"1")), frame(&plain_reply(b"2"))].concat());
    });
    (0..5).for_each(|_| assert!(client.submit("A", b"\x80").is_ok()));
    let (replies, lost) = until_lost(&mut client);
    assert_eq!(replies.len(), 2, "what was answered before the end is delivered");
    assert_eq!(lost, Lost::Ended("the server closed the connection".into()));
    assert_eq!(client.in_flight(), 0);
    server.join().unwrap();
}

#[test]
fn an_end_inside_a_reply_says_so() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        read_frame(&mut stream);
        write(&mut stream, &frame(&plain_reply(b"half"))[..6]);
    });
    client.submit("A", b"\x80").unwrap();
    assert_eq!(
        until_lost(&mut client).1,
        Lost::Ended("the server closed the connection in the middle of a reply".into())
    );
    server.join().unwrap();
}

#[test]
fn replies_before_the_end_are_delivered_also_when_sending_found_it_first() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        read_frame(&mut stream);
        write(&mut stream, &frame(&plain_reply(b"last")));
    });
    client.submit("A", b"\x80").unwrap();
    client.flush().unwrap();
    server.join().unwrap();
    client.submit("B", b"\x80").unwrap();
    assert_eq!(client.flush(), Ok(true), "what cannot be sent any more is dropped");
    let (replies, lost) = until_lost(&mut client);
    assert_eq!(replies, [(1, "R".into(), b"last".to_vec())]);
    assert!(matches!(lost, Lost::Ended(_)));
}

#[test]
fn an_end_without_reading_the_requests_is_an_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("raw.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut client = connect(&path, Limits::default());
    client.submit("A", b"\x80").unwrap();
    client.flush().unwrap();
    drop(listener.accept().unwrap());
    assert!(matches!(until_lost(&mut client).1, Lost::Ended(why) if why.contains("without reading everything")));
}

#[test]
fn closing_ends_it_for_the_server_at_once_and_stays_closed() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| read_frame(&mut stream));
    client.submit("A", b"\x80").unwrap();
    client.close();
    assert_eq!(server.join().unwrap(), None, "nothing was flushed");
    let lost = Lost::Ended("this side closed the connection".into());
    assert_eq!((client.in_flight(), client.wants_write()), (0, false));
    assert_eq!(client.submit("A", b"\x80"), Err(SubmitError::Lost(lost)));
}
