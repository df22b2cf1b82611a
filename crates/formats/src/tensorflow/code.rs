//! Operators that reach out of the graph: Python, files, networks, libraries
//! of somebody else. Named here with what they are given; rules judge.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use modelward_schema::{Action, Code, Node, Setting, Span, Term, Via, Wiring};

use super::{CONTROL, File, text};

/// Operators listed by name.
const MAX_NAMES: usize = 50_000;
/// Uses told one by one; further ones of the same operator are counted.
const MAX_USES: usize = 1000;
/// Nodes looked at to find where a file name comes from.
const MAX_STEPS: usize = 64;
const MAX_ARGUMENTS: usize = 16;

/// Operators of TensorFlow that do more than compute.
const OUTSIDE: &[&str] = &[
    "CSVDataset",
    "CSVDatasetV2",
    "CacheDataset",
    "CacheDatasetV2",
    "CollectiveBcastRecv",
    "CollectiveBcastRecvV2",
    "CollectiveBcastSend",
    "CollectiveBcastSendV2",
    "CreateSummaryDbWriter",
    "CreateSummaryFileWriter",
    "DataServiceDataset",
    "DataServiceDatasetV2",
    "DataServiceDatasetV3",
    "DataServiceDatasetV4",
    "DatasetFromGraph",
    "DatasetToTFRecord",
    "DebugGradientIdentity",
    "DebugIdentity",
    "DebugIdentityV2",
    "DebugIdentityV3",
    "DebugNanCount",
    "DebugNumericSummary",
    "DebugNumericSummaryV2",
    "DistributedSave",
    "EagerPyFunc",
    "ExperimentalCSVDataset",
    "ExperimentalDatasetToTFRecord",
    "ExperimentalLMDBDataset",
    "ExperimentalMatchingFilesDataset",
    "ExperimentalSqlDataset",
    "FileSystemSetConfiguration",
    "FixedLengthRecordDataset",
    "FixedLengthRecordDatasetV2",
    "FixedLengthRecordReader",
    "FixedLengthRecordReaderV2",
    "GenerateVocabRemapping",
    "ImmutableConst",
    "ImportEvent",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "LMDBDataset",
    "LMDBReader",
    "ListSnapshotChunksDataset",
    "LoadAndRemapMatrix",
    "LoadDataset",
    "MatchingFiles",
    "MatchingFilesDataset",
    "MergeV2Checkpoints",
    "Print",
    "PrintV2",
    "PyFunc",
    "PyFuncStateless",
    "ReadFile",
    "RecordInput",
    "RegisterDataset",
    "RegisterDatasetV2",
    "RemoteCall",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "RpcCall",
    "RpcCheckStatus",
    "RpcClient",
    "RpcGetValue",
    "RpcServer",
    "RpcServerRegister",
    "RpcServerStart",
    "Save",
    "SaveDataset",
    "SaveDatasetV2",
    "SaveSlices",
    "SaveV2",
    "SnapshotChunkDataset",
    "SnapshotDataset",
    "SnapshotDatasetReader",
    "SnapshotDatasetV2",
    "SnapshotNestedDatasetReader",
    "SqlDataset",
    "TFRecordDataset",
    "TFRecordDatasetV2",
    "TFRecordReader",
    "TFRecordReaderV2",
    "TextLineDataset",
    "TextLineReader",
    "TextLineReaderV2",
    "WholeFileReader",
    "WholeFileReaderV2",
    "WriteAudioSummary",
    "WriteFile",
    "WriteGraphSummary",
    "WriteHistogramSummary",
    "WriteImageSummary",
    "WriteRawProtoSummary",
    "WriteScalarSummary",
    "WriteSummary",
];

