//! How long to spin before sleeping: learned, bounded, and nothing at all on a single processor.
//!
//! ```text
//!      fruitful: most                        so many waits, then with most
//!         +-----+                  +-------------------------------------------------+
//!         v     |                  v                                                 |
//!        spinning --------------------------> resting --------> probing --------> eager
//!           fruitless: budget / 2,              ^     after       |   fruitful      |
//!           until under a microsecond           |  32..96 waits   |                 | fruitless too often
//!                                               +-----------------+-----------------+
//!                                                    fruitless
//! ```
//!
//! 1. One spin lasts at most `most`, or `PROBE` times that while probing or eager, give or take a burst of looks.
//! 2. Where the other side last ran on this very processor it is let run a time or two, and nothing is spun and nothing learned.
//! 3. The clock is read only after a first burst of looks, and then once a burst.
//!
//! Why a probe is longer: two sides that rest wake each other from sleep, which takes longer than `most`; a spin of `most` would then
//! never be fruitful on either side, and both would sleep for ever. A probe outlasts the other's waking, and the eagerness after it
//! outlasts the other's rest: within it the other side probes too, finds its message at once, and both spin.

use std::time::{Duration, Instant};

use crate::sync::cpu_hint;

/// Looks between two readings of the clock: about a microsecond.
const BURST: u32 = 32;
/// How often the other side on this very processor is let run before it is waited for asleep.
const YIELDS: u32 = 2;
/// A budget below this is no spin at all.
const LEAST: Duration = Duration::from_micros(1);
/// Fewest waits without a spin between two probes; at most twice as many more are added, so that two sides do not rest in step.
const REST: u32 = 32;
/// How much longer than `most` a probe lasts: waking a core takes about 25 us, and 50 us is the usual `most`.
const PROBE: u32 = 2;
/// How many waits keep a fruitful probe's budget: more than the other side's longest rest.
const EAGER: u32 = 4 * REST;

/// One waiter's spin budget.
#[derive(Debug, Clone)]
pub struct Spin {
    /// Longest ordinary spin; zero with a single processor.
    most: Duration,
    /// How long the next spin may last; zero while resting, more than `most` while probing or eager.
    budget: Duration,
    /// Waits left until the next probe.
    resting: u32,
    /// Waits left with a probe's budget.
    eager: u32,
    /// State of the generator that varies the rests (xorshift).
    random: u32,
}

