//! Prints how many nanoseconds one permutation of one lane takes, for each kernel of this processor and each width.

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
    }
}

fn report<const W: usize>(name: &str, permute: fn(&mut [Lanes; W])) {
    let mut state = [Lanes([1; LANES]); W];
    let mut times: Vec<f64> = (0..REPEATS).map(|_| nanoseconds(permute, &mut state)).collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<9} {W:>5} {:>12.1} {:>12.1}", times[0], times[REPEATS / 2]);
}

fn nanoseconds<const W: usize>(permute: fn(&mut [Lanes; W]), state: &mut [Lanes; W]) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        permute(black_box(state));
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS) / LANES as f64
}
