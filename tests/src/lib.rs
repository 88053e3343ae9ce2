#![doc = include_str!("../README.md")]

pub mod answer;
pub mod call;
pub mod compose;
pub mod doc;
pub mod fixtures;
pub mod given;
pub mod host;
pub mod matching;
pub mod port_json;
pub mod run;
pub mod secrets;
pub mod server;
pub mod services;
pub mod shared;
pub mod signer;
pub mod target;
pub mod vector;
pub mod write;

pub use run::{check, check_all, check_file};
pub use target::Target;
