//! Calls every method and compares.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use proofplane_rpc::{CallError, ClientOptions, Order, Pending};

use crate::Failure;
use crate::echo::types::{EchoBytes, EchoEverything, Fail, Forget, Measure, Sleep, SleepResponse};
use crate::echo::{EchoClient, connect};
use crate::values::{highest, lowest};

/// Far more than any of these calls takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(address: &str, ids: bool) -> Result<(), Failure> {
    let order = if ids { Order::Ask } else { Order::Plain };
    let echo = connect(
        address,
        &ClientOptions {
            order,
            ..ClientOptions::default()
        },
    )?;
    if ids && !echo.client.uses_ids() {
        return Err("the server knows no request ids".into());
    }
    let deadline = Some(Instant::now() + PATIENCE);

    for size in [0, 1, 31, 32, 255, 256, 65_535, 65_536, 100_000] {
        let data: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let reply = echo.echo_bytes(&EchoBytes { data: data.clone() }).wait(deadline)?;
        equal(&format!("EchoBytes of {size}"), &reply.data, &data)?;
    }
    for value in [lowest(), highest()] {
        let reply = echo.echo_everything(&EchoEverything { value: value.clone() }).wait(deadline)?;
        equal("EchoEverything", &reply.value, &value)?;
    }
    let measured = echo
        .measure(&Measure {
            name: "measure".into(),
            number: u32::MAX,
            digest: [7; 32],
        })
        .wait(deadline)?;
    equal(
        "Measure",
        &(measured.name.as_str(), measured.number, measured.digest),
        &("measure", u32::MAX, [7; 32]),
    )?;
    equal("Measure's tag", &measured.tag, &(u64::from(u32::MAX) + 1))?;

    let message = "it fails: ümlaut";
    let failed = echo.fail(&Fail { message: message.into() }).wait(deadline);
    equal("Fail", &failed.err(), &Some(CallError::Refused(message.into())))?;
    match echo.forget(&Forget {}).wait(deadline) {
        Err(CallError::Refused(_)) => {}
        other => return Err(format!("Forget: an error was wanted, not {other:?}").into()),
    }

    let order = sleepers(&echo, deadline)?;
    println!("order: {}", order.map(|token| token.to_string()).join(" "));
    equal("order", &order, &if ids { [4, 3, 2, 1] } else { [1, 2, 3, 4] })?;
    println!("ok");
    Ok(())
}

fn equal<T: PartialEq + Debug>(what: &str, got: &T, wanted: &T) -> Result<(), Failure> {
    if got == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {wanted:?} wanted, {got:?} came").into())
    }
}

/// Four calls at once, each faster than the one before; the tokens in the order in which the replies came.
fn sleepers(echo: &EchoClient, deadline: Option<Instant>) -> Result<[u64; 4], Failure> {
    let (sender, came) = mpsc::channel();
    let calls: Vec<Pending<SleepResponse>> = (1..=4)
        .map(|token| {
            echo.sleep(&Sleep {
                milliseconds: 200 - 50 * token as u32,
                token,
            })
        })
        .collect();
    let mut waiting = Vec::new();
    for (mut call, token) in calls.into_iter().zip(1..) {
        // The thread that takes the replies wakes each call's waker as its reply comes.
        let waker = Waker::from(Arc::new(Arrival {
            token,
            sender: sender.clone(),
        }));
        match pin!(&mut call).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(reply) => {
                equal("Sleep", &reply?.token, &token)?;
                waker.wake();
            }
            Poll::Pending => waiting.push((call, token)),
        }
    }
    let order = [0; 4].map(|_| came.recv_timeout(PATIENCE).unwrap_or_default());
    for (call, token) in waiting {
        equal("Sleep", &call.wait(deadline)?.token, &token)?;
    }
    Ok(order)
}

/// Tells which reply came.
struct Arrival {
    token: u64,
    sender: Sender<u64>,
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        // Nobody listens any more once a reply was wrong.
        let _ = self.sender.send(self.token);
    }
}
