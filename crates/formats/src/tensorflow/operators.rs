//! The operators that TensorFlow brings along, and what each puts out.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Written by `benches/graphs/tensorflow_operators.py`.
static LIST: &str = include_str!("operators.txt");

static TABLE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect()
});

/// One output argument: one value, or as many as an attribute says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) name: &'static str,
    /// The attribute that says how many.
    pub(super) count: Option<&'static str>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fixed(&'static str),
    /// The attribute that says which type.
    One(&'static str),
    /// The attribute that lists the types, and thereby how many there are.
    List(&'static str),
}

pub(super) fn is_known(operator: &str) -> bool {
    TABLE.contains_key(operator)
}

/// None for an operator that is not TensorFlow's own.
pub(super) fn outputs(operator: &str) -> Option<impl Iterator<Item = Output>> {
    let line: &'static str = TABLE.get(operator)?;
    Some(line.split_ascii_whitespace().filter_map(output))
}

fn output(text: &'static str) -> Option<Output> {
    let at = text.find(['=', ':', '@'])?;
    let (head, tail) = text.split_at_checked(at)?;
    let rest = tail.get(1..)?;
    let kind = match tail.as_bytes().first()? {
        b'=' => Kind::Fixed(rest),
        b':' => Kind::One(rest),
        _ => Kind::List(rest),
    };
    let (name, count) = match head.split_once('*') {
        Some((name, count)) => (name, Some(count)),
        None => (head, None),
    };
    Some(Output { name, count, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_known_by_name_number_and_type() {
        let all = |name| outputs(name).unwrap().collect::<Vec<_>>();
        assert_eq!(all("TopKV2").len(), 2);
        assert_eq!(all("Equal")[0].kind, Kind::Fixed("bool"));
        let split = all("Split")[0];
        assert_eq!(
            (split.count, split.kind),
            (Some("num_split"), Kind::One("T"))
        );
        assert_eq!(all("If")[0].kind, Kind::List("Tout"));
        assert!(all("NoOp").is_empty() && outputs("Nonsense").is_none());
    }
}
