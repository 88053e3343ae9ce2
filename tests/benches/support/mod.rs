//! What the benches share. Each uses a part of it.

#![allow(dead_code)]

pub(crate) mod by_hand;
pub(crate) mod cell;
pub(crate) mod keys;
pub(crate) mod race;
pub(crate) mod report;
pub(crate) mod setting;
