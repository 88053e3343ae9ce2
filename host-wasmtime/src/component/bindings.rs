//! What wasmtime generates from `wit/`. Nothing outside of this folder sees these types.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    rustdoc::all,
    reason = "generated"
)]

macro_rules! generate {
    ($wit:tt) => {
        wasmtime::component::bindgen!({
            path: $wit,
            world: "auth:kernel/kernel",
            imports: {
                // Neither waits for anything.
                "wasi:clocks/wall-clock@0.2.0.now": exact,
                "wasi:clocks/wall-clock@0.2.0.resolution": exact,
                "wasi:random/random@0.2.0.get-random-bytes": exact,
                "wasi:random/random@0.2.0.get-random-u64": exact | trappable,
                default: async,
            },
            exports: { default: async },
        });
    };
}

// A released crate carries its own copy of `wit/`.
#[cfg(packaged)]
generate!("wit");
#[cfg(not(packaged))]
generate!("../wit");
