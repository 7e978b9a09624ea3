//! How many processors this process may use: its affinity, bounded by its cgroup's quota; never the machine's count.

/// At least 1.
pub fn available() -> usize {
    todo!()
}
