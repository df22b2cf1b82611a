//! A graph without its accidents: names, order, identities, the way constants
//! are stated, attributes that only repeat a default.
//!
//! Two forms. [`Form::Exact`] keeps every operator as it is and is what the
//! fingerprint is made of. [`Form::Loose`] goes on to what converters and
//! optimisers do without changing what is computed: casts between real types,
//! quantisation, fused and decomposed layers, folded batch normalisation.

mod constants;
mod label;
mod primitive;
mod rewrite;
mod settings;

use std::collections::HashMap;

use modelward_schema::Dim;

use crate::eval::{Array, Budget, Machine, NoWeights, Run};
use crate::ir::{Flat, Id, Kind, NONE, Op, at, number};
use crate::operators::Std;

pub(crate) use label::{Label, Labeler, hex};

/// How far two graphs may differ and still be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Exact,
    Loose,
}

/// What an operator of the canonical form works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operand {
    Absent,
    Constant(Label),
    /// A graph input, by its type and rank.
    Input(Label),
    Made {
        piece: u32,
        slot: u32,
    },
    /// A name that leads nowhere.
    Free,
}

/// An operator of the canonical form.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Without operands.
    pub(crate) own: Label,
    pub(crate) std: Std,
    pub(crate) operands: Vec<Operand>,
    /// The order of operands does not matter.
    pub(crate) commutes: bool,
    /// Nodes of the wiring that it stands for.
    pub(crate) covers: Vec<u32>,
    pub(crate) dead: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Canon {
    /// In an order in which they can run, apart from loops.
    pub(crate) pieces: Vec<Piece>,
    pub(crate) outputs: Vec<Operand>,
}

/// Constants computed from constants that are worked out, at most.
const MAX_FOLDS: usize = 4_000;
/// Elements of one that is.
const FOLD: u64 = 1 << 16;

/// A value that no input reaches.
#[derive(Debug, Clone)]
enum Fixed {
    Weight(Vec<u64>),
    Value(Label),
}

struct Builder<'f, 'w> {
    flat: &'f Flat<'w>,
    form: Form,
    fixed: HashMap<Id, Fixed>,
    operands: HashMap<Id, Operand>,
    pieces: Vec<Piece>,
    machine: Machine<'w>,
    folds: usize,
    /// Holds the shapes that the file states in full, by wiring value: what the
    /// constants that follow from them are worked out with.
    run: Run,
}

impl Canon {
    pub(crate) fn build(flat: &Flat<'_>, form: Form) -> Self {
        let mut builder = Builder {
            flat,
            form,
            fixed: HashMap::new(),
            operands: HashMap::new(),
            pieces: Vec::new(),
            machine: Machine::new(flat.wiring, &NoWeights),
            folds: 0,
            run: Run::default(),
        };
        for input in &flat.inputs {
            let mut label = Labeler::new("input");
            label.text(real_type(flat.dtype(*input), form));
            let rank = flat.stated_shape(*input).map_or(usize::MAX, <[Dim]>::len);
            label.number(u64::try_from(rank).unwrap_or(u64::MAX));
            builder
                .operands
                .insert(*input, Operand::Input(label.done()));
        }
        // Loops hand values backwards: what they make is known before it is.
        let mut later: Vec<(usize, usize, Id)> = Vec::new();
        for op in &flat.ops {
            builder.op(op, &mut later);
        }
        for (piece, index, id) in later {
            let operand = builder.operand(id);
            if let Some(slot) = builder
                .pieces
                .get_mut(piece)
                .and_then(|piece| piece.operands.get_mut(index))
            {
                *slot = operand;
            }
        }
        let outputs = flat.outputs.iter();
        let outputs = outputs
            .map(|output| output.map_or(Operand::Absent, |output| builder.operand(output)))
            .collect();
        let mut canon = Self {
            pieces: builder.pieces,
            outputs,
        };
        if form == Form::Loose {
            rewrite::all(&mut canon);
        }
        canon.drop_dead();
        canon
    }

