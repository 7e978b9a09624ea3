//! A server, turned by Node.

use std::os::fd::AsFd;

use napi::bindgen_prelude::{BigInt, Buffer, Function, Uint8Array};
use napi_derive::napi;
use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract, Method};
use proofplane_reactor::server::{Driver, Options, Reply, Ticket, Wait};

use crate::limits::NativeLimits;
use crate::watch::Watcher;

/// One method's names on the wire.
#[napi(object)]
pub struct NativeMethod {
    /// In a request.
    pub name: String,
    /// In its reply.
    pub response_name: String,
}

/// What a server is set up with.
#[napi(object)]
pub struct NativeContract {
    /// 32 bytes.
    pub schema_hash: Buffer,
    /// Methods by number.
    pub methods: Vec<NativeMethod>,
    /// Name of the error reply.
    pub error_name: String,
}

/// One request.
#[napi(object)]
pub struct NativeRequest {
    /// Answer with this.
    pub ticket: BigInt,
    /// The method's number.
    pub method: u32,
    /// The packed fields.
    pub payload: Buffer,
}

/// A server without a thread of its own.
#[napi]
pub struct NativeServer {
    driver: Driver,
    watcher: Option<Watcher>,
}

#[napi]
impl NativeServer {
    /// Serves; when it returns, clients can connect. `readable` is called once after each `arm`, when it is time for a turn.
    #[napi(constructor)]
    pub fn new(
        address: String,
        contract: NativeContract,
        limits: NativeLimits,
        slots: Option<u32>,
        readable: Function<'_, (), ()>,
    ) -> napi::Result<Self> {
        let address = Address::parse(&address).map_err(|error| napi::Error::from_reason(error.to_string()))?;
        let schema_hash = <[u8; 32]>::try_from(contract.schema_hash.as_ref())
            .map_err(|_| napi::Error::from_reason("the contract's hash does not have 32 bytes"))?;
        let methods = contract.methods.into_iter().map(|method| Method {
            request: method.name,
            response: method.response_name,
            inline: false,
        });
        let contract = Contract {
            schema_hash,
            methods: methods.collect(),
            error: contract.error_name,
        };
        let options = Options {
            limits: limits.to_reactor(),
            slots: slots.unwrap_or(0),
            ..Options::default()
        };
        let driver = Driver::bind(&address, contract, options).map_err(|error| napi::Error::from_reason(error.to_string()))?;
        let watcher = Some(Watcher::new(driver.as_fd(), &readable)?);
        Ok(Self { driver, watcher })
    }

    /// Takes requests and sends replies, spinning as learned. After a turn without requests, `arm` and wait to be told.
    #[napi]
    pub fn turn(&mut self) -> napi::Result<Vec<NativeRequest>> {
        let mut requests = Vec::new();
        self.driver
            .turn(Wait::Spin, &mut |request| {
                requests.push(NativeRequest {
                    ticket: BigInt::from(request.ticket.0),
                    method: request.method,
                    payload: request.payload.to_vec().into(),
                });
            })
            .map_err(|error| napi::Error::from_reason(error.to_string()))?;
        Ok(requests)
    }

    /// Answers with packed fields.
    #[napi]
    pub fn complete(&mut self, ticket: BigInt, payload: Uint8Array) {
        self.driver.complete(Ticket(ticket.get_u64().1), Reply::Ok(&payload));
    }

    /// Answers an error.
    #[napi]
    pub fn fail(&mut self, ticket: BigInt, message: String) {
        self.driver.complete(Ticket(ticket.get_u64().1), Reply::Error(message));
    }

    /// Asks to be told.
    #[napi]
    pub fn arm(&self) {
        if let Some(watcher) = &self.watcher {
            watcher.arm();
        }
    }

    /// Connections open now.
    #[napi(getter)]
    pub fn open(&self) -> f64 {
        self.driver.stats().open as f64
    }

    /// Takes no more; true once everything is answered and sent.
    #[napi]
    pub fn drain(&mut self) -> bool {
        self.driver.drain()
    }

    /// Ends it: errors to what is unanswered, everything closed and unlinked; nothing is told any more.
    #[napi]
    pub fn abort(&mut self) {
        self.watcher = None;
        self.driver.abort();
    }
}
