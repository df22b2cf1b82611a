//! Operators on quantized numbers: `QLinear…`, `QGemm`, `DynamicQuantizeLSTM`,
//! and the scale of a bias.

use std::collections::HashSet;

use super::attributes::shown;
use super::file::Node;
use super::scope::Ref;
use super::walk::{Job, Scaled, Walk, same_scale};

impl<'a> Walk<'a> {
    /// Operators on quantized numbers: `QLinear…` and `QGemm`.
    pub(super) fn linear(
        &mut self,
        one: &'a Node,
        s: usize,
        other: &'a Node,
        t: usize,
        scaled: Option<Scaled<'a>>,
    ) -> bool {
        if other.operator == "MatMulNBits" && one.operator == "MatMul" {
            return self.packed(one, s, other, t);
        }
        if other.operator == "DynamicQuantizeLSTM" && one.operator == "LSTM" {
            return self.recurrent(one, s, other, t);
        }
        let name = other
            .operator
            .strip_prefix("QLinear")
            .or_else(|| (other.operator == "QGemm").then_some("Gemm"));
        let Some(name) = name else { return false };
        let same = name == one.operator || (name == "MatMul" && one.operator == "Gemm");
        if !same {
            return false;
        }
        self.out.quantized = true;
        if name != "MatMul" && name != "Concat" {
            // What the operator says more than the one it stands for.
            let ignore = ["channels_last", "beta", "opset"];
            let keys = one.attributes.keys().chain(other.attributes.keys());
            for key in keys.collect::<HashSet<_>>() {
                if ignore.contains(&key.as_str()) {
                    continue;
                }
                let same = match (one.attributes.get(key), other.attributes.get(key)) {
                    (Some(a), Some(b)) => self.same_attribute(key, a, b),
                    _ => false,
                };
                if !same {
                    self.wrong(format!(
                        "the attribute {key} of {} is {}, in the source {}",
                        other.label(),
                        shown(other.attributes.get(key)),
                        shown(one.attributes.get(key))
                    ));
                }
            }
        }
        let (places, own): (Vec<(usize, usize)>, usize) = match name {
            "MatMul" | "Conv" | "Add" | "Mul" => (vec![(0, 0), (1, 3)], 6),
            "Gemm" => (vec![(0, 0), (1, 3)], 7),
            "Concat" => (
                (0..one.inputs.len()).map(|at| (at, 2 + 3 * at)).collect(),
                0,
            ),
            _ => (vec![(0, 0)], 3),
        };
        let given = self.scaled_by(other, t, own);
        if let (Some(held), Some(given)) = (scaled, given) {
            self.out.activations.push(given);
            if !same_scale(&held, &given) {
                self.wrong(format!(
                    "{} gives numbers scaled by {} and what follows reads them with {}",
                    other.label(),
                    given.scale.name,
                    held.scale.name
                ));
            }
        }
        let mut scales = Vec::new();
        for (at, at_to) in places {
            let reference = Ref {
                scope: t,
                name: other.input(at_to),
            };
            let by = self.scaled_by(other, t, at_to + 1);
            let Some(mut by) = by else {
                self.wrong(format!("the scales of {} are not constant", other.label()));
                return true;
            };
            scales.push(by.scale);
            if name == "Conv" {
                by.axis = 0;
            } else if name == "Gemm" {
                by.axis = i64::from(one.int("transB") != Some(1));
            }
            match self.target.tensor(reference) {
                Some(tensor) if at == 1 && name == "MatMul" => {
                    self.weight(one, s, tensor, Some(by), None, None);
                }
                _ => self.push((one, s, at), (other, t, at_to), Some(by)),
            }
        }
        let bias = match name {
            "Conv" => Some(8),
            "Gemm" => Some(6),
            _ => None,
        };
        if let (Some(at_to), [first, second]) = (bias, scales.as_slice()) {
            let from = Ref {
                scope: s,
                name: one.input(2),
            };
            let to = Ref {
                scope: t,
                name: other.input(at_to),
            };
            match (self.source.tensor(from), self.target.tensor(to)) {
                (Some(source), Some(target)) => self.out.jobs.push(Job {
                    source,
                    turned: false,
                    target,
                    scaled: None,
                    product: Some((first, second)),
                    packed: None,
                }),
                (None, None) => {}
                _ => self.wrong(format!(
                    "the bias of {} is not that of the source",
                    other.label()
                )),
            }
        }
        true
    }

    /// The scale of a dequantized bias is the product of the two before it.
    pub(super) fn bias_product(&mut self, one: &'a Node, s: usize, other: &'a Node, t: usize) {
        let mut scales = Vec::new();
        for at in 0..3 {
            let reference = Ref {
                scope: t,
                name: other.input(at),
            };
            let found = self
                .giver(reference)
                .filter(|(node, _)| node.operator == "DequantizeLinear")
                .and_then(|(node, scope)| {
                    let codes = self.target.tensor(Ref {
                        scope,
                        name: node.input(0),
                    });
                    Some((self.scaled(node, scope)?, codes))
                });
            let Some(found) = found else { return };
            scales.push(found);
        }
        let source = self.source.tensor(Ref {
            scope: s,
            name: one.input(2),
        });
        if let ([(first, _), (second, _), (own, Some(codes))], Some(source)) =
            (scales.as_slice(), source)
        {
            self.out.jobs.push(Job {
                source,
                turned: false,
                target: codes,
                scaled: Some(*own),
                product: Some((first.scale, second.scale)),
                packed: None,
            });
        }
    }

    fn recurrent(&mut self, one: &'a Node, s: usize, other: &'a Node, t: usize) -> bool {
        self.out.quantized = true;
        for (key, value) in &one.attributes {
            let same = match other.attributes.get(key) {
                Some(held) => self.same_attribute(key, value, held),
                // The quantized layer has the standard layout only.
                None => key == "layout" && one.int(key) == Some(0),
            };
            if !same {
                self.wrong(format!(
                    "the attribute {key} of {} is {}, in the source {}",
                    other.label(),
                    shown(other.attributes.get(key)),
                    shown(Some(value))
                ));
            }
        }
        for key in other.attributes.keys() {
            if !one.attributes.contains_key(key) {
                self.wrong(format!("{} has the attribute {key} added", other.label()));
            }
        }
        for at in [0, 3, 4, 5, 6, 7] {
            self.push((one, s, at), (other, t, at), None);
        }
        for (at, scale) in [(1, 8), (2, 10)] {
            let source = self.source.tensor(Ref {
                scope: s,
                name: one.input(at),
            });
            let target = self.target.tensor(Ref {
                scope: t,
                name: other.input(at),
            });
            match (source, target, self.scaled_by(other, t, scale)) {
                (Some(source), Some(target), Some(scaled)) => self.out.jobs.push(Job {
                    source,
                    turned: true,
                    target,
                    scaled: Some(Scaled { axis: 0, ..scaled }),
                    product: None,
                    packed: None,
                }),
                _ => self.wrong(format!("the weights of {} are not constant", other.label())),
            }
        }
        true
    }
}
