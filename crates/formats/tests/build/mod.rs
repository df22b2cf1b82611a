//! Small files built byte by byte, honest unless a field is changed.
#![allow(
    dead_code,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "every test takes what it needs, of archives that are small"
)]

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// A member of a zip, as both of its headers tell of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) size: u32,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn store(name: &str, data: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        method: 0,
        crc: crc32fast::hash(data),
        packed: data.len() as u32,
        size: data.len() as u32,
        data: data.into(),
    }
}

pub(crate) fn deflate(name: &str, data: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    let packed = encoder.finish().unwrap();
    Entry {
        method: 8,
        packed: packed.len() as u32,
        data: packed,
        ..store(name, data)
    }
}

pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = out.len() as u32;
        local(&mut out, entry);
        record(&mut directory, entry, at);
    }
    finish(out, &directory, entries.len())
}

/// Two names for one stored member.
pub(crate) fn zip_with_twin(first: &str, second: &str, data: &[u8]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    local(&mut out, &store(first, data));
    record(&mut directory, &store(first, data), 0);
    record(&mut directory, &store(second, data), 0);
    finish(out, &directory, 2)
}

fn local(out: &mut Vec<u8>, entry: &Entry) {
    out.extend(b"PK\x03\x04\x14\0");
    fields(out, entry);
    out.extend([0, 0]);
    out.extend(&entry.name);
    out.extend(&entry.data);
}

fn record(directory: &mut Vec<u8>, entry: &Entry, at: u32) {
    directory.extend(b"PK\x01\x02\x14\x03\x14\0");
    fields(directory, entry);
    directory.extend([0; 12]);
    directory.extend(at.to_le_bytes());
    directory.extend(&entry.name);
}

fn fields(out: &mut Vec<u8>, entry: &Entry) {
    out.extend([0, 0]);
    out.extend(entry.method.to_le_bytes());
    out.extend([0; 4]);
    out.extend(entry.crc.to_le_bytes());
    out.extend(entry.packed.to_le_bytes());
    out.extend(entry.size.to_le_bytes());
    out.extend((entry.name.len() as u16).to_le_bytes());
}

fn finish(mut out: Vec<u8>, directory: &[u8], count: usize) -> Vec<u8> {
    let start = out.len() as u32;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((count as u16).to_le_bytes());
    out.extend((count as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in members {
        let mut block = vec![0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        block[156] = b'0';
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(block);
        out.extend(*data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}

pub(crate) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY\x01\0".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

pub(crate) fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(data);
    out
}
