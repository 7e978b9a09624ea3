//! A connection to a server, turned by Node.

use std::os::fd::AsFd;

use napi::bindgen_prelude::{Buffer, Function, Uint8Array};
use napi_derive::napi;
use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Attempt, Connection, Connector, Options, SubmitError, Target};

use crate::limits::NativeLimits;
use crate::watch::Watcher;

/// Connecting in progress: attempt, wait as told, attempt again.
#[napi]
pub struct NativeConnector {
    connector: Connector,
}

/// What one attempt came to: a connection, or milliseconds to wait. An attempt that cannot succeed throws.
#[napi]
pub struct NativeAttempt {
    connection: Option<Connection>,
    /// Milliseconds until the next attempt; 0 when connected.
    #[napi(readonly)]
    pub wait: f64,
}

#[napi]
impl NativeConnector {
    /// Starts the clock. `slot` is needed with a many-client server that is not ours.
    #[napi(constructor)]
    pub fn new(address: String, limits: NativeLimits, slot: Option<u32>) -> napi::Result<Self> {
        let address = Address::parse(&address).map_err(|error| napi::Error::from_reason(error.to_string()))?;
        let options = Options {
            limits: limits.to_reactor(),
            target: Target::Foreign,
            slot,
            spin_us: 0,
        };
        Ok(Self {
            connector: Connector::new(address, options),
        })
    }

    /// Tries once; never blocks.
    #[napi]
    pub fn attempt(&mut self) -> napi::Result<NativeAttempt> {
        match self.connector.attempt() {
            Attempt::Connected(connection) => Ok(NativeAttempt {
                connection: Some(connection),
                wait: 0.0,
            }),
            Attempt::Wait(wait) => Ok(NativeAttempt {
                connection: None,
                wait: wait.as_secs_f64() * 1000.0,
            }),
            Attempt::Failed(why) => Err(napi::Error::from_reason(why)),
        }
    }
}

/// One reply.
#[napi(object)]
pub struct NativeReply {
    /// The call that it answers.
    pub call: f64,
    /// The reply's name.
    pub name: String,
    /// The packed fields.
    pub payload: Buffer,
}

/// What a turn brought.
#[napi(object)]
pub struct NativeTurn {
    /// Replies, in the order in which they came.
    pub replies: Vec<NativeReply>,
    /// Why the connection is over, after these replies.
    pub lost: Option<String>,
}

/// A connection. Codes of what `submit` throws: `TooLarge`, `WouldBlock`, `Lost`.
#[napi]
pub struct NativeConnection {
    connection: Connection,
    watcher: Option<Watcher>,
}

#[napi]
impl NativeConnection {
    /// Takes the connection out of a successful attempt. `readable` is called once after each `arm`, when it is time for a turn.
    #[napi(constructor)]
    pub fn new(attempt: &mut NativeAttempt, readable: Function<'_, (), ()>) -> napi::Result<Self> {
        let connection = attempt.connection.take().ok_or_else(|| napi::Error::from_reason("not connected"))?;
        let watcher = Some(Watcher::new(connection.as_fd(), &readable)?);
        Ok(Self { connection, watcher })
    }

    /// Queues a request and returns its call.
    #[napi]
    pub fn submit(&mut self, name: String, payload: Uint8Array) -> napi::Result<f64, &'static str> {
        match self.connection.submit(&name, &payload) {
            Ok(call) => Ok(call as f64),
            Err(error) => {
                let code = match &error {
                    SubmitError::TooLarge { .. } => "TooLarge",
                    SubmitError::WouldBlock => "WouldBlock",
                    SubmitError::Lost(_) => "Lost",
                };
                Err(napi::Error::new(code, error.to_string()))
            }
        }
    }

    /// Sends and takes what goes without blocking, spinning as learned. After a turn without replies, `arm` and wait to be told.
    #[napi]
    pub fn turn(&mut self) -> NativeTurn {
        let mut replies = Vec::new();
        let turned = self.connection.turn(true, &mut |call, name, payload| {
            replies.push(NativeReply {
                call: call as f64,
                name: name.to_owned(),
                payload: payload.to_vec().into(),
            });
        });
        NativeTurn {
            replies,
            lost: turned.err().map(|lost| lost.to_string()),
        }
    }

    /// Whether another turn is due in about a millisecond, though nothing tells: a foreign server's ring is full.
    #[napi]
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Asks to be told.
    #[napi]
    pub fn arm(&self) {
        if let Some(watcher) = &self.watcher {
            watcher.arm();
        }
    }

    /// From now on requests carry ids.
    #[napi]
    pub fn use_ids(&mut self) {
        self.connection.use_ids(true);
    }

    /// The largest frame body that the server takes.
    #[napi]
    pub fn limit_requests(&mut self, most: u32) {
        self.connection.limit_requests(most);
    }

    /// Closes at once; nothing is told any more.
    #[napi]
    pub fn close(&mut self) {
        self.watcher = None;
        self.connection.close();
    }
}
