//! The reference server as a process of its own, for tests that speak HTTP to it and kill it.

mod described;
mod log;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub use log::Log;

/// How long anything may take before a test gives up. Never how long something should take.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// All that the server says, without what the web assembly engine says of itself.
const LOG: &str =
    "trace,wasmtime_environ=info,cranelift_frontend=info,cranelift_entity=info,mio=info";
/// A password that every test account has.
pub const PASSWORD: &str = "correct horse battery staple";

/// How to start a server: a port of the system's choice, weak and quick password hashes, a data directory that lives
/// as long as the value.
pub struct Setup {
    program: PathBuf,
    data: tempfile::TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// For this program, with a new data directory.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            data: tempfile::tempdir().expect("a temporary directory"),
            arguments: [
                "--listen",
                "127.0.0.1:0",
                "--password-memory-kib",
                "8",
                "--log",
                LOG,
            ]
            .map(str::to_owned)
            .into(),
            environment: Vec::new(),
        }
    }

    /// One more argument. A flag that is there already gets the later value by the environment only.
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// One more environment variable.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Forgets the environment variables: for the start after a fault.
    pub fn without_environment(mut self) -> Self {
        self.environment.clear();
        self
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The command, not run yet.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .args(&self.arguments)
            .arg("--data")
            .arg(self.data.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the server and waits until it says that it is ready.
    pub fn start(&self) -> Server {
        let mut child = self.command().spawn().expect("the server's program");
        let log = Log::of(child.stderr.take().expect("its standard error"));
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its standard output"));
        out.read_line(&mut first)
            .expect("its standard output can be read");
        let address = first.trim().strip_prefix("authkernel is ready on ");
        let address = address.and_then(|url| url.split_once("://").map(|(_, address)| address));
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let _ = child.kill();
            panic!(
                "the server is not ready but says {first:?}, and its log:\n{}",
                log.text()
            );
        };
        Server {
            child,
            address,
            log,
            out,
        }
    }

    /// Runs the server until it ends by itself, as one that cannot start does: exit code and standard error.
    pub fn fail(&self) -> (i32, String) {
        let mut child = self.command().spawn().expect("the server's program");
        let mut text = String::new();
        let error = child.stderr.as_mut().expect("its standard error");
        error
            .read_to_string(&mut text)
            .expect("its standard error can be read");
        let status = child.wait().expect("its end");
        (status.code().expect("an exit code"), text)
    }
}

