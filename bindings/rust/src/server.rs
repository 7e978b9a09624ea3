//! A running service.

use std::sync::Arc;
use std::time::Duration;

use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract as Names, Method};
use proofplane_reactor::server::{Handler, Options, Server as Native, Stats};

use crate::contract::Contract;
use crate::error::ServeError;
use crate::options::ServerOptions;

/// A running service; dropped, it ends at once.
pub struct Server {
    native: Native,
}

/// Serves at this address; when it returns, clients can connect. For generated code.
///
/// # Errors
/// The address is none, has a living server, or the system refused.
pub fn serve(address: &str, contract: &Contract, options: &ServerOptions, handler: Arc<dyn Handler>) -> Result<Server, ServeError> {
    let address = Address::parse(address)?;
    let method = |(request, response): &(&str, &str)| Method {
        request: (*request).into(),
        response: (*response).into(),
        inline: options.inline.contains(request),
    };
    let names = Names {
        schema_hash: contract.schema_hash,
        methods: contract.methods.iter().map(method).collect(),
        error: contract.error.into(),
    };
    let asked = Options {
        limits: options.limits.clone(),
        slots: options.slots,
        request_ring: options.request_ring,
        response_ring: options.response_ring,
        peers: options.peers.clone(),
        spin_us: options.spin_us,
    };
    let native = Native::spawn(&address, names, asked, options.workers, handler)?;
    Ok(Server { native })
}

impl Server {
    /// Counters.
    pub fn stats(&self) -> Stats {
        self.native.stats()
    }

    /// Finishes what was accepted, for at most `grace`; then ends it and unlinks the address.
    pub fn shutdown(mut self, grace: Duration) {
        self.native.shutdown(grace);
    }
}
