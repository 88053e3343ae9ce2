//! `GET /socket/websocket`: the Phoenix channel protocol, so that its clients connect, join, and are disconnected.
//!
//! Any topic `room:…` can be joined. A room hears nothing here: this server has no messages of its own for it, and what
//! a client pushes is answered with an error. What counts is the connection: it lives as long as its token may.

use std::collections::HashSet;

use authkernel::types::Admit;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::audit::Event;
use super::super::client::Client;
use super::super::credential::Credential;
use super::super::error::{Refusal, ServerCode};
use super::super::policy::{ENDPOINT, SESSION_PURPOSE};
use super::super::state::App;
use crate::sockets::axum::web_socket::{self, Conversation, Message, Stop};
use crate::sockets::axum::{Cutter, Limits};
use crate::sockets::{Closing, LiveSocket};

/// The subprotocol that the server speaks.
const PROTOCOL: &str = "phoenix";
/// What a client puts before its token when it sends it as a subprotocol (phoenix 1.8, `authToken`).
const TOKEN_PREFIX: &str = "base64url.bearer.phx.";
/// How many rooms one connection may be in.
const MAX_ROOMS: usize = 100;

/// Clients put whatever they want into their parameters.
#[derive(Deserialize)]
pub(super) struct Parameters {
    vsn: Option<String>,
    token: Option<String>,
}

/// Opens a connection, or refuses the upgrade. A token comes in the `Authorization` header, as a subprotocol, or as the
/// parameter `token` (phoenix 1.7 has no other way); never as a cookie, so that no other site can use it.
pub(super) async fn socket(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    cutter: Cutter,
    parameters: Result<Query<Parameters>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let mut response = Refusal::from(ServerCode::UpgradeRequired).into_response();
        let protocol = HeaderValue::from_static("websocket");
        response.headers_mut().insert(header::UPGRADE, protocol);
        return response;
    };
    match open(&app, &headers, parameters).await {
        Ok((socket, version)) => {
            let channel = Channel {
                version,
                rooms: HashSet::new(),
            };
            let upgrade = upgrade.protocols([PROTOCOL]);
            web_socket::serve(socket, upgrade, cutter, Limits::default(), channel)
        }
        Err(refusal) => {
            let event = Event {
                action: "connect",
                address: Some(client.address),
                ..Event::default()
            };
            event.refused(&refusal);
            refusal.into_response()
        }
    }
}

async fn open(
    app: &App,
    headers: &HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<(LiveSocket, Version), Refusal> {
    let invalid = || {
        Refusal::with(
            ServerCode::QueryInvalid,
            "the query may have vsn (1.0.0 or 2.0.0) and token, once each",
        )
    };
    let Query(parameters) = parameters.map_err(|_| invalid())?;
    let version = match parameters.vsn.as_deref() {
        None | Some("1.0.0") => Version::One,
        Some("2.0.0") => Version::Two,
        Some(_) => return Err(invalid()),
    };
    let token = match (protocol_token(headers), parameters.token) {
        _ if headers.contains_key(header::AUTHORIZATION) => {
            Credential::of(headers, app)?.token().to_owned()
        }
        (Some(token), _) => token.ok_or(ServerCode::CredentialAmbiguous)?,
        (None, Some(token)) => token,
        (None, None) => return Err(ServerCode::CredentialMissing.into()),
    };
    let admit = Admit {
        token,
        purposes: vec![SESSION_PURPOSE.to_owned()],
        tenant: None,
        socket: None,
    };
    Ok((app.live.open(admit, ENDPOINT).await?, version))
}

/// The token among the subprotocols; `Some(None)` when it cannot be read or there are several.
fn protocol_token(headers: &HeaderMap) -> Option<Option<String>> {
    let mut tokens = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|protocol| protocol.trim().strip_prefix(TOKEN_PREFIX));
    let first = tokens.next()?;
    let decoded = Base64UrlUnpadded::decode_vec(first)
        // Clients use what browsers have, which is the other alphabet.
        .or_else(|_| Base64Unpadded::decode_vec(first))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    Some(decoded.filter(|_| tokens.next().is_none()))
}

/// How messages are written: objects, or lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What a client sends.
#[derive(Debug, PartialEq)]
struct Push {
    join_ref: Value,
    reference: Value,
    topic: String,
    event: String,
}

impl Version {
    fn read(self, text: &str) -> Option<Push> {
        let mut message: Value = serde_json::from_str(text).ok()?;
        let [join_ref, reference, topic, event] = match self {
            Self::Two => {
                let parts = message.as_array_mut().filter(|parts| parts.len() == 5)?;
                [0, 1, 2, 3].map(|place| parts.get_mut(place).map(Value::take))
            }
            Self::One => ["join_ref", "ref", "topic", "event"]
                .map(|name| Some(message.get_mut(name).map(Value::take).unwrap_or_default())),
        };
        let text = |value: Option<Value>| Some(value?.as_str()?.to_owned());
        let plain = |value: &Value| value.is_null() || value.is_string() || value.is_number();
        Some(Push {
            join_ref: join_ref.filter(plain)?,
            reference: reference.filter(plain)?,
            topic: text(topic)?,
            event: text(event)?,
        })
    }

