//! Chance that depends on a seed alone.

/// xorshift64*: enough for choosing bytes.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        // Marks of every msgpack kind more often than chance would have them.
        const MARKS: [u8; 16] = [
            0x91, 0x92, 0x93, 0xdc, 0xdd, 0xa1, 0xd9, 0xda, 0xdb, 0xcc, 0xcf, 0xd0, 0xd3, 0x00, 0x80, 0xc0,
        ];
        (0..self.below(most))
            .map(|_| if self.below(2) == 0 { self.pick(&MARKS) } else { self.next() as u8 })
            .collect()
    }

    /// Changes, inserts or removes one to three bytes; seldom cuts the rest off.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(12) {
                0 => bytes.truncate(at),
                1..=3 => bytes.insert(at, self.next() as u8),
                4..=6 if at < bytes.len() => drop(bytes.remove(at)),
                _ if at < bytes.len() => bytes[at] = self.next() as u8,
                _ => {}
            }
        }
    }
}
