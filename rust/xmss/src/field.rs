//! KoalaBear in Montgomery form: conversions, addition, and the two base-p encodings that the scheme needs.

/// The field's modulus, 2^31 - 2^24 + 1.
pub const P: u32 = 2_130_706_433;
