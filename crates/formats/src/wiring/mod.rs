//! A graph in full while it is being written down: every list bounded, every
//! limit that was met said.

mod constant;

use std::collections::BTreeMap;

use modelward_schema::{
    Body, BodyKind, Constant, Dim, INLINE, Location, Node, Port, Value, Why, Wiring,
};

use crate::{Input, Session, text};

pub(crate) use constant::{summarise, width};

/// Nodes kept, over all bodies.
const MAX_NODES: usize = 1 << 20;
const MAX_VALUES: usize = 1 << 22;
/// Bodies kept; one more for the main graph.
const MAX_BODIES: usize = 1 << 16;
/// Bytes of constants longer than [`SMALL`] that are kept, all together.
const CONSTANT_BYTES: usize = 24 << 20;
/// Constants of so many bytes are always kept.
const SMALL: usize = 256;
/// Bytes kept of a name.
pub(crate) const NAME: usize = 256;
/// Dimensions kept of one value.
pub(crate) const MAX_RANK: usize = 64;

#[derive(Debug)]
pub(crate) struct Draft {
    out: Wiring,
    kept: usize,
}

impl Draft {
    /// With the main body, which is number 0.
    pub(crate) fn new(framework: &str, at: Location) -> Self {
        Self {
            out: Wiring {
                framework: framework.to_owned(),
                bodies: vec![Body::default()],
                at,
                ..Wiring::default()
            },
            kept: 0,
        }
    }

    pub(crate) fn opsets(&mut self) -> &mut BTreeMap<String, i64> {
        &mut self.out.opsets
    }

    /// `None` once there are too many; the draft remembers.
    pub(crate) fn value(
        &mut self,
        name: &str,
        dtype: &str,
        shape: Option<Vec<Dim>>,
    ) -> Option<u32> {
        if self.out.values.len() >= MAX_VALUES {
            self.out.cut = true;
            return None;
        }
        self.out.values.push(Value {
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            shape,
            constant: None,
        });
        last(self.out.values.len())
    }

    pub(crate) fn value_mut(&mut self, value: u32) -> Option<&mut Value> {
        self.out.values.get_mut(usize::try_from(value).ok()?)
    }

    pub(crate) fn constant(&mut self, constant: Constant) -> Option<u32> {
        if self.out.constants.len() >= MAX_VALUES {
            self.out.cut = true;
            return None;
        }
        self.out.constants.push(constant);
        last(self.out.constants.len())
    }

    /// A constant of `bytes` in the order of the machine that all formats
    /// have in common; they stand at `span` of the file as they are.
    pub(crate) fn bytes(
        &mut self,
        dtype: &str,
        shape: Vec<u64>,
        bytes: &[u8],
        at: Option<Location>,
    ) -> Option<u32> {
        let kept = self.keeps(bytes.len()).then(|| bytes.to_vec());
        let summary = if kept.is_none() {
            summarise(dtype, bytes)
        } else {
            None
        };
        self.constant(Constant {
            dtype: dtype.to_owned(),
            shape,
            bytes: kept,
            at,
            summary,
            ..Constant::default()
        })
    }

    /// Whether a constant of so many bytes is carried; pays for it.
    pub(crate) fn keeps(&mut self, len: usize) -> bool {
        if len <= SMALL {
            return true;
        }
        let sum = self.kept.saturating_add(len);
        if len > INLINE || sum > CONSTANT_BYTES {
            return false;
        }
        self.kept = sum;
        true
    }

    /// Adds it to the body that it names.
    pub(crate) fn node(&mut self, node: Node) -> Option<u32> {
        if self.out.nodes.len() >= MAX_NODES {
            self.out.cut = true;
            return None;
        }
        let index = last(self.out.nodes.len().saturating_add(1))?;
        if let Some(body) = self.body_mut(node.body) {
            body.nodes.push(index);
        }
        self.out.nodes.push(node);
        Some(index)
    }

    pub(crate) fn node_mut(&mut self, node: u32) -> Option<&mut Node> {
        self.out.nodes.get_mut(usize::try_from(node).ok()?)
    }

    /// What is written down so far.
    pub(crate) fn wiring(&self) -> &Wiring {
        &self.out
    }

    pub(crate) fn body(&mut self, name: String, kind: BodyKind) -> Option<u32> {
        if self.out.bodies.len() > MAX_BODIES {
            self.out.cut = true;
            return None;
        }
        self.out.bodies.push(Body {
            name,
            kind,
            ..Body::default()
        });
        last(self.out.bodies.len())
    }

    pub(crate) fn body_mut(&mut self, body: u32) -> Option<&mut Body> {
        self.out.bodies.get_mut(usize::try_from(body).ok()?)
    }

    pub(crate) fn cut(&mut self) {
        self.out.cut = true;
    }

    pub(crate) fn finish(self, input: &Input<'_>, session: &mut Session<'_>) {
        if self.out.cut {
            session.gap_once(
                Why::Limit,
                "the graph has more nodes or values than the limit",
                &input.whole(),
            );
        }
        session.wiring(self.out);
    }
}

/// The index of the last of so many.
fn last(len: usize) -> Option<u32> {
    u32::try_from(len.checked_sub(1)?).ok()
}

/// A name from the file as a graph shows it.
pub(crate) fn name(bytes: &[u8]) -> String {
    text::escape(bytes, NAME)
}

/// A dimension that says how many, or that it is not known.
pub(crate) fn dim(size: i64) -> Dim {
    if size == -1 {
        Dim::Unknown(())
    } else {
        Dim::Known(size)
    }
}

pub(crate) fn whole(shape: &[u64]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1_u64, |product, size| product.checked_mul(*size))
}

/// A value as the summary of a graph shows it.
pub(crate) fn port(value: &Value) -> Port {
    let shape = value.shape.iter().flatten().map(|dim| match dim {
        Dim::Known(size) => size.to_string(),
        Dim::Symbol(name) => name.clone(),
        Dim::Unknown(()) => "?".to_owned(),
    });
    Port {
        name: value.name.clone(),
        dtype: value.dtype.clone(),
        shape: shape.collect(),
    }
}
