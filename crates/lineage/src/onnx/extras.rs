//! What an ONNX model carries besides its graph and weights.

use super::file::Onnx;
use crate::model::Model;
use crate::proof::{Difference, Proof};

/// Keys that tools add and that change nothing.
const TOOLS: [&str; 3] = ["onnx.infer", "onnx.quant.pre_process", "olive"];

/// Metadata, bytes between external data, and what was not read.
pub(super) fn check(onnx: &Onnx, model: &Model, before: &[(String, String)], proof: &mut Proof) {
    for unread in &onnx.unread {
        proof.lower(crate::Grade::Claimed, format!("{}: {unread}", onnx.path));
    }
    for (key, value) in &onnx.metadata {
        let held = before.iter().find(|(k, _)| k == key).map(|(_, v)| v);
        let tool = TOOLS.iter().any(|known| key.starts_with(known)) || key.starts_with("pkg.");
        if held == Some(value) || (held.is_none() && tool) {
            continue;
        }
        proof.differs(Difference {
            key: format!("ONNX metadata: {key}"),
            source: held.cloned(),
            target: Some(value.clone()),
            refutes: true,
        });
    }
    for (key, value) in before {
        if !onnx.metadata.iter().any(|(k, _)| k == key) {
            proof.note(format!("the ONNX metadata {key} = {value} is gone"));
        }
    }
    between(onnx, model, proof);
}

/// Bytes of files beside the model that no tensor takes and that are not zero.
fn between(onnx: &Onnx, model: &Model, proof: &mut Proof) {
    for (path, spans) in &onnx.outside {
        let Some(file) = model.file(path) else {
            continue;
        };
        let mut spans = spans.clone();
        spans.sort_unstable();
        spans.push((file.size, 0));
        let mut at = 0;
        for (start, len) in spans {
            if start > at {
                match first_nonzero(file.bytes.as_ref(), at, start) {
                    Ok(None) => {}
                    Ok(Some(place)) => proof.unexplained(format!(
                        "{path}: bytes {at} to {start}, not zero at {place}, that no tensor takes"
                    )),
                    Err(why) => proof.lower(crate::Grade::Claimed, format!("{path}: {why}")),
                }
            }
            at = at.max(start.saturating_add(len));
        }
    }
}

fn first_nonzero(
    bytes: &dyn crate::bytes::Bytes,
    mut at: u64,
    end: u64,
) -> Result<Option<u64>, String> {
    let mut buffer = vec![0; 1 << 16];
    while at < end {
        let len = (end - at).min(1 << 16);
        let buffer = buffer
            .get_mut(..usize::try_from(len).unwrap_or(0))
            .unwrap_or_default();
        bytes
            .read_at(at, buffer)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        if let Some(place) = buffer.iter().position(|byte| *byte != 0) {
            return Ok(Some(at + place as u64));
        }
        at += len;
    }
    Ok(None)
}
