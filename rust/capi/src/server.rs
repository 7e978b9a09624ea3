//! `pp_server_*` and `pp_responder_*`: a native server whose handler is a C function.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract, Method};
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Handler, Options, Reply, Responder, Server};

use crate::fault::{Fault, guard};
use crate::home::Home;
use crate::inputs;
use crate::layout::{Contract as ContractIn, ErrorOut, Handler as HandlerFn, Method as MethodIn, ServerOptions, StatsOut, Status};

/// `pp_server`.
pub struct PpServer {
    server: Server,
    home: Home,
}

/// `pp_responder`.
pub struct PpResponder {
    responder: Responder,
    home: Home,
}

thread_local! {
    /// Whether a handler is running on this thread, so that `pp_server_stop` can refuse to wait for itself.
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
}

/// A C function and its context as the reactor's handler.
struct Callback {
    handler: HandlerFn,
    context: *mut c_void,
    home: Home,
}

// SAFETY: the header demands a context that may be used on several threads at once and lives until the server has stopped.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Handler for Callback {
    fn handle(&self, method: u32, payload: &[u8], responder: Responder) {
        let responder = Box::into_raw(Box::new(PpResponder {
            responder,
            home: self.home,
        }));
        let outer = IN_HANDLER.replace(true);
        // SAFETY: the function's contract is the header's; the payload lives until it returns, the responder is handed over.
        unsafe { (self.handler)(self.context, method, payload.as_ptr(), payload.len(), responder) };
        IN_HANDLER.set(outer);
    }
}

/// Serves; see the header.
///
/// # Safety
/// The pointers are what the header says: null, or valid for the call; `context` until the server has stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_server_start(
    address: *const c_char,
    contract: *const ContractIn,
    options: *const ServerOptions,
    handler: Option<HandlerFn>,
    context: *mut c_void,
    error: *mut ErrorOut,
) -> *mut PpServer {
    let started = guard(|| {
        // SAFETY: promised by the caller.
        let address = unsafe { inputs::text(address, "the address") }?;
        let address = Address::parse(address).map_err(|error| Fault::invalid(error.to_string()))?;
        // SAFETY: promised by the caller.
        let contract = unsafe { read_contract(contract) }?;
        // SAFETY: promised by the caller.
        let (options, workers) = unsafe { read_options(options) }?;
        let handler = handler.ok_or_else(|| Fault::invalid("the handler is a null pointer"))?;
        let home = Home::here();
        let callback = Callback { handler, context, home };
        let server = Server::spawn(&address, contract, options, workers, Arc::new(callback))?;
        Ok(Box::into_raw(Box::new(PpServer { server, home })))
    });
    started.unwrap_or_else(|fault| {
        // SAFETY: promised by the caller.
        unsafe { inputs::report(error, &fault) };
        std::ptr::null_mut()
    })
}

/// Counters; see the header.
///
/// # Safety
/// `server` is null or came from `pp_server_start` and has not been stopped; `stats` is null or memory for a `pp_stats`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_server_stats(server: *const PpServer, stats: *mut StatsOut) -> Status {
    let counted = guard(|| {
        // SAFETY: promised by the caller.
        let server = unsafe { inputs::reference(server, "the server") }?;
        server.home.check("server")?;
        let found = server.server.stats();
        // SAFETY: promised by the caller.
        let out = unsafe { stats.as_mut() }.ok_or_else(|| Fault::invalid("the stats are a null pointer"))?;
        *out = StatsOut {
            accepted: found.accepted,
            open: found.open,
            requests: found.requests,
            replies: found.replies,
            refused: found.refused,
            orphaned: found.orphaned,
            in_flight: found.in_flight,
        };
        Ok(())
    });
    counted.map_or_else(|fault| fault.status, |()| Status::Ok)
}

/// Drains, ends and frees; see the header.
///
/// # Safety
/// `server` is null or came from `pp_server_start` and is not used again after `PP_OK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_server_stop(server: *mut PpServer, grace_ms: u32) -> Status {
    if server.is_null() {
        return Status::Ok;
    }
    let stopped = guard(|| {
        // SAFETY: not null, and promised by the caller.
        let running = unsafe { inputs::reference(server.cast_const(), "the server") }?;
        running.home.check("server")?;
        if IN_HANDLER.get() {
            return Err(Fault::invalid("a handler cannot stop its own server"));
        }
        // SAFETY: it came from Box::into_raw in pp_server_start, and the caller gives it up.
        let mut server = unsafe { Box::from_raw(server) };
        server.server.shutdown(Duration::from_millis(grace_ms.into()));
        Ok(())
    });
    stopped.map_or_else(|fault| fault.status, |()| Status::Ok)
}

