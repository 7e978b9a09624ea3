//! Calls a real bb through the generated Rust client: `program ADDRESS PID`. Prints what it answered; panics if anything is wrong.

use std::time::Duration;

use generated::types::{Blake2s, ChonkBatchVerify, Poseidon2Hash, Shutdown};
use proofplane_rpc::{CallError, ClientOptions, Target};

mod generated;

fn print(what: &str, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{what} {hex}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let target = Target::Child {
        pid: arguments[2].parse().unwrap(),
        start_timeout: Duration::from_secs(10),
    };
    let options = ClientOptions {
        target,
        ..ClientOptions::default()
    };
    let client = generated::connect(&arguments[1], &options).unwrap();
    let blake2s = |times| client.blake2s(&Blake2s { data: b"abc".repeat(times) }).wait(None).unwrap().hash;
    // One after the other: each finds the thread that reads replies asleep, or just going to sleep.
    for times in 1..200 {
        blake2s(times);
    }
    print("blake2s", &blake2s(10));
    let field = |number| {
        let mut field = [0; 32];
        field[31] = number;
        field
    };
    let inputs = vec![field(1), field(2)];
    print("poseidon2", &client.poseidon2_hash(&Poseidon2Hash { inputs }).wait(None).unwrap().hash);
    let nothing = ChonkBatchVerify {
        proofs: Vec::new(),
        vks: Vec::new(),
    };
    match client.chonk_batch_verify(&nothing).wait(None) {
        Err(CallError::Refused(message)) => println!("{message}"),
        other => panic!("{other:?}"),
    }
    client.shutdown(&Shutdown {}).wait(None).unwrap();
}
