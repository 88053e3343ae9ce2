//! Other people's vectors, and other people's libraries, against the layer that verifies signatures.
//!
//! What is outside the kernel's scope is listed by name with the reason; a listed one that starts to pass fails
//! the test, as does one that fails and is not listed.

mod third_party {
    pub(crate) mod joserfc;
    pub(crate) mod oracles;
    pub(crate) mod pyjwt;
    pub(crate) mod rfc;
    pub(crate) mod tally;
    pub(crate) mod wycheproof;
}

use third_party::oracles;

#[test]
fn wycheproof() {
    third_party::wycheproof::check();
}

#[test]
fn rfc_7515() {
    third_party::rfc::check_rfc_7515();
}

#[test]
fn rfc_cookbook() {
    third_party::rfc::check_cookbook();
}

#[test]
fn joserfc() {
    third_party::joserfc::check();
}

#[test]
fn pyjwt_keys() {
    third_party::pyjwt::check();
}

#[test]
fn jsonwebtoken_agrees() {
    oracles::check_jsonwebtoken();
}

#[test]
fn jwt_compact_agrees() {
    oracles::check_jwt_compact();
}
