//! One picture of the model, from which every format is written.

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Facts, ReferenceKind, Report, Severity, Tier};

use crate::architecture::{self, Weights};
use crate::card::{self, Card};
use crate::disagreement::{self, Disagreement};
use crate::facts::{all, first};
use crate::package::{self, Requirement};
use crate::{Known, Missing, licence};

/// A model this one was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ancestor {
    pub name: String,
    /// `sha256:…`, when somebody vouches for one.
    pub digest: Option<String>,
    /// `quantize`, `fine-tune`…; empty when nobody says.
    pub transformation: String,
    /// `manifest`, `model card`, `provenance by <key>`…
    pub told_by: String,
}

/// A signature or statement file beside the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Relative to the model.
    pub path: String,
    /// Hex SHA-256.
    pub sha256: String,
    /// A signature over the model; otherwise statements about it.
    pub signature: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) size: u64,
    /// Hex SHA-256.
    pub(crate) sha256: Option<String>,
    pub(crate) format: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) revision: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) told_by: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) now: String,
    pub(crate) tool_version: String,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Hex of the OMS root digest.
    pub(crate) digest: Option<String>,
    pub(crate) purl: String,
    pub(crate) download: Option<String>,
    pub(crate) supplier: Option<String>,
    pub(crate) released: Option<String>,
    pub(crate) files: Vec<File>,
    /// `llama`, `bert`…
    pub(crate) family: Option<String>,
    /// `LlamaForCausalLM`…
    pub(crate) architecture: Option<String>,
    pub(crate) card: Card,
    /// A valid SPDX expression.
    pub(crate) licence: Option<String>,
    pub(crate) intended_use: Option<String>,
    /// `high`…
    pub(crate) tier: Option<&'static str>,
    pub(crate) sizes: BTreeMap<String, String>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) datasets: Vec<Dataset>,
    pub(crate) ancestors: Vec<Ancestor>,
    pub(crate) attached: Vec<Attached>,
    pub(crate) disagreements: Vec<Disagreement>,
    /// What the bytes hold, as names and values for people.
    pub(crate) properties: Vec<(String, String)>,
}

/// Operators, callees and the like that are named one by one.
const MOST: usize = 50;

pub(crate) fn gather(report: &Report, known: &Known) -> Summary {
    let facts = &report.facts;
    let manifest = report.manifest.as_ref();
    let source = manifest.map(|manifest| &manifest.source);
    let repo = report.artifact.source.repo.as_deref();
    let card = card::read(facts);
    let weights = architecture::weigh(facts);
    let name = repo.unwrap_or(&report.artifact.name).to_owned();
    let version = report
        .artifact
        .version
        .clone()
        .or_else(|| report.artifact.source.revision.clone());
    let hub = |repo: &str| format!("https://huggingface.co/{repo}");
    let publisher = || {
        repo.and_then(|repo| repo.split_once('/'))
            .map(|(org, _)| org.to_owned())
    };
    Summary {
        now: known.now.clone(),
        tool_version: report.tool.version.clone(),
        digest: report
            .artifact
            .digest
            .as_deref()
            .map(|digest| digest.trim_start_matches("sha256:").to_owned()),
        purl: package::model_purl(repo, &report.artifact.name, version.as_deref()),
        download: source
            .and_then(|source| source.url.clone())
            .or_else(|| repo.map(hub)),
        supplier: known
            .supplier
            .clone()
            .or_else(|| source.and_then(|source| source.publisher.clone()))
            .or_else(publisher),
        released: known.released.clone(),
        files: files(report),
        family: first(facts, &["model_type", "general.architecture"]).map(str::to_owned),
        architecture: first(facts, &["architectures[0]", "_class_name"]).map(str::to_owned),
        licence: card.licence.as_deref().and_then(licence::expression),
        intended_use: manifest.map(|manifest| manifest.use_case.intended_use.clone()),
        tier: manifest
            .and_then(|manifest| manifest.tier)
            .map(Tier::as_str),
        sizes: sizes(facts),
        requirements: requirements(facts),
        datasets: datasets(report),
        ancestors: ancestors(report, known),
        attached: known.attached.clone(),
        disagreements: disagreement::find(facts, &card, &weights, &name),
        properties: properties(report, &weights),
        version,
        name,
        card,
    }
}

impl Summary {
    /// The musts of SPDX's AI profile; the same questions a reader of any bill has.
    pub(crate) fn missing(&self) -> Vec<Missing> {
        let musts = [
            (
                self.released.is_none(),
                "releaseTime",
                "the option --released TIME",
            ),
            (
                self.supplier.is_none(),
                "suppliedBy",
                "source.publisher of modelward.yaml, or the option --supplier NAME",
            ),
            (
                self.download.is_none(),
                "downloadLocation",
                "source.url of modelward.yaml",
            ),
            (
                self.version.is_none(),
                "packageVersion",
                "version of modelward.yaml",
            ),
            (
                self.licence.is_none(),
                "hasConcludedLicense, hasDeclaredLicense",
                "license in the front matter of README.md, as an SPDX identifier",
            ),
        ];
        musts
            .into_iter()
            .filter(|(missing, _, _)| *missing)
            .map(|(_, field, remedy)| Missing { field, remedy })
            .collect()
    }
}