/// Operators that every SavedModel has for its own weights and vocabularies,
/// with the input that names the file.
const LOADERS: &[(&str, usize)] = &[
    ("InitializeTableFromTextFile", 1),
    ("InitializeTableFromTextFileV2", 1),
    ("MergeV2Checkpoints", 0),
    ("Restore", 0),
    ("RestoreSlice", 0),
    ("RestoreV2", 0),
    ("Save", 0),
    ("SaveSlices", 0),
    ("SaveV2", 0),
];

pub(crate) fn is_outside(operator: &str) -> bool {
    OUTSIDE.binary_search(&operator).is_ok()
}

/// An operator and the texts that each of its inputs is known to be.
type Call<'w> = (&'w str, Vec<Option<Vec<&'w str>>>);

/// How often each operator stands, and the nodes to be looked at.
#[derive(Debug, Default)]
pub(super) struct Uses {
    operators: BTreeMap<String, u64>,
    custom: BTreeSet<String>,
    pub(super) nodes: u64,
    kept: Vec<u32>,
}

impl Uses {
    pub(super) fn count(&mut self, operator: &str, custom: bool) {
        self.nodes = self.nodes.saturating_add(1);
        if let Some(count) = self.operators.get_mut(operator) {
            *count = count.saturating_add(1);
        } else if self.operators.len() < MAX_NAMES {
            self.operators.insert(operator.to_owned(), 1);
            if custom {
                self.custom.insert(operator.to_owned());
            }
        }
    }

    pub(super) fn keep(&mut self, node: u32) {
        self.kept.push(node);
    }

    pub(super) fn operators(&self) -> BTreeMap<String, u64> {
        self.operators
            .iter()
            .map(|(name, count)| (full(name), *count))
            .collect()
    }

    pub(super) fn custom(&self) -> Vec<String> {
        self.custom.iter().map(|name| full(name)).collect()
    }
}

/// What a model says of the files that its own loader hands to it.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// There is a saver, so its nodes are in the graph.
    pub(super) saver: bool,
    /// Names of nodes that hold the path of an asset.
    pub(super) assets: BTreeSet<String>,
}

fn full(operator: &str) -> String {
    format!("tf::{operator}")
}

pub(super) fn report(file: &mut File<'_, '_, '_, '_>, wiring: &Wiring, uses: &Uses, own: &Own) {
    if uses.kept.is_empty() {
        return;
    }
    let makers = makers(wiring);
    let mut told: HashMap<Call<'_>, usize> = HashMap::new();
    let mut codes: Vec<Code> = Vec::new();
    for node in uses.kept.iter().filter_map(|at| find(wiring, *at)) {
        if is_loaders(wiring, &makers, node, own) {
            continue;
        }
        let texts: Vec<Option<Vec<&str>>> = node
            .inputs
            .iter()
            .take(MAX_ARGUMENTS)
            .map(|input| input.and_then(|input| texts(wiring, &makers, input)))
            .collect();
        let mut key = (node.op.as_str(), texts);
        if codes.len() >= MAX_USES {
            key.1.clear();
        }
        if let Some(code) = told.get(&key).and_then(|at| codes.get_mut(*at)) {
            code.count = code.count.saturating_add(1);
            continue;
        }
        let span = node.span.unwrap_or(Span::new(0, 0));
        codes.push(Code {
            via: Via::Tensorflow,
            action: Action::Call,
            target: full(&node.op),
            written: None,
            args: key.1.iter().map(|texts| term(texts.as_deref())).collect(),
            kwargs: settings(node),
            computed: false,
            reached: true,
            count: 1,
            at: file.input.at(span.start, span.len),
        });
        told.insert(key, codes.len().saturating_sub(1));
    }
    for code in codes {
        file.session.code(code);
    }
}

/// The node that makes each value.
fn makers(wiring: &Wiring) -> Vec<Option<u32>> {
    let mut makers = vec![None; wiring.values.len()];
    for (at, node) in wiring.nodes.iter().enumerate() {
        for output in node.outputs.iter().flatten() {
            let slot = usize::try_from(*output)
                .ok()
                .and_then(|output| makers.get_mut(output));
            if let Some(slot) = slot {
                *slot = u32::try_from(at).ok();
            }
        }
    }
    makers
}

