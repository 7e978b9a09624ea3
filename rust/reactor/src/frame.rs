//! Frames: a u32 little-endian body length, then the body; decoded incrementally, never trusted.

/// Bytes of the length prefix.
pub const PREFIX_BYTES: usize = 4;
