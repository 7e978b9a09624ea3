//! Microseconds per production signature for several batches, thread counts and kernels, and how much of it is the bare permutations.
//!
//! `cargo run --release --package proofplane-xmss --example signatures [BATCH ...]`

use std::time::Instant;

use proofplane_xmss::batch::verify;
use proofplane_xmss::kernel::{Kernel, LANES, Lanes, available, best};
use proofplane_xmss::key::SigningKey;
use proofplane_xmss::scheme::PROD;
use proofplane_xmss::verify::Claim;

/// Rounds over all cases; of each case the fastest counts, because others use the machine too.
const ROUNDS: usize = 30;

fn main() {
    let batches: Vec<usize> = std::env::args().skip(1).map(|batch| batch.parse().expect("a number")).collect();
    let batches = if batches.is_empty() {
        vec![1, 2, 4, 8, 9, 64, 193, 512]
    } else {
        batches
    };
    let largest = batches.iter().copied().max().expect("a batch");
    let message = [7; 32];
    let keys: Vec<_> = (0..largest)
        .map(|number| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
            SigningKey::generate(PROD, best(), &seed, 1000, 1).expect("a key")
        })
        .map(|key| (key.public().encode(), key.sign(1000, &message).expect("a signature")))
        .collect();
    let claims: Vec<_> = keys
        .iter()
        .map(|(key, signature)| Claim {
            key,
            slot: 1000,
            message: &message,
            signature,
        })
        .collect();
    for kernel in available() {
        let mut bare = f64::INFINITY;
        let mut fastest = vec![[f64::INFINITY; 2]; batches.len()];
        for _ in 0..ROUNDS {
            bare = bare.min(permutations(kernel));
            for (batch, fastest) in batches.iter().zip(&mut fastest) {
                for (threads, fastest) in fastest.iter_mut().enumerate() {
                    let start = Instant::now();
                    let outcome = verify(PROD, kernel, &claims[..*batch], threads + 1);
                    *fastest = fastest.min(start.elapsed().as_secs_f64() * 1e6 / *batch as f64);
                    assert_eq!(outcome.first_failure, None);
                }
            }
        }
        println!(
            "{}: the permutations of one signature alone, in full lanes: {bare:.1} us",
            kernel.name
        );
        for (batch, [one, two]) in batches.iter().zip(fastest) {
            println!("  {batch:4} signatures: {one:6.1} us each on one thread, {two:6.1} us on two");
        }
    }
}

/// Microseconds that the permutations of one signature take, in full lanes.
fn permutations(kernel: Kernel) -> f64 {
    let (narrow, wide) = PROD.permutations();
    let (mut state16, mut state24) = ([Lanes([1; LANES]); 16], [Lanes([1; LANES]); 24]);
    let start = Instant::now();
    (0..narrow).for_each(|_| (kernel.permute16)(&mut state16));
    (0..wide).for_each(|_| (kernel.permute24)(&mut state24));
    std::hint::black_box((&state16, &state24));
    start.elapsed().as_secs_f64() * 1e6 / LANES as f64
}
