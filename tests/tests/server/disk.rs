//! A disk that is full, and one that cannot be written: a clear refusal, and nothing is lost.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::json;

use super::setup;

/// A small file system of its own, as long as the value lives. Only the superuser may have one.
struct Disk(PathBuf);

impl Disk {
    fn at(folder: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(folder)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            _ => {
                eprintln!("SKIPPED a test of the disk: a file system can be mounted by root only");
                None
            }
        }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        let zeros = [0; 4096];
        while ballast.write_all(&zeros).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_must_be_written_and_nothing_is_lost() {
    let setup = setup();
    let Some(disk) = Disk::at(setup.data(), "size=16m") else {
        return;
    };
    let server = setup.start();
    let mine = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let mut live = server.connect(&other.token).await.unwrap();

    disk.fill();
    let body = json!({
        "email": "a@example.com", "password": authkernel_tests::server::PASSWORD, "cookie": false,
    });
    let mut refused = false;
    for _ in 0..500 {
        // The log may have a little room of its own left.
        let answer = server
            .send(Method::POST, "/api/sign-in", None, Some(body.clone()))
            .await;
        if answer.status != 200 {
            answer.refused(503, "storage_unavailable");
            refused = true;
            break;
        }
    }
    assert!(refused, "the disk is full and all was written");
    server
        .post("/api/sign-out-everywhere", &mine.token, json!({}))
        .await
        .refused(503, "storage_unavailable");
    // Nothing was signed out by half: both sessions and the connection are what they were.
    for session in [&mine, &other] {
        server.get("/api/me", &session.token).await.expect(200);
    }

    disk.make_room();
    let done = server
        .post("/api/sign-out-everywhere", &mine.token, json!({}))
        .await
        .expect(200);
    assert!(done.counts().0 >= 2, "{}", done.text);
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    for session in [&mine, &other] {
        server
            .get("/api/me", &session.token)
            .await
            .refused(401, "token_revoked");
    }
    server.sign_in("a@example.com").await;

    drop(server);
    // What was answered is there after the next start as well.
    let server = setup.start();
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.sign_in("a@example.com").await;
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let below_a_file = setup();
    let file = below_a_file.data().join("file");
    fs::write(&file, "x").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    let out = command.arg(file.join("data")).output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains(&file.display().to_string()), "{said}");

    let read_only = setup();
    let Some(_disk) = Disk::at(read_only.data(), "ro") else {
        return;
    };
    let (code, said) = read_only.fail();
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains(&read_only.data().display().to_string()),
        "{said}"
    );
}
