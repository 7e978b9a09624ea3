//! Names of replies as Python strings that are made once.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names kept besides those given at the start: a foreign server has a few dozen replies; a hostile one must not fill memory.
const MOST_LEARNED: usize = 256;

/// A small table of names; the same name is the same Python object every time.
#[derive(Default)]
pub struct Names {
    numbers: HashMap<Box<str>, usize>,
    texts: Vec<Box<str>>,
    objects: Vec<Option<Py<PyString>>>,
    last: usize,
}

/// A name that was seen: its number, or its text when the table is full.
pub enum Seen {
    /// In the table.
    Number(usize),
    /// Not kept.
    Text(Box<str>),
}

impl Names {
    /// The number of a name; needs no Python.
    pub fn see(&mut self, name: &str) -> Seen {
        if self.texts.get(self.last).is_some_and(|text| &**text == name) {
            return Seen::Number(self.last);
        }
        if let Some(&number) = self.numbers.get(name) {
            self.last = number;
            return Seen::Number(number);
        }
        if self.texts.len() >= MOST_LEARNED {
            return Seen::Text(name.into());
        }
        self.last = self.texts.len();
        self.numbers.insert(name.into(), self.last);
        self.texts.push(name.into());
        self.objects.push(None);
        Seen::Number(self.last)
    }

    /// The Python string of a name that was seen.
    pub fn object<'py>(&mut self, py: Python<'py>, seen: &Seen) -> Bound<'py, PyString> {
        match seen {
            Seen::Text(text) => PyString::new(py, text),
            Seen::Number(number) => {
                let text = &self.texts[*number];
                self.objects[*number]
                    .get_or_insert_with(|| PyString::intern(py, text).unbind())
                    .bind(py)
                    .clone()
            }
        }
    }
}
