//! Members are handed on: by what their loader does with them, in both views
//! when the views differ, and despite flags that loaders ignore.

use std::borrow::Cow;

use modelward_schema::{Location, ReferenceKind, Span, Why};

use super::content;
use super::flavour::{Flavour, Role, below_top};
use super::names::link_escapes;
use crate::{Input, Member, Session};

/// A checksum is computed up to here when nothing had to be decompressed.
const CHECKED: u64 = 1 << 20;
/// A note is one short line.
const NOTE: usize = 256;
const ENCRYPTED: u16 = 1;

/// What one view says about a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) name: &'a str,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: Option<u32>,
    /// `None` when the view does not tell.
    pub(super) size: Option<u64>,
    pub(super) packed: &'a [u8],
    /// Where the packed bytes begin.
    pub(super) start: u64,
    pub(super) reached: bool,
    pub(super) is_link: bool,
}

/// Reads members of one zip and pays for them.
#[derive(Debug)]
pub(super) struct Members<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) flavour: Flavour,
    /// Bytes that may still be looked at; overlapping members spend it faster
    /// than an honest archive can.
    left: u64,
}

impl<'a> Members<'a> {
    pub(super) fn new(input: &'a Input<'a>, flavour: Flavour) -> Self {
        let left = input.len().saturating_mul(3).saturating_add(CHECKED);
        Self {
            input,
            flavour,
            left,
        }
    }

    pub(super) fn read(&mut self, session: &mut Session<'_>, view: View<'_>) {
        let len = u64::try_from(view.packed.len()).unwrap_or(u64::MAX);
        let span = Span::new(view.start, len);
        let at = self.input.at(view.start, len);
        match self.left.checked_sub(len) {
            Some(left) if !(session.is_exhausted() && view.method != 0) => self.left = left,
            _ => {
                session.gap_once(
                    Why::Limit,
                    "its members unpack to more than the limit",
                    &self.input.whole(),
                );
                return;
            }
        }
        let Some(content) = open(session, view, &at) else {
            return;
        };
        check(session, view, &content, &at);
        if view.is_link {
            link(session, view.name, &content, &at);
        } else {
            self.hand_on(session, view, &content, span);
        }
        content::release(session, content);
    }

    fn hand_on(&self, session: &mut Session<'_>, view: View<'_>, content: &[u8], span: Span) {
        let role = self.flavour.role(view.name, content);
        let path = || format!("{}!/{}", self.input.path, crate::text::path_part(view.name));
        match role {
            Role::Note if is_note(content) => {
                let key = format!("{}.{}", self.flavour.format(), below_top(view.name));
                let text = String::from_utf8_lossy(content);
                session.metadata(key, text.trim(), Location::file(path()));
                return;
            }
            Role::Script => {
                super::script::read(session, &path(), content);
                return;
            }
            Role::Blob => {
                if session.hidden(self.input, view.name, content, span) {
                    session.anomaly(
                        "zip-hidden-content",
                        format!("`{}` should be numbers and is a file of its own", view.name),
                        self.input.at(span.start, span.len),
                    );
                }
                if view.method != 0 {
                    session.packed_member(
                        self.input,
                        path(),
                        content.len(),
                        span,
                        content::method_name(view.method),
                    );
                }
                return;
            }
            Role::Content | Role::Bystander | Role::Note => {}
        }
        let fact = session.facts().files.len();
        session.child(
            self.input,
            Member {
                name: view.name,
                bytes: content,
                span: Some(span),
                reached: view.reached && role == Role::Content,
                inside: self.flavour.format(),
            },
        );
        if view.method != 0
            && let Some(fact) = session.facts_mut().files.get_mut(fact)
        {
            fact.packed = Some(content::method_name(view.method).to_owned());
        }
    }
}

