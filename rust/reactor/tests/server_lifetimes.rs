//! Starting and ending: of clients, of servers, of what either leaves behind.

mod rig;

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use proofplane_reactor::address::Address;
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Driver, Options, Reply, ServeError, Wait};
use rig::{Client, PATIENCE, Rig, contract, error, got};

fn bind(path: &std::path::Path) -> Result<Driver, ServeError> {
    Driver::bind(&Address::Socket(path.to_owned()), contract(), Options::default())
}

fn names(directory: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_client_that_vanishes_before_its_reply_costs_nobody_anything() {
    let mut rig = Rig::new(Limits::default());
    let (mut gone, mut other) = (rig.connect(), rig.connect());
    gone.send(None, "Work", b"\x01");
    gone.send(Some(1), "Work", b"\x02");
    let [plain, with_id] = rig.take();
    drop(gone);
    // The reply is sent before the reactor has seen the end: the system refuses it.
    assert!(rig.answer(&plain, &[0; 100_000]));
    rig.until(|rig| rig.driver.stats().open == 1);
    assert!(!rig.answer(&with_id, b"late"));
    assert_eq!((rig.driver.stats().orphaned, rig.driver.stats().in_flight), (1, 0));
    other.send(None, "Echo", b"\x03");
    let [taken] = rig.take();
    rig.answer(&taken, b"ok");
    assert_eq!(other.read(), got(None, "EchoResponse", b"ok"));
}

#[test]
fn a_late_reply_never_reaches_the_next_client() {
    let mut rig = Rig::new(Limits::default());
    let mut first = rig.connect();
    first.send(None, "Work", b"\x01");
    let [late] = rig.take();
    drop(first);
    rig.until(|rig| rig.driver.stats().open == 0);
    let mut next = rig.connect();
    next.send(None, "Work", b"\x02");
    let [own] = rig.take();
    assert_ne!(late.ticket, own.ticket);
    assert!(!rig.answer(&late, b"not yours"));
    assert!(next.is_silent());
    rig.answer(&own, b"yours");
    assert_eq!(next.read(), got(None, "WorkResponse", b"yours"));
}

#[test]
fn a_client_that_only_stopped_sending_gets_its_replies_and_then_the_end() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    let [taken] = rig.take();
    rig.settle();
    rig.answer(&taken, b"a");
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    assert!(client.is_closed());
    assert_eq!(rig.driver.stats().open, 0);
}

#[test]
fn what_a_client_sent_before_it_closed_is_still_handed_out() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    drop(client);
    let [taken] = rig.take();
    assert_eq!(taken.payload, b"\x01");
    rig.until(|rig| rig.driver.stats().open == 0);
}

#[test]
fn a_thousand_clients_that_connect_at_once_are_all_served() {
    let mut rig = Rig::new(Limits::default());
    let path = rig.path.clone();
    let clients = std::thread::spawn(move || {
        let mut clients: Vec<_> = (0..1000).map(|_| Client::connect(&path)).collect();
        for client in &mut clients {
            client.send(None, "Echo", b"\x01");
        }
        clients
            .iter_mut()
            .map(|client| client.read().payload)
            .filter(|payload| payload == b"\x02")
            .count()
    });
    rig.until(|rig| {
        for taken in std::mem::take(&mut rig.taken) {
            rig.answer(&taken, b"\x02");
        }
        clients.is_finished()
    });
    assert_eq!(clients.join().unwrap(), 1000);
    rig.until(|rig| rig.driver.stats().open == 0);
    assert_eq!(rig.driver.stats().accepted, 1000);
}

#[test]
fn clients_over_the_bound_wait_until_there_is_room() {
    let mut rig = Rig::new(Limits {
        max_connections: 2,
        ..Limits::default()
    });
    let (first, _second, mut third) = (rig.connect(), rig.connect(), rig.connect());
    third.send(None, "Echo", b"\x01");
    rig.settle();
    assert_eq!((rig.driver.stats().open, rig.taken.len()), (2, 0));
    drop(first);
    let [taken] = rig.take();
    rig.answer(&taken, b"\x02");
    assert_eq!(third.read(), got(None, "EchoResponse", b"\x02"));
}

#[test]
fn connecting_and_leaving_ten_thousand_times_leaks_nothing() {
    let mut rig = Rig::new(Limits::default());
    rig.settle();
    let open = || {
        std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter(|fd| fd.as_ref().is_ok_and(|fd| is_socket(&fd.path())))
            .count()
    };
    let before = open();
    for _ in 0..10_000 {
        drop(rig.connect());
        rig.settle();
    }
    rig.until(|rig| rig.driver.stats().open == 0);
    // Other tests of this program have sockets too: a leak would be thousands.
    assert!(open() < before + 1500);
    assert_eq!(rig.driver.stats().accepted, 10_000);
}

fn is_socket(path: &std::path::Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.file_type().is_socket())
}

#[test]
fn the_socket_is_for_its_user_alone_and_nothing_else_is_left_in_the_directory() {
    let rig = Rig::new(Limits::default());
    let data = std::fs::symlink_metadata(&rig.path).unwrap();
    assert_eq!(data.permissions().mode() & 0o777, 0o600);
    assert_eq!(names(rig.directory.path()), ["x.sock"]);
}

