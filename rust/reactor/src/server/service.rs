//! A contract made ready for use: methods found by name, reply heads packed once, the answer to `Hello`.

use std::collections::HashMap;

use super::types::ServeError;
use crate::contract::Contract;
use crate::envelope::{Head, NAME_BYTES, error_payload, pack_bin, pack_bool, pack_map, pack_str, pack_uint};

/// The request that the reactor answers itself: what do you speak?
const HELLO: &str = "Hello";

/// What a request's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// A method of the contract.
    Method(u32),
    /// `Hello`.
    Hello,
    /// Nothing.
    Unknown,
}

struct Method {
    name: String,
    pair: Vec<u8>,
}

/// The contract.
pub(crate) struct Service {
    methods: Vec<Method>,
    numbers: HashMap<String, u32>,
    /// The method asked for last: the next request mostly asks for the same.
    last: u32,
    error: Vec<u8>,
    hello: Vec<u8>,
    hello_payload: Vec<u8>,
}

impl Service {
    /// Refuses names that an envelope cannot carry, and two methods of one name.
    pub(crate) fn new(contract: &Contract, max_frame: u32) -> Result<Self, ServeError> {
        let pair = |name: &str| match Head::reply(None, name) {
            Ok(head) => Ok(head.as_bytes().to_vec()),
            Err(_) => Err(ServeError::invalid(format!("the name {name:?} is longer than {NAME_BYTES} bytes"))),
        };
        let (mut methods, mut numbers) = (Vec::new(), HashMap::new());
        for (number, method) in (0u32..).zip(&contract.methods) {
            if method.request == HELLO {
                return Err(ServeError::invalid("a method may not be called Hello: the reactor answers it"));
            }
            pair(&method.request)?;
            if numbers.insert(method.request.clone(), number).is_some() {
                return Err(ServeError::invalid(format!("two methods are called {:?}", method.request)));
            }
            methods.push(Method {
                name: method.request.clone(),
                pair: pair(&method.response)?,
            });
        }
        let mut hello_payload = Vec::new();
        pack_map(&mut hello_payload, 3);
        pack_str(&mut hello_payload, "schema_hash");
        pack_bin(&mut hello_payload, &contract.schema_hash);
        pack_str(&mut hello_payload, "ids");
        pack_bool(&mut hello_payload, true);
        pack_str(&mut hello_payload, "max_frame");
        pack_uint(&mut hello_payload, u64::from(max_frame));
        Ok(Self {
            methods,
            numbers,
            last: 0,
            error: pair(&contract.error)?,
            hello: pair("HelloResponse")?,
            hello_payload,
        })
    }

    /// Finds what a name stands for.
    #[inline]
    pub(crate) fn find(&mut self, name: &str) -> Named {
        if self.methods.get(self.last as usize).is_some_and(|method| method.name == name) {
            return Named::Method(self.last);
        }
        match self.numbers.get(name) {
            Some(&number) => {
                self.last = number;
                Named::Method(number)
            }
            None if name == HELLO => Named::Hello,
            None => Named::Unknown,
        }
    }

    /// The head of a method's plain reply.
    #[inline]
    pub(crate) fn response(&self, method: u32) -> &[u8] {
        &self.methods[method as usize].pair
    }

    /// The head and payload of the answer to `Hello`.
    pub(crate) fn hello(&self) -> (&[u8], &[u8]) {
        (&self.hello, &self.hello_payload)
    }

    /// The head and payload of an error reply whose body, an id included, is at most `most` bytes: a longer message is cut.
    pub(crate) fn error(&self, message: &str, most: usize) -> (&[u8], Vec<u8>) {
        let mut room = most.saturating_sub(self.error.len() + Self::AROUND_A_MESSAGE).min(message.len());
        while !message.is_char_boundary(room) {
            room -= 1;
        }
        (&self.error, error_payload(&message[..room]))
    }

    /// Bytes of an error reply besides its name and message: array and id, map, key, the message's header.
    const AROUND_A_MESSAGE: usize = 10 + 1 + 8 + 5;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;
    use crate::envelope::read_reply;

    fn method(name: &str) -> contract::Method {
        contract::Method {
            request: name.into(),
            response: format!("{name}Response"),
            inline: false,
        }
    }

    fn contract(names: &[&str]) -> Contract {
        Contract {
            schema_hash: [7; 32],
            methods: names.iter().copied().map(method).collect(),
            error: "ErrorResponse".into(),
        }
    }

    #[test]
    fn names_are_found_whatever_was_asked_for_before() {
        let mut service = Service::new(&contract(&["A", "B"]), 1).unwrap();
        let asked = ["B", "A", "A", "Hello", "C", "B"].map(|name| service.find(name));
        let [a, b] = [Named::Method(0), Named::Method(1)];
        assert_eq!(asked, [b, a, a, Named::Hello, Named::Unknown, b]);
    }

    #[test]
    fn a_contract_that_no_envelope_can_carry_is_refused() {
        for names in [vec!["A", "A"], vec!["Hello"], vec![&"n".repeat(256)[..]]] {
            assert!(matches!(Service::new(&contract(&names), 1), Err(ServeError::Io(_))), "{names:?}");
        }
    }

    #[test]
    fn the_answer_to_hello_has_the_hash_the_ids_and_the_limit() {
        let service = Service::new(&contract(&[]), 300).unwrap();
        let (head, payload) = service.hello();
        assert_eq!(read_reply(&[head, payload].concat()).unwrap().name, "HelloResponse");
        let expected = [
            b"\x83\xabschema_hash\xc4\x20",
            &[7; 32][..],
            b"\xa3ids\xc3\xa9max_frame\xcd\x01\x2c",
        ]
        .concat();
        assert_eq!(payload, expected);
    }

    #[test]
    fn a_long_error_message_is_cut_to_fit_between_two_characters() {
        let service = Service::new(&contract(&[]), 300).unwrap();
        for most in 60..80 {
            let (pair, payload) = service.error(&"\u{e9}".repeat(100), most);
            let body = [Head::around(Some(u64::MAX), pair).as_bytes(), &payload].concat();
            assert!(body.len() <= most && body.len() > most - 10, "{} of {most}", body.len());
            assert!(std::str::from_utf8(&payload[10..]).is_ok());
        }
        assert_eq!(service.error("short", 100).1, b"\x81\xa7message\xa5short");
    }
}
