//! A step's arguments → the operation's request. The names are those of WIT, with underscores.

use anyhow::{Context, Result, bail};
use authkernel::types::{
    Admit, Authenticate, BeginSignIn, CredentialsChanged, ExtraClaims, Issue, OpenSocket, Revoke,
    RevokeScope, RevokeTarget, Sessions, SignInGuard, SignOutEverywhere, SignOutScope, SocketState,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One call of an operation.
#[derive(Clone, Debug)]
pub enum Call {
    /// `begin_sign_in`
    BeginSignIn(BeginSignIn),
    /// `issue`
    Issue(Issue),
    /// `authenticate`
    Authenticate(Authenticate),
    /// `admit`
    Admit(Admit),
    /// `revoke`
    Revoke(Revoke),
    /// `sign_out_everywhere`
    SignOutEverywhere(SignOutEverywhere),
    /// `preview`
    Preview(SignOutEverywhere),
    /// `sessions`
    Sessions(Sessions),
    /// `credentials_changed`
    CredentialsChanged(CredentialsChanged),
    /// `sweep`
    Sweep(Vec<SocketState>),
    /// `redeliver`
    Redeliver,
    /// `expunge`
    Expunge(u32),
}

/// The operations, as vectors name them.
pub const OPERATIONS: [&str; 12] = [
    "begin_sign_in",
    "issue",
    "authenticate",
    "admit",
    "revoke",
    "sign_out_everywhere",
    "preview",
    "sessions",
    "credentials_changed",
    "sweep",
    "redeliver",
    "expunge",
];

impl Call {
    /// Reads the arguments of an operation; an unknown one is an error.
    pub fn read(operation: &str, arguments: Value) -> Result<Self> {
        Ok(match operation {
            "begin_sign_in" => Self::BeginSignIn(args::<BeginSignInArgs>(arguments)?.request()),
            "issue" => Self::Issue(args::<IssueArgs>(arguments)?.request()),
            "authenticate" => Self::Authenticate(args::<AuthenticateArgs>(arguments)?.request()),
            "admit" => Self::Admit(args::<AdmitArgs>(arguments)?.request()),
            "revoke" => Self::Revoke(args::<RevokeArgs>(arguments)?.request()?),
            "sign_out_everywhere" => {
                Self::SignOutEverywhere(args::<SignOutArgs>(arguments)?.request()?)
            }
            "preview" => Self::Preview(args::<SignOutArgs>(arguments)?.request()?),
            "sessions" => Self::Sessions(args::<SessionsArgs>(arguments)?.request()),
            "credentials_changed" => {
                Self::CredentialsChanged(args::<CredentialsArgs>(arguments)?.request())
            }
            "sweep" => Self::Sweep(args::<SweepArgs>(arguments)?.request()?),
            "redeliver" => args::<NoArgs>(arguments).map(|_| Self::Redeliver)?,
            "expunge" => Self::Expunge(args::<ExpungeArgs>(arguments)?.limit),
            other => bail!("there is no operation {other}"),
        })
    }
}

fn args<T: DeserializeOwned>(arguments: Value) -> Result<T> {
    serde_path_to_error::deserialize(arguments).context("the arguments do not fit the operation")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArgs {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpungeArgs {
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginSignInArgs {
    tenant: Option<String>,
    subject: String,
}

impl BeginSignInArgs {
    fn request(self) -> BeginSignIn {
        BeginSignIn {
            tenant: self.tenant,
            subject: self.subject,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardArgs {
    epoch: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssueArgs {
    tenant: Option<String>,
    subject: String,
    purpose: String,
    host_claims: Option<ExtraClaims>,
    claims: Option<ExtraClaims>,
    sid: Option<String>,
    device: Option<String>,
    lifetime: Option<u64>,
    act: Option<String>,
    guard: Option<GuardArgs>,
}

impl IssueArgs {
    fn request(self) -> Issue {
        Issue {
            tenant: self.tenant,
            subject: self.subject,
            purpose: self.purpose,
            host_claims: self.host_claims,
            claims: self.claims,
            sid: self.sid,
            device: self.device,
            lifetime: self.lifetime,
            act: self.act,
            guard: self.guard.map(|guard| SignInGuard { epoch: guard.epoch }),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticateArgs {
    token: String,
    purposes: Vec<String>,
    tenant: Option<String>,
}

impl AuthenticateArgs {
    fn request(self) -> Authenticate {
        Authenticate {
            token: self.token,
            purposes: self.purposes,
            tenant: self.tenant,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenSocketArgs {
    tenant: Option<String>,
    subject: String,
    sid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmitArgs {
    token: String,
    purposes: Vec<String>,
    tenant: Option<String>,
    socket: Option<OpenSocketArgs>,
}

impl AdmitArgs {
    fn request(self) -> Admit {
        Admit {
            token: self.token,
            purposes: self.purposes,
            tenant: self.tenant,
            socket: self.socket.map(|it| OpenSocket {
                tenant: it.tenant,
                subject: it.subject,
                sid: it.sid,
            }),
        }
    }
}

/// Exactly one of `token`, `jti` and `sid` is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeArgs {
    token: Option<String>,
    jti: Option<String>,
    sid: Option<String>,
    /// With `sid` only.
    subject: Option<String>,
    scope: Option<String>,
    tenant: Option<String>,
    reason: Option<String>,
}

impl RevokeArgs {
    fn request(self) -> Result<Revoke> {
        let target = match (self.token, self.jti, self.sid, self.subject) {
            (Some(token), None, None, None) => RevokeTarget::Token(token),
            (None, Some(jti), None, None) => RevokeTarget::Jti(jti),
            (None, None, Some(sid), subject) => RevokeTarget::Sid { sid, subject },
            _ => bail!("name one of token, jti and sid; subject goes with sid"),
        };
        let scope = match self.scope.as_deref() {
            None | Some("session") => RevokeScope::Session,
            Some("token") => RevokeScope::Token,
            Some(other) => bail!("there is no scope {other}"),
        };
        Ok(Revoke {
            target,
            scope,
            tenant: self.tenant,
            reason: self.reason,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ScopeArgs {
    Subject {
        tenant: Option<String>,
        subject: String,
    },
    Tenant {
        tenant: Option<String>,
    },
    Key {
        kid: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignOutArgs {
    scope: ScopeArgs,
    include_purposes: Option<Vec<String>>,
    exclude_purposes: Option<Vec<String>>,
    #[serde(default)]
    keep: Vec<String>,
    issued_before: Option<u64>,
    acting_sid: Option<String>,
    disconnect_self: Option<bool>,
    reason: Option<String>,
}

impl SignOutArgs {
    fn request(self) -> Result<SignOutEverywhere> {
        Ok(SignOutEverywhere {
            scope: match self.scope {
                ScopeArgs::Subject { tenant, subject } => SignOutScope::Subject { tenant, subject },
                ScopeArgs::Tenant { tenant } => SignOutScope::Tenant { tenant },
                ScopeArgs::Key { kid } => SignOutScope::Key { kid },
            },
            include_purposes: self.include_purposes,
            exclude_purposes: self.exclude_purposes,
            keep: self.keep,
            issued_before: self.issued_before,
            acting_sid: self.acting_sid,
            disconnect_self: self.disconnect_self.unwrap_or(true),
            reason: self.reason,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsArgs {
    tenant: Option<String>,
    subject: String,
    after: Option<String>,
    limit: Option<u32>,
}

impl SessionsArgs {
    fn request(self) -> Sessions {
        Sessions {
            tenant: self.tenant,
            subject: self.subject,
            after: self.after,
            limit: self.limit,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialsArgs {
    tenant: Option<String>,
    subject: String,
    trigger: String,
    acting_sid: Option<String>,
    changed_at: Option<u64>,
    disconnect_self: Option<bool>,
}

impl CredentialsArgs {
    fn request(self) -> CredentialsChanged {
        CredentialsChanged {
            tenant: self.tenant,
            subject: self.subject,
            trigger: self.trigger,
            acting_sid: self.acting_sid,
            changed_at: self.changed_at,
            disconnect_self: self.disconnect_self.unwrap_or(true),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SweepArgs {
    sockets: Vec<SocketArgs>,
}

impl SweepArgs {
    fn request(self) -> Result<Vec<SocketState>> {
        self.sockets.into_iter().map(SocketArgs::request).collect()
    }
}

/// A socket: the identity that `issue`, `authenticate` or `admit` answered, and what is different.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SocketArgs {
    identity: Map<String, Value>,
    verified_at: u64,
    #[serde(default, rename = "with")]
    different: Map<String, Value>,
}

#[derive(Deserialize)]
struct SocketFields {
    tenant: Option<String>,
    jti: String,
    sid: String,
    subject: String,
    purpose: String,
    kid: String,
    issued_at: u64,
    expires_at: u64,
    epoch: u64,
}

impl SocketArgs {
    fn request(self) -> Result<SocketState> {
        let mut fields = self.identity;
        fields.extend(self.different);
        let it: SocketFields = serde_path_to_error::deserialize(Value::from(fields))?;
        Ok(SocketState {
            tenant: it.tenant,
            jti: it.jti,
            sid: it.sid,
            subject: it.subject,
            purpose: it.purpose,
            kid: it.kid,
            issued_at: it.issued_at,
            expires_at: it.expires_at,
            epoch: it.epoch,
            verified_at: self.verified_at,
        })
    }
}
