//! The chores of a service.

use super::*;
use crate::sockets::{Upkeep, UpkeepSettings};

#[tokio::test(start_paused = true)]
async fn chores_are_done_at_start_and_then_again_and_again() {
    let fixture = Fixture::with(|settings| settings.upkeep = Some(Default::default()));
    settle().await;
    // Repeated at once while there is more.
    assert_eq!(fixture.script.redelivered(), 3);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(fixture.script.redelivered(), 13);
    assert_eq!(fixture.script.expunged(), 0);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(fixture.script.expunged(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_without_connections_does_them_until_it_stops() {
    let script = Script::default();
    let upkeep = Upkeep::start(script.clone(), UpkeepSettings::default());
    sleep(Duration::from_secs(10)).await;
    assert!(script.redelivered() > 10);
    upkeep.stop().await;
    let done = script.redelivered();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(script.redelivered(), done);
}
