//! What is known about names: the allowed vocabulary, as data.
//!
//! The tables under `vocabulary/` are compiled in and read once, when the first
//! pickle is judged. Their form is described at the top of `standard.txt` and
//! `capabilities.txt`.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

const ENTRIES: [&str; 3] = [
    include_str!("vocabulary/standard.txt"),
    include_str!("vocabulary/numeric.txt"),
    include_str!("vocabulary/learning.txt"),
];
const CAPABILITIES: &str = include_str!("vocabulary/capabilities.txt");
const PACKAGES: &str = include_str!("vocabulary/packages.txt");
const MODULES: &str = include_str!("vocabulary/modules.txt");

/// What a name could do; see `capabilities.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Capability {
    Process,
    Code,
    Import,
    Install,
    Load,
    Bytecode,
    Indirect,
    Read,
    Write,
    Network,
    State,
    Defence,
}

impl Capability {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "process" => Self::Process,
            "code" => Self::Code,
            "import" => Self::Import,
            "install" => Self::Install,
            "load" => Self::Load,
            "bytecode" => Self::Bytecode,
            "indirect" => Self::Indirect,
            "read" => Self::Read,
            "write" => Self::Write,
            "network" => Self::Network,
            "state" => Self::State,
            "defence" => Self::Defence,
            _ => return None,
        })
    }
}

/// What may be done with a name. A signature is the rest of its line.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) calls: Vec<&'static str>,
    pub(crate) class: Option<&'static str>,
    pub(crate) value: bool,
}

/// Where a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Standard,
    /// A package whose classes are known to be plain.
    Package,
    /// The script that wrote the pickle.
    Main,
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Vocabulary {
    entries: HashMap<&'static str, Entry>,
    aliases: HashMap<&'static str, &'static str>,
    capabilities: HashMap<&'static str, Capability>,
    beginnings: Vec<(&'static str, Capability)>,
    acting: HashSet<&'static str>,
    packages: HashSet<&'static str>,
    modules: HashSet<&'static str>,
}

pub(crate) fn vocabulary() -> &'static Vocabulary {
    static TABLE: OnceLock<Vocabulary> = OnceLock::new();
    TABLE.get_or_init(read)
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn read() -> Vocabulary {
    let mut table = Vocabulary {
        entries: HashMap::with_capacity(1024),
        aliases: HashMap::new(),
        capabilities: HashMap::with_capacity(1500),
        beginnings: Vec::new(),
        acting: HashSet::new(),
        packages: lines(PACKAGES).collect(),
        modules: lines(MODULES).collect(),
    };
    for line in ENTRIES.into_iter().flat_map(lines) {
        let (how, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, signature) = rest.split_once(' ').unwrap_or((rest, ""));
        if how == "alias" {
            table.aliases.insert(name, signature);
            continue;
        }
        if how == "acting" {
            table.acting.insert(name);
            continue;
        }
        let entry = table.entries.entry(name).or_default();
        match how {
            "call" => entry.calls.push(signature),
            "class" => entry.class = Some(signature),
            _ => entry.value = true,
        }
    }
    for line in lines(CAPABILITIES) {
        let mut words = line.split_whitespace();
        let Some(capability) = words.next().and_then(Capability::parse) else {
            continue;
        };
        for name in words {
            if let Some(beginning) = name.strip_suffix('*') {
                table.beginnings.push((beginning, capability));
            } else {
                table.capabilities.insert(name, capability);
            }
        }
    }
    table
}

impl Vocabulary {
    /// The name that the tables use for the same thing.
    pub(crate) fn canonical(&self, name: &str) -> String {
        let mut name = name.to_owned();
        // An alias may lead to another; two steps are the longest chain.
        for _ in 0..4 {
            if let Some(to) = self.aliases.get(name.as_str()) {
                (*to).clone_into(&mut name);
                continue;
            }
            let longer = name.rmatch_indices('.').find_map(|(at, _)| {
                let (head, tail) = name.split_at(at + 1);
                self.aliases.get(head).map(|to| format!("{to}{tail}"))
            });
            match longer {
                Some(next) if next != name => name = next,
                _ => break,
            }
        }
        name
    }

    pub(crate) fn entry(&self, canonical: &str) -> Option<&Entry> {
        self.entries.get(canonical)
    }

    /// The longest entry of the capability table that covers the name.
    pub(crate) fn capability(&self, canonical: &str) -> Option<Capability> {
        let beginnings = self
            .beginnings
            .iter()
            .filter(|(beginning, _)| canonical.starts_with(beginning))
            .map(|(beginning, capability)| (beginning.len(), *capability));
        let mut head = canonical;
        let whole = loop {
            if let Some(capability) = self.capabilities.get(head) {
                break Some((head.len(), *capability));
            }
            match head.rsplit_once('.') {
                Some((shorter, _)) => head = shorter,
                None => break None,
            }
        };
        beginnings
            .chain(whole)
            .max_by_key(|(len, _)| *len)
            .map(|(_, capability)| capability)
    }

    /// The name itself stands in the capability table.
    pub(crate) fn names_exactly(&self, canonical: &str) -> bool {
        self.capabilities.contains_key(canonical)
    }

    /// A class of a known package that acts when it is made from state.
    pub(crate) fn acts(&self, canonical: &str) -> bool {
        let mut head = canonical;
        loop {
            if self.acting.contains(head) {
                return true;
            }
            match head.rsplit_once('.') {
                Some((shorter, _)) => head = shorter,
                None => return false,
            }
        }
    }

    pub(crate) fn origin(&self, canonical: &str) -> Origin {
        let root = root(canonical);
        if root == "__main__" || root == "__mp_main__" {
            Origin::Main
        } else if self.packages.contains(root) {
            Origin::Package
        } else if self.modules.contains(root) {
            Origin::Standard
        } else {
            Origin::Unknown
        }
    }

    /// The known package or module that the unknown one is taken for: one
    /// letter added, dropped, changed or swapped.
    pub(crate) fn resembles(&self, canonical: &str) -> Option<&'static str> {
        let root = root(canonical);
        if root.len() < 4 || self.packages.contains(root) || self.modules.contains(root) {
            return None;
        }
        // Short names are near each other by chance.
        let packages = self.packages.iter().filter(|known| known.len() >= 5);
        let modules = self.modules.iter().filter(|known| known.len() >= 7);
        let mut near: Vec<&'static str> = packages
            .chain(modules)
            .copied()
            .filter(|known| one_step(known.as_bytes(), root.as_bytes()))
            .collect();
        near.sort_unstable();
        near.first().copied()
    }
}