    /// Marks what no output needs.
    fn drop_dead(&mut self) {
        let mut live = vec![false; self.pieces.len()];
        let mut next: Vec<u32> = Vec::new();
        let made = |operand: &Operand| match operand {
            Operand::Made { piece, .. } => Some(*piece),
            _ => None,
        };
        next.extend(self.outputs.iter().filter_map(made));
        while let Some(piece) = next.pop() {
            let Some(slot) = live.get_mut(at(piece)).filter(|live| !**live) else {
                continue;
            };
            *slot = true;
            if let Some(piece) = self.pieces.get(at(piece)) {
                next.extend(piece.operands.iter().filter_map(made));
            }
        }
        for (piece, live) in self.pieces.iter_mut().zip(live) {
            piece.dead |= !live;
        }
    }

    pub(crate) fn living(&self) -> impl Iterator<Item = (u32, &Piece)> {
        let all = self.pieces.iter().enumerate();
        all.filter(|(_, piece)| !piece.dead)
            .map(|(index, piece)| (number(index), piece))
    }
}

fn real_type(dtype: &str, form: Form) -> &str {
    match dtype {
        "f16" | "bf16" | "f64" | "f32" if form == Form::Loose => "real",
        other => other,
    }
}

impl Builder<'_, '_> {
    fn operand(&self, id: Id) -> Operand {
        self.operand_as(id, false)
    }

    /// `learned`: it stands where a layer keeps its weights.
    fn operand_as(&self, id: Id, learned: bool) -> Operand {
        if let Some(constant) = self.flat.constant(id) {
            return Operand::Constant(constants::label(constant, learned, self.form));
        }
        match self.fixed.get(&id) {
            Some(Fixed::Weight(dims)) => {
                return Operand::Constant(constants::weight(dims, self.form));
            }
            Some(Fixed::Value(label)) => return Operand::Constant(*label),
            None => {}
        }
        self.operands.get(&id).copied().unwrap_or(Operand::Free)
    }

    fn op(&mut self, op: &Op, later: &mut Vec<(usize, usize, Id)>) {
        if self.fix(op) {
            return;
        }
        if let Some(through) = self.through(op) {
            if let Some(result) = op.output(0) {
                let operand = self.operand(through);
                self.operands.insert(result, operand);
            }
            return;
        }
        let made = primitive::pieces(self, op, later);
        let last = number(made.0);
        for (slot, result) in op.outputs.iter().enumerate() {
            if let Some(result) = result {
                let operand = Operand::Made {
                    piece: last,
                    slot: number(slot),
                };
                self.operands.insert(*result, operand);
            }
        }
    }

    /// Adds a piece; answers its index.
    fn add(&mut self, piece: Piece) -> usize {
        self.pieces.push(piece);
        self.pieces.len().saturating_sub(1)
    }

    /// The operand that comes out unchanged.
    fn through(&self, op: &Op) -> Option<Id> {
        let same = match (op.kind, op.std) {
            (Kind::Copy, _) | (Kind::Plain, Std::Identity | Std::Dropout | Std::StopGradient) => {
                true
            }
            (Kind::Plain, Std::Cast | Std::CastLike) if self.form == Form::Loose => {
                let real = |id: Option<Id>| {
                    let dtype = id.map_or("?", |id| self.flat.dtype(id));
                    matches!(dtype, "f16" | "bf16" | "f32" | "f64" | "?")
                };
                let to = self.flat.text(op, "to").unwrap_or("f32");
                real(op.input(0))
                    && matches!(to, "f16" | "bf16" | "f32" | "f64" | "float" | "float16")
            }
            (Kind::Plain, Std::QuantizeLinear | Std::DequantizeLinear) => self.form == Form::Loose,
            _ => false,
        };
        same.then(|| op.input(0)).flatten()
    }

