//! Tells the linker what Node wants of an addon.

fn main() {
    napi_build::setup();
}
