//! TensorFlow Lite (LiteRT) models.
//!
//! Follows `schema.fbs` of TensorFlow 2.21. Every sub-graph becomes a body, its
//! operators nodes; builtin operators have the schema's names and their options
//! as attributes, custom operators stand in the domain `custom`, those that
//! run TensorFlow's own kernels (Flex) in the domain `flex` under TensorFlow's
//! name. Quantization parameters are attributes of the operators, by operand.
//! The options of custom operators and sparsity are not read.

mod build;
mod options;
mod schema;
mod tensor;
#[cfg(test)]
mod tests;

use modelward_schema::{Span, Why};

use crate::wire::flatbuffer::{File, Table};
use crate::wiring::name;
use crate::{Fit, Format, Input, Session, embedded};

pub(crate) static FORMAT: Format = Format {
    name: "tflite",
    identify,
    read,
};

/// Writers align buffers; more than this behind the end is something.
const MAX_PADDING: u64 = 64;

fn identify(input: &Input<'_>) -> Fit {
    if input.bytes.get(4..8) == Some(b"TFL3") {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let file = File::new(input.bytes);
    let packed = file
        .root()
        .is_some_and(|model| read_model(input, session, &model));
    conclude(input, session, &file, "tflite");
    look_behind(input, session, &file, packed);
}

/// Says what of the file could not be read.
pub(crate) fn conclude(
    input: &Input<'_>,
    session: &mut Session<'_>,
    file: &File<'_>,
    format: &str,
) {
    if let Some(at) = file.broken() {
        let place = input.at(at.min(input.len()), 1);
        session.anomaly(
            &format!("{format}-broken"),
            "an offset leads out of the file",
            place.clone(),
        );
        session.gap(Why::Malformed, "a part of it cannot be read", place);
    }
    if file.is_spent() {
        session.anomaly(
            &format!("{format}-shares-bytes"),
            "the same bytes are used again and again",
            input.whole(),
        );
        session.gap(
            Why::Limit,
            "it uses the same bytes more often than the limit allows",
            input.whole(),
        );
    }
}

/// Looks at what stands behind the end. `packed` tells that files may be
/// packed there.
fn look_behind(input: &Input<'_>, session: &mut Session<'_>, file: &File<'_>, packed: bool) {
    let end = file.end();
    let rest = usize::try_from(end)
        .ok()
        .and_then(|end| input.bytes.get(end..))
        .unwrap_or_default();
    let len = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    let is_declared =
        packed && memchr::memmem::find(rest.get(..64).unwrap_or(rest), b"PK\x03\x04").is_some();
    let found = embedded::look_into(session, input, "(trailing bytes)", rest, end);
    if file.broken().is_none()
        && !is_declared
        && (found || len > MAX_PADDING && rest.iter().any(|byte| *byte != 0))
    {
        session.anomaly(
            "tflite-trailing-bytes",
            format!("{len} bytes follow the end of the model"),
            input.at(end, len),
        );
    }
}

/// Returns whether the model says that files are packed behind it.
fn read_model(input: &Input<'_>, session: &mut Session<'_>, model: &Table<'_, '_>) -> bool {
    if let Some(version) = model.u32(4).filter(|version| *version != 3) {
        session.anomaly(
            "tflite-version",
            format!("its schema version is {version}, readers know 3"),
            input.at(model.at, model.size),
        );
    }
    if let Some(bytes) = model.text(10) {
        let text = String::from_utf8_lossy(bytes);
        embedded::read_text(
            session,
            input,
            "description",
            &text,
            Span::new(model.at, model.size),
        );
    }
    let mut packed = false;
    for entry in model.tables(16).flatten() {
        let key = name(entry.text(4).unwrap_or_default());
        packed |= key == "TFLITE_METADATA";
        session.metadata("metadata", &key, input.at(entry.at, entry.size));
    }
    build::read(input, session, model);
    packed
}
