//! Jupyter notebooks (nbformat 4): the source of their code cells.

use modelward_schema::Location;

use crate::wire::json::{Event, Events};
use crate::{Input, Session, python};

/// Hands every code cell to the Python reader. Opening a notebook runs
/// nothing, so what its cells do is not reached by loading.
pub(super) fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let mut cell = Cell::default();
    let mut keys: Vec<String> = Vec::new();
    for token in Events::new(input.bytes).map_while(Result::ok) {
        match token.event {
            Event::Key(key) => {
                if let Some(last) = keys.last_mut() {
                    *last = key.decode().into_owned();
                }
            }
            Event::ObjectStart | Event::ArrayStart => {
                if keys.len() > 64 {
                    return;
                }
                keys.push(String::new());
            }
            Event::ObjectEnd | Event::ArrayEnd => {
                keys.pop();
                if keys.len() == 2 && token.event == Event::ObjectEnd {
                    std::mem::take(&mut cell).tell(input, session);
                }
            }
            Event::String(text) => {
                let parts: Vec<&str> = keys.iter().map(String::as_str).collect();
                match parts.as_slice() {
                    ["cells", "", "cell_type"] => cell.code = text.decode() == "code",
                    ["cells", "", "source"] | ["cells", "", "source", ""] => {
                        if cell.source.is_empty() {
                            cell.at = Some(input.at(token.start, token.len()));
                        }
                        cell.source.push_str(&text.decode());
                    }
                    _ => {}
                }
            }
            Event::Number(_) | Event::Bool(_) | Event::Null => {}
        }
    }
}

#[derive(Debug, Default)]
struct Cell {
    code: bool,
    source: String,
    at: Option<Location>,
}

impl Cell {
    fn tell(self, input: &Input<'_>, session: &mut Session<'_>) {
        if self.code {
            let at = self.at.unwrap_or_else(|| input.whole());
            python::read_cell(&self.source, &at, session);
        }
    }
}
