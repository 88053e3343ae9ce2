//! The auth kernel for JavaScript: [`authkernel`] inside, `js/` outside.
//!
//! It converts and calls; nothing is decided here. wasm-bindgen makes the functions and the glue; values cross through one buffer that both
//! sides read and write (`wire.rs`), because building JavaScript objects field by field from WebAssembly costs more than the decision.
//! An operation is polled once when it starts, and again whenever a port that answered with a promise has its answer (`settle`): a storage
//! that answers at once costs no promise. Natively this crate is empty.
#![cfg(target_family = "wasm")]
#![cfg_attr(not(feature = "contract"), no_std)]

extern crate alloc;

use authkernel_allocator::Allocator;

mod calls;
#[cfg(feature = "contract")]
mod contract;
mod kernel;
mod known;
mod ports;
mod types;
mod wire;

/// What wasm-bindgen keeps of JavaScript's objects outlives every call.
#[global_allocator]
static ALLOCATOR: Allocator = Allocator::on_demand();

#[cfg(not(feature = "contract"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Without a word: a message could hold what was being worked on.
    core::arch::wasm32::unreachable()
}
