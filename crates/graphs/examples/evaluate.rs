//! Runs models on inputs with the evaluator, for comparisons with other
//! runtimes: each line of standard input names a model, an `.npz` of inputs
//! and an `.npz` to write the outputs to. It answers `ok` or why not.
#![allow(
    clippy::print_stdout,
    reason = "what it answers goes to the script that drives it"
)]

use std::borrow::Cow;
use std::io::BufRead;

use modelward_formats::Limits;
use modelward_graphs::eval::{Machine, Run, Weights};
use modelward_graphs::npz;
use modelward_schema::Location;

struct File(Vec<u8>);

impl Weights for File {
    fn bytes(&self, at: &Location) -> Option<Cow<'_, [u8]>> {
        let span = at.span?;
        let start = usize::try_from(span.start).ok()?;
        let end = start.checked_add(usize::try_from(span.len).ok()?)?;
        self.0.get(start..end).map(Cow::Borrowed)
    }
}

fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [model, inputs, outputs] = words[..] else {
            continue;
        };
        match evaluate(model, inputs, outputs) {
            Ok(()) => println!("ok"),
            Err(why) => println!("{why}"),
        }
    }
}

fn evaluate(model: &str, inputs: &str, outputs: &str) -> Result<(), String> {
    let bytes = std::fs::read(model).map_err(|why| why.to_string())?;
    let facts = modelward_formats::read(model, &bytes, &Limits::default());
    let wiring = facts.wirings.first().ok_or("no graph")?;
    let file = File(bytes);
    let machine = Machine::new(wiring, &file);
    let arrays = npz::read(&std::fs::read(inputs).map_err(|why| why.to_string())?)?;
    let mut run = Run::default();
    for value in machine.inputs() {
        let name = machine.value(value).map(|value| value.name.as_str());
        if let Some((_, array)) = arrays
            .iter()
            .find(|(known, _)| Some(known.as_str()) == name)
        {
            run.feeds.insert(value, array.clone());
        }
    }
    let wanted = machine.outputs();
    let made = machine
        .run(&mut run, &wanted)
        .map_err(|why| why.to_string())?;
    let named: Vec<_> = (0..)
        .zip(made)
        .map(|(nth, array)| (format!("{nth}"), array))
        .collect();
    let bytes = npz::write(&named).ok_or("an output without a form in .npz")?;
    std::fs::write(outputs, bytes).map_err(|why| why.to_string())
}
