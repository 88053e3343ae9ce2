//! Live connections.

use serde_json::{Value, json};

use super::super::error::ServerCode;
use super::accounts::codes;
use super::operation::{Operation, schema_ref};

const TAG: &str = "live connections";

pub(super) fn operations() -> Vec<Operation> {
    vec![ticket(), live(), events(), phoenix()]
}

fn ticket() -> Operation {
    Operation::post(
        "/api/socket-ticket",
        "socketTicket",
        TAG,
        "A ticket for one live connection",
    )
    .says("For browsers, which can send no header with an upgrade. Good once, for 30 s.")
    .for_a_session()
    .answers(
        200,
        "the ticket",
        "Ticket",
        json!({ "ticket": "Oa3lIoEZxV2qmJAkGrDp8XX2rQvT8zn7TDFxBVhY1tY", "expires_in": 30 }),
    )
}

fn live() -> Operation {
    Operation::get("/live", "live", TAG, "A live connection, by WebSocket")
        .says(
            "Says hello with its socket id, then pushes. Closed with 4001 and the reason `revoked` or `expired` when \
             its token dies; whoever comes back with that token is refused here, at the upgrade.",
        )
        .connects()
        .upgrades()
}

fn events() -> Operation {
    let stream = json!({
        "description": "events without a name; the data of each is a JSON text: a `Push`",
        "content": { "text/event-stream": { "example":
            "data: {\"type\":\"hello\",\"socket_id\":\"users_sessions:3n5wq6kd2x7ue4hlp2cbrt5v6y\",\"sid\":\"3n5wq6kd2x7ue4hlp2cbrt5v6y\",\"deadline\":1801209600}\n\n" } },
    });
    Operation::get(
        "/live/events",
        "liveEvents",
        TAG,
        "A live connection, by server-sent events",
    )
    .says("The same as `/live`; the last event says why it is closed.")
    .connects()
    .response(200, stream)
}

fn phoenix() -> Operation {
    Operation::get("/socket/websocket", "phoenix", TAG, "A live connection that speaks the Phoenix channel protocol")
        .says(
            "The token comes as a bearer token, as the parameter `token`, or as the subprotocol \
             `base64url.bearer.phx.…`; never as a cookie. Any topic `room:…` can be joined. Closed with 1001 when \
             the token dies.",
        )
        .secured(&["bearer", "token"])
        .refuses(super::responses::of_a_session())
        .refuses(codes(&[ServerCode::QueryInvalid]))
        .parameter(
            "query",
            "vsn",
            json!({ "type": "string", "enum": ["1.0.0", "2.0.0"], "default": "1.0.0" }),
            "the protocol's version",
        )
        .upgrades()
}

impl Operation {
    fn connects(self) -> Self {
        self.secured(&["bearer", "ticket", "cookie"])
            .refuses(super::responses::of_a_session())
            .refuses(codes(&[
                ServerCode::QueryInvalid,
                ServerCode::TicketInvalid,
            ]))
    }

    fn upgrades(self) -> Self {
        self.response(
            101,
            json!({
                "description": "the connection is open; its messages are texts, each a `Push` (on `/live`)",
                "content": {},
                "x-messages": push(),
            }),
        )
        .refuses(codes(&[ServerCode::UpgradeRequired]))
    }
}

fn push() -> Value {
    schema_ref("Push")
}
