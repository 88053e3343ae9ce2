//! Every refusal has a stable code. The codes are API; the messages are not.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::ports::{RandomError, StorageError};

/// Why the kernel refused: a stable [`Code`] and a message that says what to do, without any secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: Cow<'static, str>,
}

impl Error {
    /// An error with the code's own message.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            message: Cow::Borrowed(code.describe()),
        }
    }

    /// An error that says more than its code does.
    pub fn with(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What to do about it: lower case, no full stop, no secret.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.as_str())
    }
}

impl core::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) => Self::new(Code::StorageUnavailable),
            StorageError::Conflict => Self::new(Code::StorageConflict),
            StorageError::GuardFailed(_) | StorageError::Other(_) => Self::new(Code::StorageFailed),
        }
    }
}

impl From<RandomError> for Error {
    fn from(_: RandomError) -> Self {
        Self::new(Code::RandomUnavailable)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $kind:ident, $message:literal;)*) => {
        /// Every reason for which the kernel or its host refuses, in one list.
        ///
        /// Not `#[non_exhaustive]`: a new denial should be seen by whoever matches on all of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text of the code, such as `token_revoked`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What kind of refusal it is.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// The message that an error with this code has when nothing more is known.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }

            /// The code with this text.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

/// What kind of refusal a code is: what a host does with it follows from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The credential is no good: HTTP 401.
    Denied,
    /// The call is wrong: HTTP 422.
    Input,
    /// It is not there, or not the caller's: HTTP 404.
    NotFound,
    /// It clashes with what was done meanwhile: HTTP 409.
    Conflict,
    /// The configuration is wrong: the process does not start.
    Configuration,
    /// Something that is needed cannot be reached now: HTTP 503. Trying again may help.
    Unavailable,
    /// A defect of the host or of an adapter: HTTP 500.
    Internal,
}

