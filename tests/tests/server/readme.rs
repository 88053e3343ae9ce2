//! The commands of the README, run as they stand against a new server: what a reader is told to type works, and every
//! route that the OpenAPI document has is among it.
//!
//! Changed are only the ports, so that tests can run beside a demo, and `target/debug/authkernel`, which is the same
//! program built for the tests.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authkernel_tests::services::postgres::Postgres;
use authkernel_wasmtime::server::openapi;

/// The shell blocks of one section.
fn blocks(section: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let start = readme.split(&format!("\n## {section}\n")).nth(1);
    let start = start.unwrap_or_else(|| panic!("README.md has no section {section}"));
    let text = start.split("\n## ").next().unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert!(!blocks.is_empty());
    blocks.concat()
}

/// A request that curl sent: method, path, status.
#[derive(Debug)]
struct Sent {
    method: String,
    path: String,
    status: u16,
}

/// Runs the commands in an empty folder; answers with what curl sent, and all that was printed.
fn run(script: &str, ports: &[(&str, u16)]) -> (Vec<Sent>, String) {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    let debug = folder.path().join("target/debug");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(&debug).unwrap();
    let program = env!("CARGO_BIN_EXE_authkernel-under-test");
    // Compiled code is shared with the other tests; passwords are hashed as quickly.
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/server-cache");
    std::os::unix::fs::symlink(program, debug.join("authkernel")).unwrap();
    let curl = which("curl");
    let report = folder.path().join("sent");
    executable(
        &bin.join("curl"),
        &format!(
            "#!/bin/sh\nexec '{}' \"$@\" --write-out '%{{stderr}}\\n@@ %{{method}} %{{http_code}} %{{url_effective}}\\n' 2>>'{}'\n",
            curl.display(),
            report.display()
        ),
    );
    executable(
        &bin.join("cargo"),
        &format!(
            "#!/bin/sh\ntest \"$*\" = 'xtask demo' && exec '{program}' serve --listen 127.0.0.1:4000\n"
        ),
    );
    let mut script = script.to_owned();
    let mut cargo = std::fs::read_to_string(bin.join("cargo")).unwrap();
    for (written, free) in ports {
        let (written, free) = (format!("127.0.0.1:{written}"), format!("127.0.0.1:{free}"));
        assert!(
            script.contains(&written),
            "{written} is not in the commands"
        );
        script = script.replace(&written, &free);
        cargo = cargo.replace(&written, &free);
    }
    executable(&bin.join("cargo"), &cargo);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut child = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("AUTHKERNEL_CACHE", cache)
        .env("AUTHKERNEL_PASSWORD_MEMORY_KIB", "8")
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(folder.path().join("out")).unwrap())
        .stderr(std::fs::File::create(folder.path().join("err")).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    child.wait().unwrap();
    // The servers that were left in the background.
    let group = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let printed = format!("{}\n{}", read("out"), read("err"));
    let sent = read("sent").lines().filter_map(sent).collect();
    (sent, printed)
}

fn sent(line: &str) -> Option<Sent> {
    let mut words = line.strip_prefix("@@ ")?.split(' ');
    let (method, status, url) = (words.next()?, words.next()?, words.next()?);
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    Some(Sent {
        method: method.to_ascii_lowercase(),
        path: format!("/{}", path.split('?').next()?),
        status: status.parse().ok()?,
    })
}

fn executable(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found
        .into_iter()
        .find(|file| file.is_file())
        .expect("curl is installed")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Every answer is a success, but those that the comment of a command says are none.
fn as_expected(script: &str, sent: &[Sent], printed: &str) {
    let refused = script.lines().filter(|line| line.contains("# 401")).count();
    let bad: Vec<&Sent> = sent.iter().filter(|sent| sent.status >= 400).collect();
    let good = bad.len() == refused && bad.iter().all(|sent| sent.status == 401);
    let unanswered = sent.iter().any(|sent| sent.status == 0);
    assert!(good && !unanswered, "{sent:#?}\n{printed}");
    assert_eq!(
        printed.matches("token_revoked").count(),
        refused,
        "{printed}"
    );
}

#[test]
fn the_first_commands_work() {
    let script = blocks("Without Rust: the reference server");
    let (sent, printed) = run(&script, &[("4000", free_port())]);
    as_expected(&script, &sent, &printed);
    let asked: BTreeSet<_> = sent.iter().map(|sent| sent.path.as_str()).collect();
    let expected = [
        "/api/me",
        "/api/register",
        "/api/sign-in",
        "/api/sign-out-everywhere",
        "/healthz",
    ];
    assert_eq!(asked, BTreeSet::from(expected), "{printed}");
}

#[test]
fn several_servers_are_one_service() {
    let Some(postgres) = Postgres::shared() else {
        return;
    };
    let written = "postgres://auth:secret@127.0.0.1:5432/auth";
    let script = blocks("For operators");
    assert!(script.contains(written));
    let script = script.replace(written, &postgres.create_database());
    let (sent, printed) = run(&script, &[("4002", free_port()), ("4003", free_port())]);
    as_expected(&script, &sent, &printed);
    for expected in [
        r#""disconnected":1,"revoked":1,"undelivered":0"#,
        r#""type":"close","code":4001,"reason":"revoked""#,
        "its disconnect was published and received",
        "an authkernel answers",
    ] {
        assert!(
            printed.contains(expected),
            "{expected} is not in\n{printed}"
        );
    }
}

#[test]
fn every_route_has_a_command_that_works() {
    let script = blocks("From other languages");
    let (sent, printed) = run(&script, &[("4001", free_port())]);
    as_expected(&script, &sent, &printed);
    let document = openapi(&["user".to_owned()]);
    let mut missing = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let found = sent
                .iter()
                .any(|sent| sent.method == *method && fits(template, &sent.path));
            if !found {
                missing.push(format!("{method} {template}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "no command for {missing:?}\n{sent:#?}\n{printed}"
    );
    for expected in [
        r#""type":"hello""#,
        r#"{"active":false}"#,
        r#""active":true"#,
        "# EOF",
        "<!doctype html>",
    ] {
        assert!(
            printed.contains(expected),
            "{expected} is not in\n{printed}"
        );
    }
    let upgraded = sent.iter().filter(|sent| sent.status == 101).count();
    assert_eq!(upgraded, 2, "{sent:#?}");
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, found): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|(wanted, found)| {
            wanted == found || (wanted.starts_with('{') && !found.is_empty())
        })
}
