//! From a reply's body to the call that it answers: the one place where what a server says is believed or not.

use super::connection::{Call, Lost};
use super::pending::Pending;
use crate::envelope::{StableFront, read_reply};

/// Where the replies of one turn go.
pub(super) struct Delivery<'a> {
    pending: &'a mut Pending,
    sink: &'a mut dyn FnMut(Call, &str, &[u8]),
    count: usize,
}

impl<'a> Delivery<'a> {
    /// Nothing delivered yet.
    pub(super) fn new(pending: &'a mut Pending, sink: &'a mut dyn FnMut(Call, &str, &[u8])) -> Self {
        Self { pending, sink, count: 0 }
    }

    /// Reads one reply's envelope and hands it to the sink. A reply that cannot be read, or that nobody asked for, means that the
    /// two sides no longer agree on the order, so that no later reply could be trusted: the connection is broken.
    pub(super) fn take(&mut self, body: &[u8]) -> Result<(), Lost> {
        self.take_behind(body, body)
    }

    /// As `take`, for a body that another process may still write: what is believed of the envelope is what was copied and checked.
    pub(super) fn take_shared(&mut self, body: &[u8]) -> Result<(), Lost> {
        self.take_behind(StableFront::of(body).bytes(), body)
    }

    /// `front` is the body, or enough of its beginning to hold the envelope.
    fn take_behind(&mut self, front: &[u8], body: &[u8]) -> Result<(), Lost> {
        let reply = read_reply(front).map_err(|reason| {
            Lost::Broken(format!(
                "the server sent a reply of {} bytes that cannot be read: {}",
                body.len(),
                reason.code()
            ))
        })?;
        let Some(call) = self.pending.answered(reply.id) else {
            let place = reply.id.map_or("no id".into(), |id| format!("id {id}"));
            return Err(Lost::Broken(format!(
                "the server answered {} with {place}, which no call in flight waits for",
                reply.name
            )));
        };
        self.count += 1;
        (self.sink)(call, reply.name, &body[front.len() - reply.payload.len()..]);
        Ok(())
    }

    /// How many were delivered.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether replies are still to come.
    pub(super) fn expects(&self) -> bool {
        self.pending.len() > 0
    }
}
