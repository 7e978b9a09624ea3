//! Prints how many nanoseconds one permutation of one lane takes, for each kernel of this processor and each width, and how many one of
//! one state alone.
//!
//! `Kernel::few` is sixteen times the first, divided by the second.

use std::hint::black_box;
use std::time::Instant;

use proofplane_xmss::kernel::{LANES, Lanes, available};

/// Calls of sixteen lanes in a measurement: few, so that most measurements fall between two interruptions.
const CALLS: u32 = 20;
/// Measurements of which the fastest and the median are printed.
const REPEATS: usize = 1_001;

fn main() {
    println!("{:<9} {:>5} {:>12} {:>12}", "kernel", "width", "fastest, ns", "median, ns");
    for kernel in available() {
        report(kernel.name, kernel.permute16);
        report(kernel.name, kernel.permute24);
        report_one(kernel.name, kernel.permute24_one);
    }
}

fn report<const W: usize>(name: &str, permute: fn(&mut [Lanes; W])) {
    let mut state = [Lanes([1; LANES]); W];
    let [fastest, median] = nanoseconds(|| permute(black_box(&mut state))).map(|time| time / LANES as f64);
    println!("{name:<9} {W:>5} {fastest:>12.1} {median:>12.1}");
}

fn report_one<const W: usize>(name: &str, permute: fn(&mut [u32; W])) {
    let mut state = [1; W];
    let [fastest, median] = nanoseconds(|| permute(black_box(&mut state)));
    println!("{name:<9} {W:>5} {fastest:>12.1} {median:>12.1} one state");
}

/// What one call takes: the fastest and the median.
fn nanoseconds(mut call: impl FnMut()) -> [f64; 2] {
    let mut measure = || {
        let start = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let mut times: Vec<f64> = (0..REPEATS).map(|_| measure()).collect();
    times.sort_by(f64::total_cmp);
    [times[0], times[REPEATS / 2]]
}
