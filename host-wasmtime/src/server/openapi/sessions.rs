//! Who is signed in, and signing out.

use authkernel::Code;
use serde_json::json;

use super::super::error::ServerCode;
use super::accounts::{EMAIL, SID, SOCKET_ID, SUBJECT, codes, counts};
use super::operation::Operation;
use super::schemas;

const TAG: &str = "sessions";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        me(),
        sessions(),
        end_session(),
        end_this(),
        sign_out_everywhere(),
    ]
}

fn me() -> Operation {
    Operation::get("/api/me", "me", TAG, "Who the caller is")
        .for_a_session()
        .answers(
            200,
            "the token is good, and this is who it says",
            "Me",
            json!({
                "subject": SUBJECT, "email": EMAIL, "sid": SID, "jti": "q4t2mzbn7ylhvx5kd6ocae3wfi",
                "purpose": "user", "socket_id": SOCKET_ID, "issued_at": 1_800_000_000,
                "expires_at": 1_801_209_600, "deadline": 1_801_209_600, "claims": {},
            }),
        )
}

fn sessions() -> Operation {
    let cursor =
        json!({ "type": "string", "pattern": "^[0-9]{1,19}[.][^\\x00-\\x1f\\x7f-\\x9f]{1,63}$" });
    Operation::get("/api/sessions", "sessions", TAG, "The caller's live sessions")
        .says("Newest first, the current one marked.")
        .for_a_session()
        .parameter("query", "after", cursor, "the member `next` of the page before")
        .parameter(
            "query",
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 }),
            "how many to answer with at most",
        )
        .answers(
            200,
            "one page of them",
            "Sessions",
            json!({
                "sessions": [{
                    "sid": SID, "device": "laptop", "created_at": 1_800_000_000, "last_seen": 1_800_000_042,
                    "ends_at": 1_801_209_600, "current": true, "connections": 1,
                }],
                "next": null,
            }),
        )
        .refuses(codes(&[ServerCode::QueryInvalid]))
        .refuses([Code::InputInvalid.into(), Code::CursorInvalid.into()])
}

fn end_session() -> Operation {
    Operation::delete(
        "/api/sessions/{sid}",
        "endSession",
        TAG,
        "Sign out one session of the caller",
    )
    .for_a_session()
    .parameter("path", "sid", schemas::text(), "the session")
    .ends()
    .refuses([Code::SessionNotFound.into()])
}

fn end_this() -> Operation {
    Operation::delete("/api/session", "endThisSession", TAG, "Sign out the session of the credential")
        .says(
            "Clears the cookie and answers 200 also for a dead token, and without any: whoever is done is told so. A \
             forged token ends nothing.",
        )
        .secured(&["", "bearer", "cookie"])
        .answers(200, "it is signed out", "Counts", counts())
        .header(200, "Set-Cookie", true, "clears the session cookie")
        .refuses(codes(&[ServerCode::OriginRefused]))
}

fn sign_out_everywhere() -> Operation {
    Operation::post(
        "/api/sign-out-everywhere",
        "signOutEverywhere",
        TAG,
        "Sign out all sessions of the caller, or all others",
    )
    .says(
        "With `dry_run` it says what would be signed out, and changes nothing. With `disconnect_self: false` the \
         connections of the caller's own session stay open for at most 30 s, unable to act, so that the page can \
         redirect.",
    )
    .for_a_session()
    .takes("SignOutEverywhere", json!({ "keep_current": true }))
    .ends()
    .refuses([Code::PurposeInvalid.into(), Code::SelectorInvalid.into()])
}

impl Operation {
    fn ends(self) -> Self {
        let mut example = counts();
        example["current_session"] = "live".into();
        self.answers(200, "these were signed out", "Ended", example)
            .header(
                200,
                "Set-Cookie",
                false,
                "clears the cookie when its session has ended",
            )
    }
}
