//! What the tests of the ABI share: calls made as C makes them, and a peer that answers what a test tells it.
#![allow(dead_code)] // each test program uses its part

use std::ffi::{CStr, CString, c_char, c_void};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use proofplane_capi::{Client, ClientOptions, ErrorOut, Status, pp_client_close, pp_client_connect, pp_client_submit};

/// How one call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub tag: u64,
    pub status: Status,
    pub name: String,
    pub bytes: Vec<u8>,
}

struct Waiting {
    tag: u64,
    sender: Sender<Outcome>,
}

/// The reply handler: gives the outcome to the test. It frees its context, so that a second run would be caught by the allocator.
unsafe extern "C" fn take(context: *mut c_void, status: Status, name: *const c_char, name_len: usize, bytes: *const u8, len: usize) {
    // SAFETY: `Calls::submit` made it, and handlers run once.
    let waiting = unsafe { Box::from_raw(context.cast::<Waiting>()) };
    let name = if name.is_null() {
        String::new()
    } else {
        // SAFETY: the library gives a name and its length.
        String::from_utf8(unsafe { std::slice::from_raw_parts(name.cast::<u8>(), name_len) }.to_vec()).expect("a name is UTF-8")
    };
    // SAFETY: the library gives bytes and their length.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, len) }.to_vec();
    let _ = waiting.sender.send(Outcome {
        tag: waiting.tag,
        status,
        name,
        bytes,
    });
}

/// A client and where its calls' outcomes come.
pub struct Calls {
    pub client: *mut Client,
    sender: Sender<Outcome>,
    pub outcomes: Receiver<Outcome>,
}

// SAFETY: the header allows every function but close on any thread.
unsafe impl Send for Calls {}
// SAFETY: as above; the receiver is used by the test's own thread only.
unsafe impl Sync for Calls {}

impl Calls {
    pub fn connect(address: &str, options: &ClientOptions) -> Result<Self, (i32, String)> {
        let address = CString::new(address).unwrap();
        let mut error = no_error();
        // SAFETY: everything lives for the call.
        let client = unsafe { pp_client_connect(address.as_ptr(), options, &mut error) };
        let (sender, outcomes) = channel();
        if client.is_null() {
            Err((error.status, text(&error)))
        } else {
            Ok(Self { client, sender, outcomes })
        }
    }

    pub fn submit(&self, tag: u64, name: &str, payload: &[u8]) -> Status {
        let name = CString::new(name).unwrap();
        let context = Box::into_raw(Box::new(Waiting {
            tag,
            sender: self.sender.clone(),
        }))
        .cast();
        // SAFETY: everything lives for the call, the context until the handler has run.
        let status = unsafe {
            pp_client_submit(
                self.client,
                name.as_ptr(),
                payload.as_ptr(),
                payload.len(),
                Some(take),
                context,
                null_mut(),
            )
        };
        if status != Status::Ok {
            // SAFETY: the handler will not run.
            drop(unsafe { Box::from_raw(context.cast::<Waiting>()) });
        }
        status
    }

    pub fn close(self) -> Vec<Outcome> {
        // SAFETY: nobody else uses it.
        assert_eq!(unsafe { pp_client_close(self.client) }, Status::Ok);
        self.outcomes.try_iter().collect()
    }
}

pub fn no_error() -> ErrorOut {
    ErrorOut {
        status: 0,
        message: [0; 508],
    }
}

pub fn text(error: &ErrorOut) -> String {
    CStr::from_bytes_until_nul(&error.message).unwrap().to_str().unwrap().to_owned()
}

/// Options as C gets them from `= {0}`.
pub fn options() -> ClientOptions {
    ClientOptions {
        deadline_ms: 0,
        ids: 0,
        has_slot: 0,
        slot: 0,
        child_pid: 0,
        max_frame: 0,
        max_in_flight: 0,
        spin_us: 0,
        max_queued: 0,
        schema_hash: [0; 32],
    }
}

/// Options of a client that asks no Hello.
pub fn plain() -> ClientOptions {
    ClientOptions { ids: 1, ..options() }
}

/// A server of one connection: `answer` sees each frame's body and gives the frames' bodies to send, or `None` to hang up.
pub fn peer(path: &Path, mut answer: impl FnMut(&[u8]) -> Option<Vec<Vec<u8>>> + Send + 'static) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while let Some(body) = read_frame(&mut stream) {
            let Some(replies) = answer(&body) else { return };
            for reply in replies {
                // A client that has gone shows at the next read.
                let _ = stream.write_all(&[&u32::try_from(reply.len()).unwrap().to_le_bytes()[..], &reply].concat());
            }
        }
    })
}

fn read_frame(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).ok()?;
    let mut body = vec![0; u32::from_le_bytes(prefix) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// `[Name, payload]`.
pub fn reply(name: &str, payload: &[u8]) -> Vec<u8> {
    [&[0x92, 0xa0 | u8::try_from(name.len()).unwrap()], name.as_bytes(), payload].concat()
}
