//! Servers and clients over real shared memory, in one process.
#![cfg(not(loom))]

mod kit;

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Barrier};
use std::thread;

use kit::{claimed, name, objects, receive, scan, send};
use proofplane_ring::layout::{DOORBELL_BYTES, HEADER_BYTES};
use proofplane_ring::{ChannelError, ClientChannel, Fifo, Owner, Region, ServerChannel, Sleep, SlotEvent, format_ring};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn readable(fd: &impl std::os::fd::AsFd) -> bool {
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&Timespec::default())).expect("polled") == 1
}

#[test]
fn a_request_and_its_reply_cross_and_nothing_is_left_in_the_end() {
    let name = name("cross");
    let mut server = ServerChannel::create(&name, 2, 5000, 4096).expect("created");
    for object in objects(&name) {
        let mode = std::fs::metadata(format!("/dev/shm/{object}")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{object}");
    }
    assert_eq!(objects(&name).len(), 8, "doorbell, bell, and three for each slot");
    let mut client = ClientChannel::join(&name, None).expect("joined");
    assert!(client.ours() && !client.evicted() && !client.vanished());
    assert_eq!(client.server(), Some(Owner::me().expect("/proc")));
    assert_eq!(client.request.most(), 4092, "5000 bytes are rounded up to 8192");
    assert!(server.has_work(), "a claim is work");
    let slot = claimed(&mut server);
    assert!(!server.has_work());
    send(&mut client.request, b"ping");
    client.ring();
    assert!(server.has_work());
    server.ignore(slot, true);
    assert!(!server.has_work());
    server.ignore(slot, false);
    assert_eq!(receive(&mut server.slot(slot).request).expect("there"), b"ping");
    send(&mut server.slot(slot).response, b"pong");
    server.ring(slot);
    assert_eq!(receive(&mut client.response).expect("there"), b"pong");
    drop(server);
    assert!(client.evicted() && client.vanished(), "the server ended in good order");
    drop(client);
    assert_eq!(objects(&name), [""; 0]);
}

#[test]
fn only_one_server_has_a_name_and_the_next_can_follow() {
    let name = name("in-use");
    let server = ServerChannel::create(&name, 1, 4096, 4096).expect("created");
    let error = ServerChannel::create(&name, 1, 4096, 4096).err().expect("refused");
    assert!(matches!(error, ChannelError::InUse { pid } if pid == std::process::id()), "{error}");
    drop(server);
    drop(ServerChannel::create(&name, 1, 4096, 4096).expect("free again"));
}

#[test]
fn of_servers_that_start_together_exactly_one_serves() {
    let name = name("together");
    for _ in 0..20 {
        let start = Arc::new(Barrier::new(4));
        let servers: Vec<_> = (0..4)
            .map(|_| {
                let (name, start) = (name.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    ServerChannel::create(&name, 2, 4096, 4096)
                })
            })
            .collect();
        let servers: Vec<_> = servers.into_iter().map(|server| server.join().expect("no panic")).collect();
        assert!(
            servers
                .iter()
                .all(|server| matches!(server, Ok(_) | Err(ChannelError::InUse { .. })))
        );
        assert_eq!(servers.iter().filter(|server| server.is_ok()).count(), 1);
        assert!(ClientChannel::join(&name, None).is_ok());
    }
    assert_eq!(objects(&name), [""; 0]);
}

#[test]
fn what_a_server_left_that_died_at_its_start_is_removed_and_a_doorbell_that_is_not_ours_never() {
    let name = name("leftovers");
    let doorbell = format!("{name}_req_doorbell");
    let _ring = Region::create(&format!("{name}_req_ring_900"), 4096).expect("made");
    let _fifo = Fifo::create(&format!("{name}_resp_bell_3")).expect("made");
    for bytes in [0, 7, DOORBELL_BYTES] {
        let file = std::fs::File::create_new(format!("/dev/shm/{doorbell}")).expect("made");
        file.set_len(bytes as u64).expect("sized");
        let refused = ServerChannel::create(&name, 1, 4096, 4096).err();
        assert!(
            matches!(refused, Some(ChannelError::Foreign { object }) if object == doorbell),
            "{bytes}"
        );
        assert_eq!(objects(&name).len(), 3, "{bytes}: nothing is touched");
        Region::unlink(&doorbell).expect("gone");
    }
    let server = ServerChannel::create(&name, 1, 4096, 4096).expect("taken over");
    assert_eq!(objects(&name).len(), 5);
    drop(server);
    assert_eq!(objects(&name), [""; 0]);
}

