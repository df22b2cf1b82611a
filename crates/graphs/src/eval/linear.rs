//! Matrix products.

use super::array::{Array, Kind, broadcast, product, spread};
use super::call::Call;
use super::layout::transpose;
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    Ok(Some(match call.op {
        "MatMul" => {
            let (a, b) = (call.input(0)?.clone(), call.input(1)?.clone());
            matmul(call, &a, &b)?
        }
        "Gemm" => gemm(call)?,
        "Einsum" => einsum(call)?,
        _ => return Ok(None),
    }))
}

/// `rows × inner` times `inner × columns`.
fn block(a: &[f64], b: &[f64], inner: usize, columns: usize, out: &mut Vec<f64>) {
    if inner == 0 || columns == 0 {
        return;
    }
    let mut row = vec![0.0; columns];
    for line in a.chunks_exact(inner) {
        row.fill(0.0);
        for (x, other) in line.iter().zip(b.chunks_exact(columns)) {
            if *x == 0.0 && other.iter().all(|y| y.is_finite()) {
                continue;
            }
            for (slot, y) in row.iter_mut().zip(other) {
                *slot += x * y;
            }
        }
        out.extend_from_slice(&row);
    }
}

pub(crate) fn matmul(call: &mut Call<'_>, a: &Array, b: &Array) -> Result<Array, Refusal> {
    if a.rank() == 0 || b.rank() == 0 {
        return Err(refuse("a product of scalars"));
    }
    let (row, column) = (a.rank() == 1, b.rank() == 1);
    let a = if row {
        a.reshaped(vec![1, a.len()])?
    } else {
        a.clone()
    };
    let b = if column {
        b.reshaped(vec![b.len(), 1])?
    } else {
        b.clone()
    };
    let split = |s: &Array| -> Option<(Vec<usize>, usize, usize)> {
        let at = s.rank().checked_sub(2)?;
        Some((
            s.shape.get(..at)?.to_vec(),
            s.dim(at),
            s.dim(at.saturating_add(1)),
        ))
    };
    let (Some((left, rows, inner)), Some((right, other, columns))) = (split(&a), split(&b)) else {
        return Err(refuse("a product of vectors"));
    };
    if inner != other {
        return Err(refuse("matrices that do not fit"));
    }
    let mut shape = broadcast(&left, &right)?;
    let (from_left, from_right) = (spread(&left, &shape), spread(&right, &shape));
    call.budget
        .product(&[product(&shape)?, rows, inner, columns])?;
    let size = product(&shape)?
        .checked_mul(rows)
        .and_then(|n| n.checked_mul(columns))
        .ok_or(Refusal::Budget)?;
    call.budget.elements(size)?;
    let kind = a.kind;
    let (x, y) = (a.reals()?, b.reals()?);
    let mut out = Vec::with_capacity(size);
    let (step_left, step_right) = (rows.saturating_mul(inner), inner.saturating_mul(columns));
    for (l, r) in from_left.iter().zip(&from_right) {
        let start = l.wrapping_mul(step_left);
        let part = x.get(start..start.saturating_add(step_left)).unwrap_or(&[]);
        let start = r.wrapping_mul(step_right);
        let with = y
            .get(start..start.saturating_add(step_right))
            .unwrap_or(&[]);
        block(part, with, inner, columns, &mut out);
    }
    out.resize(size, 0.0);
    if !row {
        shape.push(rows);
    }
    if !column {
        shape.push(columns);
    }
    Array::numbers(kind, shape, out)
}

