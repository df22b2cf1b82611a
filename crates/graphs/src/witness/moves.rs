//! Operators that move and put together, and look-ups.

use modelward_schema::Node;

use super::record::Made;
use super::trace::{Soft, Sort, Tracer, array};
use crate::eval::{Array, Refusal};

impl Tracer<'_, '_> {
    pub(crate) fn moves(
        &mut self,
        node: &Node,
        inputs: &[Option<Soft>],
        a: &Soft,
    ) -> Result<Made, Refusal> {
        if node.op == "Gather" && a.sort == Sort::Known {
            return self.look_up(node, inputs);
        }
        if !matches!(a.sort, Sort::Real | Sort::Truth | Sort::Rank) {
            return Ok(Vec::new());
        }
        let mut given: Vec<Option<Array>> = inputs
            .iter()
            .map(|soft| soft.as_ref().map(|s| s.hard.clone()))
            .collect();
        if let Some(first) = given.first_mut() {
            *first = Some(array(&a.hard.shape, &a.ids)?);
        }
        if inputs
            .iter()
            .skip(1)
            .flatten()
            .any(|soft| soft.sort != Sort::Known)
        {
            self.blind = true;
        }
        Ok(self
            .moved(node, given)?
            .into_iter()
            .map(|ids| (a.sort, ids))
            .collect())
    }

    /// Entries of a narrow table, picked by what varies.
    fn look_up(&mut self, node: &Node, inputs: &[Option<Soft>]) -> Result<Made, Refusal> {
        let (Some(Some(table)), Some(Some(at))) = (inputs.first(), inputs.get(1)) else {
            return Ok(Vec::new());
        };
        let first = !node
            .attributes
            .iter()
            .any(|a| a.name == "axis" && a.value != modelward_schema::Setting::Int(0));
        let rows = table.hard.dim(0);
        let columns = table.hard.len().checked_div(rows).unwrap_or(0);
        if !first || at.sort != Sort::Real || columns == 0 || columns > 4 || rows > 300_000 {
            return Ok(Vec::new());
        }
        let entries = table.hard.reals()?.into_owned();
        let tables: Vec<(u32, u32)> = (0..columns)
            .map(|column| {
                let list: Vec<f64> = entries
                    .iter()
                    .skip(column)
                    .step_by(columns)
                    .copied()
                    .collect();
                self.tape.table(&list)
            })
            .collect();
        let mut ids = Vec::with_capacity(at.ids.len().saturating_mul(columns));
        for id in &at.ids {
            for table in &tables {
                ids.push(self.tape.entry(*id, *table));
            }
        }
        Ok(vec![(Sort::Real, ids)])
    }

    /// Operators that put several tensors together.
    pub(crate) fn places(&mut self, node: &Node, inputs: &[Option<Soft>]) -> Result<Made, Refusal> {
        let data: &[usize] = match node.op.as_str() {
            "ScatterND" | "ScatterElements" => &[0, 2],
            "Pad" => &[0, 2],
            _ => &[],
        };
        let reduces = node.attributes.iter().any(|a| {
            a.name == "reduction" && a.value != modelward_schema::Setting::Text("none".to_owned())
        });
        let used = |at: usize| data.is_empty() || data.contains(&at);
        let softs: Vec<&Soft> = inputs
            .iter()
            .enumerate()
            .filter(|(at, _)| used(*at))
            .filter_map(|(_, s)| s.as_ref())
            .collect();
        let movable = |soft: &&&Soft| !matches!(soft.sort, Sort::Known | Sort::Blind);
        let Some(sort) = softs.iter().find(movable).map(|soft| soft.sort) else {
            return Ok(Vec::new());
        };
        if reduces || sort == Sort::Rank {
            return Ok(Vec::new());
        }
        let truth = sort == Sort::Truth && softs.iter().all(|soft| soft.sort != Sort::Real);
        let mut given = Vec::with_capacity(inputs.len());
        for (at, soft) in inputs.iter().enumerate() {
            given.push(match soft {
                Some(soft) if used(at) => {
                    let ids = if truth {
                        self.truths(soft)?
                    } else {
                        self.numbers(soft)?
                    };
                    Some(array(&soft.hard.shape, &ids)?)
                }
                Some(soft) => Some(soft.hard.clone()),
                None => None,
            });
        }
        let sort = if truth { Sort::Truth } else { Sort::Real };
        Ok(self
            .moved(node, given)?
            .into_iter()
            .map(|ids| (sort, ids))
            .collect())
    }
}
