//! A process without descriptors left; alone in its program, for the limit is the process's.

mod rig;

use proofplane_reactor::limits::Limits;
use rig::{Rig, got};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, getrlimit, setrlimit};

#[test]
fn without_descriptors_clients_wait_and_the_driver_does_not_spin() {
    let mut rig = Rig::new(Limits::default());
    rig.settle();
    let mut client = rig.connect();
    client.send(None, "Echo", b"\x01");
    let limit = getrlimit(Resource::Nofile);
    let lowest_free = rustix::io::dup(&client.0).unwrap();
    let mut none = limit;
    none.current = Some(u64::try_from(std::os::fd::AsRawFd::as_raw_fd(&lowest_free)).unwrap());
    drop(lowest_free);
    setrlimit(Resource::Nofile, none).unwrap();
    rig.settle();
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(&rig.driver, PollFlags::IN)], Some(&now)).unwrap();
    assert_eq!((ready, rig.driver.stats().open), (0, 0));
    setrlimit(Resource::Nofile, limit).unwrap();
    let [taken] = rig.take();
    rig.answer(&taken, b"\x02");
    assert_eq!(client.read(), got(None, "EchoResponse", b"\x02"));
}
