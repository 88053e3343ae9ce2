//! The vector files as types. A field that is not listed here is an error, so that a typing error cannot
//! weaken a test; `vectors/schema.json` says the same for other languages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One file of `tests/vectors`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Always `./schema.json`.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// What the file shows, for people.
    pub about: String,
    /// The vectors.
    pub vectors: Vec<Vector>,
}

/// One story: what is there, what is called, what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The file's name, a hyphen, a number; never used again for another story.
    pub id: String,
    /// Which cases of `cases.md` it shows.
    pub cases: Vec<String>,
    /// One sentence.
    pub title: String,
    /// Why it is so, where that is not plain.
    #[serde(default)]
    pub comment: Option<String>,
    /// What a host's build must have, such as `es256` or `rsa`; others leave the vector out and say so.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The time at which it begins; the fixtures' when absent.
    #[serde(default)]
    pub now: Option<u64>,
    /// The policy; the fixtures' `default` when absent.
    #[serde(default)]
    pub policy: Option<Document>,
    /// The key set; the fixtures' `default` when absent.
    #[serde(default)]
    pub keys: Option<Keys>,
    /// Tokens that the runner composes; `@{name}` stands for their text.
    #[serde(default)]
    pub tokens: BTreeMap<String, TokenSpec>,
    /// What storage holds at the beginning.
    #[serde(default)]
    pub given: Given,
    /// Policy and keys must be refused with this; then there are no steps.
    #[serde(default)]
    pub refused: Option<Refusal>,
    /// The calls, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A policy: a fixture's name, a fixture that is changed, a document, or any text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Document {
    /// The name of a policy of the fixtures.
    Name(String),
    /// A policy of the fixtures, changed by a JSON merge patch (RFC 7396).
    Patched(Patched),
    /// A whole document.
    Json(Whole),
    /// A text that need not be JSON.
    Text(Raw),
}

/// A fixture, changed by a JSON merge patch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patched {
    /// The fixture's name.
    pub base: String,
    /// The change; `null` removes a member.
    pub patch: Value,
}

/// A whole document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    /// The document.
    pub json: Value,
}

/// Any text in the place of a document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// The text.
    pub text: String,
}

/// A key set.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// The name of a key set of the fixtures.
    Name(String),
    /// The keys of the set.
    List(Vec<KeyRef>),
    /// A whole document.
    Json(Whole),
    /// A text that need not be JSON.
    Text(Raw),
}

/// One key of a set: a fixture's name, or a fixture that is changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum KeyRef {
    /// The name of a key of the fixtures.
    Name(String),
    /// A key of the fixtures, changed by a JSON merge patch.
    Patched(Patched),
}

/// A token that the runner composes and signs, so that any header and any claim can be signed.
///
/// Of `header`, `header_patch`, `header_base64url` at most one is there, and so for the payload.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// The key of the fixtures that signs; the fixtures' first when absent.
    #[serde(default)]
    pub key: Option<String>,
    /// The algorithm to sign with, when it is not the key's.
    #[serde(default)]
    pub sign_as: Option<String>,
    /// The header's text, as it is signed.
    #[serde(default)]
    pub header: Option<String>,
    /// Members that are put into the usual header (`alg` and `kid` of the key, `typ`: `JWT`).
    #[serde(default)]
    pub header_patch: Map<String, Value>,
    /// Members that are left out of the usual header.
    #[serde(default)]
    pub header_without: Vec<String>,
    /// The header's segment, as it is signed.
    #[serde(default)]
    pub header_base64url: Option<String>,
    /// The payload's text, as it is signed.
    #[serde(default)]
    pub payload: Option<String>,
    /// Claims that are put into the fixtures' usual ones.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Claims that are left out of the usual ones.
    #[serde(default)]
    pub without: Vec<String>,
    /// The payload's segment, as it is signed.
    #[serde(default)]
    pub payload_base64url: Option<String>,
    /// What is done to the text once it is signed, in order.
    #[serde(default)]
    pub tamper: Vec<Tamper>,
    /// Not signed at all: this text, so many times. For tokens too long to write down.
    #[serde(default)]
    pub repeat: Option<Repeat>,
    /// The finished text, written by `cargo run -p authkernel-tests --bin vectors`, so that a host needs no
    /// signer to run the vectors. Absent where `repeat` is used.
    #[serde(default)]
    pub token: Option<String>,
}

/// A text, many times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// The text.
    pub text: String,
    /// How many times.
    pub times: usize,
}

/// What is done to a token after it was signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Tamper {
    /// The lowest bit of the signature's first byte is flipped.
    FlipSignature,
    /// The signature's bytes are all zero.
    ZeroSignature,
    /// An ECDSA signature (r, s) becomes (r, n − s), with the greater of the two.
    HighS,
    /// An ECDSA signature (r, s) becomes (r, n − s), with the lesser of the two.
    LowS,
    /// An ECDSA signature is encoded in DER instead of as r ‖ s.
    DerSignature,
    /// The group's order is added to an EdDSA signature's s.
    AddOrder,
    /// The signature loses its last bytes, so many.
    CutSignature(usize),
    /// The signature gets zero bytes at its end, so many.
    ExtendSignature(usize),
    /// The token loses its signature and the dot before it.
    DropSignature,
    /// The signature's segment is empty.
    EmptySignature,
    /// The signature's segment stands there twice, with a dot between: four parts.
    DoubleSignature,
    /// The whole token stands there twice.
    Double,
    /// The whole token stands there twice, with this between.
    DoubleWith(String),
    /// This stands after the token.
    Append(String),
    /// This stands before the token.
    Prepend(String),
    /// The token is cut off after so many characters.
    Truncate(usize),
    /// One segment (0, 1, 2) is replaced by this text.
    Segment(usize, String),
    /// This text is put into one segment, at this position.
    Insert(usize, usize, String),
    /// One segment gets the padding that base64 with padding would have.
    Pad(usize),
    /// The unused bits at the end of one segment are set.
    TrailingBits(usize),
    /// One segment is written with `+` and `/`.
    StandardAlphabet(usize),
    /// Header and payload, as they stand now, are signed again.
    Resign,
}

