//! Calls: allowed by name and arguments, or a finding.

use modelward_schema::{Code, Severity, Term};

use super::{Around, Kind, Verdict, graded, instance, render, shape};
use crate::vocabulary::{Capability, Origin, class_shaped, last};

pub(super) fn judge(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let table = around.table;
    let name = table.canonical(&code.target);
    let shown = || render::call(code);
    if name.is_empty() || name.split('.').any(|part| part.starts_with('?')) {
        return Some(Verdict::new(
            Kind::ComputesNames,
            Severity::High,
            format!("calls something whose name it computes: {}", shown()),
        ));
    }
    if name == "builtins.getattr" {
        return attribute(code, around);
    }
    // How protocols before 4 spell `NEWOBJ_EX`: `Class.__new__(Class, …)`.
    if name.ends_with(".__new__")
        && let Some((Term::Global(class), args)) = code.args.split_first()
    {
        let made = Code {
            target: class.clone(),
            args: args.to_vec(),
            ..code.clone()
        };
        return instance::judge_new(&made, around);
    }
    if let Some(entry) = table.entry(&name)
        && !entry.calls.is_empty()
    {
        return if entry
            .calls
            .iter()
            .any(|signature| shape::fits(table, signature, &code.args))
        {
            None
        } else {
            Some(misuse(code, around, &name))
        };
    }
    let origin = table.origin(&name);
    let rebuilds = origin == Origin::Package && shape::rebuilds(last(&name));
    if let Some(capability) = table.capability(&name)
        // A model that a library packs into its own pickle.
        && !(rebuilds && capability == Capability::Load)
        && !is_member(around, &name, &code.args)
    {
        return Some(named(code, &name, capability));
    }
    let class = class_shaped(&name);
    let plain = code.args.iter().all(shape::is_plain) && code.kwargs.is_empty();
    let error = class && is_error(&name);
    if error && matches!(origin, Origin::Package | Origin::Standard) {
        return None;
    }
    let unknown = |severity, why: &str| {
        Some(Verdict::new(
            Kind::CallsUnknown,
            severity,
            format!("calls {}, {why}", shown()),
        ))
    };
    match origin {
        Origin::Package if rebuilds => unknown(
            Severity::Medium,
            "a rebuilding helper that is not on the list of known ones",
        ),
        Origin::Package
            if class
                && plain
                && !names_things(&code.args)
                && (is_value(&code.args) || !shape::promises_action(last(&name))) =>
        {
            None
        }
        Origin::Package => unknown(Severity::High, "which no serializer of that package does"),
        Origin::Standard => unknown(Severity::High, "which no known serializer does"),
        Origin::Main | Origin::Unknown => {
            if let Some(known) = table.resembles(&name) {
                return unknown(
                    Severity::High,
                    &format!("a name that is easily taken for {known}"),
                );
            }
            let value = class
                && ((plain && !names_things(&code.args)) || error)
                && name.is_ascii()
                && code.args.len() <= 6
                && !shape::promises_action(last(&name));
            if value {
                Some(
                    Verdict::new(
                        Kind::UnknownClass,
                        Severity::Medium,
                        format!("makes {}, a class that is not known", shown()),
                    )
                    .unsure(),
                )
            } else {
                unknown(Severity::High, "which is not known")
            }
        }
    }
}

/// What a call with a known capability does.
fn named(code: &Code, name: &str, capability: Capability) -> Verdict {
    const COMMANDS: [&str; 6] = [
        "os.system",
        "os.popen",
        "os.exec",
        "os.spawn",
        "os.posix_spawn",
        "subprocess.",
    ];
    let (kind, severity, words) = graded(capability);
    let does = if capability == Capability::Bytecode {
        // The code itself would be all arguments and no information.
        format!("{words} with {}; review them", render::name(&code.target))
    } else if COMMANDS.iter().any(|start| name.starts_with(start)) {
        format!("runs the command {}", render::call(code))
    } else {
        format!("{words}: {}", render::call(code))
    };
    Verdict::new(kind, severity, does)
}

/// A member of an enumeration, by its value, in a known package.
fn is_member(around: &Around<'_>, name: &str, args: &[Term]) -> bool {
    around.table.origin(name) == Origin::Package
        && class_shaped(name)
        && matches!(args, [Term::Int(_)])
        && !around.table.acts(name)
        && !around.table.names_exactly(name)
        && !shape::promises_action(last(name))
}

