//! What a client asks first: whose schema the server serves, and whether it knows request ids.

use std::fmt;
use std::time::Instant;

use super::connection::{Connection, Lost, SubmitError};
use super::greeting::Greeting;
use crate::envelope::{pack_bin, pack_map, pack_str};

const NO_SCHEMA: [u8; 32] = [0; 32];

/// Why there is no agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelloError {
    /// The connection is over.
    Lost(Lost),
    /// The connection does not carry the question: our own limits are too small for it.
    NotSent(SubmitError),
    /// The server did not answer in time.
    Deadline,
    /// The answer makes no sense.
    Unreadable,
    /// Both sides have a schema, and they are not the same.
    OtherSchema {
        /// Hash of ours.
        ours: [u8; 32],
        /// Hash of the server's.
        theirs: [u8; 32],
    },
}

/// Asks on a fresh connection, compares schemas (unless a hash is all zero), and has the connection do as was agreed: ids if the server
/// knows them, no larger requests than it takes. `None` from a peer that does not know the question and answered an error: it takes plain
/// requests only, whatever schema it has.
pub fn introduce(connection: &mut Connection, schema_hash: [u8; 32], deadline: Option<Instant>) -> Result<Option<Greeting>, HelloError> {
    let mut question = Vec::new();
    pack_map(&mut question, 1);
    pack_str(&mut question, "schema_hash");
    pack_bin(&mut question, &schema_hash);
    connection.submit("Hello", &question).map_err(|error| match error {
        SubmitError::Lost(lost) => HelloError::Lost(lost),
        error => HelloError::NotSent(error),
    })?;
    let mut answer = None;
    let mut sink = |_, name: &str, payload: &[u8]| answer = Some((name == "HelloResponse").then(|| Greeting::read(payload)));
    // A wait may end early with nothing, when a signal came: the clock tells, not the count.
    while connection.wait(deadline, &mut sink).map_err(HelloError::Lost)? == 0 {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(HelloError::Deadline);
        }
    }
    let Some(Some(greeting)) = answer else { return Ok(None) };
    let greeting = greeting.ok_or(HelloError::Unreadable)?;
    let theirs = greeting.schema_hash;
    if schema_hash != NO_SCHEMA && theirs != NO_SCHEMA && theirs != schema_hash {
        return Err(HelloError::OtherSchema { ours: schema_hash, theirs });
    }
    connection.use_ids(greeting.ids);
    connection.limit_requests(greeting.max_frame);
    Ok(Some(greeting))
}

impl fmt::Display for HelloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(lost) => write!(f, "the connection ended during Hello: {lost}"),
            Self::NotSent(error) => write!(f, "Hello could not be sent: {error}"),
            Self::Deadline => f.write_str("the server took the connection and did not answer Hello before the deadline"),
            Self::Unreadable => f.write_str("the server's HelloResponse cannot be read"),
            Self::OtherSchema { .. } => {
                f.write_str("the server serves another version of the schema: generate both sides from the same contract")
            }
        }
    }
}

impl std::error::Error for HelloError {}
