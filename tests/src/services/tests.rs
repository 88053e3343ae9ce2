use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;

use super::nats::Nats;
use super::postgres::Postgres;
use super::redis::Redis;
use super::*;

fn runs(id: u32) -> bool {
    // A process that has ended and was not waited for still has a folder there.
    let status = std::fs::read_to_string(format!("/proc/{id}/status"));
    status.is_ok_and(|text| !text.contains("State:\tZ"))
}

/// Stops, pauses and starts a server again, and takes it away.
fn goes_through_its_life(mut service: impl std::ops::DerefMut<Target = Service>) {
    let folder = service.folder().to_owned();
    let port = service.port();
    let first = service.id().expect("it runs");
    assert!(TcpStream::connect(service.address()).is_ok());
    service.pause();
    service.resume();
    service.stop();
    assert!(service.id().is_none() && !runs(first));
    assert!(TcpStream::connect(service.address()).is_err());
    service.start_again();
    assert_eq!(service.port(), port);
    service.kill();
    service.start_again();
    let last = service.id().expect("it runs again");
    assert!(TcpStream::connect(service.address()).is_ok());
    drop(service);
    assert!(!runs(last), "it still runs");
    assert!(!folder.exists(), "its folder is still there");
}

#[test]
fn redis_goes_through_its_life() {
    if let Some(redis) = Redis::start(&[]) {
        goes_through_its_life(redis);
    }
}

#[test]
fn nats_goes_through_its_life() {
    if let Some(nats) = Nats::start(&[]) {
        goes_through_its_life(nats);
    }
}

#[test]
fn postgres_goes_through_its_life() {
    if let Some(postgres) = Postgres::start(&postgres::FAST) {
        let url = postgres.create_database();
        assert!(url.ends_with("/test_0"), "{url}");
        assert!(postgres.create_database().ends_with("/test_1"));
        goes_through_its_life(postgres);
    }
}

#[test]
fn a_server_that_cannot_start_is_a_failure_that_says_why() {
    let started = std::panic::catch_unwind(|| Redis::start(&["--no-such-setting", "1"]));
    let Err(panic) = started else {
        // Not installed, which was said.
        assert!(matches!(started, Ok(None)));
        return;
    };
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("no-such-setting"), "{text}");
}

/// The name under which this test runs itself as another process, which is then killed.
const VICTIM: &str = "AUTHKERNEL_TEST_VICTIM";

#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let redis = Redis::shared().expect("redis");
        println!(
            "{} {} .",
            redis.id().expect("it runs"),
            redis.folder().display()
        );
        loop {
            std::thread::park();
        }
    }
    if program("redis-server", &[]).is_none() {
        return;
    }
    let name = std::thread::current()
        .name()
        .expect("a test's name")
        .to_owned();
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args([&name, "--exact", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program");
    let mut text = String::new();
    let mut bytes = std::io::Read::bytes(victim.stdout.take().expect("its standard output"));
    while !text.ends_with(" .\n") {
        text.push(bytes.next().expect("more").expect("a byte").into());
    }
    let line = text.lines().last().expect("a line");
    let mut words = line.split(' ').rev();
    assert_eq!(words.next(), Some("."));
    let folder = PathBuf::from(words.next().expect("a folder"));
    let id: u32 = words.next().expect("an id").parse().expect("an id");
    assert!(runs(id) && folder.exists());
    victim.kill().expect("a signal");
    assert_eq!(victim.wait().expect("its end").signal(), Some(9));
    let give_up = Instant::now() + PATIENCE;
    while runs(id) || folder.exists() {
        assert!(Instant::now() < give_up, "server or folder is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}
