//! The wire format that every adapter speaks, in every language: a packet is the UTF-8 text of one JSON object (a
//! message) or of a JSON array of them, in order. `docs/wire.md` has it for those who write another reader.

use authkernel::ports::{DISCONNECT_EVENT, Disconnect, Message, Recheck};
use serde::Serialize;
use serde_json::{Map, Value};

/// Enough for thousands of messages, and below what every broker takes.
pub(super) const MAX_PACKET_BYTES: usize = 256 * 1024;

/// A packet, and which of the messages are in it: from `first`, `count` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) text: String,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// What was read from a packet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub(super) messages: Vec<Message>,
    /// Entries that are no message.
    pub(super) ignored: u64,
}

/// Packs messages into as few packets as the limit allows, in order. A message that is too large for any packet is
/// in none.
pub(super) fn pack(messages: &[Message], max_bytes: usize) -> Vec<Packet> {
    let mut packets: Vec<Packet> = Vec::new();
    let mut open: Option<Packet> = None;
    for (index, message) in messages.iter().enumerate() {
        let part = text(message);
        // The brackets are part of the packet.
        if part.len() + 2 > max_bytes {
            packets.extend(open.take().map(closed));
            continue;
        }
        // Comma and closing bracket.
        let fits = |packet: &Packet| packet.text.len() + part.len() + 2 <= max_bytes;
        match &mut open {
            Some(packet) if fits(packet) => {
                packet.text.push(',');
                packet.text.push_str(&part);
                packet.count += 1;
            }
            _ => {
                let next = Packet {
                    text: format!("[{part}"),
                    first: index,
                    count: 1,
                };
                packets.extend(open.replace(next).map(closed));
            }
        }
    }
    packets.extend(open.map(closed));
    packets
}

fn closed(mut packet: Packet) -> Packet {
    packet.text.push(']');
    packet
}

/// Reads a packet of whatever origin: what is no message is counted and left out.
pub(super) fn unpack(packet: &[u8]) -> Unpacked {
    let mut unpacked = Unpacked::default();
    let mut take = |entry: Value| match message(entry) {
        Some(message) => unpacked.messages.push(message),
        None => unpacked.ignored += 1,
    };
    match serde_json::from_slice(packet) {
        Ok(Value::Array(entries)) => entries.into_iter().for_each(take),
        Ok(entry) => take(entry),
        Err(_) => unpacked.ignored += 1,
    }
    unpacked
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Sent<'a> {
    Disconnect {
        endpoint: &'a str,
        topic: &'a str,
        event: &'static str,
        payload: Map<String, Value>,
    },
    Recheck {
        #[serde(skip_serializing_if = "Option::is_none")]
        tenant: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        purpose: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sid: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    },
}

fn text(message: &Message) -> String {
    let sent = match message {
        Message::Disconnect(Disconnect { endpoint, topic }) => Sent::Disconnect {
            endpoint,
            topic,
            event: DISCONNECT_EVENT,
            payload: Map::new(),
        },
        Message::Recheck(recheck) => Sent::Recheck {
            tenant: recheck.tenant.as_deref(),
            subject: recheck.subject.as_deref(),
            purpose: recheck.purpose.as_deref(),
            sid: recheck.sid.as_deref(),
            kid: recheck.kid.as_deref(),
        },
    };
    serde_json::to_string(&sent).expect("texts become json")
}

fn message(entry: Value) -> Option<Message> {
    let Value::Object(mut fields) = entry else {
        return None;
    };
    match fields.get("kind").and_then(Value::as_str) {
        Some("disconnect") => Some(Message::Disconnect(Disconnect {
            endpoint: text_of(fields.remove("endpoint"))?,
            topic: text_of(fields.remove("topic"))?,
        })),
        Some("recheck") => {
            let mut optional = |name| match fields.remove(name) {
                None | Some(Value::Null) => Some(None),
                value => text_of(value).map(Some),
            };
            Some(Message::Recheck(Recheck {
                tenant: optional("tenant")?,
                subject: optional("subject")?,
                purpose: optional("purpose")?,
                sid: optional("sid")?,
                kid: optional("kid")?,
            }))
        }
        _ => None,
    }
}

