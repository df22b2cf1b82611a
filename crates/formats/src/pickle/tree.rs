//! Names of tensors in what a pickle yields: the keys on the way from its top
//! to the tensor, joined by dots. `{"model": {"fc.weight": …}}` gives
//! `model.fc.weight`; a module's `_modules` and `_parameters` are no keys.
//!
//! The store keeps the first items of a container only; here every container
//! that holds a tensor, or a container that does, is remembered.

use std::collections::{HashMap, HashSet};

use super::machine::Machine;
use super::store::{Shape, Value};

/// Entries remembered of all containers together.
const ENTRIES: usize = 200_000;
/// Keys above a tensor.
const DEPTH: usize = 32;

/// What containers hold, by the index of their node.
#[derive(Debug, Default)]
pub(super) struct Tree {
    holds: HashMap<u32, Vec<(String, Value)>>,
    entries: usize,
}

impl Machine<'_, '_, '_> {
    /// Notes what is put into a container, or set on an object.
    pub(super) fn hold(&mut self, owner: Value, items: &[Value], pairs: bool) {
        let Value::Node(owner) = owner else { return };
        let step = if pairs { 2 } else { 1 };
        for (index, chunk) in items.chunks(step).enumerate() {
            let (key, value) = match chunk {
                [key, value] => (self.key(*key), *value),
                [value] if !pairs => (Some(index.to_string()), *value),
                _ => continue,
            };
            if !self.leads_to_tensor(value) || self.tree.entries >= ENTRIES {
                continue;
            }
            let Some(key) = key else { continue };
            self.tree.entries = self.tree.entries.saturating_add(1);
            let held = self.tree.holds.entry(owner).or_default();
            let key = if pairs { key } else { held.len().to_string() };
            held.push((key, value));
        }
    }

    fn key(&self, value: Value) -> Option<String> {
        match value {
            Value::Int(number) => Some(number.to_string()),
            _ => self.text(value),
        }
    }

    /// A tensor, or a container known to hold one.
    fn leads_to_tensor(&self, value: Value) -> bool {
        let Value::Node(index) = value else {
            return false;
        };
        if self.tree.holds.contains_key(&index) {
            return true;
        }
        if let Some(made) = self.store.made(value) {
            return made.tensor.is_some() || self.leads_by_state(made.state);
        }
        matches!(self.store.items(value), Some((Shape::Tuple, items, _))
            if items.iter().take(8).any(|item| matches!(item, Value::Node(index)
                if self.tree.holds.contains_key(index) || self.store.made(*item).is_some_and(|made| made.tensor.is_some()))))
    }

    fn leads_by_state(&self, state: Value) -> bool {
        matches!(state, Value::Node(index) if self.tree.holds.contains_key(&index))
    }

    /// Walks down from the value that the stream yields and names each tensor
    /// by its way. A tensor that stands in several places gets a fact for each.
    pub(super) fn name_by_place(&mut self, top: Value) {
        let mut open: Vec<(Value, String, usize)> = vec![(top, String::new(), 0)];
        let mut named: HashSet<u32> = HashSet::new();
        let mut paths: HashSet<(u32, String)> = HashSet::new();
        let mut visits = 0_usize;
        while let Some((value, path, depth)) = open.pop() {
            visits = visits.saturating_add(1);
            if visits > ENTRIES || depth > DEPTH {
                return;
            }
            let Value::Node(node) = value else { continue };
            let made = self.store.made(value);
            if let Some(index) = made.and_then(|made| made.tensor) {
                if path.is_empty() || !paths.insert((index, path.clone())) {
                    continue;
                }
                self.name_one(index, &path, named.insert(index));
                continue;
            }
            let deeper = depth.saturating_add(1);
            let mut children: Vec<(Value, String)> = Vec::new();
            if let Some(held) = self.tree.holds.get(&node) {
                for (key, child) in held {
                    children.push((*child, join(&path, key)));
                }
            }
            if let Some((Shape::Tuple, items, _)) = self.store.items(value) {
                for (index, child) in items.iter().enumerate() {
                    children.push((*child, join(&path, &index.to_string())));
                }
            }
            if let Some(made) = made {
                children.push((made.state, path.clone()));
            }
            for (child, path) in children.into_iter().rev() {
                open.push((child, path, deeper));
            }
        }
    }

    fn name_one(&mut self, index: u32, path: &str, first: bool) {
        let Some(index) = usize::try_from(index).ok() else {
            return;
        };
        let name = crate::text::cap(path, 256);
        if first {
            if let Some(draft) = self.tensors.get_mut(index) {
                draft.tensor.name = name;
            }
        } else if let Some(mut twin) = self.tensors.get(index).cloned()
            && self.tensors.len() <= self.session.limits().facts
        {
            twin.tensor.name = name;
            self.tensors.push(twin);
        }
    }
}

/// A module keeps its parts in dictionaries of its own.
fn join(path: &str, key: &str) -> String {
    match (path, key) {
        (_, "_modules" | "_parameters" | "_buffers") => path.to_owned(),
        ("", _) => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}
