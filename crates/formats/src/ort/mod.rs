//! ONNX Runtime's own format (`.ort`): an ONNX graph as the runtime has it in
//! memory, in FlatBuffers.
//!
//! Follows `ort.fbs` of ONNX Runtime. Operators, attributes and types are
//! ONNX's, after the runtime's optimisations; sub-graphs are bodies that see
//! the values around them. Saved runtime optimisations and kernel constraints
//! are not read, nor tensors whose data lie in another file.

mod build;
#[cfg(test)]
mod tests;

use modelward_schema::Span;

use crate::tflite::conclude;
use crate::wire::flatbuffer::{File, Table};
use crate::{Fit, Format, Input, Session, embedded};

pub(crate) static FORMAT: Format = Format {
    name: "ort",
    identify,
    read,
};

fn identify(input: &Input<'_>) -> Fit {
    if input.bytes.get(4..8) == Some(b"ORTM") {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let file = File::new(input.bytes);
    let root = file.root();
    if let Some(version) = root.and_then(|root| root.text(4)) {
        let text = String::from_utf8_lossy(version);
        session.metadata("ort_version", &text, input.whole());
    }
    if let Some(model) = root.and_then(|root| root.table(6)) {
        read_texts(input, session, &model);
        build::read(input, session, &model);
    }
    conclude(input, session, &file, "ort");
}

fn read_texts(input: &Input<'_>, session: &mut Session<'_>, model: &Table<'_, '_>) {
    let place = Span::new(model.at, model.size);
    for (slot, key) in [(16, "doc_string"), (20, "doc_string"), (12, "domain")] {
        if let Some(bytes) = model.text(slot).filter(|bytes| !bytes.is_empty()) {
            let text = String::from_utf8_lossy(bytes);
            embedded::read_text(session, input, key, &text, place);
        }
    }
    for entry in model.tables(22).flatten() {
        let key = crate::wiring::name(entry.text(4).unwrap_or_default());
        let value = String::from_utf8_lossy(entry.text(6).unwrap_or_default()).into_owned();
        let span = Span::new(entry.at, entry.size);
        embedded::read_text(session, input, &key, &value, span);
    }
}