/// A server that runs. Dropping it kills it.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Log,
    out: BufReader<std::process::ChildStdout>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of one of its paths.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What its own pages have as `Origin`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How much memory it has, in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the state of the process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        number.expect("its memory")
    }

    /// Everything that it has written to standard error.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Kills it at once (SIGKILL) and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("its end");
    }

    /// Tells it to stop (SIGTERM), and does not wait.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Tells it to look at its files (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        let id = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(id, signal).expect("a signal");
    }

    /// Waits until it has ended; answers with what it had to say to the end, on standard output and error.
    pub fn wait(mut self) -> (ExitStatus, String, String) {
        let status = self.child.wait().expect("its end");
        let mut out = String::new();
        self.out
            .read_to_string(&mut out)
            .expect("its standard output");
        (status, out, self.log.whole())
    }

    /// Sends a request and answers with status and JSON body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = reqwest::Client::new().request(method, self.url(path));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        Answer::of(request).await
    }

    /// `GET` with a token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, Some(token), None).await
    }

    /// `POST` with a token and a body.
    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(token), Some(body)).await
    }

    /// `DELETE` with a token.
    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(Method::DELETE, path, Some(token), None).await
    }

    /// Adds an account with the usual password.
    pub async fn register(&self, email: &str) {
        let body = json!({ "email": email, "password": PASSWORD });
        self.send(Method::POST, "/api/register", None, Some(body))
            .await
            .expect(201);
    }

    /// Signs in with the usual password, without a cookie.
    pub async fn sign_in(&self, email: &str) -> Session {
        let body =
            json!({ "email": email, "password": PASSWORD, "device": "test", "cookie": false });
        let answer = self
            .send(Method::POST, "/api/sign-in", None, Some(body))
            .await
            .expect(200);
        Session::of(&answer)
    }

    /// Adds an account and signs in once.
    pub async fn newcomer(&self, email: &str) -> Session {
        self.register(email).await;
        self.sign_in(email).await
    }

    /// Opens a live connection with a token and reads its hello.
    pub async fn connect(&self, token: &str) -> Result<Live, Refused> {
        let authorization = format!("Bearer {token}");
        self.connect_with("/live", &[("authorization", &authorization)])
            .await
    }

    /// Opens a live connection with these headers and reads its hello.
    pub async fn connect_with(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Live, Refused> {
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request
                .headers_mut()
                .append(*name, value.parse().expect("a header"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => {
                let mut live = Live {
                    stream,
                    closed: None,
                };
                live.hello().await;
                Ok(live)
            }
            Err(SocketError::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let path = path.split('?').next().unwrap_or_default();
                let (status, text) = (answer.status().as_u16(), String::from_utf8_lossy(body));
                described::check("GET", path, status, answer.headers(), &text);
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                Err(Refused {
                    status: answer.status().as_u16(),
                    code: body["error"]["code"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                })
            }
            Err(error) => panic!("the server cannot be reached: {error}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session that was signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its token.
    pub token: String,
    /// Its id.
    pub sid: String,
    /// Whose it is.
    pub subject: String,
}

impl Session {
    /// What the answer to a sign-in says.
    pub fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().expect("a text").to_owned();
        Self {
            token: text("token"),
            sid: text("sid"),
            subject: text("subject"),
        }
    }
}

/// An answer of the server.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body, `null` when it is not JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// Sends a request. Fails when the server's OpenAPI document does not have the answer.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let (client, request) = request.timeout(PATIENCE).build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("an answer");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or_default();
        described::check(method.as_str(), &path, status, &headers, &text);
        Self {
            status,
            headers,
            body,
            text,
        }
    }

    /// Fails unless the answer has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Fails unless the answer is this refusal.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let (found, message) = (&self.body["error"]["code"], &self.body["error"]["message"]);
        assert_eq!(
            (self.status, found.as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert!(
            message.as_str().is_some_and(|message| !message.is_empty()),
            "{}",
            self.text
        );
        self
    }

    /// The three counts of a sign-out.
    #[track_caller]
    pub fn counts(&self) -> (u64, u64, u64) {
        let count = |name: &str| {
            self.body[name]
                .as_u64()
                .unwrap_or_else(|| panic!("{}", self.text))
        };
        (
            count("revoked"),
            count("disconnected"),
            count("undelivered"),
        )
    }
}

/// A live connection that was refused at the upgrade.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The code.
    pub code: String,
}

/// A live connection.
pub struct Live {
    /// Beneath it.
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// That it was closed before it could say hello.
    closed: Option<(u16, String)>,
}

impl Live {
    /// The first message, or that the session was signed out in the same moment.
    async fn hello(&mut self) {
        match self.next().await {
            Some(Message::Text(text)) => {
                assert!(text.contains(r#""type":"hello""#), "{text}");
                described::check_push(&serde_json::from_str(&text).expect("json"));
            }
            Some(Message::Close(Some(frame))) => {
                self.closed = Some((frame.code.into(), frame.reason.to_string()));
            }
            other => panic!("expected a hello, got {other:?}"),
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => {
                let message = serde_json::from_str(&text).expect("json");
                described::check_push(&message);
                message
            }
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// The next message of a type; others are skipped.
    pub async fn message_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Waits until the server closes it: close code and reason.
    pub async fn closed(&mut self) -> (u16, String) {
        if let Some(closed) = self.closed.take() {
            return closed;
        }
        loop {
            match self.next().await {
                Some(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Message::Close(None)) => panic!("closed without a code"),
                Some(_) => {}
                None => panic!("cut without a close"),
            }
        }
    }

    /// The next frame; `None` when the connection is gone.
    pub async fn next(&mut self) -> Option<Message> {
        use futures_util::StreamExt;
        let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await;
        frame.expect("the server says something in time")?.ok()
    }
}