/// Labels among other arguments: a member's name stands alone.
fn names_things(args: &[Term]) -> bool {
    args.len() > 1 && args.iter().any(|arg| arg.as_str().is_some())
}

/// One number or label, as an enumeration's member is stored.
fn is_value(args: &[Term]) -> bool {
    matches!(args, [Term::Int(_) | Term::Str { .. }])
}

fn is_error(name: &str) -> bool {
    [
        "Error",
        "Exception",
        "Warning",
        "StopIteration",
        "KeyboardInterrupt",
        "SystemExit",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

/// An allowed name with arguments that no serializer writes. When one of them
/// is dangerous, that is what it is about.
fn misuse(code: &Code, around: &Around<'_>, name: &str) -> Verdict {
    let dangerous = code.args.iter().find_map(|arg| {
        let global = shape::global(arg)?;
        let canonical = around.table.canonical(global);
        if around.table.entry(&canonical).is_some() {
            return None;
        }
        around.table.capability(&canonical)
    });
    if let Some(capability) = dangerous {
        let (kind, severity, words) = graded(capability);
        return Verdict::new(
            kind,
            severity,
            format!("{words} through {}", render::call(code)),
        );
    }
    let class = around
        .table
        .entry(name)
        .is_some_and(|entry| entry.class.is_some());
    Verdict::new(
        Kind::MisusesConstructor,
        Severity::High,
        format!(
            "calls {} with arguments that no serializer writes{}",
            render::call(code),
            if class { "" } else { " for it" }
        ),
    )
}

/// `getattr`: bound methods and nested classes are honest, attributes of
/// modules and functions are not.
fn attribute(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let table = around.table;
    let computes = |severity| {
        Some(Verdict::new(
            Kind::ComputesNames,
            severity,
            format!("fetches an attribute by name: {}", render::call(code)),
        ))
    };
    let (Some(owner), Some(Term::Str { text, .. })) = (code.args.first(), code.args.get(1)) else {
        return computes(Severity::High);
    };
    let identifier = text.len() <= 128 && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let makes = text == "__new__" && matches!(owner, Term::Global(name) if class_shaped(name));
    if (text.starts_with("__") && !makes) || !identifier {
        return computes(Severity::Critical);
    }
    let Term::Global(global) = owner else {
        // A method of an object that the pickle made.
        return match owner {
            Term::Unknown => computes(Severity::High),
            Term::Result { target, .. }
                if table.origin(&table.canonical(target)) == Origin::Standard =>
            {
                let target = table.canonical(target);
                let known = table
                    .entry(&target)
                    .is_some_and(|entry| entry.class.is_some() || !entry.calls.is_empty());
                if known && !shape::sounds_risky(text) {
                    None
                } else {
                    computes(Severity::High)
                }
            }
            _ => None,
        };
    };
    let owner = table.canonical(global);
    let whole = table.canonical(&format!("{owner}.{text}"));
    if table.entry(&whole).is_some() {
        return None;
    }
    if let Some(capability) = table.capability(&whole) {
        let (kind, severity, words) = graded(capability);
        return Some(Verdict::new(
            kind,
            severity,
            format!("{words} by way of {}", render::call(code)),
        ));
    }
    let builtin = table
        .entry(&owner)
        .is_some_and(|entry| entry.class.is_some() && owner.starts_with("builtins."));
    let type_of_time = owner.starts_with("datetime.");
    if builtin || type_of_time {
        return None;
    }
    if !class_shaped(&owner) {
        // Some classes are written like modules. What a module imported for
        // itself is never theirs.
        let class = table.origin(text) == Origin::Unknown && !shape::sounds_risky(text);
        return computes(match table.origin(&owner) {
            Origin::Package if class => Severity::Medium,
            Origin::Unknown => Severity::High,
            _ => Severity::Critical,
        });
    }
    match table.origin(&owner) {
        Origin::Package => None,
        Origin::Standard if table.entry(&owner).is_some() => None,
        Origin::Standard => computes(Severity::High),
        Origin::Main | Origin::Unknown => computes(Severity::Medium),
    }
}