fn gemm(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let turn = |array: &Array, flag: bool| {
        if flag {
            transpose(array, &[1, 0])
        } else {
            Ok(array.clone())
        }
    };
    let a = turn(call.input(0)?, call.flag("transA", false))?;
    let b = turn(call.input(1)?, call.flag("transB", false))?;
    let (alpha, beta) = (call.float_or("alpha", 1.0), call.float_or("beta", 1.0));
    let product = matmul(call, &a, &b)?;
    let mut data: Vec<f64> = product.reals()?.iter().map(|x| x * alpha).collect();
    if let Some(c) = call.given(2).filter(|_| beta != 0.0) {
        if broadcast(&c.shape, &product.shape)? != product.shape {
            return Err(refuse("a bias that does not fit"));
        }
        let bias = c.reals()?;
        for (slot, at) in data.iter_mut().zip(spread(&c.shape, &product.shape)) {
            *slot += beta * bias.get(at).copied().unwrap_or(0.0);
        }
    }
    Array::numbers(product.kind, product.shape.clone(), data)
}

/// Explicit and implicit equations without ellipsis, as one sum over every
/// index.
fn einsum(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let equation: String = call
        .text("equation")
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    if equation.contains('.') {
        return Err(call.unknown());
    }
    let (left, right) = equation.split_once("->").unwrap_or((&equation, "?"));
    let terms: Vec<Vec<char>> = left.split(',').map(|term| term.chars().collect()).collect();
    let operands: Vec<Array> = call.inputs.iter().flatten().cloned().collect();
    if terms.len() != operands.len() {
        return Err(refuse("an equation of other operands"));
    }
    let mut sizes: Vec<(char, usize)> = Vec::new();
    for (term, operand) in terms.iter().zip(&operands) {
        if term.len() != operand.rank() {
            return Err(refuse("an equation of another rank"));
        }
        for (letter, dim) in term.iter().zip(&operand.shape) {
            match sizes.iter().find(|(known, _)| known == letter) {
                Some((_, size)) if size != dim => return Err(refuse("dimensions that do not fit")),
                Some(_) => {}
                None => sizes.push((*letter, *dim)),
            }
        }
    }
    let kept: Vec<char> = if right == "?" {
        let mut once: Vec<char> = sizes
            .iter()
            .map(|(letter, _)| *letter)
            .filter(|letter| {
                terms
                    .iter()
                    .flatten()
                    .filter(|other| *other == letter)
                    .count()
                    == 1
            })
            .collect();
        once.sort_unstable();
        once
    } else {
        right.chars().collect()
    };
    let size = |letter: &char| {
        sizes
            .iter()
            .find(|(known, _)| known == letter)
            .map(|(_, size)| *size)
            .ok_or_else(|| refuse("an index that no operand has"))
    };
    let shape = kept.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let summed: Vec<char> = sizes
        .iter()
        .map(|(letter, _)| *letter)
        .filter(|letter| !kept.contains(letter))
        .collect();
    let inner = summed.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let (total, within) = (product(&shape)?, product(&inner)?);
    call.budget.elements(total.saturating_mul(operands.len()))?;
    call.budget.product(&[total, within, operands.len()])?;
    let mut walks = Vec::new();
    for (term, operand) in terms.iter().zip(&operands) {
        let own = operand.strides();
        let step = |letter: &char| {
            term.iter()
                .zip(&own)
                .filter(|(other, _)| *other == letter)
                .fold(0_usize, |all, (_, step)| all.wrapping_add(*step))
        };
        let outer: Vec<usize> = kept.iter().map(step).collect();
        let along: Vec<usize> = summed.iter().map(step).collect();
        walks.push((
            super::array::offsets(&shape, &outer, 0),
            super::array::offsets(&inner, &along, 0),
            operand.reals()?.into_owned(),
        ));
    }
    let mut out = Vec::with_capacity(total);
    for nth in 0..total {
        let mut sum = 0.0;
        for at in 0..within {
            let mut term = 1.0;
            for (outer, along, data) in &walks {
                let place = outer
                    .get(nth)
                    .copied()
                    .unwrap_or(0)
                    .wrapping_add(along.get(at).copied().unwrap_or(0));
                term *= data.get(place).copied().unwrap_or(0.0);
            }
            sum += term;
        }
        out.push(sum);
    }
    let kind = operands.first().map_or(Kind::F32, |operand| operand.kind);
    Array::numbers(kind, shape, out)
}