codes! {
    // The token itself
    /// The text is not a compact JWS with a JSON object inside, in canonical form.
    TokenMalformed = "token_malformed", Denied, "the token is not a well-formed compact jwt: request a new one";
    /// The text is longer than a token may be.
    TokenTooLarge = "token_too_large", Denied, "the token is longer than 8192 bytes: put fewer claims into it";
    /// The header asks for something that the kernel never does (`crit`, `b64`, embedded keys, nesting).
    HeaderRefused = "header_refused", Denied, "the token's header has a member that is not supported";
    /// The header's algorithm is not the key's.
    AlgorithmRefused = "algorithm_refused", Denied, "the token's algorithm is not the one of its key";
    /// No key with this id, or none named where several could be meant.
    KeyUnknown = "key_unknown", Denied, "the token names no key of the key set";
    /// The key verifies nothing any more.
    KeyRevoked = "key_revoked", Denied, "the token's key was revoked: sign in again";
    /// The signature is not this key's over this text.
    SignatureInvalid = "signature_invalid", Denied, "the token's signature does not verify";
    /// A required claim is not there.
    ClaimMissing = "claim_missing", Denied, "the token lacks a required claim";
    /// A claim has the wrong JSON type or is out of range. Never read as "absent".
    ClaimType = "claim_type", Denied, "a claim of the token has the wrong json type";
    /// Another issuer's token.
    IssuerMismatch = "issuer_mismatch", Denied, "the token was issued by somebody else";
    /// A token for others.
    AudienceMismatch = "audience_mismatch", Denied, "the token is meant for another audience";
    /// Another tenant's token, or one tenant too many or too few.
    TenantMismatch = "tenant_mismatch", Denied, "the token belongs to another tenant";
    /// `now >= exp + leeway`.
    TokenExpired = "token_expired", Denied, "the token has expired: sign in again";
    /// `now < nbf - leeway`.
    TokenNotYetValid = "token_not_yet_valid", Denied, "the token is not valid yet: check the clocks";
    /// `iat > now + leeway`.
    TokenIssuedInFuture = "token_issued_in_future", Denied, "the token was issued in the future: check the clocks";
    /// `exp - iat` above the policy's `max_token_lifetime`.
    TokenLifetimeExceeded = "token_lifetime_exceeded", Denied, "the token lives longer than the policy allows";
    /// The token's purpose is not in the policy.
    PurposeUnknown = "purpose_unknown", Denied, "the token's purpose is not one of the policy";
    /// The token's purpose is not accepted here, or is one that never authenticates.
    PurposeNotAllowed = "purpose_not_allowed", Denied, "a token of this purpose is not accepted here";
    /// The token is bound to one action and never authenticates.
    ActBound = "act_bound", Denied, "the token is bound to one action and does not authenticate";
    // What storage says of it
    /// A live record is required and there is none.
    TokenNotFound = "token_not_found", Denied, "the token is not known: sign in again";
    /// The record was revoked.
    TokenRevoked = "token_revoked", Denied, "the token was revoked: sign in again";
    /// The record was used up.
    TokenConsumed = "token_consumed", Denied, "the token was used already";
    /// The session was ended.
    SessionEnded = "session_ended", Denied, "the session was ended: sign in again";
    /// A cut-off kills it.
    TokenCutOff = "token_cut_off", Denied, "the token was issued before a sign-out: sign in again";
    /// Record or session and claims disagree on subject, tenant, purpose or sid.
    RecordMismatch = "record_mismatch", Denied, "the token and its record do not agree";
    /// The token is not one of the open socket's subject, tenant and session.
    SocketMismatch = "socket_mismatch", Denied, "the token belongs to another session than the connection";
    // Calls
    /// A sign-in was overtaken by a sign-out or a change of credentials.
    SignInSuperseded = "sign_in_superseded", Conflict, "the credentials changed during the sign-in: start again";
    /// No such session, or somebody else's.
    SessionNotFound = "session_not_found", NotFound, "no such session";
    /// A subject, tenant, device, act, reason or identifier is empty, too long or has control characters.
    InputInvalid = "input_invalid", Input, "an argument is empty, too long or has characters that are not allowed";
    /// No purpose was named, or one that the policy does not know.
    PurposeInvalid = "purpose_invalid", Input, "name purposes that the policy declares";
    /// Extra claims are not a JSON object, or too deep or too large.
    ClaimsInvalid = "claims_invalid", Input, "extra claims must be a json object within the limits";
    /// An extra claim has a reserved name.
    ClaimReserved = "claim_reserved", Input, "an extra claim has a reserved name: rename it";
    /// A lifetime of zero, or longer than the purpose's.
    LifetimeInvalid = "lifetime_invalid", Input, "the lifetime must be at least one second and at most the purpose's";
    /// The template needs a value that is absent, or the result is too long.
    SocketIdInvalid = "socket_id_invalid", Input, "the live socket id cannot be made from this token";
    /// A selector that means nothing or that cannot be answered wholly.
    SelectorInvalid = "selector_invalid", Input, "the selector cannot be applied as it stands";
    /// A trigger that the kernel does not know.
    TriggerUnknown = "trigger_unknown", Input, "no such trigger";
    /// A cursor that no page gave.
    CursorInvalid = "cursor_invalid", Input, "the cursor was not given by an earlier page";
    /// There is no key that signs.
    SigningKeyMissing = "signing_key_missing", Input, "the key set has no signing key: this service only verifies";
    /// The resource was built with another generation of policy and keys, or was closed.
    AuthenticatorClosed = "authenticator_closed", Input, "the authenticator was closed: build a new one";
    // Configuration
    /// The policy document is wrong; the message names the path.
    PolicyInvalid = "policy_invalid", Configuration, "the policy is not valid";
    /// The policy asks for something that this version cannot enforce.
    PolicyNotSupported = "policy_not_supported", Configuration, "the policy asks for something that this version cannot enforce";
    /// The key set is wrong; the message names the key.
    KeysInvalid = "keys_invalid", Configuration, "the key set is not valid";
    // What is needed from outside
    /// Storage cannot be reached now. Never means "revoked", never means "fine".
    StorageUnavailable = "storage_unavailable", Unavailable, "storage is not available: try again later";
    /// An identifier that must be new was known.
    StorageConflict = "storage_conflict", Internal, "storage already knows this identifier";
    /// Storage failed in a way that trying again will not mend, or answered nonsense.
    StorageFailed = "storage_failed", Internal, "storage failed: see the log of the service";
    /// No randomness.
    RandomUnavailable = "random_unavailable", Unavailable, "the source of randomness failed";
    /// Too many callers wait already.
    Overloaded = "overloaded", Unavailable, "too many calls are waiting: try again later";
    /// The call was cut short after a write was sent: it may have been done. Repeating is safe.
    OutcomeUnknown = "outcome_unknown", Unavailable, "the outcome is not known: repeat the call";
    /// The kernel's instance failed before any write was sent.
    KernelUnavailable = "kernel_unavailable", Unavailable, "the kernel could not run the call: try again";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message with a path in front, as configuration errors have it: `purposes.user.lifetime: …`.
pub(crate) fn at_path(code: Code, path: &str, message: &str) -> Error {
    let mut text = String::with_capacity(path.len() + message.len() + 2);
    if !path.is_empty() {
        text.push_str(path);
        text.push_str(": ");
    }
    text.push_str(message);
    Error::with(code, text)
}
