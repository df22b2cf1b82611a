//! What was done to make a model: the build types of its provenance, and what
//! a record of each has to hold.

use serde::{Deserialize, Serialize};

/// A step in a model's life that makes new bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Download,
    Train,
    FineTune,
    AdapterTrain,
    Merge,
    Convert,
    Quantize,
    Prune,
    #[serde(rename = "re-shard")]
    Reshard,
    #[serde(rename = "re-export")]
    Reexport,
    Repackage,
    TokenizerEdit,
    TemplateEdit,
}

impl Operation {
    pub const ALL: [Self; 13] = [
        Self::Download,
        Self::Train,
        Self::FineTune,
        Self::AdapterTrain,
        Self::Merge,
        Self::Convert,
        Self::Quantize,
        Self::Prune,
        Self::Reshard,
        Self::Reexport,
        Self::Repackage,
        Self::TokenizerEdit,
        Self::TemplateEdit,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Train => "train",
            Self::FineTune => "fine-tune",
            Self::AdapterTrain => "adapter-train",
            Self::Merge => "merge",
            Self::Convert => "convert",
            Self::Quantize => "quantize",
            Self::Prune => "prune",
            Self::Reshard => "re-shard",
            Self::Reexport => "re-export",
            Self::Repackage => "repackage",
            Self::TokenizerEdit => "tokenizer-edit",
            Self::TemplateEdit => "template-edit",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.word() == word)
    }

    /// The `buildType` of its provenance.
    pub fn build_type(self) -> String {
        format!("https://modelward.dev/build/{}/v1", self.word())
    }

    pub fn of_build_type(uri: &str) -> Option<Self> {
        Self::of_word(
            uri.strip_prefix("https://modelward.dev/build/")?
                .strip_suffix("/v1")?,
        )
    }

    /// Whether weights come out that were in no input.
    pub fn learns(self) -> bool {
        matches!(self, Self::Train | Self::FineTune | Self::AdapterTrain)
    }

    /// Whether another model goes in.
    pub fn has_parent(self) -> bool {
        !matches!(self, Self::Download | Self::Train)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_a_build_type_of_its_own() {
        for operation in Operation::ALL {
            assert_eq!(
                Operation::of_build_type(&operation.build_type()),
                Some(operation)
            );
            let json = serde_json::to_string(&operation).expect("json");
            assert_eq!(json, format!("\"{}\"", operation.word()));
        }
    }
}
