//! The vocabulary of Modelward: plain data that flows one way,
//! bytes → facts → findings → verdict → record.
//!
//! Every type that crosses a process, API, policy or storage boundary lives
//! here. The [`Report`] is at once what `scan --format json` prints, what Rego
//! sees as `input`, and what the registry stores.
//!
//! Conventions: lists are sorted by where things were seen, an absent list is
//! `[]`, an unknown value is absent, text from an artifact is capped and marked
//! with its full length.
#![forbid(unsafe_code)]

mod artifact;
mod code;
mod context;
mod document;
mod evidence;
mod facts;
mod finding;
mod graph;
mod location;
mod manifest;
mod record;
mod report;
mod suspect;
mod template;
mod tensor;
mod verdict;
mod wiring;

pub use artifact::{Artifact, Digest, Source, SourceKind, TrackedFile};
pub use code::{Action, Code, Term, Via};
pub use context::{Context, PolicyInput, Stage};
pub use document::schema_documents;
pub use evidence::{
    About, Approval, Chain, Custody, Evidence, EvidenceProblem, Exemption, Holder, Hop, HopInput,
    SignedStatement, Standing,
};
pub use facts::{Anomaly, Coverage, Facts, FileFact, Gap, Metadata, Reference, ReferenceKind, Why};
pub use finding::{Confidence, Finding, Severity};
pub use graph::{Graph, Port};
pub use location::{Location, Span};
pub use manifest::{
    Capabilities, CustomerData, DataClass, Exposure, Influence, Manifest, ManifestFault,
    ManifestSource, Origin, Owner, Parent, Scope, Tags, Tier, Training, TrainingRef,
    Transformation, UseCase,
};
pub use record::{DecisionRecord, LogEntry, LogEvent, Passport, VersionRecord};
pub use report::{Report, Sandbox, Tool};
pub use suspect::{Analysis, Spot, Suspect, SuspectKind};
pub use template::{Template, TemplateUse, UseKind};
pub use tensor::Tensor;
pub use verdict::{Decision, Effect, Facet, FacetState, PolicyRef, Reason, Verdict};
pub use wiring::{
    Attribute, Body, BodyKind, Constant, Dim, INLINE, Node, Setting, Summary, Value, Wiring,
};

/// Version of the report document. Adding a member keeps it; changing the
/// meaning of one makes the next.
pub const REPORT_SCHEMA: &str = "modelward.report/1";
/// Version of `modelward.yaml`.
pub const MANIFEST_SCHEMA: &str = "modelward.manifest/1";
