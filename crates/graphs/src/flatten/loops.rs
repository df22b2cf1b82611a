//! Loops: what is carried from turn to turn, and what comes out.

use std::collections::BTreeSet;

use modelward_schema::{Node, Setting};

use super::{Builder, bodies_of, plain};
use crate::ir::{Id, Kind, Op, at, number};

impl<'w> Builder<'w> {
    /// A new value behind a body's input, made by `kind`.
    pub(super) fn made_input(&mut self, index: u32, frame: u32, inner: u32, wired: u32, op: Op) {
        let id = self.new_value(wired);
        self.bind(inner, wired, id);
        self.push(Op {
            node: index,
            frame,
            outputs: vec![Some(id)],
            ..op
        });
    }

    /// ONNX `Loop`: trip count, condition and carried values in; condition,
    /// carried values and values to stack out of each turn.
    pub(super) fn counted_loop(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let bodies = bodies_of(node, "body", &self.functions);
        let Some((inner, body)) = bodies
            .first()
            .and_then(|body| self.open(index, node, frame, *body))
        else {
            return false;
        };
        let trip = inputs.first().copied().flatten();
        let start = inputs.get(1).copied().flatten();
        let carried = inputs.get(2..).unwrap_or_default();
        // The inputs get their values before the outputs are looked up: a body
        // may hand an input straight out.
        let mut phis = Vec::new();
        for (slot, wired) in body.inputs.iter().enumerate() {
            let (kind, first) = match slot {
                0 => (Kind::LoopIter, trip),
                1 => (Kind::LoopPhi, start),
                _ => (
                    Kind::LoopPhi,
                    slot.checked_sub(2)
                        .and_then(|slot| carried.get(slot).copied().flatten()),
                ),
            };
            phis.push(number(self.flat.ops.len()));
            let op = plain(kind, index, frame, vec![first], Vec::new());
            self.made_input(index, frame, inner, *wired, op);
        }
        let results = self.results(inner, body);
        let again = results.first().copied().flatten();
        for (phi, back) in phis.iter().skip(1).zip(&results) {
            self.close(*phi, *back);
        }
        for (slot, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let made = slot
                .checked_add(1)
                .and_then(|slot| results.get(slot).copied().flatten());
            let (kind, operands) = match carried.get(slot) {
                Some(first) => (Kind::LoopOut, vec![trip, again, *first, made]),
                None => (Kind::LoopStack, vec![trip, again, made]),
            };
            self.push(plain(kind, index, frame, operands, vec![*output]));
        }
        true
    }

    pub(super) fn close(&mut self, phi: u32, back: Option<Id>) {
        if let Some(op) = self.flat.ops.get_mut(at(phi)) {
            op.inputs.push(back);
        }
    }

    /// ONNX `Scan`: carried values, then sequences.
    pub(super) fn scan(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let bodies = bodies_of(node, "body", &self.functions);
        let Some((inner, body)) = bodies
            .first()
            .and_then(|body| self.open(index, node, frame, *body))
        else {
            return false;
        };
        let sequences = node.attributes.iter().find_map(|set| match set.value {
            Setting::Int(count) if set.name == "num_scan_inputs" => usize::try_from(count).ok(),
            _ => None,
        });
        let carried = inputs.len().saturating_sub(sequences.unwrap_or(0));
        // The first operator set had the lengths of the sequences before all.
        let skipped = inputs.len().saturating_sub(body.inputs.len());
        let carried = carried.saturating_sub(skipped);
        let mut phis = Vec::new();
        for (slot, wired) in body.inputs.iter().enumerate() {
            let first = inputs.get(slot.saturating_add(skipped)).copied().flatten();
            let kind = if slot < carried {
                phis.push((number(self.flat.ops.len()), first));
                Kind::LoopPhi
            } else {
                Kind::ScanSlice
            };
            let op = plain(kind, index, frame, vec![first], Vec::new());
            self.made_input(index, frame, inner, *wired, op);
        }
        let results = self.results(inner, body);
        for ((phi, _), back) in phis.iter().zip(&results) {
            self.close(*phi, *back);
        }
        for (slot, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let made = results.get(slot).copied().flatten();
            let (kind, operands) = match phis.get(slot) {
                Some((_, first)) => (Kind::LoopOut, vec![None, None, *first, made]),
                None => (Kind::LoopStack, vec![None, None, made]),
            };
            self.push(plain(kind, index, frame, operands, vec![*output]));
        }
        true
    }

    /// `While` of TensorFlow, TFLite and CoreML: every operand is carried.
    pub(super) fn while_loop(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        (condition, body): (&str, &str),
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let condition = bodies_of(node, condition, &self.functions);
        let body = bodies_of(node, body, &self.functions);
        let (Some(condition), Some(body)) = (condition.first(), body.first()) else {
            return false;
        };
        let Some((test_frame, test)) = self.open(index, node, frame, *condition) else {
            return false;
        };
        let Some((body_frame, body)) = self.open(index, node, frame, *body) else {
            return false;
        };
        let mut phis = Vec::new();
        for (slot, wired) in body.inputs.iter().enumerate() {
            let first = inputs.get(slot).copied().flatten();
            phis.push(number(self.flat.ops.len()));
            let op = plain(Kind::LoopPhi, index, frame, vec![first], Vec::new());
            self.made_input(index, frame, body_frame, *wired, op);
            if let Some(wired_test) = test.inputs.get(slot) {
                let id = self.value(body_frame, *wired);
                self.bind(test_frame, *wired_test, id);
            }
        }
        let results = self.results(body_frame, body);
        let again = self.results(test_frame, test).first().copied().flatten();
        for (phi, back) in phis.iter().zip(&results) {
            self.close(*phi, *back);
        }
        for (slot, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let first = inputs.get(slot).copied().flatten();
            let made = results.get(slot).copied().flatten();
            let operands = vec![None, again, first, made];
            self.push(plain(Kind::LoopOut, index, frame, operands, vec![*output]));
        }
        true
    }

    /// Merges and switches of TensorFlow's first loops.
    pub(super) fn old_loop(
        &mut self,
        index: u32,
        node: &Node,
        frame: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let is_in = |list: &BTreeSet<u32>, input: &Option<u32>| {
            input.is_some_and(|input| list.contains(&input))
        };
        match node.op.as_str() {
            "Merge" | "RefMerge" => {
                let carried = |input: &Option<u32>| is_in(&self.turns.carried, input);
                let Some(back) = node.inputs.iter().position(carried) else {
                    return false;
                };
                let first = inputs.get(usize::from(back == 0)).copied().flatten();
                let back = inputs.get(back).copied().flatten();
                let outputs = outputs.to_vec();
                self.push(plain(
                    Kind::LoopPhi,
                    index,
                    frame,
                    vec![first, back],
                    outputs,
                ));
                true
            }
            // Out of the loop, or on: the value is the same.
            "Switch" | "RefSwitch" => {
                let goes_on = node.inputs.get(1);
                if !goes_on.is_some_and(|input| is_in(&self.turns.conditions, input)) {
                    return false;
                }
                let first = inputs.first().copied().flatten();
                for output in outputs.iter().filter(|output| output.is_some()) {
                    self.push(plain(Kind::Copy, index, frame, vec![first], vec![*output]));
                }
                true
            }
            _ => false,
        }
    }
}
