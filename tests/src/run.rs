//! Runs vectors on a [`Target`] and says, in one message, everything that is wrong.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use authkernel::ports::Message;
use serde_json::{Value, json};

use crate::call::Call;
use crate::compose::{compose, decoded};
use crate::fixtures::Fixtures;
use crate::given;
use crate::host::{Log, PortCall, VectorHost, vector_host};
use crate::matching::{Names, mismatch, resolve};
use crate::port_json::PortJson;
use crate::secrets::Secrets;
use crate::target::Target;
use crate::vector::{self, Document, ExpectedCall, Keys, Step, TokenSpec, Vector};

/// Runs every vector of every file, and panics with a list of those that failed.
pub async fn check_all<T: Target>() {
    let mut failures = Vec::new();
    let mut count = 0;
    for path in vector::files().expect("the vectors are there") {
        let (run, mut failed) = check_file::<T>(&path).await.expect("the file can be read");
        count += run;
        failures.append(&mut failed);
    }
    println!("{}: {count} vectors", T::NAME);
    assert!(
        failures.is_empty(),
        "{}: {} of {count} vectors failed\n\n{}",
        T::NAME,
        failures.len(),
        failures.join("\n")
    );
}

/// Runs the vectors of one file; answers how many ran, and what is wrong with those that failed.
pub async fn check_file<T: Target>(path: &Path) -> Result<(usize, Vec<String>)> {
    let fixtures = Fixtures::read()?;
    let file = vector::read(path)?;
    let mut failures = Vec::new();
    let mut count = 0;
    for vector in &file.vectors {
        if let Some(need) = vector
            .needs
            .iter()
            .find(|need| !T::FEATURES.contains(&need.as_str()))
        {
            println!(
                "skipped: {} on {}, which is built without {need}",
                vector.id,
                T::NAME
            );
            continue;
        }
        count += 1;
        if let Err(error) = check::<T>(vector, &fixtures).await {
            failures.push(format!("{} ({}): {error:#}", vector.id, vector.title));
        }
    }
    Ok((count, failures))
}

/// Runs one vector.
pub async fn check<T: Target>(vector: &Vector, fixtures: &Fixtures) -> Result<()> {
    let now = vector.now.unwrap_or(fixtures.now);
    let (host, log) = vector_host(now, seed(&vector.id));
    let mut names = Names::new();
    let mut secrets = Secrets::of_keys(fixtures);
    for (name, spec) in &vector.tokens {
        let token = token(spec, fixtures)?;
        secrets.add_token(&token);
        names.insert(name.clone(), token.into());
    }
    let built = build::<T>(
        fixtures,
        vector.policy.as_ref(),
        vector.keys.as_ref(),
        &host,
    )
    .await?;
    let mut target = match (built, &vector.refused) {
        (Ok(target), None) => target,
        (Err(error), Some(refusal)) => {
            secrets.check("the refusal", &error.to_string())?;
            compare_error(&error, &refusal.error, &refusal.message)?;
            ensure!(
                vector.steps.is_empty(),
                "there is nothing to call after a refusal"
            );
            return Ok(());
        }
        (Ok(_), Some(refusal)) => bail!("policy and keys should be refused: {}", refusal.error),
        (Err(error), None) => bail!("policy and keys were refused: {error}"),
    };
    given::fill(host.storage.inner(), vector, fixtures, now).await?;
    ensure!(!vector.steps.is_empty(), "the vector calls nothing");
    for (index, step) in vector.steps.iter().enumerate() {
        if let Some(at) = step.at {
            host.clock.set(at);
        }
        if step.operation == "configure" {
            target = configure(step, fixtures, &host)
                .await
                .context("configure")?;
            continue;
        }
        run_step(&target, step, &log, &mut names, &mut secrets)
            .await
            .with_context(|| format!("step {} ({})", index + 1, step.operation))?;
    }
    Ok(())
}

/// The token's text: the one that the file gives, which must be what the specification says.
fn token(spec: &TokenSpec, fixtures: &Fixtures) -> Result<String> {
    match &spec.token {
        Some(text) => Ok(text.clone()),
        None => compose(spec, fixtures),
    }
}

