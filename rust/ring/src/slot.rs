//! A client slot: who owns it, from a client's claim to the server's reset.
//!
//! ```text
//!             client: 0 -> owner (compare-and-swap)          server sees it
//!   free (0) ------------------------------------> claimed ------------------> serving
//!      ^                                                                          | client: owner -> owner + leaving,
//!      |   server: both rings empty, epoch + 1, owner 0                           | or it died
//!      +------------------------------------------------------------- left <------+
//! ```
//!
//! 1. Only a client takes a slot, and only from 0; only the server gives it back.
//! 2. The server resets a slot only when its client said that it leaves, or is dead: nobody else then uses the rings.
//! 3. The owner word is written last in a reset (Release) and first in a claim (Acquire): the next owner finds both rings empty.

use crate::Region;
use crate::header::clear;
use crate::layout::{EPOCH, OWNER};
use crate::owner::Owner;
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// Takes a free slot for `me`; the epoch under which it is held, or `None` if somebody has it.
pub(crate) fn claim(request: &Region, me: Owner) -> Option<u64> {
    // Acquire: pairs with the Release in `reset`; Release: pairs with the Acquire in `Watch::look`.
    request.u64(OWNER).compare_exchange(0, me.word(), AcqRel, Relaxed).ok()?;
    Some(request.u64(EPOCH).load(Relaxed))
}

/// Says that `me` will not touch the rings again; does nothing if the slot is no longer its own.
pub(crate) fn leave(request: &Region, me: Owner) {
    // Release: pairs with the Acquire in `Watch::look`: everything that the client did in the rings comes before.
    let _ = request.u64(OWNER).compare_exchange(me.word(), me.leaving(), Release, Relaxed);
}

/// Whether the slot is no longer held by `me` under this epoch.
pub(crate) fn evicted(request: &Region, me: Owner, epoch: u64) -> bool {
    // Acquire: pairs with the Release in `condemn`.
    request.u64(EPOCH).load(Acquire) != epoch || request.u64(OWNER).load(Relaxed) != me.word()
}

/// Ends the present epoch, so that the owner's next look tells it that it is out.
pub(crate) fn condemn(request: &Region) {
    request.u64(EPOCH).fetch_add(1, Release);
}

/// What the server found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// As before.
    Nothing,
    /// A living client has claimed it.
    Claimed(Owner),
    /// Its client left, died, or scribbled over the owner word.
    Left,
    /// Claimed and left or died between two looks: nothing was handed out, so it can be reset at once.
    Stale,
}

/// The server's memory of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Owner word 0.
    Free,
    /// Serving this owner.
    Owned(Owner),
    /// The reactor was told that it left; awaits `reset`.
    Left,
}

impl Watch {
    /// Whether the owner word differs from what was seen; one load.
    pub(crate) fn changed(self, request: &Region) -> bool {
        let word = request.u64(OWNER).load(Relaxed);
        match self {
            Self::Free => word != 0,
            Self::Owned(owner) => word != owner.word(),
            Self::Left => false,
        }
    }

    /// Looks at the owner word; `lives` is asked about a new owner, `died` says that the present one is known to be dead.
    pub(crate) fn look(&mut self, request: &Region, died: bool, lives: impl Fn(Owner) -> bool) -> Change {
        // Acquire: pairs with the Release of `claim` and `leave`.
        let word = request.u64(OWNER).load(Acquire);
        match (*self, Owner::from_word(word)) {
            (Self::Free, Some(owner)) if owner.word() == word && lives(owner) => {
                *self = Self::Owned(owner);
                Change::Claimed(owner)
            }
            (Self::Free, _) if word != 0 => Change::Stale,
            (Self::Owned(owner), _) if owner.word() != word || died => {
                *self = Self::Left;
                Change::Left
            }
            _ => Change::Nothing,
        }
    }
}

/// Makes a slot free: both rings empty, epoch + 1, owner 0, in this order. Rule 2 is the caller's duty.
pub(crate) fn reset(request: &Region, response: &Region) {
    clear(request);
    clear(response);
    request.u64(EPOCH).fetch_add(1, Release);
    // Release: pairs with the Acquire in `claim` (rule 3).
    request.u64(OWNER).store(0, Release);
}
