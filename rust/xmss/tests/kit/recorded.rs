//! The recorded chains that PROOFPLANE_DATA names: the signatures of each block.

use std::fs;
use std::path::PathBuf;

use proofplane_xmss::scheme::{MESSAGE_SIZE, PUBLIC_KEY_SIZE};
use proofplane_xmss::verify::Claim;

/// One signature of a block's proof.
pub struct Entry {
    pub key: [u8; PUBLIC_KEY_SIZE],
    pub slot: u64,
    pub message: [u8; MESSAGE_SIZE],
    pub signature: Vec<u8>,
}

/// One recorded block.
pub struct Block {
    pub name: String,
    pub entries: Vec<Entry>,
}

/// The blocks of a chain in their order; None, said aloud, without the data.
pub fn chain(name: &str) -> Option<Vec<Block>> {
    let Some(data) = std::env::var_os("PROOFPLANE_DATA") else {
        eprintln!("skipped: PROOFPLANE_DATA is not set");
        return None;
    };
    let folder = PathBuf::from(data).join("lean/chains").join(name);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a name").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.starts_with("block_"))
        .collect();
    names.sort();
    let read = |name: String| Block {
        entries: entries(&fs::read(folder.join(&name)).expect("a block")),
        name,
    };
    Some(names.into_iter().map(read).collect())
}

/// The claims of entries.
pub fn claims(entries: &[Entry]) -> Vec<Claim<'_>> {
    entries
        .iter()
        .map(|entry| Claim {
            key: &entry.key,
            slot: entry.slot,
            message: &entry.message,
            signature: &entry.signature,
        })
        .collect()
}

/// The signatures of a signed block's proof: two offsets, then the list that starts with "NV".
fn entries(block: &[u8]) -> Vec<Entry> {
    let mut proof = Reader(block);
    proof.take(4);
    let offset = proof.number(4) as usize;
    let mut proof = Reader(&block[offset + 4..]);
    let mut entries = Vec::new();
    if proof.0.is_empty() {
        return entries;
    }
    assert_eq!(proof.take(2), b"NV");
    for _ in 0..proof.number(2) {
        let message = proof.take(MESSAGE_SIZE).try_into().expect("its size");
        let slot = proof.number(8);
        for _ in 0..proof.number(2) {
            let key = proof.take(PUBLIC_KEY_SIZE).try_into().expect("its size");
            let size = proof.number(4) as usize;
            let signature = proof.take(size).to_vec();
            entries.push(Entry {
                key,
                slot,
                message,
                signature,
            });
        }
    }
    assert!(proof.0.is_empty());
    entries
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(size);
        self.0 = rest;
        taken
    }

    fn number(&mut self, size: usize) -> u64 {
        self.take(size).iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}
