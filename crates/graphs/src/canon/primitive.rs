//! One operator as pieces: as it is, or, in the loose form, taken apart into
//! what it does, so that a fused layer and its parts are the same.

use super::{Builder, Form, Label, Labeler, Operand, Piece, settings};
use crate::ir::{Id, Kind, Op};
use crate::operators::Std;

/// Whether operands may change places.
pub(super) fn commutes(std: Std) -> bool {
    matches!(
        std,
        Std::Add
            | Std::Mul
            | Std::Max
            | Std::Min
            | Std::Sum
            | Std::Mean
            | Std::And
            | Std::Or
            | Std::Xor
            | Std::Equal
            | Std::BitwiseAnd
            | Std::BitwiseOr
            | Std::BitwiseXor
    )
}

/// The operand of a layer that keeps what it learned.
fn learned(std: Std, index: usize) -> bool {
    index >= 1
        && matches!(
            std,
            Std::Conv
                | Std::ConvTranspose
                | Std::Gemm
                | Std::MatMul
                | Std::BatchNormalization
                | Std::InstanceNormalization
                | Std::LayerNormalization
                | Std::GroupNormalization
                | Std::LSTM
                | Std::GRU
                | Std::RNN
                | Std::PRelu
                | Std::FusedConv
                | Std::FusedGemm
        )
}

/// Adds the pieces of an operator; answers the last one's index.
pub(super) fn pieces(
    builder: &mut Builder<'_, '_>,
    op: &Op,
    later: &mut Vec<(usize, usize, Id)>,
) -> (usize,) {
    if builder.form == Form::Loose
        && op.kind == Kind::Plain
        && let Some(last) = apart(builder, op)
    {
        return (last,);
    }
    let mut operands: Vec<Operand> = Vec::with_capacity(op.inputs.len());
    let mut open: Vec<(usize, Id)> = Vec::new();
    for (index, id) in op.inputs.iter().enumerate() {
        let Some(id) = id else {
            operands.push(Operand::Absent);
            continue;
        };
        let operand = builder.operand_as(*id, learned(op.std, index));
        if settings::told(op.std, index).is_some() && matches!(operand, Operand::Constant(_)) {
            // It is in the operator's own label.
            continue;
        }
        if operand == Operand::Free && builder.flat.maker(*id).is_some() {
            open.push((operands.len(), *id));
        }
        operands.push(operand);
    }
    while operands.last() == Some(&Operand::Absent) {
        operands.pop();
    }
    let piece = Piece {
        own: own(builder, op),
        std: op.std,
        operands,
        commutes: op.kind == Kind::Plain && commutes(op.std),
        covers: vec![op.node],
        dead: false,
    };
    let index = builder.add(piece);
    later.extend(open.into_iter().map(|(operand, id)| (index, operand, id)));
    (index,)
}

fn own(builder: &Builder<'_, '_>, op: &Op) -> Label {
    let mut out = Labeler::new("operator");
    match op.kind {
        Kind::Plain if op.std != Std::Opaque => out.text(op.std.name()),
        Kind::Plain | Kind::Opaque => {
            let node = builder.flat.node(op);
            out.text("opaque");
            out.text(node.map_or("", |node| &node.domain));
            out.text(node.map_or("", |node| &node.op));
        }
        kind => out.text(&format!("{kind:?}")),
    }
    out.label(settings::label(builder.flat, op, builder.form));
    out.done()
}

/// A label of an operator that the file does not have.
pub(super) fn plain(std: Std) -> Label {
    let mut out = Labeler::new("operator");
    out.text(std.name());
    out.label(Labeler::new("told").done());
    out.done()
}

