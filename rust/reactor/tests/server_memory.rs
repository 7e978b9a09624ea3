//! Memory follows what has come, never what was promised; alone in its program, for it measures the process.

mod rig;

use proofplane_reactor::limits::Limits;
use rig::Rig;

#[test]
fn a_promised_length_reserves_no_memory() {
    let mut rig = Rig::new(Limits::default());
    let before = reserved();
    let mut clients: Vec<_> = (0..50).map(|_| rig.connect()).collect();
    for client in &mut clients {
        client.bytes(&(64u32 << 20).to_le_bytes());
        client.bytes(&[0; 20_000]);
    }
    rig.until(|rig| rig.driver.stats().open == 50);
    rig.settle();
    // The first read of a frame goes to the shared buffer, the second makes room for the frame itself.
    for client in &mut clients {
        client.bytes(&[0; 20_000]);
    }
    rig.settle();
    let grown = reserved().saturating_sub(before);
    assert!(grown < 32 << 20, "50 promises of 64 MiB took {grown} bytes");
}

/// Bytes of address space that this process has taken.
fn reserved() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 4096
}
