//! The memo: what `PUT` and `MEMOIZE` keep and `GET` gives back.
//!
//! `MEMOIZE` stores under the number of entries, not under the highest key plus
//! one, so a `PUT` of a high key shifts nothing; both unpicklers do so.

use std::collections::HashMap;

use super::store::Value;

/// Entries kept in all.
const ROOM: usize = 6 << 20;

#[derive(Debug, Default)]
pub(super) struct Memo {
    dense: Vec<Value>,
    sparse: HashMap<u64, Value>,
    /// An entry found no room: what it held is unknown from then on.
    pub(super) full: bool,
}

impl Memo {
    pub(super) fn get(&self, key: u64) -> Option<Value> {
        let dense = usize::try_from(key)
            .ok()
            .and_then(|key| self.dense.get(key))
            .or_else(|| self.sparse.get(&key))
            .copied();
        dense.or(if self.full {
            Some(Value::Unknown)
        } else {
            None
        })
    }

    pub(super) fn put(&mut self, key: u64, value: Value) {
        let index = usize::try_from(key).unwrap_or(usize::MAX);
        let room = self.dense.len().saturating_add(self.sparse.len()) < ROOM;
        if let Some(slot) = self.dense.get_mut(index) {
            *slot = value;
        } else if let Some(slot) = self.sparse.get_mut(&key) {
            *slot = value;
        } else if !room {
            self.full = true;
        } else if index == self.dense.len() {
            self.dense.push(value);
        } else if self.sparse.len() < ROOM / 8 {
            self.sparse.insert(key, value);
        } else {
            self.full = true;
        }
    }

    pub(super) fn memoize(&mut self, value: Value) {
        let len = self.dense.len().saturating_add(self.sparse.len());
        self.put(u64::try_from(len).unwrap_or(u64::MAX), value);
    }
}
