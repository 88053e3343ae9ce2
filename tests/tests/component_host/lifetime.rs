//! How an authenticator is built, given other keys, and closed.

use super::*;

#[tokio::test]
async fn replacing_the_keys_decides_every_call_that_begins_later() {
    for engine in [Engine::Component, Engine::Native] {
        let storage = Scripted::default();
        let mut limits = Limits::default();
        limits.instances = 2;
        let builder = host(storage.clone()).engine(engine).limits(limits);
        let auth = builder.build().await.unwrap();
        let token = issue(&auth).await.token;
        let find = storage.stop_at("find");
        let mut early = Box::pin(authenticate(&auth, &token));
        assert!(poll!(early.as_mut()).is_pending());

        auth.replace(POLICY, OTHER_KEYS).await.unwrap();
        // Often enough to meet every instance there is.
        for _ in 0..5 {
            assert_eq!(
                code(authenticate(&auth, &token).await),
                Some(Code::KeyUnknown)
            );
        }
        find.open();
        // It began under the old keys.
        early.await.unwrap();
        // And its instance does not come back.
        for _ in 0..5 {
            assert_eq!(
                code(authenticate(&auth, &token).await),
                Some(Code::KeyUnknown)
            );
        }
        assert_eq!(issue(&auth).await.identity.kid, "k2", "{engine:?}");
        assert!(auth.statistics().instances <= 2);
    }
}

#[tokio::test]
async fn the_keys_can_be_replaced_while_all_instances_are_busy() {
    let (auth, storage) = component(|limits| limits.instances = 1).await;
    let token = issue(&auth).await.token;
    let find = storage.stop_at("find");
    let mut early = Box::pin(authenticate(&auth, &token));
    assert!(poll!(early.as_mut()).is_pending());
    let mut waiting = Box::pin(authenticate(&auth, &token));
    assert!(poll!(waiting.as_mut()).is_pending());

    auth.replace(POLICY, OTHER_KEYS).await.unwrap();
    find.open();
    early.await.unwrap();
    assert_eq!(code(waiting.await), Some(Code::KeyUnknown));
    assert_eq!(auth.statistics().instances, 1);
}

#[tokio::test]
async fn a_replacement_that_is_refused_changes_nothing() {
    for engine in [Engine::Component, Engine::Native] {
        let builder = host(Scripted::default()).engine(engine);
        let auth = builder.build().await.unwrap();
        let token = issue(&auth).await.token;
        let refused = auth.replace("{}", KEYS).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::PolicyInvalid), "{engine:?}");
        let refused = auth.replace(POLICY, "{}").await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::KeysInvalid), "{engine:?}");
        authenticate(&auth, &token).await.unwrap();
    }
}

// Start and end.

#[tokio::test]
async fn what_cannot_be_built_is_refused_with_the_reason() {
    let builder = || host(Scripted::default());
    let refused = Authenticator::builder()
        .host(ports(Scripted::default()))
        .keys(KEYS)
        .build()
        .await;
    assert!(matches!(refused, Err(BuildError::PolicyMissing)));
    let refused = builder().component(*b"junk").build().await;
    assert!(matches!(refused, Err(BuildError::Component(_))));

    let mut limits = Limits::default();
    limits.instances = 0;
    let refused = builder().limits(limits).build().await;
    assert!(matches!(refused, Err(BuildError::Limit("instances"))));
    let mut limits = Limits::default();
    limits.memory = 64 << 10;
    let refused = builder().limits(limits).build().await;
    assert!(matches!(refused, Err(BuildError::Component(_))));

    for engine in [Engine::Component, Engine::Native] {
        let wrong = POLICY.replace("14d", "14 days");
        let Err(refused) = builder().policy(&wrong).engine(engine).build().await else {
            panic!("the policy is wrong");
        };
        assert_eq!(refused.code(), Some(Code::PolicyInvalid));
        assert!(
            refused.to_string().contains("purposes.user.lifetime"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn closing_waits_for_writes_and_refuses_new_calls() {
    for engine in [Engine::Component, Engine::Native] {
        let storage = Scripted::default();
        let auth = host(storage.clone()).engine(engine).build().await.unwrap();
        let token = issue(&auth).await.token;
        let insert = storage.stop_at("insert");
        let mut write = Box::pin(auth.issue(user()));
        assert!(poll!(write.as_mut()).is_pending());
        insert.entered().await;

        let mut closed = Box::pin(auth.close());
        assert!(poll!(closed.as_mut()).is_pending());
        let refused = Some(Code::AuthenticatorClosed);
        assert_eq!(code(authenticate(&auth, &token).await), refused);
        assert_eq!(code(auth.issue(user()).await), refused);
        assert!(matches!(
            auth.replace(POLICY, KEYS).await,
            Err(BuildError::Closed)
        ));
        assert!(poll!(closed.as_mut()).is_pending(), "{engine:?}");

        insert.release();
        closed.await;
        write.await.unwrap();
        assert_eq!(auth.statistics().instances, 0);
        // Again is harmless.
        auth.close().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn compiled_code_is_kept_in_a_private_folder() {
    use std::os::unix::fs::MetadataExt;

    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data/code");
    let component = std::fs::read(embedded_component()).unwrap();
    for _ in 0..2 {
        let builder = host(Scripted::default()).component(component.clone());
        builder.cache_dir(&folder).build().await.unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert!(std::fs::read_dir(&folder).unwrap().count() > 0);
    }
}

fn embedded_component() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/wasm/authkernel.embedded.component.wasm")
}