fn find(wiring: &Wiring, node: u32) -> Option<&Node> {
    wiring.nodes.get(usize::try_from(node).ok()?)
}

fn maker<'w>(wiring: &'w Wiring, makers: &[Option<u32>], value: u32) -> Option<&'w Node> {
    let node = makers.get(usize::try_from(value).ok()?)?;
    find(wiring, (*node)?)
}

/// Whether it is the model's own saver or vocabulary, whose file the loader
/// names: it comes from outside of the graph, or is an asset.
fn is_loaders(wiring: &Wiring, makers: &[Option<u32>], node: &Node, own: &Own) -> bool {
    let Some((operator, input)) = LOADERS.iter().find(|(name, _)| *name == node.op) else {
        return false;
    };
    let vocabulary = operator.starts_with("InitializeTable");
    if vocabulary && own.assets.is_empty() || !vocabulary && !own.saver {
        return false;
    }
    let Some(Some(first)) = node.inputs.get(*input) else {
        return false;
    };
    let mut queue = vec![*first];
    for _ in 0..MAX_STEPS {
        let Some(value) = queue.pop() else {
            return false;
        };
        let Some(node) = maker(wiring, makers, value) else {
            return true;
        };
        let fed = node.op == "PlaceholderWithDefault"
            || own.assets.contains(&node.name)
            // The first savers had a constant here that was fed.
            || texts(wiring, makers, value).is_some_and(|texts| texts == ["model"]);
        if fed {
            return true;
        }
        queue.extend(node.inputs.iter().flatten());
    }
    false
}

/// The texts of a constant.
fn texts<'w>(wiring: &'w Wiring, makers: &[Option<u32>], value: u32) -> Option<Vec<&'w str>> {
    let node = maker(wiring, makers, value)?;
    if node.op != "Const" {
        return None;
    }
    let constant = node.attributes.iter().find_map(|one| match &one.value {
        Setting::Constant(at) => wiring.constants.get(usize::try_from(*at).ok()?),
        _ => None,
    })?;
    let texts = constant.texts.as_ref()?;
    Some(
        texts
            .iter()
            .take(MAX_ARGUMENTS)
            .map(String::as_str)
            .collect(),
    )
}

fn term(texts: Option<&[&str]>) -> Term {
    match texts {
        Some([one]) => string(one),
        Some(many) => Term::List {
            items: many.iter().map(|one| string(one)).collect(),
            more: 0,
        },
        None => Term::Unknown,
    }
}

fn string(text: &str) -> Term {
    Term::Str {
        text: text.to_owned(),
        len: u64::try_from(text.len()).unwrap_or(u64::MAX),
    }
}

fn settings(node: &Node) -> Vec<(String, Term)> {
    let mut out = Vec::new();
    for one in node.attributes.iter().filter(|one| one.name != CONTROL) {
        let term = match &one.value {
            Setting::Text(text) if !text.is_empty() => string(&text::cap(text, 1024)),
            Setting::Texts(texts) if texts.iter().any(|text| text.contains(['/', ':'])) => {
                Term::List {
                    items: texts
                        .iter()
                        .take(MAX_ARGUMENTS)
                        .map(|one| string(one))
                        .collect(),
                    more: 0,
                }
            }
            _ => continue,
        };
        out.push((one.name.clone(), term));
        if out.len() >= MAX_ARGUMENTS {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorflow::operators;

    #[test]
    fn the_lists_are_sorted_and_name_real_operators() {
        assert!(OUTSIDE.is_sorted());
        for name in OUTSIDE {
            assert!(operators::is_known(name), "{name}");
        }
        assert!(LOADERS.iter().all(|(name, _)| is_outside(name)));
    }
}