fn open<'v>(session: &mut Session<'_>, view: View<'v>, at: &Location) -> Option<Cow<'v, [u8]>> {
    if view.flags & ENCRYPTED != 0 && !is_plain(view) {
        session.anomaly(
            "zip-encrypted",
            format!("`{}` is encrypted", view.name),
            at.clone(),
        );
        session.gap(
            Why::Encrypted,
            format!("`{}` is encrypted", view.name),
            at.clone(),
        );
        return None;
    }
    if view.flags & ENCRYPTED != 0 {
        session.anomaly(
            "zip-encrypted-flag-lies",
            format!("`{}` is marked as encrypted and is not", view.name),
            at.clone(),
        );
    }
    let content = content::read(session, view.method, view.packed, view.size, at);
    if content.is_none() && is_stored(view) {
        session.anomaly(
            "zip-method-lies",
            format!(
                "`{}` is marked as packed with method {} and is stored as it is",
                view.name, view.method
            ),
            at.clone(),
        );
        return Some(Cow::Borrowed(view.packed));
    }
    if content.is_none() {
        let method = content::method_name(view.method);
        session.anomaly(
            "zip-unknown-method",
            format!(
                "`{}` is packed with method {} ({method})",
                view.name, view.method
            ),
            at.clone(),
        );
        session.gap(
            Why::Unsupported,
            format!("`{}` is packed with {method}, which is not read", view.name),
            at.clone(),
        );
    }
    content
}

/// Readers that ignore the flag read such a member as it is.
fn is_plain(view: View<'_>) -> bool {
    let source = match view.method {
        99 => return false,
        // The header of the encryption makes the packed bytes longer.
        0 => return is_stored(view) || view.size == u64::try_from(view.packed.len()).ok(),
        method => content::decoder(method, view.packed, view.size),
    };
    let Some(Ok(source)) = source else {
        return false;
    };
    let mut start = Vec::new();
    let outcome = std::io::Read::read_to_end(&mut std::io::Read::take(source, 512), &mut start);
    let all = view.size.unwrap_or(u64::MAX).min(512);
    outcome.is_ok() && u64::try_from(start.len()).is_ok_and(|got| got >= all)
}

/// The packed bytes are the content, whatever the method says.
fn is_stored(view: View<'_>) -> bool {
    let short = u64::try_from(view.packed.len()).is_ok_and(|len| len <= CHECKED);
    short && view.crc == Some(crc32fast::hash(view.packed))
}

/// Compares the content with what the view says about it.
fn check(session: &mut Session<'_>, view: View<'_>, content: &[u8], at: &Location) {
    let len = u64::try_from(content.len()).unwrap_or(u64::MAX);
    match view.size {
        Some(size) if size != len => {
            // What broke off or grew too large has been told already.
            if view.method == 0 || len > size {
                session.differs(
                    "zip-size-differs",
                    format!("`{}` has another size than it says", view.name),
                    at.clone(),
                    [("said", size.to_string()), ("is", len.to_string())],
                );
            }
        }
        _ if view.method == 0 && len > CHECKED => {}
        _ => {
            let is = crc32fast::hash(content);
            if let Some(said) = view.crc.filter(|said| *said != is) {
                session.differs(
                    "zip-crc-differs",
                    format!("the checksum of `{}` does not match its content", view.name),
                    at.clone(),
                    [("said", format!("{said:08x}")), ("is", format!("{is:08x}"))],
                );
            }
        }
    }
}

fn link(session: &mut Session<'_>, name: &str, content: &[u8], at: &Location) {
    let target = crate::text::escape(content, 1024);
    session.reference(ReferenceKind::Link, &target, at.clone());
    let (id, what) = if link_escapes(name, &target) {
        ("zip-link-escapes", "out of the archive")
    } else {
        ("zip-symlink", "within the archive")
    };
    session.anomaly(
        id,
        format!("`{name}` is a symbolic link {what}, to `{target}`"),
        at.clone(),
    );
}

fn is_note(content: &[u8]) -> bool {
    content.len() <= NOTE
        && content
            .iter()
            .all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\n' | b'\r'))
}
