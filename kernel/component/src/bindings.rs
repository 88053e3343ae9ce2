//! What wit-bindgen generates from `wit/`.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unexpected_cfgs,
    clippy::all,
    reason = "generated"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "auth:kernel/kernel",
    generate_all,
    std_feature,
});

export!(Component);
use super::Component;
