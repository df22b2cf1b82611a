//! Formats that are told by their first bytes.

/// What being recognised means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A model, or a part of one, that nothing reads yet.
    Model,
    /// Pictures, sound, fonts, documents: no loader runs them.
    Media,
    /// The operating system or a virtual machine runs it.
    Executable,
    /// An archive that nothing reads yet.
    Archive,
}

#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    offset: usize,
    magic: &'static [u8],
}

const fn at(name: &'static str, kind: Kind, offset: usize, magic: &'static [u8]) -> Signature {
    Signature {
        name,
        kind,
        offset,
        magic,
    }
}

use Kind::{Archive, Executable, Media, Model};

static SIGNATURES: &[Signature] = &[
    at("hdf5", Model, 0, b"\x89HDF\r\n\x1a\n"),
    at("hdf5", Model, 512, b"\x89HDF\r\n\x1a\n"),
    at("hdf5", Model, 1024, b"\x89HDF\r\n\x1a\n"),
    at("hdf5", Model, 2048, b"\x89HDF\r\n\x1a\n"),
    at("executorch", Model, 4, b"ET12"),
    at("mobile-torch", Model, 4, b"PTMF"),
    at("tensorrt", Model, 0, b"ftrt"),
    at("tensorrt", Model, 0, b"ptrt"),
    at("rknn", Model, 0, b"RKNN"),
    at("catboost", Model, 0, b"CBM1"),
    at("xgboost", Model, 0, b"binf\0"),
    at("ubjson", Model, 0, b"{L\0\0"),
    at("lightgbm", Model, 0, b"tree\nversion="),
    at("r-serialized", Model, 0, b"RDX2\n"),
    at("r-serialized", Model, 0, b"RDX3\n"),
    at("r-serialized", Model, 0, b"X\n\0\0\0\x02"),
    at("r-serialized", Model, 0, b"X\n\0\0\0\x03"),
    at("cntk", Model, 0, b"B\0C\0N\0\0\0"),
    at("parquet", Model, 0, b"PAR1"),
    at("arrow", Model, 0, b"ARROW1\0\0"),
    at("sqlite", Model, 0, b"SQLite format 3\0"),
    at("rar", Archive, 0, b"Rar!\x1a\x07"),
    at("cab", Archive, 0, b"MSCF\0\0\0\0"),
    at("ar", Archive, 0, b"!<arch>\n"),
    at("lzip", Archive, 0, b"LZIP\x01"),
    at("compress", Archive, 0, b"\x1f\x9d\x90"),
    at("elf", Executable, 0, b"\x7fELF"),
    at("macho", Executable, 0, b"\xfe\xed\xfa\xce"),
    at("macho", Executable, 0, b"\xfe\xed\xfa\xcf"),
    at("macho", Executable, 0, b"\xce\xfa\xed\xfe"),
    at("macho", Executable, 0, b"\xcf\xfa\xed\xfe"),
    at("macho", Executable, 0, b"\xca\xfe\xba\xbe\0\0\0"),
    at("wasm", Executable, 0, b"\0asm\x01\0\0\0"),
    at("dex", Executable, 0, b"dex\n0"),
    at("lua-bytecode", Executable, 0, b"\x1bLua"),
    at(
        "windows-shortcut",
        Executable,
        0,
        b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0",
    ),
    at("png", Media, 0, b"\x89PNG\r\n\x1a\n"),
    at("jpeg", Media, 0, b"\xff\xd8\xff"),
    at("gif", Media, 0, b"GIF87a"),
    at("gif", Media, 0, b"GIF89a"),
    at("webp", Media, 8, b"WEBP"),
    at("wav", Media, 8, b"WAVE"),
    at("avi", Media, 8, b"AVI "),
    at("tiff", Media, 0, b"II*\0"),
    at("tiff", Media, 0, b"MM\0*"),
    at("ico", Media, 0, b"\0\0\x01\0\x01\0"),
    at("mp3", Media, 0, b"ID3"),
    at("ogg", Media, 0, b"OggS\0"),
    at("flac", Media, 0, b"fLaC"),
    at("mp4", Media, 4, b"ftyp"),
    at("matroska", Media, 0, b"\x1aE\xdf\xa3"),
    at("midi", Media, 0, b"MThd\0\0\0\x06"),
    at("pdf", Media, 0, b"%PDF-"),
    at("woff", Media, 0, b"wOFF"),
    at("woff2", Media, 0, b"wOF2"),
    at("opentype", Media, 0, b"OTTO\0"),
    at("truetype", Media, 0, b"\0\x01\0\0\0"),
];

pub(super) fn find(bytes: &[u8]) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| {
        bytes
            .get(signature.offset..)
            .is_some_and(|rest| rest.starts_with(signature.magic))
            && confirms(signature.name, bytes)
    })
}

/// More than the magic, where that is too short to tell.
fn confirms(name: &str, bytes: &[u8]) -> bool {
    match name {
        "webp" | "wav" | "avi" => bytes.starts_with(b"RIFF"),
        // A table count between 1 and 64, then a power of two times 16.
        "truetype" => matches!(bytes.get(4..8), Some([0, 4..=64, _, range]) if range % 16 == 0),
        // Java has the same magic, and a version where Mach-O counts parts.
        "macho" if bytes.starts_with(b"\xca\xfe") => {
            bytes.get(7).is_some_and(|parts| (1..=16).contains(parts))
        }
        "ico" => bytes.get(9) == Some(&0),
        _ => true,
    }
}
