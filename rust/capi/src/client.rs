//! `pp_client_*`: a connection with a thread that reads it, shared by any number of submitting threads.

use std::ffi::{c_char, c_void};
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Connector, Options, Target, introduce};
use proofplane_reactor::limits::Limits;

use crate::dispatch::Pending;
use crate::fault::{Fault, guard};
use crate::home::Home;
use crate::inputs;
use crate::layout::{ClientOptions, ErrorOut, ReplyHandler, Status};
use crate::reader::Shared;
use crate::server::or;

/// For connecting and Hello together unless the caller says otherwise: what a foreign server gets, too.
const DEFAULT_DEADLINE_MS: u32 = 5000;

/// `pp_client`.
pub struct PpClient {
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
    ids: bool,
    home: Home,
}

impl PpClient {
    fn here(&self) -> Result<&Self, Fault> {
        self.home.check("client").map(|()| self)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ids {
    Auto,
    Never,
    Require,
}

struct Request {
    options: Options,
    deadline: Instant,
    ids: Ids,
    schema_hash: [u8; 32],
}

/// Connects; see the header.
///
/// # Safety
/// The pointers are what the header says: null, or valid for the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_client_connect(address: *const c_char, options: *const ClientOptions, error: *mut ErrorOut) -> *mut PpClient {
    let connected = guard(|| {
        // SAFETY: promised by the caller.
        let address = unsafe { inputs::text(address, "the address") }?;
        let address = Address::parse(address).map_err(|error| Fault::invalid(error.to_string()))?;
        // SAFETY: promised by the caller.
        let request = read_options(unsafe { inputs::option(options, "the options") }?)?;
        Ok(Box::into_raw(Box::new(connect(address, request)?)))
    });
    connected.unwrap_or_else(|fault| {
        // SAFETY: promised by the caller.
        unsafe { inputs::report(error, &fault) };
        std::ptr::null_mut()
    })
}

/// Whether requests carry ids; see the header.
///
/// # Safety
/// `client` is null or came from `pp_client_connect` and has not been closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_client_uses_ids(client: *const PpClient) -> u32 {
    // SAFETY: promised by the caller.
    let client = unsafe { inputs::reference(client, "the client") };
    client.map_or(0, |client| client.ids.into())
}

/// Calls in flight; see the header.
///
/// # Safety
/// As `pp_client_uses_ids`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_client_in_flight(client: *const PpClient) -> usize {
    // SAFETY: promised by the caller.
    let client = unsafe { inputs::reference(client, "the client") };
    guard(|| Ok(client?.here()?.shared.in_flight())).unwrap_or(0)
}

/// Sends a request; see the header.
///
/// # Safety
/// As `pp_client_uses_ids`; `name`, `payload` and `error` are null or valid for the call, `context` until the handler has run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_client_submit(
    client: *mut PpClient,
    name: *const c_char,
    payload: *const u8,
    payload_len: usize,
    handler: Option<ReplyHandler>,
    context: *mut c_void,
    error: *mut ErrorOut,
) -> Status {
    let submitted = guard(|| {
        // SAFETY: promised by the caller.
        let client = unsafe { inputs::reference(client.cast_const(), "the client") }?.here()?;
        // SAFETY: promised by the caller.
        let name = unsafe { inputs::text(name, "the command's name") }?;
        // SAFETY: promised by the caller.
        let payload = unsafe { inputs::values(payload, payload_len, "the payload") }?;
        let handler = handler.ok_or_else(|| Fault::invalid("the reply handler is a null pointer"))?;
        client.shared.submit(name, payload, Pending::new(handler, context))
    });
    match submitted {
        Ok(()) => Status::Ok,
        // SAFETY: promised by the caller.
        Err(fault) => unsafe { inputs::report(error, &fault) },
    }
}

/// Closes and frees; see the header.
///
/// # Safety
/// `client` is null or came from `pp_client_connect`; no other thread uses it, and nobody does after `PP_OK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pp_client_close(client: *mut PpClient) -> Status {
    if client.is_null() {
        return Status::Ok;
    }
    let closed = guard(|| {
        // SAFETY: not null, and promised by the caller.
        unsafe { inputs::reference(client.cast_const(), "the client") }?.here()?;
        // SAFETY: it came from Box::into_raw in pp_client_connect, and the caller gives it up.
        let client = unsafe { Box::from_raw(client) };
        client.shared.close();
        // From a handler, on the reader's own thread, it cannot be waited for: it ends after that handler.
        if client.reader.thread().id() != thread::current().id() {
            client
                .reader
                .join()
                .map_err(|_| Fault::new(Status::Broken, "the client's thread panicked"))?;
        }
        Ok(())
    });
    closed.map_or_else(|fault| fault.status, |()| Status::Ok)
}

fn connect(address: Address, request: Request) -> Result<PpClient, Fault> {
    let shared_memory = matches!(address, Address::SharedMemory(_));
    let unreachable = |why| Fault::new(Status::Unreachable, why);
    let mut connection = Connector::new(address, request.options.clone())
        .connect(Some(request.deadline))
        .map_err(unreachable)?;
    let greeting = match request.ids {
        Ids::Never => None,
        Ids::Auto | Ids::Require => introduce(&mut connection, request.schema_hash, Some(request.deadline))?,
    };
    let ids = greeting.is_some_and(|greeting| greeting.ids);
    if request.ids == Ids::Require && !ids {
        return Err(Fault::new(Status::Mismatch, "the server does not know request ids"));
    }
    let start = || {
        let shared = Arc::new(Shared::new(connection, shared_memory, request.options.limits.max_in_flight)?);
        let reading = Arc::clone(&shared);
        let reader = thread::Builder::new()
            .name("proofplane-read".into())
            .spawn(move || reading.read())?;
        Ok(PpClient {
            shared,
            reader,
            ids,
            home: Home::here(),
        })
    };
    start().map_err(|error: io::Error| Fault::new(Status::System, format!("cannot start the client's thread: {error}")))
}

fn read_options(given: Option<&ClientOptions>) -> Result<Request, Fault> {
    let default = Limits::default();
    let Some(given) = given else {
        return Ok(Request {
            options: Options {
                limits: default,
                target: Target::Foreign,
                slot: None,
                spin_us: 0,
            },
            deadline: Instant::now() + Duration::from_millis(DEFAULT_DEADLINE_MS.into()),
            ids: Ids::Auto,
            schema_hash: [0; 32],
        });
    };
    let ids = match given.ids {
        0 => Ids::Auto,
        1 => Ids::Never,
        2 => Ids::Require,
        other => return Err(Fault::invalid(format!("ids is {other}, which is no pp_ids"))),
    };
    let patience = Duration::from_millis(or(given.deadline_ms, DEFAULT_DEADLINE_MS).into());
    let limits = Limits {
        max_frame: or(given.max_frame, default.max_frame),
        max_in_flight: or(given.max_in_flight, default.max_in_flight),
        max_queued: or(given.max_queued, default.max_queued),
        ..default
    };
    let target = match given.child_pid {
        0 => Target::Foreign,
        pid => Target::Child {
            pid,
            start_timeout: patience,
        },
    };
    let slot = (given.has_slot != 0).then_some(given.slot);
    Ok(Request {
        options: Options {
            limits,
            target,
            slot,
            spin_us: given.spin_us,
        },
        deadline: Instant::now() + patience,
        ids,
        schema_hash: given.schema_hash,
    })
}