/// What storage holds at the beginning.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Records, inserted in this order.
    #[serde(default)]
    pub records: Vec<GivenRecord>,
    /// What is different from the usual about the records' sessions, by `sid`.
    #[serde(default)]
    pub sessions: BTreeMap<String, GivenSession>,
    /// Cut-offs, raised in this order.
    #[serde(default)]
    pub cut_offs: Vec<GivenCutOff>,
}

/// A record: that of a composed token, or one with the fixtures' usual fields, and what is different.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenRecord {
    /// The composed token whose claims it takes.
    #[serde(default)]
    pub of: Option<String>,
    /// Fields that are different: `tenant jti sid subject purpose act kid issued_at expires_at extra_data`.
    #[serde(default, rename = "with")]
    pub fields: Map<String, Value>,
    /// `live` when absent.
    #[serde(default)]
    pub status: GivenStatus,
    /// Its disconnect is pending, if it is revoked; delivered when absent.
    #[serde(default)]
    pub pending: bool,
}

/// A record's status at the beginning.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum GivenStatus {
    /// It may be used.
    #[default]
    Live,
    /// It was revoked.
    Revoked,
    /// It was used up.
    Consumed,
}

/// What is different about a session.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenSession {
    /// What the application calls the device.
    #[serde(default)]
    pub device: Option<String>,
    /// When it began; its first record's `issued_at` when absent.
    #[serde(default)]
    pub created_at: Option<u64>,
    /// It was ended, and all its records were revoked.
    #[serde(default)]
    pub ended: bool,
}

/// A cut-off at the beginning; it is kept for a day.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GivenCutOff {
    /// A subject's tokens below an epoch; raises the subject's epoch to it.
    Subject {
        /// The tenant.
        #[serde(default)]
        tenant: Option<String>,
        /// The subject.
        subject: String,
        /// Only this purpose.
        #[serde(default)]
        purpose: Option<String>,
        /// The epoch.
        below: u64,
        /// Sessions that are spared.
        #[serde(default)]
        spared: Vec<String>,
    },
    /// A tenant's tokens, by time.
    Tenant {
        /// The tenant.
        #[serde(default)]
        tenant: Option<String>,
        /// When.
        at: u64,
    },
    /// A key's tokens, by time.
    Key {
        /// The key.
        kid: String,
        /// When.
        at: u64,
    },
}

/// One call of an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation, or `configure`: go on with another policy or other keys over the same storage.
    #[serde(rename = "do")]
    pub operation: String,
    /// Its arguments, as in WIT with underscores.
    #[serde(default, rename = "with")]
    pub arguments: Map<String, Value>,
    /// The clock stands at this from here on.
    #[serde(default)]
    pub at: Option<u64>,
    /// Port calls that fail while this step runs.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// The answer's name: `@{name.field}` stands for what it holds.
    #[serde(default, rename = "as")]
    pub name: Option<String>,
    /// What must come of it.
    pub expect: Expect,
}

/// A port call that fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `storage.find`, …, `broadcast.publish`, `random.fill`; `storage` means every call of it.
    pub call: String,
    /// `unavailable`, `conflict`, `guard_epoch`, `guard_session` or `other`.
    pub error: String,
    /// With `broadcast.publish`: only messages whose topic contains this fail.
    #[serde(default)]
    pub topic: Option<String>,
}

/// What must come of a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The answer has these fields; others may be there. Exactly one of `ok` and `error` is there.
    #[serde(default)]
    pub ok: Option<Value>,
    /// The refusal's code.
    #[serde(default)]
    pub error: Option<String>,
    /// Texts that the refusal's message has.
    #[serde(default)]
    pub message: Vec<String>,
    /// Header and claims of the token that was minted; others may be there.
    #[serde(default)]
    pub minted: Option<Minted>,
    /// The calls of storage and broadcast, all of them, in order.
    pub calls: Vec<ExpectedCall>,
    /// The messages that were broadcast, all of them, in any order.
    #[serde(default)]
    pub messages: Vec<Value>,
}

/// What a minted token must have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minted {
    /// Members of the header.
    #[serde(default)]
    pub header: Option<Value>,
    /// Claims.
    #[serde(default)]
    pub claims: Option<Value>,
}

/// A port call: its name, or its name and some of its arguments.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ExpectedCall {
    /// The name alone.
    Name(String),
    /// Name and arguments.
    With(CallWith),
}

/// A port call with arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallWith {
    /// The name.
    pub call: String,
    /// Arguments that it must have; others may be there.
    pub with: Value,
}

/// How policy or keys must be refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The code.
    pub error: String,
    /// Texts that the message has, the path of what is wrong among them.
    #[serde(default)]
    pub message: Vec<String>,
}

/// The folder with the vectors.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The files that hold vectors, in order of their names.
pub fn files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        if name.ends_with(".json") && name != "schema.json" && name != "fixtures.json" {
            files.push(path);
        }
    }
    files.sort();
    ensure!(
        !files.is_empty(),
        "there are no vectors in {}",
        folder().display()
    );
    Ok(files)
}

/// Reads one file; an unknown field is an error that names it.
pub fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut json = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut json)
        .with_context(|| format!("{} is not a vector file", path.display()))
}
