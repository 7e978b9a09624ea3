//! How long to spin before sleeping: learned, bounded, and nothing at all on a single processor.
//!
//! ```text
//!        fruitful: most          fruitless: budget / 2, until it is under a microsecond
//!           +-----+         +---------------------------------------------------+
//!           v     |         |                                                   v
//!          spinning(budget) +<-- probe with most: after 32 to 96 waits -- resting(waits left)
//! ```
//!
//! 1. One spin lasts at most `most`, give or take a burst of looks.
//! 2. Where the other side last ran on this very processor nothing is spun and nothing is learned.
//! 3. The clock is read only after a first burst of looks, and then once a burst.
//!
//! The time between two probes varies, because both sides must spin at once for either to be fruitful: equal steps might never meet.

use std::time::{Duration, Instant};

use crate::sync::cpu_hint;

/// Looks between two readings of the clock: about a microsecond.
const BURST: u32 = 32;
/// A budget below this is no spin at all.
const LEAST: Duration = Duration::from_micros(1);
/// Fewest waits without a spin between two probes; at most so many more are added.
const REST: u32 = 32;

/// One waiter's spin budget.
#[derive(Debug, Clone)]
pub struct Spin {
    /// Longest spin; zero with a single processor.
    most: Duration,
    /// How long the next spin may last; zero while resting.
    budget: Duration,
    /// Waits left until the next probe.
    resting: u32,
    /// State of the generator that varies the rests (xorshift).
    random: u32,
}

impl Spin {
    /// `cores` as the process may use them; with 1 it never spins. `most_us` bounds one spin (20 is good, see the reference figures).
    #[must_use]
    pub fn new(cores: usize, most_us: u32) -> Self {
        let most = if cores > 1 {
            Duration::from_micros(u64::from(most_us))
        } else {
            Duration::ZERO
        };
        // Two sides that start together must not rest in step.
        Self {
            most,
            budget: most,
            resting: 0,
            random: std::process::id() | 1,
        }
    }

    /// Spins until `ready` or the budget is spent; true if it became ready. `peer_cpu` is the other side's processor hint
    /// (0 unknown): on the same processor spinning is pointless and is skipped.
    pub fn wait(&mut self, peer_cpu: u32, mut ready: impl FnMut() -> bool) -> bool {
        if ready() {
            return true;
        }
        if self.most.is_zero() || (peer_cpu != 0 && peer_cpu == cpu_hint()) {
            return false;
        }
        let Some(budget) = self.plan() else { return false };
        let fruitful = spin(budget, ready);
        self.learn(fruitful);
        fruitful
    }

    /// Whether the next `wait` would spin at all.
    #[must_use]
    pub fn pays(&self) -> bool {
        !self.most.is_zero() && (!self.budget.is_zero() || self.resting <= 1)
    }

    /// How long to spin now; counts the rest down.
    fn plan(&mut self) -> Option<Duration> {
        if self.budget.is_zero() {
            self.resting = self.resting.saturating_sub(1);
            if self.resting > 0 {
                return None;
            }
            self.budget = self.most;
        }
        Some(self.budget)
    }

    /// What a spin has shown.
    fn learn(&mut self, fruitful: bool) {
        if fruitful {
            self.budget = self.most;
            return;
        }
        self.budget /= 2;
        if self.budget < LEAST {
            self.budget = Duration::ZERO;
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            self.resting = REST + self.random % (2 * REST);
        }
    }
}

fn spin(budget: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let mut started = None;
    loop {
        for _ in 0..BURST {
            std::hint::spin_loop();
            if ready() {
                return true;
            }
        }
        let now = Instant::now();
        if now.duration_since(*started.get_or_insert(now)) >= budget {
            return false;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Waits without a spin until the next probe.
    fn rest(spin: &mut Spin) -> u32 {
        (0..).find(|_| spin.plan().is_some()).expect("a probe comes")
    }

    #[test]
    fn with_one_processor_or_no_budget_there_is_one_look_and_no_spin() {
        for mut spin in [Spin::new(1, 20), Spin::new(2, 0)] {
            let mut looks = 0;
            let never = || {
                looks += 1;
                false
            };
            assert!(!spin.pays() && !spin.wait(0, never));
            assert_eq!(looks, 1);
        }
    }

    #[test]
    fn fruitless_spins_halve_the_budget_until_there_is_none_and_a_fruitful_one_restores_it() {
        let mut spin = Spin::new(2, 20);
        for expected in [20, 10, 5] {
            assert_eq!(spin.plan(), Some(Duration::from_micros(expected)));
            spin.learn(false);
        }
        spin.learn(true);
        assert_eq!(spin.plan(), Some(Duration::from_micros(20)));
        for _ in 0..5 {
            assert!(spin.pays());
            spin.learn(false);
        }
        assert!(!spin.pays());
        assert_eq!(spin.plan(), None);
    }

    #[test]
    fn probes_are_rare_and_their_distance_varies() {
        let mut spin = Spin::new(2, 20);
        let rests: Vec<u32> = (0..50)
            .map(|_| {
                while !spin.budget.is_zero() {
                    spin.learn(false);
                }
                rest(&mut spin)
            })
            .collect();
        assert!(rests.iter().all(|rest| (REST - 1..3 * REST).contains(rest)), "{rests:?}");
        assert!(rests.iter().any(|rest| rest != &rests[0]));
        assert_eq!(spin.plan(), Some(Duration::from_micros(20)), "a probe is a whole spin");
    }

    #[test]
    fn on_the_other_sides_processor_nothing_is_spun_and_nothing_learned() {
        let here = rustix::thread::sched_getcpu();
        let mut only = rustix::thread::CpuSet::new();
        only.set(here);
        rustix::thread::sched_setaffinity(None, &only).expect("pinned");
        let mut spin = Spin::new(2, 20);
        let mut looks = 0;
        let never = || {
            looks += 1;
            false
        };
        assert!(!spin.wait(here as u32 + 1, never));
        assert_eq!((looks, spin.plan()), (1, Some(Duration::from_micros(20))));
    }

    #[test]
    fn what_becomes_ready_during_the_spin_is_seen() {
        let mut spin = Spin::new(2, 1_000_000);
        let mut looks = 0;
        assert!(spin.wait(0, || {
            looks += 1;
            looks == 100
        }));
    }
}