/// Answers; see the header.
///
/// # Safety
/// `responder` is null or came to a handler and has not been consumed; `payload` is as in `inputs::values`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_responder_reply(responder: *mut PpResponder, payload: *const u8, payload_len: usize) -> Status {
    // SAFETY: promised by the caller.
    unsafe { answer(responder, payload, payload_len, |bytes| Reply::Ok(bytes.to_vec())) }
}

/// Answers an error; see the header.
///
/// # Safety
/// As `pp_responder_reply`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_responder_error(responder: *mut PpResponder, message: *const c_char, message_len: usize) -> Status {
    let error = |bytes: &[u8]| Reply::Error(String::from_utf8_lossy(bytes).into_owned());
    // SAFETY: promised by the caller.
    unsafe { answer(responder, message.cast(), message_len, error) }
}

/// Gives up; see the header.
///
/// # Safety
/// `responder` is null or came to a handler and has not been consumed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_responder_drop(responder: *mut PpResponder) {
    if responder.is_null() {
        return;
    }
    // The only fault is a defect while dropping, and there is nobody to tell.
    let _ = guard(|| {
        // SAFETY: not null, and promised by the caller.
        drop(unsafe { consume(responder) }?);
        Ok(())
    });
}

/// Consumes the responder; whatever is wrong with the bytes, dropping it answers an error.
///
/// # Safety
/// As `pp_responder_reply`.
unsafe fn answer(responder: *mut PpResponder, bytes: *const u8, len: usize, reply: impl FnOnce(&[u8]) -> Reply<Vec<u8>>) -> Status {
    let answered = guard(|| {
        // SAFETY: promised by the caller.
        let responder = unsafe { consume(responder) }?;
        // SAFETY: promised by the caller.
        let bytes = unsafe { inputs::values(bytes, len, "the reply") }?;
        responder.reply(reply(bytes));
        Ok(())
    });
    answered.map_or_else(|fault| fault.status, |()| Status::Ok)
}

/// The responder itself; in a forked child it stays where it is, because its request is the parent's to answer.
///
/// # Safety
/// `responder` is null or came to a handler and has not been consumed.
unsafe fn consume(responder: *mut PpResponder) -> Result<Responder, Fault> {
    // SAFETY: promised by the caller.
    unsafe { inputs::reference(responder.cast_const(), "the responder") }?
        .home
        .check("server")?;
    // SAFETY: it came from Box::into_raw in Callback::handle, and the caller gives it up.
    Ok(unsafe { Box::from_raw(responder) }.responder)
}

/// # Safety
/// `contract` and everything in it is null or valid for the call.
unsafe fn read_contract(contract: *const ContractIn) -> Result<Contract, Fault> {
    // SAFETY: promised by the caller.
    let contract = unsafe { inputs::reference(contract, "the contract") }?;
    // SAFETY: promised by the caller.
    let methods: &[MethodIn] = unsafe { inputs::values(contract.methods, contract.method_count, "the contract's methods") }?;
    let read = |method: &MethodIn| {
        // SAFETY: promised by the caller.
        let request = unsafe { inputs::text(method.request, "a method's request name") }?;
        // SAFETY: promised by the caller.
        let response = unsafe { inputs::text(method.response, "a method's response name") }?;
        Ok(Method {
            request: request.to_owned(),
            response: response.to_owned(),
            inline: method.runs_inline != 0,
        })
    };
    // SAFETY: promised by the caller.
    let error = unsafe { inputs::text(contract.error, "the contract's error name") }?;
    let methods = methods.iter().map(read).collect::<Result<Vec<_>, Fault>>()?;
    Ok(Contract {
        schema_hash: contract.schema_hash,
        methods,
        error: error.to_owned(),
    })
}

/// The options and the number of workers.
///
/// # Safety
/// `options` and its peers are null or valid for the call.
unsafe fn read_options(options: *const ServerOptions) -> Result<(Options, usize), Fault> {
    // SAFETY: promised by the caller.
    let Some(given) = (unsafe { inputs::option(options, "the options") })? else {
        return Ok((Options::default(), 0));
    };
    // SAFETY: promised by the caller.
    let peers = unsafe { inputs::values(given.peers, given.peer_count, "the peers") }?;
    let default = Limits::default();
    let limits = Limits {
        max_frame: or(given.max_frame, default.max_frame),
        max_in_flight: or(given.max_in_flight, default.max_in_flight),
        max_queued: or(given.max_queued, default.max_queued),
        max_connections: or(given.max_connections, default.max_connections),
        max_waiting: or(given.max_waiting, default.max_waiting),
    };
    let options = Options {
        limits,
        slots: given.slots,
        request_ring: given.request_ring,
        response_ring: given.response_ring,
        peers: peers.to_vec(),
        spin_us: given.spin_us,
    };
    Ok((options, given.workers as usize))
}

/// `value`, or the default where it is 0.
pub fn or<T: Default + PartialEq>(value: T, default: T) -> T {
    if value == T::default() { default } else { value }
}
