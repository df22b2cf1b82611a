//! A whole ONNX graph in `tract`.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use modelward_graphs::eval::{Array, Refusal};
use modelward_graphs::witness::{Feeds, Whole};
use modelward_schema::Wiring;
use tract_onnx::prelude::*;

use crate::convert::{array, datum, tensor};

/// Runs the model that a file holds.
pub struct Engines<'a> {
    wiring: &'a Wiring,
    model: &'a [u8],
}

impl std::fmt::Debug for Engines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engines").finish_non_exhaustive()
    }
}

impl<'a> Engines<'a> {
    /// `model` are the bytes that `wiring` was read from.
    pub fn new(wiring: &'a Wiring, model: &'a [u8]) -> Self {
        Self { wiring, model }
    }

    fn name(&self, value: u32) -> Option<&str> {
        let value = self.wiring.values.get(usize::try_from(value).ok()?)?;
        Some(&value.name)
    }

    fn run(&self, feeds: &Feeds, held: &Feeds) -> TractResult<Vec<Array>> {
        let mut graph = tract_onnx::onnx().model_for_read(&mut Cursor::new(self.model))?;
        let mut given: TVec<TValue> = tvec!();
        let inputs: Vec<OutletId> = graph.input_outlets()?.to_vec();
        for (nth, outlet) in inputs.iter().enumerate() {
            let name = graph.node(outlet.node).name.clone();
            let fed = feeds
                .iter()
                .find(|(value, _)| self.name(**value) == Some(name.as_str()));
            let (_, fed) = need(fed, &format!("input {name} is not given"))?;
            let kind = need(datum(fed.kind), "an input of another kind")?;
            graph.set_input_fact(nth, InferenceFact::dt_shape(kind, &fed.shape))?;
            given.push(need(tensor(fed), "an input of another kind")?.into_tvalue());
        }
        for (value, fixed) in held {
            let name = need(self.name(*value), "a value without a name")?;
            let missing = format!("{name} is not in the engine's graph");
            let outlet = need(graph.find_outlet_label(name), &missing)?;
            let kind = need(datum(fixed.kind), "a value of another kind")?;
            let fact = InferenceFact::dt_shape(kind, &fixed.shape);
            let source = graph.add_source(format!("{name}.held"), fact)?;
            for reader in graph.node(outlet.node).outputs[outlet.slot]
                .successors
                .clone()
            {
                graph.add_edge(source, reader)?;
            }
            let outputs: Vec<OutletId> = graph
                .output_outlets()?
                .iter()
                .map(|output| if *output == outlet { source } else { *output })
                .collect();
            graph.select_output_outlets(&outputs)?;
            given.push(need(tensor(fixed), "a value of another kind")?.into_tvalue());
        }
        let plan = graph.into_typed()?.into_runnable()?;
        let made = plan.run(given)?;
        made.iter()
            .map(|value| need(array(value), "an output of another kind"))
            .collect()
    }
}

fn need<T>(found: Option<T>, why: &str) -> TractResult<T> {
    found.ok_or_else(|| TractError::msg(why.to_owned()))
}

impl Whole for Engines<'_> {
    fn outputs(&self, feeds: &Feeds, held: &Feeds) -> Result<Vec<Array>, Refusal> {
        if self.wiring.framework != "onnx" {
            return Err(Refusal::Operator(format!(
                "graphs of {}",
                self.wiring.framework
            )));
        }
        // The engine has panicked on malformed models before; its panic is a
        // graph that was not run.
        let ran = catch_unwind(AssertUnwindSafe(|| self.run(feeds, held)));
        match ran {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(why)) => Err(Refusal::Nonsense(format!(
                "something the engine does not run: {}",
                why.root_cause()
            ))),
            Err(_) => Err(Refusal::Nonsense(
                "something the engine does not survive".to_owned(),
            )),
        }
    }
}
