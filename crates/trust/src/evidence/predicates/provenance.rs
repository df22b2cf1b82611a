//! How a model came to be: SLSA provenance v1,
//! <https://slsa.dev/spec/v1.2/build-provenance>, with a build type for each
//! [`Operation`] and the parameters that a model's history needs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Operation, blank};
use crate::evidence::{Kind, Predicate, Resource};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    pub build_definition: BuildDefinition,
    pub run_details: RunDetails,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    pub build_type: String,
    #[serde(default)]
    pub external_parameters: Parameters,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub internal_parameters: Map<String, Value>,
    /// Models, data, code and tools, each with its `role` in the annotations.
    #[serde(default)]
    pub resolved_dependencies: Vec<Resource>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Members that mean the same in every build type that has them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Format, type and what else describes what came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Value>,
    /// Settings by content or by digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// `train`, `fine-tune`: numbers by name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub hyper_parameters: Map<String, Value>,
    /// `train`: samples by data set, and what was filtered out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Value>,
    /// `train`: the roots of the checkpoints on the way, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<String>,
    /// `fine-tune`: patterns of tensors that were left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<String>,
    /// `adapter-train`, `merge`: rank, alpha, targets, method, weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Value>,
    /// `convert`: number types, rounding, renamed and dropped tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Value>,
    /// `quantize`: the type of each tensor where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Value>,
    /// `prune`: fraction, criterion, pattern, scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Value>,
    /// `tokenizer-edit`, `template-edit`: digests before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Licences of what went in and of what came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licences: Option<Value>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetails {
    pub builder: Builder,
    #[serde(default)]
    pub metadata: RunMetadata,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub byproducts: Vec<Resource>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Builder {
    /// What the builder says it is; who it is, the signature tells.
    pub id: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub version: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builder_dependencies: Vec<Resource>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<String>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Something that a history has to tell and this one does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lack {
    /// A stable word: `source`, `training-data`, `training-code`, `tool`,
    /// `builder`, `time`, `operation`.
    pub what: &'static str,
    /// Fits after "it ".
    pub message: String,
}

impl Provenance {
    /// By the build type, else as the parameters say.
    pub fn operation(&self) -> Option<Operation> {
        Operation::of_build_type(&self.build_definition.build_type)
            .or(self.build_definition.external_parameters.operation)
    }

    /// Dependencies in a role.
    pub fn used_as<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.build_definition
            .resolved_dependencies
            .iter()
            .filter(move |resource| resource.role() == Some(role))
    }

    /// The models it was made from, by whatever role a model can have.
    pub fn parents(&self) -> impl Iterator<Item = &Resource> {
        self.build_definition
            .resolved_dependencies
            .iter()
            .filter(|resource| {
                matches!(
                    resource.role(),
                    Some("base" | "source" | "adapter" | "teacher" | "model")
                )
            })
    }

    /// Whether the code that ran was not what its commit names.
    pub fn is_dirty(&self) -> bool {
        self.used_as("code")
            .any(|code| code.annotations.get("dirty") == Some(&Value::Bool(true)))
    }

    /// Everything that a record of this operation should tell and does not.
    pub fn lacks(&self) -> Vec<Lack> {
        let mut lacks = Vec::new();
        let mut lack = |what, message: &str| {
            lacks.push(Lack {
                what,
                message: message.to_owned(),
            });
        };
        let pinned = |role: &str| self.used_as(role).any(Resource::is_pinned);
        let Some(operation) = self.operation() else {
            lack("operation", "names no operation that is known");
            return lacks;
        };
        if operation == Operation::Download && !self.used_as("origin").any(|o| o.uri.is_some()) {
            lack("source", "names no origin by its address");
        }
        if operation.has_parent() && !self.parents().any(|parent| parent.sha256().is_some()) {
            lack("source", "names no model it was made from by its digest");
        }
        if operation.learns() && !pinned("dataset") {
            lack("training-data", "names no data set by its digest");
        }
        if operation.learns() && !pinned("code") {
            lack("training-code", "names no code by its commit or digest");
        }
        if operation != Operation::Download && !operation.learns() && !pinned("tool") {
            lack("tool", "names no tool by its digest");
        }
        if blank(&self.run_details.builder.id) {
            lack("builder", "names no builder");
        }
        if self.run_details.metadata.finished_on.is_none() {
            lack("time", "does not say when it was made");
        }
        lacks
    }
}

impl Predicate for Provenance {
    const KIND: Kind = Kind::Provenance;

    fn faults(&self) -> Vec<String> {
        super::lacking(&[("buildType", &self.build_definition.build_type)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(operation: Operation, dependencies: Vec<Resource>) -> Provenance {
        Provenance {
            build_definition: BuildDefinition {
                build_type: operation.build_type(),
                resolved_dependencies: dependencies,
                ..BuildDefinition::default()
            },
            run_details: RunDetails {
                builder: Builder {
                    id: "ci".to_owned(),
                    ..Builder::default()
                },
                metadata: RunMetadata {
                    finished_on: Some("2026-01-01T00:00:00Z".to_owned()),
                    ..RunMetadata::default()
                },
                ..RunDetails::default()
            },
            rest: Map::new(),
        }
    }

    fn named(role: &str) -> Resource {
        Resource::named("x", &format!("sha256:{}", "a".repeat(64))).used_as(role)
    }

    #[test]
    fn each_thing_that_is_not_told_is_named() {
        let lacks = |provenance: &Provenance| -> Vec<&'static str> {
            provenance.lacks().iter().map(|lack| lack.what).collect()
        };
        let tuned = [named("base"), named("dataset"), named("code")];
        assert!(lacks(&made(Operation::FineTune, tuned.to_vec())).is_empty());
        for (left_out, what) in ["source", "training-data", "training-code"]
            .iter()
            .enumerate()
        {
            let mut told = tuned.to_vec();
            told.remove(left_out);
            assert_eq!(lacks(&made(Operation::FineTune, told)), [*what]);
        }
        assert_eq!(
            lacks(&made(Operation::Quantize, vec![named("base")])),
            ["tool"]
        );
    }

    #[test]
    fn what_another_builder_wrote_is_kept() {
        let text = r#"{"buildDefinition":{"buildType":"https://example.org/b","externalParameters":{"workflow":{"ref":"main"}},
            "resolvedDependencies":[{"uri":"git+https://example.org/r","digest":{"gitCommit":"ab"}}]},
            "runDetails":{"builder":{"id":"https://example.org/w"}}}"#;
        let read: Provenance = serde_json::from_str(text).expect("provenance");
        let again = serde_json::to_value(&read).expect("json");
        assert_eq!(
            again["buildDefinition"]["externalParameters"]["workflow"]["ref"],
            "main"
        );
        assert_eq!(read.operation(), None);
    }
}
