//! A small model of what is dead, and random calls: the kernel must agree with it about every token after every call.

use std::collections::BTreeSet;

use authkernel::Kernel;
use authkernel::ports::Clock as _;
use authkernel::testing::TestHost;
use authkernel::types::{
    Authenticate, Issue, Issued, Revoke, RevokeScope, RevokeTarget, SignOutEverywhere,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

const PURPOSES: [&str; 3] = ["user", "api", "kiosk"];
const SUBJECTS: [&str; 2] = ["a", "b"];
const LEEWAY: u64 = 5;

/// One random call. Numbers choose among what is there.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Issue {
        subject: usize,
        purpose: usize,
        join: Option<usize>,
    },
    RevokeToken {
        which: usize,
        by_jti: bool,
    },
    RevokeSession {
        which: usize,
        by_sid: bool,
    },
    SignOut {
        subject: usize,
        keep: Option<usize>,
        only: Option<usize>,
    },
    Wait(u64),
    StepBack,
    Expunge,
    Redeliver,
}

/// Any call.
pub(crate) fn act() -> impl Strategy<Value = Act> {
    let which = 0..16usize;
    prop_oneof![
        4 => (0..2usize, 0..3usize, prop::option::of(which.clone()))
            .prop_map(|(subject, purpose, join)| Act::Issue { subject, purpose, join }),
        2 => (which.clone(), any::<bool>()).prop_map(|(which, by_jti)| Act::RevokeToken { which, by_jti }),
        2 => (which.clone(), any::<bool>()).prop_map(|(which, by_sid)| Act::RevokeSession { which, by_sid }),
        2 => (0..2usize, prop::option::of(which), prop::option::of(0..3usize))
            .prop_map(|(subject, keep, only)| Act::SignOut { subject, keep, only }),
        1 => prop_oneof![1..10u64, 3_000..4_000u64, 80_000..200_000u64].prop_map(Act::Wait),
        1 => Just(Act::StepBack),
        1 => Just(Act::Expunge),
        1 => Just(Act::Redeliver),
    ]
}

#[derive(Default)]
struct Model {
    tokens: Vec<Issued>,
    /// Identifiers of tokens that were revoked.
    dead: BTreeSet<String>,
    /// Identifiers of sessions that were ended.
    ended: BTreeSet<String>,
    /// The latest time that the clock has shown.
    latest: u64,
}

impl Model {
    fn pick(&self, which: usize) -> Option<&Issued> {
        self.tokens.get(which % self.tokens.len().max(1))
    }

    fn end(&mut self, sid: &str) {
        self.ended.insert(sid.to_owned());
    }

    fn is_alive(&self, token: &Issued, now: u64) -> bool {
        let it = &token.identity;
        !self.dead.contains(&it.jti)
            && !self.ended.contains(&it.sid)
            && now < it.expires_at + LEEWAY
            && now + LEEWAY >= it.issued_at
    }
}

/// Runs the calls, and looks at every token after each.
pub(crate) async fn check(kernel: &Kernel<TestHost>, acts: Vec<Act>) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for act in acts {
        apply(kernel, &mut model, &act).await?;
        let now = kernel.host().clock.now();
        for token in &model.tokens {
            let request = Authenticate {
                token: token.token.clone(),
                purposes: PURPOSES.map(String::from).to_vec(),
                tenant: None,
            };
            let answer = kernel.authenticate(request).await;
            let alive = model.is_alive(token, now);
            prop_assert_eq!(
                answer.is_ok(),
                alive,
                "{:?} after {:?}: {:?}",
                token.identity,
                act,
                answer
            );
        }
    }
    Ok(())
}

async fn apply(
    kernel: &Kernel<TestHost>,
    model: &mut Model,
    act: &Act,
) -> Result<(), TestCaseError> {
    let now = kernel.host().clock.now();
    model.latest = model.latest.max(now);
    match act {
        Act::Issue {
            subject,
            purpose,
            join,
        } => {
            let joined = join
                .and_then(|which| model.pick(which))
                .map(|it| it.identity.clone());
            let request = Issue {
                subject: joined
                    .as_ref()
                    .map_or(SUBJECTS[*subject].into(), |it| it.subject.clone()),
                purpose: PURPOSES[*purpose].into(),
                sid: joined.as_ref().map(|it| it.sid.clone()),
                ..Issue::default()
            };
            let answer = kernel.issue(request).await;
            let ended = joined.is_some_and(|it| model.ended.contains(&it.sid));
            prop_assert!(!(ended && answer.is_ok()), "an ended session was joined");
            model.tokens.extend(answer.ok());
        }
        Act::RevokeToken { which, by_jti } => {
            let Some(it) = model.pick(*which).cloned() else {
                return Ok(());
            };
            let target = if *by_jti {
                RevokeTarget::Jti(it.identity.jti.clone())
            } else {
                RevokeTarget::Token(it.token)
            };
            revoke(kernel, target, RevokeScope::Token).await;
            model.dead.insert(it.identity.jti);
        }
        Act::RevokeSession { which, by_sid } => {
            let Some(it) = model.pick(*which).cloned() else {
                return Ok(());
            };
            let sid = it.identity.sid.clone();
            let target = match by_sid {
                true => RevokeTarget::Sid {
                    sid: sid.clone(),
                    subject: None,
                },
                false => RevokeTarget::Token(it.token),
            };
            revoke(kernel, target, RevokeScope::Session).await;
            model.end(&sid);
        }
        Act::SignOut {
            subject,
            keep,
            only,
        } => {
            let subject = SUBJECTS[*subject];
            let mut request = SignOutEverywhere::subject(None, subject);
            request.keep = keep
                .and_then(|which| model.pick(which))
                .map(|it| it.identity.sid.clone())
                .into_iter()
                .collect();
            request.include_purposes = only.map(|purpose| vec![PURPOSES[purpose].into()]);
            let keep = request.keep.clone();
            kernel
                .sign_out_everywhere(request)
                .await
                .expect("memory does not fail");
            // A selection by purpose leaves alone what has expired by then.
            let hit = |it: &&Issued| {
                it.identity.subject == subject
                    && !keep.contains(&it.identity.sid)
                    && (only.is_none() || now < it.identity.deadline)
            };
            let hit: Vec<_> = model
                .tokens
                .iter()
                .filter(hit)
                .map(|it| it.identity.clone())
                .collect();
            for it in hit {
                match only {
                    None => model.end(&it.sid),
                    Some(purpose) if it.purpose == PURPOSES[*purpose] => {
                        model.dead.insert(it.jti);
                    }
                    Some(_) => {}
                }
            }
        }
        Act::Wait(seconds) => kernel.host().clock.advance(*seconds),
        // Less than the retention in all: what was deleted can then not be valid again.
        Act::StepBack if model.latest < now - 3_600 + 80_000 => {
            kernel.host().clock.set(now - 3_600)
        }
        Act::StepBack => {}
        Act::Expunge => drop(kernel.expunge(1_000).await.expect("memory does not fail")),
        Act::Redeliver => drop(kernel.redeliver().await.expect("memory does not fail")),
    }
    Ok(())
}

async fn revoke(kernel: &Kernel<TestHost>, target: RevokeTarget, scope: RevokeScope) {
    let request = Revoke {
        target,
        scope,
        tenant: None,
        reason: None,
    };
    kernel.revoke(request).await.expect("memory does not fail");
}
