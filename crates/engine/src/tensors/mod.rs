//! An artifact opened for proof: what the sandboxed reader told of its tensors,
//! and positional reads of the bytes that it pointed at.
//!
//! Nothing is mapped and nothing is unpacked to disk. A member that is stored
//! is a stretch of its container; one that is compressed is decompressed again
//! from its start for whoever reads it.

mod bytes;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use modelward_lineage::{Bytes, Data, Model, ModelFile, Part, Tensor};
use modelward_schema::{Facts, FileFact, SourceKind};

use self::bytes::{Packed, Slice, Whole};
use crate::scan::Options;
use crate::source::{self, Opened};
use crate::worker;

/// Reads the artifact in the sandbox and opens every tensor it told of.
pub fn open_model(opened: &Opened, options: &Options<'_>) -> io::Result<Model> {
    let reading = worker::read(opened, options.jobs)?;
    model_of(opened, reading.facts)
}

/// Opens every tensor that a reading told of.
pub(crate) fn model_of(opened: &Opened, mut facts: Facts) -> io::Result<Model> {
    facts.coverage.gaps.extend(opened.gaps.iter().cloned());
    facts.coverage.gaps.extend(source::changed_since(opened));
    let tensors = std::mem::take(&mut facts.tensors);
    let places = Places::of(opened, &facts)?;
    let mut files: Vec<ModelFile> = Vec::with_capacity(opened.files.len());
    for fact in facts.files.iter().filter(|fact| is_file(fact, &facts)) {
        if let Some(bytes) = places.find(&fact.path) {
            files.push(ModelFile {
                path: fact.path.clone(),
                format: fact.format.clone(),
                size: fact.size,
                bytes,
            });
        }
    }
    let mut tensors: Vec<Tensor> = tensors
        .into_iter()
        .map(|tensor| places.tensor(tensor, &facts))
        .collect();
    let beside = beside(opened, &files);
    files.extend(beside);
    // Typed data are decoded, and data in other files followed.
    for file in files.iter().filter(|file| file.format == "onnx") {
        if let Some(whole) = modelward_lineage::onnx::tensors(file, &files) {
            tensors.retain(|tensor| tensor.file != file.path);
            tensors.extend(whole);
        }
    }
    Ok(Model::new(
        opened.source.given.clone(),
        files,
        tensors,
        facts,
    ))
}

/// The data that a single ONNX file keeps in files beside it: regular files in
/// its own folder, by their plain names.
fn beside(opened: &Opened, files: &[ModelFile]) -> Vec<ModelFile> {
    let (SourceKind::File, Some(root), [file]) = (&opened.source.kind, &opened.root, files) else {
        return Vec::new();
    };
    if file.format != "onnx" {
        return Vec::new();
    }
    let folder = root.parent().unwrap_or_else(|| Path::new(""));
    modelward_lineage::onnx::absent(file, files)
        .into_iter()
        .filter(|name| !name.contains(['/', '\\', ':']))
        .filter_map(|name| {
            let place = folder.join(&name);
            let meta = std::fs::symlink_metadata(&place).ok()?;
            let size = meta.is_file().then_some(meta.len())?;
            Some(ModelFile {
                path: name,
                format: "data".to_owned(),
                size,
                bytes: Arc::new(Whole::open(&place, size).ok()?),
            })
        })
        .collect()
}

/// Formats whose members are files of the artifact in their own right.
const FOLDERS: [&str; 3] = ["zip", "tar", "wheel"];

/// Where the content of every file and member is.
struct Places<'a> {
    whole: HashMap<&'a str, Arc<dyn Bytes>>,
    members: HashMap<String, FileFact>,
}

impl<'a> Places<'a> {
    fn of(opened: &'a Opened, facts: &Facts) -> io::Result<Self> {
        let mut whole: HashMap<&str, Arc<dyn Bytes>> = HashMap::new();
        for file in &opened.files {
            whole.insert(
                &file.path,
                Arc::new(Whole::open(&file.place, file.stamp.size)?),
            );
        }
        if let Some(bytes) = &opened.stdin {
            whole.insert("stdin", Arc::new(bytes.clone()));
        }
        let members = facts
            .files
            .iter()
            .filter(|fact| fact.parent.is_some())
            .map(|fact| (fact.path.clone(), fact.clone()))
            .collect();
        Ok(Self { whole, members })
    }