/// A seed of its own for every vector, the same at every run (FNV-1a).
fn seed(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

async fn build<T: Target>(
    fixtures: &Fixtures,
    policy: Option<&Document>,
    keys: Option<&Keys>,
    host: &VectorHost,
) -> Result<Result<T, authkernel::Error>> {
    let policy = fixtures.policy(policy)?;
    let keys = fixtures.key_set(keys)?;
    T::build(&policy, &keys, host.clone()).await
}

async fn configure<T: Target>(step: &Step, fixtures: &Fixtures, host: &VectorHost) -> Result<T> {
    let member = |name: &str| step.arguments.get(name).cloned();
    let policy: Option<Document> = member("policy").map(serde_json::from_value).transpose()?;
    let keys: Option<Keys> = member("keys").map(serde_json::from_value).transpose()?;
    Ok(build::<T>(fixtures, policy.as_ref(), keys.as_ref(), host).await??)
}

async fn run_step<T: Target>(
    target: &T,
    step: &Step,
    log: &Log,
    names: &mut Names,
    secrets: &mut Secrets,
) -> Result<()> {
    let arguments = resolve(&Value::from(step.arguments.clone()), names)?;
    let call = Call::read(&step.operation, arguments)?;
    log.take();
    log.set_faults(step.faults.clone());
    let result = target.run(call).await;
    log.set_faults(Vec::new());
    let (calls, messages) = log.take();
    let result = result.map(|answer| answer.json());
    match &result {
        Ok(answer) => secrets.add_token(answer["token"].as_str().unwrap_or_default()),
        Err(error) => secrets.check("the refusal", &error.to_string())?,
    }
    for call in &calls {
        secrets.check(&call.name, &call.arguments.to_string())?;
    }
    if let (Some(name), Ok(answer)) = (&step.name, &result) {
        names.insert(name.clone(), answer.clone());
    }
    match (&step.expect.ok, &step.expect.error, &result) {
        (Some(expected), None, Ok(answer)) => {
            let expected = resolve(expected, names)?;
            if let Some(wrong) = mismatch("answer", &expected, Some(answer)) {
                bail!("{wrong}");
            }
        }
        (None, Some(code), Err(error)) => compare_error(error, code, &step.expect.message)?,
        (Some(_), None, Err(error)) => bail!("refused: {error}"),
        (None, Some(code), Ok(answer)) => bail!("should be refused: {code}, found {answer}"),
        _ => bail!("expect says neither or both of ok and error"),
    }
    if let Some(minted) = &step.expect.minted {
        let token = result.as_ref().ok().and_then(|answer| answer.get("token"));
        let token = token
            .and_then(Value::as_str)
            .context("no token was minted")?;
        for (which, expected) in [(0, &minted.header), (1, &minted.claims)] {
            let Some(expected) = expected else { continue };
            let expected = resolve(expected, names)?;
            if let Some(wrong) = mismatch("minted", &expected, Some(&decoded(token, which)?)) {
                bail!("{wrong}");
            }
        }
    }
    compare_calls(&step.expect.calls, &calls, names)?;
    compare_messages(&step.expect.messages, &messages, names)
}

fn compare_error(error: &authkernel::Error, code: &str, message: &[String]) -> Result<()> {
    ensure!(
        error.code().as_str() == code,
        "expected {code}, found {error}"
    );
    for part in message {
        ensure!(
            error.message().contains(part),
            "the message should contain {part:?}, found {:?}",
            error.message()
        );
    }
    Ok(())
}

fn compare_calls(expected: &[ExpectedCall], calls: &[PortCall], names: &Names) -> Result<()> {
    let name = |call: &ExpectedCall| match call {
        ExpectedCall::Name(name) => name.clone(),
        ExpectedCall::With(it) => it.call.clone(),
    };
    let wanted: Vec<String> = expected.iter().map(name).collect();
    let found: Vec<String> = calls.iter().map(|call| call.name.clone()).collect();
    ensure!(
        wanted == found,
        "calls: expected {wanted:?}, found {found:?}"
    );
    for (expected, call) in expected.iter().zip(calls) {
        if let ExpectedCall::With(it) = expected {
            let with = resolve(&it.with, names)?;
            if let Some(wrong) = mismatch(&call.name, &with, Some(&call.arguments)) {
                bail!("{wrong}");
            }
        }
    }
    Ok(())
}

fn compare_messages(expected: &[Value], messages: &[Message], names: &Names) -> Result<()> {
    let mut left: Vec<Value> = messages.iter().map(PortJson::port_json).collect();
    for message in expected {
        let message = whole(resolve(message, names)?);
        match left.iter().position(|other| *other == message) {
            Some(place) => left.swap_remove(place),
            None => bail!("messages: expected {message}, found {left:?}"),
        };
    }
    ensure!(left.is_empty(), "messages: not expected: {left:?}");
    Ok(())
}

/// A disconnect's event and payload are always the same and need not be written down.
fn whole(mut message: Value) -> Value {
    if message.get("kind").is_some_and(|kind| kind == "disconnect")
        && let Some(members) = message.as_object_mut()
    {
        members
            .entry("event")
            .or_insert_with(|| "disconnect".into());
        members.entry("payload").or_insert_with(|| json!({}));
    }
    message
}
