//! Where the central directory and a local header tell different stories.

use modelward_schema::Location;

use super::directory::{Entry, extras};
use super::local::{DESCRIBED, Descriptor, Local};
use super::names::show;
use crate::Session;

/// Bits that change what a reader does: encrypted, described, patched,
/// strongly encrypted, UTF-8, masked.
const MEANINGFUL: u16 = 0x2869;

pub(super) fn compare(
    session: &mut Session<'_>,
    at: &Location,
    entry: &Entry<'_>,
    local: &Local<'_>,
    descriptor: Option<Descriptor>,
) {
    let name = show(entry.name);
    let mut differs = |id: &str, what: &str, central: String, other: String| {
        if central != other {
            session.differs(
                id,
                format!("the {what} of `{name}` differs between directory and local header"),
                at.clone(),
                [("central", central), ("local", other)],
            );
        }
    };
    differs(
        "zip-name-differs",
        "name",
        show(entry.name),
        show(local.name),
    );
    differs(
        "zip-method-differs",
        "compression method",
        entry.method.to_string(),
        local.method.to_string(),
    );
    differs(
        "zip-flags-differ",
        "set of flags",
        format!("{:#06x}", entry.flags & MEANINGFUL),
        format!("{:#06x}", local.flags & MEANINGFUL),
    );
    let described = local.flags & DESCRIBED != 0;
    let blank = described && local.crc == 0 && local.packed == 0 && local.size == 0;
    if !blank {
        // Sizes of a streamed entry may be unknown in front and told behind.
        let unknown = described && local.packed == 0;
        let wide = described && local.packed == 0xffff_ffff;
        if !unknown && !wide {
            differs(
                "zip-size-differs",
                "size",
                format!("{} packed, {} unpacked", entry.packed, entry.size),
                format!("{} packed, {} unpacked", local.packed, local.size),
            );
        }
        if !(described && local.crc == 0) {
            differs(
                "zip-crc-differs",
                "checksum",
                format!("{:08x}", entry.crc),
                format!("{:08x}", local.crc),
            );
        }
    }
    if let Some(descriptor) = descriptor {
        differs(
            "zip-size-differs",
            "size (told behind its data)",
            format!("{} packed, {} unpacked", entry.packed, entry.size),
            format!("{} packed, {} unpacked", descriptor.packed, descriptor.size),
        );
        differs(
            "zip-crc-differs",
            "checksum (told behind its data)",
            format!("{:08x}", entry.crc),
            format!("{:08x}", descriptor.crc),
        );
    }
}

/// The Unicode path field gives some readers another name.
pub(super) fn compare_unicode_path(session: &mut Session<'_>, at: &Location, entry: &Entry<'_>) {
    let Some(body) = extras(entry.extra).find_map(|(id, body)| (id == 0x7075).then_some(body))
    else {
        return;
    };
    let Some(([1, a, b, c, d], path)) = body.split_first_chunk::<5>() else {
        return;
    };
    // Readers must ignore the field when it was made for another name.
    let made_for = u32::from_le_bytes([*a, *b, *c, *d]);
    let stale = made_for != crc32fast::hash(entry.name);
    let lies = path != entry.name && entry.name.is_ascii();
    if stale || lies {
        session.differs(
            "zip-unicode-path-extra",
            format!(
                "`{}` has another name in its Unicode path field",
                show(entry.name)
            ),
            at.clone(),
            [("name", show(entry.name)), ("unicode", show(path))],
        );
    }
}
