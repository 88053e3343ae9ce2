//! Passwords: argon2id, one hash per processor at once, never on an async thread.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use authkernel::Code;
use tokio::sync::Semaphore;

use super::super::error::{Refusal, ServerCode};
use super::email::Email;

/// Memory of one hash in KiB, as OWASP recommends it together with two passes and one lane.
pub(crate) const RECOMMENDED_MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters that a password needs at least.
const SHORTEST: usize = 8;
/// Bytes that a password may have at most.
const LONGEST: usize = 1024;
/// Hashes that may wait per processor. At the recommended cost that is a few seconds.
const WAITING_PER_PROCESSOR: usize = 64;

/// A password. Compared as it was sent, byte by byte; never printed.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// Refuses a password that must not be chosen: too short, too long, or the e-mail address.
    pub(crate) fn check(&self, email: &Email) -> Result<(), ServerCode> {
        let text = self.0.trim().to_ascii_lowercase();
        let name = email.as_str().split('@').next().unwrap_or_default();
        let guessable = text == email.as_str() || text == name;
        let fits = self.0.chars().count() >= SHORTEST && self.0.len() <= LONGEST;
        match fits && !guessable {
            true => Ok(()),
            false => Err(ServerCode::PasswordWeak),
        }
    }
}

/// Hashes and verifies passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    params: Params,
    processors: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
}

impl Passwords {
    /// Hashes take `memory_kib` of memory each.
    pub(crate) fn new(memory_kib: u32) -> Result<Self, argon2::Error> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            params: Params::new(memory_kib, PASSES, LANES, None)?,
            processors: Arc::new(Semaphore::new(processors)),
            waiting: Arc::new(AtomicUsize::new(0)),
            most_waiting: processors * WAITING_PER_PROCESSOR,
        })
    }

    /// The hash of a new password, in PHC format.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Refusal> {
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        getrandom::fill(&mut salt).map_err(|_| Refusal::from(Code::RandomUnavailable))?;
        let password = password.clone();
        self.run(move |argon2| {
            let salt = SaltString::encode_b64(&salt)?;
            let hash = argon2.hash_password(password.0.as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether a password has this hash. Without a hash, for an account that does not exist, it takes as long.
    pub(crate) async fn verify(
        &self,
        password: &Password,
        hash: Option<&str>,
    ) -> Result<bool, Refusal> {
        // Longer than any password that was ever taken.
        let too_long = password.0.len() > LONGEST;
        let Some(hash) = hash.filter(|_| !too_long) else {
            let short = Password(password.0.chars().take(SHORTEST).collect());
            self.hash(&short).await?;
            return Ok(false);
        };
        let (password, hash) = (password.clone(), hash.to_owned());
        self.run(move |argon2| {
            let hash = PasswordHash::new(&hash)?;
            match argon2.verify_password(password.0.as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::Password) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Runs a hash when a processor is free, off the async threads.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(Argon2<'static>) -> argon2::password_hash::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let waiting = Waiting::enter(&self.waiting, self.most_waiting)
            .ok_or_else(|| Refusal::from(Code::Overloaded))?;
        let permit = Arc::clone(&self.processors).acquire_owned().await;
        drop(waiting);
        let permit = permit.map_err(|_| Refusal::from(ServerCode::Stopping))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job(argon2)
        });
        match done.await {
            Ok(Ok(answer)) => Ok(answer),
            // A stored hash that cannot be read: nothing in the error names the password.
            Ok(Err(error)) => {
                tracing::error!(%error, "a password hash failed");
                Err(ServerCode::Internal.into())
            }
            Err(_) => Err(ServerCode::Internal.into()),
        }
    }
}

/// A place among the hashes that wait.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(Arc::clone(count));
        (place.0.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_has_its_hash_and_no_other() {
        let passwords = Passwords::new(8).unwrap();
        let hash = passwords.hash(&password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            passwords.hash(&password("correct horse")).await.unwrap()
        );
        assert!(
            passwords
                .verify(&password("correct horse"), Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&password("correct horsf"), Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&password("correct horse"), None)
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&password(&"x".repeat(5000)), Some(&hash))
                .await
                .unwrap()
        );
        let broken = passwords
            .verify(&password("x"), Some("not a hash"))
            .await
            .unwrap_err();
        assert_eq!(broken.code(), "internal");
    }

    #[tokio::test]
    async fn more_than_can_be_served_are_refused() {
        let mut passwords = Passwords::new(8).unwrap();
        passwords.most_waiting = 0;
        let refusal = passwords
            .hash(&password("correct horse"))
            .await
            .unwrap_err();
        assert_eq!(refusal.code(), "overloaded");
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn weak_passwords_are_refused() {
        let email: Email = "ada.lovelace@example.com".parse().unwrap();
        for weak in [
            "",
            "7 chars",
            "Ada.Lovelace",
            "ada.lovelace@example.com",
            &"x".repeat(1025),
        ] {
            assert!(password(weak).check(&email).is_err(), "{weak:?}");
        }
        for good in ["8 chars!", "ööööüüüü", &"x".repeat(1024)] {
            assert!(password(good).check(&email).is_ok(), "{good:?}");
        }
        assert_eq!(format!("{:?}", password("secret")), "Password(..)");
    }
}