fn files(report: &Report) -> Vec<File> {
    let format = |path: &str| {
        let fact = report.facts.files.iter().find(|file| file.path == path);
        fact.map_or_else(|| "unread".to_owned(), |file| file.format.clone())
    };
    let tracked = report.artifact.files.iter().map(|file| File {
        path: file.path.clone(),
        size: file.size,
        sha256: file
            .digest
            .as_deref()
            .map(|digest| digest.trim_start_matches("sha256:").to_owned()),
        format: format(&file.path),
    });
    tracked.collect()
}

/// Numbers of the configuration, by their key's last part, and GGUF's.
fn sizes(facts: &Facts) -> BTreeMap<String, String> {
    const GGUF: [&str; 8] = [
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
        "rope.freq_base",
        "expert_count",
    ];
    let mut out = BTreeMap::new();
    for entry in &facts.metadata {
        let number = entry.value.parse::<f64>().is_ok();
        let of_gguf = GGUF.iter().any(|end| {
            entry
                .key
                .strip_suffix(end)
                .is_some_and(|rest| rest.ends_with('.'))
        });
        let of_config = entry.at.path.ends_with("config.json");
        if number && (of_gguf || of_config) || entry.key == "general.file_type" {
            out.entry(entry.key.clone())
                .or_insert_with(|| entry.value.clone());
        }
    }
    out
}

fn requirements(facts: &Facts) -> Vec<Requirement> {
    let found: BTreeSet<Requirement> = all(facts, "requirement")
        .filter_map(|entry| Requirement::parse(&entry.value))
        .collect();
    found.into_iter().collect()
}

fn datasets(report: &Report) -> Vec<Dataset> {
    let mut out: Vec<Dataset> = Vec::new();
    let training = report
        .manifest
        .iter()
        .filter_map(|manifest| manifest.training.as_ref());
    for data in training.flat_map(|training| &training.data) {
        out.push(Dataset {
            name: data.reference.clone(),
            revision: data.revision.clone(),
            digest: data.digest.clone(),
            told_by: "manifest",
        });
    }
    let references = report.facts.references.iter();
    for reference in references.filter(|reference| reference.kind == ReferenceKind::Dataset) {
        if !out.iter().any(|dataset| dataset.name == reference.value) {
            out.push(Dataset {
                name: reference.value.clone(),
                revision: None,
                digest: None,
                told_by: "model card",
            });
        }
    }
    out
}

fn ancestors(report: &Report, known: &Known) -> Vec<Ancestor> {
    let mut out = known.ancestors.clone();
    for parent in report
        .manifest
        .iter()
        .flat_map(|manifest| &manifest.parents)
    {
        let transformation = serde_json::to_value(parent.transformation).unwrap_or_default();
        out.push(Ancestor {
            name: parent.reference.clone(),
            digest: parent.digest.clone(),
            transformation: transformation.as_str().unwrap_or_default().to_owned(),
            told_by: "manifest".to_owned(),
        });
    }
    let references = report.facts.references.iter();
    for reference in references.filter(|reference| reference.kind == ReferenceKind::BaseModel) {
        out.push(Ancestor {
            name: reference.value.clone(),
            digest: None,
            transformation: String::new(),
            told_by: format!("{}, unproven", reference.at.path),
        });
    }
    // Who proves more is named first; the same model told again adds nothing.
    let mut seen = BTreeSet::new();
    out.retain(|ancestor| seen.insert(ancestor.name.clone()));
    out
}

fn properties(report: &Report, weights: &Weights) -> Vec<(String, String)> {
    let facts = &report.facts;
    let mut out = Vec::new();
    let mut say = |name: &str, value: String| out.push((format!("modelward:{name}"), value));
    if weights.tensors > 0 {
        say("weights:format", weights.format.clone());
        say("weights:tensors", weights.tensors.to_string());
        say("weights:parameters", weights.parameters.to_string());
        for (dtype, count) in &weights.dtypes {
            say(&format!("weights:dtype:{dtype}"), count.to_string());
        }
    }
    for graph in facts.graphs.iter().take(MOST) {
        say(
            "graph",
            format!(
                "{} {} nodes at {}",
                graph.framework, graph.nodes, graph.at.path
            ),
        );
        if let Some(fingerprint) = &graph.fingerprint {
            say("graph:fingerprint", fingerprint.clone());
        }
        for (domain, version) in &graph.opsets {
            say("graph:opset", format!("{domain} {version}"));
        }
        for (operator, count) in graph.operators.iter().take(MOST) {
            say("graph:operator", format!("{operator} {count}"));
        }
        for operator in graph.custom_operators.iter().take(MOST) {
            say("graph:custom-operator", operator.clone());
        }
    }
    if let Some(class) = first(facts, &["tokenizer_class", "tokenizer.ggml.model"]) {
        say("tokenizer", class.to_owned());
    }
    for template in facts.templates.iter().take(MOST) {
        say(
            "template",
            format!(
                "{} ({}) at {}",
                template.name, template.engine, template.at.path
            ),
        );
    }
    let mut called: BTreeMap<&str, u64> = BTreeMap::new();
    for code in facts.code.iter().filter(|code| code.reached) {
        let count = called.entry(&code.target).or_default();
        *count = count.saturating_add(code.count);
    }
    say("code:names", called.len().to_string());
    for target in called.keys().take(MOST) {
        say("code:on-load", (*target).to_owned());
    }
    for severity in Severity::ALL {
        let count = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count();
        say(
            &format!("findings:{}", severity.as_str()),
            count.to_string(),
        );
    }
    say("read-completely", facts.coverage.complete.to_string());
    out
}
