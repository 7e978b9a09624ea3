//! The echo service in Rust: `serve ADDRESS`, `call ADDRESS plain|ids`, `golden`.

use std::process::ExitCode;

mod call;
#[path = "generated/mod.rs"]
mod echo;
mod golden;
mod serve;
mod values;

/// What went wrong, a line.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve", address] => serve::run(address),
        ["call", address, "plain"] => call::run(address, false),
        ["call", address, "ids"] => call::run(address, true),
        ["golden"] => golden::run(),
        _ => Err("usage: echo serve ADDRESS | call ADDRESS plain|ids | golden".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