#[test]
fn a_slot_is_taken_once_and_free_again_after_its_client_left() {
    let name = name("slots");
    let mut server = ServerChannel::create(&name, 2, 4096, 4096).expect("created");
    let first = ClientChannel::join(&name, Some(1)).expect("free");
    assert!(matches!(
        ClientChannel::join(&name, Some(1)),
        Err(ChannelError::SlotTaken { slot: 1 })
    ));
    assert!(matches!(
        ClientChannel::join(&name, Some(2)),
        Err(ChannelError::SlotTaken { slot: 2 })
    ));
    let second = ClientChannel::join(&name, None).expect("slot 0");
    assert!(matches!(ClientChannel::join(&name, None), Err(ChannelError::Full { slots: 2 })));
    let owner = Owner::me().expect("/proc");
    let both = [SlotEvent::Claimed { slot: 0, owner }, SlotEvent::Claimed { slot: 1, owner }];
    assert_eq!(scan(&mut server), both);
    drop(first);
    assert!(
        matches!(ClientChannel::join(&name, Some(1)), Err(ChannelError::SlotTaken { slot: 1 })),
        "not before the server let go"
    );
    assert_eq!(scan(&mut server), [SlotEvent::Left { slot: 1 }]);
    assert_eq!(scan(&mut server), [], "said once");
    server.reset(1);
    server.reset(1);
    assert_eq!(scan(&mut server), []);
    let third = ClientChannel::join(&name, Some(1)).expect("free again");
    assert_eq!(scan(&mut server), [SlotEvent::Claimed { slot: 1, owner }]);
    assert!(!second.evicted() && !third.evicted());
}

#[test]
fn a_client_that_came_and_went_unseen_leaves_a_free_and_empty_slot() {
    let name = name("unseen");
    let mut server = ServerChannel::create(&name, 1, 4096, 4096).expect("created");
    let mut client = ClientChannel::join(&name, None).expect("free");
    send(&mut client.request, b"unheard");
    drop(client);
    assert!(server.has_work());
    assert_eq!(scan(&mut server), []);
    let _next = ClientChannel::join(&name, None).expect("free");
    let slot = claimed(&mut server);
    assert_eq!(receive(&mut server.slot(slot).request), None);
}

#[test]
fn clients_that_join_together_each_get_a_slot_of_their_own() {
    let name = name("claims");
    let mut server = ServerChannel::create(&name, 8, 4096, 4096).expect("created");
    let start = Arc::new(Barrier::new(12));
    let clients: Vec<_> = (0..12u8)
        .map(|number| {
            let (name, start) = (name.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                let mut client = ClientChannel::join(&name, None).ok()?;
                send(&mut client.request, &[number]);
                Some(client)
            })
        })
        .collect();
    let clients: Vec<_> = clients.into_iter().filter_map(|client| client.join().expect("no panic")).collect();
    assert_eq!((clients.len(), scan(&mut server).len()), (8, 8));
    let mut heard: Vec<_> = (0..8)
        .map(|slot| receive(&mut server.slot(slot).request).expect("one each"))
        .collect();
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), 8, "no two wrote into one ring");
}

#[test]
fn the_next_owner_sees_neither_late_replies_nor_rings_nor_counters_of_the_last() {
    let name = name("late");
    let mut server = ServerChannel::create(&name, 1, 4096, 4096).expect("created");
    let mut client = ClientChannel::join(&name, None).expect("free");
    claimed(&mut server);
    for _ in 0..3 {
        send(&mut client.request, &[1; 2000]);
        receive(&mut server.slot(0).request);
    }
    send(&mut client.request, b"unread");
    client.request.set_blocked(true);
    client.arm(Sleep::Poll);
    drop(client);
    send(&mut server.slot(0).response, b"late");
    server.ring(0);
    assert_eq!(scan(&mut server), [SlotEvent::Left { slot: 0 }]);
    server.reset(0);
    let mut next = ClientChannel::join(&name, None).expect("free");
    claimed(&mut server);
    assert_eq!(receive(&mut next.response), None);
    assert_eq!(receive(&mut server.slot(0).request), None);
    assert!(!readable(next.fifo().expect("ours")), "the last owner's wake");
    send(&mut next.request, b"mine");
    assert!(
        server.slot(0).request.peek().expect("sound").is_some() && !server.slot(0).request.release(),
        "nobody waits for room"
    );
}

#[test]
fn a_condemned_client_is_told_and_woken() {
    let name = name("condemned");
    let mut server = ServerChannel::create(&name, 1, 4096, 4096).expect("created");
    let client = ClientChannel::join(&name, None).expect("free");
    claimed(&mut server);
    client.arm(Sleep::Poll);
    server.condemn(0);
    assert!(client.evicted() && readable(client.fifo().expect("ours")));
    assert!(
        matches!(ClientChannel::join(&name, None), Err(ChannelError::Full { .. })),
        "its own until it leaves"
    );
    drop(client);
    assert_eq!(scan(&mut server), [SlotEvent::Left { slot: 0 }]);
}

