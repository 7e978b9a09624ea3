//! Serves until standard input ends or SIGTERM comes.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proofplane_rpc::{Responder, ServerOptions};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use crate::Failure;
use crate::echo::types::{
    EchoBytes, EchoBytesResponse, EchoEverything, EchoEverythingResponse, Fail, FailResponse, Forget, ForgetResponse, Measure,
    MeasureResponse, Sleep, SleepResponse,
};
use crate::echo::{EchoService, serve};

/// How long accepted requests may take to finish at the end: far more than the longest sleep that callers ask for.
const GRACE: Duration = Duration::from_secs(2);

struct Echo;

impl EchoService for Echo {
    fn echo_bytes(&self, request: EchoBytes, responder: Responder<EchoBytesResponse>) {
        responder.ok(&EchoBytesResponse { data: request.data });
    }

    fn echo_everything(&self, request: EchoEverything, responder: Responder<EchoEverythingResponse>) {
        responder.ok(&EchoEverythingResponse { value: request.value });
    }

    fn measure(&self, request: Measure, responder: Responder<MeasureResponse>) {
        let Measure { name, number, digest } = request;
        responder.ok(&MeasureResponse {
            name,
            number,
            digest,
            tag: u64::from(number) + 1,
        });
    }

    fn sleep(&self, request: Sleep, responder: Responder<SleepResponse>) {
        // A thread of its own, so that no worker is held; the bound on requests in flight bounds these threads.
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(request.milliseconds.into()));
            responder.ok(&SleepResponse { token: request.token });
        });
    }

    fn fail(&self, request: Fail, responder: Responder<FailResponse>) {
        responder.error(request.message);
    }

    fn forget(&self, _: Forget, responder: Responder<ForgetResponse>) {
        drop(responder);
    }
}

pub fn run(address: &str) -> Result<(), Failure> {
    let server = serve(address, &ServerOptions::default(), Echo)?;
    let (end, ended) = mpsc::channel();
    let mut signals = Signals::new([SIGTERM])?;
    let signalled = end.clone();
    thread::spawn(move || signals.forever().next().map(|_| signalled.send(())));
    thread::spawn(move || {
        // Whatever ends the input, it has ended.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        end.send(())
    });
    println!("ready");
    std::io::stdout().flush()?;
    ended.recv()?;
    server.shutdown(GRACE);
    Ok(())
}
