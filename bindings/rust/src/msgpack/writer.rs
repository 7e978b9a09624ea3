//! Writes values in the one form that a contract gives each: smallest integers, f64 always 9 bytes, map keys ascending.

use std::collections::BTreeMap;

use super::Pack;

/// Grows as values are written. Methods take references, so that each is also the function that writes one item of a list.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

macro_rules! unsigned {
    ($($name:ident),*) => {$(
        /// An integer, in the fewest bytes.
        pub fn $name(&mut self, value: &$name) {
            self.integer((*value).into());
        }
    )*};
}

impl Writer {
    /// Nothing written.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    unsigned!(u8, u16, u32, u64);

    /// Nine bytes whatever the value, so that 1.0 and 1 differ on the wire.
    pub fn f64(&mut self, value: &f64) {
        self.bytes.push(0xcb);
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// True or false.
    pub fn bool(&mut self, value: &bool) {
        self.bytes.push(if *value { 0xc3 } else { 0xc2 });
    }

    /// UTF-8 text.
    pub fn string(&mut self, value: &(impl AsRef<str> + ?Sized)) {
        let text = value.as_ref().as_bytes();
        match length(text.len()) {
            size @ 0..=31 => self.bytes.push(0xa0 | size as u8),
            size => self.head([Some(0xd9), Some(0xda), Some(0xdb)], size),
        }
        self.bytes.extend_from_slice(text);
    }

    /// Bytes of any or of fixed size.
    pub fn bytes(&mut self, value: &(impl AsRef<[u8]> + ?Sized)) {
        let bytes = value.as_ref();
        self.head([Some(0xc4), Some(0xc5), Some(0xc6)], length(bytes.len()));
        self.bytes.extend_from_slice(bytes);
    }

    /// A struct of the contract.
    pub fn value<T: Pack>(&mut self, value: &T) {
        value.pack(self);
    }

    /// The value, or nil.
    pub fn optional<T>(&mut self, value: &Option<T>, write: impl Fn(&mut Self, &T)) {
        match value {
            Some(value) => write(self, value),
            None => self.bytes.push(0xc0),
        }
    }

    /// The items of a list or of an array of fixed size.
    pub fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.array(items.len());
        for item in items {
            write(self, item);
        }
    }

    /// A map by integer, keys ascending.
    pub fn map<K, V>(&mut self, map: &BTreeMap<K, V>, key: impl Fn(&mut Self, &K), value: impl Fn(&mut Self, &V)) {
        self.entries(map.len());
        for (name, item) in map {
            key(self, name);
            value(self, item);
        }
    }

    /// Bytes that hold the packed value.
    pub fn packed<T: ?Sized>(&mut self, value: &T, write: impl Fn(&mut Self, &T)) {
        let mut inner = Self::new();
        write(&mut inner, value);
        self.bytes(&inner.bytes);
    }

    /// The head of an array: so many values must follow.
    pub fn array(&mut self, items: usize) {
        match length(items) {
            size @ 0..=15 => self.bytes.push(0x90 | size as u8),
            size => self.head([None, Some(0xdc), Some(0xdd)], size),
        }
    }

    /// The head of a map: so many keys and values must follow.
    pub fn entries(&mut self, entries: usize) {
        match length(entries) {
            size @ 0..=15 => self.bytes.push(0x80 | size as u8),
            size => self.head([None, Some(0xde), Some(0xdf)], size),
        }
    }

    /// Values that are packed already.
    pub fn raw(&mut self, packed: &[u8]) {
        self.bytes.extend_from_slice(packed);
    }

    fn integer(&mut self, value: u64) {
        match value {
            0..=0x7f => self.bytes.push(value as u8),
            0x80..=0xffff_ffff => self.head([Some(0xcc), Some(0xcd), Some(0xce)], value as u32),
            _ => {
                self.bytes.push(0xcf);
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    /// A marker and a big-endian number of 1, 2 or 4 bytes: the narrowest that holds it and has a marker.
    fn head(&mut self, markers: [Option<u8>; 3], size: u32) {
        match (markers, size) {
            ([Some(marker), ..], 0..=0xff) => self.bytes.extend_from_slice(&[marker, size as u8]),
            ([_, Some(marker), _], 0..=0xffff) => {
                self.bytes.push(marker);
                self.bytes.extend_from_slice(&(size as u16).to_be_bytes());
            }
            ([.., marker], _) => {
                self.bytes.extend(marker);
                self.bytes.extend_from_slice(&size.to_be_bytes());
            }
        }
    }
}

/// A length as msgpack carries it.
///
/// # Panics
/// From 4 GiB on, which no frame can hold.
fn length(size: usize) -> u32 {
    u32::try_from(size).expect("msgpack carries lengths below 4 GiB, and a frame far less")
}
