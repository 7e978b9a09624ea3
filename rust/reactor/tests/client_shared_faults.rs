//! A client over shared memory, when its server ends, is killed, cuts it off, or writes nonsense.

mod client_raw;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

use client_raw::shm::{Ours, fresh_name, join};
use client_raw::{id_reply, options, plain_reply, until_lost};
use proofplane_reactor::client::{Connection, Lost, SubmitError};
use proofplane_reactor::limits::Limits;
use proofplane_ring::layout;
use rustix::event::{PollFd, PollFlags, poll};

/// Waits for the end of a connection: how many replies came before it, and why.
type Wait = fn(&mut Connection) -> (usize, Lost);

/// Asleep in the futex, or in an event loop.
const WAYS: [Wait; 2] = [
    |client| {
        let (replies, lost) = until_lost(client);
        (replies.len(), lost)
    },
    |client| {
        let mut count = 0;
        loop {
            match client.turn(false, &mut |_, _, _| count += 1) {
                Ok(0) => drop(poll(&mut [PollFd::from_borrowed_fd(client.as_fd(), PollFlags::IN)], None)),
                Ok(_) => {}
                Err(lost) => return (count, lost),
            }
        }
    },
];

const OVER: &str = "the server has ended, or cut this client off";

/// A server, a client with two calls in flight, its slot, and the name.
fn two_in_flight() -> (Ours, Connection, u32, String) {
    let name = fresh_name();
    let mut server = Ours::create(&name, 1);
    let mut client = join(
        &name,
        options(Limits {
            max_frame: 1000,
            ..Limits::default()
        }),
    );
    let slot = server.accept();
    (0..2).for_each(|_| assert!(client.submit("A", b"\x80").is_ok()));
    client.flush().unwrap();
    (server, client, slot, name)
}

#[test]
fn a_server_that_ends_in_good_order_fails_what_it_has_not_answered() {
    for wait in WAYS {
        let (mut server, mut client, slot, _) = two_in_flight();
        server.write(slot, &plain_reply(b"\x80"));
        drop(server);
        assert_eq!(
            wait(&mut client),
            (1, Lost::Ended(OVER.into())),
            "what it published before its end is delivered"
        );
        assert_eq!(client.in_flight(), 0);
        assert_eq!(client.submit("A", b"\x80"), Err(SubmitError::Lost(Lost::Ended(OVER.into()))));
    }
}

#[test]
fn a_sleeping_client_is_woken_by_the_end() {
    for wait in WAYS {
        let (server, mut client, ..) = two_in_flight();
        let end = std::thread::spawn(move || drop(server));
        assert_eq!(wait(&mut client), (0, Lost::Ended(OVER.into())));
        end.join().unwrap();
    }
}

#[test]
fn a_client_that_was_cut_off_is_told() {
    for wait in WAYS {
        let (mut server, mut client, slot, _) = two_in_flight();
        server.0.condemn(slot);
        assert_eq!(wait(&mut client), (0, Lost::Ended(OVER.into())));
    }
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn serves_and_never_answers_when_told_to() {
    let Ok(name) = std::env::var("PROOFPLANE_TEST_SERVE") else { return };
    let mut server = Ours::create(&name, 1);
    println!("\nready");
    loop {
        server.sleep();
        server.events();
    }
}

/// A server in its own process.
fn spawn_server(name: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "serves_and_never_answers_when_told_to", "--nocapture"])
        .env("PROOFPLANE_TEST_SERVE", name)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
    child
}

#[test]
fn a_killed_server_fails_every_call_at_once() {
    // A few calls in its ring, or so many that most of them wait for room.
    for (wait, calls) in WAYS.into_iter().flat_map(|wait| [(wait, 3), (wait, 30)]) {
        let name = fresh_name();
        let mut server = spawn_server(&name);
        let mut client = join(&name, options(Limits::default()));
        (0..calls).for_each(|_| assert!(client.submit("A", &[0; 1000]).is_ok()));
        assert_eq!(client.flush(), Ok(calls == 3));
        assert_eq!(client.turn(false, &mut |_, _, _| {}), Ok(0));
        server.kill().unwrap();
        assert_eq!(wait(&mut client), (0, Lost::Ended("the server's process has ended".into())));
        assert_eq!(client.in_flight(), 0);
        server.wait().unwrap();
        // What it left is removed by the next server of this name.
        drop(Ours::create(&name, 1));
    }
}

