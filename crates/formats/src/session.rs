//! One file being read: where facts go and what may still be spent.

use std::io::Read;

use modelward_schema::{
    Anomaly, Code, Coverage, Facts, FileFact, Gap, Graph, Location, Metadata, Reference,
    ReferenceKind, Span, Template, Tensor, Why, Wiring,
};

use crate::{FORMATS, Limits, text};

/// How well bytes fit a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    No,
    /// They could be it; used only when nothing fits better.
    Maybe,
    /// A loader of this format would begin to read them.
    Yes,
}

/// A format: one folder, one entry in [`FORMATS`].
#[derive(Debug)]
pub struct Format {
    pub name: &'static str,
    /// Decides by content. May look at the name only as a loader itself does.
    pub identify: fn(&Input<'_>) -> Fit,
    /// Reads all it can.
    pub read: fn(&Input<'_>, &mut Session<'_>),
}

/// Bytes to be read and what is known about where they stand.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Full place, see [`Location::path`].
    pub path: &'a str,
    pub bytes: &'a [u8],
    /// The container's place and where the stored bytes lie in it.
    pub parent: Option<(&'a str, Option<Span>)>,
    /// False when the ordinary loader would not come here.
    pub reached: bool,
    /// Format name of the container, for readers that mean something else
    /// inside one (a pickle in a PyTorch zip).
    pub inside: Option<&'static str>,
}

impl<'a> Input<'a> {
    pub fn file(path: &'a str, bytes: &'a [u8]) -> Self {
        Self {
            path,
            bytes,
            parent: None,
            reached: true,
            inside: None,
        }
    }

    /// The last part of the path.
    pub fn name(&self) -> &'a str {
        self.path.rsplit(['/', '!']).next().unwrap_or(self.path)
    }

    /// Lower-case extension without the dot.
    pub fn extension(&self) -> Option<String> {
        let (stem, extension) = self.name().rsplit_once('.')?;
        (!stem.is_empty() && extension.len() <= 16).then(|| extension.to_ascii_lowercase())
    }

    pub fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn at(&self, start: u64, len: u64) -> Location {
        Location::bytes(self.path, start, len)
    }

    pub fn whole(&self) -> Location {
        Location::file(self.path)
    }
}

/// Collects facts and keeps the budget.
#[derive(Debug)]
pub struct Session<'l> {
    limits: &'l Limits,
    facts: Facts,
    depth: u32,
    members: u64,
    live: u64,
    allowance: u64,
    steps: u64,
    /// Bytes handed to readers so far, and how many of the file's own and of
    /// the expanded ones may be: overlapping members are the same bytes again.
    handed: u64,
    size: u64,
    expanded: u64,
    /// Index of the fact about the file being read.
    file: Option<usize>,
    full: bool,
    later: Vec<Later>,
}

/// A tensor whose data are in a member of the same archive.
#[derive(Debug, Clone)]
pub(crate) struct Later {
    /// Its index among the facts.
    pub(crate) tensor: usize,
    /// The pickle that tells of it.
    pub(crate) path: String,
    /// The last part of the member's name.
    pub(crate) key: String,
    /// First byte and number of bytes within the member, and the strides.
    pub(crate) extent: Option<(u64, u64, Option<Vec<u64>>)>,
}

impl<'l> Session<'l> {
    pub(crate) fn new(limits: &'l Limits, size: usize) -> Self {
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        Self {
            limits,
            facts: Facts::default(),
            depth: 0,
            members: 0,
            live: 0,
            allowance: limits
                .expanded_bytes
                .saturating_add(size.saturating_mul(limits.expansion_ratio)),
            steps: limits.steps.saturating_add(size.saturating_mul(8)),
            handed: 0,
            size,
            expanded: 0,
            file: None,
            full: false,
            later: Vec::new(),
        }
    }