#[test]
fn a_living_server_keeps_its_address() {
    let rig = Rig::new(Limits::default());
    let error = bind(&rig.path).err().unwrap();
    assert!(
        matches!(&error, ServeError::InUse(who) if *who == format!("process {}", std::process::id())),
        "{error}"
    );
    assert_eq!(names(rig.directory.path()), ["x.sock"]);
}

#[test]
fn a_dead_servers_socket_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    drop(UnixListener::bind(&path).unwrap());
    let driver = bind(&path).unwrap();
    UnixStream::connect(&path).unwrap();
    drop(driver);
    assert!(names(directory.path()).is_empty());
}

#[test]
fn what_is_no_socket_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    std::fs::write(&path, "precious").unwrap();
    let error = bind(&path).err().unwrap();
    assert!(error.to_string().contains("is not a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn temporary_names_of_dead_servers_are_removed_and_those_of_living_ones_kept() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let (dead, alive) = (
        format!(".pp-{}-00000001", child.id()),
        format!(".pp-{}-00000002", std::process::id()),
    );
    for name in [&dead, &alive] {
        drop(UnixListener::bind(directory.path().join(name)).unwrap());
    }
    let _driver = bind(&directory.path().join("x.sock")).unwrap();
    assert_eq!(names(directory.path()), [alive, "x.sock".into()]);
}

#[test]
fn a_server_removes_its_own_socket_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let driver = bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    let inode = std::fs::symlink_metadata(&path).unwrap().ino();
    drop(driver);
    assert_eq!(std::fs::symlink_metadata(&path).unwrap().ino(), inode);
    drop(other);
}

#[test]
fn of_servers_that_start_together_exactly_one_gets_the_address() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    for _ in 0..20 {
        drop(UnixListener::bind(&path).unwrap());
        let barrier = Barrier::new(8);
        let won = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                let driver = bind(&path);
                // Nobody ends before everybody has tried.
                barrier.wait();
                driver.is_ok()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
        assert!(names(directory.path()).is_empty());
    }
}

#[test]
fn whoever_sees_a_socket_can_connect_to_it() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..50 {
        let path = directory.path().join(format!("{number}.sock"));
        let watcher = {
            let path = path.clone();
            std::thread::spawn(move || {
                while !path.exists() {
                    std::thread::yield_now();
                }
                UnixStream::connect(&path).map(drop)
            })
        };
        let driver = bind(&path).unwrap();
        watcher.join().unwrap().unwrap();
        drop(driver);
    }
}

#[test]
fn answers_and_notices_from_other_threads_wake_a_sleeping_driver() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    let [taken] = rig.take();
    let handle = rig.driver.handle();
    let from = handle.clone();
    let answerer = std::thread::spawn(move || from.complete(taken.ticket, Reply::Ok(b"a".to_vec())));
    let begun = Instant::now();
    rig.until(|rig| rig.driver.stats().replies == 1);
    answerer.join().unwrap();
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    let notifier = std::thread::spawn(move || handle.notify());
    rig.turn(Wait::Sleep(Some(PATIENCE)));
    assert!(begun.elapsed() < PATIENCE);
    notifier.join().unwrap();
}

#[test]
fn a_drain_lets_what_is_in_flight_finish_and_takes_nothing_new() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    let [taken] = rig.take();
    assert!(!rig.driver.drain());
    assert!(rig.driver.draining() && !rig.driver.ended());
    assert!(UnixStream::connect(&rig.path).is_err());
    client.send(None, "Work", b"\x02");
    rig.settle();
    assert!(rig.taken.is_empty());
    rig.answer(&taken, b"a");
    assert!(rig.driver.drain() && rig.driver.ended());
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    assert!(client.is_closed());
    assert!(names(rig.directory.path()).is_empty());
    assert_eq!(rig.turn(Wait::Sleep(None)), 0);
}

#[test]
fn an_abort_answers_what_is_in_flight_with_an_error_in_order() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    for id in [None, Some(5), None] {
        client.send(id, "Work", b"\x01");
    }
    let taken = rig.take::<3>();
    rig.answer(&taken[2], b"done");
    rig.driver.abort();
    let mut replies = [client.read(), client.read(), client.read()];
    replies.sort_by_key(|reply| reply.id.is_none());
    let down = "the server is shutting down";
    assert_eq!(
        replies,
        [error(Some(5), down), error(None, down), got(None, "WorkResponse", b"done")]
    );
    assert!(client.is_closed());
    assert!(names(rig.directory.path()).is_empty());
}

#[test]
fn a_shutdown_from_another_thread_aborts_at_its_deadline() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    rig.take::<1>();
    rig.driver.handle().shutdown(Instant::now() + Duration::from_millis(20));
    rig.until(|rig| rig.driver.ended());
    assert_eq!(client.read(), error(None, "the server is shutting down"));
    assert!(client.is_closed());
}

#[test]
fn a_shutdown_with_nothing_in_flight_ends_at_once() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    rig.until(|rig| rig.driver.stats().open == 1);
    rig.driver.handle().shutdown(Instant::now() + Duration::from_secs(3600));
    rig.turn(Wait::Sleep(None));
    assert!(rig.driver.ended() && client.is_closed());
}
