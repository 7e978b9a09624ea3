//! How long to spin before sleeping: learned, bounded, and nothing at all on a single processor.

/// One waiter's spin budget.
pub struct Spin {}

impl Spin {
    /// `cores` as the process may use them; with 1 it never spins. `most_us` bounds one spin (20 is good, see the reference figures).
    pub fn new(cores: usize, most_us: u32) -> Self {
        todo!("{cores} {most_us}")
    }
    /// Spins until `ready` or the budget is spent; true if it became ready. `peer_cpu` is the other side's processor hint
    /// (0 unknown): on the same processor spinning is pointless and is skipped.
    pub fn wait(&mut self, peer_cpu: u32, ready: impl FnMut() -> bool) -> bool {
        let _ = (peer_cpu, ready);
        todo!()
    }
    /// Whether the next `wait` would spin at all.
    pub fn pays(&self) -> bool {
        todo!()
    }
}
