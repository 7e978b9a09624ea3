//! How many processors this process may use: its affinity, bounded by its cgroup's quota; never the machine's count.

/// At least 1. The standard library reads the affinity mask and the cgroup's quota (both versions of cgroups).
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}
