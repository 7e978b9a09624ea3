//! Reads values strictly: any width of a length or an integer, but one kind where the contract wants that kind.

use std::collections::BTreeMap;

use super::Unpack;
use super::error::DecodeError;
use super::token::Token;

/// Items for which a list reserves room before it has seen them: a claimed length costs its sender nothing, room costs us.
const MOST_RESERVED: usize = 1024;

/// Walks over packed bytes. Methods are also the functions that read one item of a list.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

macro_rules! unsigned {
    ($($name:ident),*) => {$(
        /// An integer of any width on the wire whose value fits.
        ///
        /// # Errors
        /// Another kind of value, or one out of range.
        pub fn $name(&mut self) -> Result<$name, DecodeError> {
            const WANTED: &str = stringify!($name);
            match self.token()? {
                Token::Unsigned(value) => value.try_into().map_err(|_| DecodeError::Range { wanted: WANTED }),
                Token::Negative(_) => Err(DecodeError::Range { wanted: WANTED }),
                other => Err(kind(WANTED, other)),
            }
        }
    )*};
}

impl<'a> Reader<'a> {
    /// At the first of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }

    unsigned!(u8, u16, u32, u64);

    /// A float, or an integer standing for one.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        match self.token()? {
            Token::Float(value) => Ok(value),
            Token::Unsigned(value) => Ok(value as f64),
            Token::Negative(value) => Ok(value as f64),
            other => Err(kind("f64", other)),
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.token()? {
            Token::Bool(value) => Ok(value),
            other => Err(kind("bool", other)),
        }
    }

    /// UTF-8 text.
    ///
    /// # Errors
    /// Another kind of value, bytes among them; text that is not UTF-8.
    pub fn string(&mut self) -> Result<String, DecodeError> {
        self.text().map(str::to_owned)
    }

    /// UTF-8 text, on loan.
    ///
    /// # Errors
    /// As `string`.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        match self.token()? {
            Token::Str(size) => std::str::from_utf8(self.take(size.into())?).map_err(|_| DecodeError::NotUtf8),
            other => Err(kind("string", other)),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// Another kind of value, a string among them.
    pub fn bytes(&mut self) -> Result<Vec<u8>, DecodeError> {
        self.blob().map(<[u8]>::to_vec)
    }

    /// Bytes of exactly this size.
    ///
    /// # Errors
    /// Another kind of value, or another size.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.blob()?;
        bytes.try_into().map_err(|_| DecodeError::Length {
            wanted: N,
            found: bytes.len(),
        })
    }

    /// A struct of the contract.
    ///
    /// # Errors
    /// What its fields do not allow.
    pub fn value<T: Unpack>(&mut self) -> Result<T, DecodeError> {
        T::unpack(self)
    }

    /// The value, or nil.
    ///
    /// # Errors
    /// Those of the value.
    pub fn optional<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, DecodeError>) -> Result<Option<T>, DecodeError> {
        if let Some((0xc0, after)) = self.rest.split_first() {
            self.rest = after;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Any number of items.
    ///
    /// # Errors
    /// Another kind of value, and those of the items.
    pub fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        let count = self.array()?;
        let mut items = Vec::with_capacity(count.min(MOST_RESERVED));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Exactly `N` items.
    ///
    /// # Errors
    /// Another kind of value, another count, and those of the items.
    pub fn items<T, const N: usize>(&mut self, read: impl Fn(&mut Self) -> Result<T, DecodeError>) -> Result<[T; N], DecodeError> {
        self.tuple(N)?;
        let items = (0..N).map(|_| read(self)).collect::<Result<Vec<_>, _>>()?;
        items.try_into().map_err(|items: Vec<T>| DecodeError::Length {
            wanted: N,
            found: items.len(),
        })
    }

    /// A map by integer, keys in any order; of two equal keys the later one counts.
    ///
    /// # Errors
    /// Another kind of value, and those of keys and values.
    pub fn map<K: Ord, V>(
        &mut self,
        key: impl Fn(&mut Self) -> Result<K, DecodeError>,
        value: impl Fn(&mut Self) -> Result<V, DecodeError>,
    ) -> Result<BTreeMap<K, V>, DecodeError> {
        let mut map = BTreeMap::new();
        for _ in 0..self.entries()? {
            let name = key(self)?;
            map.insert(name, value(self)?);
        }
        Ok(map)
    }

    /// Bytes that hold a packed value and nothing else.
    ///
    /// # Errors
    /// Another kind of value, and those of the value inside.
    pub fn packed<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        let mut inner = Self::new(self.blob()?);
        let value = read(&mut inner)?;
        inner.finish()?;
        Ok(value)
    }

    /// The head of a tuple of so many values, which must be read next.
    ///
    /// # Errors
    /// Another kind of value, or another count.
    pub fn tuple(&mut self, wanted: usize) -> Result<(), DecodeError> {
        match self.array()? {
            found if found == wanted => Ok(()),
            found => Err(DecodeError::Length { wanted, found }),
        }
    }

    /// The fields of a struct, in any order: `each` gets a key and must read or skip its value.
    ///
    /// # Errors
    /// Another kind of value, a key that is no string, and those of `each`.
    pub fn fields(&mut self, mut each: impl FnMut(&str, &mut Self) -> Result<(), DecodeError>) -> Result<(), DecodeError> {
        for _ in 0..self.entries()? {
            let key = self.text()?;
            each(key, self)?;
        }
        Ok(())
    }

    /// Passes over one value, whatever it is and however deeply it nests: nothing is kept but a count.
    ///
    /// # Errors
    /// The bytes end inside it.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let mut values: u64 = 1;
        while values > 0 {
            values -= 1;
            match self.token()? {
                Token::Str(size) | Token::Bin(size) => drop(self.take(size.into())?),
                Token::Ext(size) => drop(self.take(size)?),
                Token::Array(count) => values += u64::from(count),
                Token::Map(count) => values += 2 * u64::from(count),
                _ => {}
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Result<Token, DecodeError> {
        Token::read(&mut self.rest)
    }

    fn take(&mut self, size: u64) -> Result<&'a [u8], DecodeError> {
        let size = usize::try_from(size).map_err(|_| DecodeError::Truncated)?;
        let (front, after) = self.rest.split_at_checked(size).ok_or(DecodeError::Truncated)?;
        self.rest = after;
        Ok(front)
    }

    /// Whether so many values can follow: each takes a byte at least, and a head that lies is not believed.
    fn room(&self, values: u64) -> Result<(), DecodeError> {
        if values > self.rest.len() as u64 {
            return Err(DecodeError::Truncated);
        }
        Ok(())
    }

    fn blob(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.token()? {
            Token::Bin(size) => self.take(size.into()),
            other => Err(kind("bytes", other)),
        }
    }

    fn array(&mut self) -> Result<usize, DecodeError> {
        match self.token()? {
            Token::Array(count) => self.room(count.into()).map(|()| count as usize),
            other => Err(kind("an array", other)),
        }
    }

    fn entries(&mut self) -> Result<u32, DecodeError> {
        match self.token()? {
            Token::Map(count) => self.room(2 * u64::from(count)).map(|()| count),
            other => Err(kind("a map", other)),
        }
    }
}

fn kind(wanted: &'static str, found: Token) -> DecodeError {
    DecodeError::Kind {
        wanted,
        found: found.kind(),
    }
}