    /// To be placed by the reader of the archive, see [`Self::placed_later`].
    pub(crate) fn later(
        &mut self,
        tensor: usize,
        path: &str,
        key: String,
        extent: Option<(u64, u64, Option<Vec<u64>>)>,
    ) {
        if self.later.len() < self.limits.facts {
            self.later.push(Later {
                tensor,
                path: path.to_owned(),
                key,
                extent,
            });
        }
    }

    /// Tensors told of by members of the archive at `path`.
    pub(crate) fn placed_later(&mut self, path: &str) -> Vec<Later> {
        let (here, elsewhere) = std::mem::take(&mut self.later)
            .into_iter()
            .partition(|later| {
                later
                    .path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with("!/"))
            });
        self.later = elsewhere;
        here
    }

    pub(crate) fn finish(mut self) -> Facts {
        let coverage: &mut Coverage = &mut self.facts.coverage;
        coverage.complete = coverage.gaps.is_empty();
        self.facts
    }

    pub fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// Identifies the bytes and reads them as everything they are.
    pub fn read(&mut self, input: &Input<'_>) {
        let mut fits: Vec<(&crate::Format, Fit)> = FORMATS
            .iter()
            .map(|format| (*format, (format.identify)(input)))
            .filter(|(_, fit)| *fit > Fit::No)
            .collect();
        if fits.iter().any(|(_, fit)| *fit == Fit::Yes) {
            fits.retain(|(_, fit)| *fit == Fit::Yes);
        } else {
            fits.truncate(1);
        }
        let main = fits.first().map_or(
            if input.is_empty() { "empty" } else { "unknown" },
            |(format, _)| format.name,
        );
        let mut file = None;
        if self.facts.files.len() < self.limits.facts {
            file = Some(self.facts.files.len());
            self.facts.files.push(FileFact {
                path: input.path.to_owned(),
                format: main.to_owned(),
                also: fits
                    .iter()
                    .skip(1)
                    .map(|(format, _)| format.name.to_owned())
                    .collect(),
                claimed: input.extension(),
                size: input.len(),
                sha256: None,
                parent: input.parent.map(|(path, _)| path.to_owned()),
                span: input.parent.and_then(|(_, span)| span),
                packed: None,
            });
        } else {
            self.overflow(input.path);
        }
        if self.depth == 0 {
            self.facts.coverage.bytes_read = input.len();
        }
        if fits.is_empty() && !input.is_empty() && input.reached {
            self.gap(
                Why::UnknownFormat,
                "no known format fits its content",
                input.whole(),
            );
        }
        let outer = self.file;
        for (format, _) in fits {
            self.file = file;
            (format.read)(input, self);
        }
        self.file = outer;
    }

    /// Says more exactly what the file being read is: a `zip` that turns out
    /// to be a `wheel`. To be called before the reader hands on any member.
    pub fn name_format(&mut self, from: &str, to: &str) {
        let file = self.file.and_then(|file| self.facts.files.get_mut(file));
        if let Some(file) = file {
            if file.format == from {
                to.clone_into(&mut file.format);
            } else if let Some(also) = file.also.iter_mut().find(|also| *also == from) {
                to.clone_into(also);
            }
        }
    }

    /// Reads a member of a container. `name` is the member's own name; it is
    /// escaped where it would be ambiguous in a path.
    pub fn child(&mut self, container: &Input<'_>, member: Member<'_>) {
        let path = format!("{}!/{}", container.path, text::path_part(member.name));
        self.members = self.members.saturating_add(1);
        if self.members > self.limits.members {
            self.gap_once(
                Why::Limit,
                "more members than the limit allows",
                &container.whole(),
            );
            return;
        }
        if self.depth >= self.limits.depth {
            self.gap(
                Why::Limit,
                "containers are nested deeper than the limit",
                container.whole(),
            );
            return;
        }
        let len = u64::try_from(member.bytes.len()).unwrap_or(u64::MAX);
        self.handed = self.handed.saturating_add(len);
        let own = self.size.saturating_add(self.expanded);
        if self.handed > own.saturating_mul(u64::from(self.limits.depth)) {
            self.gap_once(
                Why::Limit,
                "its members are the same bytes again and again",
                &container.whole(),
            );
            return;
        }
        self.depth = self.depth.saturating_add(1);
        self.read(&Input {
            path: &path,
            bytes: member.bytes,
            parent: Some((container.path, member.span)),
            reached: container.reached && member.reached,
            inside: Some(member.inside),
        });
        self.depth = self.depth.saturating_sub(1);
    }

    /// A compressed member of numbers, so that what refers to it can be found.
    pub(crate) fn packed_member(
        &mut self,
        container: &Input<'_>,
        path: String,
        size: usize,
        span: Span,
        packed: &str,
    ) {
        if self.facts.files.len() < self.limits.facts {
            self.facts.files.push(FileFact {
                path,
                format: "tensor-data".to_owned(),
                size: u64::try_from(size).unwrap_or(u64::MAX),
                parent: Some(container.path.to_owned()),
                span: Some(span),
                packed: Some(packed.to_owned()),
                ..FileFact::default()
            });
        }
    }

    /// Bytes that the format's own reader skips: after its end, before its
    /// start, inside a blob. They are read only when they are something.
    /// Returns whether they were.
    pub fn hidden(&mut self, container: &Input<'_>, name: &str, bytes: &[u8], span: Span) -> bool {
        if bytes.len() < 4 {
            return false;
        }
        let probe = Input {
            bytes,
            path: name,
            parent: None,
            reached: false,
            inside: None,
        };
        let fits = FORMATS.iter().any(|format| {
            format.name != "text"
                && format.name != "python"
                && format.name != "jinja"
                && format.name != "yaml"
                && (format.identify)(&probe) == Fit::Yes
        });
        if fits {
            self.child(
                container,
                Member {
                    name,
                    bytes,
                    span: Some(span),
                    reached: false,
                    inside: "hidden",
                },
            );
        }
        fits
    }

    /// Decompresses within the budget. What was got before an error or the
    /// limit is returned all the same; the rest becomes a gap.
    /// Give the bytes back with [`Session::release`].
    pub fn expand(&mut self, input: &Input<'_>, source: impl Read) -> Vec<u8> {
        self.expand_at(&input.whole(), input.len(), source)
    }

    /// Nothing more can be decompressed.
    pub fn is_exhausted(&self) -> bool {
        self.allowance == 0
    }

    /// [`Session::expand`] for `packed` bytes that stand at `at`.
    pub fn expand_at(&mut self, at: &Location, packed: u64, source: impl Read) -> Vec<u8> {
        let room = self
            .allowance
            .min(self.limits.live_bytes.saturating_sub(self.live));
        let mut bytes = Vec::new();
        let outcome = source.take(room.saturating_add(1)).read_to_end(&mut bytes);
        let got = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if got > room {
            bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            self.anomaly(
                "expands-enormously",
                format!("{packed} bytes expand to more than {room}"),
                at.clone(),
            );
            self.gap(Why::Limit, "it expands to more than the limit", at.clone());
        } else if let Err(error) = outcome {
            self.anomaly(
                "compression-broken",
                format!("decompression fails: {error}"),
                at.clone(),
            );
            self.gap(Why::Malformed, "its compressed data break off", at.clone());
        }
        let kept = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.expanded = self.expanded.saturating_add(kept);
        self.allowance = self.allowance.saturating_sub(kept);
        self.live = self.live.saturating_add(kept);
        bytes
    }

    pub fn release(&mut self, bytes: Vec<u8>) {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        drop(bytes);
        self.live = self.live.saturating_sub(len);
    }

    /// Pays for `steps` of work; false when the budget is spent (say so with a gap).
    #[must_use]
    pub fn spend(&mut self, steps: u64) -> bool {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                true
            }
            None => false,
        }
    }

    pub fn anomaly(&mut self, id: &str, message: impl Into<String>, at: Location) {
        self.push_anomaly(Anomaly {
            id: id.to_owned(),
            message: message.into(),
            at,
            says: std::collections::BTreeMap::new(),
        });
    }

    /// An anomaly where two places tell different stories.
    pub fn differs(
        &mut self,
        id: &str,
        message: impl Into<String>,
        at: Location,
        says: [(&str, String); 2],
    ) {
        self.push_anomaly(Anomaly {
            id: id.to_owned(),
            message: message.into(),
            at,
            says: says
                .into_iter()
                .map(|(who, what)| (who.to_owned(), text::cap(&what, 256)))
                .collect(),
        });
    }

    fn push_anomaly(&mut self, anomaly: Anomaly) {
        if self.facts.anomalies.len() < self.limits.facts {
            self.facts.anomalies.push(anomaly);
        } else {
            self.overflow(&anomaly.at.path);
        }
    }

    pub fn gap(&mut self, why: Why, message: impl Into<String>, at: Location) {
        if self.facts.coverage.gaps.len() < self.limits.facts {
            self.facts.coverage.gaps.push(Gap {
                why,
                message: message.into(),
                at,
            });
        }
    }

    /// A gap that is said once per place.
    pub fn gap_once(&mut self, why: Why, message: &str, at: &Location) {
        let said = self.facts.coverage.gaps.iter().rev().take(64);
        if !said.into_iter().any(|gap| gap.why == why && gap.at == *at) {
            self.gap(why, message, at.clone());
        }
    }

    pub fn code(&mut self, code: Code) {
        if self.facts.code.len() < self.limits.facts {
            self.facts.code.push(code);
        } else {
            self.overflow(&code.at.path);
        }
    }

    pub fn tensor(&mut self, tensor: Tensor) {
        if self.facts.tensors.len() < self.limits.facts {
            self.facts.tensors.push(tensor);
        } else {
            self.overflow(&tensor.at.path);
        }
    }

    pub fn graph(&mut self, graph: Graph) {
        if self.facts.graphs.len() < self.limits.facts {
            self.facts.graphs.push(graph);
        }
    }

    /// The graph in full; its summary goes to [`Self::graph`].
    pub fn wiring(&mut self, wiring: Wiring) {
        if self.facts.wirings.len() < self.limits.facts {
            self.facts.wirings.push(wiring);
        } else {
            self.overflow(&wiring.at.path);
        }
    }

    pub fn template(&mut self, template: Template) {
        if self.facts.templates.len() < self.limits.facts {
            self.facts.templates.push(template);
        } else {
            self.overflow(&template.at.path);
        }
    }

    pub fn metadata(&mut self, key: impl Into<String>, value: &str, at: Location) {
        if self.facts.metadata.len() < self.limits.facts {
            self.facts.metadata.push(Metadata {
                key: text::cap(&key.into(), 256),
                value: text::cap(value, 4096),
                at,
            });
        } else {
            self.overflow(&at.path);
        }
    }

    pub fn reference(&mut self, kind: ReferenceKind, value: &str, at: Location) {
        self.reference_part(kind, value, None, at);
    }

    /// A reference to a part of something.
    pub fn reference_part(
        &mut self,
        kind: ReferenceKind,
        value: &str,
        span: Option<Span>,
        at: Location,
    ) {
        if self.facts.references.len() < self.limits.facts {
            self.facts.references.push(Reference {
                kind,
                value: text::cap(value, 1024),
                at,
                span,
            });
        } else {
            self.overflow(&at.path);
        }
    }

    /// The facts so far, for readers that look back at what they wrote.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub fn facts_mut(&mut self) -> &mut Facts {
        &mut self.facts
    }

    fn overflow(&mut self, path: &str) {
        if !self.full {
            self.full = true;
            self.gap(
                Why::Limit,
                "more facts than the limit allows",
                Location::file(path),
            );
        }
    }
}

/// A member of a container.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// Where the stored bytes lie in the container's bytes.
    pub span: Option<Span>,
    /// The container's ordinary loader reads it.
    pub reached: bool,
    /// The container's format name.
    pub inside: &'static str,
}
