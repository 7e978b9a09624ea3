//! Fuzzing without a fuzzer: frames, a driver and rings meet so many generated inputs, half of them valid ones with a few bytes changed.
//!
//! `cargo run --release -p proofplane-reactor --example fuzz [INPUTS [SEED]]`. It panics at the first broken promise, and at the end if a
//! reason for refusing an input was never met. What it generates depends on the seed alone.

mod random;
mod readers;
mod rings;
mod sockets;

use std::collections::BTreeMap;
use std::time::Instant;

use proofplane_reactor::envelope::EnvelopeError;

use random::Random;
use readers::readers;
use rings::rings;
use sockets::sockets;

/// Largest frame of the fuzzed driver, bytes.
const MAX_FRAME: u32 = 4096;

/// How often each outcome was met.
type Counts = BTreeMap<&'static str, u64>;

fn report(what: &str, inputs: usize, run: impl FnOnce() -> Counts, reasons: &[&str]) {
    let begun = Instant::now();
    let counts = run();
    println!("{what}: {inputs} inputs in {:.1} s", begun.elapsed().as_secs_f64());
    for (name, count) in &counts {
        println!("  {count:>9} {name}");
    }
    for reason in reasons {
        assert!(counts.contains_key(reason), "{what}: never met: {reason}");
    }
}

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("INPUTS and SEED are numbers"));
    let inputs = arguments.next().unwrap_or(1_000_000) as usize;
    let mut random = Random(arguments.next().unwrap_or(1).max(1));
    let reasons = EnvelopeError::ALL.map(EnvelopeError::code);
    report("frames and envelopes", inputs, || readers(inputs, &mut random), &reasons);
    report("a driver over sockets", inputs, || sockets(inputs, &mut random), &["refused"]);
    let corrupt = [
        "sound",
        "the header is not written yet",
        "the capacity is not a power of two of at least 16",
        "mask is not capacity - 1",
        "the capacity is larger than the object",
        "head and tail are further apart than the capacity",
        "it wraps beyond what was published",
        "a length is cut off",
        "a message is longer than what was published",
    ];
    report("hostile rings", inputs, || rings(inputs, &mut random), &corrupt);
}
