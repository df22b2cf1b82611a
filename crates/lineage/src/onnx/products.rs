//! Products in whole numbers: what dynamic quantization makes of `MatMul`,
//! `Conv` and `Gemm`, and blocks of few bits.

use super::file::{Attribute, Node};
use super::scope::{Ref, Value};
use super::walk::{Job, Scaled, Walk, same_scale};
use crate::tensor::Tensor;

impl<'a> Walk<'a> {
    /// `MatMulInteger` and `ConvInteger` with the scales multiplied back.
    pub(super) fn integer(&mut self, one: &'a Node, s: usize, other: &'a Node, t: usize) -> bool {
        let convolves = one.operator == "Conv";
        if !convolves && one.operator != "MatMul" && one.operator != "Gemm" {
            return false;
        }
        if convolves && one.inputs.len() > 2 && other.operator == "Add" {
            // The bias is added afterwards, reshaped.
            let product = Ref {
                scope: t,
                name: other.input(0),
            };
            let Some((mul, _)) = self.giver(product) else {
                return false;
            };
            let Some((shape, _)) = self.giver(Ref {
                scope: t,
                name: other.input(1),
            }) else {
                return false;
            };
            if mul.operator != "Mul" || shape.operator != "Reshape" {
                return false;
            }
            let from = Ref {
                scope: s,
                name: one.input(2),
            };
            let to = Ref {
                scope: t,
                name: shape.input(0),
            };
            self.mark(product);
            self.mark(Ref {
                scope: t,
                name: other.input(1),
            });
            self.open.push((from, to, None));
            return self.integer_product(one, s, mul, t);
        }
        other.operator == "Mul" && self.integer_product(one, s, other, t)
    }

