//! Records a slice of a graph on a tape, while it is run on one input.
//!
//! Next to every tensor that depends on the input stands a tensor of places on
//! the tape. Operators that only move elements move the places alike, by the
//! very same code; for the others see [`super::record`]. What cannot be
//! recorded is blind: its value is known, its slope is not.

use std::collections::{BTreeMap, HashMap};

use modelward_schema::{Attribute, Node, Setting};

use super::tape::{Curve, Id, Tape};
use crate::eval::{Array, Budget, Kind, Machine, Refusal};

/// What the places of a tensor stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Does not depend on the variables; there are no places.
    Known,
    Real,
    /// The robustness of a Boolean, or of a number that is 0 or 1.
    Truth,
    /// Entries of [`Tracer::ranks`].
    Rank,
    Blind,
}

#[derive(Debug, Clone)]
pub(crate) struct Soft {
    pub(crate) hard: Array,
    pub(crate) sort: Sort,
    pub(crate) ids: Vec<Id>,
}

/// "Which of these is the nth largest."
#[derive(Debug, Clone)]
pub(crate) struct Rank {
    pub(crate) lane: Vec<Id>,
    pub(crate) nth: usize,
    /// Who is it now.
    pub(crate) now: usize,
}

pub(crate) struct Tracer<'m, 'a> {
    pub(crate) machine: &'m Machine<'a>,
    pub(crate) tape: Tape,
    pub(crate) ranks: Vec<Rank>,
    pub(crate) values: HashMap<u32, Soft>,
    constants: HashMap<u64, Id>,
    pub(crate) budget: Budget,
    /// True when something that depends on the variables went unrecorded.
    pub(crate) blind: bool,
    /// Moduli of remainders that were taken.
    pub(crate) moduli: Vec<(u32, i64)>,
}

/// Elements of an input that may vary: input value, flat index.
pub(crate) type Variable = (u32, usize);

impl<'m, 'a> Tracer<'m, 'a> {
    pub(crate) fn new(machine: &'m Machine<'a>, budget: Budget) -> Self {
        Self {
            machine,
            tape: Tape::new(),
            ranks: Vec::new(),
            values: HashMap::new(),
            constants: HashMap::new(),
            budget,
            blind: false,
            moduli: Vec::new(),
        }
    }

    /// Runs `order` on `feeds`, of which the elements of `free` are variables.
    pub(crate) fn trace(
        &mut self,
        order: &[u32],
        feeds: &BTreeMap<u32, Array>,
        free: &[u32],
    ) -> Result<Vec<Variable>, Refusal> {
        let mut variables = Vec::new();
        for (value, array) in feeds {
            let soft = if free.contains(value) && array.kind != Kind::Text {
                let mut ids = Vec::with_capacity(array.len());
                for at in 0..array.len() {
                    ids.push(self.tape.variable());
                    variables.push((*value, at));
                }
                Soft {
                    hard: array.clone(),
                    sort: Sort::Real,
                    ids,
                }
            } else {
                known(array.clone())
            };
            self.values.insert(*value, soft);
        }
        for node in order {
            if let Some(node) = self.machine.node(*node) {
                self.node(node, 0)?;
            }
        }
        Ok(variables)
    }

    fn get(&self, value: u32) -> Result<Soft, Refusal> {
        if let Some(soft) = self.values.get(&value) {
            return Ok(soft.clone());
        }
        self.machine
            .constant_of(value)
            .map(known)
            .ok_or_else(|| Refusal::Nonsense("a value that nothing makes".to_owned()))
    }

