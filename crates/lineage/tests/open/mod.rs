//! Opens safetensors folders and GGUF files for tests, as `engine` does for users.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use modelward_lineage::gguf::file::Head;
use modelward_lineage::{Bytes, Data, Model, ModelFile, Part, Tensor};

#[derive(Debug)]
struct OnDisk(File, u64);

impl Bytes for OnDisk {
    fn len(&self) -> u64 {
        self.1
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

pub(crate) fn open(path: &Path) -> Model {
    let (root, names) = if path.is_dir() {
        let mut names: Vec<String> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        (path, names)
    } else {
        (
            path.parent().unwrap(),
            vec![path.file_name().unwrap().to_string_lossy().into_owned()],
        )
    };
    let mut files = Vec::new();
    let mut tensors = Vec::new();
    for name in names {
        let file = File::open(root.join(&name)).unwrap();
        let size = file.metadata().unwrap().len();
        let bytes: Arc<dyn Bytes> = Arc::new(OnDisk(file, size));
        let format = match name.rsplit('.').next() {
            Some("gguf") => "gguf",
            Some("safetensors") => "safetensors",
            _ => "plain",
        };
        match format {
            "gguf" => gguf(&name, &bytes, &mut tensors),
            "safetensors" => safetensors(&name, &bytes, &mut tensors),
            _ => {}
        }
        files.push(ModelFile {
            path: name,
            format: format.to_owned(),
            size,
            bytes,
        });
    }
    Model::new(
        path.display().to_string(),
        files,
        tensors,
        modelward_schema::Facts::default(),
    )
}

fn gguf(name: &str, bytes: &Arc<dyn Bytes>, tensors: &mut Vec<Tensor>) {
    let Ok(head) = Head::read(bytes.as_ref()) else {
        return;
    };
    for entry in &head.tensors {
        tensors.push(Tensor {
            name: entry.name.clone(),
            dtype: entry.kind.name().to_owned(),
            shape: entry.dims.iter().rev().copied().collect(),
            big_endian: false,
            data: Data::Dense(vec![Part {
                bytes: bytes.clone(),
                start: head.data_start + entry.offset,
                len: entry.len,
            }]),
            file: name.to_owned(),
        });
    }
}

fn safetensors(name: &str, bytes: &Arc<dyn Bytes>, tensors: &mut Vec<Tensor>) {
    let mut len = [0; 8];
    bytes.read_at(0, &mut len).unwrap();
    let len = u64::from_le_bytes(len);
    let mut head = vec![0; len as usize];
    bytes.read_at(8, &mut head).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&head).unwrap();
    for (key, entry) in json.as_object().unwrap() {
        if key == "__metadata__" {
            continue;
        }
        let number = |v: &serde_json::Value| v.as_u64().unwrap();
        let offsets = entry["data_offsets"].as_array().unwrap();
        tensors.push(Tensor {
            name: key.clone(),
            dtype: entry["dtype"].as_str().unwrap().to_lowercase(),
            shape: entry["shape"]
                .as_array()
                .unwrap()
                .iter()
                .map(number)
                .collect(),
            big_endian: false,
            data: Data::Dense(vec![Part {
                bytes: bytes.clone(),
                start: 8 + len + number(&offsets[0]),
                len: number(&offsets[1]) - number(&offsets[0]),
            }]),
            file: name.to_owned(),
        });
    }
}
