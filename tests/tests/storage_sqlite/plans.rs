//! No statement reads a whole table.

use std::sync::Mutex;

use authkernel::ports::Storage;
use authkernel::record::{
    CutOffScope, ExpiryBatch, FindQuery, ListQuery, MatchingRevocation, Record, SubjectId,
};
use authkernel::testing::contract::fixtures::{
    HOUR, NOW, claim, consumption, everything, join, joining, open, record, token, whole_session,
};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn collect(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, text) = event {
        STATEMENTS.lock().expect("no panic").push(text.to_owned());
    }
}

/// No statement reads a whole table: other subjects' rows cost nothing.
#[tokio::test]
async fn no_statement_scans_a_table() {
    // In memory all statements run on the one connection that `write` hands out.
    let storage = SqliteStorage::open_in_memory().expect("a database");
    let trace = |sql: &Connection| {
        sql.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(collect));
        Ok(())
    };
    storage.write(trace).await.expect("traced");
    use_everything(&storage).await;
    storage
        .write(|sql| {
            sql.trace_v2(TraceEventCodes::empty(), None);
            Ok(())
        })
        .await
        .expect("no longer traced");
    let mut texts = STATEMENTS.lock().expect("no panic").clone();
    texts.sort();
    texts.dedup();
    texts.retain(|text| {
        ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .any(|verb| text.trim_start().starts_with(verb))
    });
    assert!(
        texts.len() > 25,
        "only {} statements were seen",
        texts.len()
    );
    for text in texts {
        let explain = format!("EXPLAIN QUERY PLAN {text}");
        let plan: Vec<String> = storage
            .read(move |sql| {
                let mut statement = sql.prepare(&explain)?;
                let rows = statement.raw_query();
                rows.mapped(|row| row.get(3)).collect()
            })
            .await
            .expect("a plan");
        assert!(
            !plan.iter().any(|step| reads_too_much(step)),
            "{text}\n{plan:#?}"
        );
    }
}

/// A whole table, or all of a tenant, which is as much where there is only one. Reading the few rows of a subquery is
/// neither.
fn reads_too_much(step: &str) -> bool {
    let scans = step.starts_with("SCAN ")
        && !step.starts_with("SCAN CONSTANT")
        && !step.contains("SUBQUERY");
    scans || step.ends_with("(tenant=?)")
}

async fn use_everything(storage: &SqliteStorage) {
    let find = FindQuery {
        tenant: None,
        jti: Some("t1".into()),
        sid: Some("s1".into()),
        subject: Some("anna".into()),
        purpose: Some("user".into()),
        kid: Some("k1".into()),
    };
    let used = open(storage, record("anna", "s1", "t1")).await;
    join(storage, record("anna", "s1", "t2")).await;
    storage
        .consume(consumption(&used, vec![record("anna", "s1", "t3")]))
        .await
        .expect("consumed");
    storage
        .consume(consumption(&used, Vec::new()))
        .await
        .expect("lost");
    storage.find(find).await.expect("found");
    storage.revoke(token("t2")).await.expect("revoked");
    storage.revoke(whole_session("s1")).await.expect("revoked");
    storage
        .revoke(whole_session("unknown"))
        .await
        .expect("not found");
    let selection = MatchingRevocation {
        cut_offs: CutOffScope::Subject,
        ..everything("anna")
    };
    open(storage, record("anna", "s2", "t4")).await;
    storage
        .revoke_matching(MatchingRevocation {
            dry_run: true,
            ..selection.clone()
        })
        .await
        .expect("counted");
    storage.revoke_matching(selection).await.expect("revoked");
    let list = ListQuery {
        tenant: None,
        subject: "anna".into(),
        at: NOW,
        with_record: true,
        after: None,
        limit: 10,
    };
    storage.list(list).await.expect("listed");
    let mut of_one = claim(NOW);
    of_one.only = Some(SubjectId {
        tenant: None,
        subject: "anna".into(),
    });
    storage.undelivered(of_one).await.expect("claimed");
    let claimed = storage
        .undelivered(claim(NOW + HOUR))
        .await
        .expect("claimed");
    storage
        .delivered(claimed.iter().map(Record::id).collect())
        .await
        .expect("delivered");
    storage
        .delete_expired(ExpiryBatch {
            before: NOW + 9 * HOUR,
            limit: 5,
        })
        .await
        .expect("deleted");
    let refused = storage
        .insert(joining(record("anna", "unknown", "t9")))
        .await;
    assert!(refused.is_err());
}
