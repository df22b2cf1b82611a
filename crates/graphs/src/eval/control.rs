//! `If`, `Loop` and `Scan`.

use modelward_schema::{Node, Setting};

use super::array::{Array, Kind};
use super::call::Call;
use super::machine::{Machine, State};
use super::number::index;
use super::refusal::{Refusal, refuse};

impl<'a> Machine<'a> {
    pub(super) fn branch(
        &self,
        state: &mut State<'a, '_>,
        node: &Node,
    ) -> Result<Vec<Array>, Refusal> {
        let condition = self.operands(state, node)?.into_iter().next().flatten();
        let yes = condition
            .ok_or_else(|| refuse("a branch without a condition"))?
            .first()?
            != 0.0;
        let name = if yes { "then_branch" } else { "else_branch" };
        let body = body_of(node, name)?;
        self.body(state, body, Vec::new())
    }

    pub(super) fn iterate(
        &self,
        state: &mut State<'a, '_>,
        node: &Node,
    ) -> Result<Vec<Array>, Refusal> {
        let mut inputs = self.operands(state, node)?.into_iter();
        let most = inputs
            .next()
            .flatten()
            .map(|m| m.first_int())
            .transpose()?
            .unwrap_or(i64::MAX);
        let mut go = inputs
            .next()
            .flatten()
            .map(|c| c.first())
            .transpose()?
            .is_none_or(|c| c != 0.0);
        let mut carried: Vec<Option<Array>> = inputs.collect();
        let body = body_of(node, "body")?;
        let mut scanned: Vec<Vec<Array>> = Vec::new();
        let mut count = 0_i64;
        let results = usize::try_from(body)
            .ok()
            .and_then(|at| self.wiring.bodies.get(at))
            .map_or(0, |b| b.outputs.len());
        scanned.resize(
            results.saturating_sub(1).saturating_sub(carried.len()),
            Vec::new(),
        );
        while go && count < most {
            state.run.budget.steps(16)?;
            let mut given = vec![
                Some(Array::ints(Kind::I64, vec![], vec![count])?),
                Some(Array::bools(vec![], [true])?),
            ];
            given.extend(carried.iter().cloned());
            let mut made = self.body(state, body, given)?.into_iter();
            go = made
                .next()
                .ok_or_else(|| refuse("a loop without a condition"))?
                .first()?
                != 0.0;
            for slot in &mut carried {
                *slot = made.next();
            }
            for (list, array) in scanned.iter_mut().zip(made) {
                list.push(array);
            }
            count = count.saturating_add(1);
        }
        let mut out = carried
            .into_iter()
            .map(|array| array.ok_or_else(|| refuse("a loop that carries nothing")))
            .collect::<Result<Vec<_>, _>>()?;
        for list in scanned {
            out.push(stack(state, &list)?);
        }
        Ok(out)
    }

    pub(super) fn scan(
        &self,
        state: &mut State<'a, '_>,
        node: &Node,
    ) -> Result<Vec<Array>, Refusal> {
        let setting = |name: &str| match node
            .attributes
            .iter()
            .find(|a| a.name == name)
            .map(|a| &a.value)
        {
            Some(Setting::Ints(list)) => list.clone(),
            _ => Vec::new(),
        };
        let plain = [
            "scan_input_axes",
            "scan_output_axes",
            "scan_input_directions",
            "scan_output_directions",
        ]
        .iter()
        .all(|name| setting(name).iter().all(|n| *n == 0));
        if !plain || self.opset < 9 {
            return Err(Refusal::Operator("Scan along other axes".to_owned()));
        }
        let count = node
            .attributes
            .iter()
            .find_map(|a| match (&a.name[..], &a.value) {
                ("num_scan_inputs", Setting::Int(n)) => index(*n),
                _ => None,
            });
        let inputs: Vec<Array> = self.operands(state, node)?.into_iter().flatten().collect();
        let states = inputs
            .len()
            .checked_sub(count.unwrap_or(0))
            .ok_or_else(|| refuse("a scan over nothing"))?;
        let (first, rows) = inputs.split_at_checked(states).unwrap_or((&inputs, &[]));
        let mut carried = first.to_vec();
        let body = body_of(node, "body")?;
        let steps = rows.first().map_or(0, |row| row.dim(0));
        let mut scanned: Vec<Vec<Array>> = Vec::new();
        for step in 0..steps {
            state.run.budget.steps(16)?;
            let mut given: Vec<Option<Array>> = carried.iter().cloned().map(Some).collect();
            for row in rows {
                given.push(Some(line(row, step)?));
            }
            let mut made = self.body(state, body, given)?.into_iter();
            carried = made.by_ref().take(states).collect();
            for (nth, array) in made.enumerate() {
                if scanned.len() <= nth {
                    scanned.push(Vec::new());
                }
                if let Some(list) = scanned.get_mut(nth) {
                    list.push(array);
                }
            }
        }
        let mut out = carried;
        for list in scanned {
            out.push(stack(state, &list)?);
        }
        Ok(out)
    }
}

pub(super) fn body_of(node: &Node, name: &str) -> Result<u32, Refusal> {
    node.attributes
        .iter()
        .find_map(|attribute| match &attribute.value {
            Setting::Body(at) if attribute.name == name => Some(*at),
            _ => None,
        })
        .ok_or_else(|| refuse("a body that is not there"))
}

/// Row `at` along the first axis, without it.
fn line(array: &Array, at: usize) -> Result<Array, Refusal> {
    let shape = array.shape.get(1..).unwrap_or(&[]).to_vec();
    let len = super::array::product(&shape)?;
    let from = at.saturating_mul(len);
    let places: Vec<usize> = (from..from.saturating_add(len)).collect();
    array.pick(shape, &places)
}

fn stack(state: &mut State<'_, '_>, list: &[Array]) -> Result<Array, Refusal> {
    if list.is_empty() {
        return Err(refuse("a loop that never ran and yields a list"));
    }
    let parts = list
        .iter()
        .map(|array| {
            let mut shape = vec![1];
            shape.extend(&array.shape);
            array.reshaped(shape)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut call = Call {
        op: "Concat",
        opset: 13,
        attributes: &[],
        constants: Vec::new(),
        inputs: Vec::new(),
        outputs: 1,
        budget: &mut state.run.budget,
    };
    super::layout::join(&mut call, &parts, 0)
}
