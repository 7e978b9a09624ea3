//! How many processors this process may use, and whether another process can run at the same time as it.

use std::fs;

use rustix::thread::sched_getaffinity;

/// Processors that our threads may use: the affinity, bounded by the cgroup's quota; never the machine's count, and at least 1.
/// The standard library reads the mask and the quota (both versions of cgroups).
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Processors among which the other end of a connection may have its own: what decides whether spinning can pay at all.
///
/// A process pinned to one processor may have its peer on another, so its own affinity says nothing; a quota below the affinity
/// does, because a spin would spend it.
pub fn beside() -> usize {
    let ours = available();
    let pinned = sched_getaffinity(None).map_or(1, |set| set.count() as usize);
    if ours < pinned { ours } else { ours.max(online()) }
}

/// Processors that the machine runs; 0 if it does not say.
fn online() -> usize {
    fs::read_to_string("/sys/devices/system/cpu/online").map_or(0, |text| count(text.trim()))
}

/// How many numbers a list like `0-3,8` names.
fn count(list: &str) -> usize {
    list.split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            last.checked_sub(first)?.checked_add(1)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_processors_is_counted() {
        assert_eq!(
            ["0", "0-1", "0-3,8", "0-3,8-11,15", "", "x", "3-1"].map(count),
            [1, 2, 5, 9, 0, 0, 0]
        );
    }

    #[test]
    fn a_process_pinned_to_one_processor_still_has_others_beside_it() {
        let everywhere = sched_getaffinity(None).expect("an affinity");
        let beside_before = beside();
        let mut one = rustix::thread::CpuSet::new();
        one.set(rustix::thread::sched_getcpu());
        rustix::thread::sched_setaffinity(None, &one).expect("pinned");
        let pinned = (available(), beside());
        rustix::thread::sched_setaffinity(None, &everywhere).expect("as before");

        assert_eq!(pinned, (1, beside_before.max(online())));
    }
}
