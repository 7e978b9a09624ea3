//! The client against the real `bb` and `aztec-wsdb` 5.0.0, over sockets and shared memory: known answers, golden bytes, latency.
//!
//! Ignored unless asked for: `BB=.. AZTEC_WSDB=.. cargo test --release --test client_real_peers -- --ignored --nocapture`.

mod client_raw;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client_raw::shm::fresh_name;
use client_raw::{frame, options, read_frame, until_lost, write};
use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Connection, Connector, Lost, Options, Target};
use proofplane_reactor::envelope::{pack_bin, pack_bool, pack_map, pack_str, pack_uint};
use proofplane_reactor::limits::Limits;

/// Blake2s of `abc` ten times.
const BLAKE2S: &str = "5887a66393a139a75881fd9426ba31a2ce4a15438931a9ffc1fba9770b8b257f";
/// Poseidon2 of 1 and 2.
const POSEIDON2: &str = "038682aa1cb5ae4e0a3f13da432a95c77c5c111f6f030faf9cad641ce1ed7383";
/// Root and size of the five trees at genesis, with the flags that `Peer::wsdb` gives.
const GENESIS: [(&str, u64); 5] = [
    ("18935581a8ed73d08ffd00386fba55ba6c89f3ab848a76b8fedfa9034cee0454", 128),
    ("2590f2aab19dd791700b4a43d3f52bb88ef2409a3731da8e848663559202e4c6", 0),
    ("1bef38b621017d3c7416663d0cd81369424560710526a3fbaaec13e356b9d084", 128),
    ("0fef6d80d31109ddb56d6b3f607cbc9c0af0bff3ea0d43e8f278983c64c11f7a", 0),
    ("177a4955b31ecaafad999753938a44e526b54c5ba5d536688227f85f15cfbdf5", 1),
];
const HEIGHTS: [u64; 5] = [42, 42, 40, 36, 30];

/// A real server, killed at the end if it has not ended by itself.
struct Peer {
    child: Child,
    address: Address,
    _directory: tempfile::TempDir,
}

impl Peer {
    fn bb(shared: bool) -> Self {
        Self::spawn("BB", shared, "--input", &[])
    }

    fn wsdb(shared: bool) -> Self {
        let flags = [
            "--tree-heights",
            "{0:42,1:42,2:40,3:36,4:30}",
            "--tree-prefill",
            "{0:128,2:128}",
            "--initial-header-generator-point",
            "4195546849",
        ];
        Self::spawn("AZTEC_WSDB", shared, "-i", &flags)
    }

    fn spawn(variable: &str, shared: bool, input: &str, flags: &[&str]) -> Self {
        let binary = PathBuf::from(std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} must name the binary")));
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("peer.sock");
        let address = if shared {
            Address::SharedMemory(fresh_name())
        } else {
            Address::Socket(socket)
        };
        let mut command = Command::new(binary);
        command.args(["msgpack", "run", input, &address.to_string()]).args(flags);
        if variable == "AZTEC_WSDB" {
            command.arg("-d").arg(directory.path().join("data"));
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            address,
            _directory: directory,
        }
    }

