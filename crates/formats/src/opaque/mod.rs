//! What is recognised and not read: media, executables, and model formats
//! whose reader does not exist yet.
//!
//! A model that is not read is a gap. A picture is not, but bytes behind its
//! end are looked at. An executable is a fact that a rule judges.

mod images;
mod protobuf;
mod signatures;

use modelward_schema::{Span, Why};

use self::signatures::Kind;
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "opaque",
    identify,
    read,
};

fn identify(input: &Input<'_>) -> Fit {
    if signatures::find(input.bytes).is_some()
        || is_pe(input.bytes)
        || is_python_bytecode(input.bytes)
        || is_script(input.bytes)
        || is_xml(input.bytes)
    {
        Fit::Yes
    } else if protobuf::guess(input).is_some() {
        Fit::Maybe
    } else {
        Fit::No
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let (name, kind) = name(input);
    session.name_format(FORMAT.name, name);
    match kind {
        Kind::Model | Kind::Archive => session.gap(
            Why::Unsupported,
            format!("{name} is recognised, its reader does not exist yet"),
            input.whole(),
        ),
        Kind::Media => look_behind(input, session, name),
        Kind::Executable => {}
    }
    if name == "xml" {
        find_entities(input, session);
    }
}

fn name(input: &Input<'_>) -> (&'static str, Kind) {
    let bytes = input.bytes;
    if let Some(signature) = signatures::find(bytes) {
        (signature.name, signature.kind)
    } else if is_pe(bytes) {
        ("pe", Kind::Executable)
    } else if is_python_bytecode(bytes) {
        ("python-bytecode", Kind::Executable)
    } else if is_script(bytes) {
        ("script", Kind::Executable)
    } else if is_xml(bytes) {
        ("xml", Kind::Model)
    } else {
        (protobuf::guess(input).unwrap_or(FORMAT.name), Kind::Model)
    }
}

/// `MZ` alone may be the start of a text; the PE header must be where it says.
fn is_pe(bytes: &[u8]) -> bool {
    let Some(place) = bytes.get(0x3c..0x40).filter(|_| bytes.starts_with(b"MZ")) else {
        return false;
    };
    let [a, b, c, d] = place else { return false };
    let place = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
    let header = bytes.get(place..).unwrap_or_default();
    header.starts_with(b"PE\0\0")
        || header.starts_with(b"NE")
        || header.starts_with(b"LE")
        // A DOS stub that is cut off before its PE header.
        || bytes.get(..0x200).is_some_and(|stub| {
            memchr::memmem::find(stub, b"This program cannot be run in DOS mode").is_some()
        })
}

/// CPython's magic number, whose last two bytes are `\r\n`, flags, and a code
/// object behind the header.
fn is_python_bytecode(bytes: &[u8]) -> bool {
    let (Some([_, 0x0c..=0x0f, b'\r', b'\n']), Some(flags)) = (bytes.get(..4), bytes.get(4..8))
    else {
        return false;
    };
    matches!(flags, [0..=3, 0, 0, 0]) && bytes.get(16).is_some_and(|kind| kind & 0x7f == b'c')
}

/// Python has a reader of its own.
fn is_script(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"#!") else {
        return false;
    };
    let line = rest.get(..128).unwrap_or(rest);
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.trim_ascii_start().starts_with(b"/") && memchr::memmem::find(line, b"python").is_none()
}

fn is_xml(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    start.starts_with(b"<?xml") || start.starts_with(b"<!DOCTYPE") || start.starts_with(b"<PMML")
}

fn look_behind(input: &Input<'_>, session: &mut Session<'_>, name: &str) {
    let Some(end) = images::len(name, input.bytes) else {
        return;
    };
    let rest = usize::try_from(end)
        .ok()
        .and_then(|end| input.bytes.get(end..))
        .unwrap_or_default();
    let len = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    if session.hidden(input, "(trailing bytes)", rest, Span::new(end, len)) {
        session.anomaly(
            &format!("{name}-hidden-content"),
            format!("{len} bytes behind the end are a file of their own"),
            input.at(end, len),
        );
    }
}

/// Entities that name another file make careless readers open it.
fn find_entities(input: &Input<'_>, session: &mut Session<'_>) {
    // Declarations stand before the first element.
    let head = input.bytes.get(..1 << 16).unwrap_or(input.bytes);
    for place in memchr::memmem::find_iter(head, b"<!ENTITY").take(64) {
        let rest = head.get(place..).unwrap_or_default();
        let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        let declaration = rest.get(..end).unwrap_or_default();
        let start = u64::try_from(place).unwrap_or(u64::MAX);
        let len = u64::try_from(declaration.len()).unwrap_or(u64::MAX);
        let at = input
            .at(start, len)
            .with_excerpt(crate::text::escape(declaration, 128));
        let external = [&b"SYSTEM"[..], b"PUBLIC"]
            .iter()
            .any(|word| memchr::memmem::find(declaration, word).is_some());
        if external {
            session.anomaly(
                "xml-external-entity",
                "it declares an entity that is read from another file",
                at,
            );
        } else {
            session.anomaly("xml-entity", "it declares an entity of its own", at);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, read};

    fn format(name: &str, bytes: &[u8]) -> String {
        read(name, bytes, &Limits::default()).files[0]
            .format
            .clone()
    }

    #[test]
    fn formats_without_a_reader_are_named_and_leave_a_gap() {
        let facts = read("m.h5", b"\x89HDF\r\n\x1a\n\0\0\0\0", &Limits::default());
        assert_eq!(facts.files[0].format, "hdf5");
        assert!(!facts.coverage.complete);
        assert_eq!(format("m.pte", b"\x1c\0\0\0ET12\0\0\0\0"), "executorch");
    }

    #[test]
    fn executables_are_named_and_texts_are_not_taken_for_them() {
        assert_eq!(format("m.bin", b"\x7fELF\x02\x01\x01\0"), "elf");
        assert_eq!(format("m.safetensors", b"#!/bin/sh\nid\n"), "script");
        assert_ne!(format("m.txt", b"MZ is a song\n"), "pe");
    }

    #[test]
    fn bytes_behind_a_picture_are_looked_at() {
        let mut gif = b"GIF89a\x01\0\x01\0\0\0\0;".to_vec();
        gif.extend(b"\x7fELF\x02\x01\x01\0");
        let facts = read("a.gif", &gif, &Limits::default());
        assert_eq!(facts.anomalies[0].id, "gif-hidden-content");
        assert_eq!(facts.files[1].format, "elf");
    }

    #[test]
    fn an_entity_of_another_file_is_told() {
        let xml =
            b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a/>";
        let facts = read("a.xml", xml, &Limits::default());
        assert_eq!(facts.anomalies[0].id, "xml-external-entity");
    }
}