pub(crate) fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

pub(crate) fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether the last part is written like a class.
pub(crate) fn class_shaped(name: &str) -> bool {
    last(name)
        .trim_start_matches('_')
        .starts_with(|c: char| c.is_uppercase())
}

/// Whether one edit or one swap of neighbours turns one into the other.
fn one_step(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if b.len() - a.len() > 1 || a == b {
        return false;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    if a.len() < b.len() {
        return a == &b[1..];
    }
    a[1..] == b[1..] || (a.len() > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_layouts_are_the_same_name() {
        let table = vocabulary();
        for (old, new) in [
            (
                "numpy._core.multiarray.scalar",
                "numpy.core.multiarray.scalar",
            ),
            ("copy_reg._reconstructor", "copyreg._reconstructor"),
            ("posix.system", "os.system"),
            ("__builtin__.xrange", "builtins.range"),
            (
                "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
                "joblib.numpy_pickle.NumpyArrayWrapper",
            ),
        ] {
            assert_eq!(table.canonical(old), new);
        }
    }

    #[test]
    fn the_longest_capability_wins() {
        let table = vocabulary();
        assert_eq!(table.capability("os.system"), Some(Capability::Process));
        assert_eq!(table.capability("os.execvp"), Some(Capability::Process));
        assert_eq!(table.capability("os.remove"), Some(Capability::Write));
        assert_eq!(table.capability("numpy.mean"), None);
    }

    #[test]
    fn a_typing_error_is_noticed_and_another_name_is_not() {
        let table = vocabulary();
        assert_eq!(table.resembles("trch.nn.Linear"), Some("torch"));
        assert_eq!(table.resembles("nmupy.ndarray"), Some("numpy"));
        assert_eq!(table.resembles("pandsa.DataFrame"), Some("pandas"));
        assert_eq!(table.resembles("mylib.Model"), None);
        assert_eq!(table.resembles("torch.nn.Linear"), None);
    }

    #[test]
    fn every_line_of_the_tables_is_understood() {
        for line in ENTRIES.into_iter().flat_map(lines) {
            let how = line.split(' ').next().unwrap_or("");
            assert!(
                ["call", "class", "value", "alias", "acting"].contains(&how),
                "{line}"
            );
        }
        for line in lines(CAPABILITIES) {
            let word = line.split(' ').next().unwrap_or("");
            assert!(Capability::parse(word).is_some(), "{line}");
        }
    }
}
