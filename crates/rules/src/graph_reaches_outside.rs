#![doc = include_str!("graph_reaches_outside.md")]

use modelward_schema::{Code, Confidence, Facts, Severity, Term, Via};

use crate::{Findings, Rule, way_out};

pub(crate) static RULE: Rule = Rule {
    id: "graph-reaches-outside",
    title: "a graph reads or writes files, or talks to a network",
    severity: Severity::High,
    frameworks: &["CWE-73", "CWE-918", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; export the model again without its input pipeline and its logging",
    page: include_str!("graph_reaches_outside.md"),
    check,
};

/// What an operator of TensorFlow does beyond computing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    ReadsFile,
    WritesFile,
    Network,
    /// Loads a graph that the model brings along as bytes.
    Graph,
    /// Loads or saves weights and vocabularies, as every model's loader does.
    Loader,
    Prints,
}

static REACHES: &[(Reach, &[&str])] = &[
    (
        Reach::ReadsFile,
        &[
            "CSVDataset", "CSVDatasetV2", "ExperimentalCSVDataset", "ExperimentalLMDBDataset",
            "ExperimentalMatchingFilesDataset", "ExperimentalSqlDataset",
            "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "FixedLengthRecordReader",
            "FixedLengthRecordReaderV2", "GenerateVocabRemapping", "ImmutableConst", "LMDBDataset",
            "LMDBReader", "ListSnapshotChunksDataset", "LoadAndRemapMatrix", "LoadDataset",
            "MatchingFiles", "MatchingFilesDataset", "ReadFile", "RecordInput",
            "SnapshotChunkDataset", "SnapshotDatasetReader", "SnapshotNestedDatasetReader",
            "SqlDataset", "TFRecordDataset", "TFRecordDatasetV2", "TFRecordReader",
            "TFRecordReaderV2", "TextLineDataset", "TextLineReader", "TextLineReaderV2",
            "WholeFileReader", "WholeFileReaderV2",
        ],
    ),
    (
        Reach::WritesFile,
        &[
            "CacheDataset", "CacheDatasetV2", "CreateSummaryDbWriter", "CreateSummaryFileWriter",
            "DatasetToTFRecord", "DistributedSave", "ExperimentalDatasetToTFRecord", "ImportEvent",
            "SaveDataset", "SaveDatasetV2", "SnapshotDataset", "SnapshotDatasetV2",
            "WriteAudioSummary", "WriteFile", "WriteGraphSummary", "WriteHistogramSummary",
            "WriteImageSummary", "WriteRawProtoSummary", "WriteScalarSummary", "WriteSummary",
        ],
    ),
    (
        Reach::Network,
        &[
            "BigQueryReader", "CloudBigtableClient", "CollectiveBcastRecv",
            "CollectiveBcastRecvV2", "CollectiveBcastSend", "CollectiveBcastSendV2",
            "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3",
            "DataServiceDatasetV4", "DebugGradientIdentity", "DebugIdentity", "DebugIdentityV2",
            "DebugIdentityV3", "DebugNanCount", "DebugNumericSummary", "DebugNumericSummaryV2",
            "FileSystemSetConfiguration", "KafkaDataset", "RegisterDataset", "RegisterDatasetV2",
            "RemoteCall", "Rpc", "RpcCall", "RpcCheckStatus", "RpcClient", "RpcGetValue",
            "RpcServer", "RpcServerRegister", "RpcServerStart", "TryRpc",
        ],
    ),
    (Reach::Graph, &["DatasetFromGraph"]),
    (
        Reach::Loader,
        &[
            "InitializeTableFromTextFile", "InitializeTableFromTextFileV2", "MergeV2Checkpoints",
            "Restore", "RestoreSlice", "RestoreV2", "Save", "SaveSlices", "SaveV2",
        ],
    ),
    (Reach::Prints, &["Print", "PrintV2"]),
];

fn check(facts: &Facts, out: &mut Findings) {
    for code in facts.code.iter().filter(|code| code.via == Via::Tensorflow) {
        let Some(reach) = reach(code) else { continue };
        let (severity, what) = judge(code, reach);
        out.graded(severity, Confidence::High, &code.at, what);
    }
}

/// Whether this rule speaks of the operator.
pub(crate) fn is_known(code: &Code) -> bool {
    reach(code).is_some()
}

fn reach(code: &Code) -> Option<Reach> {
    let operator = code.target.strip_prefix("tf::")?;
    REACHES
        .iter()
        .find(|(_, names)| names.contains(&operator))
        .map(|(reach, _)| *reach)
}

fn judge(code: &Code, reach: Reach) -> (Severity, String) {
    let target = &code.target;
    let named = names(code)
        .map(|name| format!(", {name:?}"))
        .collect::<Vec<_>>();
    let named = named.first().map_or("", String::as_str);
    match reach {
        Reach::ReadsFile => (
            Severity::High,
            format!("running the graph reads a file with {target}{named}"),
        ),
        Reach::WritesFile => (
            Severity::High,
            format!("running the graph writes a file with {target}{named}"),
        ),
        Reach::Network => (
            Severity::High,
            format!("running the graph talks to other machines with {target}{named}"),
        ),
        Reach::Graph => (
            Severity::Medium,
            format!("running the graph loads another one from bytes with {target}"),
        ),
        Reach::Loader => match names(code).find_map(way_out::find) {
            Some(way) => (
                Severity::High,
                format!("running the graph loads or saves{named} with {target}, which {way}"),
            ),
            None => (
                Severity::Low,
                format!("{target} stands in the graph outside of the model's own saver"),
            ),
        },
        Reach::Prints => match stream(code) {
            Some(file) => (
                Severity::High,
                format!("running the graph writes what it prints to {file:?}"),
            ),
            None => (
                Severity::Low,
                format!("running the graph prints values with {target}"),
            ),
        },
    }
}

/// Texts that the operator is given: its file, first of all.
fn names(code: &Code) -> impl Iterator<Item = &str> {
    let given = code.args.iter().chain(code.kwargs.iter().map(|(_, term)| term));
    given
        .flat_map(|term| match term {
            Term::List { items, .. } => items.as_slice(),
            term => std::slice::from_ref(term),
        })
        .filter_map(Term::as_str)
        .filter(|text| !text.is_empty())
}

/// The file that `PrintV2` writes to.
fn stream(code: &Code) -> Option<&str> {
    let (_, term) = code.kwargs.iter().find(|(name, _)| name == "output_stream")?;
    term.as_str().filter(|text| text.starts_with("file:"))
}
