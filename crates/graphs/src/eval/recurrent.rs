//! RNN, LSTM and GRU with the standard activations, both directions.

use super::array::{Array, Kind};
use super::call::Call;
use super::number::{from_end, index};
use super::refusal::{Refusal, refuse};
use super::unary::sigmoid;

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Vec<Array>>, Refusal> {
    let (gates, states) = match call.op {
        "RNN" => (1, 1),
        "GRU" => (3, 1),
        "LSTM" => (4, 2),
        _ => return Ok(None),
    };
    if call.float("clip").is_some()
        || call.flag("layout", false)
        || call.flag("input_forget", false)
    {
        return Err(call.unknown());
    }
    let standard = |list: &[String]| {
        let each: &[&str] = match call.op {
            "RNN" => &["Tanh"],
            "GRU" => &["Sigmoid", "Tanh"],
            _ => &["Sigmoid", "Tanh", "Tanh"],
        };
        list.iter().zip(each.iter().cycle()).all(|(a, b)| a == b)
    };
    if call
        .texts("activations")
        .is_some_and(|list| !standard(list))
    {
        return Err(call.unknown());
    }
    let x = call.input(0)?.clone();
    let [steps, batch, width] = x.shape[..] else {
        return Err(refuse("a sequence that is none"));
    };
    let (w, r) = (call.input(1)?.clone(), call.input(2)?.clone());
    let hidden = call.int("hidden_size").and_then(index).unwrap_or(r.dim(2));
    let directions = w.dim(0);
    let rows = hidden.checked_mul(gates).ok_or(Refusal::Budget)?;
    if w.shape != [directions, rows, width]
        || r.shape != [directions, rows, hidden]
        || directions == 0
        || directions > 2
    {
        return Err(refuse("weights that do not fit"));
    }
    let state_len = batch.checked_mul(hidden).ok_or(Refusal::Budget)?;
    call.budget.elements(state_len)?;
    call.budget
        .product(&[directions, steps, batch, rows, width.saturating_add(hidden)])?;
    let total = [steps, directions, state_len]
        .iter()
        .try_fold(1_usize, |all, n| all.checked_mul(*n))
        .ok_or(Refusal::Budget)?;
    call.budget.elements(total)?;
    let lens: Option<Vec<i64>> = call
        .given(4)
        .map(|l| l.as_ints().map(<[i64]>::to_vec))
        .transpose()?;
    let numbers = |array: Option<&Array>| -> Result<Vec<f64>, Refusal> {
        array.map_or(Ok(Vec::new()), |a| a.as_floats().map(<[f64]>::to_vec))
    };
    let (xs, ws, rs) = (numbers(Some(&x))?, numbers(Some(&w))?, numbers(Some(&r))?);
    let bias = numbers(call.given(3))?;
    let first = numbers(call.given(5))?;
    let cell = numbers(call.given(6).filter(|_| states == 2))?;
    let peep = numbers(call.given(7).filter(|_| states == 2))?;
    let after = call.flag("linear_before_reset", false);
    let reverse_first = call.text("direction") == Some("reverse");

    let mut y = vec![0.0; total];
    let (mut last_h, mut last_c) = (Vec::new(), Vec::new());
    for direction in 0..directions {
        let part = |all: &[f64], len: usize, default: f64| -> Vec<f64> {
            let from = direction.wrapping_mul(len);
            let mut own = all
                .get(from..from.saturating_add(len))
                .unwrap_or(&[])
                .to_vec();
            own.resize(len, default);
            own
        };
        let layer = Layer {
            op: call.op,
            hidden,
            width,
            w: part(&ws, rows.wrapping_mul(width), 0.0),
            r: part(&rs, rows.wrapping_mul(hidden), 0.0),
            b: part(&bias, rows.wrapping_mul(2), 0.0),
            p: part(&peep, hidden.wrapping_mul(3), 0.0),
            after,
        };
        let mut h = part(&first, state_len, 0.0);
        let mut c = part(&cell, state_len, 0.0);
        let backwards = reverse_first || direction == 1;
        for nth in 0..batch {
            let len = match &lens {
                Some(lens) => lens
                    .get(nth)
                    .and_then(|len| from_end(*len, steps.saturating_add(1)))
                    .ok_or_else(|| refuse("a length beyond the sequence"))?,
                None => steps,
            };
            let own = nth.wrapping_mul(hidden)..nth.wrapping_add(1).wrapping_mul(hidden);
            let mut hs = h.get(own.clone()).unwrap_or(&[]).to_vec();
            let mut cs = c.get(own.clone()).unwrap_or(&[]).to_vec();
            for step in 0..len {
                let t = if backwards {
                    len.saturating_sub(step).saturating_sub(1)
                } else {
                    step
                };
                let from = t.wrapping_mul(batch).wrapping_add(nth).wrapping_mul(width);
                layer.step(
                    xs.get(from..from.saturating_add(width)).unwrap_or(&[]),
                    &mut hs,
                    &mut cs,
                );
                let to = t
                    .wrapping_mul(directions)
                    .wrapping_add(direction)
                    .wrapping_mul(batch)
                    .wrapping_add(nth)
                    .wrapping_mul(hidden);
                if let Some(slot) = y.get_mut(to..to.saturating_add(hidden)) {
                    slot.copy_from_slice(&hs);
                }
            }
            if let Some(slot) = h.get_mut(own.clone()) {
                slot.copy_from_slice(&hs);
            }
            if let Some(slot) = c.get_mut(own) {
                slot.copy_from_slice(&cs);
            }
        }
        last_h.extend(h);
        last_c.extend(c);
    }
    let state = vec![directions, batch, hidden];
    let mut out = vec![
        Array::floats(x.kind, vec![steps, directions, batch, hidden], y)?,
        Array::floats(x.kind, state.clone(), last_h)?,
    ];
    if states == 2 {
        out.push(Array::floats(x.kind, state, last_c)?);
    }
    Ok(Some(out))
}