/// Fused operators in parts; none when it is none.
fn apart(builder: &mut Builder<'_, '_>, op: &Op) -> Option<usize> {
    let get = |builder: &Builder<'_, '_>, index: usize| {
        op.input(index).map(|id| builder.operand_as(id, index > 0))
    };
    let one = |builder: &mut Builder<'_, '_>, std: Std, operands: Vec<Operand>| {
        builder.add(Piece {
            own: plain(std),
            std,
            operands,
            commutes: commutes(std),
            covers: vec![op.node],
            dead: false,
        })
    };
    let made = |index: usize| Operand::Made {
        piece: crate::ir::number(index),
        slot: 0,
    };
    let scale = |name: &str| builder.flat.float(op, name).unwrap_or(1.0);
    match op.std {
        Std::Gemm | Std::FusedGemm | Std::QGemm
            if (scale("alpha") - 1.0).abs() < 1e-9 && (scale("beta") - 1.0).abs() < 1e-9 =>
        {
            let (a, b) = (get(builder, 0)?, get(builder, 1)?);
            let mut last = one(builder, Std::MatMul, vec![a, b]);
            if let Some(c) = get(builder, 2) {
                last = one(builder, Std::Add, vec![made(last), c]);
            }
            Some(activation(builder, op, last))
        }
        Std::FusedMatMul
        | Std::MatMulInteger
        | Std::DynamicQuantizeMatMul
        | Std::MatMulIntegerToFloat
        | Std::MatMulNBits => {
            let (a, b) = (get(builder, 0)?, get(builder, 1)?);
            Some(one(builder, Std::MatMul, vec![a, b]))
        }
        Std::Conv | Std::FusedConv | Std::NhwcConv | Std::NhwcFusedConv => {
            let (x, weight) = (get(builder, 0)?, get(builder, 1)?);
            let mut out = Labeler::new("operator");
            out.text(Std::Conv.name());
            out.label(settings::label(builder.flat, op, Form::Loose));
            // A bias comes and goes with the batch normalisation that is folded
            // into it.
            let own = if op.std == Std::Conv {
                out.done()
            } else {
                plain(Std::Conv)
            };
            let last = builder.add(Piece {
                own,
                std: Std::Conv,
                operands: vec![x, weight],
                commutes: false,
                covers: vec![op.node],
                dead: false,
            });
            // A residual that was fused in is the fourth operand.
            let last = match get(builder, 3) {
                Some(sum) => one(builder, Std::Add, vec![made(last), sum]),
                None => last,
            };
            Some(activation(builder, op, last))
        }
        Std::QuickGelu => {
            let x = get(builder, 0)?;
            let soft = one(builder, Std::Sigmoid, vec![x]);
            Some(one(builder, Std::Mul, vec![x, made(soft)]))
        }
        Std::BiasGelu | Std::FastGelu | Std::GemmFastGelu => {
            let mut x = get(builder, 0)?;
            if let Some(bias) = get(builder, 1) {
                x = made(one(builder, Std::Add, vec![x, bias]));
            }
            Some(one(builder, Std::Gelu, vec![x]))
        }
        Std::Gelu => {
            let x = get(builder, 0)?;
            Some(one(builder, Std::Gelu, vec![x]))
        }
        Std::LayerNormalization => {
            let (x, weight) = (get(builder, 0)?, get(builder, 1)?);
            let mut operands = vec![x, weight];
            operands.extend(get(builder, 2));
            Some(one(builder, Std::LayerNormalization, operands))
        }
        Std::SkipLayerNormalization => {
            let (x, skip, weight) = (get(builder, 0)?, get(builder, 1)?, get(builder, 2)?);
            let mut sum = one(builder, Std::Add, vec![x, skip]);
            if let Some(bias) = get(builder, 4) {
                sum = one(builder, Std::Add, vec![made(sum), bias]);
            }
            let mut operands = vec![made(sum), weight];
            operands.extend(get(builder, 3));
            Some(one(builder, Std::LayerNormalization, operands))
        }
        Std::Pow => {
            let two = op.input(1).and_then(|id| builder.flat.constant(id));
            let square = two.and_then(super::constants::real) == Some(2.0);
            let x = get(builder, 0)?;
            square.then(|| one(builder, Std::Mul, vec![x, x]))
        }
        Std::Square => {
            let x = get(builder, 0)?;
            Some(one(builder, Std::Mul, vec![x, x]))
        }
        Std::BiasAdd => {
            let (x, bias) = (get(builder, 0)?, get(builder, 1)?);
            Some(one(builder, Std::Add, vec![x, bias]))
        }
        _ => None,
    }
}

/// The activation that a fused operator brings along.
fn activation(builder: &mut Builder<'_, '_>, op: &Op, last: usize) -> usize {
    let named = builder.flat.text(op, "activation").and_then(Std::find);
    let Some(std) = named else { return last };
    builder.add(Piece {
        own: plain(std),
        std,
        operands: vec![Operand::Made {
            piece: crate::ir::number(last),
            slot: 0,
        }],
        commutes: false,
        covers: vec![op.node],
        dead: false,
    })
}
