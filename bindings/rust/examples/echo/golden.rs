//! Decodes frames and encodes them anew.

use std::io::{BufRead, Write};

use proofplane_reactor::envelope::{read_reply, read_request};
use proofplane_rpc::msgpack::{Pack, Unpack, Writer, from_bytes, to_bytes};
use proofplane_rpc::{Command, Hello, HelloResponse};

use crate::Failure;
use crate::echo::CONTRACT;
use crate::echo::types::{
    EchoBytes, EchoBytesResponse, EchoEverything, EchoEverythingResponse, ErrorResponse, Fail, FailResponse, Forget, ForgetResponse,
    Measure, MeasureResponse, Sleep, SleepResponse,
};

pub fn run() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        match anew(&line?) {
            Ok(hex) => writeln!(out, "{hex}")?,
            Err(reason) => writeln!(out, "error {reason}")?,
        }
    }
    Ok(())
}

fn anew(line: &str) -> Result<String, Failure> {
    let (kind, hex) = line.split_once(' ').ok_or("a line is `request HEX` or `reply HEX`")?;
    let body = from_hex(hex.trim())?;
    let mut writer = Writer::new();
    match kind {
        "request" => {
            let envelope = read_request(&body).map_err(|error| format!("{} {error}", error.code()))?;
            let fields = request(envelope.name, envelope.payload)?;
            writer.array(if envelope.id.is_some() { 2 } else { 1 });
            pair(&mut writer, envelope.id, envelope.name, &fields);
        }
        "reply" => {
            let envelope = read_reply(&body).map_err(|error| format!("{} {error}", error.code()))?;
            let fields = reply(envelope.name, envelope.payload)?;
            if envelope.id.is_some() {
                writer.array(2);
            }
            pair(&mut writer, envelope.id, envelope.name, &fields);
        }
        _ => return Err("a line is `request HEX` or `reply HEX`".into()),
    }
    Ok(writer.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn pair(writer: &mut Writer, id: Option<u64>, name: &str, fields: &[u8]) {
    if let Some(id) = id {
        writer.u64(&id);
    }
    writer.array(2);
    writer.string(name);
    writer.raw(fields);
}

fn request(name: &str, payload: &[u8]) -> Result<Vec<u8>, Failure> {
    match name {
        EchoBytes::NAME => repacked::<EchoBytes>(payload),
        EchoEverything::NAME => repacked::<EchoEverything>(payload),
        Measure::NAME => repacked::<Measure>(payload),
        Sleep::NAME => repacked::<Sleep>(payload),
        Fail::NAME => repacked::<Fail>(payload),
        Hello::NAME => repacked::<Hello>(payload),
        Forget::NAME => repacked::<Forget>(payload),
        _ => Err(format!("unknown_name {name}").into()),
    }
}

fn reply(name: &str, payload: &[u8]) -> Result<Vec<u8>, Failure> {
    match name {
        EchoBytes::RESPONSE => repacked::<EchoBytesResponse>(payload),
        EchoEverything::RESPONSE => repacked::<EchoEverythingResponse>(payload),
        Measure::RESPONSE => repacked::<MeasureResponse>(payload),
        Sleep::RESPONSE => repacked::<SleepResponse>(payload),
        Fail::RESPONSE => repacked::<FailResponse>(payload),
        Hello::RESPONSE => repacked::<HelloResponse>(payload),
        Forget::RESPONSE => repacked::<ForgetResponse>(payload),
        _ if name == CONTRACT.error => repacked::<ErrorResponse>(payload),
        _ => Err(format!("unknown_name {name}").into()),
    }
}

fn repacked<T: Pack + Unpack>(payload: &[u8]) -> Result<Vec<u8>, Failure> {
    let value: T = from_bytes(payload).map_err(|error| format!("{} {error}", error.reason()))?;
    Ok(to_bytes(&value))
}

fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err("not hexadecimal".into());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| "not hexadecimal".into()))
        .collect()
}
