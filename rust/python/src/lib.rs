//! The one Rust extension of the Python package.
