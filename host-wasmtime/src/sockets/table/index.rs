//! Connections by one of their properties.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The connections that have each value of a property.
pub(super) type Index = HashMap<Arc<str>, Ids>;

/// Connections under one key of an index: mostly one, so that one costs no allocation.
#[derive(Debug)]
pub(super) enum Ids {
    One(u64),
    Many(HashSet<u64>),
}

impl Ids {
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let (one, many) = match self {
            Self::One(id) => (Some(*id), None),
            Self::Many(ids) => (None, Some(ids.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// Adds a connection under a key.
pub(super) fn add(index: &mut Index, key: &str, id: u64) {
    match index.get_mut(key) {
        None => {
            index.insert(Arc::from(key), Ids::One(id));
        }
        Some(Ids::Many(ids)) => {
            ids.insert(id);
        }
        Some(ids) => {
            let both = ids.iter().chain([id]).collect();
            *ids = Ids::Many(both);
        }
    }
}

/// Takes a connection from a key; a key without any is forgotten.
pub(super) fn remove(index: &mut Index, key: &str, id: u64) {
    let empty = match index.get_mut(key) {
        None => false,
        Some(Ids::One(one)) => *one == id,
        Some(Ids::Many(ids)) => {
            ids.remove(&id);
            ids.is_empty()
        }
    };
    if empty {
        index.remove(key);
    }
}
