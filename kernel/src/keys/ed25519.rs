//! Ed25519 verification (RFC 8032 section 5.1.7) where the key is known beforehand: what depends on the key alone is
//! computed when the key is read.
//!
//! A verification multiplies two points, the base point and the key, by scalars that change. With a table of the
//! multiples of both no point has to be doubled any more, which halves what a verification costs in WebAssembly. All
//! arithmetic is that of `curve25519-dalek`. Nothing here is secret, so nothing has to take constant time.

use alloc::sync::Arc;
use alloc::vec::Vec;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha512};

/// A public key with tables: 160 KiB, of which every key of a set shares one half.
#[derive(Clone)]
pub(super) struct Prepared {
    key: [u8; 32],
    base: Arc<Multiples>,
    negated: Arc<Multiples>,
}

impl Prepared {
    /// The tables of a key. Those of the base point are made once and kept in `base`.
    pub(super) fn new(key: &VerifyingKey, base: &mut Option<Arc<Multiples>>) -> Self {
        let base = base.get_or_insert_with(|| Arc::new(Multiples::of(ED25519_BASEPOINT_POINT)));
        Self {
            key: key.to_bytes(),
            base: Arc::clone(base),
            negated: Arc::new(Multiples::of(-key.to_edwards())),
        }
    }

    /// Accepts what [`VerifyingKey::verify_strict`] accepts. That the key itself is not of small order was seen when
    /// it was read.
    pub(super) fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(*signature.s_bytes()).into();
        // A high `s` is refused: one message would have two signatures.
        let Some(scalar) = scalar else {
            return false;
        };
        let hash = Sha512::new()
            .chain_update(signature.r_bytes())
            .chain_update(self.key)
            .chain_update(message);
        let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let mut point = EdwardsPoint::identity();
        self.base.add(&mut point, &scalar);
        self.negated.add(&mut point, &challenge);
        // Points are compared as text, so that an `R` that is not canonical is refused.
        point.compress().as_bytes() == signature.r_bytes() && !point.is_small_order()
    }
}

/// Multiples of a point: row `i` has 1 … 8 times 16^i of it.
pub(super) struct Multiples(Vec<[EdwardsPoint; 8]>);

impl Multiples {
    fn of(mut point: EdwardsPoint) -> Self {
        let row = || {
            let mut multiple = EdwardsPoint::identity();
            let row = core::array::from_fn(|_| {
                multiple += point;
                multiple
            });
            point = multiple + multiple;
            row
        };
        Self(core::iter::repeat_with(row).take(64).collect())
    }

    /// Adds the multiple by a scalar below 2^253, digit by digit. Digits go from -7 to 8: half the table that digits
    /// from 0 to 15 need.
    fn add(&self, sum: &mut EdwardsPoint, scalar: &Scalar) {
        let nibbles = scalar
            .as_bytes()
            .iter()
            .flat_map(|byte| [byte & 15, byte >> 4]);
        let mut carry = 0;
        for (row, nibble) in self.0.iter().zip(nibbles) {
            let digit = usize::from(nibble) + carry;
            carry = usize::from(digit > 8);
            if digit <= 8 {
                // Nothing for 0.
                if let Some(multiple) = digit.checked_sub(1).and_then(|place| row.get(place)) {
                    *sum += multiple;
                }
            } else if let Some(multiple) =
                15_usize.checked_sub(digit).and_then(|place| row.get(place))
            {
                *sum -= multiple;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey, Verifier};
    use proptest::prelude::*;

    fn prepared(key: &VerifyingKey) -> Prepared {
        Prepared::new(key, &mut None)
    }

    fn both(key: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        let ours = prepared(key).verify(message, &signature);
        assert_eq!(ours, key.verify_strict(message, &signature).is_ok());
        ours
    }

    #[test]
    fn a_table_multiplies() {
        let table = Multiples::of(ED25519_BASEPOINT_POINT);
        let largest = -Scalar::ONE;
        let digits = [0_u64, 1, 7, 8, 9, 15, 16, 0x88, 0x89, 0x78, 0xffff_ffff].map(Scalar::from);
        let all_of = |byte| Scalar::from_bytes_mod_order([byte; 32]);
        let patterns = [0x88, 0x77, 0x99, 0x08, 0x0f, 0x80, 0xf8].map(all_of);
        for scalar in digits.into_iter().chain(patterns).chain([largest]) {
            let mut sum = EdwardsPoint::identity();
            table.add(&mut sum, &scalar);
            assert_eq!(sum, EdwardsPoint::mul_base(&scalar));
        }
    }

    #[test]
    fn a_high_s_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut signature = key.sign(b"message").to_bytes();
        assert!(both(&key.verifying_key(), b"message", &signature));
        // s + l, for the order l of the base point.
        let order = (-Scalar::ONE).to_bytes();
        let mut carry = 1;
        for (s, l) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*s) + u16::from(l) + carry;
            *s = sum as u8;
            carry = sum >> 8;
        }
        assert!(!both(&key.verifying_key(), b"message", &signature));
    }

    #[test]
    fn an_r_of_small_order_is_refused() {
        // With R the identity, s = h·a verifies by the equation alone.
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut signature = [0; 64];
        signature[0] = 1;
        let hash = Sha512::new()
            .chain_update(&signature[..32])
            .chain_update(key.verifying_key().to_bytes())
            .chain_update(b"message");
        let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        signature[32..].copy_from_slice((challenge * key.to_scalar()).as_bytes());
        assert!(!both(&key.verifying_key(), b"message", &signature));
        let signature = Signature::from_bytes(&signature);
        assert!(key.verifying_key().verify(b"message", &signature).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_agrees_with_verify_strict(
            secret: [u8; 32],
            message: Vec<u8>,
            place in 0..64_usize,
            flip: u8,
        ) {
            let key = SigningKey::from_bytes(&secret);
            let mut signature = key.sign(&message).to_bytes();
            signature[place] ^= flip;
            prop_assert_eq!(both(&key.verifying_key(), &message, &signature), flip == 0);
        }
    }
}