    /// The content of a file or member; none when it cannot be reached.
    fn find(&self, path: &str) -> Option<Arc<dyn Bytes>> {
        // From the innermost member outwards to a file, and back.
        let mut chain: Vec<&FileFact> = Vec::new();
        let mut here = path;
        let mut content = loop {
            if let Some(file) = self.whole.get(here) {
                break file.clone();
            }
            let fact = self.members.get(here)?;
            if chain.len() > 16 {
                return None;
            }
            chain.push(fact);
            here = fact.parent.as_deref()?;
        };
        for fact in chain.into_iter().rev() {
            let span = fact.span?;
            content = match &fact.packed {
                None if span.len == fact.size => {
                    Arc::new(Slice::new(content, span.start, span.len))
                }
                None => return None,
                Some(method) => Arc::new(Packed::new(content, span, method, fact.size)?),
            };
        }
        Some(content)
    }

    fn tensor(&self, fact: modelward_schema::Tensor, facts: &Facts) -> Tensor {
        let file = file_of(&fact.at.path, facts).to_owned();
        let data = self.data(&fact);
        Tensor {
            name: fact.name,
            dtype: fact.dtype,
            shape: fact.shape,
            big_endian: fact.big_endian,
            data,
            file,
        }
    }

    fn data(&self, fact: &modelward_schema::Tensor) -> Data {
        let Some(bytes) = self.find(&fact.at.path) else {
            return Data::Missing(format!("{} cannot be reached", fact.at.path));
        };
        if let Some(why) = impossible(fact, bytes.len()) {
            return Data::Missing(why);
        }
        let part = |start: u64, len: u64| Part {
            bytes: bytes.clone(),
            start,
            len,
        };
        if !fact.parts.is_empty() {
            return Data::Dense(
                fact.parts
                    .iter()
                    .map(|span| part(span.start, span.len))
                    .collect(),
            );
        }
        let empty = fact.shape.contains(&0);
        match (fact.at.span, &fact.strides) {
            (Some(span), Some(strides)) => Data::Strided {
                part: part(span.start, span.len),
                strides: strides.clone(),
            },
            (Some(span), None) => Data::Dense(vec![part(span.start, span.len)]),
            (None, _) if empty => Data::Dense(Vec::new()),
            (None, _) => Data::Missing("it is not known where its data are".to_owned()),
        }
    }
}

/// More elements than any honest tensor of a file of this size has: a view may
/// repeat what is stored, but not without end.
fn impossible(fact: &modelward_schema::Tensor, size: u64) -> Option<String> {
    let elements = fact
        .shape
        .iter()
        .try_fold(1_u64, |count, dim| count.checked_mul(*dim));
    let Some(bytes) = elements.and_then(|count| count.checked_mul(16)) else {
        return Some("no memory holds as many elements".to_owned());
    };
    let most = size.saturating_mul(64).saturating_add(1 << 30);
    // Block formats have down to two bits an element.
    (bytes / 64 > most).then(|| "its shape asks for far more than the file has".to_owned())
}

/// A file of the folder, or of an archive that stands for one.
fn is_file(fact: &FileFact, facts: &Facts) -> bool {
    match &fact.parent {
        None => true,
        Some(parent) => facts
            .files
            .iter()
            .any(|file| file.path == *parent && FOLDERS.contains(&file.format.as_str())),
    }
}

/// The file that a tensor counts to: not the member of a PyTorch zip, but
/// the zip.
fn file_of<'p>(path: &'p str, facts: &Facts) -> &'p str {
    let mut file = path;
    while let Some((outer, _)) = file.rsplit_once("!/") {
        let folder = facts
            .files
            .iter()
            .any(|fact| fact.path == outer && FOLDERS.contains(&fact.format.as_str()));
        if folder {
            break;
        }
        file = outer;
    }
    file
}
