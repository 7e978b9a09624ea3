//! Models that loom runs through every interleaving and every reordering that the orderings allow.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p proofplane-ring --lib`

mod doorbell;
mod ring;
mod slot;

use std::sync::Arc;

use crate::layout::HEADER_BYTES;
use crate::{Consumer, Producer, Region, format_ring};

/// Runs a model; three preemptions are what the literature found to be enough for nearly every defect, and keep it to seconds.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn ring(capacity: usize) -> Arc<Region> {
    let region = Region::private(HEADER_BYTES + capacity);
    format_ring(&region, true).expect("a power of two");
    Arc::new(region)
}

fn ends(region: &Arc<Region>) -> (Producer, Consumer) {
    (
        Producer::attach(region.clone()).expect("sound"),
        Consumer::attach(region.clone()).expect("sound"),
    )
}

/// Sends if there is room.
fn send(producer: &mut Producer, payload: &[u8]) -> bool {
    let Some(mut claim) = producer.claim(payload.len()).expect("sound") else {
        return false;
    };
    claim.bytes().copy_from_slice(payload);
    claim.publish();
    true
}

/// Receives if there is something; second: whether the producer waits for room.
fn receive(consumer: &mut Consumer) -> Option<(Vec<u8>, bool)> {
    let message = consumer.peek().expect("sound")?.to_vec();
    Some((message, consumer.release()))
}