    fn reply(self, push: Push, status: &str, response: Value) -> Message {
        let payload = json!({ "status": status, "response": response });
        let Push {
            join_ref,
            reference,
            topic,
            ..
        } = push;
        let message = match self {
            Self::Two => json!([join_ref, reference, topic, "phx_reply", payload]),
            Self::One => json!({
                "topic": topic, "event": "phx_reply", "payload": payload, "ref": reference,
            }),
        };
        message.to_string().into()
    }
}

/// One client and the rooms that it is in.
struct Channel {
    version: Version,
    rooms: HashSet<String>,
}

impl Channel {
    fn answer(&mut self, push: Push) -> Message {
        let outcome = match (push.topic.as_str(), push.event.as_str()) {
            ("phoenix", "heartbeat") => Ok(()),
            (topic, "phx_join") if !is_room(topic) => Err("unmatched topic"),
            (_, "phx_join") if self.rooms.len() >= MAX_ROOMS => Err("too many rooms"),
            (topic, "phx_join") => {
                self.rooms.insert(topic.to_owned());
                Ok(())
            }
            (topic, "phx_leave") => {
                self.rooms.remove(topic);
                Ok(())
            }
            (topic, _) if !self.rooms.contains(topic) => Err("unmatched topic"),
            _ => Err("unknown event"),
        };
        match outcome {
            Ok(()) => self.version.reply(push, "ok", json!({})),
            Err(reason) => self
                .version
                .reply(push, "error", json!({ "reason": reason })),
        }
    }
}

fn is_room(topic: &str) -> bool {
    const LONGEST: usize = 200;
    topic.len() <= LONGEST
        && topic
            .strip_prefix("room:")
            .is_some_and(|name| !name.is_empty())
}

impl Conversation for Channel {
    async fn received(
        &mut self,
        message: Message,
        _socket: &LiveSocket,
    ) -> Result<Option<Message>, Stop> {
        let stop = |code, reason: &'static str| Stop {
            code,
            reason: reason.into(),
        };
        let Message::Text(text) = message else {
            return Err(stop(1003, "text messages only"));
        };
        let push = self
            .version
            .read(&text)
            .ok_or_else(|| stop(1007, "not a message of the phoenix protocol"))?;
        Ok(Some(self.answer(push)))
    }

    /// As Phoenix disconnects: its clients come back, and are refused at the upgrade.
    fn farewell(&self, closing: &Closing) -> Stop {
        Stop {
            code: 1001,
            reason: closing.reason.as_str().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(channel: &mut Channel, text: &str) -> Value {
        let push = channel.version.read(text).unwrap();
        match channel.answer(push) {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            Message::Binary(_) => panic!("binary"),
        }
    }

    #[test]
    fn rooms_are_joined_and_left() {
        let mut channel = Channel {
            version: Version::Two,
            rooms: HashSet::new(),
        };
        let ok = json!({ "status": "ok", "response": {} });
        let error = |reason: &str| json!({ "status": "error", "response": { "reason": reason } });
        for (text, payload) in [
            (r#"[null,"1","phoenix","heartbeat",{}]"#, ok.clone()),
            (
                r#"["2","2","other:a","phx_join",{}]"#,
                error("unmatched topic"),
            ),
            (
                r#"["2","2","room:","phx_join",{}]"#,
                error("unmatched topic"),
            ),
            (r#"["2","3","room:a","say",{}]"#, error("unmatched topic")),
            (r#"["2","4","room:a","phx_join",{}]"#, ok.clone()),
            (r#"["2","5","room:a","say",{}]"#, error("unknown event")),
            (r#"["2","6","room:a","phx_leave",{}]"#, ok.clone()),
        ] {
            let answer = say(&mut channel, text);
            assert_eq!(
                (&answer[3], &answer[4]),
                (&json!("phx_reply"), &payload),
                "{text}"
            );
        }
        channel.version = Version::One;
        let join = r#"{"topic":"room:a","event":"phx_join","payload":{},"ref":"7"}"#;
        let answer = say(&mut channel, join);
        assert_eq!((&answer["ref"], &answer["payload"]), (&json!("7"), &ok));
        for n in 0..MAX_ROOMS {
            say(&mut channel, &join.replace("room:a", &format!("room:{n}")));
        }
        assert_eq!(channel.rooms.len(), MAX_ROOMS);
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in [
            "",
            "{}",
            "[]",
            "[1,2,3,4,5]",
            r#"[null,"1","a","b"]"#,
            r#"[{},"1","a","b",{}]"#,
        ] {
            assert_eq!(Version::Two.read(text), None, "{text}");
        }
        assert_eq!(Version::One.read(r#"{"topic":1,"event":"a"}"#), None);
    }

    #[test]
    fn a_token_comes_as_one_subprotocol() {
        let headers = |text: &str| {
            HeaderMap::from_iter([(header::SEC_WEBSOCKET_PROTOCOL, text.parse().unwrap())])
        };
        assert_eq!(protocol_token(&headers("phoenix")), None);
        let one = headers("phoenix, base64url.bearer.phx.YS5iLmM");
        assert_eq!(protocol_token(&one), Some(Some("a.b.c".to_owned())));
        let two = headers("base64url.bearer.phx.YQ, base64url.bearer.phx.YQ");
        assert_eq!(protocol_token(&two), Some(None));
        assert_eq!(
            protocol_token(&headers("base64url.bearer.phx.!")),
            Some(None)
        );
    }
}
