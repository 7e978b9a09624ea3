//! KoalaBear in Montgomery form: one element, its conversions and its sum.

/// The field's modulus, 2^31 - 2^24 + 1.
pub const P: u32 = 2_130_706_433;

/// P^-1 mod 2^32; `reduce` subtracts the multiple of P that agrees with its argument in the low 32 bits.
const INVERSE: u32 = 0x8100_0001;

/// 2^64 mod P, which takes a canonical value into Montgomery form.
const SQUARED_RADIX: u64 = ((1 << 32) % P as u64) * ((1 << 32) % P as u64) % P as u64;

/// `value` (below 2^32) in Montgomery form: value * 2^32 mod P.
#[inline]
pub const fn to_montgomery(value: u32) -> u32 {
    reduce(value as u64 * SQUARED_RADIX)
}

/// The canonical value, below P, of an element in Montgomery form.
#[inline]
pub const fn from_montgomery(element: u32) -> u32 {
    reduce(element as u64)
}

/// The sum of two elements below P, below P.
#[inline]
pub const fn add(left: u32, right: u32) -> u32 {
    let sum = left + right;
    if sum >= P { sum - P } else { sum }
}

/// `value` / 2^32 mod P, for a value below P * 2^32.
#[inline]
const fn reduce(value: u64) -> u32 {
    let multiple = (value as u32).wrapping_mul(INVERSE) as u64 * P as u64;
    let (difference, borrowed) = ((value >> 32) as u32).overflowing_sub((multiple >> 32) as u32);
    if borrowed { difference.wrapping_add(P) } else { difference }
}

#[cfg(test)]
mod tests {
    use super::{P, add, from_montgomery, to_montgomery};

    #[test]
    fn arithmetic_in_montgomery_form_is_arithmetic_modulo_p() {
        for left in [0, 1, 2, 3, 1 << 24, 1 << 30, P / 2, P / 2 + 1, P - 2, P - 1] {
            for right in [0, 1, 5, 127, 1 << 24, P / 2, P - 2, P - 1] {
                let (a, b) = (to_montgomery(left), to_montgomery(right));
                let (l, r, p) = (u64::from(left), u64::from(right), u64::from(P));
                assert!(a < P && b < P);
                assert_eq!(from_montgomery(a), left);
                assert_eq!(u64::from(from_montgomery(add(a, b))), (l + r) % p);
            }
        }
    }
}
