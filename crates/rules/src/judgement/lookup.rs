//! Names that are looked up and handed on, but not called.

use modelward_schema::{Code, Severity};

use super::{Around, Kind, Verdict, graded, render, shape};
use crate::vocabulary::{Origin, class_shaped, last};

pub(super) fn judge(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let place = (code.at.path.as_str(), code.target.as_str());
    if around.used.contains(&place) || around.blamed.contains(&place) {
        return None;
    }
    let table = around.table;
    let name = table.canonical(&code.target);
    let shown = render::name(&code.target);
    if name.is_empty() || name.split('.').any(|part| part.starts_with('?')) {
        return Some(Verdict::new(
            Kind::ComputesNames,
            Severity::High,
            format!("imports something whose name it computes: {shown}"),
        ));
    }
    if table.entry(&name).is_some() {
        return None;
    }
    let origin = table.origin(&name);
    let class = class_shaped(&name);
    let handed = |severity, what: &str| {
        Some(Verdict::new(
            Kind::NamesFunction,
            severity,
            format!("imports {shown} and hands it on, {what}"),
        ))
    };
    let plain_class =
        origin == Origin::Package && class && !table.acts(&name) && !table.names_exactly(&name);
    if plain_class {
        return None;
    }
    if let Some(capability) = table.capability(&name) {
        let (_, severity, words) = graded(capability);
        return handed(severity, &format!("which {words} when it is called"));
    }
    match origin {
        Origin::Package if shape::sounds_risky(last(&name)) => handed(
            Severity::High,
            "a function that no serializer of that package names",
        ),
        Origin::Package => handed(Severity::Low, "a function of a known package"),
        Origin::Standard if class => handed(Severity::Low, "a class of the standard library"),
        Origin::Standard => handed(Severity::Medium, "which no known serializer does"),
        Origin::Main => handed(
            Severity::Medium,
            "a name of the script that wrote the file, which the file does not contain",
        ),
        Origin::Unknown => match table.resembles(&name) {
            Some(known) => handed(
                Severity::High,
                &format!("a name that is easily taken for {known}"),
            ),
            None => handed(Severity::Medium, "which is not known"),
        },
    }
}