    fn node(&mut self, node: &Node, depth: usize) -> Result<(), Refusal> {
        let inputs = node
            .inputs
            .iter()
            .map(|value| value.map(|value| self.get(value)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let body = self.machine.body_for(
            node,
            inputs
                .first()
                .and_then(Option::as_ref)
                .map(|soft| &soft.hard),
        );
        if let Some((body, binds)) = body {
            return self.inline(node, body, binds.then_some(inputs), depth);
        }
        let hard: Vec<Option<Array>> = inputs
            .iter()
            .map(|soft| soft.as_ref().map(|soft| soft.hard.clone()))
            .collect();
        let moving = inputs.iter().flatten().any(|soft| soft.sort != Sort::Known);
        if moving && node.op == "Scan" && self.unroll(node, &inputs, depth)? {
            return Ok(());
        }
        let made = if node.op == "Loop" || node.op == "Scan" {
            self.aside(node)?
        } else {
            self.machine
                .call(node, &node.attributes, hard, &mut self.budget)?
        };
        let soft = if moving && !self.tape.is_full() {
            self.record(node, &inputs, &made)?
        } else {
            Vec::new()
        };
        let mut soft = soft.into_iter();
        for (value, array) in node.outputs.iter().zip(made) {
            let next = soft.next().filter(|(_, ids)| ids.len() == array.len());
            let Some(value) = value else { continue };
            let soft = match next {
                Some((sort, ids)) => Soft {
                    hard: array,
                    sort,
                    ids,
                },
                None if moving => {
                    self.blind = true;
                    Soft {
                        hard: array,
                        sort: Sort::Blind,
                        ids: Vec::new(),
                    }
                }
                None => known(array),
            };
            self.values.insert(*value, soft);
        }
        Ok(())
    }

    /// A node with bodies, run as the evaluator runs it.
    fn aside(&mut self, node: &Node) -> Result<Vec<Array>, Refusal> {
        let mut run = crate::eval::Run {
            budget: self.budget,
            ..crate::eval::Run::default()
        };
        for value in self.machine.needs(node)? {
            if let Some(soft) = self.values.get(&value) {
                run.feeds.insert(value, soft.hard.clone());
            }
        }
        let wanted: Vec<u32> = node.outputs.iter().flatten().copied().collect();
        let made = self.machine.run(&mut run, &wanted)?;
        self.budget = run.budget;
        self.blind = true;
        Ok(made)
    }

    /// A local function or the branch that is taken, recorded in place.
    fn inline(
        &mut self,
        node: &Node,
        body: u32,
        inputs: Option<Vec<Option<Soft>>>,
        depth: usize,
    ) -> Result<(), Refusal> {
        let (order, formal, results) = self.machine.unfold(body)?;
        if depth > 8 {
            return Err(Refusal::Nonsense("bodies nested too deep".to_owned()));
        }
        for (value, soft) in formal.iter().zip(inputs.into_iter().flatten()) {
            if let Some(soft) = soft {
                self.values.insert(*value, soft);
            }
        }
        for inner in order {
            if let Some(inner) = self.machine.node(inner) {
                if inner
                    .attributes
                    .iter()
                    .any(|a| matches!(a.value, Setting::Caller(_)))
                {
                    let mut own = inner.clone();
                    own.attributes = crate::eval::resolve(inner, &node.attributes);
                    self.node(&own, depth.saturating_add(1))?;
                } else {
                    self.node(inner, depth.saturating_add(1))?;
                }
            }
        }
        for (value, result) in node.outputs.iter().zip(results) {
            if let Some(value) = value {
                let soft = self.get(result)?;
                self.values.insert(*value, soft);
            }
        }
        Ok(())
    }

    /// A scan over few rows, recorded row by row.
    fn unroll(
        &mut self,
        node: &Node,
        inputs: &[Option<Soft>],
        depth: usize,
    ) -> Result<bool, Refusal> {
        let int = |name: &str| {
            node.attributes
                .iter()
                .find_map(|attribute| match attribute.value {
                    Setting::Int(n) if attribute.name == name => usize::try_from(n).ok(),
                    _ => None,
                })
        };
        let Some(body) = crate::eval::bodies(node).next() else {
            return Ok(false);
        };
        let (order, formal, results) = self.machine.unfold(body)?;
        let states = inputs
            .len()
            .saturating_sub(int("num_scan_inputs").unwrap_or(0));
        let all: Vec<Soft> = inputs.iter().flatten().cloned().collect();
        let (first, rows) = all.split_at_checked(states).unwrap_or((&all, &[]));
        let steps = rows.first().map_or(0, |row| row.hard.dim(0));
        // Lists that a scan yields are left to the evaluator.
        if steps == 0 || steps > 256 || depth > 4 || node.outputs.len() > states {
            return Ok(false);
        }
        let mut carried = first.to_vec();
        for step in 0..steps {
            let at = Array::ints(Kind::I64, vec![], vec![crate::eval::long_of(step)])?;
            let mut given = carried.clone();
            for row in rows {
                let pick = Node {
                    op: "Gather".to_owned(),
                    outputs: vec![None],
                    ..Node::default()
                };
                let hard = self.machine.call(
                    &pick,
                    &[],
                    vec![Some(row.hard.clone()), Some(at.clone())],
                    &mut self.budget,
                )?;
                let ids = if row.ids.is_empty() {
                    Vec::new()
                } else {
                    self.moved_by(
                        "Gather",
                        None,
                        vec![Some(array(&row.hard.shape, &row.ids)?), Some(at.clone())],
                    )?
                };
                let hard = hard.into_iter().next().ok_or(Refusal::Budget)?;
                given.push(Soft {
                    hard,
                    sort: row.sort,
                    ids,
                });
            }
            for (value, soft) in formal.iter().zip(given) {
                self.values.insert(*value, soft);
            }
            for inner in &order {
                if let Some(inner) = self.machine.node(*inner) {
                    self.node(inner, depth.saturating_add(1))?;
                }
            }
            carried = results
                .iter()
                .take(states)
                .map(|value| self.get(*value))
                .collect::<Result<_, _>>()?;
        }
        for (value, soft) in node.outputs.iter().zip(carried) {
            if let Some(value) = value {
                self.values.insert(*value, soft);
            }
        }
        Ok(true)
    }

    /// Places for a known or blind tensor: constants.
    pub(crate) fn fixed(&mut self, hard: &Array) -> Result<Vec<Id>, Refusal> {
        let reals = hard.reals()?.into_owned();
        Ok(reals
            .iter()
            .map(|x| {
                if let Some(id) = self.constants.get(&x.to_bits()) {
                    return *id;
                }
                let id = self.tape.constant(*x);
                self.constants.insert(x.to_bits(), id);
                id
            })
            .collect())
    }

    /// Places as numbers.
    pub(crate) fn numbers(&mut self, soft: &Soft) -> Result<Vec<Id>, Refusal> {
        match soft.sort {
            Sort::Real => Ok(soft.ids.clone()),
            Sort::Truth => Ok(soft
                .ids
                .iter()
                .map(|id| self.tape.push(super::tape::Rule::Curve(Curve::Step, *id)))
                .collect()),
            _ => self.fixed(&soft.hard),
        }
    }

    /// Places as robustness.
    pub(crate) fn truths(&mut self, soft: &Soft) -> Result<Vec<Id>, Refusal> {
        match soft.sort {
            Sort::Truth => Ok(soft.ids.clone()),
            Sort::Real => {
                let half = self.tape.constant(-0.5);
                Ok(soft
                    .ids
                    .iter()
                    .map(|id| self.tape.sum(&[(*id, 1.0), (half, 1.0)]))
                    .collect())
            }
            _ => {
                let reals = soft.hard.reals()?.into_owned();
                let (yes, no) = (self.tape.constant(1.0), self.tape.constant(-1.0));
                Ok(reals
                    .iter()
                    .map(|x| if *x == 0.0 { no } else { yes })
                    .collect())
            }
        }
    }

    /// One operator of the evaluator on places instead of elements.
    pub(crate) fn moved(
        &mut self,
        node: &Node,
        inputs: Vec<Option<Array>>,
    ) -> Result<Vec<Vec<Id>>, Refusal> {
        let made = self
            .machine
            .call(node, &node.attributes, inputs, &mut self.budget)?;
        made.iter()
            .map(|array| {
                Ok(array
                    .as_ints()?
                    .iter()
                    .map(|n| u32::try_from(*n).unwrap_or(0))
                    .collect())
            })
            .collect()
    }

    /// As [`Self::moved`], for an operator that the graph does not have.
    pub(crate) fn moved_by(
        &mut self,
        op: &str,
        setting: Option<(&str, i64)>,
        inputs: Vec<Option<Array>>,
    ) -> Result<Vec<Id>, Refusal> {
        let node = Node {
            op: op.to_owned(),
            outputs: vec![None],
            attributes: setting
                .into_iter()
                .map(|(name, n)| Attribute {
                    name: name.to_owned(),
                    value: Setting::Int(n),
                })
                .collect(),
            ..Node::default()
        };
        Ok(self
            .moved(&node, inputs)?
            .into_iter()
            .next()
            .unwrap_or_default())
    }
}

pub(crate) fn known(hard: Array) -> Soft {
    Soft {
        hard,
        sort: Sort::Known,
        ids: Vec::new(),
    }
}

/// Places as a tensor that the evaluator can move.
pub(crate) fn array(shape: &[usize], ids: &[Id]) -> Result<Array, Refusal> {
    Array::ints(
        Kind::I64,
        shape.to_vec(),
        ids.iter().map(|id| i64::from(*id)).collect(),
    )
}