/// One direction's weights.
struct Layer<'a> {
    op: &'a str,
    hidden: usize,
    width: usize,
    w: Vec<f64>,
    r: Vec<f64>,
    b: Vec<f64>,
    p: Vec<f64>,
    after: bool,
}

fn dot(a: Option<&[f64]>, b: &[f64]) -> f64 {
    a.unwrap_or(&[]).iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Layer<'_> {
    fn row(list: &[f64], row: usize, width: usize) -> Option<&[f64]> {
        let from = row.wrapping_mul(width);
        list.get(from..from.saturating_add(width))
    }

    fn bias(&self, row: usize, recurrent: bool) -> f64 {
        let half = self.b.len() / 2;
        let at = if recurrent {
            row.saturating_add(half)
        } else {
            row
        };
        self.b.get(at).copied().unwrap_or(0.0)
    }

    fn input(&self, row: usize, x: &[f64]) -> f64 {
        dot(Self::row(&self.w, row, self.width), x) + self.bias(row, false)
    }

    fn recur(&self, row: usize, h: &[f64]) -> f64 {
        dot(Self::row(&self.r, row, self.hidden), h) + self.bias(row, true)
    }

    fn step(&self, x: &[f64], h: &mut Vec<f64>, c: &mut [f64]) {
        let n = self.hidden;
        let row = |gate: usize, at: usize| gate.wrapping_mul(n).wrapping_add(at);
        let round = |x: f64| Kind::F32.round(x);
        let next: Vec<f64> = match self.op {
            "RNN" => (0..n)
                .map(|at| (self.input(at, x) + self.recur(at, h)).tanh())
                .collect(),
            "GRU" => {
                let gate = |g: usize, at: usize| {
                    sigmoid(self.input(row(g, at), x) + self.recur(row(g, at), h))
                };
                let reset: Vec<f64> = (0..n).map(|at| gate(1, at)).collect();
                let kept: Vec<f64> = h.iter().zip(&reset).map(|(h, r)| h * r).collect();
                h.iter()
                    .zip(&reset)
                    .enumerate()
                    .map(|(at, (old, r))| {
                        let past = if self.after {
                            r * self.recur(row(2, at), h)
                        } else {
                            self.recur(row(2, at), &kept)
                        };
                        let new = (self.input(row(2, at), x) + past).tanh();
                        let z = gate(0, at);
                        (1.0 - z) * new + z * old
                    })
                    .collect()
            }
            _ => {
                let peep = |g: usize, at: usize| self.p.get(row(g, at)).copied().unwrap_or(0.0);
                let gate =
                    |g: usize, at: usize| self.input(row(g, at), x) + self.recur(row(g, at), h);
                c.iter_mut()
                    .enumerate()
                    .map(|(at, c)| {
                        let i = sigmoid(gate(0, at) + peep(0, at) * *c);
                        let f = sigmoid(gate(2, at) + peep(2, at) * *c);
                        *c = round(f * *c + i * gate(3, at).tanh());
                        sigmoid(gate(1, at) + peep(1, at) * *c) * c.tanh()
                    })
                    .collect()
            }
        };
        *h = next.into_iter().map(round).collect();
    }
}
