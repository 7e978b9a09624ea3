//! From a reply's body to the call that it answers: the one place where what a server says is believed or not.

use super::connection::{Call, Lost};
use super::pending::Pending;
use crate::envelope::read_reply;

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
        let reply = read_reply(body).map_err(|reason| {
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
        (self.sink)(call, reply.name, reply.payload);
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
