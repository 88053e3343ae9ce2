//! Registering, signing in, changing credentials.

use authkernel::Code;
use serde_json::{Value, json};

use super::super::error::{Refusal, ServerCode};
use super::operation::Operation;

const TAG: &str = "accounts";

pub(super) fn operations() -> Vec<Operation> {
    vec![register(), sign_in(), password(), email()]
}

fn register() -> Operation {
    Operation::post("/api/register", "register", TAG, "Add an account")
        .says("It does not sign in.")
        .takes("Register", json!({ "email": EMAIL, "password": PASSWORD }))
        .answers(
            201,
            "the account was added",
            "Registered",
            json!({ "subject": SUBJECT }),
        )
        .refuses(codes(&[
            ServerCode::EmailInvalid,
            ServerCode::EmailTaken,
            ServerCode::PasswordWeak,
            ServerCode::OriginRefused,
        ]))
        .refuses([Refusal::rate_limited(1)])
}

fn sign_in() -> Operation {
    Operation::post("/api/sign-in", "signIn", TAG, "Open a session")
        .says(
            "Answers with the token, and sets it as an HttpOnly cookie unless `cookie` is false. An unknown account \
             and a wrong password have one answer, and take the same time.",
        )
        .takes(
            "SignIn",
            json!({ "email": EMAIL, "password": PASSWORD, "device": "laptop", "cookie": false }),
        )
        .answers(
            200,
            "the session has begun",
            "SignedIn",
            json!({
                "token": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl", "jti": "q4t2mzbn7ylhvx5kd6ocae3wfi",
                "sid": SID, "subject": SUBJECT, "socket_id": SOCKET_ID, "expires_at": 1_801_209_600,
            }),
        )
        .header(200, "Set-Cookie", false, "the session cookie, unless `cookie` is false")
        .refuses(codes(&[
            ServerCode::CredentialsInvalid,
            ServerCode::OriginRefused,
        ]))
        .refuses([
            Refusal::rate_limited(1),
            Code::SignInSuperseded.into(),
            Code::InputInvalid.into(),
            Code::SigningKeyMissing.into(),
        ])
}

fn password() -> Operation {
    Operation::post("/api/password", "changePassword", TAG, "Change the password")
        .says("Then signs out whom the policy's `on_credentials_changed` says, by default all other sessions.")
        .takes(
            "ChangePassword",
            json!({ "current": PASSWORD, "new": "a staple for the horse" }),
        )
        .changes_a_credential()
        .refuses(codes(&[ServerCode::PasswordWeak]))
}

fn email() -> Operation {
    Operation::post(
        "/api/email",
        "changeEmail",
        TAG,
        "Change the e-mail address",
    )
    .says(
        "Then signs out whom the policy's `on_credentials_changed` says, by default every session.",
    )
    .takes(
        "ChangeEmail",
        json!({ "current": PASSWORD, "email": "ada.lovelace@example.com" }),
    )
    .changes_a_credential()
    .refuses(codes(&[ServerCode::EmailInvalid, ServerCode::EmailTaken]))
}

impl Operation {
    fn changes_a_credential(self) -> Self {
        let done = json!({
            "revoked": 1, "disconnected": 1, "undelivered": 0, "current_session": "live",
        });
        let mut owed = done.clone();
        owed["pending"] = true.into();
        self.for_a_session()
            .answers(
                200,
                "it is changed, and these were signed out",
                "Ended",
                done,
            )
            .answers(
                202,
                "it is changed; the sign-out is owed and will be done",
                "Pending",
                owed,
            )
            .header(
                200,
                "Set-Cookie",
                false,
                "clears the cookie when its session has ended",
            )
            .header(
                202,
                "Set-Cookie",
                false,
                "clears the cookie when its session has ended",
            )
            .refuses(codes(&[
                ServerCode::PasswordWrong,
                ServerCode::AccountChanged,
            ]))
            .refuses([Refusal::rate_limited(1)])
    }
}

pub(super) const EMAIL: &str = "ada@example.com";
pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const SUBJECT: &str = "user?id=Zr0mVHcRSnq0pZGhTMSiSw";
pub(super) const SID: &str = "3n5wq6kd2x7ue4hlp2cbrt5v6y";
pub(super) const SOCKET_ID: &str = "users_sessions:3n5wq6kd2x7ue4hlp2cbrt5v6y";

/// Refusals of the server's own.
pub(super) fn codes(codes: &[ServerCode]) -> Vec<Refusal> {
    codes.iter().copied().map(Refusal::from).collect()
}

/// The three counts.
pub(super) fn counts() -> Value {
    json!({ "revoked": 2, "disconnected": 1, "undelivered": 0 })
}
