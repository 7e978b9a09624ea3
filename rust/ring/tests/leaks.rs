//! Thousands of servers and clients that come and go leave no descriptor, mapping or object. Alone in its process, so that it may count.
#![cfg(not(loom))]

mod kit;

use kit::{claimed, name, objects, scan};
use proofplane_ring::{ClientChannel, ServerChannel};

fn count(what: &str) -> usize {
    match what {
        "maps" => std::fs::read_to_string("/proc/self/maps")
            .expect("/proc")
            .matches("/dev/shm/")
            .count(),
        _ => std::fs::read_dir("/proc/self/fd").expect("/proc").count(),
    }
}

#[test]
fn thousands_of_clients_and_hundreds_of_servers_leave_nothing() {
    let name = name("leaks");
    let before = (count("fd"), count("maps"));
    for _ in 0..100 {
        let mut server = ServerChannel::create(&name, 4, 4096, 4096).expect("created");
        for _ in 0..30 {
            let client = ClientChannel::join(&name, None).expect("free");
            let slot = claimed(&mut server);
            drop(client);
            assert_eq!(scan(&mut server).len(), 1);
            server.reset(slot);
        }
        assert!(ServerChannel::create(&name, 4, 4096, 4096).is_err());
        assert!(ClientChannel::join(&name, Some(9)).is_err());
    }
    assert_eq!((count("fd"), count("maps")), before);
    assert_eq!(objects(&name), [""; 0]);
}