#[test]
fn a_sleeper_in_epoll_is_woken_through_its_pipe_only_while_it_sleeps() {
    let name = name("pipe");
    let mut server = ServerChannel::create(&name, 1, 4096, 4096).expect("created");
    let client = ClientChannel::join(&name, None).expect("free");
    claimed(&mut server);
    client.ring();
    assert!(!readable(&server.fifo()), "it is awake");
    server.arm(Sleep::Poll);
    client.ring();
    assert!(readable(&server.fifo()));
    server.disarm();
    assert!(!readable(&server.fifo()), "drained");
    client.arm(Sleep::Poll);
    server.ring(0);
    let pipe = client.fifo().expect("ours");
    assert!(readable(pipe));
    pipe.drain().expect("drained");
    assert!(!readable(pipe));
}

#[test]
fn a_full_pipe_has_been_rung_already() {
    let name = format!("{}_resp_bell_0", name("full-pipe"));
    let pipe = Fifo::create(&name).expect("made");
    for _ in 0..70_000 {
        pipe.ring().expect("never an error");
    }
    pipe.drain().expect("drained");
    assert!(!readable(&pipe));
    Region::unlink(&name).expect("gone");
}

#[test]
fn a_one_client_server_is_joined_once_its_rings_are_complete() {
    let name = name("foreign");
    let (request, response) = (format!("{name}_request"), format!("{name}_response"));
    assert!(matches!(ClientChannel::join(&name, None), Err(ChannelError::Absent)));
    let to_server = Region::create(&request, HEADER_BYTES + 4096).expect("made");
    assert!(
        matches!(ClientChannel::join(&name, None), Err(ChannelError::Absent)),
        "no header, no reply ring"
    );
    format_ring(&to_server, false).expect("a power of two");
    let to_client = Arc::new(Region::create(&response, HEADER_BYTES + 4096).expect("made"));
    assert!(
        matches!(ClientChannel::join(&name, None), Err(ChannelError::Absent)),
        "a header without capacity"
    );
    format_ring(&to_client, false).expect("a power of two");
    let mut client = ClientChannel::join(&name, None).expect("complete");
    assert!(!client.ours() && client.server().is_none() && client.fifo().is_none() && !client.vanished());
    let mut server = proofplane_ring::Producer::attach(to_client).expect("sound");
    send(&mut server, b"answer");
    assert_eq!(receive(&mut client.response).expect("there"), b"answer");
    Region::unlink(&request).expect("gone");
    Region::unlink(&response).expect("gone");
    assert!(client.vanished() && !client.evicted());
}

#[test]
fn a_peers_many_client_server_needs_a_slot_to_be_named() {
    let name = name("foreign-many");
    let made = [
        (format!("{name}_req_ring_1"), HEADER_BYTES + 4096),
        (format!("{name}_resp_1"), HEADER_BYTES + 4096),
    ];
    let _doorbell = Region::create(&format!("{name}_req_doorbell"), DOORBELL_BYTES).expect("made");
    for (object, bytes) in &made {
        format_ring(&Region::create(object, *bytes).expect("made"), false).expect("a power of two");
    }
    assert!(matches!(ClientChannel::join(&name, None), Err(ChannelError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidInput));
    assert!(matches!(ClientChannel::join(&name, Some(0)), Err(ChannelError::Absent)));
    let client = ClientChannel::join(&name, Some(1)).expect("joined");
    assert!(!client.ours());
    let refused = ServerChannel::create(&name, 1, 4096, 4096).err();
    assert!(matches!(refused, Some(ChannelError::Foreign { object }) if object == format!("{name}_req_doorbell")));
    assert_eq!(objects(&name).len(), 3, "it may live: nothing of it is touched");
    for object in objects(&name) {
        Region::unlink(&object).expect("gone");
    }
}

#[test]
fn bad_names_and_sizes_are_the_callers_mistake() {
    let refused = |result: Result<ServerChannel, ChannelError>| matches!(result, Err(ChannelError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidInput);
    let name = name("bad");
    assert!(refused(ServerChannel::create("a/b", 1, 4096, 4096)));
    assert!(refused(ServerChannel::create(&name, 0, 4096, 4096)));
    assert!(refused(ServerChannel::create(&name, 1025, 4096, 4096)));
    assert!(refused(ServerChannel::create(&name, 1, (1 << 30) + 1, 4096)));
    assert!(matches!(ClientChannel::join("../x", None), Err(ChannelError::Io(_))));
}

#[test]
fn another_users_objects_are_refused() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make an object that belongs to somebody else.
        return;
    }
    let name = name("other-user");
    let doorbell = format!("{name}_req_doorbell");
    let _region = Region::create(&doorbell, DOORBELL_BYTES).expect("made");
    std::os::unix::fs::chown(format!("/dev/shm/{doorbell}"), Some(65534), None).expect("given away");
    let refused = |error: Option<ChannelError>| matches!(error, Some(ChannelError::Io(error)) if error.kind() == std::io::ErrorKind::PermissionDenied);
    assert!(refused(Region::open(&doorbell, 1).err()));
    assert!(refused(ClientChannel::join(&name, None).err()));
    assert!(refused(ServerChannel::create(&name, 1, 4096, 4096).err()));
    Region::unlink(&doorbell).expect("gone");
}
