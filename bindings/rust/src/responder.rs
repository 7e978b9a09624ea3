//! The one-shot right and duty to answer a request, typed.

use std::marker::PhantomData;

use proofplane_reactor::server::Reply;
pub use proofplane_reactor::server::{Handler, Responder as RawResponder};

use crate::msgpack::{Pack, Unpack, from_bytes, to_bytes};

/// Answers one request with an `R` or an error, now or later, from any thread. Dropped unanswered, it answers an error.
#[must_use = "a responder that is dropped answers an error"]
pub struct Responder<R> {
    raw: RawResponder,
    response: PhantomData<fn(R)>,
}

impl<R: Pack> Responder<R> {
    /// Answers.
    pub fn ok(self, response: &R) {
        self.raw.reply(Reply::Ok(to_bytes(response)));
    }

    /// Answers an error with this message.
    pub fn error(self, message: impl Into<String>) {
        self.raw.reply(Reply::Error(message.into()));
    }
}

/// Reads a request and hands it to its handler; what cannot be read is answered here. For generated code.
pub fn answer<Q: Unpack, R: Pack>(payload: &[u8], raw: RawResponder, handle: impl FnOnce(Q, Responder<R>)) {
    let responder = Responder {
        raw,
        response: PhantomData,
    };
    match from_bytes(payload) {
        Ok(request) => handle(request, responder),
        Err(error) => responder.error(error.to_string()),
    }
}
