//! Tests that need a ring's raw bytes: against a model, and against hostile memory.

mod hostile;
mod model;

use std::sync::Arc;

use crate::layout::HEADER_BYTES;
use crate::{Consumer, Producer, Region, format_ring};

fn ring(capacity: usize, ours: bool) -> Arc<Region> {
    let region = Region::private(HEADER_BYTES + capacity);
    format_ring(&region, ours).expect("a power of two");
    Arc::new(region)
}

fn ends(region: &Arc<Region>) -> (Producer, Consumer) {
    (
        Producer::attach(region.clone()).expect("sound"),
        Consumer::attach(region.clone()).expect("sound"),
    )
}
