//! What a graph's inputs are: their kinds, their possible shapes, and what
//! each seems to be for.

use std::collections::BTreeMap;

use modelward_schema::Dim;

use crate::eval::{Kind, Machine};

/// What an input seems to carry, from its name and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Pixels, features, samples.
    Real,
    /// Indices into a vocabulary.
    Token,
    Mask,
    Position,
    /// Which of two segments.
    Segment,
    /// A lone number that chooses a mode.
    Mode,
    Truth,
    Text,
}

/// One input that a caller must give.
#[derive(Debug, Clone)]
pub struct Port {
    pub value: u32,
    pub name: String,
    pub kind: Kind,
    pub dims: Vec<Dim>,
    pub role: Role,
    /// Tokens are below this.
    pub limit: i64,
}

/// The inputs of a machine's main graph; `None` when one is no tensor.
pub fn ports(machine: &Machine<'_>) -> Option<Vec<Port>> {
    let uses = uses(machine);
    machine
        .inputs()
        .into_iter()
        .map(|at| {
            let value = machine.value(at)?;
            let kind = Kind::of(&value.dtype)?;
            let dims = value.shape.clone().unwrap_or_default();
            let role = role(&value.name, kind, &dims);
            Some(Port {
                value: at,
                name: value.name.clone(),
                kind,
                dims,
                role,
                limit: vocabulary(machine, &uses, at).unwrap_or(200),
            })
        })
        .collect()
}

fn role(name: &str, kind: Kind, dims: &[Dim]) -> Role {
    let name = name.to_lowercase();
    let lone = dims.is_empty() || (dims.len() == 1 && matches!(dims.first(), Some(Dim::Known(1))));
    match kind {
        Kind::Text => Role::Text,
        Kind::Bool => Role::Truth,
        _ if name.contains("mask") => Role::Mask,
        _ if kind.is_float() => Role::Real,
        _ if name.contains("position") => Role::Position,
        _ if name.contains("token_type") || name.contains("segment") => Role::Segment,
        _ if lone => Role::Mode,
        _ => Role::Token,
    }
}

/// Nodes that read each value.
fn uses(machine: &Machine<'_>) -> BTreeMap<u32, Vec<u32>> {
    let mut uses: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (at, node) in machine.wiring.nodes.iter().enumerate() {
        let Ok(at) = u32::try_from(at) else { break };
        for value in node.inputs.iter().flatten() {
            uses.entry(*value).or_default().push(at);
        }
    }
    uses
}

/// The height of the table that an input indexes.
fn vocabulary(machine: &Machine<'_>, uses: &BTreeMap<u32, Vec<u32>>, input: u32) -> Option<i64> {
    let mut queue = vec![input];
    let mut steps = 0_u32;
    let mut limit: Option<i64> = None;
    while let Some(value) = queue.pop() {
        for at in uses.get(&value).into_iter().flatten() {
            steps = steps.saturating_add(1);
            if steps > 256 {
                return limit;
            }
            let Some(node) = machine.node(*at) else {
                continue;
            };
            match node.op.as_str() {
                "Gather" if node.inputs.get(1) == Some(&Some(value)) => {
                    let table = node.inputs.first().copied().flatten()?;
                    let table = machine.value(table)?.constant?;
                    let table = machine.wiring.constants.get(usize::try_from(table).ok()?)?;
                    let height = i64::try_from(*table.shape.first()?).ok()?;
                    limit = Some(limit.map_or(height, |old| old.min(height)));
                }
                "Cast" | "Reshape" | "Unsqueeze" | "Squeeze" | "Identity" | "Flatten"
                | "Transpose" => {
                    queue.extend(node.outputs.iter().flatten());
                }
                _ => {}
            }
        }
    }
    limit
}

/// Sizes for what a file leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub batch: usize,
    pub sequence: usize,
    pub past: usize,
    pub other: usize,
}

/// Sizes to try, the likeliest first.
pub const SIZES: [Sizes; 14] = {
    const fn of(batch: usize, sequence: usize, past: usize, other: usize) -> Sizes {
        Sizes {
            batch,
            sequence,
            past,
            other,
        }
    }
    [
        of(1, 16, 0, 64),
        of(1, 16, 4, 32),
        of(1, 8, 0, 16),
        of(1, 16, 0, 28),
        of(2, 16, 0, 64),
        of(1, 16, 0, 96),
        of(1, 64, 0, 128),
        of(1, 576, 0, 576),
        of(1, 16, 0, 224),
        of(1, 1, 4, 1),
        of(1, 8, 8, 8),
        of(1, 16, 0, 320),
        of(1, 512, 0, 512),
        of(2, 16, 4, 32),
    ]
};

/// What an open dimension is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    Batch,
    Sequence,
    Past,
    PastAndSequence,
    Other,
}

pub(crate) fn open(dim: &Dim, axis: usize, kind: Kind) -> Option<Open> {
    let name = match dim {
        Dim::Known(n) if *n > 0 => return None,
        Dim::Symbol(name) => name.to_lowercase(),
        _ => String::new(),
    };
    let past = name.contains("past") || name.contains("cache");
    Some(if past && name.contains('+') {
        Open::PastAndSequence
    } else if past {
        Open::Past
    } else if name.contains("seq")
        || name.contains("len")
        || name.contains("time")
        || matches!(name.as_str(), "s" | "t" | "l")
    {
        Open::Sequence
    } else if name.contains("batch") || axis == 0 {
        Open::Batch
    } else if !kind.is_float() {
        Open::Sequence
    } else {
        Open::Other
    })
}

impl Port {
    /// A shape of these sizes; `named` sizes win. `None` when a dimension is
    /// absurd.
    pub fn shape(&self, sizes: Sizes, named: &BTreeMap<String, usize>) -> Option<Vec<usize>> {
        let mut shape = Vec::with_capacity(self.dims.len());
        for (axis, dim) in self.dims.iter().enumerate() {
            if let Dim::Symbol(name) = dim
                && let Some(size) = named.get(name)
            {
                shape.push(*size);
                continue;
            }
            shape.push(match (dim, open(dim, axis, self.kind)) {
                (Dim::Known(n), None) => usize::try_from(*n).ok()?,
                (_, Some(Open::Batch)) => sizes.batch,
                (_, Some(Open::Sequence)) => sizes.sequence,
                (_, Some(Open::Past)) => sizes.past,
                (_, Some(Open::PastAndSequence)) => sizes.past.saturating_add(sizes.sequence),
                _ => sizes.other,
            });
        }
        let count = shape
            .iter()
            .try_fold(1_usize, |all, dim| all.checked_mul(*dim))?;
        (count <= 4_000_000).then_some(shape)
    }
}