    fn connect(&self, slot: u32) -> Connection {
        let target = Target::Child {
            pid: self.child.id(),
            start_timeout: Duration::from_secs(10),
        };
        let options = Options {
            target,
            slot: Some(slot),
            ..options(Limits::default())
        };
        Connector::new(self.address.clone(), options)
            .connect(None)
            .unwrap_or_else(|why| panic!("{why}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Address::SharedMemory(name) = &self.address {
            // What a killed server leaves is its owner's to remove; `name` is this test's alone.
            for entry in std::fs::read_dir("/dev/shm").unwrap().flatten() {
                if entry.file_name().to_string_lossy().starts_with(&format!("{name}_")) {
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        }
    }
}

/// One call, with a deadline as these servers leave some requests unanswered; the reply's name and payload.
fn call(client: &mut Connection, name: &str, payload: &[u8]) -> (String, Vec<u8>) {
    let call = client.submit(name, payload).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut reply = None;
    while reply.is_none() {
        assert!(Instant::now() < deadline, "{name} was not answered");
        client
            .wait(Some(deadline), &mut |answered, name, payload| {
                reply = Some((answered, name.to_owned(), payload.to_vec()))
            })
            .unwrap();
    }
    let (answered, name, payload) = reply.unwrap();
    assert_eq!(answered, call);
    (name, payload)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A field's name, and what packs its value.
type Field<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));

fn map(entries: &[Field<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    pack_map(&mut out, entries.len() as u8);
    for (key, value) in entries {
        pack_str(&mut out, key);
        value(&mut out);
    }
    out
}

fn blake2s() -> Vec<u8> {
    map(&[("data", &|out| pack_bin(out, &b"abc".repeat(10)))])
}

fn poseidon2() -> Vec<u8> {
    let field = |value: u8| [vec![0; 31], vec![value]].concat();
    map(&[("inputs", &|out| {
        out.push(0x92);
        pack_bin(out, &field(1));
        pack_bin(out, &field(2));
    })])
}

fn hello() -> Vec<u8> {
    map(&[("schema_hash", &|out| pack_bin(out, &[0; 32]))])
}

/// The canonical state at the tip.
fn revision(out: &mut Vec<u8>) {
    out.extend(map(&[
        ("forkId", &|out| pack_uint(out, 0)),
        ("blockNumber", &|out| pack_uint(out, 4_294_967_295)),
        ("includeUncommitted", &|out| pack_bool(out, false)),
    ]));
}

fn field(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn check_bb(client: &mut Connection) {
    let (name, payload) = call(client, "Blake2s", &blake2s());
    assert_eq!(
        (name.as_str(), hex(&payload)),
        ("Blake2sResponse", format!("81a468617368c420{BLAKE2S}"))
    );
    let (name, payload) = call(client, "Poseidon2Hash", &poseidon2());
    assert_eq!(
        (name.as_str(), hex(&payload)),
        ("Poseidon2HashResponse", format!("81a468617368c420{POSEIDON2}"))
    );
}

fn check_hello(client: &mut Connection, error: &str) {
    let (name, payload) = call(client, "Hello", &hello());
    assert_eq!(name, error);
    assert!(payload.starts_with(b"\x81\xa7message"), "{}", hex(&payload));
}

fn check_wsdb(client: &mut Connection) {
    for (tree, ((root, size), height)) in GENESIS.into_iter().zip(HEIGHTS).enumerate() {
        let request = map(&[("treeId", &|out| pack_uint(out, tree as u64)), ("revision", &revision)]);
        let (name, payload) = call(client, "WsdbGetTreeInfo", &request);
        let expected = map(&[
            ("treeId", &|out| pack_uint(out, tree as u64)),
            ("root", &|out| pack_bin(out, &field(root))),
            ("size", &|out| pack_uint(out, size)),
            ("depth", &|out| pack_uint(out, height)),
        ]);
        assert_eq!((name.as_str(), hex(&payload)), ("WsdbGetTreeInfoResponse", hex(&expected)));
    }
    let (name, payload) = call(client, "WsdbGetStateReference", &map(&[("revision", &revision)]));
    let expected = map(&[("state", &|out| {
        pack_map(out, 4);
        for (tree, (root, size)) in GENESIS.into_iter().take(4).enumerate() {
            pack_uint(out, tree as u64);
            out.push(0x92);
            pack_bin(out, &field(root));
            pack_uint(out, size);
        }
    })]);
    assert_eq!((name.as_str(), hex(&payload)), ("WsdbGetStateReferenceResponse", hex(&expected)));
}

/// The middle of 20,000 calls, one in flight, in microseconds.
fn p50(client: &mut Connection) -> f64 {
    let payload = blake2s();
    let mut times: Vec<Duration> = (0..20_000)
        .map(|_| {
            let started = Instant::now();
            client.submit("Blake2s", &payload).unwrap();
            while client.wait(None, &mut |_, _, _| {}).unwrap() == 0 {}
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

#[test]
#[ignore = "needs BB"]
fn bb_answers_over_both_transports() {
    for shared in [false, true] {
        let peer = Peer::bb(shared);
        let mut client = peer.connect(0);
        check_bb(&mut client);
        check_hello(&mut client, "ErrorResponse");
        check_bb(&mut client);
        println!("bb {}: p50 {:.1} us", peer.address, p50(&mut client));
        let window: Vec<u64> = (0..1000).map(|_| client.submit("Blake2s", &blake2s()).unwrap()).collect();
        let answered: Vec<u64> = client_raw::collect(&mut client, 1000)
            .unwrap()
            .into_iter()
            .map(|reply| reply.0)
            .collect();
        assert_eq!(answered, window);
        assert_eq!(
            call(&mut client, "Shutdown", b"\x80"),
            ("ShutdownResponse".into(), b"\x80".to_vec())
        );
        assert!(matches!(until_lost(&mut client).1, Lost::Ended(_)));
    }
}

#[test]
#[ignore = "needs BB"]
fn bb_is_sent_the_golden_bytes() {
    let (_directory, mut client, server) = client_raw::connected(Limits::default(), |mut stream| {
        let body = read_frame(&mut stream).unwrap();
        write(&mut stream, &frame(b"\x92\xafBlake2sResponse\x80"));
        body
    });
    call(&mut client, "Blake2s", &blake2s());
    let golden = format!("9192a7426c616b65327381a464617461c41e{}", hex(&b"abc".repeat(10)));
    assert_eq!(hex(&server.join().unwrap()), golden);
}

#[test]
#[ignore = "needs BB"]
fn bb_that_is_killed_ends_every_call() {
    for shared in [false, true] {
        let mut peer = Peer::bb(shared);
        let mut client = peer.connect(0);
        check_bb(&mut client);
        peer.child.kill().unwrap();
        // It may have answered before it died, but cannot answer for ever.
        let lost = loop {
            if client.submit("Blake2s", &blake2s()).is_err() || client.wait(None, &mut |_, _, _| {}).is_err() {
                break client.flush().unwrap_err();
            }
        };
        assert!(matches!(lost, Lost::Ended(_)), "{lost:?}");
    }
}

#[test]
#[ignore = "needs BB"]
fn bb_is_met_however_early_it_is_polled() {
    for round in 0..100 {
        let peer = Peer::bb(round % 2 == 1);
        check_bb(&mut peer.connect(0));
    }
}

#[test]
#[ignore = "needs AZTEC_WSDB"]
fn the_world_state_answers_over_both_transports_and_both_slots() {
    for (shared, slots) in [(false, 0..1), (true, 0..2)] {
        let peer = Peer::wsdb(shared);
        let mut clients: Vec<Connection> = slots.map(|slot| peer.connect(slot)).collect();
        for client in &mut clients {
            check_wsdb(client);
            check_hello(client, "WsdbErrorResponse");
            check_wsdb(client);
        }
        println!("aztec-wsdb {}: {} clients agree with the reference", peer.address, clients.len());
    }
}

#[test]
#[ignore = "needs AZTEC_WSDB"]
fn the_world_state_needs_its_slot_named() {
    let peer = Peer::wsdb(true);
    drop(peer.connect(0));
    let why = Connector::new(peer.address.clone(), options(Limits::default()))
        .connect(None)
        .err()
        .unwrap();
    assert!(why.contains("name the slot"), "{why}");
}
