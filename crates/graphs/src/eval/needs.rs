//! What a value needs, and in which order that can run.

use std::collections::{BTreeSet, HashMap};

use modelward_schema::Node;

use super::machine::{DEEPEST, Machine, bodies};
use super::refusal::{Refusal, refuse};

impl Machine<'_> {
    /// The node of the main graph in or under which a value is made.
    pub(crate) fn anchor(&self, value: u32) -> Option<u32> {
        let mut at = self.maker(value)?;
        for _ in 0..DEEPEST {
            let body = self.node(at)?.body;
            if body == 0 {
                return Some(at);
            }
            let called =
                |node: &Node| bodies(node).any(|b| b == body) || self.function(node) == Some(body);
            let caller = self.wiring.nodes.iter().position(called)?;
            at = u32::try_from(caller).ok()?;
        }
        None
    }

    /// Whether a value depends on nothing that a caller gives.
    pub(crate) fn is_fixed(&self, value: u32, depth: u8) -> bool {
        if self
            .value(value)
            .is_some_and(|value| value.constant.is_some())
        {
            return true;
        }
        let node = self.maker(value).and_then(|at| self.node(at));
        node.is_some_and(|node| {
            let mut inputs = node.inputs.iter().flatten();
            depth > 0
                && bodies(node).next().is_none()
                && inputs.all(|input| self.is_fixed(*input, depth.saturating_sub(1)))
        })
    }

    /// Nodes of the main graph that these values need, in an order in which
    /// they can run.
    pub fn order(&self, wanted: &[u32], cut: &BTreeSet<u32>) -> Result<Vec<u32>, Refusal> {
        self.order_in(0, wanted, cut)
    }

    pub(super) fn order_in(
        &self,
        body: u32,
        wanted: &[u32],
        cut: &BTreeSet<u32>,
    ) -> Result<Vec<u32>, Refusal> {
        let mut order = Vec::new();
        // 1: its operands are on the way; 2: placed.
        let mut mark: HashMap<u32, u8> = HashMap::new();
        let mut stack: Vec<u32> = Vec::new();
        let push = |value: u32, stack: &mut Vec<u32>| {
            if cut.contains(&value) {
                return;
            }
            if let Some(node) = self.maker(value)
                && self.node(node).is_some_and(|node| node.body == body)
            {
                stack.push(node);
            }
        };
        for value in wanted.iter().rev() {
            push(*value, &mut stack);
        }
        while let Some(&top) = stack.last() {
            match mark.get(&top) {
                Some(2) => {
                    stack.pop();
                }
                Some(_) => {
                    mark.insert(top, 2);
                    order.push(top);
                    stack.pop();
                }
                None => {
                    mark.insert(top, 1);
                    let Some(node) = self.node(top) else { continue };
                    for value in self.needs(node)?.into_iter().rev() {
                        if let Some(next) = self.maker(value)
                            && mark.get(&next) == Some(&1)
                            && !cut.contains(&value)
                        {
                            return Err(refuse("a value that needs itself"));
                        }
                        push(value, &mut stack);
                    }
                }
            }
        }
        Ok(order)
    }

    /// Values a node reads, its bodies' captures among them.
    pub(crate) fn needs(&self, node: &Node) -> Result<Vec<u32>, Refusal> {
        let mut needs: Vec<u32> = node.inputs.iter().flatten().copied().collect();
        for body in bodies(node) {
            needs.extend(self.captured(body, 0)?);
        }
        Ok(needs)
    }

    /// What a body reads from around it.
    fn captured(&self, body: u32, depth: usize) -> Result<Vec<u32>, Refusal> {
        if let Some(known) = self.captures.borrow().get(&body) {
            return Ok(known.clone());
        }
        if depth > DEEPEST {
            return Err(refuse("bodies nested too deep"));
        }
        let mut all = BTreeSet::new();
        let Some(inner) = usize::try_from(body)
            .ok()
            .and_then(|at| self.wiring.bodies.get(at))
        else {
            return Ok(Vec::new());
        };
        let mut used: Vec<u32> = inner.outputs.iter().flatten().copied().collect();
        for node in &inner.nodes {
            let Some(node) = self.node(*node) else {
                continue;
            };
            used.extend(node.inputs.iter().flatten());
            for nested in bodies(node) {
                used.extend(self.captured(nested, depth.saturating_add(1))?);
            }
        }
        for value in used {
            let home = usize::try_from(value)
                .ok()
                .and_then(|at| self.home.get(at))
                .copied()
                .flatten();
            if home.is_some_and(|home| home != body) {
                all.insert(value);
            }
        }
        let all: Vec<u32> = all.into_iter().collect();
        self.captures.borrow_mut().insert(body, all.clone());
        Ok(all)
    }
}