    /// A result that no input reaches is a constant; answers whether it is one.
    fn fix(&mut self, op: &Op) -> bool {
        if op.kind != Kind::Plain || op.std == Std::Opaque || is_random(op.std) {
            return false;
        }
        if op.std == Std::Shape && self.form == Form::Loose && self.fix_shape(op) {
            return true;
        }
        let mut any = false;
        let mut weight: Option<Vec<u64>> = None;
        let mut parts = Labeler::new("folded");
        parts.text(op.std.name());
        parts.label(settings::label(self.flat, op, self.form));
        for id in op.operands() {
            any = true;
            let label = if let Some(constant) = self.flat.constant(id) {
                let heavy = constant.bytes.is_none() && constant.texts.is_none();
                let count = constant
                    .shape
                    .iter()
                    .fold(1_u64, |n, dim| n.saturating_mul(*dim));
                if heavy || count > 24 && constant.dtype.starts_with(['f', 'b']) {
                    weight.get_or_insert_with(|| constant.shape.clone());
                }
                constants::label(constant, false, self.form)
            } else {
                match self.fixed.get(&id) {
                    Some(Fixed::Weight(dims)) => {
                        weight.get_or_insert_with(|| dims.clone());
                        constants::weight(dims, self.form)
                    }
                    Some(Fixed::Value(label)) => *label,
                    None => return false,
                }
            };
            parts.label(label);
        }
        if !any {
            return false;
        }
        let merkle = parts.done();
        for result in op.results() {
            let fixed = match &weight {
                Some(dims) => {
                    Fixed::Weight(self.known_shape(result).unwrap_or_else(|| dims.clone()))
                }
                None => Fixed::Value(self.fold(result).unwrap_or(merkle)),
            };
            self.fixed.insert(result, fixed);
        }
        true
    }

    /// The shape of a value that has the same one in every run.
    fn fix_shape(&mut self, op: &Op) -> bool {
        let whole = op.node != NONE && self.flat.int(op, "start").is_none();
        let dims = op.input(0).and_then(|id| self.known_shape(id));
        let (true, Some(dims), Some(result)) = (whole, dims, op.output(0)) else {
            return false;
        };
        let dims = dims
            .iter()
            .map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX));
        let Ok(array) = Array::longs(dims.collect()) else {
            return false;
        };
        self.fixed
            .insert(result, Fixed::Value(literal(&array, self.form)));
        self.run.held.insert(self.flat.val(result).source, array);
        true
    }

    fn known_shape(&self, id: Id) -> Option<Vec<u64>> {
        let dims = self.flat.stated_shape(id)?.iter();
        dims.map(|dim| match dim {
            Dim::Known(size) => u64::try_from(*size).ok(),
            _ => None,
        })
        .collect()
    }

    /// Works a small constant out, so that folded and unfolded graphs agree.
    fn fold(&mut self, id: Id) -> Option<Label> {
        let source = self.flat.val(id).source;
        if source == NONE || self.folds >= MAX_FOLDS {
            return None;
        }
        self.folds = self.folds.saturating_add(1);
        self.run.budget = Budget {
            elements: FOLD,
            steps: FOLD,
        };
        let array = self.machine.run(&mut self.run, &[source]).ok()?.pop()?;
        let most = if array.kind.is_float() { 1 } else { 64 };
        (array.len() <= most).then(|| literal(&array, self.form))
    }
}

fn literal(array: &Array, form: Form) -> Label {
    let mut out = Labeler::new("literal");
    let digits = if form == Form::Exact { 5 } else { 2 };
    for real in array.reals().iter().flat_map(|reals| reals.iter()) {
        out.real(*real, digits);
    }
    out.done()
}

fn is_random(std: Std) -> bool {
    matches!(
        std,
        Std::RandomNormal
            | Std::RandomNormalLike
            | Std::RandomUniform
            | Std::RandomUniformLike
            | Std::Bernoulli
            | Std::Multinomial
    )
}
