//! Layers that exporters write out in parts, put back together; and batch
//! normalisation, which optimisers fold into the convolution before it.

use std::collections::HashMap;

use super::primitive::plain;
use super::{Canon, Operand, Piece};
use crate::ir::{at, number};
use crate::operators::Std;

/// Which pieces use a piece's first result.
struct Uses(HashMap<u32, Vec<u32>>);

impl Uses {
    fn of(canon: &Canon) -> Self {
        let mut uses: HashMap<u32, Vec<u32>> = HashMap::new();
        for (index, piece) in canon.pieces.iter().enumerate() {
            for operand in &piece.operands {
                if let Operand::Made { piece, .. } = operand {
                    let users = uses.entry(*piece).or_default();
                    if users.last() != Some(&number(index)) {
                        users.push(number(index));
                    }
                }
            }
        }
        Self(uses)
    }

    fn by(&self, canon: &Canon, piece: u32, std: Std) -> Option<u32> {
        let users = self.0.get(&piece)?.iter().copied();
        users.into_iter().find(|user| is(canon, *user, std))
    }
}

fn get(canon: &Canon, piece: u32) -> Option<&Piece> {
    canon.pieces.get(at(piece))
}

fn is(canon: &Canon, piece: u32, std: Std) -> bool {
    get(canon, piece).is_some_and(|piece| piece.std == std)
}

fn operand(canon: &Canon, piece: u32, index: usize) -> Option<Operand> {
    get(canon, piece)?.operands.get(index).copied()
}

/// The piece that makes an operand.
fn maker(operand: Option<Operand>) -> Option<u32> {
    match operand? {
        Operand::Made { piece, .. } => Some(piece),
        _ => None,
    }
}

/// The constant among two operands, and the other.
fn with_constant(canon: &Canon, piece: u32) -> Option<(Operand, Operand)> {
    let (a, b) = (operand(canon, piece, 0)?, operand(canon, piece, 1)?);
    match (a, b) {
        (_, Operand::Constant(_)) => Some((b, a)),
        (Operand::Constant(_), _) => Some((a, b)),
        _ => None,
    }
}

pub(super) fn all(canon: &mut Canon) {
    let uses = Uses::of(canon);
    let mut folded: HashMap<u32, Operand> = HashMap::new();
    for index in 0..canon.pieces.len() {
        let index = number(index);
        match get(canon, index).map(|piece| piece.std) {
            Some(Std::Sqrt) => layer_norm(canon, &uses, index),
            Some(Std::Erf) => gelu(canon, &uses, index),
            Some(Std::BatchNormalization) => folded_norm(canon, index).map(|through| {
                folded.insert(index, through);
            }),
            _ => None,
        };
    }
    replace(canon, &folded);
}

/// Lets `last` be `std` of `operands`; `parts` are what it was written as.
fn become_one(canon: &mut Canon, last: u32, std: Std, operands: Vec<Operand>, parts: &[u32]) {
    let mut covers: Vec<u32> = Vec::new();
    for part in parts {
        if let Some(piece) = get(canon, *part) {
            covers.extend(&piece.covers);
        }
    }
    covers.sort_unstable();
    covers.dedup();
    if let Some(piece) = canon.pieces.get_mut(at(last)) {
        *piece = Piece {
            own: plain(std),
            std,
            operands,
            commutes: false,
            covers,
            dead: false,
        };
    }
}

/// `(x − mean(x)) / √(mean((x − mean(x))²) + ε) · w + b`.
fn layer_norm(canon: &mut Canon, uses: &Uses, root: u32) -> Option<()> {
    let variance = maker(operand(canon, root, 0)).filter(|v| is(canon, *v, Std::Add))?;
    let mean = maker(Some(with_constant(canon, variance)?.1))
        .filter(|mean| is(canon, *mean, Std::ReduceMean))?;
    let square = maker(operand(canon, mean, 0)).filter(|s| is(canon, *s, Std::Mul))?;
    let centred = maker(operand(canon, square, 0)).filter(|c| is(canon, *c, Std::Sub))?;
    (operand(canon, square, 0) == operand(canon, square, 1)).then_some(())?;
    let x = operand(canon, centred, 0)?;
    let average = maker(operand(canon, centred, 1)).filter(|m| is(canon, *m, Std::ReduceMean))?;
    (operand(canon, average, 0)? == x).then_some(())?;
    let divided = uses.by(canon, root, Std::Div)?;
    let scaled = uses.by(canon, divided, Std::Mul)?;
    let (weight, _) = with_constant(canon, scaled)?;
    let mut parts = vec![
        average, centred, square, mean, variance, root, divided, scaled,
    ];
    let mut operands = vec![x, weight];
    let mut last = scaled;
    if let Some(shifted) = uses.by(canon, scaled, Std::Add)
        && let Some((bias, _)) = with_constant(canon, shifted)
    {
        operands.push(bias);
        parts.push(shifted);
        last = shifted;
    }
    become_one(canon, last, Std::LayerNormalization, operands, &parts);
    Some(())
}

/// `x · ½ · (1 + erf(x / √2))`, the factors in any order.
fn gelu(canon: &mut Canon, uses: &Uses, erf: u32) -> Option<()> {
    let inner = maker(operand(canon, erf, 0))?;
    let (std, x) = match get(canon, inner)?.std {
        Std::Div => (Std::Div, operand(canon, inner, 0)?),
        Std::Mul => (Std::Mul, with_constant(canon, inner)?.1),
        _ => return None,
    };
    is(canon, inner, std).then_some(())?;
    let plus = uses.by(canon, erf, Std::Add)?;
    with_constant(canon, plus)?;
    let first = uses.by(canon, plus, Std::Mul)?;
    let mut parts = vec![inner, erf, plus, first];
    let others = |piece: u32| -> Vec<Operand> {
        get(canon, piece).map_or(Vec::new(), |piece| piece.operands.clone())
    };
    let direct = others(first).contains(&x);
    let last = if direct {
        // x · (1 + erf) · ½
        let half = uses.by(canon, first, Std::Mul)?;
        with_constant(canon, half)?;
        parts.push(half);
        half
    } else if with_constant(canon, first).is_some() {
        // (1 + erf) · ½ · x
        let outer = uses.by(canon, first, Std::Mul)?;
        others(outer).contains(&x).then_some(())?;
        parts.push(outer);
        outer
    } else {
        // (x · ½) · (1 + erf)
        let half = others(first)
            .into_iter()
            .filter_map(|operand| maker(Some(operand)))
            .find(|half| *half != plus && is(canon, *half, Std::Mul))?;
        (with_constant(canon, half)?.1 == x).then_some(())?;
        parts.push(half);
        first
    };
    become_one(canon, last, Std::Gelu, vec![x], &parts);
    Some(())
}

/// What stands for a batch normalisation right behind a convolution: the
/// convolution itself.
fn folded_norm(canon: &Canon, norm: u32) -> Option<Operand> {
    let through = operand(canon, norm, 0)?;
    maker(Some(through)).filter(|conv| is(canon, *conv, Std::Conv))?;
    Some(through)
}

fn replace(canon: &mut Canon, folded: &HashMap<u32, Operand>) {
    let operands = canon
        .pieces
        .iter_mut()
        .flat_map(|piece| &mut piece.operands);
    for operand in operands.chain(&mut canon.outputs) {
        if let Operand::Made { piece, .. } = operand
            && let Some(through) = folded.get(piece)
        {
            *operand = *through;
        }
    }
}
