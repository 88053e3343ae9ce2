//! Plain requests to the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// A client with connections of its own, kept open.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: String,
}

/// Who was registered.
pub(crate) struct Account {
    pub(crate) subject: String,
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(60))
                .build()?,
            base: format!("http://{address}"),
        })
    }

    /// Registers an account and signs in once.
    pub(crate) async fn register(&self) -> Result<Account> {
        let signed_in = self.session().await?;
        let subject = signed_in["subject"]
            .as_str()
            .context("the sign-in names no subject")?;
        Ok(Account {
            subject: subject.to_owned(),
        })
    }

    /// Registers an account and signs in; answers with what the sign-in says.
    pub(crate) async fn session(&self) -> Result<Value> {
        let credential =
            json!({ "email": "load@app.example", "password": "correct horse battery staple" });
        self.post("/api/register", None, credential.clone()).await?;
        self.post("/api/sign-in", None, credential).await
    }

    /// Signs out everywhere.
    pub(crate) async fn sign_out_everywhere(&self, token: &str) -> Result<Value> {
        self.post("/api/sign-out-everywhere", Some(token), json!({}))
            .await
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Result<Value> {
        let mut request = self.client.post(format!("{}{path}", self.base)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("POST {path}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(
            status.is_success(),
            "POST {path} was answered with {status}: {text}"
        );
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// How long the simplest request takes now.
    pub(crate) async fn round_trip(&self) -> Result<Duration> {
        let begun = Instant::now();
        let answer = self
            .client
            .get(format!("{}/healthz", self.base))
            .send()
            .await?;
        ensure!(
            answer.status().is_success(),
            "GET /healthz was answered with {}",
            answer.status()
        );
        answer.bytes().await?;
        Ok(begun.elapsed())
    }
}
