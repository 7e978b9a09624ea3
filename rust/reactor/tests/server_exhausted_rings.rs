//! A process without descriptors left that serves shared memory; alone in its program, for the limit is the process's.

mod rig;

use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::process::Command;

use proofplane_reactor::server::Options;
use proofplane_ring::{Owner, layout};
use rig::rings::Rings;
use rustix::process::{Resource, getrlimit, setrlimit};

#[test]
fn a_clients_death_is_believed_without_descriptors_to_look_into_proc() {
    let mut rings = Rings::new("exhausted", Options::default());
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let word = Owner::of(child.id()).unwrap().expect("it lives").word();
    let path = format!("/dev/shm/{}_req_ring_0", rings.name);
    let ring = std::fs::File::options().write(true).open(path).unwrap();
    ring.write_all_at(&word.to_le_bytes(), layout::OWNER as u64).unwrap();
    rings.until(|rings| rings.driver.stats().open == 1);
    rings.settle();
    let limit = getrlimit(Resource::Nofile);
    let lowest_free = rustix::io::dup(&ring).unwrap();
    let mut none = limit;
    none.current = Some(u64::try_from(lowest_free.as_raw_fd()).unwrap());
    drop(lowest_free);
    setrlimit(Resource::Nofile, none).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(std::fs::File::open("/proc/self/stat").is_err(), "/proc is closed to us");
    rings.until(|rings| rings.driver.stats().open == 0);
    rings.settle();
    assert!(!rings.is_ready(), "its readable watch would keep the driver awake for ever");
    setrlimit(Resource::Nofile, limit).unwrap();
}