/// Writes nonsense into a reply ring.
type Scribble = Box<dyn Fn(&File)>;

#[test]
fn a_hostile_reply_ring_breaks_the_connection_and_nothing_else() {
    let head = |value: u64| move |ring: &File| ring.write_all_at(&value.to_le_bytes(), layout::HEAD as u64).unwrap();
    let length = |value: u32| {
        move |ring: &File| {
            ring.write_all_at(&value.to_le_bytes(), layout::HEADER_BYTES as u64).unwrap();
            ring.write_all_at(&24u64.to_le_bytes(), layout::HEAD as u64).unwrap();
        }
    };
    let scribbles: [(&str, Scribble); 8] = [
        ("a head beyond the ring", Box::new(head(1 << 40))),
        ("a head behind the tail", Box::new(head(u64::MAX))),
        ("a head inside a prefix", Box::new(head(3))),
        ("a length beyond what was published", Box::new(length(21))),
        ("an endless length", Box::new(length(u32::MAX))),
        ("a zero-length reply", Box::new(length(0))),
        ("a body of zeros", Box::new(length(20))),
        (
            "a wrap beyond what was published",
            Box::new(move |ring| {
                ring.write_all_at(&0u64.to_le_bytes(), layout::WRAP_HEAD as u64).unwrap();
                head(8)(ring);
            }),
        ),
    ];
    for (what, scribble) in scribbles {
        for wait in WAYS {
            let (_server, mut client, slot, name) = two_in_flight();
            scribble(&File::options().write(true).open(format!("/dev/shm/{name}_resp_{slot}")).unwrap());
            let (count, lost) = wait(&mut client);
            assert!(count == 0 && matches!(lost, Lost::Broken(_)), "{what}: {count} {lost:?}");
            assert_eq!(client.in_flight(), 0, "{what}");
        }
    }
}

#[test]
fn a_name_that_the_server_changes_while_its_reply_is_delivered_stays_what_was_checked() {
    for with_id in [false, true] {
        let (mut server, mut client, slot, name) = two_in_flight();
        client.use_ids(with_id);
        let body = if with_id {
            client.submit("A", b"\x80").unwrap();
            client.flush().unwrap();
            id_reply(3, b"\x80")
        } else {
            plain_reply(b"\x80")
        };
        server.write(slot, &body);
        let ring = File::options().write(true).open(format!("/dev/shm/{name}_resp_{slot}")).unwrap();
        let start = (layout::HEADER_BYTES + layout::PREFIX_BYTES) as u64;
        let mut seen = Vec::new();
        let mut sink = |_, name: &str, _: &[u8]| {
            ring.write_all_at(&vec![0xff; body.len()], start).unwrap();
            seen.extend_from_slice(name.as_bytes());
        };
        assert_eq!(client.turn(false, &mut sink), Ok(1));
        assert_eq!(seen, b"R", "what is no longer UTF-8 must not be seen as a str");
    }
}

#[test]
fn replies_that_make_no_sense_break_the_connection() {
    let bodies = [
        (id_reply(1, b"\x80"), "no call in flight"),
        (b"\xc0".to_vec(), "cannot be read"),
        (plain_reply(&[0; 1000]), "takes 1000"),
    ];
    for (body, reason) in bodies {
        let (mut server, mut client, slot, _) = two_in_flight();
        server.write(slot, &plain_reply(b"\x80"));
        server.write(slot, &body);
        let (count, lost) = WAYS[0](&mut client);
        let reason = reason.replace("no call", "which no call");
        assert!(
            count == 1 && matches!(&lost, Lost::Broken(why) if why.contains(&reason)),
            "{lost:?}"
        );
    }
}

#[test]
fn closing_gives_the_slot_back_at_once() {
    let (mut server, mut client, slot, _) = two_in_flight();
    client.close();
    assert_eq!(
        (server.read(slot).is_some(), server.read(slot).is_some(), server.read(slot)),
        (true, true, None)
    );
}
