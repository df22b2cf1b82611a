//! What exporters make of several source tensors, or of a part of one: gates of
//! recurrent layers in another order, rows that were looked up, cut matrices.

use super::view::{columns, cut, joined, reshaped, transposed, value};
use crate::model::Model;
use crate::tensor::{Part, Tensor};

/// One reading of the source.
#[derive(Debug)]
pub(super) struct View {
    pub(super) tensor: Tensor,
    pub(super) how: String,
    pub(super) from: Vec<String>,
}

/// A source tensor as it is, reshaped and transposed.
pub(super) fn plain(target: &Tensor, source: &Tensor) -> Vec<View> {
    let mut out = Vec::new();
    let mut push = |tensor: Tensor, how: &str| {
        out.push(View {
            tensor,
            how: how.to_owned(),
            from: vec![source.name.clone()],
        });
    };
    if target.elements() != source.elements() {
        return out;
    }
    if target.shape == source.shape {
        push(source.clone(), "");
    }
    if let Some(turned) = transposed(source)
        && turned.shape == target.shape
    {
        push(turned, "transposed");
    }
    if target.shape != source.shape
        && let Some(other) = reshaped(source, &target.shape)
    {
        push(other, "reshaped");
    }
    out
}

/// Parts of a source tensor: rows, columns, one row many times.
pub(super) fn parts(target: &Tensor, source: &Tensor) -> Vec<View> {
    let mut out = Vec::new();
    if source.shape.len() < 2 {
        return vector(target, source);
    }
    let width = source.shape.last().copied().unwrap_or(0);
    let rows = source.elements() / width.max(1);
    let mut push = |tensor: Tensor, how: String| {
        out.push(View {
            tensor,
            how,
            from: vec![source.name.clone()],
        });
    };
    // Rows looked up: the last dimension is that of the source.
    if let Some((last, before)) = target.shape.split_last()
        && *last == width
        && width > 0
    {
        let count: u64 = before.iter().product();
        if count > 0 && count <= rows.max(1 << 16) {
            for start in first_rows(target, source, width) {
                if start + count <= rows
                    && let Some(parts) = cut(source, start * width, count * width)
                {
                    let how = format!("rows {start} to {}", start + count);
                    push(joined(source, &target.shape, parts), how);
                }
                if count > 1
                    && count <= 1 << 16
                    && let Some(row) = cut(source, start * width, width)
                {
                    let parts: Vec<Part> = row
                        .iter()
                        .cycle()
                        .take(row.len() * usize::try_from(count).unwrap_or(0))
                        .cloned()
                        .collect();
                    push(
                        joined(source, &target.shape, parts),
                        format!("row {start}, {count} times"),
                    );
                }
            }
        }
    }
    let ([high, wide], 2) = (target.shape.as_slice(), source.shape.len()) else {
        return out;
    };
    let (high, wide) = (*high, *wide);
    // A fused matrix cut into equal pieces.
    for (high, wide, turn) in [(high, wide, false), (wide, high, true)] {
        if wide == width && high > 0 && high < rows && rows.is_multiple_of(high) {
            for piece in 0..rows / high {
                let view = cut(source, piece * high * width, high * width)
                    .map(|parts| joined(source, &[high, width], parts));
                let view = if turn {
                    view.as_ref().and_then(transposed)
                } else {
                    view
                };
                if let Some(view) = view {
                    push(view, format!("piece {piece} of {}", rows / high));
                }
                if piece > 64 {
                    break;
                }
            }
        }
        if high == rows && wide > 0 && wide < width && width.is_multiple_of(wide) {
            for piece in 0..(width / wide).min(64) {
                let view = columns(source, piece * wide, wide);
                let view = if turn {
                    view.as_ref().and_then(transposed)
                } else {
                    view
                };
                if let Some(view) = view {
                    push(view, format!("columns {} of {}", piece, width / wide));
                }
            }
        }
    }
    out
}

fn vector(target: &Tensor, source: &Tensor) -> Vec<View> {
    let mut out = Vec::new();
    let ([long], [short]) = (source.shape.as_slice(), target.shape.as_slice()) else {
        return out;
    };
    if *short > 0 && short < long && long.is_multiple_of(*short) {
        for piece in 0..(long / short).min(64) {
            if let Some(parts) = cut(source, piece * short, *short) {
                out.push(View {
                    tensor: joined(source, &target.shape, parts),
                    how: format!("piece {piece} of {}", long / short),
                    from: vec![source.name.clone()],
                });
            }
        }
    }
    out
}

/// Rows of the source that begin as the target begins.
fn first_rows(target: &Tensor, source: &Tensor, width: u64) -> Vec<u64> {
    let rows = source.shape.first().copied().unwrap_or(0);
    let Some(first) = value(target, 0) else {
        return Vec::new();
    };
    // A row far down is looked up with an index, which the graph keeps.
    (0..rows.min(64))
        .filter(|row| {
            value(source, row * width)
                .is_some_and(|value| (value - first).abs() <= first.abs() * 1e-2)
        })
        .take(4)
        .collect()
}

/// Weights and biases of LSTM, GRU and RNN layers: ONNX orders the gates
/// otherwise and stacks directions and both biases.
pub(super) fn recurrent(
    target: &Tensor,
    operator: &str,
    input: usize,
    source: &Model,
) -> Vec<View> {
    // The place in PyTorch of each gate of ONNX.
    let order: &[u64] = match operator {
        "LSTM" => &[0, 3, 1, 2],
        "GRU" => &[1, 0, 2],
        "RNN" => &[0],
        _ => return Vec::new(),
    };
    let endings: &[&str] = match input {
        1 => &["weight_ih_l"],
        2 => &["weight_hh_l"],
        3 => &["bias_ih_l", "bias_hh_l"],
        _ => return Vec::new(),
    };
    let directions = target.shape.first().copied().unwrap_or(0);
    if !(1..=2).contains(&directions) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for tensor in &source.tensors {
        let Some(at) = tensor
            .name
            .rfind(endings.first().copied().unwrap_or_default())
        else {
            continue;
        };
        let (prefix, rest) = tensor.name.split_at(at);
        let layer = rest
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .to_owned();
        if layer.is_empty() || !layer.chars().all(|c| c.is_ascii_digit()) {
            continue;
        }
        let (mut all, mut from) = (Vec::new(), Vec::new());
        let mut whole = true;
        for direction in 0..directions {
            for ending in endings {
                let suffix = if direction == 1 { "_reverse" } else { "" };
                let name = format!("{prefix}{ending}{layer}{suffix}");
                let gates = order.len() as u64;
                let found = source
                    .tensor(&name)
                    .filter(|found| found.elements().is_multiple_of(gates));
                let Some(found) = found else {
                    whole = false;
                    break;
                };
                let size = found.elements() / gates;
                for gate in order {
                    match cut(found, gate * size, size) {
                        Some(parts) => all.extend(parts),
                        None => whole = false,
                    }
                }
                from.push(name);
            }
        }
        let view = joined(tensor, &target.shape, all);
        if whole && view.size() == tensor.width().unwrap_or(0) * target.elements() {
            out.push(View {
                tensor: view,
                how: "gates in the order of ONNX".to_owned(),
                from,
            });
        }
    }
    out
}
