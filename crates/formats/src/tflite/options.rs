//! Options of builtin operators as attributes.

use modelward_schema::{Attribute, Setting};

use super::schema;
use crate::wire::flatbuffer::Table;
use crate::wiring::name;

/// Entries kept of a list.
const MAX_LIST: usize = 4096;

/// `operator` is an `Operator` of the schema.
pub(super) fn read(operator: &Table<'_, '_>, bodies: &[u32]) -> Vec<Attribute> {
    let mut out = Vec::new();
    for (second, kind, slot) in [(false, 10, 12), (true, 26, 28)] {
        let Some(member) = operator.u8(kind).filter(|member| *member != 0) else {
            continue;
        };
        let Some(table) = operator.table(slot) else {
            continue;
        };
        for field in schema::options(second, member) {
            // Defaults are not written; a reader of the attributes knows them
            // to be 0.
            if let Some(value) = setting(&table, field, bodies) {
                out.push(Attribute {
                    name: field.name.to_owned(),
                    value,
                });
            }
        }
    }
    out
}

fn setting(table: &Table<'_, '_>, field: schema::Field, bodies: &[u32]) -> Option<Setting> {
    let slot = field.slot;
    let number = match field.kind {
        "bool" => return table.u8(slot).map(|byte| Setting::Bool(byte != 0)),
        "f32" => {
            return table
                .f32(slot)
                .map(|number| Setting::Float(f64::from(number)));
        }
        "text" => return table.text(slot).map(|bytes| Setting::Text(name(bytes))),
        "[f32]" => {
            let numbers = table.f32s(slot).into_iter().take(MAX_LIST).map(f64::from);
            return Some(Setting::Floats(numbers.collect()));
        }
        "[i32]" | "[u32]" => {
            let numbers = table.i32s(slot);
            if field.name == "branch_subgraph_indices" {
                let found = numbers
                    .iter()
                    .filter_map(|number| body(bodies, i64::from(*number)));
                return Some(Setting::Bodies(found.collect()));
            }
            let numbers = numbers.into_iter().take(MAX_LIST).map(i64::from);
            return Some(Setting::Ints(numbers.collect()));
        }
        "[i64]" => {
            let mut numbers = table.i64s(slot);
            numbers.truncate(MAX_LIST);
            return Some(Setting::Ints(numbers));
        }
        "[bool]" | "[u8]" => {
            let bytes = table.text(slot)?;
            let numbers = bytes.iter().take(MAX_LIST).map(|byte| i64::from(*byte));
            return Some(Setting::Ints(numbers.collect()));
        }
        "i8" => table.i8(slot).map(i64::from),
        "u8" => table.u8(slot).map(i64::from),
        "i16" => table.i16(slot).map(i64::from),
        "i32" => table.i32(slot).map(i64::from),
        "u32" => table.u32(slot).map(i64::from),
        "i64" => table.i64(slot),
        _ => None,
    };
    // A sub-graph of number 0 is written as a default.
    if field.name == "subgraph" || field.name.ends_with("subgraph_index") {
        return Some(match body(bodies, number.unwrap_or(0)) {
            Some(body) => Setting::Body(body),
            None => Setting::Other(format!("sub-graph {}", number.unwrap_or(0))),
        });
    }
    let number = number?;
    Some(
        if field.name.ends_with("data_type") || field.name.ends_with("output_type") {
            Setting::Dtype(schema::dtype(number))
        } else {
            Setting::Int(number)
        },
    )
}

fn body(bodies: &[u32], index: i64) -> Option<u32> {
    bodies.get(usize::try_from(index).ok()?).copied()
}