fn text_of(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disconnect(topic: &str) -> Message {
        Message::Disconnect(Disconnect {
            endpoint: "web".into(),
            topic: topic.into(),
        })
    }

    #[test]
    fn messages_have_the_form_that_other_languages_write() {
        let recheck = Message::Recheck(Recheck {
            tenant: Some("acme".into()),
            subject: Some("user?id=42".into()),
            ..Recheck::default()
        });
        let messages = [
            disconnect("users_sessions:mfzq"),
            recheck,
            Message::Recheck(Recheck::default()),
        ];
        let [packet] = &pack(&messages, MAX_PACKET_BYTES)[..] else {
            panic!("one packet");
        };
        assert_eq!(
            packet.text,
            concat!(
                r#"[{"kind":"disconnect","endpoint":"web","topic":"users_sessions:mfzq","#,
                r#""event":"disconnect","payload":{}},"#,
                r#"{"kind":"recheck","tenant":"acme","subject":"user?id=42"},{"kind":"recheck"}]"#,
            )
        );
        assert_eq!(unpack(packet.text.as_bytes()).messages, messages);
    }

    #[test]
    fn ten_thousand_messages_are_split_below_the_limit_and_none_is_lost() {
        let messages: Vec<Message> = (0..10_000)
            .map(|number| disconnect(&format!("users_sessions:{number} é")))
            .collect();
        for limit in [7_999, MAX_PACKET_BYTES] {
            let packets = pack(&messages, limit);
            let mut next = 0;
            let mut read = Vec::new();
            for packet in &packets {
                assert!(packet.text.len() <= limit);
                assert_eq!(packet.first, next);
                next += packet.count;
                let unpacked = unpack(packet.text.as_bytes());
                assert_eq!(
                    (unpacked.messages.len(), unpacked.ignored),
                    (packet.count, 0)
                );
                read.extend(unpacked.messages);
            }
            assert_eq!(read, messages);
            // None could have been left out: each is as full as it can be.
            let least = packets
                .iter()
                .map(|packet| packet.text.len())
                .sum::<usize>()
                / limit;
            assert!(packets.len() <= least + 2, "{} packets", packets.len());
        }
    }

    #[test]
    fn a_limit_is_kept_to_the_byte() {
        let two = [disconnect("a"), disconnect("b")];
        let whole = pack(&two, MAX_PACKET_BYTES)[0].text.len();
        assert_eq!(pack(&two, whole).len(), 1);
        assert_eq!(pack(&two, whole - 1).len(), 2);
        let one = pack(&two[..1], MAX_PACKET_BYTES)[0].text.len();
        assert_eq!(pack(&two, one).len(), 2);
        assert_eq!(pack(&two, one - 1), []);
    }

    #[test]
    fn a_message_that_is_too_large_is_in_no_packet_and_the_others_are() {
        let large = disconnect(&"x".repeat(300));
        let messages = [disconnect("a"), disconnect("b"), large, disconnect("c")];
        let packets = pack(&messages, 250);
        let places: Vec<_> = packets.iter().map(|it| (it.first, it.count)).collect();
        assert_eq!(places, [(0, 2), (3, 1)]);
    }

    #[test]
    fn what_is_no_message_is_ignored_and_the_rest_is_taken() {
        let none: [&[u8]; 9] = [
            b"",
            b"no json",
            b"null",
            b"7",
            b"\"text\"",
            b"\xff\xfe",
            br#"{"kind":"disconnect","endpoint":"web"}"#,
            br#"{"kind":"recheck","sid":7}"#,
            br#"{"kind":"added later","topic":"a"}"#,
        ];
        for packet in none {
            let unpacked = unpack(packet);
            let counts = (unpacked.messages.len(), unpacked.ignored);
            assert_eq!(counts, (0, 1), "{}", String::from_utf8_lossy(packet));
        }
        assert_eq!(unpack(b"[]"), Unpacked::default());
        let mixed =
            br#"[1,{"kind":"disconnect","endpoint":"web","topic":"a","added":[{"later":1}]},[],
            {"kind":"recheck","sid":null,"kid":"k1"},{"kind":"recheck","kid":{}}]"#;
        let unpacked = unpack(mixed);
        assert_eq!(unpacked.ignored, 3);
        let recheck = Recheck {
            kid: Some("k1".into()),
            ..Recheck::default()
        };
        assert_eq!(
            unpacked.messages,
            [disconnect("a"), Message::Recheck(recheck)]
        );
    }
}
