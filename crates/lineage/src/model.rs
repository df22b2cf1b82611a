//! An artifact opened for proof.

use std::collections::HashMap;
use std::sync::Arc;

use modelward_schema::{Facts, FileFact};
use serde_json::Value;

use crate::bytes::Bytes;
use crate::tensor::Tensor;

/// A configuration, vocabulary or template is never larger than this.
pub const SMALL: u64 = 64 << 20;

/// One file of the artifact.
#[derive(Debug, Clone)]
pub struct ModelFile {
    pub path: String,
    /// The format that its content has, as facts name it.
    pub format: String,
    pub size: u64,
    pub bytes: Arc<dyn Bytes>,
}

/// A file or folder with the tensors found in it.
#[derive(Debug, Default)]
pub struct Model {
    /// As the user named it.
    pub given: String,
    pub files: Vec<ModelFile>,
    pub tensors: Vec<Tensor>,
    /// What the sandboxed reader told, without the tensors.
    pub facts: Facts,
    index: HashMap<String, usize>,
}

impl Model {
    pub fn new(given: String, files: Vec<ModelFile>, tensors: Vec<Tensor>, facts: Facts) -> Self {
        let mut index = HashMap::with_capacity(tensors.len());
        for (at, tensor) in tensors.iter().enumerate() {
            index.entry(tensor.name.clone()).or_insert(at);
        }
        Self {
            given,
            files,
            tensors,
            facts,
            index,
        }
    }

    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(*self.index.get(name)?)
    }

    /// A file by its path from the root; by its name alone when only one has it.
    pub fn file(&self, path: &str) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The whole content of a small file.
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        self.file(path)?.content()
    }

    pub fn json(&self, path: &str) -> Option<Value> {
        serde_json::from_slice(&self.content(path)?).ok()
    }

    /// Every value that a container tells under `key`.
    pub fn metadata<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.facts
            .metadata
            .iter()
            .filter(move |entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    }

    /// Facts about the files that are no members of others.
    pub fn file_facts(&self) -> impl Iterator<Item = &FileFact> {
        self.facts.files.iter().filter(|file| file.parent.is_none())
    }

    /// Formats of the files that tensors are in.
    pub fn tensor_formats(&self) -> Vec<&str> {
        let mut formats: Vec<&str> = self
            .tensors
            .iter()
            .filter_map(|tensor| self.file(&tensor.file))
            .map(|file| file.format.as_str())
            .collect();
        formats.sort_unstable();
        formats.dedup();
        formats
    }

    pub fn is_gguf(&self) -> bool {
        self.tensor_formats() == ["gguf"]
    }

    /// Bytes of all tensors.
    pub fn size(&self) -> u64 {
        self.tensors.iter().map(Tensor::size).sum()
    }
}

impl ModelFile {
    pub fn content(&self) -> Option<Vec<u8>> {
        if self.size > SMALL {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(self.size).ok()?];
        self.bytes.read_at(0, &mut bytes).ok()?;
        Some(bytes)
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}
