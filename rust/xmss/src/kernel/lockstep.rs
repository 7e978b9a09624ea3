//! The arithmetic that a kernel must have: signed 32-bit elements and signed 64-bit sums, one of each for every lane of a vector.

use super::Lanes;

/// A processor's vector arithmetic; a value of the type proves that the processor has it.
///
/// Invariants of the values, which the callers keep and `Tables` proves for the constants:
/// 1. A `Narrow` is a residue of P between -P and P. Sums and differences wrap at 32 bits, so they must stay there too.
/// 2. A `Factor` is a `Narrow`, laid out for products.
/// 3. A `Wide` is below 2^63 in size; `reduce` wants it at most `REDUCIBLE`.
///
/// Every method is inlined into the kernel's entry function, the one that enables the instructions.
pub(crate) trait Lockstep: Copy {
    /// Lanes that one vector holds; divides `LANES`.
    const WIDTH: usize;
    /// One element a lane.
    type Narrow: Copy;
    /// One element a lane, ready to be multiplied.
    type Factor: Copy;
    /// One sum of products a lane.
    type Wide: Copy;

    /// The lanes from `first` on.
    fn load(self, lanes: &Lanes, first: usize) -> Self::Narrow;
    /// Writes the lanes from `first` on.
    fn store(self, narrow: Self::Narrow, lanes: &mut Lanes, first: usize);
    /// One value in every lane.
    fn narrow(self, value: i32) -> Self::Narrow;
    /// One value in every lane.
    fn wide(self, value: i64) -> Self::Wide;
    /// The sum.
    fn add(self, left: Self::Narrow, right: Self::Narrow) -> Self::Narrow;
    /// The difference.
    fn sub(self, left: Self::Narrow, right: Self::Narrow) -> Self::Narrow;
    /// The same residue, from 0 to P - 1.
    fn canonical(self, narrow: Self::Narrow) -> Self::Narrow;
    /// The same elements, ready to be multiplied.
    fn factor(self, narrow: Self::Narrow) -> Self::Factor;
    /// The product.
    fn product(self, left: Self::Factor, right: Self::Factor) -> Self::Wide;
    /// `sum` + `factor` * `constant`.
    fn accumulate(self, sum: Self::Wide, factor: Self::Factor, constant: i32) -> Self::Wide;
    /// The same residue, below `FOLDED` in size.
    fn fold(self, sum: Self::Wide) -> Self::Wide;
    /// `sum` / 2^32 modulo P: the size of `sum` / 2^32 and half of P at most.
    fn reduce(self, sum: Self::Wide) -> Self::Narrow;
}

/// P^-1 mod 2^32 as a signed number.
pub(crate) const INVERSE: i32 = 0x8100_0001_u32.cast_signed();
/// 2^32 - 2 P: what 2^32 is modulo P; `fold` multiplies the upper half of a sum by it.
pub(crate) const RADIX: i32 = (1 << 25) - 2;
/// The modulus as a signed number.
pub(crate) const MODULUS: i32 = crate::field::P.cast_signed();
/// The size that a folded sum stays below: 2^31 * `RADIX` and the lower half.
pub(crate) const FOLDED: u64 = (1 << 56) + (1 << 32);
/// The largest size of a sum that `reduce` brings between -P and P.
pub(crate) const REDUCIBLE: u64 = (1 << 32) * (crate::field::P as u64 / 2 - 2);