impl Spin {
    /// `cores` on which this end and the other may run; with 1 it never spins. `most_us` bounds one ordinary spin; a rare
    /// probe lasts twice as long.
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
            eager: 0,
            random: std::process::id() | 1,
        }
    }

    /// Spins until `ready` or the budget is spent; true if it became ready. `peer_cpu` is the other side's processor hint
    /// (0 unknown): on the same processor spinning is pointless; the other side is let run instead.
    pub fn wait(&mut self, peer_cpu: u32, mut ready: impl FnMut() -> bool) -> bool {
        if ready() {
            return true;
        }
        if self.most.is_zero() {
            return false;
        }
        if peer_cpu != 0 && peer_cpu == cpu_hint() {
            return (0..YIELDS).any(|_| {
                std::thread::yield_now();
                ready()
            });
        }
        let Some(budget) = self.plan() else { return false };
        let fruitful = spin(budget, ready);
        self.learn(fruitful);
        fruitful
    }

    /// Whether to spin in the next `wait`, which is then due; whoever asks and is told no need not call it. Counts the rest down.
    pub fn due(&mut self) -> bool {
        if self.most.is_zero() {
            return false;
        }
        if self.budget.is_zero() {
            self.resting = self.resting.saturating_sub(1);
        }
        !self.budget.is_zero() || self.resting == 0
    }

    /// How long to spin now; counts the rest down.
    fn plan(&mut self) -> Option<Duration> {
        if !self.due() {
            return None;
        }
        if self.budget.is_zero() {
            self.budget = self.most * PROBE;
        }
        Some(self.budget)
    }

    /// What a spin has shown.
    fn learn(&mut self, fruitful: bool) {
        let probing = self.budget > self.most;
        match (fruitful, probing) {
            (true, true) if self.eager == 0 => self.eager = EAGER,
            (_, true) if self.eager > 1 => self.eager = if fruitful { self.eager - 1 } else { self.eager / 2 },
            (true, _) => (self.budget, self.eager) = (self.most, 0),
            (false, true) => self.rest(),
            (false, false) => {
                self.budget /= 2;
                if self.budget < LEAST {
                    self.rest();
                }
            }
        }
    }

    fn rest(&mut self) {
        self.budget = Duration::ZERO;
        self.eager = 0;
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.resting = REST + self.random % (2 * REST);
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
            assert!(!spin.wait(0, never));
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
            assert!(!spin.budget.is_zero());
            spin.learn(false);
        }
        assert!(spin.budget.is_zero());
        assert_eq!(spin.plan(), None);
    }

    #[test]
    fn it_is_due_at_first_not_while_it_rests_and_again_when_a_probe_is() {
        let mut spin = Spin::new(2, 20);
        assert!(spin.due());
        spin.rest();
        let asked = (1..).find(|_| spin.due()).expect("a probe comes");
        assert!((REST..3 * REST).contains(&asked), "{asked}");
        assert!(spin.due(), "until it has been tried");
        assert_eq!(
            spin.plan(),
            Some(Duration::from_micros(20 * u64::from(PROBE))),
            "what is due is a probe"
        );
        for mut never in [Spin::new(1, 20), Spin::new(2, 0)] {
            assert!((0..200).all(|_| !never.due()));
        }
    }

    #[test]
    fn whoever_asks_first_whether_it_is_due_probes_as_often_as_whoever_waits() {
        let probes = |ask: bool| {
            let mut spin = Spin::new(2, 20);
            spin.random = 1;
            let planned = |spin: &mut Spin| (!ask || spin.due()) && spin.plan().is_some();
            (0..10_000)
                .filter(|_| {
                    planned(&mut spin) && {
                        spin.learn(false);
                        true
                    }
                })
                .count()
        };
        assert_eq!(probes(true), probes(false));
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
    }

    /// Round trips until both sides spin: waking a sleeper takes 25 us, an answer or the next request 1 us.
    fn rounds_until_both_spin(client: &mut Spin, server: &mut Spin) -> u32 {
        let wait = |spin: &mut Spin, length: u64| {
            let planned = spin.plan();
            let fruitful = planned.is_some_and(|budget| budget >= Duration::from_micros(length));
            if planned.is_some() {
                spin.learn(fruitful);
            }
            fruitful
        };
        let length = |awake| if awake { 1 } else { 26 };
        let mut server_awake = false;
        (0..100_000)
            .find(|_| {
                let both = server_awake;
                let client_awake = wait(client, length(server_awake));
                server_awake = wait(server, length(client_awake));
                both && client_awake
            })
            .expect("they never meet")
    }

    #[test]
    fn two_sides_that_both_rest_find_each_other_again() {
        let [mut client, mut server] = [Spin::new(2, 20), Spin::new(2, 20)];
        server.random ^= 0x5555;
        for _ in 0..100 {
            client.rest();
            server.rest();
            let rounds = rounds_until_both_spin(&mut client, &mut server);
            assert!(rounds < 2 * 96 + EAGER, "{rounds}");
        }
    }

    #[test]
    fn two_sides_that_rest_in_step_find_each_other_too() {
        let mut client = Spin::new(2, 20);
        client.rest();
        let mut server = client.clone();
        assert!(rounds_until_both_spin(&mut client, &mut server) < 10 * 96);
    }

    #[test]
    fn eagerness_ends_with_the_ordinary_budget_or_in_rest() {
        let mut spin = Spin::new(2, 20);
        spin.rest();
        rest(&mut spin);
        for _ in 0..=EAGER {
            assert!(spin.budget > spin.most);
            spin.learn(true);
        }
        assert_eq!(spin.plan(), Some(spin.most));
        spin.rest();
        rest(&mut spin);
        spin.learn(true);
        let fruitless = (0..).find(|_| {
            spin.learn(false);
            spin.budget.is_zero()
        });
        assert_eq!(fruitless, Some(EAGER.ilog2()), "half as many waits each time");
    }

    #[test]
    fn on_the_other_sides_processor_it_is_let_run_and_nothing_is_learned() {
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
        assert_eq!((looks, spin.plan()), (1 + YIELDS, Some(Duration::from_micros(20))));
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