    fn integer_product(&mut self, one: &'a Node, s: usize, mul: &'a Node, t: usize) -> bool {
        let at = |name: &'a str| Ref { scope: t, name };
        let mut seen = Vec::new();
        let mut of = |walk: &mut Self, name: &'a str, operators: &[&str]| {
            let found = walk.giver(at(name))?.0;
            seen.push(at(name));
            operators
                .contains(&found.operator.as_str())
                .then_some(found)
        };
        let Some(cast) = of(self, mul.input(0), &["Cast"]) else {
            return false;
        };
        let Some(whole) = of(self, cast.input(0), &["MatMulInteger", "ConvInteger"]) else {
            return false;
        };
        let Some(scales) = of(self, mul.input(1), &["Mul"]) else {
            return false;
        };
        let Some(dynamic) = of(self, whole.input(0), &["DynamicQuantizeLinear"]) else {
            return false;
        };
        let wired = dynamic.outputs.first().is_some_and(|o| o == whole.input(0))
            && dynamic.outputs.get(1).is_some_and(|o| o == scales.input(0))
            && dynamic.outputs.get(2).is_some_and(|o| o == whole.input(2));
        if !wired {
            self.wrong(format!(
                "{} is not scaled by what quantized its input",
                whole.label()
            ));
            return true;
        }
        for reference in seen {
            self.mark(reference);
        }
        self.out.quantized = true;
        let convolves = whole.operator == "ConvInteger";
        if convolves {
            self.attributes(one, s, whole, t);
        }
        self.push((one, s, 0), (dynamic, t, 0), None);
        let weight = self.target.tensor(at(whole.input(1)));
        let scale = self.target.tensor(at(scales.input(1)));
        let (Some(weight), Some(scale)) = (weight, scale) else {
            return self.two_dynamic(one, s, whole, scales, t);
        };
        let scaled = Scaled {
            scale,
            zero: self.target.tensor(at(whole.input(3))),
            axis: i64::from(!convolves),
            block: 0,
        };
        self.weight(one, s, weight, Some(scaled), None, None);
        true
    }

    /// Both factors are quantized as they come.
    fn two_dynamic(
        &mut self,
        one: &'a Node,
        s: usize,
        whole: &'a Node,
        scales: &'a Node,
        t: usize,
    ) -> bool {
        let second = Ref {
            scope: t,
            name: whole.input(1),
        };
        let Some((dynamic, _)) = self.giver(second) else {
            return false;
        };
        if dynamic.operator != "DynamicQuantizeLinear"
            || dynamic.outputs.get(1).is_none_or(|o| o != scales.input(1))
            || dynamic.outputs.get(2).is_none_or(|o| o != whole.input(3))
        {
            self.wrong(format!(
                "{} is not scaled by what quantized its input",
                whole.label()
            ));
            return true;
        }
        self.mark(second);
        self.push((one, s, 1), (dynamic, t, 0), None);
        true
    }

    /// The second factor of a product in the source, found through what a
    /// converter folds.
    pub(super) fn weight(
        &mut self,
        one: &'a Node,
        s: usize,
        target: &'a Tensor,
        scaled: Option<Scaled<'a>>,
        product: Option<(&'a Tensor, &'a Tensor)>,
        packed: Option<(i64, i64)>,
    ) {
        let reference = Ref {
            scope: s,
            name: one.input(1),
        };
        let gemm = one.operator == "Gemm" && one.int("transB") == Some(1);
        let found = match self.source.find(reference) {
            Value::Tensor(tensor) => Some((tensor, false)),
            Value::Node(scope, at, _) => self
                .source
                .node(scope, at)
                .and_then(|node| self.constant(node, scope)),
            _ => None,
        };
        match found {
            Some((source, turned)) => self.out.jobs.push(Job {
                source,
                turned: turned != gemm,
                target,
                scaled,
                product,
                packed,
            }),
            None => self.wrong(format!(
                "{} stands where the source computes {}",
                target.name, reference.name
            )),
        }
    }

    /// A `Gemm` that became a product and a sum.
    pub(super) fn product(&mut self, one: &'a Node, s: usize, add: &'a Node, t: usize) -> bool {
        let factor = |key: &str| match one.attributes.get(key) {
            None => true,
            Some(Attribute::Float(bits)) => f32::from_bits(*bits) == 1.0,
            _ => false,
        };
        if !factor("alpha") || !factor("beta") || one.int("transA").unwrap_or(0) != 0 {
            return false;
        }
        let product = Ref {
            scope: t,
            name: add.input(0),
        };
        // The product may be dequantized on its way.
        let mut at = product;
        let mut passed = Vec::new();
        let mut scaled: Option<Scaled<'a>> = None;
        for _ in 0..4 {
            let Some((node, _)) = self.giver(at) else {
                return false;
            };
            match node.operator.as_str() {
                "DequantizeLinear" | "QuantizeLinear" => {
                    let Some(found) = self.scaled(node, t) else {
                        return false;
                    };
                    if let Some(held) = scaled
                        && !same_scale(&held, &found)
                    {
                        self.wrong(format!(
                            "{} quantizes with {} and what follows reads it with {}",
                            node.label(),
                            found.scale.name,
                            held.scale.name
                        ));
                        return true;
                    }
                    scaled = (node.operator == "DequantizeLinear").then_some(found);
                    passed.push(at);
                    at = Ref {
                        scope: t,
                        name: node.input(0),
                    };
                }
                _ => break,
            }
        }
        let Some((node, _)) = self.giver(at) else {
            return false;
        };
        let done = match node.operator.as_str() {
            "MatMul" => {
                self.push((one, s, 0), (node, t, 0), None);
                self.factor(one, s, node, t)
            }
            "Mul" => self.integer_product(one, s, node, t),
            "QLinearMatMul" => self.linear(one, s, node, t, scaled),
            "MatMulNBits" => self.packed(one, s, node, t),
            _ => false,
        };
        if !done {
            return false;
        }
        self.mark(at);
        for reference in passed {
            self.mark(reference);
        }
        self.push((one, s, 2), (add, t, 1), None);
        true
    }

    /// A product and a sum that became a `Gemm`.
    pub(super) fn sum(&mut self, add: &'a Node, s: usize, gemm: &'a Node, t: usize) -> bool {
        let plain = gemm.attributes.iter().all(|(key, value)| match value {
            Attribute::Int(value) => key.starts_with("trans") && *value == 0,
            Attribute::Float(bits) => f32::from_bits(*bits) == 1.0,
            _ => false,
        });
        if !plain {
            return false;
        }
        for (first, second) in [(0, 1), (1, 0)] {
            let value = self.source.find(Ref {
                scope: s,
                name: add.input(first),
            });
            let Value::Node(scope, at, _) = value else {
                continue;
            };
            let Some(product) = self.source.node(scope, at) else {
                continue;
            };
            if product.operator == "MatMul" {
                self.push((product, scope, 0), (gemm, t, 0), None);
                self.push((product, scope, 1), (gemm, t, 1), None);
                self.push((add, s, second), (gemm, t, 2), None);
                return true;
            }
        }
        false
    }

    /// The second factor of a plain product, dequantized or not.
    fn factor(&mut self, one: &'a Node, s: usize, node: &'a Node, t: usize) -> bool {
        let reference = Ref {
            scope: t,
            name: node.input(1),
        };
        if let Some(tensor) = self.target.tensor(reference) {
            self.weight(one, s, tensor, None, None, None);
            return true;
        }
        let Some((inner, scope)) = self.giver(reference) else {
            return false;
        };
        if inner.operator != "DequantizeLinear" {
            return false;
        }
        let tensor = self.target.tensor(Ref {
            scope,
            name: inner.input(0),
        });
        let scaled = self.scaled(inner, scope);
        if let (Some(tensor), Some(scaled)) = (tensor, scaled) {
            self.mark(reference);
            self.weight(one, s, tensor, Some(scaled), None, None);
            return true;
        }
        false
    }

    pub(super) fn packed(&mut self, one: &'a Node, s: usize, other: &'a Node, t: usize) -> bool {
        let at = |place: usize| Ref {
            scope: t,
            name: other.input(place),
        };
        let (Some(bits), Some(block)) = (other.int("bits"), other.int("block_size")) else {
            return false;
        };
        let (Some(codes), Some(scale)) = (self.target.tensor(at(1)), self.target.tensor(at(2)))
        else {
            return false;
        };
        self.out.quantized = true;
        self.push((one, s, 0), (other, t, 0), None);
        let scaled = Scaled {
            scale,
            zero: self.target.tensor(at(3)),
            axis: 0,
            block,
        };
        self.weight(one, s, codes, Some(scaled), None, Some((bits, block)));
        true
    }
}
