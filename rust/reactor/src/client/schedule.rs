//! When to try connecting again: a pure function of the target, the time since the start and whether the child lives.
//!
//! ```text
//!  Foreign:  1, 2, 4, 8, 16, 32, 50, 50, .. ms between attempts, 5 s in all
//!  Child:    0.2 ms during the first 50 ms, then 1 ms, while it lives, `start_timeout` in all
//! ```

use std::time::Duration;

use super::connector::Target;

/// First pause towards a foreign server; one that is just starting is met within a few.
const FOREIGN_FIRST: Duration = Duration::from_millis(1);
/// Longest pause: what a person does not notice, and twenty attempts a second cost nothing.
const FOREIGN_MOST: Duration = Duration::from_millis(50);
/// A server that is not there after 5 s will hardly come by itself.
const FOREIGN_TOTAL: Duration = Duration::from_secs(5);
/// A native worker listens 2 to 5 ms after its start: a finer pause than this buys nothing, a coarser one shows.
const CHILD_FIRST: Duration = Duration::from_micros(200);
/// How long a child's start is polled finely.
const CHILD_FINE: Duration = Duration::from_millis(50);
/// Pause towards a child that takes longer (an interpreter, a database).
const CHILD_LATER: Duration = Duration::from_millis(1);

/// What to do after an attempt that found no server yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again after this pause.
    Pause(Duration),
    /// The patience, given here, is used up.
    TimedOut(Duration),
    /// The child with this pid is dead.
    ChildDied(u32),
}

/// The state of one connecting.
pub(super) struct Schedule {
    target: Target,
    pause: Duration,
}

impl Schedule {
    /// Before the first attempt.
    pub(super) fn new(target: Target) -> Self {
        let pause = match target {
            Target::Foreign => FOREIGN_FIRST,
            Target::Child { .. } => CHILD_FIRST,
        };
        Self { target, pause }
    }

    /// After an attempt, `elapsed` since the start, that found no server. The last pause ends with the patience.
    pub(super) fn next(&mut self, elapsed: Duration, child_lives: bool) -> Next {
        let total = match self.target {
            Target::Child { pid, .. } if !child_lives => return Next::ChildDied(pid),
            Target::Child { start_timeout, .. } => start_timeout,
            Target::Foreign => FOREIGN_TOTAL,
        };
        let Some(left) = total.checked_sub(elapsed).filter(|left| !left.is_zero()) else {
            return Next::TimedOut(total);
        };
        let pause = match self.target {
            Target::Foreign => {
                let doubled = (self.pause * 2).min(FOREIGN_MOST);
                std::mem::replace(&mut self.pause, doubled)
            }
            Target::Child { .. } if elapsed < CHILD_FINE => CHILD_FIRST,
            Target::Child { .. } => CHILD_LATER,
        };
        Next::Pause(pause.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, Schedule, Target};
    use std::time::Duration;

    const MS: Duration = Duration::from_millis(1);

    /// Runs a schedule whose attempts take no time; its pauses in microseconds, and how it ended.
    fn run(target: Target, lives_until: Duration) -> (Vec<u128>, Next) {
        let mut schedule = Schedule::new(target);
        let (mut now, mut pauses) = (Duration::ZERO, Vec::new());
        loop {
            match schedule.next(now, now < lives_until) {
                Next::Pause(pause) => {
                    pauses.push(pause.as_micros());
                    now += pause;
                }
                end => return (pauses, end),
            }
        }
    }

    #[test]
    fn a_foreign_server_is_asked_after_1_ms_doubling_to_50_for_5_seconds() {
        let (pauses, end) = run(Target::Foreign, Duration::ZERO);
        assert_eq!(pauses[..8], [1000, 2000, 4000, 8000, 16_000, 32_000, 50_000, 50_000]);
        assert_eq!(pauses.iter().sum::<u128>(), 5_000_000, "the last attempt is at 5 s exactly");
        assert_eq!(end, Next::TimedOut(5000 * MS));
    }

    #[test]
    fn a_child_is_asked_every_fifth_of_a_millisecond_for_50_ms_and_then_every_millisecond() {
        let target = Target::Child {
            pid: 7,
            start_timeout: 60 * MS,
        };
        let (pauses, end) = run(target, Duration::MAX);
        assert_eq!(pauses, [vec![200; 250], vec![1000; 10]].concat());
        assert_eq!(end, Next::TimedOut(60 * MS));
    }

    #[test]
    fn a_dead_child_ends_it_at_once() {
        let target = Target::Child {
            pid: 7,
            start_timeout: 1000 * MS,
        };
        assert_eq!(run(target, Duration::ZERO), (vec![], Next::ChildDied(7)));
        let (pauses, end) = run(target, MS);
        assert_eq!((pauses.len(), end), (5, Next::ChildDied(7)));
    }

    #[test]
    fn a_slow_attempt_does_not_prolong_the_patience() {
        let mut schedule = Schedule::new(Target::Foreign);
        assert_eq!(schedule.next(4999 * MS + MS / 2, true), Next::Pause(MS / 2));
        assert_eq!(schedule.next(6000 * MS, true), Next::TimedOut(5000 * MS));
    }
}
